/* SPDX-License-Identifier: Apache-2.0 */
#include "typeinfo.h"

#include <errno.h>
#include <string.h>

#include "wire_text.h"

/* The fixed-length tokens and the nullable type and size that each stands for. */
static const struct {
	uint8_t token;
	enum tds_type type;
	uint8_t size;
} fixed_types[] = {
	{ 0x30, TDS_INTN, 1 },
	{ 0x34, TDS_INTN, 2 },
	{ 0x38, TDS_INTN, 4 },
	{ 0x7f, TDS_INTN, 8 },
	{ 0x32, TDS_BITN, 1 },
	{ 0x3b, TDS_FLTN, 4 },
	{ 0x3e, TDS_FLTN, 8 },
	{ 0x7a, TDS_MONEYN, 4 },
	{ 0x3c, TDS_MONEYN, 8 },
	{ 0x3a, TDS_DATETIMN, 4 },
	{ 0x3d, TDS_DATETIMN, 8 },
};

#define FIXED_COUNT (sizeof(fixed_types) / sizeof(fixed_types[0]))

bool type_has_collation(enum tds_type type)
{
	return type == TDS_BIGVARCHAR || type == TDS_BIGCHAR || type == TDS_NVARCHAR || type == TDS_NCHAR ||
		type == TDS_TEXT || type == TDS_NTEXT;
}

uint8_t fixed_token(const struct result_column *column)
{
	if (!column->nullable)
		for (size_t i = 0; i < FIXED_COUNT; i++)
			if (fixed_types[i].type == column->type && fixed_types[i].size == column->length)
				return fixed_types[i].token;
	return 0;
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
	case 0x25:
		return TDS_BIGVARBINARY;
	case 0x2d:
		return TDS_BIGBINARY;
	case 0x27:
		return TDS_BIGVARCHAR;
	case 0x2f:
		return TDS_BIGCHAR;
	case 0x37:
		return TDS_DECIMALN;
	case 0x3f:
		return TDS_NUMERICN;
	default:
		return (enum tds_type)token;
	}
}

static int read_sized(struct message *message, struct wire_column *column)
{
	uint8_t bytes[4];
	int error = message_read(message, bytes,
		column->lengths == LENGTH_BYTE        ? 1
			: column->lengths == LENGTH_SHORT ? 2
											  : 4);

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
	if (type_has_collation(column->column.type))
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
	return error ? error : message_skip(message, 2u * get16le(units));
}

static int read_udt(struct message *message, enum type_place place, struct wire_column *column)
{
	uint8_t units[2];
	int error = place == IN_ROWS ? message_skip(message, 2) : 0;

	for (size_t i = 0; i < 3 && !error; i++)
		error = read_name(message, column->column.udt[i], sizeof(column->column.udt[i]));
	if (error || place == IN_PARAMETERS)
		return error;
	error = message_read(message, units, 2);
	return error ? error : message_skip(message, 2u * get16le(units));
}

static int read_varying(struct message *message, enum type_place place, uint8_t token, struct wire_column *column)
{
	enum tds_type type = column->column.type = modern_type(token);

	switch (type) {
	case TDS_INTN:
	case TDS_BITN:
	case TDS_FLTN:
	case TDS_MONEYN:
	case TDS_DATETIMN:
	case TDS_GUID:
	case TDS_DECIMALN:
	case TDS_NUMERICN:
		column->lengths = LENGTH_BYTE;
		return read_sized(message, column);
	case TDS_DATE:
	case TDS_TIME:
	case TDS_DATETIME2:
	case TDS_DATETIMEOFFSET:
		return read_date(message, column);
	case TDS_BIGVARBINARY:
	case TDS_BIGVARCHAR:
	case TDS_BIGBINARY:
	case TDS_BIGCHAR:
	case TDS_NVARCHAR:
	case TDS_NCHAR:
		column->lengths = token == type ? LENGTH_SHORT : LENGTH_BYTE;
		return read_sized(message, column);
	case TDS_TEXT:
	case TDS_NTEXT:
	case TDS_IMAGE:
		column->lengths = place == IN_ROWS ? LENGTH_TEXT : LENGTH_PARAMETER;
		return read_sized(message, column);
	case TDS_VARIANT:
		column->lengths = LENGTH_LONG;
		return read_sized(message, column);
	case TDS_XML:
	case TDS_UDT:
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
