/* SPDX-License-Identifier: Apache-2.0 */
/* sys.objects and what belongs to objects. */
#include "tests/sqlserver/sql_views.h"

#define OBJECT_COLUMNS                                                                                                     \
	"name sysname o.name|object_id int o.object_id|principal_id int NULL|schema_id int o.schema_id|"                       \
	"parent_object_id int o.parent_id|type char(2) substr(o.type||' ',1,2)|type_desc nvarchar(60) "                        \
	"CASE o.type WHEN 'U' THEN 'USER_TABLE' WHEN 'V' THEN 'VIEW' WHEN 'P' THEN 'SQL_STORED_PROCEDURE' "                    \
	"WHEN 'FN' THEN 'SQL_SCALAR_FUNCTION' WHEN 'IF' THEN 'SQL_INLINE_TABLE_VALUED_FUNCTION' WHEN 'TR' THEN 'SQL_TRIGGER' " \
	"WHEN 'PK' THEN 'PRIMARY_KEY_CONSTRAINT' WHEN 'UQ' THEN 'UNIQUE_CONSTRAINT' WHEN 'F' THEN 'FOREIGN_KEY_CONSTRAINT' "   \
	"WHEN 'C' THEN 'CHECK_CONSTRAINT' WHEN 'D' THEN 'DEFAULT_CONSTRAINT' WHEN 'SO' THEN 'SEQUENCE_OBJECT' "                \
	"WHEN 'SP' THEN 'SECURITY_POLICY' END|create_date datetime o.created|modify_date datetime o.modified|"                 \
	"is_ms_shipped bit instr(o.flags,'shipped')>0|is_published bit instr(o.flags,'published')>0|is_schema_published bit 0"
#define OBJECTS "@d.m_objects o"
#define SEEN " visible(@n, CASE WHEN o.parent_id THEN o.parent_id ELSE o.object_id END)"
#define FLAG(name) "instr(o.flags,'" name "')>0"
#define DEFINITION                                                                             \
	"CASE WHEN may_define(@n,CASE WHEN o.parent_id THEN o.parent_id ELSE o.object_id END) AND" \
	" instr(o.flags,'encrypted')=0 THEN o.definition END"

#define COLUMN_COLUMNS                                                                                                       \
	"object_id int c.object_id|name sysname c.name|column_id int c.column_id|system_type_id tinyint system_type(c.kind)|"    \
	"user_type_id int c.user_type|max_length smallint CASE WHEN c.length=65535 THEN -1 ELSE c.length END|"                   \
	"precision tinyint c.precision|scale tinyint c.scale|collation_name sysname c.collation|is_nullable bit c.nullable|"     \
	"is_ansi_padded bit c.ansi_padded|is_rowguidcol bit c.row_guid|is_identity bit c.identity|"                              \
	"is_computed bit c.computed IS NOT NULL|is_filestream bit c.filestream|is_replicated bit 0|"                             \
	"is_non_sql_subscribed bit 0|is_merge_published bit 0|is_dts_replicated bit 0|is_xml_document bit 0|"                    \
	"xml_collection_id int 0|default_object_id int coalesce((SELECT q.object_id FROM @d.m_objects q WHERE q.parent_id="      \
	"c.object_id AND q.type='D' AND q.x1=c.column_id),0)|rule_object_id int 0|is_sparse bit c.sparse|"                       \
	"is_column_set bit c.column_set|13:generated_always_type tinyint c.generated|13:generated_always_type_desc nvarchar(60)" \
	" CASE c.generated WHEN 1 THEN 'AS_ROW_START' WHEN 2 THEN 'AS_ROW_END' ELSE 'NOT_APPLICABLE' END|"                       \
	"13:encryption_type int CASE WHEN c.encrypted THEN 1 END|13:encryption_type_desc nvarchar(64) CASE WHEN c.encrypted"     \
	" THEN 'DETERMINISTIC' END|13:encryption_algorithm_name sysname CASE WHEN c.encrypted THEN"                              \
	" 'AEAD_AES_256_CBC_HMAC_SHA_256' END|13:column_encryption_key_id int CASE WHEN c.encrypted THEN 1 END|"                 \
	"13:column_encryption_key_database_name sysname NULL|13:is_hidden bit c.hidden|13:is_masked bit c.mask IS NOT NULL|"     \
	"14:graph_type int NULL|14:graph_type_desc nvarchar(60) NULL|16:is_data_deletion_filter_column bit 0|"                   \
	"16:ledger_view_column_type int NULL|16:ledger_view_column_type_desc nvarchar(60) NULL|16:is_dropped_ledger_column bit 0"
