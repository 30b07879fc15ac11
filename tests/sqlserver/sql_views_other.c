/* SPDX-License-Identifier: Apache-2.0 */
/* Views of types, principals, files, sessions; and those that are always empty here. */
#include "tests/sqlserver/sql_views.h"

#define PRINCIPALS "@d.m_principals p"
#define NONE "(SELECT 0 AS x) WHERE 0"

const struct system_view object_views[] = {
	{ "sys", "types", 11, "!types",
		"name sysname g1|system_type_id tinyint g2|user_type_id int g3|schema_id int g4|"
		"principal_id int NULL|max_length smallint g5|precision tinyint g6|scale tinyint g7|collation_name sysname g8|"
		"is_nullable bit g9|is_user_defined bit g10|is_assembly_type bit g11|default_object_id int 0|rule_object_id int 0|"
		"is_table_type bit 0" },
	{ "sys", "systypes", 11, "!types", "name sysname g1|xtype tinyint g2|xusertype smallint g3|length smallint g5" },
	{ "sys", "assembly_types", 11, "!types WHERE g11",
		"name sysname g1|system_type_id tinyint g2|user_type_id int g3|schema_id"
		" int g4|principal_id int NULL|max_length smallint g5|precision tinyint g6|scale tinyint g7|collation_name sysname g8|"
		"is_nullable bit g9|is_user_defined bit 0|is_assembly_type bit 1|default_object_id int 0|rule_object_id int 0|assembly_id"
		" int 1|assembly_class sysname g1|is_binary_ordered bit 1|is_fixed_length bit 0|prog_id nvarchar(40) NULL|"
		"assembly_qualified_name nvarchar(4000) NULL|is_table_type bit 0" },
	{ "sys", "table_types", 11, NONE,
		"name sysname NULL|user_type_id int 0|schema_id int 0|type_table_object_id int 0" },
	{ "sys", "database_principals", 11, PRINCIPALS,
		"name sysname p.name|principal_id int p.principal_id|type char(1) p.type|"
		"type_desc nvarchar(60) CASE p.type WHEN 'R' THEN 'DATABASE_ROLE' WHEN 'U' THEN 'WINDOWS_USER' ELSE 'SQL_USER' END|"
		"default_schema_name sysname CASE WHEN p.type='R' THEN NULL ELSE 'dbo' END|create_date datetime p.created|modify_date"
		" datetime p.created|owning_principal_id int CASE WHEN p.type='R' THEN 1 END|sid varbinary(85) f_suser_sid("
		"coalesce(p.login,p.name))|is_fixed_role bit p.fixed|authentication_type int CASE WHEN p.type='R' THEN 0 ELSE 1 END|"
		"authentication_type_desc nvarchar(60) CASE WHEN p.type='R' THEN 'NONE' ELSE 'INSTANCE' END" },
	{ "sys", "database_role_members", 11, "@d.m_members m",
		"role_principal_id int m.role_id|member_principal_id int"
		" m.member_id" },
	{ "sys", "database_permissions", 11, "@d.m_permissions p",
		"class tinyint p.class|class_desc nvarchar(60) CASE p.class WHEN 0"
		" THEN 'DATABASE' WHEN 3 THEN 'SCHEMA' ELSE 'OBJECT_OR_COLUMN' END|major_id int p.major|minor_id int 0|"
		"grantee_principal_id int p.grantee|grantor_principal_id int 1|type char(4) substr(p.permission,1,2)||'  '|permission_name"
		" nvarchar(128) p.permission|state char(1) p.state|state_desc nvarchar(60) CASE p.state WHEN 'D' THEN 'DENY' ELSE 'GRANT'"
		" END" },
	{ "sys", "filegroups", 11, "(SELECT 1)",
		"name sysname 'PRIMARY'|data_space_id int 1|type char(2) 'FG'|type_desc nvarchar(60)"
		" 'ROWS_FILEGROUP'|is_default bit 1|is_system bit 0|filegroup_guid uniqueidentifier NULL|log_filegroup_id int NULL|"
		"is_read_only bit 0|13:is_autogrow_all_files bit 0" },
	{ "sys", "data_spaces", 11, "(SELECT 1)",
		"name sysname 'PRIMARY'|data_space_id int 1|type char(2) 'FG'|type_desc"
		" nvarchar(60) 'ROWS_FILEGROUP'|is_default bit 1|is_system bit 0" },
	{ "sys", "database_files", 11, "!files WHERE g1=@n",
		"file_id int g2|file_guid uniqueidentifier NULL|type tinyint g3|"
		"type_desc nvarchar(60) CASE g3 WHEN 0 THEN 'ROWS' ELSE 'LOG' END|data_space_id int 1-g3|name sysname g4|physical_name"
		" nvarchar(260) g5|state tinyint 0|state_desc nvarchar(60) 'ONLINE'|size int g6|max_size int g7|growth int 8192|"
		"is_media_read_only bit 0|is_read_only bit 0|is_sparse bit 0|is_percent_growth bit 0|is_name_reserved bit 0" },
	{ "sys", "xml_indexes", 11, NONE,
		"object_id int 0|name sysname NULL|index_id int 0|type tinyint 3|type_desc nvarchar(60)"
		" 'XML'|using_xml_index_id int NULL|secondary_type char(1) NULL" },
	{ "sys", "spatial_indexes", 11, NONE, "object_id int 0|name sysname NULL|index_id int 0|type tinyint 4" },
	{ "sys", "fulltext_indexes", 11, NONE,
		"object_id int 0|unique_index_id int 0|fulltext_catalog_id int 0|is_enabled bit 1|"
		"change_tracking_state char(1) 'A'|change_tracking_state_desc nvarchar(60) 'AUTO'|stoplist_id int NULL|data_space_id int 1" },
	{ "sys", "fulltext_index_columns", 11, NONE,
		"object_id int 0|column_id int 0|type_column_id int NULL|language_id int 0" },
	{ "sys", "fulltext_catalogs", 11, NONE, "fulltext_catalog_id int 0|name sysname NULL|is_default bit 0" },
	{ "sys", "partition_functions", 11, NONE, "name sysname NULL|function_id int 0|type char(2) 'R '|fanout int 0" },
	{ "sys", "partition_schemes", 11, NONE,
		"name sysname NULL|data_space_id int 0|type char(2) 'PS'|function_id int 0" },
	{ "sys", "column_encryption_keys", 13, NONE,
		"name sysname NULL|column_encryption_key_id int 0|create_date datetime 0|"
		"modify_date datetime 0" },
	{ "sys", "column_master_keys", 13, NONE, "name sysname NULL|column_master_key_id int 0" },
	{ "sys", "external_tables", 13, NONE, "name sysname NULL|object_id int 0|schema_id int 0" },
	{ "sys", "filetables", 11, NONE, "object_id int 0|is_enabled bit 0|directory_name nvarchar(255) NULL" },
	{ "sys", "synonyms", 11, NONE,
		"name sysname NULL|object_id int 0|schema_id int 0|base_object_name nvarchar(1035) NULL" },
	{ "sys", "assemblies", 11, NONE, "name sysname NULL|assembly_id int 0|is_user_defined bit 0" },
	{ "sys", "service_queues", 11, NONE, "name sysname NULL|object_id int 0|is_ms_shipped bit 0" },
	{ "sys", "services", 11, NONE, "name sysname NULL|service_id int 0" },
	{ "sys", "stats", 11, NONE,
		"object_id int 0|name sysname NULL|stats_id int 0|auto_created bit 0|user_created bit 0" },
	{ "sys", "publications", 11, NONE, "name sysname NULL|pubid int 0" },
	{ "sys", "event_notifications", 11, NONE, "name sysname NULL|object_id int 0" },
	{ "sys", "plan_guides", 11, NONE, "plan_guide_id int 0|name sysname NULL" },
	{ "sys", "column_store_row_groups", 12, NONE, "object_id int 0|index_id int 0|row_group_id int 0" },
	{ "sys", "numbered_procedures", 11, NONE,
		"object_id int 0|procedure_number smallint 0|definition nvarchar(max) NULL" },
	{ "sys", "crypt_properties", 11, NONE, "class tinyint 0|major_id int 0" },
	{ "sys", "internal_tables", 11, "(" VIEWS_QUEUES ") q WHERE visible(@n,q.id)",
		"name sysname 'queue_messages_'||q.queue|object_id int q.id|schema_id int 4|parent_object_id int 0|type char(2)"
		" 'IT'|internal_type tinyint 201|internal_type_desc nvarchar(60) 'QUEUE_MESSAGES'|parent_id int q.queue|"
		"parent_minor_id int 0" },
	{ "sys", "hash_indexes", 12, NONE, "object_id int 0|name sysname NULL|index_id int 0|bucket_count int 0" },
	{ "sys", "xml_schema_collections", 11, NONE,
		"xml_collection_id int 0|schema_id int 0|principal_id int NULL|name sysname"
		" NULL|create_date datetime 0|modify_date datetime 0" },
	{ "sys", "availability_databases_cluster", 11, NONE,
		"group_id uniqueidentifier NULL|group_database_id uniqueidentifier"
		" NULL|database_name sysname NULL" },
	{ "sys", "system_objects", 11, NONE, "name sysname NULL|object_id int 0|schema_id int 0|type char(2) NULL" },
	{ NULL, NULL, 0, NULL, NULL }
};

