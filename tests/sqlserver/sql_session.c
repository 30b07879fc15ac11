/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: login, batches, calls, the end. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void defaults(struct session *s)
{
	s->isolation = ISOLATION_READ_COMMITTED;
	s->lock_timeout = -1;
	s->text_size = 4096;
	s->row_limit = 0;
	s->deadlock_priority = 0;
	s->date_first = 7;
	s->xact_abort = s->nocount = s->format_only = s->implicit_transactions = s->arithabort = s->numeric_roundabort =
		false;
	s->quoted_identifier = s->ansi_nulls = s->ansi_padding = s->ansi_warnings = s->concat_null = s->ansi_null_dflt =
		false;
	snprintf(s->date_format, sizeof(s->date_format), "mdy");
	snprintf(s->language, sizeof(s->language), "us_english");
	s->identity_insert_object = 0;
}

void session_set_odbc(struct session *s, bool odbc)
{
	s->odbc = odbc;
	s->text_size = odbc ? 2147483647 : 4096;
	s->quoted_identifier = s->ansi_nulls = s->ansi_padding = s->ansi_warnings = s->concat_null = s->ansi_null_dflt =
		odbc;
}

static int open_connection(struct session *s)
{
	if (sqlite3_open_v2(":memory:", &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL))
		return -EIO;
	sqlite3_busy_timeout(s->db, 5000);
	sqlite3_extended_result_codes(s->db, 1);
	return functions_register(s) || constraints_register(s) ||
			engine_run(s->db,
				"PRAGMA temp_store=MEMORY;"
				"PRAGMA recursive_triggers=ON; PRAGMA legacy_alter_table=ON")
		? -EIO
		: 0;
}

static void free_session(struct session *s)
{
	struct engine *engine = s->engine;

	pthread_mutex_lock(&engine->mutex);
	for (struct session **at = &engine->sessions; *at; at = &(*at)->next) {
		if (*at == s) {
			*at = s->next;
			break;
		}
	}
	pthread_mutex_unlock(&engine->mutex);
	if (s->frame) {
		variables_free(s->frame->variables);
		free(s->frame);
	}
	prepared_free(s);
	kept_free(s);
	sqlite3_close_v2(s->db);
	bytes_free(&s->convert_scratch);
	free(s);
}

static int check_password(struct engine *engine, const char *login, const char *password, bool *administrator)
{
	sqlite3_stmt *q;
	int error = -EACCES;

	pthread_mutex_lock(&engine->mutex);
	if (!sqlite3_prepare_v2(engine->master, "SELECT password,administrator FROM m_logins WHERE name=?", -1, &q, NULL)) {
		sqlite3_bind_text(q, 1, login, -1, SQLITE_STATIC);
		if (sqlite3_step(q) == SQLITE_ROW) {
			const char *stored = (const char *)sqlite3_column_text(q, 0);

			if (!password || (stored && !strcmp(stored, password)))
				error = 0;
			*administrator = sqlite3_column_int(q, 1);
		}
	}
	sqlite3_finalize(q);
	pthread_mutex_unlock(&engine->mutex);
	return error;
}

