/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of the session: identities, application locks, the error that was caught; sequences and .WRITE. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_parse.h"
#include "tests/sqlserver/sql_run.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define FUNCTION(name) static void name(sqlite3_context *context, int count, sqlite3_value **v)
#define SESSION function_session(context)

static void give_text(sqlite3_context *context, const char *text)
{
	if (text)
		sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

FUNCTION(scope_identity)
{
	(void)count, (void)v;
	if (SESSION->frame->has_identity)
		sqlite3_result_int64(context, SESSION->frame->scope_identity);
}

static struct table *named_table(struct session *session, sqlite3_value *value)
{
	struct name name;

	return parse_object_name(session->arena, arena_string(session->arena, text_argument(value)), &name)
		? catalogue_find(session, &name)
		: NULL;
}

FUNCTION(ident_current)
{
	struct table *table = named_table(SESSION, v[0]);

	(void)count;
	for (size_t i = 0; table && i < table->column_count; i++) {
		if (!table->columns[i].identity)
			continue;
		struct identity *identity = identity_get(SESSION, table);

		sqlite3_result_int64(context, identity->used || identity->reseeded ? identity->last : table->columns[i].seed);
	}
}

FUNCTION(ident_seed)
{
	struct table *table = named_table(SESSION, v[0]);

	(void)count;
	for (size_t i = 0; table && i < table->column_count; i++)
		if (table->columns[i].identity)
			sqlite3_result_int64(context, table->columns[i].seed);
}

FUNCTION(ident_incr)
{
	struct table *table = named_table(SESSION, v[0]);

	(void)count;
	for (size_t i = 0; table && i < table->column_count; i++)
		if (table->columns[i].identity)
			sqlite3_result_int64(context, table->columns[i].increment);
}

FUNCTION(last_value)
{
	struct session *session = SESSION;
	struct database *d = database_by_id(session->engine, sqlite3_value_int(v[0]));
	struct table *table = d ? catalogue_by_id(session, d, sqlite3_value_int(v[1])) : NULL;

	(void)count;
	if (!table)
		return;
	struct identity *identity = identity_get(session, table);

	if (identity->used)
		sqlite3_result_int64(context, identity->last);
}

FUNCTION(xact_state)
{
	(void)count, (void)v;
	sqlite3_result_int(context, SESSION->doomed ? -1 : SESSION->trancount > 0);
}

FUNCTION(applock_mode)
{
	struct session *session = SESSION;

	if (!any_null(count, v))
		give_text(context,
			lock_held(session, session->database->id, text_argument(v[1]),
				!strcasecmp(text_argument(v[2]), "Session") ? HOLD_SESSION : HOLD_TRANSACTION));
}

/* APPLOCK_TEST(principal, resource, mode, owner): could it be had at once? */
FUNCTION(applock_test)
{
	struct session *session = SESSION;
	const char *mode = text_argument(v[2]);
	struct lock wanted = { .kind = LOCK_APPLICATION,
		.database = session->database->id,
		.owner = session,
		.mode = !strcasecmp(mode, "Exclusive") ? MODE_X
			: !strcasecmp(mode, "Update")      ? MODE_U
			: !strcasecmp(mode, "Shared")      ? MODE_S
											   : MODE_IS,
		.duration = HOLD_STATEMENT };

	if (any_null(count, v))
		return;
	snprintf(wanted.name, sizeof(wanted.name), "%s", text_argument(v[1]));
	bool free = !lock_try(session, &wanted, 0);

	if (free)
		lock_release_name(session, wanted.database, wanted.name, HOLD_STATEMENT);
	sqlite3_result_int(context, free);
}

FUNCTION(error_number)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		sqlite3_result_int(context, SESSION->frame->caught->number);
}

FUNCTION(error_message)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		give_text(context, SESSION->frame->caught->text);
}

FUNCTION(error_severity)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		sqlite3_result_int(context, SESSION->frame->caught->severity);
}

FUNCTION(error_state)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		sqlite3_result_int(context, SESSION->frame->caught->state);
}

FUNCTION(error_line)
{
	(void)count, (void)v;
	if (SESSION->frame->caught)
		sqlite3_result_int(context, SESSION->frame->caught->line);
}

FUNCTION(error_procedure)
{
	(void)count, (void)v;
	if (SESSION->frame->caught && *SESSION->frame->caught->procedure)
		give_text(context, SESSION->frame->caught->procedure);
}

