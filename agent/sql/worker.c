/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/worker.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/net/clock.h"
#include "agent/sql/worker_private.h"

#define TURN_MS 250
#define ASK_EVERY_MS 1000
#define END_WAIT_MS 1500   /* for a worker to end by itself */
#define LEAVE_LOAD_MS 5000 /* for a load that is broken off, before the connection is closed on it */
#define WANTED_PIECE (256u * 1024)

/* ---- the end of a worker ---- */

static int reap(struct worker *worker, int options)
{
	int status = 0;
	pid_t ended;

	do
		ended = waitpid(worker->process, &status, options);
	while (ended < 0 && errno == EINTR);
	if (ended)
		worker->process = 0;
	return status;
}

static void hang_up(struct worker *worker)
{
	if (worker->socket >= 0)
		close(worker->socket);
	worker->socket = -1;
}

void worker_watch(struct worker *worker, const struct worker_watcher *watcher)
{
	worker->watcher = *watcher;
}

void worker_stop(struct worker *worker)
{
	if (!worker)
		return;
	hang_up(worker);
	for (int waited = 0; worker->process > 0 && waited < END_WAIT_MS; waited += 5) {
		reap(worker, WNOHANG);
		if (worker->process > 0)
			usleep(5000);
	}
	if (worker->process > 0) {
		kill(worker->process, SIGKILL);
		reap(worker, 0);
	}
	free(worker->buffer);
	free(worker->catalogue);
	free(worker);
}

/* The worker broke the conversation: say how it ended. */
static int lost_worker(struct worker *worker, const char *why, struct sql_error *error)
{
	hang_up(worker);
	worker->ended = true;
	if (worker->process <= 0)
		return sql_error_set(error, SQL_ERROR_WORKER, NULL, "the SQL worker is gone");
	if (why) {
		kill(worker->process, SIGKILL);
		reap(worker, 0);
		return sql_error_set(error, SQL_ERROR_WORKER, NULL, "the SQL worker %s and was ended", why);
	}

	/* It has hung up, so it is about to end; should it not, it is made to. */
	int status = 0;

	for (int waited = 0; worker->process > 0 && waited < END_WAIT_MS; waited += 5) {
		status = reap(worker, WNOHANG);
		if (worker->process > 0)
			usleep(5000);
	}
	if (worker->process > 0) {
		kill(worker->process, SIGKILL);
		status = reap(worker, 0);
	}
	if (WIFSIGNALED(status))
		return sql_error_set(error, SQL_ERROR_WORKER, NULL, "the SQL worker was killed by signal %d (%s)%s",
			WTERMSIG(status), strsignal(WTERMSIG(status)),
			WTERMSIG(status) == SIGKILL ? "; was the machine out of memory?" : "");
	return sql_error_set(error, SQL_ERROR_WORKER, NULL, "the SQL worker ended with status %d", WEXITSTATUS(status));
}

/* ---- the conversation ---- */

static int send_cancel(struct worker *worker)
{
	if (worker->cancel_sent)
		return 0;
	worker->cancel_sent = true;
	worker->cancel_ms = net_now_ms();
	return message_send(worker->socket, MESSAGE_CANCEL, NULL, 0);
}

/* Once a watcher has failed its reports go nowhere; the worker is asked to end. */
static int take_report(struct worker *worker, enum message_type type, struct unpacker *unpacker)
{
	if (worker->watcher_error)
		return 0;

	int result = worker_report(worker, type, unpacker);

	if (result == -EPROTO || !result)
		return result;
	worker->watcher_error = result;
	return 0;
}

static int take_error(struct worker *worker, struct unpacker *unpacker, struct sql_error *error)
{
	struct sql_error found;

	worker->ended = true;
	unpack_error(unpacker, &found);
	if (unpacker->failed)
		return lost_worker(worker, "sent an error that is none", error);
	if (worker->watcher_error)
		return worker->watcher_error;
	if (!found.doing[0] && error)
		memcpy(found.doing, error->doing, sizeof(found.doing)); /* the worker may know it better than we do */
	if (error && error->kind == SQL_OK)
		*error = found;
	return found.kind == SQL_ERROR_CANCELLED ? -ECANCELED : -EIO;
}