const struct system_view server_views[] = {
	{ "sys", "databases", 11, "!databases",
		"name sysname g1|database_id int g2|source_database_id int NULL|owner_sid"
		" varbinary(85) x'01'|create_date datetime g3|compatibility_level tinyint g4|collation_name sysname g5|user_access tinyint"
		" g6|user_access_desc nvarchar(60) CASE g6 WHEN 1 THEN 'SINGLE_USER' WHEN 2 THEN 'RESTRICTED_USER' ELSE 'MULTI_USER' END|"
		"is_read_only bit g7|is_auto_close_on bit 0|is_auto_shrink_on bit 0|state tinyint g8|state_desc nvarchar(60) CASE g8 WHEN"
		" 0 THEN 'ONLINE' WHEN 1 THEN 'RESTORING' WHEN 2 THEN 'RECOVERING' WHEN 3 THEN 'RECOVERY_PENDING' WHEN 4 THEN 'SUSPECT'"
		" WHEN 5 THEN 'EMERGENCY' ELSE 'OFFLINE' END|is_in_standby bit 0|is_cleanly_shutdown bit 0|"
		"is_supplemental_logging_enabled bit 0|snapshot_isolation_state tinyint g9|snapshot_isolation_state_desc nvarchar(60) CASE"
		" g9 WHEN 1 THEN 'ON' WHEN 0 THEN 'OFF' WHEN 2 THEN 'IN_TRANSITION_TO_OFF' ELSE 'IN_TRANSITION_TO_ON' END|"
		"is_read_committed_snapshot_on bit g10|recovery_model tinyint g11|recovery_model_desc nvarchar(60) CASE g11 WHEN 1 THEN"
		" 'FULL' WHEN 2 THEN 'BULK_LOGGED' ELSE 'SIMPLE' END|page_verify_option tinyint 2|page_verify_option_desc nvarchar(60)"
		" 'CHECKSUM'|is_auto_create_stats_on bit 1|is_auto_update_stats_on bit 1|is_ansi_null_default_on bit 0|is_ansi_nulls_on bit"
		" 0|is_ansi_padding_on bit 0|is_ansi_warnings_on bit 0|is_arithabort_on bit 0|is_quoted_identifier_on bit 0|"
		"is_recursive_triggers_on bit 0|is_fulltext_enabled bit 0|is_trustworthy_on bit g12|is_db_chaining_on bit 0|"
		"is_parameterization_forced bit 0|is_master_key_encrypted_by_server bit 0|is_published bit instr(g13,'published')>0|"
		"is_subscribed bit instr(g13,'subscribed')>0|is_merge_published bit instr(g13,'merge')>0|is_distributor bit 0|"
		"is_sync_with_backup bit 0|service_broker_guid uniqueidentifier CAST(printf('%08x%08x',g3%4294967296,g2) AS BLOB)|"
		"is_broker_enabled bit 0|log_reuse_wait tinyint CASE"
		" WHEN g14>0 THEN 4 WHEN g11 IN (1,2) THEN 2 ELSE 0 END|log_reuse_wait_desc nvarchar(60) CASE WHEN g14>0 THEN"
		" 'ACTIVE_TRANSACTION' WHEN g11 IN (1,2) THEN 'LOG_BACKUP' ELSE 'NOTHING' END|is_cdc_enabled bit instr(g13,'cdc')>0|is_encrypted bit 0|is_honor_broker_priority_on bit 0|replica_id"
		" uniqueidentifier NULL|group_database_id uniqueidentifier CASE WHEN instr(g13,'replica')>0 THEN x'01020304050607080910"
		"111213141516' END|default_language_lcid smallint NULL|containment tinyint 0|containment_desc nvarchar(60) 'NONE'|"
		"target_recovery_time_in_seconds int 60|12:delayed_durability int CASE WHEN instr(g13,'durability_forced')>0 THEN 2 ELSE 0 END|12:delayed_durability_desc nvarchar(60) 'DISABLED'|"
		"12:is_memory_optimized_elevate_to_snapshot_on bit 0|13:is_query_store_on bit 0|13:is_remote_data_archive_enabled bit 0|"
		"15:is_accelerated_database_recovery_on bit 0|16:is_ledger_on bit 0" },
	{ "sys", "master_files", 11, "!files",
		"database_id int g1|file_id int g2|file_guid uniqueidentifier NULL|type tinyint g3|"
		"type_desc nvarchar(60) CASE g3 WHEN 0 THEN 'ROWS' ELSE 'LOG' END|data_space_id int 1-g3|name sysname g4|physical_name"
		" nvarchar(260) g5|state tinyint 0|state_desc nvarchar(60) 'ONLINE'|size int g6|max_size int g7|growth int 8192|"
		"is_read_only bit 0|is_percent_growth bit 0" },
	{ "sys", "dm_exec_sessions", 11, "!sessions",
		"session_id smallint g1|login_time datetime g2|host_name nvarchar(128) g3|"
		"program_name nvarchar(128) g4|host_process_id int 1|client_version int 7|client_interface_name nvarchar(32) 'TDS'|"
		"security_id varbinary(85) f_suser_sid(g5)|login_name nvarchar(128) g5|nt_domain nvarchar(128) NULL|nt_user_name"
		" nvarchar(128) NULL|status nvarchar(30) CASE WHEN g6 THEN 'running' ELSE 'sleeping' END|cpu_time int 0|memory_usage int"
		" 2|total_scheduled_time int 0|total_elapsed_time int 0|endpoint_id int 4|last_request_start_time datetime g7|"
		"last_request_end_time datetime g7|reads bigint 0|writes bigint 0|logical_reads bigint 0|is_user_process bit 1|text_size"
		" int g8|language nvarchar(128) g9|date_format nvarchar(3) g10|date_first smallint g11|quoted_identifier bit g12|arithabort"
		" bit g13|ansi_null_dflt_on bit g14|ansi_defaults bit 0|ansi_warnings bit g15|ansi_padding bit g16|ansi_nulls bit g17|"
		"concat_null_yields_null bit g18|transaction_isolation_level smallint g19|lock_timeout int g20|deadlock_priority int g21|"
		"row_count bigint g22|prev_error int g23|original_security_id varbinary(85) f_suser_sid(g5)|original_login_name"
		" nvarchar(128) g5|last_successful_logon datetime NULL|last_unsuccessful_logon datetime NULL|unsuccessful_logons bigint"
		" NULL|group_id int 2|database_id smallint g24|authenticating_database_id int 1|open_transaction_count int g25" },
	{ "sys", "dm_exec_connections", 11, "!sessions",
		"session_id int g1|most_recent_session_id int g1|connect_time datetime g2|"
		"net_transport nvarchar(40) 'TCP'|protocol_type nvarchar(40) 'TSQL'|protocol_version int 1946157060|encrypt_option"
		" nvarchar(40) 'TRUE'|auth_scheme nvarchar(40) CASE WHEN instr(g5,'\\')>0 THEN 'NTLM' ELSE 'SQL' END|net_packet_size int"
		" 4096|client_net_address varchar(48) '127.0.0.1'" },
	{ "sys", "dm_exec_requests", 11, "!requests",
		"session_id smallint g1|request_id int 0|start_time datetime g2|status"
		" nvarchar(30) CASE WHEN g3 THEN 'suspended' ELSE 'running' END|command nvarchar(32) g4|database_id smallint g5|"
		"blocking_session_id smallint g3|wait_type nvarchar(60) CASE WHEN g3 THEN 'LCK_M_X' END|wait_time int 0|"
		"open_transaction_count int g6|percent_complete real 0.0|transaction_isolation_level smallint g7|lock_timeout int g8|"
		"deadlock_priority int g9|estimated_completion_time bigint 0|cpu_time int 0|total_elapsed_time int 0|user_id int 1" },
	{ "sys", "sysprocesses", 11, "!sessions",
		"spid smallint g1|kpid smallint 0|blocked smallint 0|dbid smallint g24|login_time"
		" datetime g2|open_tran smallint g25|status nchar(30) CASE WHEN g6 THEN 'running' ELSE 'sleeping' END|hostname nchar(128)"
		" g3|program_name nchar(128) g4|loginame nchar(128) g5" },
	{ "sys", "dm_tran_locks", 11, "!locks",
		"resource_type nvarchar(60) g1|resource_subtype nvarchar(60) ''|resource_database_id"
		" int g2|resource_description nvarchar(256) g3|resource_associated_entity_id bigint g4|request_mode nvarchar(60) g5|"
		"request_type nvarchar(60) 'LOCK'|request_status nvarchar(60) g6|request_session_id int g7|request_owner_type nvarchar(60)"
		" g8" },
	{ "sys", "dm_tran_active_transactions", 11, "!transactions",
		"transaction_id bigint g2|name nvarchar(32) 'user_transaction'|"
		"transaction_begin_time datetime g3|transaction_type int 1|transaction_state int 2" },
	{ "sys", "dm_tran_session_transactions", 11, "!transactions",
		"session_id int g1|transaction_id bigint g2|"
		"is_user_transaction bit 1|is_local bit 1|open_transaction_count int g4" },
	{ "sys", "dm_tran_database_transactions", 11, "!transactions",
		"transaction_id bigint g2|database_id int g5|"
		"database_transaction_begin_time datetime g3|database_transaction_log_bytes_used bigint g6" },
	{ "sys", "dm_tran_active_snapshot_database_transactions", 11, NONE, "transaction_id bigint 0|session_id int 0" },
	{ "sys", "dm_db_log_space_usage", 11, "!log WHERE g1=@n",
		"database_id int g1|total_log_size_in_bytes bigint g2|"
		"used_log_space_in_bytes bigint g3|used_log_space_in_percent real g3*100.0/g2|12:log_space_in_bytes_since_last_backup"
		" bigint g3" },
	{ "sys", "dm_db_file_space_usage", 11, "!files WHERE g1=@n AND g3=0",
		"database_id int g1|file_id int g2|filegroup_id int 1|"
		"total_page_count bigint g6|allocated_extent_page_count bigint g6|unallocated_extent_page_count bigint 0|"
		"version_store_reserved_page_count bigint 0|user_object_reserved_page_count bigint g6|"
		"internal_object_reserved_page_count bigint 0|mixed_extent_page_count bigint 0" },
	{ "sys", "server_principals", 11, "!logins",
		"name sysname g1|principal_id int g2|sid varbinary(85) f_suser_sid(g1)|type"
		" char(1) g3|type_desc nvarchar(60) CASE g3 WHEN 'S' THEN 'SQL_LOGIN' ELSE 'WINDOWS_LOGIN' END|is_disabled bit 0|"
		"create_date datetime 0|modify_date datetime 0|default_database_name sysname 'master'|default_language_name sysname"
		" 'us_english'|credential_id int NULL" },
	{ "sys", "sql_logins", 11, "!logins WHERE g3='S'",
		"name sysname g1|principal_id int g2|type char(1) g3|is_disabled bit 0" },
	{ "sys", "database_mirroring", 11, "!databases",
		"database_id int g2|mirroring_guid uniqueidentifier CASE WHEN"
		" instr(g13,'mirror')>0 THEN x'01020304050607080910111213141516' END|mirroring_state tinyint CASE WHEN"
		" instr(g13,'mirrored')>0 THEN 4 END|mirroring_state_desc nvarchar(60) CASE WHEN instr(g13,'mirrored')>0 THEN"
		" 'SYNCHRONIZED' END|mirroring_role tinyint CASE WHEN instr(g13,'mirrored')>0 THEN 1 WHEN instr(g13,'mirror_of')>0 THEN 2 END|"
		"mirroring_role_desc nvarchar(60) CASE WHEN instr(g13,'mirrored')>0 THEN 'PRINCIPAL' WHEN instr(g13,'mirror_of')>0 THEN"
		" 'MIRROR' END|mirroring_safety_level tinyint CASE WHEN instr(g13,'mirrored')>0"
		" THEN 2 END|mirroring_partner_name nvarchar(128) NULL|mirroring_partner_instance nvarchar(128) CASE WHEN"
		" instr(g13,'mirrored')>0 THEN 'PARTNER' END" },
	{ "sys", "dm_hadr_database_replica_states", 11, "!databases WHERE instr(g13,'replica')>0",
		"database_id int g2|group_id"
		" uniqueidentifier NULL|replica_id uniqueidentifier NULL|is_local bit 0|synchronization_state tinyint 1|"
		"log_send_queue_size bigint 640|redo_queue_size bigint 0|12:is_primary_replica bit 0" },
	{ "sys", "dm_os_performance_counters", 11, "!databases WHERE instr(g13,'mirrored')>0",
		"object_name nchar(128)"
		" 'SQLServer:Database Mirroring'|counter_name nchar(128) 'Log Send Queue KB'|instance_name nchar(128) g1|cntr_value bigint"
		" 320|cntr_type int 65792" },
	{ "dbo", "log_shipping_primary_databases", 11, "!databases WHERE instr(g13,'log_shipped')>0",
		"primary_id uniqueidentifier"
		" NULL|primary_database sysname g1|backup_directory nvarchar(500) ''|backup_share nvarchar(500) ''" },
	{ "sys", "availability_groups", 11, NONE, "group_id uniqueidentifier NULL|name sysname NULL" },
	{ "sys", "availability_replicas", 11, NONE, "replica_id uniqueidentifier NULL|group_id uniqueidentifier NULL" },
	{ "sys", "change_tracking_databases", 11, "!databases WHERE instr(g13,'tracked')>0",
		"database_id int g2|"
		"is_auto_cleanup_on bit 1|retention_period int 2" },
	{ "sys", "configurations", 11,
		"(SELECT 103 AS i,'user connections' AS n,0 AS v UNION ALL SELECT 1543,'min server memory"
		" (MB)',0 UNION ALL SELECT 1544,'max server memory (MB)',2147483647 UNION ALL SELECT 1534,'user options',0 UNION ALL SELECT"
		" 115,'nested triggers',1 UNION ALL SELECT 16387,'SMO and DMO XPs',1) t",
		"configuration_id int i|name nvarchar(35) n|value"
		" sql_variant @V(v)|minimum sql_variant @V(0)|maximum sql_variant @V(2147483647)|value_in_use sql_variant @V(v)|description"
		" nvarchar(255) n|is_dynamic bit 1|is_advanced bit 1" },
	{ "sys", "syslanguages", 11,
		"(SELECT 0 AS i,'mdy' AS f,'us_english' AS n,'English' AS a,1033 AS l UNION ALL SELECT 2,'dmy',"
		"'Français','French',1036 UNION ALL SELECT 1,'dmy','Deutsch','German',1031) t",
		"langid smallint i|dateformat nchar(3) f|"
		"datefirst tinyint 7|upgrade int 0|name sysname n|alias sysname a|lcid int l|msglangid smallint l" },
	{ "sys", "dm_os_sys_info", 11, "(SELECT 1)",
		"cpu_count int 2|physical_memory_kb bigint 8388608|sqlserver_start_time datetime"
		" f_getdate()" },
	{ "sys", "dm_server_services", 11, "(SELECT 1)",
		"servicename nvarchar(256) 'SQL Server (MSSQLSERVER)'|status int 4|"
		"status_desc nvarchar(256) 'Running'" },
	{ "sys", "endpoints", 11, NONE, "name sysname NULL|endpoint_id int 0|type tinyint 2|state tinyint 0" },
	{ "sys", "server_triggers", 11, "!databases WHERE g2=1 AND instr(g13,'server_trigger')>0 AND f_sees_server()",
		"name sysname"
		" 'server_trigger'|object_id int 77|parent_class tinyint 100|type char(2) 'TR'|is_ms_shipped bit 0|is_disabled bit 0" },
	{ "sys", "server_trigger_events", 11, "!databases WHERE g2=1 AND instr(g13,'server_trigger')>0 AND f_sees_server()",
		"object_id int 77|type int 22|type_desc nvarchar(60) 'ALTER_TABLE'|is_trigger_event bit 1" },
	{ "sys", "dm_database_encryption_keys", 11, NONE, "database_id int 0|encryption_state int 0" },
	{ "sys", "messages", 11, "(SELECT 1)",
		"message_id int 0|language_id smallint 1033|severity tinyint 0|text nvarchar(2048) ''" },
	{ NULL, NULL, 0, NULL, NULL }
};
