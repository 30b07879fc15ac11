/* SPDX-License-Identifier: Apache-2.0 */
/* INSERT BULK: the statement, then rows. One prepared INSERT serves the whole load. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct bulk_column {
	struct column target;
	struct sql_type wire;
	struct conversion conversion;
	struct bytes scratch;
	const char *default_sql;
};

struct bulk {
	struct arena arena;
	struct table *table;
	struct bulk_column *columns;
	size_t count;
	bool keep_nulls, check, fire, tablock, failed, savepoint;
	struct column_ref *order;
	sqlite3_stmt *insert;
	int64_t rows, bytes, limit_pages;
	int identity_column;
	int64_t most_identity;
	bool any_identity;
	int order_columns[16];
	size_t order_count;
	struct value last_key[16];
	struct bytes last_bytes[16];
	bool has_last;
};

static bool has_word(const struct statement *s, const char *word)
{
	for (size_t i = 0; i < s->word_count; i++)
		if (!strcasecmp(s->words[i], word))
			return true;
	return false;
}

static int add_column(struct session *session, struct bulk *b, struct column_def *d, size_t at)
{
	struct column *column = table_column(b->table, d->name);
	struct sql_type type;
	int user_type;

	if (!column)
		return session_raise(session, 207, d->name);
	if (column->computed || column->row_version)
		return session_raise(session, column->computed ? 271 : 273, column->name);
	if (catalogue_type(session, &d->type, d->collation, &type, &user_type))
		return -5;
	if (type.kind == K_XML || type.kind >= K_HIERARCHYID)
		return session_raise_text(session, 4816, 16, 1, "Invalid column type from bcp client for colid %zu.", at + 1);
	if (convert_allowed(type, column->type))
		return session_raise(session, 206, kind_info(type.kind)->name, kind_info(column->type.kind)->name);
	b->columns[at].target = *column;
	b->columns[at].wire = type;
	if (column->identity)
		b->identity_column = (int)at + 1;
	return 0;
}

static int check_order(struct session *session, struct bulk *b)
{
	for (struct column_ref *r = b->order; r && b->order_count < 16; r = r->next) {
		size_t at = 0;

		while (at < b->count && !name_equal(b->columns[at].target.name, r->name))
			at++;
		if (at == b->count)
			return session_raise(session, 207, r->name);
		b->order_columns[b->order_count++] = (int)at;
	}
	return 0;
}

int run_insert_bulk(struct session *session, struct statement *s)
{
	struct table *table = catalogue_table(session, &s->name);

	if (!table)
		return -5;
	if (!security_allows(session, table->database, table->id, "INSERT"))
		return session_raise(session, 229, "INSERT", table->name, table->database->name, table->schema);
	bulk_forget(session);
	struct bulk *b = calloc(1, sizeof(*b));

	if (!b)
		abort();
	session->bulk = b;
	struct arena *outer = session->arena;

	session->arena = &b->arena; /* the table's description outlives this statement */
	b->table = catalogue_table(session, &s->name);
	for (struct column_def *d = s->column_defs; d; d = d->next)
		b->count++;
	b->columns = arena_alloc(&b->arena, b->count * sizeof(*b->columns));
	size_t at = 0;
	int error = 0;

	for (struct column_def *d = s->column_defs; d && !error; d = d->next, at++)
		error = add_column(session, b, d, at);
	for (struct column_ref *r = s->columns, **last = &b->order; r; r = r->next) {
		*last = arena_alloc(&b->arena, sizeof(**last));
		(*last)->name = arena_string(&b->arena, r->name);
		(*last)->descending = r->descending;
		last = &(*last)->next;
	}
	b->keep_nulls = has_word(s, "KEEP_NULLS");
	b->check = has_word(s, "CHECK_CONSTRAINTS");
	b->fire = has_word(s, "FIRE_TRIGGERS");
	b->tablock = has_word(s, "TABLOCK");
	if (!error)
		error = check_order(session, b);
	session->arena = outer;
	if (error)
		bulk_forget(session);
	return error;
}

bool session_expects_bulk(const struct session *session)
{
	return session->bulk;
}

