/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bulk stream. While db-lib is idle, its end of the socketpair is ours: the packets of type 0x07 that we write into
 * it go through the relay like db-lib's own, and the answer is read from it before db-lib is called again. After any
 * error the session is dead: the server may have rolled back in an answer that db-lib did not see.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/net/clock.h"
#include "agent/net/tds.h"
#include "agent/sql/session_private.h"

#define ANSWER_MAX 8192 /* room for an error message or two; more than one DONE is not expected */
#define WAIT_MS 1000

static int broken(struct session *session, struct sql_error *error)
{
	struct sql_error found;

	session->dead = true;
	session->in_bulk = false;
	/* The relay may be a moment behind the closed socket. */
	for (int i = 0; i < 20; i++) {
		if (relay_error(session->relay, &found)) {
			sql_error_set(error, found.kind, found.object, "%s", found.detail);
			return -EIO;
		}
		poll(NULL, 0, 10);
	}
	return sql_error_set(error, SQL_ERROR_LOST, NULL, "the connection broke during a bulk load");
}

/* 0 when the socket is ready, 1 where the other direction is, else an error. */
static int wait_for(struct session *session, short events, short also, struct sql_error *error)
{
	for (;;) {
		struct pollfd item = { .fd = session->fd, .events = (short)(events | also) };
		int ready = poll(&item, 1, WAIT_MS);

		if (session_should_stop(session)) {
			session->dead = true;
			sql_error_set(error, SQL_ERROR_CANCELLED, NULL, "cancelled");
			return -ECANCELED;
		}
		if (ready > 0 && (item.revents & also))
			return 1;
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return broken(session, error);
	}
}

/* ---- the answer ---- */

/* Error messages: u16 length, i32 number, u8 state, u8 class, u16 units, text. */
static void note_message(const uint8_t *token, size_t size, struct sql_error *error)
{
	if (size < 11)
		return;

	int32_t number =
		(int32_t)(token[3] | (uint32_t)token[4] << 8 | (uint32_t)token[5] << 16 | (uint32_t)token[6] << 24);
	size_t units = (size_t)(token[9] | token[10] << 8), length = 0;
	char text[sizeof(error->detail)];

	for (; length < units && 11 + 2 * length + 1 < size && length + 1 < sizeof(text); length++) {
		uint8_t low = token[11 + 2 * length], high = token[12 + 2 * length];

		text[length] = !high && low >= ' ' && low <= '~' ? (char)low : '?';
	}
	text[length] = '\0';
	if (!error || error->kind != SQL_OK)
		return;
	sql_error_set(error, session_kind_of(number), NULL, "%s", text);
	error->number = number;
	error->state = token[7];
	error->severity = token[8];
}

static int read_tokens(const uint8_t *bytes, size_t size, uint64_t *rows, struct sql_error *error)
{
	bool done = false, failed = false;

	for (size_t at = 0; at < size;) {
		int step = tds_token_size(bytes + at, size - at);

		if (step <= 0 || bytes[at] == TDS_TOKEN_COLUMNS)
			return -EPROTO;
		if (bytes[at] == TDS_TOKEN_ERROR) {
			note_message(bytes + at, (size_t)step, error);
			failed = true;
		}
		if (bytes[at] >= TDS_TOKEN_DONE) {
			uint16_t status = (uint16_t)(bytes[at + 1] | bytes[at + 2] << 8);

			done = true;
			failed = failed || (status & (TDS_DONE_ERROR | TDS_DONE_SERVER_ERROR));
			if (status & TDS_DONE_COUNT)
				memcpy(rows, bytes + at + 5, sizeof(*rows));
		}
		at += (size_t)step;
	}
	if (!done)
		return -EPROTO;
	return failed ? -EREMOTEIO : 0;
}

static int receive_all(struct session *session, uint8_t *bytes, size_t size, struct sql_error *error)
{
	while (size) {
		ssize_t got = recv(session->fd, bytes, size, 0);
		int result = 0;

		if (got < 0 && errno == EAGAIN)
			result = wait_for(session, POLLIN, 0, error);
		else if (got <= 0)
			result = broken(session, error);
		if (result)
			return result;
		if (got > 0) {
			bytes += got;
			size -= (size_t)got;
		}
	}
	return 0;
}