/* One message, if there is one: 0, or the error that ends the request. worker->ended says that the answer was there. */
static int take_message(struct worker *worker, int timeout_ms, struct sql_error *error)
{
	enum message_type type;
	size_t size;
	int got = message_receive(worker->socket, timeout_ms, &type, worker->buffer, &size);

	if (got == 0)
		return 0;
	if (got < 0)
		return lost_worker(worker, got == -EPROTO ? "sent what is no message" : NULL, error);
	worker->heard_ms = net_now_ms();

	struct unpacker unpacker = { .bytes = worker->buffer, .size = size };

	if (type == MESSAGE_ERROR)
		return take_error(worker, &unpacker, error);
	if (type == MESSAGE_DONE) {
		worker->ended = true;
		worker->rows = unpack_u64(&unpacker);
		return worker->watcher_error;
	}
	if (take_report(worker, type, &unpacker))
		return lost_worker(worker, "sent a report that is none", error);
	return 0;
}

static bool should_stop(struct worker *worker)
{
	int64_t now = net_now_ms();

	if (worker->committing || !worker->watcher.stop || now - worker->asked_ms < ASK_EVERY_MS)
		return false;
	worker->asked_ms = now;
	return worker->watcher.stop(worker->watcher.arg);
}

/* A worker that logs in does not listen; nothing was begun, and nobody misses it. */
static int give_up_login(struct worker *worker, struct sql_error *error)
{
	hang_up(worker);
	kill(worker->process, SIGKILL);
	reap(worker, 0);
	sql_error_set(error, SQL_ERROR_CANCELLED, NULL, "cancelled");
	return -ECANCELED;
}

static int look_after(struct worker *worker, struct sql_error *error)
{
	int64_t now = net_now_ms();
	bool stop = worker->watcher_error || should_stop(worker);

	if (stop && worker->logging_in)
		return give_up_login(worker, error);
	if (stop)
		send_cancel(worker); /* if that fails the next message tells why */
	if (worker->cancel_sent && now - worker->cancel_ms > WORKER_CANCEL_SECONDS * 1000)
		return lost_worker(worker, "did not end when it was told to", error);
	if (worker->give_up_ms && now > worker->give_up_ms)
		return lost_worker(worker, "was still in a load", error);
	if (now - worker->heard_ms > (int64_t)worker->silence_limit_seconds * 1000)
		return lost_worker(worker, "hung", error);
	return 0;
}

static void begin(struct worker *worker)
{
	worker->heard_ms = net_now_ms();
	worker->watcher_error = 0;
	worker->cancel_sent = worker->ended = false;
	worker->rows = 0;
}

int worker_await(struct worker *worker, struct sql_error *error)
{
	int result = 0;

	while (!result && !worker->ended) {
		result = look_after(worker, error);
		if (!result)
			result = take_message(worker, TURN_MS, error);
	}
	return result;
}

/* Waits until more can be sent, and takes what comes meanwhile: a worker that waits for us to read would not read. */
static int wait_to_send(struct worker *worker, struct sql_error *error)
{
	struct pollfd item = { .fd = worker->socket, .events = POLLIN | POLLOUT };
	int ready = net_poll(&item, 1, TURN_MS);

	if (ready > 0 && (item.revents & (POLLIN | POLLHUP)))
		return take_message(worker, 0, error);
	return 0;
}