void bulk_forget(struct session *session)
{
	struct bulk *b = session->bulk;

	if (!b)
		return;
	sqlite3_finalize(b->insert);
	for (size_t i = 0; i < b->count && b->columns; i++) {
		bytes_free(&b->columns[i].scratch);
		bytes_free(&b->columns[i].conversion.scratch);
	}
	for (size_t i = 0; i < 16; i++)
		bytes_free(&b->last_bytes[i]);
	arena_free(&b->arena);
	free(b);
	session->bulk = NULL;
}

/* What the client describes must be what INSERT BULK declared. */
static int match(struct session *session, struct bulk *b, const struct result_column *columns, size_t count)
{
	if (count != b->count)
		return session_raise_text(session, 4804, 16, 1,
			"While reading current row from host, a premature end-of-message was"
			" encountered--an incoming data stream was interrupted when the server expected to see more data.");
	for (size_t i = 0; i < count; i++) {
		struct sql_type said = type_from_column(&columns[i]), *declared = &b->columns[i].wire;
		bool same = kind_info(said.kind)->storage == kind_info(declared->kind)->storage &&
			type_is_unicode(said) == type_is_unicode(*declared);

		if (!same || (type_is_integer(said) && said.length != declared->length))
			return session_raise(session, 4816, (int)i + 1);
		if (type_is_character(said) && !said.collation)
			said.collation = session->database->collation;
		*declared = said;
		b->columns[i].conversion = (struct conversion){
			.from = said, .to = b->columns[i].target.type, .assign = true, .order = session->date_format
		};
	}
	return 0;
}

static int prepare(struct session *session, struct bulk *b)
{
	struct text names = { .arena = &b->arena }, values = { .arena = &b->arena };
	struct compiler c;

	compiler_init(&c, session);
	if (!compile_guard(&c))
		return -5;
	for (size_t i = 0; i < b->count; i++) {
		struct bulk_column *column = &b->columns[i];

		text_format(&names, "%sc%d", i ? "," : "", column->target.id);
		if (!b->keep_nulls && column->target.default_text)
			text_format(&values, "%scoalesce(?%zu,%s)", i ? "," : "", i + 1,
				compile_convert(
					&c, compile_stored(&c, column->target.default_text, NULL, false), column->target.type, true)
					.sql);
		else
			text_format(&values, "%s?%zu", i ? "," : "", i + 1);
	}
	for (size_t i = 0; i < b->table->column_count; i++) {
		struct column *column = &b->table->columns[i];
		bool listed = column->computed;

		for (size_t k = 0; k < b->count; k++)
			listed |= b->columns[k].target.id == column->id;
		if (listed || (!column->identity && !column->row_version && !column->default_text))
			continue;
		if (column->identity)
			identity_get(session, b->table);
		text_format(&names, ",c%d", column->id);
		text_format(&values, ",%s",
			column->row_version ? "next_version()"
				: column->identity
				? compile_identity(&c, b->table, column->type)
				: compile_convert(&c, compile_stored(&c, column->default_text, NULL, false), column->type, true).sql);
	}
	b->insert = query(session, "INSERT INTO d%d.t%d(%s) VALUES(%s)", b->table->database->id, b->table->id,
		text_done(&names), text_done(&values));
	return b->insert ? 0 : -5;
}

static int begin(struct session *session, struct bulk *b, const struct result_column *columns, size_t count)
{
	if (match(session, b, columns, count) || transaction_write(session, b->table->database) ||
		transaction_lock_write(session, b->table, b->tablock ? H_TABLOCKX : 0) || query_run(session, "SAVEPOINT stmt"))
		return -5;
	b->savepoint = true;
	if (b->fire && b->table->trigger_count)
		return session_raise_text(
			session, 50000, 16, 1, "The stand-in does not know FIRE_TRIGGERS on a table with triggers.");
	b->limit_pages = query_int(session, 0, "PRAGMA d%d.page_count", b->table->database->id);
	return prepare(session, b);
}