/* The payload of one whole message. */
static int receive_answer(struct session *session, uint8_t answer[ANSWER_MAX], size_t *size, struct sql_error *error)
{
	uint8_t header[TDS_HEADER_SIZE] = { 0 };

	*size = 0;
	while (!(header[1] & TDS_STATUS_EOM)) {
		int result = receive_all(session, header, sizeof(header), error);

		if (result)
			return result;

		size_t payload = tds_packet_length(header) - TDS_HEADER_SIZE;

		if (header[0] != TDS_REPLY || payload > ANSWER_MAX - *size) {
			session->dead = true;
			return sql_error_set(error, SQL_ERROR_PROTOCOL, NULL, "what answered the bulk load is no TDS");
		}
		result = receive_all(session, answer + *size, payload, error);
		if (result)
			return result;
		*size += payload;
	}
	return 0;
}

static int read_answer(struct session *session, uint64_t *rows, struct sql_error *error)
{
	uint8_t answer[ANSWER_MAX];
	size_t size;

	session->in_bulk = false;

	int result = receive_answer(session, answer, &size, error);

	if (result)
		return result;
	*rows = 0;
	result = read_tokens(answer, size, rows, error);
	if (!result)
		return 0;
	session->dead = true;
	if (result == -EPROTO)
		return sql_error_set(error, SQL_ERROR_PROTOCOL, NULL, "what answered the bulk load is no TDS");
	sql_error_set(error, SQL_ERROR_SERVER, NULL, "the server refused the bulk load without saying why");
	return -EIO;
}

/* ---- the stream ---- */

static int send_packet(struct session *session, bool last, struct sql_error *error)
{
	size_t at = 0;

	tds_put_header(session->packet, TDS_BULK, last, session->packet_size - TDS_HEADER_SIZE, session->packet_id++);
	while (at < session->packet_size) {
		ssize_t sent = send(session->fd, session->packet + at, session->packet_size - at, MSG_NOSIGNAL);
		int result = 0;

		if (sent < 0 && errno != EAGAIN)
			return broken(session, error);
		/* A server that speaks before we have ended has an error to tell, or is gone. */
		if (sent < 0)
			result = wait_for(session, POLLOUT, POLLIN, error);
		if (result == 1) {
			uint64_t rows;

			result = read_answer(session, &rows, error);
			session->dead = true;
			return result ? result : sql_error_set(error, SQL_ERROR_PROTOCOL, NULL, "an answer before the end");
		}
		if (result)
			return result;
		if (sent > 0)
			at += (size_t)sent;
	}
	session->packet_size = TDS_HEADER_SIZE;
	return 0;
}

int session_bulk_begin(struct session *session, const char *insert_bulk, struct sql_error *error)
{
	if (session->read_only) {
		sql_error_set(error, SQL_ERROR_WORKER, NULL, "a session that only reads was to load rows");
		return -EREMOTEIO;
	}
	if (!session->packet)
		session->packet = malloc(TDS_PACKET_SIZE);
	if (!session->packet)
		return sql_error_set(error, SQL_ERROR_MEMORY, NULL, "no memory for a packet");

	int result = session_execute(session, REQUEST_CHANGE, insert_bulk, NULL, error);

	if (result)
		return result;
	session->packet_size = TDS_HEADER_SIZE;
	session->packet_id = 1;
	session->in_bulk = true;
	return 0;
}

/* A full packet leaves only when more follows, so that the last one always says that it is the last. */
int session_bulk_write(struct session *session, const void *bytes, size_t size, struct sql_error *error)
{
	const uint8_t *from = bytes;

	const size_t full = relay_packet_size(session->relay);

	if (!session->in_bulk)
		return sql_error_set(error, SQL_ERROR_LOST, NULL, "there is no bulk load");
	while (size) {
		if (session->packet_size == full) {
			int result = send_packet(session, false, error);

			if (result)
				return result;
		}

		size_t room = full - session->packet_size, step = size < room ? size : room;

		memcpy(session->packet + session->packet_size, from, step);
		session->packet_size += step;
		from += step;
		size -= step;
	}
	return session_should_stop(session) ? wait_for(session, POLLOUT, 0, error) : 0;
}

int session_bulk_end(struct session *session, uint64_t *rows, struct sql_error *error)
{
	static const uint8_t done[TDS_DONE_SIZE] = { TDS_TOKEN_DONE };
	int result = session_bulk_write(session, done, sizeof(done), error);

	if (!result)
		result = send_packet(session, true, error);
	return result ? result : read_answer(session, rows, error);
}
