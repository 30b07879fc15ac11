/* SPDX-License-Identifier: Apache-2.0 */
/* From a table's metadata to its SQLite table, indexes and triggers. */
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_collation.h"

#include <string.h>

static const char *sqlite_collation(struct session *session, struct sql_type type)
{
	const struct collation *c = collation_get(type.collation);

	return type_is_character(type)
		? arena_format(session->arena, " COLLATE \"%s%s\"", c->name, c->binary && !type_is_unicode(type) ? "/v" : "")
		: "";
}

static int create_table(struct session *session, const struct table *table)
{
	struct text sql = { .arena = session->arena };
	size_t count = 0;

	text_format(&sql, "CREATE TABLE d%d.t%d(", table->database->id, table->id);
	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *c = &table->columns[i];

		if (c->computed)
			continue;
		text_format(&sql, "%sc%d BLOB%s%s", count++ ? "," : "", c->id, sqlite_collation(session, c->type),
			c->nullable ? "" : " NOT NULL");
	}
	text_add(&sql, count ? ")" : "none)");
	return query_run(session, "%s", text_done(&sql));
}

/* An index in SQLite. NULLs are equal for SQL Server's unique indexes: a nullable column goes in as an expression too. */
static int create_index(struct session *session, const struct table *table, const struct index *index)
{
	struct text sql = { .arena = session->arena };
	bool nullable = false;

	if (index->disabled || !index->key_count || (index->filter && index->unique))
		return 0;
	for (size_t i = 0; i < index->key_count; i++) {
		const struct column *c = table_column_by_id(table, index->keys[i]);

		if (!c || c->computed)
			return 0;
		nullable |= c->nullable;
	}
	text_format(&sql, "CREATE %sINDEX d%d.i%d_%d ON t%d(", index->unique && !nullable ? "UNIQUE " : "",
		table->database->id, table->id, index->id, table->id);
	for (size_t i = 0; i < index->key_count; i++)
		text_format(&sql, "%sc%d%s", i ? "," : "", index->keys[i], index->descending[i] ? " DESC" : "");
	text_add(&sql, ")");
	if (query_run(session, "%s", text_done(&sql)) || !index->unique || !nullable)
		return session->failed ? -5 : 0;
	struct text unique = { .arena = session->arena };

	text_format(
		&unique, "CREATE UNIQUE INDEX d%d.n%d_%d ON t%d(", table->database->id, table->id, index->id, table->id);
	for (size_t i = 0; i < index->key_count; i++) {
		const struct column *c = table_column_by_id(table, index->keys[i]);

		text_format(&unique, "%scoalesce(c%d,%s)%s", i ? "," : "", index->keys[i],
			kind_info(c->type.kind)->storage == STORE_BLOB ? "'null'" : "x'00'", sqlite_collation(session, c->type));
	}
	text_add(&unique, ")");
	return query_run(session, "%s", text_done(&unique));
}

/* Checks as triggers that raise by a function: they can be switched off, and bulk loads may skip them. */
static int create_checks(struct session *session, struct table *table)
{
	sqlite3_stmt *s = query(session,
		"SELECT object_id,definition FROM d%d.m_objects WHERE parent_id=%d AND type='C' AND"
		" disabled=0",
		table->database->id, table->id);
	struct compiler c;

	compiler_init(&c, session);
	if (!compile_guard(&c)) {
		sqlite3_finalize(s);
		return -5;
	}
	while (query_next(session, &s)) {
		int id = sqlite3_column_int(s, 0);
		const char *definition = column_text(session, s, 1);
		struct scope scope = { 0 };

		c.scope = &scope;
		c.next_alias = 0;
		struct source *source = compile_table_source(&c, table, table->name, 0);

		for (size_t i = 0; i < source->count; i++)
			if (!table->columns[i].computed)
				source->columns[i].sql = compile_format(&c, "NEW.c%d", table->columns[i].id);
		const char *condition = compile_stored(&c, definition, source, true).sql;

		for (int update = 0; update < 2; update++)
			if (query_run(session,
					"CREATE TRIGGER d%d.k%d_%d BEFORE %s ON t%d WHEN checks_on() AND NOT (%s) BEGIN SELECT"
					" check_failed(%d,%d); END",
					table->database->id, id, update, update ? "UPDATE" : "INSERT", table->id, condition,
					table->database->id, id))
				return -5;
	}
	return session->failed ? -5 : 0;
}

struct key_pair {
	int count, child[16], parent[16];
};

