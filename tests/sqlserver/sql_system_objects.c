/* SPDX-License-Identifier: Apache-2.0 */
/* Objects of all kinds, and what they are made of in text. */
#include "tests/sqlserver/sql_system_view.h"

#define TYPE_TEXT(type) "(CASE " type " WHEN 'U' THEN 'USER_TABLE' WHEN 'V' THEN 'VIEW' WHEN 'P' THEN 'SQL_STORED_PROCEDURE' " \
	"WHEN 'FN' THEN 'SQL_SCALAR_FUNCTION' WHEN 'IF' THEN 'SQL_INLINE_TABLE_VALUED_FUNCTION' WHEN 'TF' THEN " \
	"'SQL_TABLE_VALUED_FUNCTION' WHEN 'TR' THEN 'SQL_TRIGGER' WHEN 'D' THEN 'DEFAULT_CONSTRAINT' WHEN 'C' THEN " \
	"'CHECK_CONSTRAINT' WHEN 'F' THEN 'FOREIGN_KEY_CONSTRAINT' WHEN 'PK' THEN 'PRIMARY_KEY_CONSTRAINT' WHEN 'UQ' THEN " \
	"'UNIQUE_CONSTRAINT' WHEN 'SO' THEN 'SEQUENCE_OBJECT' WHEN 'SN' THEN 'SYNONYM' WHEN 'SP' THEN 'SECURITY_POLICY' END)"

/* The columns that every kind of object starts with, as in sys.objects. */
#define OBJECT_COLUMNS \
	"name sysname=o.name;object_id int=o.object_id;principal_id int=NULL;schema_id int=o.schema_id;" \
	"parent_object_id int=o.parent_id;type char(2)=substr(o.type||' ',1,2);type_desc nvarchar(60)=" TYPE_TEXT("o.type") ";" \
	"create_date datetime=o.created;modify_date datetime=o.modified;is_ms_shipped bit=o.shipped;is_published bit=0;" \
	"is_schema_published bit=0;"
#define FLAG(word) "(instr(' '||o.flags||' ',' " word " ')>0)"
#define DEFINITION "CASE WHEN @V THEN o.definition END"

#define TABLE_COLUMNS \
	"lob_data_space_id int=0;filestream_data_space_id int=NULL;max_column_id_used int=(SELECT max(column_id) FROM " \
	"d@D.m_columns x WHERE x.object_id=o.object_id);lock_on_bulk_load bit=" FLAG("lock_on_bulk_load") ";" \
	"uses_ansi_nulls bit=o.ansi_nulls;is_replicated bit=0;has_replication_filter bit=0;is_merge_published bit=0;" \
	"is_sync_tran_subscribed bit=0;has_unchecked_assembly_data bit=0;text_in_row_limit int=0;" \
	"large_value_types_out_of_row bit=0;is_tracked_by_cdc bit=" FLAG("cdc") ";lock_escalation tinyint=0;" \
	"lock_escalation_desc nvarchar(60)='TABLE';is_filetable bit=" FLAG("filetable") ";" \
	"is_memory_optimized bit@12=" FLAG("memory_optimized") ";durability tinyint@12=0;durability_desc nvarchar(60)@12=" \
	"'SCHEMA_AND_DATA';temporal_type tinyint@13=CASE WHEN " FLAG("temporal") " THEN 2 WHEN " FLAG("history") " THEN 1 ELSE 0 END;" \
	"temporal_type_desc nvarchar(60)@13=CASE WHEN " FLAG("temporal") " THEN 'SYSTEM_VERSIONED_TEMPORAL_TABLE' WHEN " \
	FLAG("history") " THEN 'HISTORY_TABLE' ELSE 'NON_TEMPORAL_TABLE' END;history_table_id int@13=NULL;" \
	"is_remote_data_archive_enabled bit@13=0;is_external bit@13=" FLAG("external") ";is_node bit@14=" FLAG("node") ";" \
	"is_edge bit@14=" FLAG("edge") ";ledger_type tinyint@16=CASE WHEN " FLAG("ledger") " THEN 2 ELSE 0 END;" \
	"ledger_type_desc nvarchar(60)@16=CASE WHEN " FLAG("ledger") " THEN 'UPDATABLE_LEDGER_TABLE' ELSE 'NON_LEDGER_TABLE' END;"

