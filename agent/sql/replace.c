/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/replace.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/message.h"
#include "agent/sql/reader.h"
#include "agent/sql/replace_private.h"
#include "agent/sql/restore_lock.h"

int replace_execute(struct replace *replace, struct sql_error *error)
{
	const char *text = statement_text(&replace->statement);

	if (!text)
		return reader_failed(error, -ENOMEM, NULL);
	snprintf(error->doing, sizeof error->doing, "%.150s", text);
	return session_execute(replace->session, REQUEST_CHANGE, text, NULL, error);
}

int replace_note(struct replace *replace, const char *format, ...)
{
	char sentence[600];
	uint8_t bytes[700];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(sentence, sizeof sentence, format, arguments);
	va_end(arguments);
	pack_string(&packer, sentence);
	return message_send(replace->uplink->socket, MESSAGE_NOTE, bytes, packer.size);
}

static void tell_phase(struct replace *replace, enum worker_phase phase)
{
	uint8_t bytes[32];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };

	pack_u8(&packer, (uint8_t)phase);
	pack_u32(&packer, 0);
	pack_u64(&packer, 0);
	pack_u64(&packer, 0);
	message_send(replace->uplink->socket, MESSAGE_PROGRESS, bytes, packer.size);
}

/* ---- begin ---- */

static int check_writable(const struct catalogue_database *database, struct sql_error *error)
{
	if (database->read_only)
		return sql_error_set(error, SQL_ERROR_DATABASE_STATE, database->name,
			"The database is read-only, or a secondary "
			"that others write");
	if (database->state)
		return sql_error_set(error, SQL_ERROR_DATABASE_STATE, database->name, "The database is not online");
	if (!strcmp(database->mirroring, "MIRROR"))
		return sql_error_set(error, SQL_ERROR_DATABASE_STATE, database->name,
			"The database is a mirror; restore on its "
			"principal");
	return 0;
}

/* Everything locked, in the order of names, so that two restores cannot wait for each other. */
static int lock_everything(struct replace *replace, struct sql_error *error)
{
	struct catalogue *catalogue;
	int result;

	snprintf(error->doing, sizeof error->doing, "reading the catalogue");
	result = catalogue_read(&catalogue, replace->session, error);
	if (result < 0)
		return result;
	result = check_writable(&catalogue->database, error);
	if (result == 0)
		result = restore_lock_take(replace->session, catalogue->database.name, error);
	if (result == 0)
		result = reader_lock_tables(replace->session, catalogue, true, replace->unread, replace->unread_count, error);
	catalogue_free(catalogue);
	return result;
}

static int compare_shapes(struct replace *replace, struct sql_error *error)
{
	char object[sizeof error->object], difference[200];

	if (catalogue_fits(replace->wanted, replace->present, object, sizeof object, difference, sizeof difference))
		return 0;
	return sql_error_set(error, SQL_ERROR_SCHEMA, object, "%s", difference);
}

static int begin(struct replace *replace, struct sql_error *error)
{
	int result;

	tell_phase(replace, PHASE_LOCK);
	result = session_execute(replace->session, REQUEST_CATALOGUE,
		"SET XACT_ABORT ON; SET TRANSACTION ISOLATION LEVEL READ "
		"COMMITTED; BEGIN TRANSACTION",
		NULL, error);
	if (result == 0)
		result = lock_everything(replace, error);
	/* Again, now that nobody can change it. */
	if (result == 0)
		result = catalogue_read(&replace->present, replace->session, error);
	if (result == 0)
		result = compare_shapes(replace, error);
	if (result)
		return result;
	replace->changed = calloc(replace->present->table_count + 1u, sizeof *replace->changed);
	replace->numbered = calloc(replace->wanted->table_count + 1u, sizeof *replace->numbered);
	return replace->changed && replace->numbered ? 0 : reader_failed(error, -ENOMEM, NULL);
}

int replace_begin(struct replace **begun, struct session *session, struct uplink *uplink,
	const struct replace_wanted *wanted, struct sql_error *error)
{
	struct replace *replace = calloc(1, sizeof *replace);
	int result;

	if (!replace)
		return reader_failed(error, -ENOMEM, NULL);
	*replace = (struct replace){ .session = session,
		.uplink = uplink,
		.wanted = wanted->catalogue,
		.params = wanted->params,
		.unread = wanted->unread,
		.unread_count = wanted->unread_count };
	result = begin(replace, error);
	if (result < 0) {
		replace_free(replace);
		return result;
	}
	*begun = replace;
	return 0;
}

