/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to tables: indexes, constraints, and the space that rows take. */
#include "tests/sqlserver/sql_catalogue.h"
#include "tests/sqlserver/sql_system_view.h"

#include <string.h>

#define CONSTRAINT_COLUMNS \
	"name sysname=o.name;object_id int=o.object_id;principal_id int=NULL;schema_id int=o.schema_id;" \
	"parent_object_id int=o.parent_id;type char(2)=substr(o.type||' ',1,2);create_date datetime=o.created;" \
	"modify_date datetime=o.modified;is_ms_shipped bit=o.shipped;is_published bit=0;is_schema_published bit=0;"
#define CHECKED \
	"is_disabled bit=o.disabled;is_not_for_replication bit=o.nfr;is_not_trusted bit=o.not_trusted OR o.disabled OR o.nfr;"
#define ACTION(column) "CASE " column " WHEN 1 THEN 'CASCADE' WHEN 2 THEN 'SET_NULL' WHEN 3 THEN 'SET_DEFAULT' ELSE " \
	"'NO_ACTION' END"
#define INDEX_HEAP "(SELECT * FROM d@D.m_indexes UNION ALL SELECT o.object_id,0,NULL,0,0,0,0,0,NULL,0,0,0,0 FROM d@D.m_objects o " \
	"WHERE o.type='U' AND NOT EXISTS(SELECT 1 FROM d@D.m_indexes x WHERE x.object_id=o.object_id AND x.type IN (0,1)))"

/* ---- space: 8 KiB pages, as SQL Server would fill them with these rows ---- */

#define PAGE_BYTES 8060
#define SAMPLE_ROWS 500

/* Bytes of a row on average, from a sample of rows; overhead of row and slot included. */
static double row_bytes(struct session *session, const struct table *table)
{
	struct text sum = { .arena = session->arena };

	text_add(&sum, "13");
	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *c = &table->columns[i];
		const struct kind_info *info = kind_info(c->type.kind);

		if (c->computed)
			continue;
		if (info->storage == STORE_TEXT || (info->storage == STORE_BLOB && c->type.length > 17))
			text_format(&sum, "+coalesce(length(CAST(c%d AS BLOB))*%d+2,0)", c->id, type_is_unicode(c->type) ? 2 : 1);
		else
			text_format(&sum, "+%d", c->type.length);
	}
	return (double)query_int(session, 100, "SELECT CAST(avg(%s)*16 AS INT) FROM (SELECT * FROM d%d.t%d LIMIT %d)",
		text_done(&sum), table->database->id, table->id, SAMPLE_ROWS) / 16;
}

static int64_t index_pages(const struct table *table, const struct index *index, int64_t rows, double bytes)
{
	double width = bytes;

	if (index && index->type != 1) {
		width = 11;
		for (size_t i = 0; i < index->key_count; i++) {
			const struct column *c = table_column_by_id(table, index->keys[i]);
			width += c && c->type.length < 200 ? c->type.length : 60;
		}
	}
	int64_t pages = (int64_t)((double)rows * width / PAGE_BYTES * 1.03) + (rows > 0);

	return pages;
}

/* One row an index: object, index, rows, pages; partition and allocation ids are made from the two. */
static void add_space(struct session *session, struct database *database, const char *columns, struct text *out)
{
	sqlite3_stmt *s = query(session, "SELECT object_id FROM d%d.m_objects WHERE type='U' ORDER BY object_id", database->id);
	bool any = false;

	text_format(out, "SELECT %s FROM (", columns);
	while (query_next(session, &s)) {
		struct table *table = catalogue_by_id(session, database, sqlite3_column_int(s, 0));

		if (!table)
			continue;
		int64_t rows = query_int(session, 0, "SELECT count(*) FROM d%d.t%d", database->id, table->id);
		double bytes = row_bytes(session, table);
		bool clustered = false;

		for (size_t i = 0; i <= table->index_count; i++) {
			const struct index *index = i < table->index_count ? &table->indexes[i] : NULL;

			clustered |= index && index->type == 1;
			if (!index && clustered)
				break;
			text_format(out, "%sSELECT %d AS o,%d AS i,%lld AS r,%lld AS p,%d AS z", any ? " UNION ALL " : "", table->id,
				index ? index->id : 0, (long long)rows, (long long)index_pages(table, index, rows, bytes),
				(int)query_int(session, 0, "SELECT compression FROM d%d.m_indexes WHERE object_id=%d AND index_id=%d",
				database->id, table->id, index ? index->id : 0));
			any = true;
		}
	}
	text_add(out, any ? ")" : "SELECT 0 AS o,0 AS i,0 AS r,0 AS p,0 AS z) WHERE 0");
	if (!security_sees_all(session, database) && any)
		text_format(out, " WHERE o IN (SELECT o.object_id FROM d%d.m_objects o JOIN d%d.m_permissions p ON p.state IN "
			"('G','W') AND p.grantee IN %s AND p.class=1 AND p.major=o.object_id)", database->id, database->id,
			security_principals(session, database));
}

