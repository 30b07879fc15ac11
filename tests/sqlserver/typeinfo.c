/* SPDX-License-Identifier: Apache-2.0 */
#include "typeinfo.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wire_text.h"

#define PLP_NULL UINT64_MAX
#define PLP_UNKNOWN (UINT64_MAX - 1)

/* The fixed-length tokens and the nullable type and size that each stands for. */
static const struct {
	uint8_t token;
	enum tds_type type;
	uint8_t size;
} fixed_types[] = {
	{ 0x30, TDS_INTN, 1 }, { 0x34, TDS_INTN, 2 }, { 0x38, TDS_INTN, 4 }, { 0x7f, TDS_INTN, 8 },
	{ 0x32, TDS_BITN, 1 }, { 0x3b, TDS_FLTN, 4 }, { 0x3e, TDS_FLTN, 8 }, { 0x7a, TDS_MONEYN, 4 },
	{ 0x3c, TDS_MONEYN, 8 }, { 0x3a, TDS_DATETIMN, 4 }, { 0x3d, TDS_DATETIMN, 8 },
};

#define FIXED_COUNT (sizeof(fixed_types) / sizeof(fixed_types[0]))

static bool has_collation(enum tds_type type)
{
	return type == TDS_BIGVARCHAR || type == TDS_BIGCHAR || type == TDS_NVARCHAR || type == TDS_NCHAR ||
		type == TDS_TEXT || type == TDS_NTEXT;
}

static int skip(struct message *message, size_t size)
{
	uint8_t scratch[512];
	int error = 0;

	while (size && !error) {
		size_t part = size < sizeof(scratch) ? size : sizeof(scratch);

		error = message_read(message, scratch, part);
		size -= part;
	}
	return error;
}

/* B_VARCHAR into UTF-8 */
static int read_name(struct message *message, char *name, size_t capacity)
{
	uint8_t units, text[510];
	int error = message_read(message, &units, 1);

	if (!error)
		error = message_read(message, text, 2u * units);
	if (!error)
		utf8_from_utf16(name, capacity, text, units);
	return error;
}

static int read_fixed(uint8_t token, struct wire_column *column)
{
	for (size_t i = 0; i < FIXED_COUNT; i++)
		if (fixed_types[i].token == token) {
			column->column.type = fixed_types[i].type;
			column->column.length = fixed_types[i].size;
			column->column.nullable = false;
			column->lengths = LENGTH_FIXED;
			return 0;
		}
	return -EBADMSG;
}

/* Old one-byte-length character and binary tokens, which RPC parameters may still have. */
static enum tds_type modern_type(uint8_t token)
{
	switch (token) {
	case 0x25: return TDS_BIGVARBINARY;
	case 0x2d: return TDS_BIGBINARY;
	case 0x27: return TDS_BIGVARCHAR;
	case 0x2f: return TDS_BIGCHAR;
	case 0x37: return TDS_DECIMALN;
	case 0x3f: return TDS_NUMERICN;
	default: return (enum tds_type)token;
	}
}

static int read_sized(struct message *message, struct wire_column *column)
{
	uint8_t bytes[4];
	int error = message_read(message, bytes, column->lengths == LENGTH_BYTE ? 1 :
				 column->lengths == LENGTH_SHORT ? 2 : 4);

	if (error)
		return error;
	if (column->lengths == LENGTH_BYTE) {
		column->column.length = bytes[0];
	} else if (column->lengths == LENGTH_SHORT) {
		column->column.length = get16le(bytes);
		if (column->column.length == TDS_MAX_LENGTH)
			column->lengths = LENGTH_PLP;
	} else {
		column->column.length = get32le(bytes);
	}
	if (has_collation(column->column.type))
		error = message_read(message, column->column.collation, 5);
	if (!error && (column->column.type == TDS_DECIMALN || column->column.type == TDS_NUMERICN)) {
		error = message_read(message, bytes, 2);
		column->column.precision = bytes[0];
		column->column.scale = bytes[1];
	}
	return error;
}

static uint32_t time_size(uint8_t scale)
{
	return scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
}

