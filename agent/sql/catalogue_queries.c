/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/catalogue_queries.h"

#include <stdlib.h>
#include <string.h>

/* Names, and pairs of names in brackets, as the bytes of their UTF-16; and longer text. */
#define NAME(expression) "CAST(CAST(" expression " AS nvarchar(260)) AS varbinary(520))"
#define PATH(expression) "CAST(CAST(" expression " AS nvarchar(520)) AS varbinary(1040))"
#define TEXT(expression) "CAST(CAST(" expression " AS nvarchar(max)) AS varbinary(max))"
#define DIGITS(expression) NAME("CAST(" expression " AS decimal(38, 0))")
#define FLAG(condition) "CASE WHEN " condition " THEN 1 ELSE 0 END"
#define BIT(bit, condition) "CASE WHEN " condition " THEN " #bit " ELSE 0 END"
/* Tables of people, not those that SQL Server made for itself. */
#define USER_TABLES(id) "JOIN sys.tables t ON t.object_id = " id " AND t.is_ms_shipped = 0 "

/* One result a line, in the order of catalogue_fields.c: a formatter cannot see that. */
/* clang-format off */

const char catalogue_query_database[] =
	"SELECT "
	NAME("d.name") ", "
	NAME("DATABASEPROPERTYEX(d.name, 'Collation')") ", "
	NAME("SERVERPROPERTY('ProductVersion')") ", "
	NAME("SERVERPROPERTY('Edition')") ", "
	NAME("SERVERPROPERTY('ServerName')") ", "
	"$V, "
	"CAST(SERVERPROPERTY('EngineEdition') AS int), "
	"CAST(COLLATIONPROPERTY(CAST(DATABASEPROPERTYEX(d.name, 'Collation') AS nvarchar(128)), 'CodePage') AS int), "
	"d.compatibility_level, d.snapshot_isolation_state, d.recovery_model, d.state, d.user_access, "
	"d.is_read_committed_snapshot_on, "
	FLAG("d.is_read_only = 1 OR CAST(DATABASEPROPERTYEX(d.name, 'Updateability') AS nvarchar(20)) = N'READ_ONLY'") ", "
	FLAG("EXISTS (SELECT 1 FROM sys.change_tracking_databases c WHERE c.database_id = d.database_id)") ", "
	"d.is_cdc_enabled, "
	FLAG("d.is_published = 1 OR d.is_merge_published = 1") ", "
	NAME("d.service_broker_guid") ", "
	NAME("CONVERT(nvarchar(30), d.create_date, 126)") ", "
	NAME("m.mirroring_role_desc") ", "
	"CAST(0 AS bigint) "
	"FROM sys.databases d LEFT JOIN sys.database_mirroring m ON m.database_id = d.database_id "
	"WHERE d.database_id = DB_ID()";

const char catalogue_query_schemas[] =
	"SELECT " NAME("s.name") ", " NAME("p.name") " FROM sys.schemas s "
	"LEFT JOIN sys.database_principals p ON p.principal_id = s.principal_id "
	"WHERE s.schema_id < 16384 AND s.name NOT IN (N'sys', N'INFORMATION_SCHEMA', N'guest') ORDER BY s.name";