/* sys.tables says is_published and is_merge_published itself: objects' come first, so it is spelt out here. */
#define TABLE_HEAD \
	"name sysname=o.name;object_id int=o.object_id;principal_id int=NULL;schema_id int=o.schema_id;" \
	"parent_object_id int=0;type char(2)='U ';type_desc nvarchar(60)='USER_TABLE';create_date datetime=o.created;" \
	"modify_date datetime=o.modified;is_ms_shipped bit=o.shipped;is_published bit=" FLAG("published") ";" \
	"is_schema_published bit=0;"

#define COLUMN_TAIL \
	"is_ansi_padded bit=c.ansi_padded;is_rowguidcol bit=c.row_guid;is_identity bit=c.identity;is_computed bit=c.computed " \
	"IS NOT NULL;is_filestream bit=c.filestream;is_replicated bit=0;is_non_sql_subscribed bit=0;is_merge_published bit=0;" \
	"is_dts_replicated bit=0;is_xml_document bit=0;xml_collection_id int=0;default_object_id int=coalesce((SELECT " \
	"x.object_id FROM d@D.m_objects x WHERE x.type='D' AND x.parent_id=c.object_id AND x.x1=c.column_id),0);" \
	"rule_object_id int=0;is_sparse bit=c.sparse;is_column_set bit=c.column_set;generated_always_type tinyint@13=c.generated;" \
	"generated_always_type_desc nvarchar(60)@13=CASE c.generated WHEN 1 THEN 'AS_ROW_START' WHEN 2 THEN 'AS_ROW_END' ELSE " \
	"'NOT_APPLICABLE' END;encryption_type int@13=CASE WHEN c.encrypted THEN 1 END;encryption_type_desc nvarchar(64)@13=" \
	"CASE WHEN c.encrypted THEN 'DETERMINISTIC' END;encryption_algorithm_name sysname@13=CASE WHEN c.encrypted THEN " \
	"'AEAD_AES_256_CBC_HMAC_SHA_256' END;column_encryption_key_id int@13=CASE WHEN c.encrypted THEN 1 END;" \
	"column_encryption_key_database_name sysname@13=NULL;is_hidden bit@13=c.hidden;is_masked bit@13=c.mask IS NOT NULL;" \
	"graph_type int@14=NULL;graph_type_desc nvarchar(60)@14=NULL;is_data_deletion_filter_column bit@16=0;" \
	"ledger_view_column_type int@16=NULL;is_dropped_ledger_column bit@16=0;"
#define COLUMN_HEAD \
	"object_id int=c.object_id;name sysname=c.name;column_id int=c.column_id;system_type_id tinyint=@S;" \
	"user_type_id int=c.user_type;max_length smallint=CASE c.length WHEN 65535 THEN -1 ELSE c.length END;" \
	"precision tinyint=c.precision;scale tinyint=c.scale;collation_name sysname=c.collation;is_nullable bit=c.nullable;"

