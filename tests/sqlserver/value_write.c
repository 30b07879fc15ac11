/* SPDX-License-Identifier: Apache-2.0 */
#include "typeinfo.h"

#include <stdio.h>

enum length_class sent_lengths(const struct result_column *column)
{
	switch (column->type) {
	case TDS_BIGVARBINARY:
	case TDS_BIGVARCHAR:
	case TDS_BIGBINARY:
	case TDS_BIGCHAR:
	case TDS_NVARCHAR:
	case TDS_NCHAR:
		return column->length == TDS_MAX_LENGTH ? LENGTH_PLP : LENGTH_SHORT;
	case TDS_XML:
	case TDS_UDT:
		return LENGTH_PLP;
	case TDS_TEXT:
	case TDS_NTEXT:
	case TDS_IMAGE:
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
	if (type_has_collation(column->type))
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
	static const uint8_t pointer[1 + 16 + 8] = "\x10"
											   "stand-in pointertimestam";

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
