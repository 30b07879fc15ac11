/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/reader.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/net/clock.h"
#include "agent/sql/message.h"
#include "agent/sql/statement.h"

#define CATALOGUE_PIECE ((size_t)256 * 1024)
#define FINGERPRINT_SIZE 64
/*
 * Long values are read by ending a query before its end. With XACT_ABORT the attention that does so would end the
 * transaction, too, and with it the moment that all tables are read of, or a restore's locks.
 */
#define OUTLIVES_CANCEL "SET XACT_ABORT OFF; "

static int execute(struct reader *reader, const char *sql)
{
	return session_execute(reader->session, REQUEST_CATALOGUE, sql, NULL, reader->error);
}

static int send_note(struct reader *reader, const char *sentence)
{
	uint8_t bytes[1024];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };

	pack_string(&packer, sentence);
	return message_send(reader->uplink->socket, MESSAGE_NOTE, bytes, packer.size) < 0
		? reader_failed(reader->error, -EPIPE, NULL)
		: 0;
}

int reader_send_catalogue(struct uplink *uplink, const struct catalogue *catalogue, struct sql_error *error)
{
	uint8_t *bytes;
	size_t size;
	int result = catalogue_encode(catalogue, &bytes, &size);

	if (result == -EFBIG)
		return sql_error_set(error, SQL_ERROR_MEMORY, catalogue->database.name,
			"The catalogue of the database is larger "
			"than %d KiB (AGENT_SQL_CATALOGUE_KIB)",
			CONFIG_AGENT_SQL_CATALOGUE_KIB);
	if (result < 0)
		return reader_failed(error, result, NULL);
	for (size_t at = 0; result == 0 && at < size; at += CATALOGUE_PIECE)
		result = message_send(
			uplink->socket, MESSAGE_CATALOGUE, bytes + at, size - at < CATALOGUE_PIECE ? size - at : CATALOGUE_PIECE);
	if (result == 0)
		result = message_send(uplink->socket, MESSAGE_CATALOGUE, NULL, 0);
	free(bytes);
	return result < 0 ? reader_failed(error, result, NULL) : 0;
}

/* ---- one consistent picture ---- */

static int refuse_isolation(struct reader *reader, const struct catalogue_database *database)
{
	struct statement name = { 0 };
	int result;

	statement_name(&name, database->name);
	result = sql_error_set(reader->error, SQL_ERROR_CONSISTENCY, database->name,
		"SNAPSHOT isolation is %s in it, so its "
		"tables cannot be read as of one moment. Run once, as an administrator: ALTER DATABASE %s SET "
		"ALLOW_SNAPSHOT_ISOLATION ON",
		database->snapshot_isolation == 2 || database->snapshot_isolation == 3 ? "being switched" : "not allowed",
		statement_text(&name) ? statement_text(&name) : "...");
	statement_free(&name);
	return result;
}

static int begin_snapshot(struct reader *reader)
{
	struct catalogue *catalogue;
	int result;

	if (catalogue_new(&catalogue) < 0)
		return reader_failed(reader->error, -ENOMEM, NULL);
	result = catalogue_read_database(catalogue, reader->session, reader->error);
	if (result == 0 && catalogue->database.snapshot_isolation != 1)
		result = refuse_isolation(reader, &catalogue->database);
	catalogue_free(catalogue);
	return result < 0 ? result
					  : execute(reader, OUTLIVES_CANCEL "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRANSACTION");
}

int reader_lock_tables(struct session *session, const struct catalogue *catalogue, bool exclusive,
	const char *const *left_out, size_t left_out_count, struct sql_error *error)
{
	struct statement statement = { 0 };
	char name[CATALOGUE_NAME_SIZE];
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < catalogue->table_count; i++) {
		const struct catalogue_table *table = &catalogue->tables[i];
		if (catalogue_table_listed(table, left_out, left_out_count) || catalogue_refused(table, false))
			continue;
		catalogue_table_name(table, name, sizeof name);
		snprintf(error->doing, sizeof error->doing, "locking %.150s", name);
		statement_reset(&statement);
		/* TOP (1), not a predicate: what the optimiser folds away locks nothing. */
		statement_add(&statement, "SELECT TOP (1) 1 FROM ");
		statement_table(&statement, table);
		statement_add(&statement, exclusive ? " WITH (TABLOCKX, HOLDLOCK)" : " WITH (TABLOCK, HOLDLOCK)");
		result = statement_text(&statement)
			? session_execute(session, REQUEST_CHANGE, statement_text(&statement), NULL, error)
			: reader_failed(error, -ENOMEM, table);
		reader_blame(error, table);
	}
	statement_free(&statement);
	return result;
}

