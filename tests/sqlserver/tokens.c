/* SPDX-License-Identifier: Apache-2.0 */
#include "tokens.h"

#include <stdio.h>

#include "wire_text.h"

enum token {
	TOKEN_RETURN_STATUS = 0x79,
	TOKEN_METADATA = 0x81,
	TOKEN_ERROR = 0xaa,
	TOKEN_INFO = 0xab,
	TOKEN_RETURN_VALUE = 0xac,
	TOKEN_LOGIN_ACK = 0xad,
	TOKEN_FEATURE_ACK = 0xae,
	TOKEN_ENVIRONMENT = 0xe3,
};

#define MESSAGE_UNITS 2048u
#define FEATURE_UTF8 0x0a
#define FEATURE_END 0xff

static uint16_t column_flags(const struct result_column *column)
{
	enum {
		NULLABLE = 0x01,
		UPDATEABLE_UNKNOWN = 0x08,
		IDENTITY = 0x10,
		COMPUTED = 0x20,
		HIDDEN = 0x2000,
		KEY = 0x4000
	};

	return (uint16_t)((column->nullable ? NULLABLE : 0) | (column->computed ? COMPUTED : UPDATEABLE_UNKNOWN) |
		(column->identity ? IDENTITY : 0) | (column->hidden ? HIDDEN : 0) | (column->key ? KEY : 0));
}

void write_column_metadata(
	struct writer *writer, const struct result_column *columns, size_t count, const enum length_class *lengths)
{
	writer_put8(writer, TOKEN_METADATA);
	writer_put16(writer, (uint16_t)count);
	for (size_t i = 0; i < count; i++) {
		writer_put32(writer, 0); /* user type */
		writer_put16(writer, column_flags(&columns[i]));
		write_type(writer, &columns[i], lengths[i]);
		if (lengths[i] == LENGTH_TEXT) {
			writer_put8(writer, 1);
			writer_put_text(writer, columns[i].table);
		}
		writer_put_name(writer, columns[i].name);
	}
}

void write_done(struct writer *writer, uint8_t token, uint16_t status, uint16_t command, uint64_t rows)
{
	uint8_t bytes[13] = { token };

	put16le(bytes + 1, status);
	put16le(bytes + 3, command);
	put64le(bytes + 5, rows);
	writer_put(writer, bytes, sizeof(bytes));
}

static size_t encode(uint8_t *to, size_t units, const char *text)
{
	return utf16_from_utf8(to, 2 * units, text ? text : "");
}

void write_message(struct writer *writer, const struct message_token *message)
{
	uint8_t text[2 * MESSAGE_UNITS], server[2 * 128], procedure[2 * 128];
	size_t text_size = encode(text, MESSAGE_UNITS, message->text);
	size_t server_size = encode(server, 128, message->server);
	size_t procedure_size = encode(procedure, 128, message->procedure);

	writer_put8(writer, message->severity > 10 ? TOKEN_ERROR : TOKEN_INFO);
	writer_put16(writer, (uint16_t)(4 + 1 + 1 + 2 + text_size + 1 + server_size + 1 + procedure_size + 4));
	writer_put32(writer, (uint32_t)message->number);
	writer_put8(writer, message->state);
	writer_put8(writer, message->severity);
	writer_put16(writer, (uint16_t)(text_size / 2));
	writer_put(writer, text, text_size);
	writer_put8(writer, (uint8_t)(server_size / 2));
	writer_put(writer, server, server_size);
	writer_put8(writer, (uint8_t)(procedure_size / 2));
	writer_put(writer, procedure, procedure_size);
	writer_put32(writer, (uint32_t)message->line);
}

void write_return_status(struct writer *writer, int32_t status)
{
	writer_put8(writer, TOKEN_RETURN_STATUS);
	writer_put32(writer, (uint32_t)status);
}