int session_bulk_begin(struct session *session, const struct result_column *columns, size_t count)
{
	struct bulk *b = session->bulk;

	if (!b)
		return -22;
	session->failed = false;
	__atomic_store_n(&session->interrupted, 0, __ATOMIC_RELAXED);
	session->arena = &b->arena;
	session->frame->database = session->database;
	session_silence(session, SILENCE_BULK);
	b->failed = begin(session, b, columns, count);
	session->arena = NULL;
	return 0;
}

static int order_of(struct bulk *b, const struct bulk_column *column, struct value x, struct value y)
{
	(void)b;
	if (x.storage == STORE_NULL || y.storage == STORE_NULL)
		return (x.storage != STORE_NULL) - (y.storage != STORE_NULL);
	if (x.storage == STORE_INT)
		return (x.i > y.i) - (x.i < y.i);
	if (x.storage == STORE_REAL)
		return (x.r > y.r) - (x.r < y.r);
	if (x.storage == STORE_TEXT)
		return collation_compare(collation_get(column->target.type.collation), !type_is_unicode(column->target.type),
			x.data, x.size, y.data, y.size);
	int first = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);

	return first ? first : (x.size > y.size) - (x.size < y.size);
}

/* ORDER was promised: 4819 where it is not kept. */
static int check_sorted(struct session *session, struct bulk *b, const struct value *row)
{
	const struct column_ref *r = b->order;
	int direction = 0;

	for (size_t i = 0; i < b->order_count && b->has_last && !direction; i++, r = r->next) {
		direction = order_of(b, &b->columns[b->order_columns[i]], b->last_key[i], row[b->order_columns[i]]);
		if (r->descending)
			direction = -direction;
	}
	if (direction > 0)
		return session_raise(session, 4819, "...", "...");
	for (size_t i = 0; i < b->order_count; i++) {
		struct value v = row[b->order_columns[i]];

		if (v.data) {
			b->last_bytes[i].size = 0;
			bytes_add(&b->last_bytes[i], v.data, v.size);
			v.data = b->last_bytes[i].data;
		}
		b->last_key[i] = v;
	}
	b->has_last = true;
	return 0;
}

static int read_value(
	struct session *session, struct bulk *b, size_t i, const struct result_value *in, struct value *out)
{
	struct bulk_column *column = &b->columns[i];
	int error;

	if (value_from_wire(in, column->wire, &column->scratch, out))
		return session_raise(session, 4815, (int)i + 1);
	if (out->storage == STORE_NULL || convert_is_free(column->wire, column->target.type))
		return 0;
	error = convert_value(&column->conversion, *out, out);
	if (error == 8152)
		return session_raise(session, 4863, (int)i + 1);
	return error
		? session_raise(session, error, kind_info(column->wire.kind)->name, kind_info(column->target.type.kind)->name)
		: 0;
}

/* The value that lies furthest in the increment's direction will be the identity's last. */
static void note_identity(struct bulk *b, struct value value)
{
	const struct column *column = &b->columns[b->identity_column - 1].target;
	int64_t number = (int64_t)decimal_of(value);

	if (!b->any_identity || (column->increment >= 0 ? number > b->most_identity : number < b->most_identity))
		b->most_identity = number;
	b->any_identity = true;
}

/* Does the setting "corrupt" strike this row? */
static bool corrupts(struct engine *engine)
{
	bool strikes = false;

	pthread_mutex_lock(&engine->mutex);
	if (engine->corrupt_row)
		strikes = !--engine->corrupt_row;
	engine->faults_struck += strikes;
	pthread_mutex_unlock(&engine->mutex);
	return strikes;
}

/* The lowest bit of a row's last value; in characters that of the last byte, which leaves them well-formed. */
static void flip_bit(struct session *session, struct value *row, size_t count)
{
	while (count && row[count - 1].storage == STORE_NULL)
		count--;
	if (!count)
		return;
	struct value *value = &row[count - 1];

	value->i ^= 1;
	if (!value->size)
		return;
	char *bytes = arena_alloc(session->arena, value->size);

	memcpy(bytes, value->data, value->size);
	bytes[value->size - 1] ^= 1;
	value->data = bytes;
}