void replace_free(struct replace *replace)
{
	if (!replace)
		return;
	catalogue_free(replace->present);
	statement_free(&replace->statement);
	load_free(replace->load);
	free(replace->changed);
	free(replace->numbered);
	free(replace);
}

/* ---- prepare ---- */

/* A DDL trigger would see our ALTER TABLE, and may undo it or write about it where we have just replaced rows. */
static int refuse_ddl_triggers(struct replace *replace, struct sql_error *error)
{
	char name[200];
	int result = catalogue_read_text(replace->session,
		"SELECT TOP (1) CAST(r.name AS varbinary(256)) FROM sys.triggers r "
		"JOIN sys.trigger_events e ON e.object_id = r.object_id WHERE r.parent_class = 0 AND r.is_disabled = 0 AND "
		"r.is_ms_shipped = 0 AND e.type_desc = N'ALTER_TABLE'",
		name, sizeof name, error);

	if (result < 0 || !*name)
		return result;
	return sql_error_set(error, SQL_ERROR_UNSUPPORTED, name,
		"An enabled DDL trigger watches ALTER TABLE, which a restore "
		"must use. Disable it for the restore: DISABLE TRIGGER [%s] ON DATABASE",
		name);
}

static int mark_changed(struct replace *replace, uint32_t wanted, struct sql_error *error)
{
	const struct catalogue_table *table = replace_present(replace, wanted);
	const struct catalogue_refusal *refusal = catalogue_refused(table, true);
	char name[CATALOGUE_NAME_SIZE];

	replace->changed[table - replace->present->tables] = true;
	catalogue_table_name(table, name, sizeof name);
	if (refusal)
		return sql_error_set(error, SQL_ERROR_UNSUPPORTED, name, "It cannot be replaced: %s", refusal->text);
	if (table->features & FEATURE_CHANGE_TRACKING)
		replace_note(replace, "%s is under change tracking: clients that follow it must start afresh.", name);
	return 0;
}

int replace_prepare(
	struct replace *replace, const uint32_t *tables, size_t count, size_t changed, struct sql_error *error)
{
	int result = 0;

	tell_phase(replace, PHASE_PREPARE);
	for (size_t i = 0; result == 0 && i < count; i++) {
		if (tables[i] >= replace->wanted->table_count)
			return sql_error_set(error, SQL_ERROR_WORKER, "", "A table that is not in the catalogue was asked for");
		replace->numbered[tables[i]] = true;
		if (i < changed)
			result = mark_changed(replace, tables[i], error);
	}
	if (result == 0 && changed)
		result = refuse_ddl_triggers(replace, error);
	return result < 0 ? result : replace_switch_off(replace, error);
}

/* ---- one table ---- */

int replace_prepared(
	struct replace *replace, uint32_t wanted, const struct catalogue_table **table, struct sql_error *error)
{
	if (wanted >= replace->wanted->table_count || replace->load)
		return sql_error_set(error, SQL_ERROR_WORKER, "", "A table was asked for out of order");
	*table = replace_present(replace, wanted);
	if (!replace->changed[*table - replace->present->tables])
		return sql_error_set(error, SQL_ERROR_WORKER, (*table)->name, "The table was not prepared");
	return 0;
}

int replace_table(struct replace *replace, uint32_t wanted, struct sql_error *error)
{
	const struct catalogue_table *table = NULL;
	int result = replace_prepared(replace, wanted, &table, error);

	if (result)
		return result;
	tell_phase(replace, PHASE_WRITE);
	/*
	 * The present table: its columns, collations and key are those that the chunks were made with (catalogue_fits), and
	 * whether that key is clustered, so that a load may promise its order, is a matter of the present.
	 */
	return load_open(&replace->load, replace->session, table, replace->params, error);
}

int replace_chunk(struct replace *replace, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size,
	struct sql_error *error)
{
	(void)rows;
	if (!replace->load)
		return sql_error_set(error, SQL_ERROR_WORKER, "", "A chunk came for no table");
	return load_chunk(replace->load, kind, bytes, size, error);
}

