/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The row stream that follows INSERT BULK: COLMETADATA, then ROW and NBCROW tokens, then DONE.
 *
 * As clients write it, the table name of text, ntext and image columns is one US_VARCHAR here, not the list of parts
 * that a server's COLMETADATA has.
 */
#include <errno.h>
#include <stdlib.h>

#include "bytes.h"
#include "connection.h"
#include "typeinfo.h"
#include "wire_text.h"

enum { TOKEN_METADATA = 0x81, TOKEN_ROW = 0xd1, TOKEN_SPARSE_ROW = 0xd2, TOKEN_DONE = 0xfd };

#define COLUMN_LIMIT 1024u

struct bulk {
	struct wire_column *columns;
	struct result_column *described; /* the same, as the engine takes them */
	struct result_value *values;
	size_t *offsets;
	size_t count;
	struct value_buffer row;
	uint64_t rows;
	bool refused; /* the engine took no more: the rest is read and forgotten */
	bool done;    /* the stream had its DONE */
};

static int bulk_open(struct bulk *bulk, size_t count, size_t row_limit)
{
	*bulk = (struct bulk){ .count = count, .row.limit = row_limit };
	bulk->columns = calloc(count, sizeof(*bulk->columns));
	bulk->described = calloc(count, sizeof(*bulk->described));
	bulk->values = calloc(count, sizeof(*bulk->values));
	bulk->offsets = calloc(count, sizeof(*bulk->offsets));
	return bulk->columns && bulk->described && bulk->values && bulk->offsets ? 0 : -ENOMEM;
}

static void bulk_close(struct bulk *bulk)
{
	free(bulk->columns);
	free(bulk->described);
	free(bulk->values);
	free(bulk->offsets);
	value_buffer_free(&bulk->row);
}

static int read_text(struct message *message, size_t units, char *to, size_t capacity)
{
	uint8_t text[2 * 512];
	int error = units > 512 ? -EBADMSG : message_read(message, text, 2 * units);

	if (!error)
		utf8_from_utf16(to, capacity, text, units);
	return error;
}

static int read_column(struct message *message, struct wire_column *column)
{
	enum { FLAG_NULLABLE = 0x01, FLAG_IDENTITY = 0x10, FLAG_COMPUTED = 0x20 };
	uint8_t bytes[6], units;
	int error = message_read(message, bytes, 6); /* user type, flags */

	if (!error)
		error = read_type(message, IN_ROWS, column);
	column->column.nullable = column->column.nullable && bytes[4] & FLAG_NULLABLE;
	column->column.identity = bytes[4] & FLAG_IDENTITY;
	column->column.computed = bytes[4] & FLAG_COMPUTED;
	if (!error && column->lengths == LENGTH_TEXT) {
		error = message_read(message, bytes, 2);
		if (!error)
			error = read_text(message, get16le(bytes), column->column.table, sizeof(column->column.table));
	}
	if (!error)
		error = message_read(message, &units, 1);
	return error ? error : read_text(message, units, column->column.name, sizeof(column->column.name));
}

static int read_metadata(struct message *message, struct bulk *bulk, size_t row_limit)
{
	uint8_t bytes[3];
	int error = message_read(message, bytes, 3);

	if (error)
		return error;
	size_t count = get16le(bytes + 1);
	if (bytes[0] != TOKEN_METADATA || count == 0 || count > COLUMN_LIMIT)
		return -EBADMSG;
	error = bulk_open(bulk, count, row_limit);
	for (size_t i = 0; i < count && !error; i++) {
		error = read_column(message, &bulk->columns[i]);
		bulk->described[i] = bulk->columns[i].column;
	}
	return error;
}

static int read_row(struct message *message, struct bulk *bulk, bool sparse)
{
	uint8_t nulls[COLUMN_LIMIT / 8] = { 0 };
	int error = sparse ? message_read(message, nulls, (bulk->count + 7) / 8) : 0;

	bulk->row.used = 0;
	for (size_t i = 0; i < bulk->count && !error; i++) {
		if (nulls[i / 8] >> (i % 8) & 1)
			bulk->offsets[i] = (size_t)-1;
		else
			error = read_value(message, &bulk->columns[i], &bulk->row, &bulk->offsets[i], &bulk->values[i].size);
	}
	for (size_t i = 0; i < bulk->count; i++)
		point_value(&bulk->row, bulk->offsets[i], bulk->values[i].size, &bulk->values[i]);
	return error;
}

static int read_rows(struct connection *connection, struct message *message, struct bulk *bulk)
{
	uint8_t token, done[12];

	for (;;) {
		int error = message_read(message, &token, 1);

		if (error)
			return error == -ENODATA ? 0 : error;
		if (token == TOKEN_DONE) {
			bulk->done = true;
			error = message_read(message, done, sizeof(done));
			if (error)
				return error == -ENODATA ? -EBADMSG : error;
			return message_read(message, &token, 1) == -ENODATA ? 0 : -EBADMSG;
		}
		if (token != TOKEN_ROW && token != TOKEN_SPARSE_ROW)
			return -EBADMSG;
		error = read_row(message, bulk, token == TOKEN_SPARSE_ROW);
		if (error)
			return error;
		bulk->rows++;
		if (!bulk->refused)
			bulk->refused = session_bulk_row(connection->session, bulk->values, bulk->count) != 0;
	}
}

static int read_stream(struct connection *connection, struct message *message, struct bulk *bulk)
{
	int error = read_metadata(message, bulk, connection->server->options.row_limit);

	if (error)
		return error == -ENODATA ? -EBADMSG : error;
	bulk->refused = session_bulk_begin(connection->session, bulk->described, bulk->count) != 0;
	error = read_rows(connection, message, bulk);
	if (error || bulk->done)
		return error;
	if (faults_settings(&connection->server->faults).bulk_done_required)
		return link_violation(
			&connection->link, "a bulk stream of %llu rows without its DONE", (unsigned long long)bulk->rows);
	/* FreeTDS never sends it, and SQL Server lets that pass: noted, not refused. */
	journal_add(&connection->server->journal, connection->link.session, JOURNAL_BULK, "no DONE at the end");
	return 0;
}

static int finish(struct connection *connection, bool complete)
{
	watch_begin(&connection->watch);
	int result = session_bulk_end(connection->session, complete, &connection->response.sink);
	int error = watch_end(&connection->watch);
	return error ? error : response_end(&connection->response, result, connection->watch.attention);
}

int bulk_serve(struct connection *connection, struct message *message)
{
	struct bulk bulk = { 0 };

	if (!session_expects_bulk(connection->session))
		return link_violation(&connection->link, "bulk rows without an INSERT BULK before them");
	int error = read_stream(connection, message, &bulk);
	journal_addf(&connection->server->journal, connection->link.session, JOURNAL_BULK, "%llu rows, %s",
		(unsigned long long)bulk.rows, error ? "broken off" : "complete");
	bulk_close(&bulk);
	if (error == -ECANCELED) {
		/* Whatever the engine answers to the end of a load that was taken back, the client expects one DONE. */
		connection->response.cut = true;
		session_bulk_end(connection->session, false, &connection->response.sink);
		connection->response.cut = false;
		return error;
	}
	if (error == -EMSGSIZE)
		error = link_violation(
			&connection->link, "a bulk row of more than %zu bytes", connection->server->options.row_limit);
	if (error == -EBADMSG)
		error = link_violation(
			&connection->link, "a malformed bulk stream after %llu rows", (unsigned long long)bulk.rows);
	if (!error)
		return finish(connection, true);
	finish(connection, false);
	return error;
}