static int begin_locked(struct reader *reader)
{
	struct catalogue *catalogue = NULL;
	int result = execute(reader, OUTLIVES_CANCEL "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; BEGIN TRANSACTION");

	if (result == 0)
		result = catalogue_read(&catalogue, reader->session, reader->error);
	if (result)
		return result;
	result = reader_lock_tables(
		reader->session, catalogue, false, reader->left_out, reader->left_out_count, reader->error);
	catalogue_free(catalogue);
	return result;
}

static int begin(struct reader *reader)
{
	if (reader->within_restore)
		return execute(reader, OUTLIVES_CANCEL);
	switch (reader->consistency) {
	case CONSISTENCY_SNAPSHOT:
		return begin_snapshot(reader);
	case CONSISTENCY_LOCK:
		return begin_locked(reader);
	default:
		return execute(reader, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
	}
}

/* Still in the transaction that it was begun in? Rows from outside of it are of other moments, or of no lock. */
static int check_transaction(struct reader *reader)
{
	int64_t open;
	bool there;
	int result;

	if (reader->consistency == CONSISTENCY_LOOSE && !reader->within_restore)
		return 0;
	result = catalogue_read_number(reader->session, "SELECT CAST(@@TRANCOUNT AS int)", &open, &there, reader->error);
	if (result < 0 || open == 1)
		return result;
	return sql_error_set(reader->error, SQL_ERROR_RETRY, reader->catalogue->database.name,
		"The server ended the transaction in which the database was read");
}

/* Whatever happened, no query and nothing of a backup stays open on the server; and who only reads never commits. */
static int end(struct reader *reader, int result)
{
	const char *sql = reader->within_restore ? "SET XACT_ABORT ON"
											 : "SET XACT_ABORT ON; IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION";
	struct sql_error ignored = { .kind = SQL_OK };

	if (result == 0)
		return execute(reader, sql);
	if (session_cancel(reader->session, &ignored) == 0)
		session_execute(reader->session, REQUEST_CHANGE, sql, NULL, &ignored);
	return result;
}

/*
 * Metadata is not versioned: a table changed between the catalogue and the last row would go unnoticed, and so would a
 * security policy ('SP') that begins to filter the rows of one.
 */
static int fingerprint(struct reader *reader, char text[FINGERPRINT_SIZE * 3])
{
	return catalogue_read_text(reader->session,
		"SELECT CAST(CONVERT(nvarchar(30), MAX(t.modify_date), 126) + N' ' + "
		"CAST(COUNT(*) AS nvarchar(12)) AS varbinary(100)) FROM sys.objects t WHERE t.is_ms_shipped = 0 AND t.type IN ('U', "
		"'SP')",
		text, FINGERPRINT_SIZE * 3, reader->error);
}

static int compare_fingerprint(struct reader *reader, const char *before)
{
	char after[FINGERPRINT_SIZE * 3];
	int result = reader->within_restore ? 0 : fingerprint(reader, after);

	if (result < 0 || reader->within_restore || !strcmp(before, after))
		return result;
	return sql_error_set(reader->error, SQL_ERROR_RETRY, reader->catalogue->database.name,
		"A table or a security policy was created, changed or dropped while the database was read");
}

/* ---- tables ---- */

static int note_features(struct reader *reader, const struct catalogue_table *table)
{
	const struct catalogue_refusal *refusal = catalogue_refused(table, true);
	char name[CATALOGUE_NAME_SIZE], sentence[600];

	if (!refusal || reader->within_restore)
		return 0;
	catalogue_table_name(table, name, sizeof name);
	snprintf(sentence, sizeof sentence, "%s is kept, but cannot be restored in place: %s.", name, refusal->text);
	return send_note(reader, sentence);
}

/* Tables that SQL Server made for itself, or that somebody marked as such, are in no catalogue of ours. */
static int note_shipped(struct reader *reader)
{
	char name[CATALOGUE_NAME_SIZE], sentence[600];
	int result = catalogue_read_text(reader->session,
		"SELECT TOP (1) CAST(QUOTENAME(SCHEMA_NAME(t.schema_id)) + N'.' + QUOTENAME(t.name) AS varbinary(1100)) FROM "
		"sys.tables t JOIN sys.partitions p ON p.object_id = t.object_id AND p.index_id < 2 WHERE t.is_ms_shipped = 1 AND "
		"p.rows > 0 ORDER BY t.object_id",
		name, sizeof name, reader->error);

	if (result < 0 || !*name)
		return result;
	snprintf(sentence, sizeof sentence,
		"%s is marked as SQL Server's own (is_ms_shipped): like any other such table it is not kept.", name);
	return send_note(reader, sentence);
}

static int send_table_end(struct reader *reader, uint32_t index, const struct table_digest *digest)
{
	uint8_t bytes[32];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };

	pack_u32(&packer, index);
	pack_bytes(&packer, digest->sum, sizeof digest->sum);
	pack_u64(&packer, digest->rows);
	return message_send(reader->uplink->socket, MESSAGE_TABLE_END, bytes, packer.size);
}