const struct system_view system_views_objects[] = {
	{ .name = "sys.schemas", .columns = "name sysname=s.name;schema_id int=s.schema_id;principal_id int=s.principal_id",
		.from = "FROM d@D.m_schemas s" },
	{ .name = "sys.objects", .columns = OBJECT_COLUMNS, .from = "FROM d@D.m_objects o WHERE NOT (o.type='TR' AND "
		"o.parent_id=0)", .visible = "o.object_id" },
	{ .name = "sys.all_objects", .columns = OBJECT_COLUMNS, .from = "FROM d@D.m_objects o WHERE NOT (o.type='TR' AND "
		"o.parent_id=0)", .visible = "o.object_id" },
	{ .name = "sys.tables", .columns = TABLE_HEAD TABLE_COLUMNS, .from = "FROM d@D.m_objects o WHERE o.type='U'",
		.visible = "o.object_id" },
	{ .name = "sys.views", .columns = OBJECT_COLUMNS "is_replicated bit=0;has_replication_filter bit=0;has_opaque_metadata "
		"bit=0;has_unchecked_assembly_data bit=0;with_check_option bit=0;is_date_correlation_view bit=0",
		.from = "FROM d@D.m_objects o WHERE o.type='V'", .visible = "o.object_id" },
	{ .name = "sys.procedures", .columns = OBJECT_COLUMNS "is_auto_executed bit=0;is_execution_replicated bit=0;"
		"is_repl_serializable_only bit=0;skips_repl_constraints bit=0", .from = "FROM d@D.m_objects o WHERE o.type='P'",
		.visible = "o.object_id" },
	{ .name = "sys.synonyms", .columns = OBJECT_COLUMNS "base_object_name nvarchar(1035)=o.definition",
		.from = "FROM d@D.m_objects o WHERE o.type='SN'", .visible = "o.object_id" },
	{ .name = "sys.sequences", .columns = OBJECT_COLUMNS "start_value bigint=o.x1;increment bigint=o.x2;minimum_value "
		"bigint=o.x3;maximum_value bigint=o.x4;is_cycling bit=" FLAG("cycle") ";is_cached bit=NOT " FLAG("no_cache") ";"
		"cache_size int=NULL;system_type_id tinyint=(SELECT @S FROM (SELECT o.x6 AS kind) c);user_type_id int=(SELECT @S FROM "
		"(SELECT o.x6 AS kind) c);precision tinyint=19;scale tinyint=0;current_value bigint=o.x5;is_exhausted bit=0;"
		"last_used_value bigint@14=CASE WHEN " FLAG("used") " THEN o.x5 END", .from = "FROM d@D.m_objects o WHERE o.type='SO'",
		.visible = "o.object_id" },
	{ .name = "sys.triggers", .columns = "name sysname=o.name;object_id int=o.object_id;parent_class tinyint=o.parent_id<>0;"
		"parent_class_desc nvarchar(60)=CASE WHEN o.parent_id THEN 'OBJECT_OR_COLUMN' ELSE 'DATABASE' END;parent_id "
		"int=o.parent_id;type char(2)='TR';type_desc nvarchar(60)='SQL_TRIGGER';create_date datetime=o.created;modify_date "
		"datetime=o.modified;is_ms_shipped bit=o.shipped;is_disabled bit=o.disabled;is_not_for_replication bit=o.nfr;"
		"is_instead_of_trigger bit=o.instead", .from = "FROM d@D.m_objects o WHERE o.type='TR'", .visible = "o.object_id" },
	{ .name = "sys.trigger_events", .columns = "object_id int=o.object_id;type int=e.type;type_desc nvarchar(128)=e.name;"
		"is_first bit=0;is_last bit=0;event_group_type int=NULL;event_group_type_desc nvarchar(128)=NULL;is_trigger_event bit=1",
		.from = "FROM d@D.m_objects o JOIN (SELECT 1 AS bit,1 AS type,'INSERT' AS name UNION ALL SELECT 2,2,'UPDATE' UNION ALL "
		"SELECT 4,3,'DELETE') e ON o.x1&e.bit WHERE o.type='TR'", .visible = "o.object_id" },
	{ .name = "sys.sql_modules", .columns = "object_id int=o.object_id;definition nvarchar(max)=" DEFINITION ";uses_ansi_nulls "
		"bit=o.ansi_nulls;uses_quoted_identifier bit=o.quoted;is_schema_bound bit=o.bound;uses_database_collation bit=0;"
		"is_recompiled bit=0;null_on_null_input bit=0;execute_as_principal_id int=NULL;uses_native_compilation bit@12=0;"
		"is_inlineable bit@15=0;inline_type bit@15=0", .from = "FROM d@D.m_objects o WHERE o.type IN "
		"('V','P','FN','IF','TF','TR')", .visible = "o.object_id" },
	{ .name = "sys.all_sql_modules", .columns = "object_id int=o.object_id;definition nvarchar(max)=" DEFINITION ";"
		"uses_ansi_nulls bit=o.ansi_nulls;uses_quoted_identifier bit=o.quoted;is_schema_bound bit=o.bound",
		.from = "FROM d@D.m_objects o WHERE o.type IN ('V','P','FN','IF','TF','TR')", .visible = "o.object_id" },
	{ .name = "sys.sql_expression_dependencies", .columns = "referencing_id int=x.referencing;referencing_minor_id int=0;"
		"referencing_class tinyint=1;referencing_class_desc nvarchar(60)='OBJECT_OR_COLUMN';is_schema_bound_reference bit=0;"
		"referenced_class tinyint=1;referenced_class_desc nvarchar(60)='OBJECT_OR_COLUMN';referenced_server_name sysname=NULL;"
		"referenced_database_name sysname=x.database;referenced_schema_name sysname=x.schema;referenced_entity_name "
		"sysname=x.entity;referenced_id int=x.referenced;referenced_minor_id int=0;is_caller_dependent bit=0;is_ambiguous bit=0",
		.from = "FROM d@D.m_dependencies x" },
	{ .name = "sys.parameters", .columns = "object_id int=c.object_id;name sysname=c.name;parameter_id int=c.parameter_id;"
		"system_type_id tinyint=@S;user_type_id int=c.user_type;max_length smallint=CASE c.length WHEN 65535 THEN -1 ELSE "
		"c.length END;precision tinyint=c.precision;scale tinyint=c.scale;is_output bit=c.output;is_cursor_ref bit=0;"
		"has_default_value bit=c.has_default;is_xml_document bit=0;default_value int=NULL;xml_collection_id int=0;is_readonly "
		"bit=0;is_nullable bit@12=1", .from = "FROM d@D.m_parameters c", .visible = "c.object_id" },
	{ .name = "sys.extended_properties", .columns = "class tinyint=x.class;class_desc nvarchar(60)='OBJECT_OR_COLUMN';major_id "
		"int=x.major;minor_id int=x.minor;name sysname=x.name;value nvarchar(4000)=x.value",
		.from = "FROM d@D.m_properties x" },
	{ .name = "sys.columns", .columns = COLUMN_HEAD COLUMN_TAIL, .from = "FROM d@D.m_columns c", .visible = "c.object_id" },
	{ .name = "sys.all_columns", .columns = COLUMN_HEAD COLUMN_TAIL, .from = "FROM d@D.m_columns c", .visible = "c.object_id" },
	{ .name = "sys.computed_columns", .columns = COLUMN_HEAD "definition nvarchar(max)=CASE WHEN @V THEN c.computed END;"
		"uses_database_collation bit=1;is_persisted bit=c.persisted;" COLUMN_TAIL, .from = "FROM d@D.m_columns c WHERE "
		"c.computed IS NOT NULL", .visible = "c.object_id" },
	{ .name = "sys.masked_columns", .since = 13, .columns = COLUMN_HEAD COLUMN_TAIL "masking_function nvarchar(4000)=c.mask",
		.from = "FROM d@D.m_columns c WHERE c.mask IS NOT NULL", .visible = "c.object_id" },
	{ .name = "sys.identity_columns", .columns = COLUMN_HEAD "seed_value bigint=c.seed;increment_value bigint=c.increment;"
		"last_value bigint=identity_last(@D,c.object_id);is_not_for_replication bit=c.identity_nfr;" COLUMN_TAIL,
		.from = "FROM d@D.m_columns c WHERE c.identity", .visible = "c.object_id" },
	{ .name = NULL },
};