#define PARTITION "(72057594000000000+(o%1000000)*1000+i)"

static void partitions(struct session *session, struct database *database, struct text *out)
{
	add_space(session, database, PARTITION " AS partition_id,o AS object_id,i AS index_id,1 AS partition_number," PARTITION
		" AS hobt_id,r AS rows,0 AS filestream_filegroup_id,z AS data_compression,CASE z WHEN 1 THEN 'ROW' WHEN 2 THEN 'PAGE' ELSE "
		"'NONE' END AS data_compression_desc", out);
}

static void allocation_units(struct session *session, struct database *database, struct text *out)
{
	add_space(session, database, PARTITION "+1 AS allocation_unit_id,1 AS type,'IN_ROW_DATA' AS type_desc," PARTITION
		" AS container_id,1 AS data_space_id,p+2 AS total_pages,p AS used_pages,p AS data_pages", out);
}

static void partition_stats(struct session *session, struct database *database, struct text *out)
{
	add_space(session, database, PARTITION " AS partition_id,o AS object_id,i AS index_id,1 AS partition_number,p AS "
		"in_row_data_page_count,p AS in_row_used_page_count,p+2 AS in_row_reserved_page_count,0 AS lob_used_page_count,0 AS "
		"lob_reserved_page_count,0 AS row_overflow_used_page_count,0 AS row_overflow_reserved_page_count,p AS used_page_count,"
		"p+2 AS reserved_page_count,r AS row_count", out);
}

