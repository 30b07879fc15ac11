/* SPDX-License-Identifier: Apache-2.0 */
/* Views of what the stand-in does not have: there, with their columns, and without rows. */
#include "tests/sqlserver/sql_system_view.h"

const struct system_view system_views_empty[] = {
	{ .name = "sys.change_tracking_tables", .columns = "object_id int=0;is_track_columns_updated_on bit=0;min_valid_version "
		"bigint=0;begin_version bigint=0;cleanup_version bigint=0", .from = "" },
	{ .name = "sys.change_tracking_databases", .columns = "database_id int=0;is_auto_cleanup_on tinyint=0;retention_period int=0;"
		"retention_period_units tinyint=0", .from = "" },
	{ .name = "sys.fulltext_indexes", .columns = "object_id int=0;unique_index_id int=0;fulltext_catalog_id int=0;is_enabled "
		"bit=0;change_tracking_state char(1)=0", .from = "" },
	{ .name = "sys.fulltext_catalogs", .columns = "fulltext_catalog_id int=0;name sysname=0;is_default bit=0", .from = "" },
	{ .name = "sys.xml_schema_collections", .columns = "xml_collection_id int=0;schema_id int=0;principal_id int=0;name sysname=0;"
		"create_date datetime=0;modify_date datetime=0", .from = "" },
	{ .name = "sys.xml_indexes", .columns = "object_id int=0;name sysname=0;index_id int=0;using_xml_index_id int=0;"
		"secondary_type char(1)=0", .from = "" },
	{ .name = "sys.spatial_indexes", .columns = "object_id int=0;name sysname=0;index_id int=0;tessellation_scheme sysname=0",
		.from = "" },
	{ .name = "sys.internal_tables", .columns = "name sysname=0;object_id int=0;schema_id int=0;parent_object_id int=0;type "
		"char(2)=0;internal_type tinyint=0;internal_type_desc nvarchar(60)=0;parent_id int=0;parent_minor_id int=0", .from = "" },
	{ .name = "sys.assemblies", .columns = "name sysname=0;principal_id int=0;assembly_id int=0;clr_name nvarchar(4000)=0;"
		"permission_set tinyint=0;is_visible bit=0;is_user_defined bit=0", .from = "" },
	{ .name = "sys.partition_functions", .columns = "name sysname=0;function_id int=0;type char(2)=0;fanout int=0;"
		"boundary_value_on_right bit=0", .from = "" },
	{ .name = "sys.partition_schemes", .columns = "name sysname=0;data_space_id int=0;type char(2)=0;function_id int=0",
		.from = "" },
	{ .name = "sys.periods", .since = 13, .columns = "name sysname=0;period_type tinyint=0;object_id int=0;start_column_id int=0;"
		"end_column_id int=0", .from = "" },
	{ .name = "sys.column_encryption_keys", .since = 13, .columns = "name sysname=0;column_encryption_key_id int=0;create_date "
		"datetime=0", .from = "" },
	{ .name = "sys.external_tables", .since = 13, .columns = "object_id int=0;name sysname=0;schema_id int=0;data_source_id int=0",
		.from = "" },
	{ .name = "sys.filetables", .columns = "object_id int=0;is_enabled bit=0;directory_name nvarchar(255)=0", .from = "" },
	{ .name = "sys.publications", .columns = "pubid int=0;name sysname=0", .from = "" },
	{ .name = "sys.hash_indexes", .since = 12, .columns = "object_id int=0;name sysname=0;index_id int=0;bucket_count int=0",
		.from = "" },
	{ .name = "sys.dm_hadr_database_replica_states", .columns = "database_id int=0;group_id uniqueidentifier=0;replica_id "
		"uniqueidentifier=0;is_local bit=0;is_primary_replica bit=0;synchronization_state tinyint=0;"
		"synchronization_state_desc nvarchar(60)=0;database_state_desc nvarchar(60)=0;log_send_queue_size bigint=0", .from = "" },
	{ .name = "sys.availability_replicas", .columns = "replica_id uniqueidentifier=0;group_id uniqueidentifier=0;"
		"replica_server_name nvarchar(256)=0", .from = "" },
	{ .name = "sys.availability_databases_cluster", .columns = "group_id uniqueidentifier=0;group_database_id "
		"uniqueidentifier=0;database_name sysname=0", .from = "" },
	{ .name = NULL },
};