static int read_date(struct message *message, struct wire_column *column)
{
	struct result_column *c = &column->column;
	int error = 0;

	column->lengths = LENGTH_BYTE;
	if (c->type == TDS_DATE) {
		c->length = 3;
		return 0;
	}
	error = message_read(message, &c->scale, 1);
	if (!error && c->scale > 7)
		return -EBADMSG;
	c->length = time_size(c->scale) + (c->type == TDS_DATETIME2 ? 3 : c->type == TDS_DATETIMEOFFSET ? 5 : 0);
	return error;
}

static int read_xml_schema(struct message *message)
{
	char name[3 * 255 + 1];
	uint8_t present, units[2];
	int error = message_read(message, &present, 1);

	if (error || !present)
		return error;
	error = read_name(message, name, sizeof(name));
	if (!error)
		error = read_name(message, name, sizeof(name));
	if (!error)
		error = message_read(message, units, 2);
	return error ? error : skip(message, 2u * get16le(units));
}

static int read_udt(struct message *message, enum type_place place, struct wire_column *column)
{
	uint8_t units[2];
	int error = place == IN_ROWS ? skip(message, 2) : 0;

	for (size_t i = 0; i < 3 && !error; i++)
		error = read_name(message, column->column.udt[i], sizeof(column->column.udt[i]));
	if (error || place == IN_PARAMETERS)
		return error;
	error = message_read(message, units, 2);
	return error ? error : skip(message, 2u * get16le(units));
}

static int read_varying(struct message *message, enum type_place place, uint8_t token, struct wire_column *column)
{
	enum tds_type type = column->column.type = modern_type(token);

	switch (type) {
	case TDS_INTN: case TDS_BITN: case TDS_FLTN: case TDS_MONEYN: case TDS_DATETIMN: case TDS_GUID:
	case TDS_DECIMALN: case TDS_NUMERICN:
		column->lengths = LENGTH_BYTE;
		return read_sized(message, column);
	case TDS_DATE: case TDS_TIME: case TDS_DATETIME2: case TDS_DATETIMEOFFSET:
		return read_date(message, column);
	case TDS_BIGVARBINARY: case TDS_BIGVARCHAR: case TDS_BIGBINARY: case TDS_BIGCHAR: case TDS_NVARCHAR:
	case TDS_NCHAR:
		column->lengths = token == type ? LENGTH_SHORT : LENGTH_BYTE;
		return read_sized(message, column);
	case TDS_TEXT: case TDS_NTEXT: case TDS_IMAGE:
		column->lengths = place == IN_ROWS ? LENGTH_TEXT : LENGTH_PARAMETER;
		return read_sized(message, column);
	case TDS_VARIANT:
		column->lengths = LENGTH_LONG;
		return read_sized(message, column);
	case TDS_XML: case TDS_UDT:
		column->lengths = LENGTH_PLP;
		column->column.length = TDS_MAX_LENGTH;
		return type == TDS_XML ? read_xml_schema(message) : read_udt(message, place, column);
	}
	return -EBADMSG;
}

int read_type(struct message *message, enum type_place place, struct wire_column *column)
{
	uint8_t token;
	int error = message_read(message, &token, 1);

	if (error)
		return error;
	column->column.nullable = true;
	if (read_fixed(token, column) == 0)
		return 0;
	return read_varying(message, place, token, column);
}

void value_buffer_free(struct value_buffer *buffer)
{
	free(buffer->data);
	*buffer = (struct value_buffer){ .limit = buffer->limit };
}

