/* SPDX-License-Identifier: Apache-2.0 */
/* PRELOGIN: versions, and above all who encrypts what. */
#include <stdlib.h>

#include "bytes.h"
#include "connection.h"

enum option { OPTION_VERSION, OPTION_ENCRYPTION, OPTION_INSTANCE, OPTION_THREAD, OPTION_MARS, OPTION_END = 0xff };

enum encryption { ENCRYPT_OFF, ENCRYPT_ON, ENCRYPT_NOT_SUP, ENCRYPT_REQ };

#define PRELOGIN_LIMIT 4088u

struct prelogin {
	uint8_t encryption;
	bool has_mars;
};

static int parse(struct connection *connection, const uint8_t *bytes, size_t size, struct prelogin *prelogin)
{
	*prelogin = (struct prelogin){ .encryption = ENCRYPT_NOT_SUP };
	for (size_t at = 0; at < size && bytes[at] != OPTION_END; at += 5) {
		if (at + 5 > size)
			return link_violation(&connection->link, "PRELOGIN ends within its options");
		size_t offset = get16be(bytes + at + 1), length = get16be(bytes + at + 3);
		if (offset + length > size)
			return link_violation(&connection->link, "PRELOGIN option %u lies beyond its end", bytes[at]);
		if (bytes[at] == OPTION_ENCRYPTION && length == 1)
			prelogin->encryption = bytes[offset];
		prelogin->has_mars |= bytes[at] == OPTION_MARS;
	}
	return 0;
}

/* As SQL Server without Force Encryption does; a test may set another answer. */
static uint8_t answer_encryption(struct connection *connection, uint8_t asked)
{
	if (connection->tds8)
		return ENCRYPT_NOT_SUP; /* ignored: TLS is around all of it */
	switch (faults_settings(&connection->server->faults).encryption) {
	case ENCRYPTION_OFF:
		return ENCRYPT_OFF;
	case ENCRYPTION_NOT_SUPPORTED:
		return ENCRYPT_NOT_SUP;
	case ENCRYPTION_REQUIRED:
		return asked == ENCRYPT_ON ? ENCRYPT_ON : ENCRYPT_REQ;
	default:
		return asked == ENCRYPT_REQ ? ENCRYPT_ON : asked;
	}
}

static int send_answer(struct connection *connection, uint8_t encryption, bool mars)
{
	int version = connection->server->options.version;
	uint16_t build = build_of_version(version);
	uint8_t options[32], data[8] = { (uint8_t)version, 0, (uint8_t)(build >> 8), (uint8_t)build, 0, 0 };
	const uint8_t lengths[] = { 6, 1, 1, 0, 1 };
	size_t count = mars ? 5 : 4, offset = 5 * count + 1, at = 0;

	for (uint8_t option = 0; option < count; option++) {
		options[at] = option;
		put16be(options + at + 1, (uint16_t)offset);
		put16be(options + at + 3, lengths[option]);
		offset += lengths[option];
		at += 5;
	}
	options[at++] = OPTION_END;
	data[6] = encryption;
	data[7] = 0; /* the instance's name is right, whatever it was */
	writer_put(&connection->writer, options, at);
	writer_put(&connection->writer, data, sizeof(data));
	if (mars)
		writer_put8(&connection->writer, 0);
	return writer_end(&connection->writer);
}

static int start_encryption(struct connection *connection, uint8_t asked, uint8_t answered)
{
	if (connection->tds8 || answered == ENCRYPT_NOT_SUP)
		return 0;
	if (asked == ENCRYPT_NOT_SUP)
		return link_violation(&connection->link, "the client cannot encrypt, and this server requires it");
	connection->login_only_tls = answered == ENCRYPT_OFF;
	return link_start_wrapped_tls(&connection->link, connection->server->tls);
}

/* The first byte tells TDS 8.0 (a TLS record) from TDS 7.x (a PRELOGIN packet). Only 2022 speaks the former. */
static int start_connection(struct connection *connection)
{
	const struct server_options *options = &connection->server->options;
	uint8_t first;
	enum { TLS_HANDSHAKE = 0x16 };
	int error = link_first_byte(&connection->link, &first);

	if (error)
		return error;
	if (first != TLS_HANDSHAKE)
		return options->strict ? link_violation(&connection->link, "TDS 7.x, but this server is strict") : 0;
	if (options->version < 16)
		return link_violation(&connection->link, "TDS 8.0, which version %d does not speak", options->version);
	connection->tds8 = true;
	return link_start_tls(&connection->link, connection->server->tls);
}

int prelogin_serve(struct connection *connection)
{
	struct message message;
	struct prelogin prelogin;
	uint8_t *bytes = NULL;
	size_t size;
	int error = start_connection(connection);

	if (!error)
		error = message_open(&message, &connection->link, NULL);
	if (error)
		return error;
	if (message.type != PACKET_PRELOGIN)
		return link_violation(&connection->link, "a packet of type 0x%02x where PRELOGIN belongs", message.type);
	error = message_read_all(&message, &bytes, &size, PRELOGIN_LIMIT);
	if (error)
		return error;
	error = parse(connection, bytes, size, &prelogin);
	free(bytes);
	if (error)
		return error;
	uint8_t answer = answer_encryption(connection, prelogin.encryption);
	error = send_answer(connection, answer, prelogin.has_mars);
	return error ? error : start_encryption(connection, prelogin.encryption, answer);
}