static int row(struct session *session, struct bulk *b, const struct result_value *values)
{
	struct value converted[1024];

	for (size_t i = 0; i < b->count; i++)
		if (read_value(session, b, i, &values[i], &converted[i]))
			return -5;
	if (session->engine->corrupt_row && corrupts(session->engine))
		flip_bit(session, converted, b->count);
	for (size_t i = 0; i < b->count; i++) {
		value_bind(b->insert, (int)i + 1, converted[i]);
		b->bytes += (int64_t)values[i].size + 4;
	}
	if (b->order_count && check_sorted(session, b, converted))
		return -5;
	if (b->identity_column)
		note_identity(b, converted[b->identity_column - 1]);
	session->checks_off = !b->check;
	int code = sqlite3_step(b->insert);

	session->checks_off = false;
	if (code != SQLITE_DONE)
		constraint_error(session, b->table, sqlite3_extended_errcode(session->db), "BULK INSERT");
	sqlite3_reset(b->insert);
	b->rows++;
	if (!(b->rows & 255)) {
		struct engine *engine = session->engine;
		int64_t used = b->bytes + b->limit_pages * 8192;

		transaction_log(session, b->table->database, b->bytes);
		b->limit_pages += b->bytes / 8192;
		b->bytes = 0;
		if ((engine->file_limit && used > engine->file_limit) ||
			(engine->volume_free && used - database_pages(b->table->database) * 8192 > engine->volume_free))
			session_raise(session, 1105, table_label(session, b->table), b->table->database->name);
	}
	return session->failed ? -5 : 0;
}

int session_bulk_row(struct session *session, const struct result_value *values, size_t count)
{
	struct bulk *b = session->bulk;

	if (!b || count != b->count || count > 1024)
		return -22;
	if (b->failed)
		return 0;
	session->arena = &b->arena;
	b->failed = row(session, b, values);
	session->arena = NULL;
	return 0;
}

static int finish(struct session *session, struct bulk *b)
{
	int database = b->table->database->id;

	sqlite3_finalize(b->insert);
	b->insert = NULL;
	session->rowcount = b->rows;
	if (b->any_identity)
		identity_note(session, b->table, b->most_identity);
	if (b->check)
		return constraints_verify(session, "BULK INSERT");
	constraints_forget(session);
	if (!b->rows)
		return 0;
	/* rows came in unchecked: the constraints are no longer trusted */
	if (query_int(session, 0, "SELECT 1 FROM d%d.m_objects WHERE parent_id=%d AND type IN ('F','C') AND not_trusted=0",
			database, b->table->id))
		query_run(session, "UPDATE d%d.m_objects SET not_trusted=1 WHERE parent_id=%d AND type IN ('F','C')", database,
			b->table->id);
	return transaction_log(session, b->table->database, b->bytes);
}

int session_bulk_end(struct session *session, bool complete, struct result_sink *sink)
{
	struct bulk *b = session->bulk;
	struct arena arena = { 0 };

	if (!b)
		return -22;
	session->sink = sink;
	session->sink_failed = session->done_pending = false;
	session->arena = &arena;
	session->bulk = NULL;
	if (!complete && !b->failed)
		b->failed = session_raise_text(session, 3617, 11, 1, "The bulk load was cancelled.");
	if (!b->failed && session_fault_strikes(session, "load"))
		b->failed = -5;
	if (!b->failed)
		b->failed = finish(session, b);
	sqlite3_finalize(b->insert);
	b->insert = NULL;
	constraints_forget(session);
	if (b->savepoint && session->sqlite_open) {
		if (b->failed)
			engine_run(session->db, "ROLLBACK TO stmt");
		engine_run(session->db, "RELEASE stmt");
	}
	bool failed = session->failed;
	int64_t rows = b->rows;

	session->bulk = b;
	bulk_forget(session);
	if (!failed && !session->trancount)
		transaction_end_statement(session, true);
	if (failed && !session->trancount)
		transaction_end_statement(session, false);
	report_failure(session);
	session->done_pending = false;
	if (!session->sink_failed &&
		sink->done(sink, END_STATEMENT, failed ? 0 : 0xf0, !failed, failed ? 0 : (uint64_t)rows, failed, false))
		session->sink_failed = true;
	session->arena = NULL;
	arena_free(&arena);
	session->sink = NULL;
	return session->sink_failed ? -5 : 0;
}