static int read_table(struct reader *reader, uint32_t index)
{
	uint8_t bytes[4];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };
	struct table_digest digest;
	int result = note_features(reader, &reader->catalogue->tables[index]);

	pack_u32(&packer, index);
	if (result == 0 && message_send(reader->uplink->socket, MESSAGE_TABLE, bytes, packer.size) < 0)
		result = reader_failed(reader->error, -EPIPE, NULL);
	if (result == 0)
		result = reader_table(reader, index, &digest);
	if (result == 0 && send_table_end(reader, index, &digest) < 0)
		result = reader_failed(reader->error, -EPIPE, NULL);
	return result;
}

static int read_tables(struct reader *reader)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < reader->catalogue->table_count; i++) {
		uint32_t table = reader->dangling ? dangling_order(reader->dangling)[i] : i;
		if (!catalogue_table_listed(&reader->catalogue->tables[table], reader->left_out, reader->left_out_count))
			result = read_table(reader, table);
	}
	return result;
}

static int tell_dangling(struct reader *reader)
{
	const struct catalogue_foreign_key *key;
	const struct catalogue_table *table;
	char name[CATALOGUE_NAME_SIZE], sentence[600];
	int result = 0;

	for (size_t i = 0; result == 0 && i < dangling_count(reader->dangling); i++) {
		const struct catalogue_table *parent;
		uint64_t rows = dangling_rows(reader->dangling, i, &table, &key);
		parent = catalogue_table_by_id(reader->catalogue, key->referenced_id);
		/* Whoever leaves parents out knows that their children dangle. */
		if (!rows || (parent && catalogue_table_listed(parent, reader->left_out, reader->left_out_count)))
			continue;
		catalogue_table_name(table, name, sizeof name);
		snprintf(sentence, sizeof sentence, "%s: %llu rows refer by %.130s to rows that are not in the snapshot.", name,
			(unsigned long long)rows, key->name);
		result = send_note(reader, sentence);
	}
	return result;
}

/* Without a moment in common: parents first, and what dangles is told. */
static int read_loosely(struct reader *reader)
{
	int result = send_note(reader,
		"Read without one moment in common (consistency = loose): rows of different tables may "
		"not fit together.");

	if (result < 0)
		return result;
	if (dangling_create(&reader->dangling, reader->catalogue) < 0)
		return reader_failed(reader->error, -ENOMEM, NULL);
	result = read_tables(reader);
	if (result == 0)
		result = tell_dangling(reader);
	dangling_free(reader->dangling);
	reader->dangling = NULL;
	return result;
}

static int read_all(struct reader *reader)
{
	char before[FINGERPRINT_SIZE * 3] = "";
	int result = reader->within_restore ? 0 : fingerprint(reader, before);

	if (result == 0)
		result = catalogue_read(&reader->catalogue, reader->session, reader->error);
	if (result == 0)
		result = catalogue_check_complete(
			reader->catalogue, reader->session, reader->left_out, reader->left_out_count, reader->error);
	if (result == 0)
		result = reader_send_catalogue(reader->uplink, reader->catalogue, reader->error);
	if (result == 0 && !reader->within_restore)
		result = note_shipped(reader);
	if (result == 0)
		result = reader->consistency == CONSISTENCY_LOOSE && !reader->within_restore ? read_loosely(reader)
																					 : read_tables(reader);
	if (result == 0)
		result = check_transaction(reader);
	if (result == 0)
		result = compare_fingerprint(reader, before);
	/* Identity and sequence values move outside transactions: those of now are at least those of every row read. */
	if (result == 0)
		result = catalogue_read_values(reader->catalogue, reader->session, reader->error);
	return result < 0 ? result : reader_send_catalogue(reader->uplink, reader->catalogue, reader->error);
}

int reader_run(struct reader *reader)
{
	int result;

	reader->started_ms = net_now_ms();
	snprintf(reader->error->doing, sizeof reader->error->doing, "reading the catalogue");
	result = begin(reader);
	if (result == 0)
		result = read_all(reader);
	return end(reader, result);
}
