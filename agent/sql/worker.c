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
#define END_WAIT_MS 1500 /* for a worker to end by itself */

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

bool worker_should_stop(struct worker *worker)
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
	bool stop = worker->watcher_error || worker_should_stop(worker);

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

void worker_begin_request(struct worker *worker)
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

/*
 * While a worker takes nothing more, since its server does not. A cancel cannot be sent behind half a message: this much
 * longer it may take to take the rest, and then it is ended, and the server undoes what was begun.
 */
static int look_after_blocked(struct worker *worker, struct sql_error *error)
{
	int64_t now = net_now_ms();

	if (worker->give_up_ms && now > worker->give_up_ms)
		return lost_worker(worker, "was still in a load", error);
	if (now - worker->heard_ms > (int64_t)worker->silence_limit_seconds * 1000)
		return lost_worker(worker, "hung", error);
	if (worker->give_up_ms || !(worker->watcher_error || worker_should_stop(worker)))
		return 0;
	worker->give_up_ms = now + WORKER_LEAVE_LOAD_MS;
	sql_error_set(error, SQL_ERROR_CANCELLED, NULL, "cancelled");
	return -ECANCELED;
}

static int send_part(struct worker *worker, const void *bytes, size_t size, int *answer, struct sql_error *error)
{
	const uint8_t *at = bytes;

	while (size) {
		ssize_t sent = worker->socket < 0 ? -1 : send(worker->socket, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			worker->heard_ms = net_now_ms(); /* it takes what it is given */
			at += sent;
			size -= (size_t)sent;
			continue;
		}
		if (worker->socket < 0 || (errno != EAGAIN && errno != EINTR))
			return lost_worker(worker, NULL, error);

		int result = wait_to_send(worker, error);

		if (!result)
			result = look_after_blocked(worker, error);
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
