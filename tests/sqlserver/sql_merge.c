/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MERGE. The join is made once, into a temp table that says for each row which WHEN it falls under and what the new
 * values are; then each WHEN is a DELETE, UPDATE or INSERT from there.
 */
#include "tests/sqlserver/sql_change.h"

#include <string.h>

struct merge {
	struct change change;
	struct source *target;
	const char *table;      /* the temp table */
	const char *names[16];  /* columns of each WHEN, "c1,c2" */
	const char *values[16]; /* where they are in the temp table, "v1_1,v1_2" */
	const char *extra[16];  /* of an INSERT: defaults, not from the join */
	int kinds[16];
	int count;
};

static void set_values(struct merge *m, struct merge_when *when, int number, struct text *list)
{
	struct compiler *c = &m->change.c;
	struct text names = { .arena = c->arena };
	int at = 0;

	for (struct select_item *item = when->set; item; item = item->next) {
		struct column *column = item->alias ? table_column(m->change.table, item->alias) : NULL;

		if (!column)
			compile_error(c, 207, item->alias ? item->alias : item->variable);
		if (column->identity || column->computed || column->row_version)
			compile_error(c, column->identity ? 8102 : 271, column->name);
		if (item->op) {
			session_raise_text(c->session, 50000, 16, 1, "The stand-in does not know %c= in MERGE.", item->op);
			compile_fail(c);
		}
		text_format(list, ",%s AS v%d_%d", change_cell(&m->change, column, item->expression), number, at);
		text_format(&names, "%sc%d=v.v%d_%d", at ? "," : "", column->id, number, at);
		at++;
	}
	m->names[number] = text_done(&names);
}

static void insert_values(struct merge *m, struct merge_when *when, int number, struct text *list)
{
	struct compiler *c = &m->change.c;
	struct text names = { .arena = c->arena }, values = { .arena = c->arena }, extra = { .arena = c->arena };
	size_t count;
	struct column **columns = change_targets(&m->change, when->columns, &count);

	if (count != when->value_count)
		compile_error(c, when->value_count > count ? 110 : 109);
	change_check_identity(&m->change, columns, count);
	for (size_t i = 0; i < count; i++) {
		text_format(&names, "%sc%d", i ? "," : "", columns[i]->id);
		text_format(&values, "%sv%d_%zu", i ? "," : "", number, i);
		text_format(list, ",%s AS v%d_%zu", change_cell(&m->change, columns[i], when->values[i]), number, i);
	}
	change_left_out(&m->change, columns, count, &names, &extra);
	m->names[number] = text_done(&names);
	m->values[number] = text_done(&values);
	m->extra[number] = text_done(&extra);
}

/* Which WHEN a joined row falls under: the first that fits. */
static const char *which(struct merge *m, struct merge_when *whens, bool by_source)
{
	struct compiler *c = &m->change.c;
	struct text sql = { .arena = c->arena };
	int number = 0;

	text_add(&sql, "CASE");
	for (struct merge_when *w = whens; w; w = w->next, number++) {
		if (w->by_source != by_source)
			continue;
		text_format(&sql, " WHEN %s%s%s THEN %d",
			by_source        ? "1"
				: w->matched ? compile_format(c, "%s.rowid IS NOT NULL", m->target->sql_alias)
							 : compile_format(c, "%s.rowid IS NULL", m->target->sql_alias),
			w->condition ? " AND " : "", w->condition ? compile_condition(c, w->condition) : "", number);
	}
	text_add(&sql, " ELSE -1 END");
	return text_done(&sql);
}

static bool any_by_source(const struct merge_when *whens)
{
	for (; whens; whens = whens->next)
		if (whens->by_source)
			return true;
	return false;
}

static const char *compile_merge(struct merge *m, const char **by_source)
{
	struct compiler *c = &m->change.c;
	struct statement *s = m->change.s;
	struct text from = { .arena = c->arena }, target = { .arena = c->arena }, list = { .arena = c->arena };
	static int serial;

	m->table = compile_format(c, "mrg%d", __atomic_add_fetch(&serial, 1, __ATOMIC_RELAXED));
	c->scope = arena_alloc(c->arena, sizeof(*c->scope));
	compile_from(c, &s->target, 1, &target);
	m->target = c->scope->sources;
	m->change.table = m->target->table;
	if (!m->change.table)
		compile_error(c, 208, s->target->name.object);
	compile_from(c, s->from, s->from_count, &from);
	const char *on = compile_condition(c, s->condition);

	for (struct merge_when *w = s->whens; w; w = w->next, m->count++) {
		if (m->count == 16)
			compile_error(c, 213);
		m->kinds[m->count] = w->action == S_INSERT ? 0 : w->action == S_UPDATE ? 1 : 2;
		if (w->action == S_UPDATE)
			set_values(m, w, m->count, &list);
		else if (w->action == S_INSERT)
			insert_values(m, w, m->count, &list);
	}
	*by_source = !any_by_source(s->whens)
		? NULL
		: compile_format(c,
			  "INSERT INTO temp.%s(r,act) SELECT %s.rowid,%s FROM %s"
			  " WHERE NOT EXISTS(SELECT 1 FROM %s WHERE %s)",
			  m->table, m->target->sql_alias, which(m, s->whens, true), text_done(&target), text_done(&from), on);
	return compile_format(c, "CREATE TEMP TABLE %s AS SELECT %s.rowid AS r,%s AS act%s FROM %s LEFT JOIN %s ON %s",
		m->table, m->target->sql_alias, which(m, s->whens, false), text_done(&list), text_done(&from),
		text_done(&target), on);
}

