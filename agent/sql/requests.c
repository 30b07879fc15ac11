/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's side of message.h: one request after the other, each with exactly one answer. */
#include "agent/sql/requests.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/preflight.h"
#include "agent/sql/requests_restore.h"
#include "agent/table/bytes.h"

int request_params(struct rowgroup_params *params, struct unpacker *unpacker)
{
	size_t size;
	const uint8_t *bytes = unpack_blob(unpacker, &size);

	if (!bytes || size != MESSAGE_PARAMS_SIZE)
		return -EPROTO;
	memcpy(params->seed, bytes, 16);
	params->rare_rows = (uint32_t)get_number(bytes + 16, 4);
	params->frequent_rows = (uint32_t)get_number(bytes + 20, 4);
	params->group_rows = (uint32_t)get_number(bytes + 24, 4);
	params->max_rows = (uint32_t)get_number(bytes + 28, 4);
	params->max_bytes = (uint32_t)get_number(bytes + 32, 4);
	params->inline_limit = (uint32_t)get_number(bytes + 36, 4);
	params->piece_size = (uint32_t)get_number(bytes + 40, 4);
	params->least_bytes = (uint32_t)get_number(bytes + 44, 4);
	return 0;
}

static int answer_done(struct worker_requests *requests, uint64_t rows)
{
	uint8_t bytes[8];

	put64(bytes, rows);
	return message_send(requests->uplink->socket, MESSAGE_DONE, bytes, sizeof bytes);
}

static int answer_error(struct worker_requests *requests)
{
	uint8_t bytes[2048];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };

	pack_error(&packer, &requests->error);
	return packer.failed ? -EPROTO : message_send(requests->uplink->socket, MESSAGE_ERROR, bytes, packer.size);
}

int request_answer(struct worker_requests *requests, int result, uint64_t rows)
{
	if (requests->uplink->gone)
		return -EPIPE;
	if (result >= 0)
		return answer_done(requests, rows);
	/* Whatever else is true of a COMMIT without an answer, that it is not known what became of it comes first. */
	if ((result == -ECANCELED || requests->uplink->cancelled) && requests->error.kind != SQL_ERROR_UNKNOWN_OUTCOME)
		requests->error.kind = SQL_ERROR_CANCELLED;
	if (requests->error.kind == SQL_OK)
		reader_failed(&requests->error, result, NULL);
	return answer_error(requests);
}

static int too_early(struct worker_requests *requests, const char *what)
{
	return sql_error_set(&requests->error, SQL_ERROR_WORKER, "", "The agent asked for %s out of order", what);
}

/* ---- READ ---- */

void request_names_free(struct request_names *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->names[i]);
	free(list->names);
	*list = (struct request_names){ 0 };
}

int request_names(struct request_names *list, struct unpacker *unpacker)
{
	char name[1200];
	uint32_t count = unpack_u32(unpacker);

	if (unpacker->failed || count > 10000)
		return -EPROTO;
	list->names = calloc(count + 1u, sizeof *list->names);
	if (!list->names)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		unpack_string(unpacker, name, sizeof name);
		if (unpacker->failed)
			return -EPROTO;
		list->names[i] = strdup(name);
		if (!list->names[i])
			return -ENOMEM;
		list->count++;
	}
	return 0;
}

static int handle_read(struct worker_requests *requests, struct unpacker *unpacker)
{
	struct rowgroup_params params;
	struct request_names left_out = { 0 };
	struct reader reader = { .session = requests->session,
		.uplink = requests->uplink,
		.params = &params,
		.within_restore = requests->replace != NULL,
		.read_kib_per_second = requests->setting->read_kib_per_second,
		.error = &requests->error };
	int result;

	reader.consistency = (enum consistency)unpack_u8(unpacker);
	result = request_params(&params, unpacker);
	reader.with_chunks = unpack_u8(unpacker) != 0;
	if (result == 0)
		result = request_names(&left_out, unpacker);
	reader.left_out = (const char *const *)left_out.names;
	reader.left_out_count = left_out.count;
	reader.phase = !requests->replace ? PHASE_READ : reader.with_chunks ? PHASE_PRESENT : PHASE_READ_BACK;
	if (result == 0)
		result = reader_run(&reader);
	request_names_free(&left_out);
	catalogue_free(reader.catalogue);
	return request_answer(requests, result, reader.rows);
}

/* ---- the loop ---- */

static int handle_examine(struct worker_requests *requests, struct unpacker *unpacker)
{
	bool restore = unpack_u8(unpacker) != 0;
	int result = examine_run(requests->session, requests->uplink, requests->setting, restore, &requests->error);

	return request_answer(requests, result, 0);
}

static int handle_preflight(struct worker_requests *requests, struct unpacker *unpacker)
{
	char database[600];
	int result;

	unpack_string(unpacker, database, sizeof database);
	if (unpacker->failed)
		return -EPROTO;
	result = *database ? preflight_read_state(requests->session, requests->uplink, database, &requests->error)
					   : preflight_read(requests->session, requests->uplink, &requests->error);
	return request_answer(requests, result, 0);
}

static int handle(struct worker_requests *requests, enum message_type type, struct unpacker *unpacker)
{
	requests->error = (struct sql_error){ .kind = SQL_OK };
	switch (type) {
	case MESSAGE_EXAMINE:
		return handle_examine(requests, unpacker);
	case MESSAGE_PREFLIGHT:
		return handle_preflight(requests, unpacker);
	case MESSAGE_READ:
		return handle_read(requests, unpacker);
	case MESSAGE_CANCEL:
		return 0; /* what it meant has ended */
	case MESSAGE_WANTED:
	case MESSAGE_BEGIN:
	case MESSAGE_PREPARE:
	case MESSAGE_REPLACE:
	case MESSAGE_DELETE:
	case MESSAGE_EMPTY:
	case MESSAGE_PUT_BACK:
	case MESSAGE_COMMIT:
	case MESSAGE_STATISTICS:
	case MESSAGE_ROLLBACK:
	case MESSAGE_AWAIT_UNDO:
	case MESSAGE_UNDO_VALUES:
		if (requests->setting->restore)
			return requests_restore(requests, type, unpacker);
		return request_answer(requests, too_early(requests, "a change in a session that only reads"), 0);
	default:
		return -EPROTO;
	}
}

/* 1 and a request, the one that waits first; 0 where none came. */
static int next_request(struct worker_requests *requests, enum message_type *type, size_t *size)
{
	if (!requests->waits)
		return message_receive(requests->uplink->socket, -1, type, requests->buffer, size);
	requests->waits = false;
	*type = requests->waiting_type;
	*size = requests->waiting_size;
	return 1;
}

int requests_run(struct session *session, struct uplink *uplink, const struct worker_setting *setting, uint8_t *buffer)
{
	struct worker_requests requests = { .session = session, .uplink = uplink, .setting = setting, .buffer = buffer };
	int result = 0;

	while (result >= 0) {
		enum message_type type;
		size_t size;
		result = next_request(&requests, &type, &size);
		if (result == 1) {
			struct unpacker unpacker = { .bytes = buffer, .size = size };
			result = handle(&requests, type, &unpacker);
		}
		uplink->cancelled = false;
	}
	requests_restore_free(&requests);
	return result == -EPIPE ? 0 : result;
}