static void load_pairs(struct session *session, int database, int fk, struct key_pair *pairs)
{
	sqlite3_stmt *s = query(session,
		"SELECT column_id,referenced_column_id FROM d%d.m_fk_columns WHERE fk_id=%d ORDER BY"
		" position",
		database, fk);

	pairs->count = 0;
	while (query_next(session, &s)) {
		if (pairs->count == 16)
			continue;
		pairs->child[pairs->count] = sqlite3_column_int(s, 0);
		pairs->parent[pairs->count++] = sqlite3_column_int(s, 1);
	}
}

/* Rows that break a foreign key are noted as they come, and looked at again when the statement ends. */
static int child_triggers(
	struct session *session, int database, int fk, int child, int parent, const struct key_pair *k)
{
	struct text missing = { .arena = session->arena }, present = { .arena = session->arena };

	for (int i = 0; i < k->count; i++) {
		text_format(&present, "%sNEW.c%d IS NOT NULL", i ? " AND " : "", k->child[i]);
		text_format(&missing, "%sp.c%d=NEW.c%d", i ? " AND " : "", k->parent[i], k->child[i]);
	}
	for (int update = 0; update < 2; update++)
		if (query_run(session,
				"CREATE TRIGGER d%d.f%d_%d AFTER %s ON t%d WHEN checks_on() AND %s AND NOT EXISTS(SELECT 1 FROM"
				" t%d p WHERE %s) BEGIN SELECT key_missing(%d,%d,NEW.rowid); END",
				database, fk, update, update ? "UPDATE" : "INSERT", child, text_done(&present), parent,
				text_done(&missing), database, fk))
			return -5;
	return 0;
}

static int parent_triggers(struct session *session, int database, int fk, int child, int parent,
	const struct key_pair *k, int on_delete, int on_update)
{
	struct text match = { .arena = session->arena }, change = { .arena = session->arena },
				set = { .arena = session->arena }, changed = { .arena = session->arena };

	for (int i = 0; i < k->count; i++) {
		text_format(&match, "%sc%d=OLD.c%d", i ? " AND " : "", k->child[i], k->parent[i]);
		text_format(&changed, "%sOLD.c%d IS NOT NEW.c%d", i ? " OR " : "", k->parent[i], k->parent[i]);
		text_format(&set, "%sc%d=NULL", i ? "," : "", k->child[i]);
		text_format(&change, "%sc%d=NEW.c%d", i ? "," : "", k->child[i], k->parent[i]);
	}
	const char *watch = arena_format(
		session->arena, "SELECT key_orphan(%d,%d,rowid) FROM t%d WHERE %s", database, fk, child, text_done(&match));
	const char *deleted = on_delete == 1
		? arena_format(session->arena, "DELETE FROM t%d WHERE %s", child, text_done(&match))
		: on_delete == 2
		? arena_format(session->arena, "UPDATE t%d SET %s WHERE %s", child, text_done(&set), text_done(&match))
		: watch;
	const char *updated = on_update == 1
		? arena_format(session->arena, "UPDATE t%d SET %s WHERE %s", child, text_done(&change), text_done(&match))
		: on_update == 2
		? arena_format(session->arena, "UPDATE t%d SET %s WHERE %s", child, text_done(&set), text_done(&match))
		: watch;

	return query_run(
			   session, "CREATE TRIGGER d%d.f%d_2 AFTER DELETE ON t%d BEGIN %s; END", database, fk, parent, deleted) ||
			query_run(session, "CREATE TRIGGER d%d.f%d_3 AFTER UPDATE ON t%d WHEN %s BEGIN %s; END", database, fk,
				parent, text_done(&changed), updated)
		? -5
		: 0;
}

static int key_index(struct session *session, int database, int fk, int child, const struct key_pair *k)
{
	struct text columns = { .arena = session->arena };

	for (int i = 0; i < k->count; i++)
		text_format(&columns, "%sc%d", i ? "," : "", k->child[i]);
	return query_run(
		session, "CREATE INDEX IF NOT EXISTS d%d.x%d ON t%d(%s)", database, fk, child, text_done(&columns));
}