/* Bits of enum catalogue_feature that a table shows; columns and indexes add theirs. */
const char catalogue_query_tables[] =
	"SELECT t.object_id, " NAME("s.name") ", " NAME("t.name") ", "
	"{13|" BIT(1, "t.temporal_type = 2") " + " BIT(2, "t.temporal_type = 1") " + " BIT(128, "t.is_external = 1") " + "
		BIT(8192, "EXISTS (SELECT 1 FROM sys.security_predicates f JOIN sys.security_policies y "
			"ON y.object_id = f.object_id WHERE f.target_object_id = t.object_id AND y.is_enabled = 1)") "|0} + "
	"{16|" BIT(4, "t.ledger_type <> 0") "|0} + "
	"{14|" BIT(8, "t.is_node = 1 OR t.is_edge = 1") "|0} + "
	"{12|" BIT(16, "t.is_memory_optimized = 1") "|0} + "
	BIT(64, "t.is_filetable = 1") " + "
	BIT(512, "t.is_tracked_by_cdc = 1") " + "
	BIT(1024, "t.is_published = 1 OR t.is_replicated = 1 OR t.is_merge_published = 1") " + "
	BIT(32768, "EXISTS (SELECT 1 FROM sys.change_tracking_tables c WHERE c.object_id = t.object_id)") " + "
	BIT(131072, "EXISTS (SELECT 1 FROM sys.fulltext_indexes f WHERE f.object_id = t.object_id)") ", "
	"t.lock_escalation, t.uses_ansi_nulls, CAST(-1 AS bigint), CAST(-1 AS bigint) "
	"FROM sys.tables t JOIN sys.schemas s ON s.schema_id = t.schema_id WHERE t.is_ms_shipped = 0 "
	"ORDER BY s.name, t.name";

const char catalogue_query_columns[] =
	"SELECT c.object_id, c.column_id, "
	NAME("c.name") ", "
	NAME("CASE WHEN c.system_type_id <> 240 THEN b.name WHEN u.is_user_defined = 0 THEN u.name ELSE N'clr' END") ", "
	PATH("CASE WHEN u.is_user_defined = 1 THEN QUOTENAME(SCHEMA_NAME(u.schema_id)) + N'.' + QUOTENAME(u.name) END") ", "
	"c.max_length, c.precision, c.scale, "
	NAME("c.collation_name") ", "
	"CAST(COLLATIONPROPERTY(c.collation_name, 'CodePage') AS int), "
	"c.is_nullable, c.is_identity, c.is_computed, cc.is_persisted, c.is_rowguidcol, c.is_sparse, c.is_column_set, "
	"{13|c.is_hidden|0}, c.is_ansi_padded, c.is_filestream, {13|c.is_masked|0}, "
	"{13|" FLAG("c.encryption_type IS NOT NULL") "|0}, i.is_not_for_replication, "
	"{13|c.generated_always_type|0}, {14|c.graph_type|0}, "
	TEXT("cc.definition") ", "
	NAME("d.name") ", "
	TEXT("d.definition") ", "
	DIGITS("i.seed_value") ", "
	DIGITS("i.increment_value") ", "
	DIGITS("i.last_value") ", "
	PATH("QUOTENAME(SCHEMA_NAME(x.schema_id)) + N'.' + QUOTENAME(x.name)") " "
	"FROM sys.columns c " USER_TABLES("c.object_id")
	"LEFT JOIN sys.types b ON b.user_type_id = c.system_type_id "
	"LEFT JOIN sys.types u ON u.user_type_id = c.user_type_id "
	"LEFT JOIN sys.computed_columns cc ON cc.object_id = c.object_id AND cc.column_id = c.column_id "
	"LEFT JOIN sys.default_constraints d ON d.object_id = c.default_object_id "
	"LEFT JOIN sys.identity_columns i ON i.object_id = c.object_id AND i.column_id = c.column_id "
	"LEFT JOIN sys.xml_schema_collections x ON x.xml_collection_id = c.xml_collection_id AND c.xml_collection_id <> 0 "
	"ORDER BY c.object_id, c.column_id";

const char catalogue_query_indexes[] =
	"SELECT i.object_id, i.index_id, " NAME("i.name") ", "
	"i.type, i.is_unique, i.is_primary_key, i.is_unique_constraint, i.is_disabled, i.ignore_dup_key, i.is_padded, "
	"i.allow_row_locks, i.allow_page_locks, i.fill_factor, "
	TEXT("i.filter_definition") ", "
	NAME("s.name") ", "
	NAME("p.data_compression_desc") ", "
	"CAST(-1 AS bigint) "
	"FROM sys.indexes i " USER_TABLES("i.object_id")
	"LEFT JOIN sys.data_spaces s ON s.data_space_id = i.data_space_id "
	"LEFT JOIN sys.partitions p ON p.object_id = i.object_id AND p.index_id = i.index_id AND p.partition_number = 1 "
	"WHERE i.is_hypothetical = 0 ORDER BY i.object_id, i.index_id";

