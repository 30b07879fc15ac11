/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of a restore. */
#include "agent/sql/requests_restore.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/restore_lock.h"
#include "agent/sql/worker.h"

static int out_of_order(struct worker_requests *requests)
{
	return request_answer(requests,
		sql_error_set(
			&requests->error, SQL_ERROR_WORKER, "", "The agent asked for the steps of a restore out of order"),
		0);
}

/* ---- WANTED, BEGIN ---- */

/* Pieces have no answer of their own; what is wrong with them is told at BEGIN. */
static int take_wanted(struct worker_requests *requests, struct unpacker *unpacker)
{
	size_t size = unpacker->size;
	uint8_t *more;

	if (!size)
		return 0;
	if (size > CATALOGUE_BYTES_MAX - requests->wanted_size)
		return -EPROTO;
	more = realloc(requests->wanted_bytes, requests->wanted_size + size);
	if (!more)
		return -ENOMEM;
	memcpy(more + requests->wanted_size, unpacker->bytes, size);
	requests->wanted_bytes = more;
	requests->wanted_size += size;
	return 0;
}

static void forget_wanted(struct worker_requests *requests)
{
	free(requests->wanted_bytes);
	requests->wanted_bytes = NULL;
	requests->wanted_size = 0;
	catalogue_free(requests->wanted);
	requests->wanted = NULL;
	request_names_free(&requests->unread);
}

static int begin(struct worker_requests *requests, struct unpacker *unpacker)
{
	int result = request_params(&requests->params, unpacker);

	if (result == 0)
		result = request_names(&requests->unread, unpacker);
	if (result < 0)
		return result;
	result = catalogue_decode(&requests->wanted, requests->wanted_bytes, requests->wanted_size);
	free(requests->wanted_bytes);
	requests->wanted_bytes = NULL;
	requests->wanted_size = 0;
	if (result < 0)
		return sql_error_set(&requests->error, SQL_ERROR_SNAPSHOT, "", "The catalogue of the snapshot cannot be read");
	const struct replace_wanted wanted = { requests->wanted, &requests->params,
		(const char *const *)requests->unread.names, requests->unread.count };

	return replace_begin(&requests->replace, requests->session, requests->uplink, &wanted, &requests->error);
}

static int handle_begin(struct worker_requests *requests, struct unpacker *unpacker)
{
	int result;

	if (requests->replace || requests->wanted)
		return out_of_order(requests);
	result = begin(requests, unpacker);
	return request_answer(requests, result, 0);
}

/* ---- PREPARE, DELETE, EMPTY, REPLACE ---- */

static int handle_prepare(struct worker_requests *requests, struct unpacker *unpacker)
{
	uint32_t count = unpack_u32(unpacker), changed = unpack_u32(unpacker);
	uint32_t *tables;
	int result;

	if (count > requests->wanted->table_count || changed > count)
		return -EPROTO;
	tables = calloc(count + 1u, sizeof *tables);
	if (!tables)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		tables[i] = unpack_u32(unpacker);
	result = unpacker->failed ? -EPROTO : replace_prepare(requests->replace, tables, count, changed, &requests->error);
	free(tables);
	return request_answer(requests, result, 0);
}

/* The values of a key borrow the message, and so the request's buffer. `values`: of two keys for each range. */
static void unpack_ranges(
	struct unpacker *unpacker, struct replace_range *ranges, uint32_t count, struct value *values, size_t columns)
{
	for (uint32_t i = 0; i < count; i++, values += 2 * columns) {
		ranges[i] = (struct replace_range){ .rows = unpack_u64(unpacker), .first = values, .last = values + columns };
		unpack_key(unpacker, values, columns);
		unpack_key(unpacker, values + columns, columns);
	}
}

static int take_delete(struct worker_requests *requests, struct unpacker *unpacker)
{
	uint32_t table = unpack_u32(unpacker), count = unpack_u32(unpacker);
	struct replace_range ranges[WORKER_RANGES_MAX];
	struct value *values;
	size_t columns;
	int result = replace_key_columns(requests->replace, table, &columns, &requests->error);

	if (result < 0)
		return result;
	if (unpacker->failed || !count || count > WORKER_RANGES_MAX)
		return -EPROTO;
	values = calloc(2 * columns * count + 1, sizeof *values);
	if (!values)
		return -ENOMEM;
	unpack_ranges(unpacker, ranges, count, values, columns);
	result = unpacker->failed ? -EPROTO : replace_delete(requests->replace, table, ranges, count, &requests->error);
	free(values);
	return result;
}

static int handle_delete(struct worker_requests *requests, struct unpacker *unpacker)
{
	return request_answer(requests, take_delete(requests, unpacker), 0);
}

static int handle_empty(struct worker_requests *requests, struct unpacker *unpacker)
{
	uint32_t table = unpack_u32(unpacker);
	uint64_t rows = unpack_u64(unpacker);

	return request_answer(
		requests, unpacker->failed ? -EPROTO : replace_empty(requests->replace, table, rows, &requests->error), 0);
}

static int take_chunk(struct worker_requests *requests, size_t size)
{
	struct unpacker unpacker = { .bytes = requests->buffer, .size = size };
	enum chunk_kind kind = (enum chunk_kind)unpack_u8(&unpacker);
	uint32_t rows = unpack_u32(&unpacker);

	if (unpacker.failed)
		return -EPROTO;
	return replace_chunk(
		requests->replace, kind, rows, requests->buffer + unpacker.at, size - unpacker.at, &requests->error);
}