int replace_table_end(struct replace *replace, uint64_t *rows, struct sql_error *error)
{
	int result = load_end(replace->load, rows, error);

	load_free(replace->load);
	replace->load = NULL;
	return result;
}

int replace_abandon(struct replace *replace, struct sql_error *error)
{
	int result = replace && replace->load ? load_abandon(replace->load, error) : 0;

	if (replace) {
		load_free(replace->load);
		replace->load = NULL;
	}
	return result;
}

/* ---- the end ---- */

int replace_put_back(struct replace *replace, struct sql_error *error)
{
	char object[sizeof error->object], difference[200];
	struct catalogue *now = NULL;
	bool equal;
	int result;

	tell_phase(replace, PHASE_PUT_BACK);
	result = replace_switch_on(replace, error);
	if (result == 0)
		result = replace_put_values(replace, error);
	if (result == 0)
		result = catalogue_read(&now, replace->session, error);
	if (result < 0)
		return result;
	equal = catalogue_states_equal(replace->present, now, object, sizeof object, difference, sizeof difference);
	catalogue_free(now);
	return equal ? 0 : sql_error_set(error, SQL_ERROR_DIFFERS, object, "After it was put back: %s", difference);
}

/* Where a database is set to DELAYED_DURABILITY = FORCED (2014), COMMIT is answered before its log is on disk. */
static void harden(struct replace *replace)
{
	struct sql_error error = { .kind = SQL_OK };
	int64_t durability = 0;
	bool there;
	int result;

	if (session_server_version(replace->session) < 12)
		return;
	result = catalogue_read_number(replace->session,
		"SELECT CAST(d.delayed_durability AS int) FROM sys.databases d WHERE d.database_id = DB_ID()", &durability,
		&there, &error);
	if (result == 0 && durability == 2)
		result = session_execute(replace->session, REQUEST_CHANGE, "EXEC sys.sp_flush_log", NULL, &error);
	if (result < 0)
		replace_note(replace,
			"The log may not be on the server's disk yet (DELAYED_DURABILITY): a crash of the server at this moment could "
			"lose the restore. sp_flush_log: %s",
			error.detail);
}

int replace_commit(struct replace *replace, struct sql_error *error)
{
	int64_t state;
	bool there;
	int result;

	tell_phase(replace, PHASE_COMMIT);
	result = catalogue_read_number(replace->session,
		"SELECT CASE WHEN XACT_STATE() = 1 AND @@TRANCOUNT = 1 THEN 1 ELSE 0 "
		"END",
		&state, &there, error);
	if (result < 0)
		return result;
	if (state != 1)
		return sql_error_set(error, SQL_ERROR_SERVER, replace->present->database.name,
			"The server has ended the "
			"transaction; nothing was changed");
	result = session_execute(replace->session, REQUEST_CHANGE,
		"IF XACT_STATE() = 1 AND @@TRANCOUNT = 1 COMMIT TRANSACTION; "
		"ELSE RAISERROR(N'no transaction to commit', 16, 1)",
		NULL, error);
	/* Where the server answered with an error it has not committed. Whatever else keeps its answer from us tells nothing. */
	if (result < 0 && result != -EREMOTEIO)
		error->kind = SQL_ERROR_UNKNOWN_OUTCOME;
	if (result == 0)
		harden(replace);
	return result;
}

void replace_statistics(struct replace *replace)
{
	struct sql_error error;
	char name[CATALOGUE_NAME_SIZE];

	for (uint32_t i = 0; i < replace->present->table_count; i++) {
		const struct catalogue_table *table = &replace->present->tables[i];
		if (!replace->changed[i])
			continue;
		error = (struct sql_error){ .kind = SQL_OK };
		statement_reset(&replace->statement);
		statement_add(&replace->statement, "UPDATE STATISTICS ");
		statement_table(&replace->statement, table);
		if (replace_execute(replace, &error) == 0)
			continue;
		catalogue_table_name(table, name, sizeof name);
		replace_note(replace, "Statistics of %s were not updated: %s", name, error.detail);
		if (error.kind == SQL_ERROR_LOST || error.kind == SQL_ERROR_CANCELLED)
			return;
	}
}