const char catalogue_query_index_columns[] =
	"SELECT c.object_id, c.index_id, c.column_id, c.key_ordinal, c.partition_ordinal, c.is_descending_key, "
	"c.is_included_column FROM sys.index_columns c " USER_TABLES("c.object_id")
	"ORDER BY c.object_id, c.index_id, c.index_column_id";

const char catalogue_query_foreign_keys[] =
	"SELECT f.parent_object_id, f.object_id, f.referenced_object_id, "
	NAME("f.name") ", " NAME("SCHEMA_NAME(r.schema_id)") ", " NAME("r.name") ", "
	"f.delete_referential_action, f.update_referential_action, "
	"f.is_disabled, f.is_not_trusted, f.is_not_for_replication "
	"FROM sys.foreign_keys f " USER_TABLES("f.parent_object_id")
	"LEFT JOIN sys.tables r ON r.object_id = f.referenced_object_id ORDER BY f.parent_object_id, f.object_id";

const char catalogue_query_pairs[] =
	"SELECT c.constraint_object_id, c.parent_column_id, c.referenced_column_id FROM sys.foreign_key_columns c "
	USER_TABLES("c.parent_object_id")
	"ORDER BY c.constraint_object_id, c.constraint_column_id";

const char catalogue_query_checks[] =
	"SELECT c.parent_object_id, " NAME("c.name") ", " TEXT("c.definition") ", "
	"c.parent_column_id, c.is_disabled, c.is_not_trusted, c.is_not_for_replication "
	"FROM sys.check_constraints c " USER_TABLES("c.parent_object_id")
	"ORDER BY c.parent_object_id, c.object_id";

const char catalogue_query_triggers[] =
	"SELECT r.parent_id, " NAME("r.name") ", " TEXT("m.definition") ", "
	NAME("CASE WHEN EXISTS (SELECT 1 FROM sys.trigger_events e WHERE e.object_id = r.object_id AND e.type = 1) "
		"THEN N'INSERT,' ELSE N'' END + "
		"CASE WHEN EXISTS (SELECT 1 FROM sys.trigger_events e WHERE e.object_id = r.object_id AND e.type = 2) "
		"THEN N'UPDATE,' ELSE N'' END + "
		"CASE WHEN EXISTS (SELECT 1 FROM sys.trigger_events e WHERE e.object_id = r.object_id AND e.type = 3) "
		"THEN N'DELETE,' ELSE N'' END") ", "
	"r.is_disabled, r.is_instead_of_trigger, r.is_not_for_replication, m.uses_ansi_nulls, m.uses_quoted_identifier, "
	FLAG("OBJECTPROPERTY(r.object_id, 'IsEncrypted') = 1") " "
	"FROM sys.triggers r LEFT JOIN sys.sql_modules m ON m.object_id = r.object_id WHERE r.is_ms_shipped = 0 "
	"ORDER BY r.parent_id, r.object_id";

const char catalogue_query_modules[] =
	"SELECT o.object_id, " NAME("SCHEMA_NAME(o.schema_id)") ", " NAME("o.name") ", " NAME("RTRIM(o.type)") ", "
	TEXT("m.definition") ", m.uses_ansi_nulls, m.uses_quoted_identifier, "
	FLAG("OBJECTPROPERTY(o.object_id, 'IsEncrypted') = 1") ", m.is_schema_bound "
	"FROM sys.objects o LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id WHERE o.is_ms_shipped = 0 "
	"AND o.type IN ('V', 'P', 'FN', 'IF', 'TF', 'PC', 'FS', 'FT', 'AF') ORDER BY o.object_id";