FUNCTION(row_count)
{
	(void)count, (void)v;
	sqlite3_result_int64(context, SESSION->rowcount);
}

FUNCTION(active_rowversion)
{
	char bytes[8];
	uint64_t version = __atomic_load_n(&SESSION->engine->row_version, __ATOMIC_RELAXED) + 2001;

	(void)count, (void)v;
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(version >> (56 - 8 * i));
	sqlite3_result_blob(context, bytes, 8, SQLITE_TRANSIENT);
}

/* next_value(database, sequence) */
FUNCTION(next_value)
{
	struct session *session = SESSION;
	int d = sqlite3_value_int(v[0]), id = sqlite3_value_int(v[1]);
	bool unused = query_int(session, 0, "SELECT flags='unused' FROM d%d.m_objects WHERE object_id=%d", d, id);
	int64_t value = query_int(
		session, 0, "SELECT x5+CASE WHEN %d THEN 0 ELSE x2 END FROM d%d.m_objects WHERE object_id=%d", unused, d, id);

	(void)count;
	if (query_int(session, 0, "SELECT %lld<x3 OR %lld>x4 FROM d%d.m_objects WHERE object_id=%d", value, value, d, id)) {
		session_raise(session, 11728, query_text(session, "SELECT name FROM d%d.m_objects WHERE object_id=%d", d, id));
		function_fail(context);
		return;
	}
	query_run(session, "UPDATE d%d.m_objects SET x5=%lld,flags='' WHERE object_id=%d", d, value, id);
	sqlite3_result_int64(context, value);
}

/* write_chunk(old, chunk, offset, length, type): the .WRITE of UPDATE, in UTF-16 units or bytes */
FUNCTION(write_chunk)
{
	struct sql_type type = type_unpack(sqlite3_value_int64(v[4]));
	struct value old = value_of_argument(v[0]), chunk = value_of_argument(v[1]);
	struct bytes out = { 0 };
	bool text = old.storage == STORE_TEXT;

	(void)count;
	if (old.storage == STORE_NULL) {
		session_raise_text(SESSION, 4924, 16, 1, "Cannot call mutator WRITE on a NULL value.");
		function_fail(context);
		return;
	}
	size_t units = text ? wtf8_units(old.data, old.size) : old.size;
	size_t offset = sqlite3_value_type(v[2]) == SQLITE_NULL ? units : (size_t)sqlite3_value_int64(v[2]);
	size_t cut = sqlite3_value_type(v[3]) == SQLITE_NULL ? units : (size_t)sqlite3_value_int64(v[3]);

	if (offset > units) {
		session_raise_text(SESSION, 7135, 16, 1, "Deletion offset in WRITE is out of range.");
		function_fail(context);
		return;
	}
	cut = cut > units - offset ? units - offset : cut;
	size_t from = text ? wtf8_offset(old.data, old.size, offset) : offset;
	size_t to = text ? wtf8_offset(old.data, old.size, offset + cut) : offset + cut;

	bytes_add(&out, old.data, from);
	bytes_add(&out, chunk.data, chunk.size);
	bytes_add(&out, old.data + to, old.size - to);
	value_result(context, text ? value_text(out.data, out.size) : value_blob(out.data, out.size));
	bytes_free(&out);
	(void)type;
}

int functions_register_session(struct session *session)
{
	static const struct function_entry entries[] = {
		{ "f_scope_identity", 0, scope_identity, 1 },
		{ "f_ident_current", 1, ident_current, 1 },
		{ "f_ident_seed", 1, ident_seed, 1 },
		{ "f_ident_incr", 1, ident_incr, 1 },
		{ "last_value_of", 2, last_value, 1 },
		{ "f_xact_state", 0, xact_state, 1 },
		{ "f_applock_mode", 3, applock_mode, 1 },
		{ "f_applock_test", 4, applock_test, 1 },
		{ "f_error_number", 0, error_number, 1 },
		{ "f_error_message", 0, error_message, 1 },
		{ "f_error_severity", 0, error_severity, 1 },
		{ "f_error_state", 0, error_state, 1 },
		{ "f_error_line", 0, error_line, 1 },
		{ "f_error_procedure", 0, error_procedure, 1 },
		{ "f_rowcount_big", 0, row_count, 1 },
		{ "f_min_active_rowversion", 0, active_rowversion, 1 },
		{ "next_value", 2, next_value, 1 },
		{ "write_chunk", 5, write_chunk, 0 },
	};

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries));
}