static int reserve(struct value_buffer *buffer, size_t more)
{
	size_t needed = buffer->used + more;

	if (needed <= buffer->capacity)
		return 0;
	if (needed > buffer->limit)
		return -EMSGSIZE;
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
		size_t part = size < 1u << 20 ? size : 1u << 20;
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
	return error || *null ? error : skip(message, size + 8u);
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
		*null = *length == 0 && !has_collation(column->column.type);
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
	return column->lengths == LENGTH_TEXT || column->lengths == LENGTH_LONG ||
		column->lengths == LENGTH_PARAMETER || length <= column->column.length;
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

static uint8_t fixed_token(const struct result_column *column)
{
	if (!column->nullable)
		for (size_t i = 0; i < FIXED_COUNT; i++)
			if (fixed_types[i].type == column->type && fixed_types[i].size == column->length)
				return fixed_types[i].token;
	return 0;
}

enum length_class sent_lengths(const struct result_column *column)
{
	switch (column->type) {
	case TDS_BIGVARBINARY: case TDS_BIGVARCHAR: case TDS_BIGBINARY: case TDS_BIGCHAR: case TDS_NVARCHAR:
	case TDS_NCHAR:
		return column->length == TDS_MAX_LENGTH ? LENGTH_PLP : LENGTH_SHORT;
	case TDS_XML: case TDS_UDT:
		return LENGTH_PLP;
	case TDS_TEXT: case TDS_NTEXT: case TDS_IMAGE:
		return LENGTH_TEXT;
	case TDS_VARIANT:
		return LENGTH_LONG;
	default:
		return fixed_token(column) ? LENGTH_FIXED : LENGTH_BYTE;
	}
}

static void write_udt(struct writer *writer, const struct result_column *column)
{
	static const char assembly[] =
		"Microsoft.SqlServer.Types, Version=11.0.0.0, Culture=neutral, PublicKeyToken=89845dcd8080cc91";
	char qualified[512];

	snprintf(qualified, sizeof(qualified), "Microsoft.SqlServer.Types.Sql%s, %s", column->udt[2], assembly);
	writer_put16(writer, TDS_MAX_LENGTH);
	for (size_t i = 0; i < 3; i++)
		writer_put_name(writer, column->udt[i]);
	writer_put_text(writer, qualified);
}

void write_type(struct writer *writer, const struct result_column *column, enum length_class lengths)
{
	if (lengths == LENGTH_FIXED) {
		writer_put8(writer, fixed_token(column));
		return;
	}
	writer_put8(writer, (uint8_t)column->type);
	if (column->type == TDS_UDT) {
		write_udt(writer, column);
	} else if (column->type == TDS_XML) {
		writer_put8(writer, 0); /* no schema collection */
	} else if (lengths == LENGTH_TEXT || lengths == LENGTH_LONG) {
		writer_put32(writer, column->length);
	} else if (lengths == LENGTH_SHORT || lengths == LENGTH_PLP) {
		writer_put16(writer, (uint16_t)column->length);
	} else if (column->type == TDS_TIME || column->type == TDS_DATETIME2 || column->type == TDS_DATETIMEOFFSET) {
		writer_put8(writer, column->scale);
	} else if (column->type != TDS_DATE) {
		writer_put8(writer, (uint8_t)column->length);
	}
	if (has_collation(column->type))
		writer_put(writer, column->collation, 5);
	if (column->type == TDS_DECIMALN || column->type == TDS_NUMERICN) {
		writer_put8(writer, column->precision);
		writer_put8(writer, column->scale);
	}
}

static void write_plp(struct writer *writer, const struct result_value *value)
{
	if (!value->data) {
		writer_put64(writer, PLP_NULL);
		return;
	}
	writer_put64(writer, value->size);
	for (size_t at = 0; at < value->size;) {
		size_t part = value->size - at < 1u << 16 ? value->size - at : 1u << 16;

		writer_put32(writer, (uint32_t)part);
		writer_put(writer, (const uint8_t *)value->data + at, part);
		at += part;
	}
	writer_put32(writer, 0);
}

/* SQL Server's text pointers name a page; nobody may dereference ours, so they only have the right shape. */
static void write_text(struct writer *writer, const struct result_value *value)
{
	static const uint8_t pointer[1 + 16 + 8] = "\x10" "stand-in pointertimestam";

	if (!value->data) {
		writer_put8(writer, 0);
		return;
	}
	writer_put(writer, pointer, sizeof(pointer));
	writer_put32(writer, (uint32_t)value->size);
	writer_put(writer, value->data, value->size);
}

void write_value(struct writer *writer, enum length_class lengths, const struct result_value *value)
{
	size_t size = value->data ? value->size : 0;

	switch (lengths) {
	case LENGTH_PLP:
		write_plp(writer, value);
		return;
	case LENGTH_TEXT:
		write_text(writer, value);
		return;
	case LENGTH_FIXED:
		break;
	case LENGTH_BYTE:
		writer_put8(writer, (uint8_t)size);
		break;
	case LENGTH_SHORT:
		writer_put16(writer, value->data ? (uint16_t)size : 0xffff);
		break;
	default:
		writer_put32(writer, (uint32_t)size);
	}
	writer_put(writer, value->data, size);
}