const struct system_view system_views_tables[] = {
	{ .name = "sys.indexes", .columns = "object_id int=x.object_id;name sysname=x.name;index_id int=x.index_id;type "
		"tinyint=x.type;type_desc nvarchar(60)=CASE x.type WHEN 0 THEN 'HEAP' WHEN 1 THEN 'CLUSTERED' WHEN 2 THEN "
		"'NONCLUSTERED' WHEN 5 THEN 'CLUSTERED COLUMNSTORE' ELSE 'NONCLUSTERED COLUMNSTORE' END;is_unique bit=x.is_unique;"
		"data_space_id int=1;ignore_dup_key bit=x.ignore_dup;is_primary_key bit=x.primary_key;is_unique_constraint "
		"bit=x.unique_constraint;fill_factor tinyint=x.fill_factor;is_padded bit=x.padded;is_disabled bit=x.disabled;"
		"is_hypothetical bit=0;is_ignored_in_optimization bit@14=0;allow_row_locks bit=1;allow_page_locks bit=1;has_filter "
		"bit=x.filter IS NOT NULL;filter_definition nvarchar(max)=x.filter;compression_delay int@13=NULL;"
		"suppress_dup_key_messages bit@14=0;auto_created bit@14=0;optimize_for_sequential_key bit@15=0",
		.from = "FROM " INDEX_HEAP " x", .visible = "x.object_id" },
	{ .name = "sys.index_columns", .columns = "object_id int=x.object_id;index_id int=x.index_id;index_column_id "
		"int=x.position;column_id int=x.column_id;key_ordinal tinyint=x.key_ordinal;partition_ordinal tinyint=0;"
		"is_descending_key bit=x.descending;is_included_column bit=x.included;column_store_order_ordinal tinyint@16=0",
		.from = "FROM d@D.m_index_columns x", .visible = "x.object_id" },
	{ .name = "sys.stats", .columns = "object_id int=x.object_id;name sysname=x.name;stats_id int=x.index_id;auto_created "
		"bit=0;user_created bit=0;no_recompute bit=0;has_filter bit=x.filter IS NOT NULL;filter_definition nvarchar(max)="
		"x.filter;is_temporary bit=0;is_incremental bit@12=0", .from = "FROM d@D.m_indexes x WHERE x.index_id>0",
		.visible = "x.object_id" },
	{ .name = "sys.partitions", .columns = "partition_id bigint=0;object_id int=0;index_id int=0;partition_number int=0;hobt_id "
		"bigint=0;rows bigint=0;filestream_filegroup_id smallint=0;data_compression tinyint=0;data_compression_desc "
		"nvarchar(60)=0", .rows = partitions },
	{ .name = "sys.allocation_units", .columns = "allocation_unit_id bigint=0;type tinyint=0;type_desc nvarchar(60)=0;"
		"container_id bigint=0;data_space_id int=0;total_pages bigint=0;used_pages bigint=0;data_pages bigint=0",
		.rows = allocation_units },
	{ .name = "sys.dm_db_partition_stats", .columns = "partition_id bigint=0;object_id int=0;index_id int=0;partition_number "
		"int=0;in_row_data_page_count bigint=0;in_row_used_page_count bigint=0;in_row_reserved_page_count bigint=0;"
		"lob_used_page_count bigint=0;lob_reserved_page_count bigint=0;row_overflow_used_page_count bigint=0;"
		"row_overflow_reserved_page_count bigint=0;used_page_count bigint=0;reserved_page_count bigint=0;row_count bigint=0",
		.rows = partition_stats },
	{ .name = "sys.key_constraints", .columns = CONSTRAINT_COLUMNS "type_desc nvarchar(60)=CASE o.type WHEN 'PK' THEN "
		"'PRIMARY_KEY_CONSTRAINT' ELSE 'UNIQUE_CONSTRAINT' END;unique_index_id int=o.x1;is_system_named bit=o.system_named;"
		"is_enforced bit@13=1", .from = "FROM d@D.m_objects o WHERE o.type IN ('PK','UQ')", .visible = "o.object_id" },
	{ .name = "sys.foreign_keys", .columns = CONSTRAINT_COLUMNS "type_desc nvarchar(60)='FOREIGN_KEY_CONSTRAINT';"
		"referenced_object_id int=o.x1;key_index_id int=o.x4;" CHECKED "delete_referential_action tinyint=o.x2;"
		"delete_referential_action_desc nvarchar(60)=" ACTION("o.x2") ";update_referential_action tinyint=o.x3;"
		"update_referential_action_desc nvarchar(60)=" ACTION("o.x3") ";is_system_named bit=o.system_named",
		.from = "FROM d@D.m_objects o WHERE o.type='F'", .visible = "o.object_id" },
	{ .name = "sys.foreign_key_columns", .columns = "constraint_object_id int=x.fk_id;constraint_column_id int=x.position;"
		"parent_object_id int=o.parent_id;parent_column_id int=x.column_id;referenced_object_id int=o.x1;"
		"referenced_column_id int=x.referenced_column_id", .from = "FROM d@D.m_fk_columns x JOIN d@D.m_objects o ON "
		"o.object_id=x.fk_id", .visible = "o.object_id" },
	{ .name = "sys.check_constraints", .columns = CONSTRAINT_COLUMNS "type_desc nvarchar(60)='CHECK_CONSTRAINT';" CHECKED
		"parent_column_id int=coalesce(o.x1,0);definition nvarchar(max)=CASE WHEN @V THEN o.definition END;"
		"uses_database_collation bit=1;is_system_named bit=o.system_named", .from = "FROM d@D.m_objects o WHERE o.type='C'",
		.visible = "o.object_id" },
	{ .name = "sys.default_constraints", .columns = CONSTRAINT_COLUMNS "type_desc nvarchar(60)='DEFAULT_CONSTRAINT';"
		"parent_column_id int=o.x1;definition nvarchar(max)=CASE WHEN @V THEN o.definition END;is_system_named "
		"bit=o.system_named", .from = "FROM d@D.m_objects o WHERE o.type='D'", .visible = "o.object_id" },
	{ .name = "sys.security_policies", .since = 13, .columns = CONSTRAINT_COLUMNS "is_enabled bit=NOT o.disabled;"
		"is_schema_bound bit=1;uses_database_collation bit=1", .from = "FROM d@D.m_objects o WHERE o.type='SP'" },
	{ .name = "sys.security_predicates", .since = 13, .columns = "object_id int=x.policy;security_predicate_id int=1;"
		"target_object_id int=x.target;predicate_definition nvarchar(max)=x.predicate;predicate_type int=0;"
		"predicate_type_desc nvarchar(60)='FILTER'", .from = "FROM d@D.m_predicates x" },
	{ .name = NULL },
};
