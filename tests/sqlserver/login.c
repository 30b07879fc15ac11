/* SPDX-License-Identifier: Apache-2.0 */
/* LOGIN7, and what SQL Server tells a client whose login it accepts. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "connection.h"
#include "wire_text.h"

/* Offsets of LOGIN7's fixed part. */
enum {
	AT_VERSION = 4,
	AT_PACKET_SIZE = 8,
	AT_FLAGS1 = 24,
	AT_FLAGS2 = 25,
	AT_FLAGS3 = 27,
	AT_HOST = 36,
	AT_USER = 40,
	AT_PASSWORD = 44,
	AT_PROGRAM = 48,
	AT_EXTENSION = 56,
	AT_LANGUAGE = 64,
	AT_DATABASE = 68,
	AT_SSPI = 78,
	AT_SSPI_LONG = 90,
	FIXED_SIZE = 94,
};

enum { FLAG2_ODBC = 0x02, FLAG2_INTEGRATED = 0x80, FLAG3_EXTENSION = 0x10 };

#define LOGIN_LIMIT (128u << 10)
#define OLDEST_TDS 0x730b0003u /* SQL Server 2008: the first with the date types */
#define NEWEST_TDS 0x74000004u

struct request {
	uint8_t *bytes;
	size_t size;
	const uint8_t *sspi;
	size_t sspi_size;
};

/* A text of the variable part: its offset and length in code units stand at `at`. */
static int read_text(const struct request *request, size_t at, char *to, size_t capacity, bool secret)
{
	size_t offset = get16le(request->bytes + at), units = get16le(request->bytes + at + 2);
	uint8_t clear[2 * 128];

	if (units > 128 || offset + 2 * units > request->size)
		return -EBADMSG;
	if (units)
		memcpy(clear, request->bytes + offset, 2 * units);
	for (size_t i = 0; secret && i < 2 * units; i++) {
		uint8_t b = clear[i] ^ 0xa5;

		clear[i] = (uint8_t)(b << 4 | b >> 4);
	}
	utf8_from_utf16(to, capacity, clear, units);
	return 0;
}

static int find_sspi(struct request *request)
{
	size_t offset = get16le(request->bytes + AT_SSPI), size = get16le(request->bytes + AT_SSPI + 2);

	if (size == 0xffff)
		size = get32le(request->bytes + AT_SSPI_LONG);
	if (offset + size > request->size)
		return -EBADMSG;
	request->sspi = request->bytes + offset;
	request->sspi_size = size;
	return 0;
}

/* The extension's text field holds the offset of a list of features: id, u32 length, data, up to 0xff. */
static int read_features(const struct request *request, struct login *login)
{
	enum { FEATURE_FED_AUTH = 0x02, FEATURE_UTF8 = 0x0a, FEATURE_END = 0xff };
	size_t pointer = get16le(request->bytes + AT_EXTENSION);

	if (pointer + 4 > request->size)
		return -EBADMSG;
	size_t at = get32le(request->bytes + pointer);
	for (;;) {
		if (at >= request->size)
			return -EBADMSG;
		if (request->bytes[at] == FEATURE_END)
			return 0;
		if (at + 5 > request->size)
			return -EBADMSG;
		login->wants_utf8 |= request->bytes[at] == FEATURE_UTF8;
		login->wants_fed_auth |= request->bytes[at] == FEATURE_FED_AUTH;
		size_t length = get32le(request->bytes + at + 1);
		if (length > request->size)
			return -EBADMSG;
		at += 5 + length;
	}
}

static int parse(struct request *request, struct login *login)
{
	static const struct {
		size_t at, field;
	} texts[] = {
		{ AT_HOST, offsetof(struct login, host) },
		{ AT_USER, offsetof(struct login, user) },
		{ AT_PASSWORD, offsetof(struct login, password) },
		{ AT_PROGRAM, offsetof(struct login, program) },
		{ AT_LANGUAGE, offsetof(struct login, language) },
		{ AT_DATABASE, offsetof(struct login, database) },
	};
	int error = 0;

	if (request->size < FIXED_SIZE || get32le(request->bytes) != request->size)
		return -EBADMSG;
	login->tds_version = get32le(request->bytes + AT_VERSION);
	login->packet_size = get32le(request->bytes + AT_PACKET_SIZE);
	login->odbc = request->bytes[AT_FLAGS2] & FLAG2_ODBC;
	login->integrated = request->bytes[AT_FLAGS2] & FLAG2_INTEGRATED;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]) && !error; i++)
		error = read_text(
			request, texts[i].at, (char *)login + texts[i].field, sizeof(login->host), texts[i].at == AT_PASSWORD);
	if (!error)
		error = find_sspi(request);
	if (!error && request->bytes[AT_FLAGS3] & FLAG3_EXTENSION)
		error = read_features(request, login);
	return error;
}

int login_refuse(struct connection *connection, int32_t number, const char *text)
{
	const struct message_token token = { .number = number,
		.state = 1,
		.severity = 14,
		.text = text,
		.server = connection->server->options.name,
		.line = 1 };

	journal_addf(&connection->server->journal, 0, JOURNAL_LOGIN, "refused %s: %d", connection->login.user, number);
	write_message(&connection->writer, &token);
	write_done(&connection->writer, 0xfd, DONE_ERROR, 0, 0);
	writer_end(&connection->writer);
	return -EACCES;
}

static int refuse_as_sql_server(struct connection *connection, int32_t number)
{
	struct login *login = &connection->login;
	char text[900];

	if (number == 4060) {
		snprintf(text, sizeof(text), "Cannot open database \"%s\" requested by the login. The login failed.",
			login->database);
		const struct message_token first = { .number = 4060,
			.state = 1,
			.severity = 11,
			.text = text,
			.server = connection->server->options.name,
			.line = 1 };
		write_message(&connection->writer, &first);
		number = 18456;
	}
	snprintf(text, sizeof(text), "Login failed for user '%s'.", login->user);
	return login_refuse(connection, number, text);
}

