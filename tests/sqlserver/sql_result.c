/* SPDX-License-Identifier: Apache-2.0 */
/* Rows from SQLite to the sink. */
#include "tests/sqlserver/sql_run.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

void session_flush_done(struct session *session)
{
	if (!session->done_pending)
		return;
	session->done_pending = false;
	if (session->sink->done(session->sink, session->done.end, session->done.command, session->done.counted,
			session->done.rows, session->done.error, true))
		session->sink_failed = true;
}

void session_done(struct session *session, uint16_t command, bool counted, bool error)
{
	bool module = session->frame->depth > 0 || session->frame->module;

	if (session->nocount && !error && (module || command != 0xc1))
		return;
	session_flush_done(session);
	session->done_pending = true;
	session->done.end = module ? END_IN_PROC : END_STATEMENT;
	session->done.command = command;
	session->done.counted = counted && !session->nocount;
	session->done.rows = (uint64_t)session->rowcount;
	session->done.error = error;
}

void result_columns(const struct result *results, size_t count, struct result_column *out)
{
	memset(out, 0, count * sizeof(*out));
	for (size_t i = 0; i < count; i++) {
		type_to_column(results[i].type, &out[i]);
		out[i].nullable = results[i].nullable;
		out[i].identity = results[i].identity;
		out[i].computed = results[i].computed;
		out[i].key = results[i].key;
		snprintf(out[i].name, sizeof(out[i].name), "%s", results[i].name ? results[i].name : "");
		snprintf(out[i].table, sizeof(out[i].table), "%s", results[i].table ? results[i].table : "");
	}
}

struct output {
	struct bytes *scratch;
	struct result_value *values;
	size_t count;
};

static void cut_to_text_size(struct session *session, struct sql_type type, struct result_value *value)
{
	if (!value->data || !type_is_large(type) || type.kind >= K_HIERARCHYID || session->text_size < 0)
		return;
	size_t limit = (size_t)session->text_size;

	if (type_is_unicode(type) || type.kind == K_XML)
		limit &= ~(size_t)1;
	if (value->size > limit)
		value->size = limit;
}

static int send_row(struct session *session, sqlite3_stmt *s, const struct result *results, struct output *out)
{
	for (size_t i = 0; i < out->count; i++) {
		value_to_wire(value_of_column(s, (int)i), results[i].type, &out->scratch[i], &out->values[i]);
		cut_to_text_size(session, results[i].type, &out->values[i]);
	}
	if (session->sink->row(session->sink, out->values, out->count)) {
		session->sink_failed = true;
		return -5;
	}
	return 0;
}

static int assign_row(struct session *session, sqlite3_stmt *s, const struct result *results, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct variable *v = results[i].variable ? variable_find(session, results[i].variable) : NULL;

		if (v)
			variable_set(v, value_of_column(s, (int)i));
	}
	return 0;
}

static int step_rows(struct session *session, sqlite3_stmt *s, const struct result *results, bool assigns,
	struct output *out, int64_t *rows)
{
	int code;

	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		++*rows;
		if (assigns ? assign_row(session, s, results, out->count) : send_row(session, s, results, out))
			return -5;
		if (session->row_limit && *rows >= session->row_limit)
			return 0;
		if (__atomic_load_n(&session->interrupted, __ATOMIC_RELAXED))
			return session_raise_text(session, 3617, 11, 1, "The query was cancelled.");
	}
	return code == SQLITE_DONE ? 0 : session_raise_sqlite(session, code);
}

int run_rows(struct session *session, sqlite3_stmt *s, const struct result *results, size_t count, bool assigns)
{
	struct output out = { .count = count };
	struct result_column *columns = calloc(count, sizeof(*columns));

	out.scratch = calloc(count, sizeof(*out.scratch));
	out.values = calloc(count, sizeof(*out.values));
	if (!columns || !out.scratch || !out.values)
		abort();
	if (!assigns) {
		session_flush_done(session);
		result_columns(results, count, columns);
		if (session->sink->columns(session->sink, columns, count))
			session->sink_failed = true;
	}
	int error = session->sink_failed ? -5 : 0;

	/* FMTONLY, by which FreeTDS asks for a table's columns before a bulk load: columns, and no rows. */
	int64_t rows = 0;

	if (!error && !(session->format_only && !assigns))
		error = step_rows(session, s, results, assigns, &out, &rows);
	/* Only now: until it ends, the statement's own ROWCOUNT_BIG() is of the one before it. */
	session->rowcount = rows;

	for (size_t i = 0; i < count; i++)
		bytes_free(&out.scratch[i]);
	free(out.scratch);
	free(out.values);
	free(columns);
	return error;
}

void ddl_note(struct session *session, const struct table *table)
{
	struct engine *engine = session->engine;
	struct ddl_mark *m;

	pthread_mutex_lock(&engine->mutex);
	for (m = engine->ddl_marks; m && (m->database != table->database->id || m->object != table->id); m = m->next)
		;
	if (!m && (m = calloc(1, sizeof(*m)))) {
		m->database = table->database->id;
		m->object = table->id;
		m->next = engine->ddl_marks;
		engine->ddl_marks = m;
	}
	if (m)
		m->clock = ++engine->ddl_clock;
	pthread_mutex_unlock(&engine->mutex);
}

bool ddl_since(struct session *session, const struct table *table)
{
	bool since = false;

	if (!session->snapshot_started)
		return false;
	pthread_mutex_lock(&session->engine->mutex);
	for (struct ddl_mark *m = session->engine->ddl_marks; m; m = m->next)
		since |= m->database == table->database->id && m->object == table->id && m->clock > session->snapshot_clock;
	pthread_mutex_unlock(&session->engine->mutex);
	return since;
}