static int end_table(struct worker_requests *requests)
{
	uint64_t rows = 0;
	int result = replace_table_end(requests->replace, &rows, &requests->error);

	return request_answer(requests, result, rows);
}

static int request_later(struct worker_requests *requests, enum message_type type, size_t size)
{
	requests->waits = true;
	requests->waiting_type = type;
	requests->waiting_size = size;
	return 0;
}

/*
 * Chunks until END. After an error, which is told at once, they are dropped; END then gets no second answer. Any other
 * request means that the keeper has given the table up: it is left to the loop, and this one goes without an answer.
 */
static int take_chunks(struct worker_requests *requests, int result)
{
	bool told = false;

	for (;;) {
		enum message_type type;
		size_t size;
		int got;
		if (result < 0 && !told) {
			if (request_answer(requests, result, 0) < 0)
				return -EPIPE;
			told = true;
		}
		got = message_receive(requests->uplink->socket, -1, &type, requests->buffer, &size);
		if (got < 0)
			return got;
		if (type == MESSAGE_END)
			return told ? 0 : end_table(requests);
		if (type == MESSAGE_CHUNK)
			result = told ? 0 : take_chunk(requests, size);
		else if (type == MESSAGE_CANCEL)
			result = told ? 0 : sql_error_set(&requests->error, SQL_ERROR_CANCELLED, "", "cancelled");
		else
			return request_later(requests, type, size);
	}
}

static int handle_replace(struct worker_requests *requests, struct unpacker *unpacker)
{
	uint32_t table = unpack_u32(unpacker);

	return take_chunks(
		requests, unpacker->failed ? -EPROTO : replace_table(requests->replace, table, &requests->error));
}

/* ---- the end ---- */

static void end_restore(struct worker_requests *requests)
{
	replace_free(requests->replace);
	requests->replace = NULL;
	forget_wanted(requests);
}

/* The server undoes all of it, and has when this returns. Right after an error, too: nothing to undo is no error. */
static int handle_rollback(struct worker_requests *requests)
{
	int result = replace_abandon(requests->replace, &requests->error);

	if (result == 0)
		result = session_cancel(requests->session, &requests->error);
	if (result == 0)
		result = session_execute(
			requests->session, REQUEST_CHANGE, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", NULL, &requests->error);
	if (result == 0)
		replace_undo_values(requests->replace);
	end_restore(requests);
	return request_answer(requests, result, 0);
}

static int handle_statistics(struct worker_requests *requests)
{
	replace_statistics(requests->replace);
	end_restore(requests);
	return request_answer(requests, 0, 0);
}

/* Not within a restore of its own: that would wait for itself. */
static int handle_await_undo(struct worker_requests *requests)
{
	if (requests->replace)
		return out_of_order(requests);
	return request_answer(
		requests, restore_lock_await(requests->session, requests->setting->database, &requests->error), 0);
}

static int undo_values(struct worker_requests *requests)
{
	if (catalogue_decode(&requests->wanted, requests->wanted_bytes, requests->wanted_size) < 0)
		return sql_error_set(&requests->error, SQL_ERROR_SNAPSHOT, "", "The catalogue of before cannot be read");
	return replace_values_back(requests->session, requests->uplink, requests->wanted, &requests->error);
}

static int handle_undo_values(struct worker_requests *requests)
{
	int result;

	if (requests->replace || requests->wanted)
		return out_of_order(requests);
	result = undo_values(requests);
	forget_wanted(requests);
	return request_answer(requests, result, 0);
}

int requests_restore(struct worker_requests *requests, enum message_type type, struct unpacker *unpacker)
{
	if (type == MESSAGE_WANTED)
		return take_wanted(requests, unpacker);
	if (type == MESSAGE_BEGIN)
		return handle_begin(requests, unpacker);
	if (type == MESSAGE_ROLLBACK)
		return handle_rollback(requests);
	if (type == MESSAGE_AWAIT_UNDO)
		return handle_await_undo(requests);
	if (type == MESSAGE_UNDO_VALUES)
		return handle_undo_values(requests);
	if (!requests->replace)
		return type == MESSAGE_REPLACE ? take_chunks(requests,
											 sql_error_set(&requests->error, SQL_ERROR_WORKER, "",
												 "The agent asked for the steps of a restore out of order"))
									   : out_of_order(requests);
	switch (type) {
	case MESSAGE_PREPARE:
		return handle_prepare(requests, unpacker);
	case MESSAGE_DELETE:
		return handle_delete(requests, unpacker);
	case MESSAGE_EMPTY:
		return handle_empty(requests, unpacker);
	case MESSAGE_REPLACE:
		return handle_replace(requests, unpacker);
	case MESSAGE_PUT_BACK:
		return request_answer(requests, replace_put_back(requests->replace, &requests->error), 0);
	case MESSAGE_STATISTICS:
		return handle_statistics(requests);
	default:
		return request_answer(requests, replace_commit(requests->replace, &requests->error), 0);
	}
}

void requests_restore_free(struct worker_requests *requests)
{
	end_restore(requests);
}
