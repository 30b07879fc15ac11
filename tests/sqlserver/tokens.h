/* SPDX-License-Identifier: Apache-2.0 */
/* TDS's tokens, one function each, in the order of their codes' names in MS-TDS. All gather in the writer. */
#ifndef TESTS_SQLSERVER_TOKENS_H
#define TESTS_SQLSERVER_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "typeinfo.h"
#include "writer.h"

enum {
	DONE_MORE = 0x0001,
	DONE_ERROR = 0x0002,
	DONE_COUNT = 0x0010,
	DONE_ATTENTION = 0x0020,
	DONE_SERVER_ERROR = 0x0100,
};

enum environment {
	ENV_DATABASE = 1,
	ENV_LANGUAGE = 2,
	ENV_PACKET_SIZE = 4,
	ENV_COLLATION = 7,
	ENV_BEGIN = 8,
	ENV_COMMIT = 9,
	ENV_ROLLBACK = 10,
	ENV_RESET = 18,
	ENV_ROUTING = 20,
};

struct message_token {
	int32_t number;
	uint8_t state, severity; /* above 10 it is an ERROR, else an INFO */
	const char *text, *server, *procedure;
	int32_t line;
};

void write_column_metadata(
	struct writer *writer, const struct result_column *columns, size_t count, const enum length_class *lengths);
void write_done(struct writer *writer, uint8_t token, uint16_t status, uint16_t command, uint64_t rows);
void write_message(struct writer *writer, const struct message_token *message);
void write_return_status(struct writer *writer, int32_t status);
void write_return_value(struct writer *writer, uint16_t ordinal, const char *name, const struct result_column *column,
	const struct result_value *value);
void write_login_ack(struct writer *writer, uint32_t tds_version, int version);

/* ENVCHANGE with texts, with bytes, and with a place to go to instead. */
void write_environment_text(struct writer *writer, enum environment kind, const char *now, const char *before);
void write_environment_bytes(struct writer *writer, enum environment kind, const void *now, size_t now_size,
	const void *before, size_t before_size);
void write_routing(struct writer *writer, const char *host, uint16_t port);

/* Acknowledges UTF8_SUPPORT, the one feature that the stand-in has. */
void write_utf8_feature_ack(struct writer *writer);

/* The build that @@VERSION of each major version names. */
uint16_t build_of_version(int version);

#endif