void write_return_value(struct writer *writer, uint16_t ordinal, const char *name, const struct result_column *column,
	const struct result_value *value)
{
	struct result_column nullable = *column;
	enum { OUTPUT_PARAMETER = 0x01 };

	nullable.nullable = true; /* a RETURNVALUE may always be NULL, so no fixed-length token */
	writer_put8(writer, TOKEN_RETURN_VALUE);
	writer_put16(writer, ordinal);
	writer_put_name(writer, name);
	writer_put8(writer, OUTPUT_PARAMETER);
	writer_put32(writer, 0); /* user type */
	writer_put16(writer, 0x01);
	write_type(writer, &nullable, sent_lengths(&nullable));
	write_value(writer, sent_lengths(&nullable), value);
}

uint16_t build_of_version(int version)
{
	static const uint16_t builds[] = { 7001, 6024, 5026, 3006, 2000, 1000 };

	return version >= 11 && version <= 16 ? builds[version - 11] : 0;
}

void write_login_ack(struct writer *writer, uint32_t tds_version, int version)
{
	static const char program[] = "Microsoft SQL Server";
	uint8_t name[2 * sizeof(program)];
	size_t size = utf16_from_utf8(name, sizeof(name), program);
	uint16_t build = build_of_version(version);
	const uint8_t numbers[8] = {
		(uint8_t)(tds_version >> 24),
		(uint8_t)(tds_version >> 16),
		(uint8_t)(tds_version >> 8),
		(uint8_t)tds_version,
		(uint8_t)version,
		0,
		(uint8_t)(build >> 8),
		(uint8_t)build,
	};

	writer_put8(writer, TOKEN_LOGIN_ACK);
	writer_put16(writer, (uint16_t)(1 + 4 + 1 + size + 4));
	writer_put8(writer, 1); /* T-SQL */
	writer_put(writer, numbers, 4);
	writer_put8(writer, (uint8_t)(size / 2));
	writer_put(writer, name, size);
	writer_put(writer, numbers + 4, 4);
}

void write_environment_text(struct writer *writer, enum environment kind, const char *now, const char *before)
{
	uint8_t new_units[2 * 255], old_units[2 * 255];
	size_t new_size = encode(new_units, 255, now), old_size = encode(old_units, 255, before);

	writer_put8(writer, TOKEN_ENVIRONMENT);
	writer_put16(writer, (uint16_t)(1 + 1 + new_size + 1 + old_size));
	writer_put8(writer, (uint8_t)kind);
	writer_put8(writer, (uint8_t)(new_size / 2));
	writer_put(writer, new_units, new_size);
	writer_put8(writer, (uint8_t)(old_size / 2));
	writer_put(writer, old_units, old_size);
}

void write_environment_bytes(struct writer *writer, enum environment kind, const void *now, size_t now_size,
	const void *before, size_t before_size)
{
	writer_put8(writer, TOKEN_ENVIRONMENT);
	writer_put16(writer, (uint16_t)(1 + 1 + now_size + 1 + before_size));
	writer_put8(writer, (uint8_t)kind);
	writer_put8(writer, (uint8_t)now_size);
	writer_put(writer, now, now_size);
	writer_put8(writer, (uint8_t)before_size);
	writer_put(writer, before, before_size);
}

void write_routing(struct writer *writer, const char *host, uint16_t port)
{
	uint8_t units[2 * 255];
	size_t size = encode(units, 255, host);

	writer_put8(writer, TOKEN_ENVIRONMENT);
	writer_put16(writer, (uint16_t)(1 + 2 + 1 + 2 + 2 + size + 2));
	writer_put8(writer, ENV_ROUTING);
	writer_put16(writer, (uint16_t)(1 + 2 + 2 + size));
	writer_put8(writer, 0); /* TCP */
	writer_put16(writer, port);
	writer_put16(writer, (uint16_t)(size / 2));
	writer_put(writer, units, size);
	writer_put16(writer, 0);
}

void write_utf8_feature_ack(struct writer *writer)
{
	writer_put8(writer, TOKEN_FEATURE_ACK);
	writer_put8(writer, FEATURE_UTF8);
	writer_put32(writer, 1);
	writer_put8(writer, 1);
	writer_put8(writer, FEATURE_END);
}