/* The triggers of every foreign key that the table is child or parent of. */
static int create_keys(struct session *session, struct table *table)
{
	int database = table->database->id;
	sqlite3_stmt *s = query(session,
		"SELECT object_id,parent_id,x1,x3,x4 FROM d%d.m_objects WHERE type='F' AND disabled=0"
		" AND (parent_id=%d OR x1=%d)",
		database, table->id, table->id);
	struct key_pair pairs;

	while (query_next(session, &s)) {
		int fk = sqlite3_column_int(s, 0), child = sqlite3_column_int(s, 1), parent = sqlite3_column_int(s, 2);

		load_pairs(session, database, fk, &pairs);
		if (pairs.count &&
			((child == table->id &&
				 (key_index(session, database, fk, child, &pairs) ||
					 child_triggers(session, database, fk, child, parent, &pairs))) ||
				(parent == table->id &&
					parent_triggers(session, database, fk, child, parent, &pairs, sqlite3_column_int(s, 3),
						sqlite3_column_int(s, 4))))) {
			sqlite3_finalize(s);
			return -5;
		}
	}
	return session->failed ? -5 : 0;
}

static int drop_triggers(struct session *session, const struct table *table)
{
	int database = table->database->id;

	for (;;) {
		const char *name = query_text(session,
			"SELECT name FROM d%d.sqlite_schema WHERE type='trigger' AND tbl_name='t%d'"
			" LIMIT 1",
			database, table->id);

		if (!name)
			return session->failed ? -5 : 0;
		if (query_run(session, "DROP TRIGGER d%d.%s", database, name))
			return -5;
	}
}

int catalogue_physical_triggers(struct session *session, struct database *database, int object_id)
{
	struct table *table = catalogue_by_id(session, database, object_id);

	if (!table || strcmp(table->type, "U"))
		return session->failed ? -5 : 0;
	return drop_triggers(session, table) || create_checks(session, table) || create_keys(session, table) ? -5 : 0;
}

/* What a new column has in old rows: its default, or a value for NOT NULL, or NULL. */
static const char *old_value(
	struct compiler *c, const struct table *table, const struct column *column, const struct table *before)
{
	const struct column *old = table_column_by_id(before, column->id);

	if (old && !old->computed) {
		struct expr e = { .sql = compile_format(c, "c%d", column->id), .type = old->type };

		return type_equal(old->type, column->type) ? e.sql : compile_convert(c, e, column->type, true).sql;
	}
	if (column->row_version)
		return "next_version()";
	if (column->identity)
		return compile_identity(c, table, column->type);
	if (column->default_text)
		return compile_convert(c, compile_stored(c, column->default_text, NULL, false), column->type, true).sql;
	return "NULL";
}

static int copy_rows(struct session *session, struct table *table, const struct table *before)
{
	struct text names = { .arena = session->arena }, values = { .arena = session->arena };
	struct compiler c;
	volatile size_t count = 0;

	compiler_init(&c, session);
	if (!compile_guard(&c))
		return -5;
	for (size_t i = 0; i < table->column_count; i++) {
		const struct column *column = &table->columns[i];

		if (column->computed)
			continue;
		if (column->identity)
			identity_get(session, table);
		text_format(&names, "%sc%d", count ? "," : "", column->id);
		text_format(&values, "%s%s", count++ ? "," : "", old_value(&c, table, column, before));
	}
	if (!count)
		return 0;
	return query_run(session, "INSERT INTO d%d.t%d(%s) SELECT %s FROM d%d.old%d ORDER BY rowid", table->database->id,
		table->id, text_done(&names), text_done(&values), table->database->id, table->id);
}

static int drop_indexes(struct session *session, const struct table *table)
{
	for (;;) {
		const char *name = query_text(session,
			"SELECT name FROM d%d.sqlite_schema WHERE type='index' AND tbl_name='t%d' LIMIT 1", table->database->id,
			table->id);

		if (!name)
			return session->failed ? -5 : 0;
		if (query_run(session, "DROP INDEX d%d.%s", table->database->id, name))
			return -5;
	}
}

static int create_rest(struct session *session, struct table *table)
{
	for (size_t i = 0; i < table->index_count; i++)
		if (create_index(session, table, &table->indexes[i]))
			return -5;
	return create_checks(session, table) || create_keys(session, table) ? -5 : 0;
}

int catalogue_rebuild(struct session *session, struct table *table, const struct table *before)
{
	int database = table->database->id;

	if (strcmp(table->type, "U"))
		return 0;
	if (!before)
		return create_table(session, table) || create_rest(session, table) ? -5 : 0;
	if (drop_triggers(session, before) || drop_indexes(session, before) ||
		query_run(session, "PRAGMA legacy_alter_table=ON") ||
		query_run(session, "ALTER TABLE d%d.t%d RENAME TO old%d", database, table->id, table->id) ||
		create_table(session, table) || copy_rows(session, table, before) ||
		query_run(session, "DROP TABLE d%d.old%d", database, table->id))
		return -5;
	return create_rest(session, table);
}
