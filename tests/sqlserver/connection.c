/* SPDX-License-Identifier: Apache-2.0 */
#include "connection.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "bytes.h"
#include "wire_text.h"

/* A statement is in the journal before it runs: a test that kills the server wants to know what it was doing. */
static void note_batch(struct connection *connection, const uint8_t *text, size_t size)
{
	size_t units = size / 2 < 65536 ? size / 2 : 65536;
	char *utf8 = malloc(utf8_capacity(units));

	if (!utf8)
		return;
	utf8_from_utf16(utf8, utf8_capacity(units), text, units);
	journal_add(&connection->server->journal, connection->link.session, JOURNAL_BATCH, utf8);
	free(utf8);
}

static int refuse_descriptor(struct connection *connection, uint64_t sent, uint64_t open)
{
	const struct message_token token = { .number = 3989,
		.state = 1,
		.severity = 16,
		.text = "New request is not allowed to start because it should come with valid transaction descriptor.",
		.server = connection->server->options.name,
		.line = 1 };

	link_violation(&connection->link, "transaction descriptor %llx, but the open one is %llx", (unsigned long long)sent,
		(unsigned long long)open);
	write_message(&connection->writer, &token);
	write_done(&connection->writer, 0xfd, DONE_ERROR, 0, 0);
	writer_end(&connection->writer);
	return -EPROTO;
}

int request_headers(struct connection *connection, struct message *message)
{
	enum { TRANSACTION_HEADER = 2, LIMIT = 4096 };
	uint8_t bytes[LIMIT];
	uint64_t open = session_transaction_descriptor(connection->session);
	int error = message_read(message, bytes, 4);

	if (error)
		return error;
	uint32_t total = get32le(bytes);
	if (total < 4 + 18 || total > LIMIT)
		return link_violation(&connection->link, "ALL_HEADERS of %u bytes", total);
	error = message_read(message, bytes + 4, total - 4);
	for (size_t at = 4; !error && at + 6 <= total;) {
		uint32_t length = get32le(bytes + at);

		if (length < 6 || length > total - at)
			break;
		if (get16le(bytes + at + 4) == TRANSACTION_HEADER && length == 18) {
			uint64_t sent = get64le(bytes + at + 6);

			return sent == open ? 0 : refuse_descriptor(connection, sent, open);
		}
		at += length;
	}
	return error ? error : link_violation(&connection->link, "ALL_HEADERS without a transaction descriptor");
}

static int serve_batch(struct connection *connection, struct message *message)
{
	uint8_t *text;
	size_t size;
	int error = request_headers(connection, message);

	if (!error)
		error = message_read_all(message, &text, &size, connection->server->options.request_limit);
	if (error)
		return error;
	note_batch(connection, text, size);
	watch_begin(&connection->watch);
	int result = session_execute(connection->session, text, size, &connection->response.sink);
	error = watch_end(&connection->watch);
	free(text);
	return error ? error : response_end(&connection->response, result, connection->watch.attention);
}

static int read_transaction_name(struct message *message, char *name, size_t capacity)
{
	uint8_t size, text[255];
	int error = message_read(message, &size, 1);

	if (!error)
		error = message_read(message, text, size);
	if (!error)
		utf8_from_utf16(name, capacity, text, size / 2u);
	return error;
}

struct transaction_request {
	uint16_t kind;
	uint8_t isolation, next_isolation;
	bool begins_next; /* COMMIT or ROLLBACK with fBeginXact */
	char name[3 * 128 + 1], next_name[3 * 128 + 1];
};

enum { REQUEST_BEGIN = 5, REQUEST_COMMIT = 7, REQUEST_ROLLBACK = 8, REQUEST_SAVE = 9 };

static int read_transaction(struct message *message, struct transaction_request *request)
{
	uint8_t bytes[2], flags = 0;
	int error = message_read(message, bytes, 2);

	request->kind = get16le(bytes);
	if (!error && request->kind == REQUEST_BEGIN)
		error = message_read(message, &request->isolation, 1);
	if (!error)
		error = read_transaction_name(message, request->name, sizeof(request->name));
	if (!error && (request->kind == REQUEST_COMMIT || request->kind == REQUEST_ROLLBACK))
		error = message_read(message, &flags, 1);
	if (error || !(flags & 1))
		return error;
	request->begins_next = true;
	error = message_read(message, &request->next_isolation, 1);
	return error ? error : read_transaction_name(message, request->next_name, sizeof(request->next_name));
}