static int send_part(struct worker *worker, const void *bytes, size_t size, int *answer, struct sql_error *error)
{
	const uint8_t *at = bytes;

	while (size) {
		ssize_t sent = worker->socket < 0 ? -1 : send(worker->socket, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			at += sent;
			size -= (size_t)sent;
			continue;
		}
		if (worker->socket < 0 || (errno != EAGAIN && errno != EINTR))
			return lost_worker(worker, NULL, error);

		int result = wait_to_send(worker, error);

		/* An error that came meanwhile is the request's answer; the message that is half sent is finished all the same. */
		if (result && worker->socket < 0)
			return result;
		if (result && !*answer)
			*answer = result;
	}
	return 0;
}

int worker_send(struct worker *worker, enum message_type type, const void *head, size_t head_size, const void *body,
	size_t body_size, struct sql_error *error)
{
	if (worker->socket < 0)
		return lost_worker(worker, NULL, error);
	if (head_size > MESSAGE_SIZE_MAX || body_size > MESSAGE_SIZE_MAX - head_size)
		return sql_error_set(error, SQL_ERROR_WORKER, NULL, "a message is too large");

	uint32_t length = (uint32_t)(1 + head_size + body_size);
	uint8_t header[5] = {
		(uint8_t)length,
		(uint8_t)(length >> 8),
		(uint8_t)(length >> 16),
		(uint8_t)(length >> 24),
		(uint8_t)type,
	};
	int answer = 0;
	int result = send_part(worker, header, sizeof(header), &answer, error);

	if (!result)
		result = send_part(worker, head, head_size, &answer, error);
	if (!result)
		result = send_part(worker, body, body_size, &answer, error);
	return result ? result : answer;
}

/* A request whose payload is small, and its answer. */
static int ask(struct worker *worker, enum message_type type, const void *payload, size_t size, struct sql_error *error)
{
	begin(worker);

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

/* ---- the requests ---- */

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
	pack_u32(&packer, (uint32_t)left_out_count);
	for (size_t i = 0; i < left_out_count; i++)
		pack_string(&packer, left_out[i]);
	worker->catalogue_size = 0;
	return ask_packed(worker, MESSAGE_READ, &packer, error);
}

static int send_wanted(struct worker *worker, const uint8_t *wanted, size_t size, struct sql_error *error)
{
	int result = 0;

	begin(worker);
	for (size_t at = 0; !result && at < size;) {
		size_t step = size - at < WANTED_PIECE ? size - at : WANTED_PIECE;

		result = worker_send(worker, MESSAGE_WANTED, wanted + at, step, NULL, 0, error);
		at += step;
	}
	return result ? result : worker_send(worker, MESSAGE_WANTED, NULL, 0, NULL, 0, error);
}

int worker_begin(struct worker *worker, const void *wanted, size_t wanted_size, const struct rowgroup_params *params,
	struct sql_error *error)
{
	uint8_t bytes[4 + MESSAGE_PARAMS_SIZE];
	struct packer packer = { .bytes = bytes, .capacity = sizeof(bytes) };
	int result = send_wanted(worker, wanted, wanted_size, error);

	if (result)
		return result;
	pack_params(&packer, params);
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

	begin(worker);
	worker->loading = true;
	pack_u32(&packer, table);
	return worker_send(worker, MESSAGE_REPLACE, bytes, packer.size, NULL, 0, error);
}

int worker_replace_chunk(
	struct worker *worker, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size, struct sql_error *error)
{
	uint8_t head[5];
	struct packer packer = { .bytes = head, .capacity = sizeof(head) };

	if (should_stop(worker)) {
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

int worker_rollback(struct worker *worker, struct sql_error *error)
{
	worker->committing = true; /* nor is there anything to cancel in undoing */
	/* A server that takes no more rows must not keep us: the end of the connection will do as well. */
	worker->give_up_ms = worker->loading ? net_now_ms() + LEAVE_LOAD_MS : 0;

	int result = ask(worker, MESSAGE_ROLLBACK, NULL, 0, error);

	worker->committing = false;
	worker->give_up_ms = 0;
	return result;
}