#define COLUMN_SOURCE "@d.m_columns c JOIN @d.m_objects o ON o.object_id=c.object_id"

const struct system_view catalogue_views[] = { { "sys", "objects", 11, OBJECTS " WHERE" SEEN, OBJECT_COLUMNS },
	{ "sys", "all_objects", 11, OBJECTS " WHERE" SEEN, OBJECT_COLUMNS },
	{ "sys", "schemas", 11, "@d.m_schemas s",
		"name sysname s.name|schema_id int s.schema_id|principal_id int s.principal_id" },
	{ "sys", "tables", 11, OBJECTS " WHERE o.type='U' AND" SEEN,
		OBJECT_COLUMNS
		"|lob_data_space_id int (SELECT max(kind IN (21,25,28,29) OR length=65535) FROM @d.m_columns z WHERE z.object_id="
		"o.object_id)|filestream_data_space_id int NULL|max_column_id_used int (SELECT max(column_id) FROM @d.m_columns z WHERE"
		" z.object_id=o.object_id)|lock_on_bulk_load bit 0|uses_ansi_nulls bit o.ansi_nulls|is_replicated bit 0|"
		"has_replication_filter bit 0|is_merge_published bit 0|is_sync_tran_subscribed bit 0|has_unchecked_assembly_data bit 0|"
		"text_in_row_limit int 0|large_value_types_out_of_row bit 0|is_tracked_by_cdc bit " FLAG("cdc") "|lock_escalation tinyint CASE WHEN " FLAG(
			"escalation_off") " THEN 1 ELSE 0 END|lock_escalation_desc nvarchar(60)"
							  " CASE WHEN " FLAG("escalation_off") " THEN 'DISABLE' ELSE 'TABLE' END|is_filetable bit " FLAG("filetable") "|12:durability tinyint 0|12:durability_desc nvarchar(60) 'SCHEMA_AND_DATA'|12:is_memory_optimized bit " FLAG("memory_optimized") "|13:temporal_type tinyint CASE WHEN " FLAG(
								  "temporal") " THEN 2 ELSE 0 END|"
											  "13:temporal_type_desc nvarchar(60) CASE WHEN " FLAG(
												  "temporal") " THEN 'SYSTEM_VERSIONED_TEMPORAL_TABLE' ELSE"
															  " 'NON_TEMPORAL_TABLE' END|13:history_table_id int NULL|13:is_remote_data_archive_enabled bit 0|13:is_external bit " FLAG(
																  "external") "|14:history_retention_period int NULL|14:history_retention_period_unit int NULL|"
																			  "14:history_retention_period_unit_desc nvarchar(10) NULL|14:is_node bit " FLAG(" node") "|14:is_edge bit " FLAG(
																				  " edge") "|16:data_retention_period int -1|16:data_retention_period_unit int -1|16:data_retention_period_unit_desc nvarchar(10)"
																						   " 'INFINITE'|16:ledger_type tinyint CASE WHEN " FLAG(
																							   "ledger") " THEN 2 ELSE 0 END|16:ledger_type_desc nvarchar(60)"
																										 " CASE WHEN " FLAG(
																											 "ledger") " THEN 'UPDATABLE_LEDGER_TABLE' ELSE 'NON_LEDGER_TABLE' END|16:ledger_view_id int NULL|"
																													   "16:is_dropped_ledger_table bit 0" },
	{ "sys", "views", 11, OBJECTS " WHERE o.type='V' AND" SEEN,
		OBJECT_COLUMNS
		"|is_replicated bit 0|"
		"has_replication_filter bit 0|has_opaque_metadata bit 0|has_unchecked_assembly_data bit 0|with_check_option bit 0|"
		"is_date_correlation_view bit 0|13:is_tracked_by_cdc bit 0" },
	{ "sys", "procedures", 11, OBJECTS " WHERE o.type='P' AND" SEEN,
		OBJECT_COLUMNS "|is_auto_executed bit 0|"
					   "is_execution_replicated bit 0|is_repl_serializable_only bit 0|skips_repl_constraints bit 0" },
	{ "sys", "columns", 11, COLUMN_SOURCE " WHERE" SEEN, COLUMN_COLUMNS },
	{ "sys", "all_columns", 11, COLUMN_SOURCE " WHERE" SEEN, COLUMN_COLUMNS },
	{ "sys", "computed_columns", 11, COLUMN_SOURCE " WHERE c.computed IS NOT NULL AND" SEEN,
		COLUMN_COLUMNS
		"|definition nvarchar(max) CASE WHEN may_define(@n,c.object_id) THEN c.computed END|uses_database_collation bit 0|"
		"is_persisted bit c.persisted" },
	{ "sys", "identity_columns", 11, COLUMN_SOURCE " WHERE c.identity AND" SEEN,
		COLUMN_COLUMNS
		"|seed_value sql_variant @V(c.seed)|increment_value sql_variant @V(c.increment)|last_value sql_variant"
		" @V(last_value_of(@n,c.object_id))|is_not_for_replication bit c.identity_nfr" },
	{ "sys", "masked_columns", 13, COLUMN_SOURCE " WHERE c.mask IS NOT NULL AND" SEEN,
		COLUMN_COLUMNS "|masking_function nvarchar(4000) CASE WHEN may_define(@n,c.object_id) THEN c.mask END" },
	{ "sys", "key_constraints", 11, OBJECTS " WHERE o.type IN ('PK','UQ') AND" SEEN,
		OBJECT_COLUMNS "|unique_index_id int o.x1|is_system_named bit o.system_named|16:is_enforced bit 1" },
	{ "sys", "foreign_keys", 11, OBJECTS " WHERE o.type='F' AND" SEEN,
		OBJECT_COLUMNS
		"|referenced_object_id int o.x1|"
		"key_index_id int o.x2|is_disabled bit o.disabled|is_not_for_replication bit o.nfr|is_not_trusted bit o.not_trusted|"
		"delete_referential_action tinyint o.x3|delete_referential_action_desc nvarchar(60) CASE o.x3 WHEN 1 THEN 'CASCADE' WHEN"
		" 2 THEN 'SET_NULL' WHEN 3 THEN 'SET_DEFAULT' ELSE 'NO_ACTION' END|update_referential_action tinyint o.x4|"
		"update_referential_action_desc nvarchar(60) CASE o.x4 WHEN 1 THEN 'CASCADE' WHEN 2 THEN 'SET_NULL' WHEN 3 THEN"
		" 'SET_DEFAULT' ELSE 'NO_ACTION' END|is_system_named bit o.system_named" },
	{ "sys", "foreign_key_columns", 11, "@d.m_fk_columns k JOIN @d.m_objects o ON o.object_id=k.fk_id WHERE" SEEN,
		"constraint_object_id int k.fk_id|constraint_column_id int k.position|parent_object_id int o.parent_id|"
		"parent_column_id int k.column_id|referenced_object_id int o.x1|referenced_column_id int k.referenced_column_id" },
	{ "sys", "check_constraints", 11, OBJECTS " WHERE o.type='C' AND" SEEN,
		OBJECT_COLUMNS
		"|is_disabled bit o.disabled|"
		"is_not_for_replication bit o.nfr|is_not_trusted bit o.not_trusted|parent_column_id int o.x1|definition nvarchar(max) " DEFINITION
		"|uses_database_collation bit 0|is_system_named bit o.system_named" },
	{ "sys", "default_constraints", 11, OBJECTS " WHERE o.type='D' AND" SEEN,
		OBJECT_COLUMNS "|parent_column_id int o.x1|"
					   "definition nvarchar(max) " DEFINITION "|is_system_named bit o.system_named" },
	{ "sys", "sequences", 11, OBJECTS " WHERE o.type='SO' AND" SEEN,
		OBJECT_COLUMNS
		"|start_value sql_variant @V(o.x1)|"
		"increment sql_variant @V(o.x2)|minimum_value sql_variant @V(o.x3)|maximum_value sql_variant @V(o.x4)|"
		"is_cycling bit o.instead|is_cached bit 1|cache_size int NULL|system_type_id tinyint system_type(o.x6)|"
		"user_type_id int system_type(o.x6)|precision tinyint 19|scale tinyint 0|current_value sql_variant @V(o.x5)|"
		"is_exhausted bit 0|14:last_used_value sql_variant @V(CASE WHEN o.flags='unused' THEN NULL ELSE o.x5 END)" },
	{ "sys", "indexes", 11, "@d.m_indexes i JOIN @d.m_objects o ON o.object_id=i.object_id WHERE" SEEN,
		"object_id int i.object_id|name sysname i.name|index_id int i.index_id|type tinyint i.type|type_desc nvarchar(60) CASE"
		" i.type WHEN 0 THEN 'HEAP' WHEN 1 THEN 'CLUSTERED' WHEN 2 THEN 'NONCLUSTERED' WHEN 5 THEN 'CLUSTERED COLUMNSTORE' WHEN 6"
		" THEN 'NONCLUSTERED COLUMNSTORE' END|is_unique bit i.is_unique|data_space_id int 1|ignore_dup_key bit i.ignore_dup|"
		"is_primary_key bit i.primary_key|is_unique_constraint bit i.unique_constraint|fill_factor tinyint i.fill_factor|"
		"is_padded bit i.padded|is_disabled bit i.disabled|is_hypothetical bit 0|13:is_ignored_in_optimization bit 0|"
		"allow_row_locks bit 1|allow_page_locks bit 1|has_filter bit i.filter IS NOT NULL|filter_definition nvarchar(max)"
		" CASE WHEN may_define(@n,i.object_id) THEN i.filter END|12:compression_delay int NULL|"
		"14:suppress_dup_key_messages bit 0|14:auto_created bit 0|15:optimize_for_sequential_key bit 0" },
	{ "sys", "index_columns", 11, "@d.m_index_columns i JOIN @d.m_objects o ON o.object_id=i.object_id WHERE" SEEN,
		"object_id int i.object_id|index_id int i.index_id|index_column_id int i.position|column_id int i.column_id|"
		"key_ordinal tinyint i.key_ordinal|partition_ordinal tinyint 0|is_descending_key bit i.descending|"
		"is_included_column bit i.included|15:column_store_order_ordinal tinyint 0" },
	{ "sys", "partitions", 11,
		"(SELECT i.object_id,i.index_id,i.compression,table_rows(@n,i.object_id) AS rows FROM @d.m_indexes i JOIN @d.m_objects o ON"
		" o.object_id=i.object_id AND o.type='U' UNION ALL SELECT q.id,1,0,0 FROM (" VIEWS_QUEUES ") q) i",
		"partition_id bigint 72057594000000000+i.object_id*100+i.index_id|object_id int i.object_id|index_id int i.index_id|"
		"partition_number int 1|hobt_id bigint 72057594000000000+i.object_id*100+i.index_id|rows bigint i.rows|"
		"filestream_filegroup_id smallint 0|data_compression tinyint i.compression|data_compression_desc nvarchar(60) CASE"
		" i.compression WHEN 1 THEN 'ROW' WHEN 2 THEN 'PAGE' ELSE 'NONE' END" },
	{ "sys", "dm_db_partition_stats", 11,
		"@d.m_indexes i JOIN @d.m_objects o ON o.object_id=i.object_id AND o.type='U' WHERE"
		" may_see_state(@n) AND" SEEN,
		"partition_id bigint 72057594000000000+i.object_id*100+i.index_id|object_id int i.object_id|"
		"index_id int i.index_id|partition_number int 1|in_row_data_page_count bigint table_pages(@n,i.object_id,i.index_id)|"
		"in_row_used_page_count bigint table_pages(@n,i.object_id,i.index_id)|in_row_reserved_page_count bigint"
		" table_pages(@n,i.object_id,i.index_id)|lob_used_page_count bigint 0|lob_reserved_page_count bigint 0|"
		"row_overflow_used_page_count bigint 0|row_overflow_reserved_page_count bigint 0|used_page_count bigint"
		" table_pages(@n,i.object_id,i.index_id)|reserved_page_count bigint table_pages(@n,i.object_id,i.index_id)|row_count bigint"
		" table_rows(@n,i.object_id)" },
	{ "sys", "allocation_units", 11, "@d.m_indexes i JOIN @d.m_objects o ON o.object_id=i.object_id AND o.type='U'",
		"allocation_unit_id bigint 72057594100000000+i.object_id*100+i.index_id|type tinyint 1|type_desc nvarchar(60)"
		" 'IN_ROW_DATA'|container_id bigint 72057594000000000+i.object_id*100+i.index_id|data_space_id int 1|total_pages bigint"
		" table_pages(@n,i.object_id,i.index_id)|used_pages bigint table_pages(@n,i.object_id,i.index_id)|data_pages bigint"
		" table_pages(@n,i.object_id,i.index_id)" },
	{ "sys", "triggers", 11, OBJECTS " WHERE o.type='TR' AND" SEEN,
		"name sysname o.name|object_id int o.object_id|"
		"parent_class tinyint o.parent_id<>0|parent_class_desc nvarchar(60) CASE WHEN o.parent_id THEN 'OBJECT_OR_COLUMN' ELSE"
		" 'DATABASE' END|parent_id int o.parent_id|type char(2) 'TR'|type_desc nvarchar(60) 'SQL_TRIGGER'|create_date datetime"
		" o.created|modify_date datetime o.modified|is_ms_shipped bit 0|is_disabled bit o.disabled|is_not_for_replication bit"
		" o.nfr|is_instead_of_trigger bit o.instead" },
	{ "sys", "trigger_events", 11,
		OBJECTS
		" JOIN (SELECT 1 AS type,1 AS mask,'INSERT' AS word UNION ALL SELECT 2,2,'UPDATE'"
		" UNION ALL SELECT 3,4,'DELETE' UNION ALL SELECT 22,8,'ALTER_TABLE') e ON o.x1 & e.mask WHERE o.type='TR' AND" SEEN,
		"object_id int o.object_id|type int e.type|"
		"type_desc nvarchar(60) e.word|is_trigger_event bit 1|is_first bit 0|is_last bit 0|event_group_type int NULL|"
		"event_group_type_desc nvarchar(60) NULL" },
	{ "sys", "sql_modules", 11, OBJECTS " WHERE o.type IN ('V','P','FN','IF','TR') AND" SEEN,
		"object_id int o.object_id|"
		"definition nvarchar(max) " DEFINITION "|uses_ansi_nulls bit o.ansi_nulls|uses_quoted_identifier bit o.quoted|"
		"is_schema_bound bit o.bound|uses_database_collation bit 0|is_recompiled bit 0|null_on_null_input bit 0|"
		"execute_as_principal_id int NULL|12:uses_native_compilation bit 0|15:is_inlineable bit 0|15:inline_type bit 0" },
	{ "sys", "all_sql_modules", 11, OBJECTS " WHERE o.type IN ('V','P','FN','IF','TR') AND" SEEN,
		"object_id int o.object_id|"
		"definition nvarchar(max) " DEFINITION "|uses_ansi_nulls bit o.ansi_nulls|uses_quoted_identifier bit o.quoted|"
		"is_schema_bound bit o.bound|uses_database_collation bit 0|is_recompiled bit 0|null_on_null_input bit 0|"
		"execute_as_principal_id int NULL|12:uses_native_compilation bit 0|15:is_inlineable bit 0|15:inline_type bit 0" },
	{ "sys", "parameters", 11, "@d.m_parameters p JOIN @d.m_objects o ON o.object_id=p.object_id WHERE" SEEN,
		"object_id int p.object_id|name sysname p.name|parameter_id int p.parameter_id|system_type_id tinyint system_type(p.kind)|"
		"user_type_id int p.user_type|max_length smallint CASE WHEN p.length=65535 THEN -1 ELSE p.length END|precision tinyint"
		" p.precision|scale tinyint p.scale|is_output bit p.output|is_cursor_ref bit 0|has_default_value bit 0|is_xml_document bit"
		" 0|default_value sql_variant NULL|xml_collection_id int 0|is_readonly bit 0|is_nullable bit 1" },
	{ "sys", "sql_expression_dependencies", 11,
		"@d.m_dependencies e JOIN @d.m_objects o ON o.object_id=e.referencing WHERE"
		" may_read_dependencies(@n)",
		"referencing_id int e.referencing|referencing_minor_id int 0|referencing_class tinyint 1|"
		"referencing_class_desc nvarchar(60) 'OBJECT_OR_COLUMN'|is_schema_bound_reference bit o.bound|referenced_class tinyint 1|"
		"referenced_class_desc nvarchar(60) 'OBJECT_OR_COLUMN'|referenced_server_name sysname NULL|referenced_database_name sysname"
		" e.database|referenced_schema_name sysname e.schema|referenced_entity_name sysname e.entity|referenced_id int"
		" e.referenced|referenced_minor_id int 0|is_caller_dependent bit 0|is_ambiguous bit 0" },
	{ "sys", "security_policies", 13, OBJECTS " WHERE o.type='SP' AND" SEEN,
		OBJECT_COLUMNS "|is_enabled bit NOT o.disabled|"
					   "is_not_for_replication bit 0|uses_database_collation bit 0|is_schema_bound bit 1" },
	{ "sys", "security_predicates", 13, "@d.m_predicates p JOIN @d.m_objects o ON o.object_id=p.policy WHERE" SEEN,
		"object_id int p.policy|security_predicate_id int 1|target_object_id int p.target|predicate_definition nvarchar(max)"
		" p.predicate|predicate_type int 0|predicate_type_desc nvarchar(60) 'FILTER'|operation int NULL|operation_desc"
		" nvarchar(60) NULL" },
	{ "sys", "periods", 13, OBJECTS " WHERE o.type='U' AND " FLAG("period") " AND" SEEN,
		"name sysname 'SYSTEM_TIME'|"
		"period_type tinyint 1|period_type_desc nvarchar(60) 'SYSTEM_TIME_PERIOD'|object_id int o.object_id|start_column_id int"
		" (SELECT column_id FROM @d.m_columns z WHERE z.object_id=o.object_id AND generated=1)|end_column_id int (SELECT column_id"
		" FROM @d.m_columns z WHERE z.object_id=o.object_id AND generated=2)" },
	{ "sys", "change_tracking_tables", 11, OBJECTS " WHERE o.type='U' AND " FLAG("tracked") " AND" SEEN,
		"object_id int"
		" o.object_id|is_track_columns_updated_on bit 0|min_valid_version bigint 0|begin_version bigint 0|cleanup_version bigint 0" },
	{ "sys", "extended_properties", 11, "@d.m_properties p",
		"class tinyint p.class|class_desc nvarchar(60) CASE p.class WHEN 0"
		" THEN 'DATABASE' ELSE 'OBJECT_OR_COLUMN' END|major_id int p.major|minor_id int p.minor|name sysname p.name|value"
		" nvarchar(4000) p.value" },
	{ "INFORMATION_SCHEMA", "TABLES", 11,
		OBJECTS " JOIN @d.m_schemas s USING(schema_id) WHERE o.type IN ('U','V') AND" SEEN,
		"TABLE_CATALOG nvarchar(128) f_db_name(@n)|TABLE_SCHEMA sysname s.name|TABLE_NAME sysname o.name|TABLE_TYPE varchar(10)"
		" CASE o.type WHEN 'U' THEN 'BASE TABLE' ELSE 'VIEW' END" },
	{ "INFORMATION_SCHEMA", "SCHEMATA", 11, "@d.m_schemas s",
		"CATALOG_NAME nvarchar(128) f_db_name(@n)|SCHEMA_NAME sysname"
		" s.name|SCHEMA_OWNER sysname 'dbo'" },
	{ "INFORMATION_SCHEMA", "COLUMNS", 11,
		COLUMN_SOURCE " JOIN @d.m_schemas s USING(schema_id) WHERE o.type IN ('U','V') AND" SEEN,
		"TABLE_CATALOG nvarchar(128) f_db_name(@n)|TABLE_SCHEMA sysname s.name|TABLE_NAME sysname o.name|COLUMN_NAME sysname"
		" c.name|ORDINAL_POSITION int c.column_id|COLUMN_DEFAULT nvarchar(4000) (SELECT q.definition FROM @d.m_objects q WHERE"
		" q.parent_id=c.object_id AND q.type='D' AND q.x1=c.column_id)|IS_NULLABLE varchar(3) CASE WHEN c.nullable THEN 'YES' ELSE"
		" 'NO' END|DATA_TYPE nvarchar(128) f_type_name(system_type(c.kind))|CHARACTER_MAXIMUM_LENGTH int CASE WHEN c.kind BETWEEN 19"
		" AND 28 THEN CASE WHEN c.length=65535 THEN -1 WHEN c.kind BETWEEN 22 AND 25 THEN c.length/2 ELSE c.length END END|"
		"CHARACTER_OCTET_LENGTH int CASE WHEN c.kind BETWEEN 19 AND 28 THEN CASE WHEN c.length=65535 THEN -1 ELSE c.length END END|"
		"NUMERIC_PRECISION tinyint CASE WHEN c.kind BETWEEN 2 AND 11 THEN c.precision END|NUMERIC_SCALE int CASE WHEN c.kind"
		" BETWEEN 2 AND 9 THEN c.scale END|DATETIME_PRECISION smallint CASE WHEN c.kind BETWEEN 12 AND 17 THEN c.scale END|"
		"CHARACTER_SET_NAME sysname NULL|COLLATION_NAME sysname c.collation" },
	{ NULL, NULL, 0, NULL, NULL } };