static int start(struct session **out, struct engine *engine, const char *login, const char *password,
	const char *database, const char *host, const char *program, int32_t *error)
{
	bool administrator = false;

	*error = 18456;
	if (check_password(engine, login, password, &administrator))
		return -EACCES;
	struct session *s = calloc(1, sizeof(*s));

	if (!s || !(s->frame = calloc(1, sizeof(*s->frame)))) {
		free(s);
		return -ENOMEM;
	}
	s->engine = engine;
	s->sysadmin = administrator;
	s->view_server_state = administrator;
	snprintf(s->login, sizeof(s->login), "%s", login);
	snprintf(s->host, sizeof(s->host), "%s", host ? host : "");
	snprintf(s->program, sizeof(s->program), "%s", program ? program : "");
	s->login_time = s->last_request = datetime_now();
	defaults(s);
	if (open_connection(s)) {
		free(s->frame);
		sqlite3_close_v2(s->db);
		free(s);
		return -EIO;
	}
	pthread_mutex_lock(&engine->mutex);
	s->id = engine->next_session++;
	s->next = engine->sessions;
	engine->sessions = s;
	s->database = database_find(engine, database && *database ? database : "master");
	pthread_mutex_unlock(&engine->mutex);
	struct arena arena = { 0 };

	s->arena = &arena;
	bool single = s->database && s->database->user_access == 1;

	for (struct session *other = engine->sessions; single && other; other = other->next)
		single = other == s || other->database != s->database;
	bool may = s->database && !strstr(s->database->marks, "mirror_of") &&
		(!s->database->user_access || single || s->database->user_access == 2) && !database_attach(s, s->database) &&
		(s->sysadmin || s->database->id == DATABASE_MASTER || database_permitted(s, s->database));

	if (may && !s->sysadmin) {
		s->view_server_state = security_server(s, "VIEW SERVER STATE");
		s->sysadmin = security_server(s, "SYSADMIN");
	}
	s->arena = NULL;
	arena_free(&arena);
	s->failed = false;
	if (!may) {
		*error = 4060;
		free_session(s);
		return -EACCES;
	}
	s->first_database = s->database;
	*error = 0;
	*out = s;
	return 0;
}

int session_login(struct session **session, struct engine *engine, const char *login, const char *password,
	const char *database, const char *host, const char *program, int32_t *error)
{
	return start(session, engine, login, password ? password : "", database, host, program, error);
}

int session_login_trusted(struct session **session, struct engine *engine, const char *login, const char *database,
	const char *host, const char *program, int32_t *error)
{
	return start(session, engine, login, NULL, database, host, program, error);
}

int engine_password(struct engine *engine, const char *login, char *password, size_t size)
{
	sqlite3_stmt *q;
	int error = -ENOENT;

	pthread_mutex_lock(&engine->mutex);
	if (!sqlite3_prepare_v2(engine->master, "SELECT password FROM m_logins WHERE name=?", -1, &q, NULL)) {
		sqlite3_bind_text(q, 1, login, -1, SQLITE_STATIC);
		if (sqlite3_step(q) == SQLITE_ROW && sqlite3_column_text(q, 0)) {
			snprintf(password, size, "%s", (const char *)sqlite3_column_text(q, 0));
			error = 0;
		}
	}
	sqlite3_finalize(q);
	pthread_mutex_unlock(&engine->mutex);
	return error;
}

int engine_add_login(struct engine *engine, const char *login, const char *password, bool administrator)
{
	pthread_mutex_lock(&engine->mutex);
	int code = engine_run(engine->master,
		"INSERT OR REPLACE INTO m_logins(name,password,administrator,windows,created)"
		" VALUES(%Q,%Q,%d,%d,%lld)",
		login, password, administrator, strchr(login, '\\') != NULL, datetime_now());

	pthread_mutex_unlock(&engine->mutex);
	return code ? -EIO : 0;
}

static struct result_sink silent_sink(void);

void session_close(struct session *s)
{
	struct result_sink sink = silent_sink();

	s->sink = &sink;
	__atomic_store_n(&s->interrupted, 0, __ATOMIC_RELAXED);
	bulk_forget(s);
	transaction_abandon(s);
	lock_release(s, HOLD_SESSION);
	free_session(s);
}

int session_reset(struct session *s)
{
	struct result_sink sink = silent_sink();

	s->sink = &sink;
	bulk_forget(s);
	transaction_abandon(s);
	lock_release(s, HOLD_SESSION);
	prepared_free(s);
	defaults(s);
	session_set_odbc(s, s->odbc);
	if (s->first_database && !s->first_database->dropped)
		s->database = s->frame->database = s->first_database;
	if (s->attached[DATABASE_TEMP] && !engine_run(s->db, "DETACH d2"))
		s->attached[DATABASE_TEMP] = 0;
	s->sink = NULL;
	return 0;
}

int session_id(const struct session *s)
{
	return s->id;
}

const char *session_database(const struct session *s)
{
	return s->database->name;
}