static int step(struct session *session, struct compiler *c, const char *sql)
{
	sqlite3_stmt *s = run_prepare(session, c, sql);
	int code = s ? sqlite3_step(s) : SQLITE_ERROR;

	sqlite3_finalize(s);
	return session->failed ? -5 : code == SQLITE_DONE ? 0 : session_raise_sqlite(session, code);
}

static const char *action(struct merge *m, int i)
{
	struct compiler *c = &m->change.c;
	int d = m->change.table->database->id, t = m->change.table->id;

	if (m->kinds[i] == 2)
		return compile_format(
			c, "DELETE FROM d%d.t%d WHERE rowid IN (SELECT r FROM temp.%s WHERE act=%d)", d, t, m->table, i);
	if (m->kinds[i] == 1)
		return compile_format(c,
			"UPDATE d%d.t%d SET %s FROM (SELECT * FROM temp.%s WHERE act=%d) AS v WHERE t%d.rowid=v.r", d, t,
			m->names[i], m->table, i, t);
	return compile_format(c, "INSERT INTO d%d.t%d(%s) SELECT %s%s FROM temp.%s WHERE act=%d", d, t, m->names[i],
		m->values[i], m->extra[i], m->table, i);
}

static int perform(struct merge *m, const char *joined, const char *by_source)
{
	struct session *session = m->change.c.session;
	int64_t rows = 0;

	if (step(session, &m->change.c, joined) || (by_source && step(session, &m->change.c, by_source)))
		return -5;
	if (query_int(session, 0,
			"SELECT 1 FROM temp.%s WHERE r IS NOT NULL AND act>=0 GROUP BY r HAVING count(*)>1 LIMIT 1", m->table))
		return session_raise_text(session, 8672, 16, 1,
			"The MERGE statement attempted to UPDATE or DELETE the same row more than"
			" once.");
	session->command = "MERGE";
	for (int i = 0; i < m->count; i++) {
		sqlite3_stmt *s = query(session, "%s", action(m, i));
		int code = s ? sqlite3_step(s) : SQLITE_ERROR;

		rows += sqlite3_changes64(session->db);
		if (s && code != SQLITE_DONE)
			constraint_error(session, m->change.table, sqlite3_extended_errcode(session->db), "MERGE");
		sqlite3_finalize(s);
		if (session->failed)
			return -5;
	}
	session->rowcount = rows;
	return constraints_verify(session, "MERGE") || transaction_log(session, m->change.table->database, rows * 250) ? -5
																												   : 0;
}

static int refuse(struct session *session, const struct merge *m)
{
	if (m->change.s->output || m->change.table->trigger_count)
		return session_raise_text(session, 50000, 16, 1, "The stand-in does not know MERGE with OUTPUT or triggers.");
	return 0;
}

int run_merge(struct session *session, struct statement *s)
{
	struct merge *m = arena_alloc(session->arena, sizeof(*m));
	const char *joined, *by_source;

	compiler_init(&m->change.c, session);
	m->change.s = s;
	m->change.word = "MERGE";
	if (!compile_guard(&m->change.c))
		return -5;
	joined = compile_merge(m, &by_source);
	compile_permission(&m->change.c, m->change.table, "UPDATE");
	compile_use(&m->change.c, m->change.table, s->target->hints, true);
	if (refuse(session, m) || run_locks(session, &m->change.c) || query_run(session, "SAVEPOINT stmt"))
		return -5;
	int error = perform(m, joined, by_source);

	constraints_forget(session);
	if (error)
		engine_run(session->db, "ROLLBACK TO stmt");
	engine_run(session->db, "RELEASE stmt");
	engine_run(session->db, "DROP TABLE IF EXISTS temp.%s", m->table);
	if (!error)
		session_done(session, 0x117, true, false);
	return error;
}
