/* SPDX-License-Identifier: Apache-2.0 */
/* Small statements on a session's own connection, values in and out of SQLite, variables. */
#include "tests/sqlserver/sql_date.h"
#include "tests/sqlserver/sql_engine.h"

#include <stdlib.h>
#include <string.h>

static sqlite3_stmt *prepare(struct session *session, const char *format, va_list arguments)
{
	char *sql = sqlite3_vmprintf(format, arguments);
	sqlite3_stmt *statement = NULL;
	int code = sql ? sqlite3_prepare_v2(session->db, sql, -1, &statement, NULL) : SQLITE_NOMEM;

	sqlite3_free(sql);
	if (code)
		session_raise_sqlite(session, code);
	return statement;
}

sqlite3_stmt *query(struct session *session, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	sqlite3_stmt *statement = prepare(session, format, arguments);

	va_end(arguments);
	return statement;
}

bool query_next(struct session *session, sqlite3_stmt **statement)
{
	if (!*statement)
		return false;
	int code = sqlite3_step(*statement);

	if (code == SQLITE_ROW)
		return true;
	if (code != SQLITE_DONE)
		session_raise_sqlite(session, code);
	sqlite3_finalize(*statement);
	*statement = NULL;
	return false;
}

int query_run(struct session *session, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	sqlite3_stmt *statement = prepare(session, format, arguments);

	va_end(arguments);
	if (!statement)
		return -5;
	while (query_next(session, &statement))
		;
	return session->failed ? -5 : 0;
}

/* ---- questions that are asked again and again: by what a session may see, for every row of a catalogue view ---- */

#define KEPT 64

/* Prepared statements by a hash of their text. */
struct kept_statement {
	char *sql;
	sqlite3_stmt *statement;
	bool busy; /* a function that it calls asks the same again */
};

static struct kept_statement *kept_place(struct session *session, const char *sql)
{
	uint32_t hash = 2166136261u;

	for (const char *c = sql; *c; c++)
		hash = (hash ^ (unsigned char)*c) * 16777619u;
	if (!session->kept && !(session->kept = calloc(KEPT, sizeof(*session->kept))))
		abort();
	return &session->kept[(hash ^ hash >> 16) % KEPT];
}

static void kept_forget(struct kept_statement *kept)
{
	sqlite3_finalize(kept->statement);
	sqlite3_free(kept->sql);
	*kept = (struct kept_statement){ .sql = NULL };
}

void kept_free(struct session *session)
{
	for (int i = 0; session->kept && i < KEPT; i++)
		kept_forget(&session->kept[i]);
	free(session->kept);
	session->kept = NULL;
}

/* The first row's statement, or NULL where there is none. It is given back with answered(). */
static sqlite3_stmt *ask(struct session *session, struct kept_statement **kept, const char *format, va_list arguments)
{
	char *sql = sqlite3_vmprintf(format, arguments);
	struct kept_statement *place = sql ? kept_place(session, sql) : NULL;
	sqlite3_stmt *statement = NULL;
	int code = SQLITE_NOMEM;

	*kept = NULL;
	if (place && !place->busy && place->sql && !strcmp(place->sql, sql)) {
		statement = place->statement;
		code = SQLITE_OK;
		*kept = place;
	} else if (sql) {
		code = sqlite3_prepare_v2(session->db, sql, -1, &statement, NULL);
		if (!code && !place->busy) {
			kept_forget(place);
			*place = (struct kept_statement){ sql, statement, false };
			*kept = place;
			sql = NULL;
		}
	}
	sqlite3_free(sql);
	if (*kept)
		(*kept)->busy = true;
	return code ? (session_raise_sqlite(session, code), NULL) : statement;
}

static void answered(struct kept_statement *kept, sqlite3_stmt *statement)
{
	if (!kept) {
		sqlite3_finalize(statement);
		return;
	}
	sqlite3_reset(statement);
	kept->busy = false;
}

static bool has_row(struct session *session, sqlite3_stmt *statement)
{
	int code = statement ? sqlite3_step(statement) : SQLITE_DONE;

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		session_raise_sqlite(session, code);
	return code == SQLITE_ROW;
}

int64_t query_int(struct session *session, int64_t otherwise, const char *format, ...)
{
	struct kept_statement *kept;
	va_list arguments;

	va_start(arguments, format);
	sqlite3_stmt *statement = ask(session, &kept, format, arguments);

	va_end(arguments);
	if (has_row(session, statement) && sqlite3_column_type(statement, 0) != SQLITE_NULL)
		otherwise = sqlite3_column_int64(statement, 0);
	answered(kept, statement);
	return otherwise;
}