void session_collation(const struct session *s, uint8_t collation[5])
{
	collation_wire(s->database->collation, collation);
}

uint64_t session_transaction_descriptor(const struct session *s)
{
	return s->descriptor;
}

void session_interrupt(struct session *s)
{
	__atomic_store_n(&s->interrupted, 1, __ATOMIC_RELAXED);
	sqlite3_interrupt(s->db);
	pthread_mutex_lock(&s->engine->mutex);
	pthread_cond_broadcast(&s->engine->changed);
	pthread_mutex_unlock(&s->engine->mutex);
}

static void begin_request(struct session *s, struct result_sink *sink)
{
	s->sink = sink;
	s->failed = s->sink_failed = s->batch_ends = s->in_try = s->done_pending = false;
	__atomic_store_n(&s->interrupted, 0, __ATOMIC_RELAXED);
	s->last_request = datetime_now();
	s->frame->database = s->database;
	s->frame->returned = false;
	s->frame->caught = NULL;
	s->inside = 0;
	bulk_forget(s);
}

/*
 * A doomed transaction does not outlive its batch; table variables do not either. And under XACT_ABORT a client that takes
 * its statement back by an attention takes the transaction back with it.
 */
static void end_request(struct session *s)
{
	struct arena arena = { 0 };

	s->arena = &arena;
	if (s->xact_abort && s->trancount && __atomic_load_n(&s->interrupted, __ATOMIC_RELAXED))
		transaction_abandon(s);
	if (s->doomed) {
		transaction_abandon(s);
		session_raise(s, 3998);
		session_flush_done(s);
		if (s->sink->message(s->sink, s->error.number, 1, 16, s->error.text, "", s->statement_line))
			s->sink_failed = true;
		s->failed = false;
		session_done(s, 0, false, true);
	}
	transaction_end_statement(s, true);
	drop_table_variables(s);
	s->arena = NULL;
	arena_free(&arena);
	variables_free(s->frame->variables);
	s->frame->variables = NULL;
	s->command = NULL;
}

static void last_done(struct session *s, enum result_end end)
{
	if (s->sink_failed)
		return;
	if (s->done_pending && end == END_STATEMENT) {
		s->done_pending = false;
		s->sink->done(s->sink, s->done.end, s->done.command, s->done.counted, s->done.rows, s->done.error, false);
	} else {
		session_flush_done(s);
		s->sink->done(s->sink, end, 0, false, 0, false, false);
	}
}

int session_execute(struct session *s, const void *text, size_t size, struct result_sink *sink)
{
	struct bytes batch = { 0 };
	struct arena arena = { 0 };

	utf16_to_wtf8(&batch, text, size);
	begin_request(s, sink);
	s->arena = &arena;
	run_text(s, batch.data, batch.size, s->frame);
	s->arena = NULL;
	end_request(s);
	last_done(s, END_STATEMENT);
	arena_free(&arena);
	bytes_free(&batch);
	s->sink = NULL;
	return s->sink_failed || s->killed ? -EIO : 0;
}

static int send_outputs(struct session *s, struct argument_value *a, const struct parameter *parameters, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct result_column column = { .nullable = true };
		struct bytes scratch = { 0 };
		struct result_value wire;

		if (!parameters[i].output)
			continue;
		struct variable *v = a[i].variable;

		type_to_column(v->type, &column);
		value_to_wire(v->value, v->type, &scratch, &wire);
		if (s->sink->output(s->sink, parameters[i].name, &column, &wire))
			s->sink_failed = true;
		bytes_free(&scratch);
	}
	return 0;
}

