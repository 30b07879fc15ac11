/* SPDX-License-Identifier: Apache-2.0 */
/* Constraints: what SQLite's triggers note, verified at the end of the statement, and its errors in T-SQL's words. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_convert.h"
#include "tests/sqlserver/sql_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pending_key {
	int database, fk;
	int64_t row;
	bool orphan;
	struct pending_key *next;
};

static void checks_on(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	(void)v;
	sqlite3_result_int(context, !function_session(context)->checks_off);
}

static const char *key_columns(struct session *session, int database, int fk, bool parent)
{
	const char *names = query_text(session,
		"SELECT group_concat(c.name,''', ''') FROM d%d.m_fk_columns k JOIN d%d.m_objects o"
		" ON o.object_id=k.fk_id JOIN d%d.m_columns c ON c.object_id=%s AND c.column_id=%s WHERE k.fk_id=%d",
		database, database, database, parent ? "o.x1" : "o.parent_id",
		parent ? "k.referenced_column_id" : "k.column_id", fk);

	return names && !strchr(names, ',') ? arena_format(session->arena, ", column '%s'", names) : "";
}

static const char *object_label(struct session *session, int database, int64_t id)
{
	const char *label = query_text(session,
		"SELECT s.name||'.'||o.name FROM d%d.m_objects o JOIN d%d.m_schemas s USING"
		"(schema_id) WHERE object_id=%lld",
		database, database, id);

	return label ? label : "?";
}

static void check_failed(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct session *session = function_session(context);
	int database = sqlite3_value_int(v[0]), id = sqlite3_value_int(v[1]);
	const char *name = query_text(session, "SELECT name FROM d%d.m_objects WHERE object_id=%d", database, id);
	int64_t parent = query_int(session, 0, "SELECT parent_id FROM d%d.m_objects WHERE object_id=%d", database, id);

	(void)count;
	session_raise(session, 547, session->command ? session->command : "INSERT", "CHECK", name ? name : "?",
		database_by_id(session->engine, database)->name, object_label(session, database, parent), "");
	function_fail(context);
}

static void note(sqlite3_context *context, sqlite3_value **v, bool orphan)
{
	struct session *session = function_session(context);
	struct pending_key *p = malloc(sizeof(*p));

	if (!p)
		abort();
	*p = (struct pending_key){ sqlite3_value_int(v[0]), sqlite3_value_int(v[1]), sqlite3_value_int64(v[2]), orphan,
		session->pending };
	session->pending = p;
}

static void key_missing(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	note(context, v, false);
}

static void key_orphan(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	note(context, v, true);
}

void constraints_forget(struct session *session)
{
	while (session->pending) {
		struct pending_key *next = session->pending->next;

		free(session->pending);
		session->pending = next;
	}
}

static bool still_broken(struct session *session, const struct pending_key *p)
{
	struct text on = { .arena = session->arena }, present = { .arena = session->arena };
	int64_t child = query_int(session, 0, "SELECT parent_id FROM d%d.m_objects WHERE object_id=%d", p->database, p->fk);
	int64_t parent = query_int(session, 0, "SELECT x1 FROM d%d.m_objects WHERE object_id=%d", p->database, p->fk);
	sqlite3_stmt *s = query(
		session, "SELECT column_id,referenced_column_id FROM d%d.m_fk_columns WHERE fk_id=%d", p->database, p->fk);

	while (query_next(session, &s)) {
		text_format(&on, "%sp.c%d=c.c%d", on.size ? " AND " : "", sqlite3_column_int(s, 1), sqlite3_column_int(s, 0));
		text_format(&present, " AND c.c%d IS NOT NULL", sqlite3_column_int(s, 0));
	}
	return query_int(session, 0,
		"SELECT 1 FROM d%d.t%lld c WHERE c.rowid=%lld%s AND NOT EXISTS(SELECT 1 FROM d%d.t%lld p WHERE"
		" %s)",
		p->database, child, p->row, text_done(&present), p->database, parent, text_done(&on));
}

int constraints_verify(struct session *session, const char *statement)
{
	int error = 0;

	for (struct pending_key *p = session->pending; p && !error && !session->failed; p = p->next) {
		if (!still_broken(session, p))
			continue;
		const char *name = query_text(session, "SELECT name FROM d%d.m_objects WHERE object_id=%d", p->database, p->fk);
		int64_t child = query_int(
			session, 0, "SELECT parent_id FROM d%d.m_objects WHERE object_id=%d", p->database, p->fk);
		int64_t parent = query_int(session, 0, "SELECT x1 FROM d%d.m_objects WHERE object_id=%d", p->database, p->fk);

		error = session_raise(session, 547, statement,
			child == parent ? "SAME TABLE FOREIGN KEY"
				: p->orphan ? "REFERENCE"
							: "FOREIGN KEY",
			name ? name : "?", database_by_id(session->engine, p->database)->name,
			object_label(session, p->database, p->orphan ? child : parent),
			key_columns(session, p->database, p->fk, !p->orphan));
	}
	constraints_forget(session);
	return session->failed ? -5 : error;
}

int constraints_register(struct session *session)
{
	static const struct function_entry entries[] = {
		{ "checks_on", 0, checks_on, true },
		{ "check_failed", 2, check_failed, true },
		{ "key_missing", 3, key_missing, true },
		{ "key_orphan", 3, key_orphan, true },
	};

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries));
}

/* Which unique index names these columns ("t1.c1, t1.c2"), or is that index ("index 'n1_2'")? */
static const struct index *broken_index(struct session *session, const struct table *table, const char *message)
{
	const char *at = strstr(message, "index '");
	int id = 0, object;

	if (at && sscanf(at, "index 'n%d_%d", &object, &id) == 2) {
		for (size_t i = 0; i < table->index_count; i++)
			if (table->indexes[i].id == id)
				return &table->indexes[i];
		return NULL;
	}
	for (size_t i = 0; i < table->index_count; i++) {
		const struct index *index = &table->indexes[i];
		struct text columns = { .arena = session->arena };

		for (size_t k = 0; k < index->key_count; k++)
			text_format(&columns, "%st%d.c%d", k ? ", " : "", table->id, index->keys[k]);
		if (index->unique && (at = strstr(message, ": ")) && !strcmp(at + 2, text_done(&columns)))
			return index;
	}
	return NULL;
}