const char catalogue_query_sequences[] =
	"SELECT q.object_id, " NAME("SCHEMA_NAME(q.schema_id)") ", " NAME("q.name") ", " NAME("b.name") ", q.precision, "
	DIGITS("q.start_value") ", "
	DIGITS("q.increment") ", "
	DIGITS("q.minimum_value") ", "
	DIGITS("q.maximum_value") ", "
	DIGITS("q.current_value") ", "
	"{14|" DIGITS("q.last_used_value") "|CAST(NULL AS varbinary(520))}, "
	"q.is_cycling, q.is_cached, q.cache_size "
	"FROM sys.sequences q LEFT JOIN sys.types b ON b.user_type_id = q.system_type_id ORDER BY q.object_id";

const char catalogue_query_types[] =
	"SELECT " NAME("SCHEMA_NAME(u.schema_id)") ", " NAME("u.name") ", " NAME("b.name") ", " NAME("u.collation_name") ", "
	"u.max_length, u.precision, u.scale, u.is_nullable, u.is_table_type, u.is_assembly_type "
	"FROM sys.types u LEFT JOIN sys.types b ON b.user_type_id = u.system_type_id AND u.is_table_type = 0 "
	"WHERE u.is_user_defined = 1 ORDER BY u.user_type_id";

const char catalogue_query_synonyms[] =
	"SELECT " NAME("SCHEMA_NAME(y.schema_id)") ", " NAME("y.name") ", " TEXT("y.base_object_name") " "
	"FROM sys.synonyms y ORDER BY y.object_id";

const char catalogue_query_properties[] =
	"SELECT e.class, e.major_id, e.minor_id, "
	PATH("CASE WHEN e.class = 1 THEN "
		"QUOTENAME(OBJECT_SCHEMA_NAME(e.major_id)) + N'.' + QUOTENAME(OBJECT_NAME(e.major_id)) END") ", "
	NAME("e.name") ", "
	TEXT("CAST(e.value AS nvarchar(4000))") " "
	"FROM sys.extended_properties e ORDER BY e.class, e.major_id, e.minor_id, e.name";

/* A unit of type 2 (large values) hangs on the partition, the others on its heap or tree; rows count once. */
const char catalogue_query_sizes[] =
	"SELECT p.object_id, p.index_id, SUM(CASE WHEN a.type = 1 THEN p.rows ELSE 0 END), SUM(a.used_pages) "
	"FROM sys.partitions p " USER_TABLES("p.object_id")
	"JOIN sys.allocation_units a ON (a.type = 2 AND a.container_id = p.partition_id) "
	"OR (a.type <> 2 AND a.container_id = p.hobt_id) GROUP BY p.object_id, p.index_id ORDER BY p.object_id, p.index_id";

const char catalogue_query_identities[] =
	"SELECT i.object_id, " DIGITS("i.last_value") " FROM sys.identity_columns i " USER_TABLES("i.object_id")
	"ORDER BY i.object_id";

const char catalogue_query_sequence_values[] =
	"SELECT q.object_id, " DIGITS("q.current_value") ", "
	"{14|" DIGITS("q.last_used_value") "|CAST(NULL AS varbinary(520))} FROM sys.sequences q ORDER BY q.object_id";

/* clang-format on */

/* "{14|a|b}" at *at: adds a or b, and leaves *at behind it. */
static void add_choice(struct statement *statement, const char **at, int version)
{
	const char *first = strchr(*at, '|') + 1, *second = strchr(first, '|') + 1, *end = strchr(second, '}');

	if (version >= atoi(*at + 1))
		statement_add(statement, "%.*s", (int)(second - 1 - first), first);
	else
		statement_add(statement, "%.*s", (int)(end - second), second);
	*at = end + 1;
}

void catalogue_query(struct statement *statement, const char *query, int version)
{
	while (*query) {
		size_t plain = strcspn(query, "{$");
		statement_add(statement, "%.*s", (int)plain, query);
		query += plain;
		if (*query == '{') {
			add_choice(statement, &query, version);
		} else if (*query == '$') {
			statement_add(statement, "%d", version);
			query += 2;
		}
	}
}