const char *column_text(struct session *session, sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text ? arena_copy(session->arena, text, (size_t)sqlite3_column_bytes(statement, column)) : NULL;
}

const char *query_text(struct session *session, const char *format, ...)
{
	struct kept_statement *kept;
	va_list arguments;

	va_start(arguments, format);
	sqlite3_stmt *statement = ask(session, &kept, format, arguments);

	va_end(arguments);
	const char *text = has_row(session, statement) ? column_text(session, statement, 0) : NULL;

	answered(kept, statement);
	return text;
}

struct value value_of_column(sqlite3_stmt *statement, int column)
{
	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_INTEGER:
		return value_int(sqlite3_column_int64(statement, column));
	case SQLITE_FLOAT:
		return value_real(sqlite3_column_double(statement, column));
	case SQLITE_TEXT: {
		const char *text = (const char *)sqlite3_column_text(statement, column);

		return value_text(text, (size_t)sqlite3_column_bytes(statement, column));
	}
	case SQLITE_BLOB: {
		const void *blob = sqlite3_column_blob(statement, column);

		return value_blob(blob ? blob : "", (size_t)sqlite3_column_bytes(statement, column));
	}
	default:
		return value_null();
	}
}

struct value value_of_argument(sqlite3_value *argument)
{
	switch (sqlite3_value_type(argument)) {
	case SQLITE_INTEGER:
		return value_int(sqlite3_value_int64(argument));
	case SQLITE_FLOAT:
		return value_real(sqlite3_value_double(argument));
	case SQLITE_TEXT: {
		const char *text = (const char *)sqlite3_value_text(argument);

		return value_text(text, (size_t)sqlite3_value_bytes(argument));
	}
	case SQLITE_BLOB: {
		const void *blob = sqlite3_value_blob(argument);

		return value_blob(blob ? blob : "", (size_t)sqlite3_value_bytes(argument));
	}
	default:
		return value_null();
	}
}

void value_bind(sqlite3_stmt *statement, int parameter, struct value value)
{
	switch (value.storage) {
	case STORE_NULL:
		sqlite3_bind_null(statement, parameter);
		break;
	case STORE_INT:
		sqlite3_bind_int64(statement, parameter, value.i);
		break;
	case STORE_REAL:
		sqlite3_bind_double(statement, parameter, value.r);
		break;
	case STORE_TEXT:
		sqlite3_bind_text64(statement, parameter, value.data ? value.data : "", value.size, SQLITE_STATIC, SQLITE_UTF8);
		break;
	case STORE_BLOB:
		sqlite3_bind_blob64(statement, parameter, value.data ? value.data : "", value.size, SQLITE_STATIC);
		break;
	}
}

void value_result(sqlite3_context *context, struct value value)
{
	switch (value.storage) {
	case STORE_NULL:
		sqlite3_result_null(context);
		break;
	case STORE_INT:
		sqlite3_result_int64(context, value.i);
		break;
	case STORE_REAL:
		sqlite3_result_double(context, value.r);
		break;
	case STORE_TEXT:
		sqlite3_result_text64(context, value.data ? value.data : "", value.size, SQLITE_TRANSIENT, SQLITE_UTF8);
		break;
	case STORE_BLOB:
		sqlite3_result_blob64(context, value.data ? value.data : "", value.size, SQLITE_TRANSIENT);
		break;
	}
}

struct variable *variable_find(struct session *session, const char *name)
{
	for (struct variable *v = session->frame->variables; v; v = v->next)
		if (name_equal(v->name, name))
			return v;
	return NULL;
}

struct variable *variable_add(struct session *session, const char *name, struct sql_type type)
{
	struct variable *v = calloc(1, sizeof(*v));

	if (!v)
		abort();
	strncpy(v->name, name, sizeof(v->name) - 1);
	v->type = type;
	v->next = session->frame->variables;
	session->frame->variables = v;
	return v;
}

void variable_set(struct variable *variable, struct value value)
{
	char *copy = NULL;

	if (value.storage == STORE_TEXT || value.storage == STORE_BLOB) {
		copy = malloc(value.size + 1);
		if (!copy)
			abort();
		if (value.size)
			memcpy(copy, value.data, value.size);
		copy[value.size] = '\0';
		value.data = copy;
	}
	free(variable->owned);
	variable->owned = copy;
	variable->value = value;
}

void variables_free(struct variable *variables)
{
	while (variables) {
		struct variable *next = variables->next;

		free(variables->owned);
		free(variables);
		variables = next;
	}
}

int64_t datetime_now(void)
{
	struct bytes scratch = { 0 };
	struct value now;

	moment_value(moment_now(false), type_simple(K_DATETIME), &scratch, &now);
	bytes_free(&scratch);
	return now.i;
}