static int open_session(struct connection *connection)
{
	struct login *login = &connection->login;
	struct server *server = connection->server;
	int32_t number = 18456;
	int error;

	if (login->integrated)
		error = session_login_trusted(
			&connection->session, server->engine, login->user, login->database, login->host, login->program, &number);
	else
		error = session_login(&connection->session, server->engine, login->user, login->password, login->database,
			login->host, login->program, &number);
	memset(login->password, 0, sizeof(login->password));
	if (error == -EACCES)
		return refuse_as_sql_server(connection, number);
	if (error)
		return error;
	session_set_odbc(connection->session, login->odbc);
	connection->link.session = session_id(connection->session);
	return watch_open(&connection->watch, &connection->link, connection->session);
}

static void write_information(struct connection *connection, int32_t number, uint8_t state, const char *text)
{
	const struct message_token token = { .number = number,
		.state = state,
		.severity = 0,
		.text = text,
		.server = connection->server->options.name,
		.line = 1 };

	write_message(&connection->writer, &token);
}

/* What the client asked for, within what SQL Server grants. */
static uint32_t agree_packet_size(uint32_t asked)
{
	return asked == 0 ? PACKET_DEFAULT : asked < 512 ? 512 : asked > 32767 ? 32767 : asked;
}

static void write_environment(struct connection *connection, uint32_t packet_size)
{
	struct writer *writer = &connection->writer;
	const char *database = session_database(connection->session);
	uint8_t collation[5];
	char text[640], now[12], before[12];

	snprintf(connection->response.database, sizeof(connection->response.database), "%s", database);
	write_environment_text(writer, ENV_DATABASE, database, "master");
	snprintf(text, sizeof(text), "Changed database context to '%s'.", database);
	write_information(connection, 5701, 2, text);
	session_collation(connection->session, collation);
	write_environment_bytes(writer, ENV_COLLATION, collation, sizeof(collation), NULL, 0);
	write_environment_text(writer, ENV_LANGUAGE, "us_english", "");
	write_information(connection, 5703, 1, "Changed language setting to us_english.");
	uint32_t tds_version = connection->login.tds_version;
	write_login_ack(writer, tds_version > NEWEST_TDS ? NEWEST_TDS : tds_version, connection->server->options.version);
	snprintf(now, sizeof(now), "%u", packet_size);
	snprintf(before, sizeof(before), "%u", PACKET_DEFAULT);
	write_environment_text(writer, ENV_PACKET_SIZE, now, before);
}

static int send_welcome(struct connection *connection)
{
	struct writer *writer = &connection->writer;
	uint32_t packet_size = agree_packet_size(connection->login.packet_size);
	struct fault_settings settings = faults_settings(&connection->server->faults);

	write_environment(connection, packet_size);
	if (connection->login.wants_utf8 && connection->server->options.version >= 15)
		write_utf8_feature_ack(writer);
	if (settings.route_host[0])
		write_routing(writer, settings.route_host, settings.route_port);
	write_done(writer, 0xfd, 0, 0, 0);
	int error = writer_end(writer);
	connection->link.packet_size = packet_size;
	writer_resize(writer);
	return error;
}

static int read_login(struct connection *connection, struct request *request)
{
	struct message message;
	int error = message_open(&message, &connection->link, NULL);

	if (error)
		return error;
	if (message.type != PACKET_LOGIN7)
		return link_violation(&connection->link, "a packet of type 0x%02x where LOGIN7 belongs", message.type);
	error = message_read_all(&message, &request->bytes, &request->size, LOGIN_LIMIT);
	if (error)
		return error;
	if (connection->login_only_tls)
		link_stop_tls(&connection->link);
	if (parse(request, &connection->login))
		return link_violation(&connection->link, "LOGIN7 of %zu bytes is malformed", request->size);
	if (connection->login.tds_version < OLDEST_TDS)
		return link_violation(
			&connection->link, "TDS version %08x is too old for this server", connection->login.tds_version);
	return 0;
}

static void note_login(struct connection *connection)
{
	const struct login *login = &connection->login;
	const char *encryption = connection->link.tls ? "all" : connection->login_only_tls ? "login" : "none";

	pthread_mutex_lock(&connection->server->lock);
	snprintf(connection->summary, sizeof(connection->summary),
		"user=%s database=%s host=%s program=%s tds=%08x strict=%d odbc=%d ntlm=%d packet=%u encrypted=%s %s %s",
		login->user, session_database(connection->session), login->host, login->program, login->tds_version,
		connection->tds8, login->odbc, login->integrated, login->packet_size, encryption, connection->tls_version,
		connection->tls_cipher);
	pthread_mutex_unlock(&connection->server->lock);
	journal_add(&connection->server->journal, connection->link.session, JOURNAL_LOGIN, connection->summary);
}

int login_serve(struct connection *connection)
{
	struct request request = { 0 };

	if (connection->link.tls) {
		connection->tls_version = tls_version(connection->link.tls);
		connection->tls_cipher = tls_cipher(connection->link.tls);
	}
	int error = read_login(connection, &request);
	if (!error && connection->login.wants_fed_auth)
		error = login_refuse(connection, 18456, "The stand-in knows no federated authentication.");
	if (!error && connection->login.integrated)
		error = ntlm_serve(connection, request.sspi, request.sspi_size);
	if (!error)
		error = open_session(connection);
	if (request.bytes)
		memset(request.bytes, 0, request.size);
	free(request.bytes);
	if (error)
		return error;
	note_login(connection);
	return send_welcome(connection);
}
