/* SPDX-License-Identifier: Apache-2.0 */
#include "typeinfo.h"

#include <errno.h>
#include <stdlib.h>

#define READ_STEP (1u << 20)

void value_buffer_free(struct value_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct value_buffer){ .limit = buffer->limit };
}

static int reserve(struct value_buffer *buffer, size_t more)
{
	size_t needed = buffer->used + more;

	if (needed > buffer->limit)
		return -EMSGSIZE;
	if (needed <= buffer->capacity)
		return 0;
	size_t capacity = needed < 4096 ? 4096 : needed + needed / 2;
	uint8_t *grown = realloc(buffer->data, capacity);
	if (!grown)
		return -ENOMEM;
	buffer->data = grown;
	buffer->capacity = capacity;
	return 0;
}

/* Takes a long piece in steps, so that a length which lies costs no memory before its bytes arrive. */
static int read_bytes(struct message *message, struct value_buffer *buffer, size_t size)
{
	while (size) {
		size_t part = size < READ_STEP ? size : READ_STEP;
		int error = reserve(buffer, part);

		if (!error)
			error = message_read(message, buffer->data + buffer->used, part);
		if (error)
			return error;
		buffer->used += part;
		size -= part;
	}
	return 0;
}

static int read_plp(struct message *message, struct value_buffer *buffer, bool *null)
{
	uint8_t bytes[8];
	size_t begin = buffer->used;
	int error = message_read(message, bytes, 8);
	uint64_t total = error ? 0 : get64le(bytes);

	*null = !error && total == PLP_NULL;
	while (!error && !*null) {
		error = message_read(message, bytes, 4);
		if (error || get32le(bytes) == 0)
			break;
		error = read_bytes(message, buffer, get32le(bytes));
	}
	if (!error && !*null && total != PLP_UNKNOWN && total != buffer->used - begin)
		return -EBADMSG;
	return error;
}

static int read_text_pointer(struct message *message, bool *null)
{
	uint8_t size;
	int error = message_read(message, &size, 1);

	*null = size == 0;
	return error || *null ? error : message_skip(message, size + 8u);
}

static int read_length(struct message *message, const struct wire_column *column, size_t *length, bool *null)
{
	uint8_t bytes[4];
	int error = 0;

	switch (column->lengths) {
	case LENGTH_FIXED:
		*length = column->column.length;
		return 0;
	case LENGTH_BYTE:
		error = message_read(message, bytes, 1);
		*length = bytes[0];
		*null = *length == 0 && !type_has_collation(column->column.type);
		return error;
	case LENGTH_SHORT:
		error = message_read(message, bytes, 2);
		*length = get16le(bytes);
		*null = *length == 0xffff;
		return error;
	case LENGTH_TEXT:
		error = read_text_pointer(message, null);
		if (error || *null)
			return error;
		break;
	default:
		break;
	}
	error = message_read(message, bytes, 4);
	*length = get32le(bytes);
	*null = column->lengths == LENGTH_LONG ? *length == 0 : *length == UINT32_MAX;
	return error;
}

/* A value may not exceed what its metadata promised: SQL Server calls that an invalid column length (4895). */
static bool fits(const struct wire_column *column, size_t length)
{
	return column->lengths == LENGTH_TEXT || column->lengths == LENGTH_LONG || column->lengths == LENGTH_PARAMETER ||
		length <= column->column.length;
}

int read_value(struct message *message, const struct wire_column *column, struct value_buffer *buffer, size_t *offset,
	size_t *size)
{
	size_t length = 0;
	bool null = false;
	int error;

	*offset = buffer->used;
	if (column->lengths == LENGTH_PLP) {
		error = read_plp(message, buffer, &null);
	} else {
		error = read_length(message, column, &length, &null);
		if (!error && !null && !fits(column, length))
			return -EBADMSG;
		if (!error && !null)
			error = read_bytes(message, buffer, length);
	}
	*size = buffer->used - *offset;
	if (null)
		*offset = (size_t)-1;
	return error == -ENODATA ? -EBADMSG : error;
}

void point_value(const struct value_buffer *buffer, size_t offset, size_t size, struct result_value *value)
{
	/* An empty value is not NULL, even in a buffer that was never allocated. */
	value->data = offset == (size_t)-1 ? NULL : buffer->data ? buffer->data + offset : (const void *)"";
	value->size = size;
}
