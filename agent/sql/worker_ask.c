/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper may ask of a worker: each request packed, sent, and its answer awaited. */
#include <errno.h>

#include "agent/net/clock.h"
#include "agent/sql/worker_private.h"

#define WANTED_PIECE (256u * 1024)

/* A request whose payload is small, and its answer. */
static int ask(struct worker *worker, enum message_type type, const void *payload, size_t size, struct sql_error *error)
{
	worker_begin_request(worker);

	int result = worker_send(worker, type, payload, size, NULL, 0, error);

	return result ? result : worker_await(worker, error);
}

static int ask_packed(
	struct worker *worker, enum message_type type, const struct packer *packer, struct sql_error *error)
{
	if (packer->failed)
		return sql_error_set(error, SQL_ERROR_WORKER, NULL, "a request is too large");
	return ask(worker, type, packer->bytes, packer->size, error);
}

static void pack_params(struct packer *packer, const struct rowgroup_params *params)
{
	pack_u32(packer, MESSAGE_PARAMS_SIZE);
	pack_bytes(packer, params->seed, sizeof(params->seed));
	pack_u32(packer, params->rare_rows);
	pack_u32(packer, params->frequent_rows);
	pack_u32(packer, params->group_rows);
	pack_u32(packer, params->max_rows);
	pack_u32(packer, params->max_bytes);
	pack_u32(packer, params->inline_limit);
	pack_u32(packer, params->piece_size);
	pack_u32(packer, params->least_bytes);
}