/* Parameters become variables of the base frame, so that OUTPUT has a place to go. */
static int take_parameters(struct session *s, const struct parameter *p, size_t count, struct argument_value *out)
{
	for (size_t i = 0; i < count; i++) {
		struct bytes scratch = { 0 };
		struct sql_type type = type_from_column(&p[i].type);
		struct value value;
		char name[32];

		if (type_is_character(type))
			type.collation = collation_from_wire(p[i].type.collation) ? collation_from_wire(p[i].type.collation)
																	  : s->database->collation;
		if (value_from_wire(&p[i].value, type, &scratch, &value))
			return session_raise_text(s, 8009, 16, 1,
				"The incoming tabular data stream (TDS) remote procedure call (RPC)"
				" protocol stream is incorrect. Parameter %zu.",
				i + 1);
		snprintf(name, sizeof(name), "@@parameter%zu", i);
		struct variable *v = variable_add(s, name, type);

		variable_set(v, value);
		bytes_free(&scratch);
		out[i] = (struct argument_value){
			.name = *p[i].name ? p[i].name : NULL, .type = type, .value = v->value, .output = p[i].output, .variable = v
		};
	}
	return 0;
}

int session_call(struct session *s, const char *procedure, const struct parameter *parameters, size_t count,
	struct result_sink *sink)
{
	struct arena arena = { 0 };
	int64_t status = 0;

	begin_request(s, sink);
	s->arena = &arena;
	s->frame->module = "";
	struct argument_value *arguments = arena_alloc(&arena, (count + 1) * sizeof(*arguments));

	if (!take_parameters(s, parameters, count, arguments))
		run_procedure(s, procedure, arguments, count, &status);
	report_failure(s);
	if (!s->sink_failed) {
		session_flush_done(s);
		if (sink->return_status(sink, (int32_t)status))
			s->sink_failed = true;
		send_outputs(s, arguments, parameters, count);
	}
	s->frame->module = NULL;
	end_request(s);
	last_done(s, END_PROC);
	s->arena = NULL;
	arena_free(&arena);
	s->sink = NULL;
	return s->sink_failed || s->killed ? -EIO : 0;
}

int session_transaction(
	struct session *s, uint16_t request, uint8_t isolation, const char *name, struct result_sink *sink)
{
	struct arena arena = { 0 };

	begin_request(s, sink);
	s->arena = &arena;
	if (isolation >= 1 && isolation <= 5)
		s->isolation = isolation;
	switch (request) {
	case 5:
		transaction_begin(s, name);
		break;
	case 7:
		transaction_commit(s);
		break;
	case 8:
		transaction_rollback(s, name);
		break;
	case 9:
		transaction_save(s, name);
		break;
	default:
		session_raise_text(s, 8009, 16, 1, "The stand-in does not know this transaction request.");
	}
	report_failure(s);
	s->arena = NULL;
	arena_free(&arena);
	end_request(s);
	last_done(s, END_STATEMENT);
	s->sink = NULL;
	return s->sink_failed ? -EIO : 0;
}

static int ignore_columns(struct result_sink *sink, const struct result_column *columns, size_t count)
{
	(void)sink, (void)columns, (void)count;
	return 0;
}

static int ignore_row(struct result_sink *sink, const struct result_value *values, size_t count)
{
	(void)sink, (void)values, (void)count;
	return 0;
}

static int ignore_done(
	struct result_sink *sink, enum result_end end, uint16_t command, bool counted, uint64_t rows, bool error, bool more)
{
	(void)sink, (void)end, (void)command, (void)counted, (void)rows, (void)error, (void)more;
	return 0;
}

static int ignore_message(struct result_sink *sink, int32_t number, uint8_t state, uint8_t severity, const char *text,
	const char *procedure, int32_t line)
{
	(void)sink, (void)number, (void)state, (void)severity, (void)text, (void)procedure, (void)line;
	return 0;
}

static int ignore_transaction(struct result_sink *sink, uint8_t kind, uint64_t descriptor)
{
	(void)sink, (void)kind, (void)descriptor;
	return 0;
}

static int ignore_database(struct result_sink *sink, const char *name)
{
	(void)sink, (void)name;
	return 0;
}

static struct result_sink silent_sink(void)
{
	return (struct result_sink){ .columns = ignore_columns,
		.row = ignore_row,
		.done = ignore_done,
		.message = ignore_message,
		.transaction_changed = ignore_transaction,
		.database_changed = ignore_database };
}