int constraint_error(struct session *session, const struct table *table, int code, const char *statement)
{
	const char *message = arena_string(session->arena, sqlite3_errmsg(session->db));
	int column = 0, object = 0;

	if (session->failed)
		return -5;
	if (code == SQLITE_CONSTRAINT_NOTNULL &&
		sscanf(message, "NOT NULL constraint failed: t%d.c%d", &object, &column) == 2) {
		const struct column *c = table_column_by_id(table, column);

		return session_raise(session, 515, c ? c->name : "?",
			arena_format(session->arena, "%s.%s", table->database->name, table_label(session, table)), statement);
	}
	if (code == SQLITE_CONSTRAINT_UNIQUE) {
		const struct index *index = broken_index(session, table, message);

		if (index && (index->primary || index->unique_constraint))
			return session_raise(session, 2627, index->primary ? "PRIMARY KEY" : "UNIQUE KEY", index->name,
				table_label(session, table), "(...)");
		return session_raise(session, 2601, table_label(session, table), index ? index->name : "?", "(...)");
	}
	return session_raise_sqlite(session, code);
}

int session_raise_sqlite(struct session *session, int code)
{
	const char *message = sqlite3_errmsg(session->db);

	if (session->failed)
		return -5;
	if (code == SQLITE_INTERRUPT || __atomic_load_n(&session->interrupted, __ATOMIC_RELAXED))
		return session_raise_text(session, 3617, 11, 1, "The query was cancelled.");
	code = sqlite3_extended_errcode(session->db);
	if (code == SQLITE_FULL)
		return session_raise(session, 1105, "dbo", session->database->name);
	if (code == SQLITE_BUSY_SNAPSHOT && session->isolation == ISOLATION_SNAPSHOT)
		return session_raise(session, 3960, "?", session->database->name);
	if ((code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED)
		return session_raise(session, 1205, session->id);
	return session_raise_text(session, 50000, 16, 1, "The stand-in's store says: %s", message);
}