static void pack_names(struct packer *packer, const char *const *names, size_t count)
{
	pack_u32(packer, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		pack_string(packer, names[i]);
}

int worker_examine(struct worker *worker, struct sql_error *error)
{
	return ask(worker, MESSAGE_EXAMINE, (const uint8_t[]){ worker->restore }, 1, error);
}

int worker_preflight(
	struct worker *worker, const char *database, struct preflight_facts *facts, struct sql_error *error)
{
	struct packer packer = { .bytes = worker->buffer, .capacity = MESSAGE_SIZE_MAX };
	int result;

	pack_string(&packer, database);
	worker->catalogue_size = 0;
	worker->facts = facts;
	result = ask_packed(worker, MESSAGE_PREFLIGHT, &packer, error);
	/* Reports that did not come are as wrong as those that must not. */
	if (result == 0 && worker->facts)
		result = sql_error_set(error, SQL_ERROR_WORKER, NULL, "it did not say what it saw");
	worker->facts = NULL;
	return result;
}

int worker_read(struct worker *worker, enum consistency consistency, const struct rowgroup_params *params,
	bool with_chunks, const char *const *left_out, size_t left_out_count, struct sql_error *error)
{
	struct packer packer = { .bytes = worker->buffer, .capacity = MESSAGE_SIZE_MAX };

	pack_u8(&packer, (uint8_t)consistency);
	pack_params(&packer, params);
	pack_u8(&packer, with_chunks);
	pack_names(&packer, left_out, left_out_count);
	worker->catalogue_size = 0;
	return ask_packed(worker, MESSAGE_READ, &packer, error);
}

static int send_wanted(struct worker *worker, const uint8_t *wanted, size_t size, struct sql_error *error)
{
	int result = 0;

	worker_begin_request(worker);
	for (size_t at = 0; !result && at < size;) {
		size_t step = size - at < WANTED_PIECE ? size - at : WANTED_PIECE;

		result = worker_send(worker, MESSAGE_WANTED, wanted + at, step, NULL, 0, error);
		at += step;
	}
	return result ? result : worker_send(worker, MESSAGE_WANTED, NULL, 0, NULL, 0, error);
}

int worker_begin(struct worker *worker, const struct worker_wanted *wanted, struct sql_error *error)
{
	struct packer packer = { .bytes = worker->buffer, .capacity = MESSAGE_SIZE_MAX };
	int result = send_wanted(worker, wanted->catalogue, wanted->size, error);

	if (result)
		return result;
	pack_params(&packer, wanted->params);
	pack_names(&packer, wanted->unread, wanted->unread_count);
	return ask_packed(worker, MESSAGE_BEGIN, &packer, error);
}

int worker_prepare(struct worker *worker, const uint32_t *tables, size_t count, size_t changed, struct sql_error *error)
{
	struct packer packer = { .bytes = worker->buffer, .capacity = MESSAGE_SIZE_MAX };

	pack_u32(&packer, (uint32_t)count);
	pack_u32(&packer, (uint32_t)changed);
	for (size_t i = 0; i < count; i++)
		pack_u32(&packer, tables[i]);
	return ask_packed(worker, MESSAGE_PREPARE, &packer, error);
}

int worker_delete(
	struct worker *worker, uint32_t table, const struct worker_range *ranges, size_t count, struct sql_error *error)
{
	struct packer packer = { .bytes = worker->buffer, .capacity = MESSAGE_SIZE_MAX };

	pack_u32(&packer, table);
	pack_u32(&packer, (uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		pack_u64(&packer, ranges[i].rows);
		pack_bytes(&packer, ranges[i].first, ranges[i].first_size);
		pack_bytes(&packer, ranges[i].last, ranges[i].last_size);
	}
	return ask_packed(worker, MESSAGE_DELETE, &packer, error);
}

int worker_empty(struct worker *worker, uint32_t table, uint64_t rows, struct sql_error *error)
{
	uint8_t bytes[12];
	struct packer packer = { .bytes = bytes, .capacity = sizeof(bytes) };

	pack_u32(&packer, table);
	pack_u64(&packer, rows);
	return ask_packed(worker, MESSAGE_EMPTY, &packer, error);
}

int worker_replace_begin(struct worker *worker, uint32_t table, struct sql_error *error)
{
	uint8_t bytes[4];
	struct packer packer = { .bytes = bytes, .capacity = sizeof(bytes) };

	worker_begin_request(worker);
	worker->loading = true;
	pack_u32(&packer, table);
	return worker_send(worker, MESSAGE_REPLACE, bytes, packer.size, NULL, 0, error);
}

int worker_replace_chunk(
	struct worker *worker, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size, struct sql_error *error)
{
	uint8_t head[5];
	struct packer packer = { .bytes = head, .capacity = sizeof(head) };

	if (worker_should_stop(worker)) {
		sql_error_set(error, SQL_ERROR_CANCELLED, NULL, "cancelled");
		return -ECANCELED;
	}
	pack_u8(&packer, (uint8_t)kind);
	pack_u32(&packer, rows);
	return worker_send(worker, MESSAGE_CHUNK, head, packer.size, bytes, size, error);
}

int worker_replace_end(struct worker *worker, uint64_t *rows, struct sql_error *error)
{
	int result = worker_send(worker, MESSAGE_END, NULL, 0, NULL, 0, error);

	worker->heard_ms = net_now_ms();
	if (!result)
		result = worker_await(worker, error);
	worker->loading = result != 0;
	if (!result && rows)
		*rows = worker->rows;
	return result;
}

int worker_put_back(struct worker *worker, struct sql_error *error)
{
	return ask(worker, MESSAGE_PUT_BACK, NULL, 0, error);
}

int worker_commit(struct worker *worker, struct sql_error *error)
{
	struct sql_error found = { .kind = SQL_OK };

	worker->committing = true;

	int result = ask(worker, MESSAGE_COMMIT, NULL, 0, &found);

	worker->committing = false;
	/* The worker knows whether COMMIT had left when its connection broke. Where it is lost itself, nobody does. */
	if (found.kind == SQL_ERROR_WORKER)
		found.kind = SQL_ERROR_UNKNOWN_OUTCOME;
	if (result && error && error->kind == SQL_OK)
		*error = found;
	return result;
}

int worker_statistics(struct worker *worker, struct sql_error *error)
{
	worker->committing = true;

	int result = ask(worker, MESSAGE_STATISTICS, NULL, 0, error);

	worker->committing = false;
	return result;
}

int worker_await_undo(struct worker *worker, struct sql_error *error)
{
	return ask(worker, MESSAGE_AWAIT_UNDO, NULL, 0, error);
}

int worker_undo_values(struct worker *worker, const void *catalogue, size_t size, struct sql_error *error)
{
	int result = send_wanted(worker, catalogue, size, error);

	return result ? result : ask(worker, MESSAGE_UNDO_VALUES, NULL, 0, error);
}

int worker_rollback(struct worker *worker, struct sql_error *error)
{
	worker->committing = true; /* nor is there anything to cancel in undoing */
	/* A server that takes no more rows must not keep us: the end of the connection will do as well. */
	if (worker->loading && !worker->give_up_ms)
		worker->give_up_ms = net_now_ms() + WORKER_LEAVE_LOAD_MS;

	int result = ask(worker, MESSAGE_ROLLBACK, NULL, 0, error);

	worker->committing = false;
	worker->give_up_ms = 0;
	return result;
}