static int run_transaction(struct connection *connection, const struct transaction_request *request)
{
	struct response *response = &connection->response;

	response->more_follows = request->begins_next;
	int result = session_transaction(
		connection->session, request->kind, request->isolation, request->name, &response->sink);
	response->more_follows = false;
	if (result || !request->begins_next)
		return result;
	return session_transaction(
		connection->session, REQUEST_BEGIN, request->next_isolation, request->next_name, &response->sink);
}

int transaction_serve(struct connection *connection, struct message *message)
{
	struct transaction_request request = { 0 };
	int error = request_headers(connection, message);

	if (!error)
		error = read_transaction(message, &request);
	if (!error)
		error = message_drain(message);
	if (error == -ENODATA || error == -EBADMSG)
		return link_violation(&connection->link, "a malformed transaction manager request");
	if (error)
		return error;
	if (request.kind != REQUEST_BEGIN && request.kind != REQUEST_COMMIT && request.kind != REQUEST_ROLLBACK &&
		request.kind != REQUEST_SAVE)
		return link_violation(&connection->link, "transaction manager request %u", request.kind);
	journal_addf(&connection->server->journal, connection->link.session, JOURNAL_TRANSACTION, "%s %s",
		request.kind == REQUEST_BEGIN          ? "begin"
			: request.kind == REQUEST_COMMIT   ? "commit"
			: request.kind == REQUEST_ROLLBACK ? "rollback"
											   : "save",
		request.name);
	watch_begin(&connection->watch);
	int result = run_transaction(connection, &request);
	error = watch_end(&connection->watch);
	return error ? error : response_end(&connection->response, result, connection->watch.attention);
}

/* The client gave up: an attention that came too late for its statement, or a message that it took back. */
static int acknowledge(struct connection *connection, bool attention)
{
	if (attention && faults_settings(&connection->server->faults).deaf)
		return 0;
	if (attention)
		journal_add(&connection->server->journal, connection->link.session, JOURNAL_ATTENTION, "between statements");
	write_done(&connection->writer, 0xfd, attention ? DONE_ATTENTION : DONE_ERROR, 0, 0);
	return writer_end(&connection->writer);
}

static int reset_if_asked(struct connection *connection, const struct message *message)
{
	if (!(message->status & (STATUS_RESET | STATUS_RESET_SKIP)))
		return 0;
	journal_add(&connection->server->journal, connection->link.session, JOURNAL_RESET, "");
	int error = session_reset(connection->session);
	write_environment_bytes(&connection->writer, ENV_RESET, NULL, 0, NULL, 0);
	return error;
}

static int serve_request(struct connection *connection, struct message *message)
{
	response_begin(&connection->response);
	int error = reset_if_asked(connection, message);
	if (error)
		return error;
	switch (message->type) {
	case PACKET_BATCH:
		error = serve_batch(connection, message);
		break;
	case PACKET_RPC:
		error = rpc_serve(connection, message);
		break;
	case PACKET_BULK:
		error = bulk_serve(connection, message);
		break;
	case PACKET_TRANSACTION:
		error = transaction_serve(connection, message);
		break;
	case PACKET_ATTENTION:
		return acknowledge(connection, true);
	default:
		return link_violation(&connection->link, "a request of type 0x%02x", message->type);
	}
	return error == -ECANCELED ? acknowledge(connection, message->attention) : error;
}

static int serve_requests(struct connection *connection)
{
	struct message message;

	for (;;) {
		int error = message_open(&message, &connection->link, watch_early_packet(&connection->watch));

		if (error)
			return error;
		__atomic_store_n(&connection->running, true, __ATOMIC_RELAXED);
		error = serve_request(connection, &message);
		__atomic_store_n(&connection->running, false, __ATOMIC_RELAXED);
		if (error)
			return error;
	}
}

int connection_serve(struct connection *connection)
{
	writer_open(&connection->writer, &connection->link);
	response_open(&connection->response, &connection->writer, &connection->server->faults, &connection->watch.attention,
		connection->server->options.name);
	connection->tls_version = connection->tls_cipher = "";
	int error = prelogin_serve(connection);
	if (!error)
		error = login_serve(connection);
	if (!error)
		error = serve_requests(connection);
	/* The client sees the end before the rollback, which may take long and holds its locks meanwhile. */
	link_cut(&connection->link);
	watch_close(&connection->watch);
	if (connection->session)
		session_close(connection->session);
	response_close(&connection->response);
	return error;
}
