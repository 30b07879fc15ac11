/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TYPE_INFO and values of TDS 7.3 and later: what is the same in COLMETADATA, ROW, bulk rows and RPC parameters.
 */
#ifndef TESTS_SQLSERVER_TYPEINFO_H
#define TESTS_SQLSERVER_TYPEINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "message.h"
#include "writer.h"

/* How a value's length is written. */
enum length_class {
	LENGTH_FIXED,     /* not at all: INT4 and the like, which are never NULL */
	LENGTH_BYTE,      /* u8; 0 is NULL */
	LENGTH_SHORT,     /* u16; 0xffff is NULL */
	LENGTH_PLP,       /* u64 total (or unknown), then u32 pieces up to an empty one; all ones is NULL */
	LENGTH_TEXT,      /* a text pointer (no pointer: NULL), then u32 */
	LENGTH_LONG,      /* u32; 0 is NULL: sql_variant */
	LENGTH_PARAMETER, /* u32; 0xffffffff is NULL: text, ntext and image as parameters */
};

/* A reader's column: what the engine sees, and how its values come. */
struct wire_column {
	struct result_column column;
	enum length_class lengths;
};

#define PLP_NULL UINT64_MAX
#define PLP_UNKNOWN (UINT64_MAX - 1)

/* Whether five collation bytes belong to this type. */
bool type_has_collation(enum tds_type type);

/* The fixed-length token for a column that cannot be NULL; 0 where it has none. */
uint8_t fixed_token(const struct result_column *column);

enum type_place { IN_ROWS, IN_PARAMETERS };

/*
 * Reads TYPE_INFO. A fixed-length token becomes its nullable twin with .nullable = false. -EBADMSG for a token that
 * no client may send here.
 */
int read_type(struct message *message, enum type_place place, struct wire_column *column);

/* Where rows are gathered: one buffer that grows to the largest row and is used again. */
struct value_buffer {
	uint8_t *data;
	size_t used, capacity, limit; /* bytes; -EMSGSIZE beyond limit */
};

void value_buffer_free(struct value_buffer *buffer);

/* Reads one value to the end of the buffer. *offset is where it begins, (size_t)-1 for NULL. */
int read_value(struct message *message, const struct wire_column *column, struct value_buffer *buffer, size_t *offset,
	size_t *size);

/* Values are at offsets until all of a row is read, since the buffer may move meanwhile. */
void point_value(const struct value_buffer *buffer, size_t offset, size_t size, struct result_value *value);

/* How the server sends this column: fixed where it cannot be NULL and a fixed token exists. */
enum length_class sent_lengths(const struct result_column *column);

/* Writes TYPE_INFO, and the value, as COLMETADATA and ROW have them. */
void write_type(struct writer *writer, const struct result_column *column, enum length_class lengths);
void write_value(struct writer *writer, enum length_class lengths, const struct result_value *value);

#endif