int run_locks(struct session *session, struct compiler *c)
{
	for (struct table_use *u = c->uses; u; u = u->next) {
		int error = u->write ? transaction_write(session, u->table->database)
							 : transaction_read(session, u->table->database);

		if (error || strcmp(u->table->type, "U"))
			continue;
		if (ddl_since(session, u->table))
			return session_raise(session, 3961, u->table->database->name);
		if (u->write ? transaction_lock_write(session, u->table, u->hints)
					 : transaction_lock_read(session, u->table, u->hints))
			return -5;
	}
	return session->failed ? -5 : 0;
}

sqlite3_stmt *run_prepare(struct session *session, struct compiler *c, const char *sql)
{
	sqlite3_stmt *s = NULL;

	if (getenv("STANDIN_TRACE"))
		fprintf(stderr, "%d: %s\n", session->id, sql);
	int code = sqlite3_prepare_v2(session->db, sql, -1, &s, NULL);

	if (code) {
		session_raise_text(
			session, 50000, 16, 1, "The stand-in could not translate this statement: %s", sqlite3_errmsg(session->db));
		return NULL;
	}
	for (size_t i = 0; i < c->bound_count; i++)
		value_bind(s, (int)i + 1, c->bound[i]->value);
	return s;
}

static int select_into(struct session *session, struct compiler *c, const struct compiled *q, const struct name *into)
{
	struct statement create = { .kind = S_CREATE_TABLE, .name = *into };
	struct column_def **last = &create.column_defs;
	struct text names = { .arena = session->arena };

	for (size_t i = 0; i < q->count; i++) {
		struct column_def *d = arena_alloc(session->arena, sizeof(*d));
		struct sql_type type = q->results[i].type;

		d->name = q->results[i].name;
		if (!*d->name)
			return session_raise_text(session, 1038, 15, 4, "An object or column name is missing or empty.");
		d->nullable = q->results[i].nullable;
		d->type.name.object = kind_info(type.kind)->name;
		d->type.length = type.length == LENGTH_MAX ? (int)LENGTH_MAX
			: type_is_unicode(type)                ? type.length / 2
												   : type.length;
		if (type.kind == K_DECIMAL || type.kind == K_NUMERIC)
			d->type.length = type.precision;
		if (type.kind == K_TIME || type.kind == K_DATETIME2 || type.kind == K_DATETIMEOFFSET)
			d->type.length = type.scale;
		d->type.scale = type.scale;
		d->identity = q->results[i].identity;
		d->seed = d->increment = 1;
		if (d->identity)
			d->nullable = 0;
		*last = d;
		last = &d->next;
		text_format(&names, "%sc%zu", i ? "," : "", i + 1);
	}
	if (run_locks(session, c) || run_create_table(session, &create))
		return -5;
	struct table *table = catalogue_table(session, into);

	if (!table)
		return -5;
	sqlite3_stmt *s = run_prepare(session, c,
		arena_format(
			session->arena, "INSERT INTO d%d.t%d(%s) %s", table->database->id, table->id, text_done(&names), q->sql));
	int code = s ? sqlite3_step(s) : SQLITE_ERROR;

	session->rowcount = sqlite3_changes64(session->db);
	sqlite3_finalize(s);
	return session->failed ? -5 : code == SQLITE_DONE ? 0 : session_raise_sqlite(session, code);
}

int run_select(struct session *session, struct statement *statement)
{
	struct compiler c;
	struct compiled q;

	compiler_init(&c, session);
	if (!compile_guard(&c))
		return -5;
	q = compile_select(&c, statement->query);
	session_silence(session, SILENCE_SELECT);
	if (statement->query->into) {
		if (select_into(session, &c, &q, statement->query->into))
			return -5;
		session_done(session, 0xc1, true, false);
		return 0;
	}
	if (run_locks(session, &c))
		return -5;
	sqlite3_stmt *s = run_prepare(session, &c, q.sql);
	int error = s ? run_rows(session, s, q.results, q.count, q.assigns) : -5;

	sqlite3_finalize(s);
	if (!error && !q.assigns)
		session_done(session, 0xc1, true, false);
	return error;
}

int evaluate(struct session *session, const struct node *node, struct sql_type *type, struct value *value)
{
	struct compiler c;
	struct expr e;

	*value = value_null();
	compiler_init(&c, session);
	if (!compile_guard(&c))
		return -5;
	e = compile_expression(&c, node);
	*type = e.type;
	if (e.is_null)
		return 0;
	if (run_locks(session, &c))
		return -5;
	sqlite3_stmt *s = run_prepare(session, &c, arena_format(session->arena, "SELECT %s", e.sql));
	int code = s ? sqlite3_step(s) : SQLITE_ERROR;

	if (code == SQLITE_ROW) {
		*value = value_of_column(s, 0);
		if (value->data)
			value->data = arena_copy(session->arena, value->data, value->size);
	} else {
		session_raise_sqlite(session, code);
	}
	sqlite3_finalize(s);
	return session->failed ? -5 : 0;
}

int evaluate_condition(struct session *session, const struct node *node, bool *truth)
{
	struct compiler c;
	const char *sql;

	compiler_init(&c, session);
	if (!compile_guard(&c))
		return -5;
	sql = compile_condition(&c, node);
	if (run_locks(session, &c))
		return -5;
	sqlite3_stmt *s = run_prepare(session, &c, arena_format(session->arena, "SELECT %s", sql));
	int code = s ? sqlite3_step(s) : SQLITE_ERROR;

	if (code == SQLITE_ROW)
		*truth = sqlite3_column_int(s, 0);
	else
		session_raise_sqlite(session, code);
	sqlite3_finalize(s);
	return session->failed ? -5 : 0;
}
