/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/bulk.h"

#include <errno.h>
#include <string.h>

#include "agent/sql/variant.h"
#include "agent/table/bytes.h"

#define TOKEN_COLMETADATA 0x81
#define TOKEN_ROW 0xd1

void bulk_init(struct bulk *bulk, bulk_sink *sink, void *arg)
{
	bulk->sink = sink;
	bulk->arg = arg;
	bulk->size = 0;
}

int bulk_flush(struct bulk *bulk)
{
	int result = bulk->size ? bulk->sink(bulk->arg, bulk->buffer, bulk->size) : 0;

	bulk->size = 0;
	return result;
}

static int put(struct bulk *bulk, const void *bytes, size_t size)
{
	if (size > sizeof bulk->buffer - bulk->size) {
		int result = bulk_flush(bulk);
		if (result < 0)
			return result;
		if (size > sizeof bulk->buffer)
			return bulk->sink(bulk->arg, bytes, size);
	}
	memcpy(bulk->buffer + bulk->size, bytes, size);
	bulk->size += size;
	return 0;
}

static int put_int(struct bulk *bulk, uint64_t number, size_t size)
{
	uint8_t bytes[8];

	put_number(bytes, number, size);
	return put(bulk, bytes, size);
}

/* ---- metadata ---- */

static int put_column(struct bulk *bulk, const struct bulk_column *column)
{
	int result = put_int(bulk, 0, 4); /* user type */

	if (result == 0)
		result = put_int(bulk, column->flags, 2);
	if (result == 0)
		result = put(bulk, column->type_info, column->type_info_size);
	if (result == 0)
		result = put_int(bulk, column->name_size / 2, 1);
	return result < 0 ? result : put(bulk, column->name, column->name_size);
}

int bulk_metadata(struct bulk *bulk, const struct bulk_column *columns, size_t count)
{
	int result = put_int(bulk, TOKEN_COLMETADATA, 1);

	if (result == 0)
		result = put_int(bulk, count, 2);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = put_column(bulk, &columns[i]);
	return result;
}

int bulk_row(struct bulk *bulk)
{
	return put_int(bulk, TOKEN_ROW, 1);
}

/* ---- values ---- */

static int put_null(struct bulk *bulk, const struct bulk_column *column)
{
	if (column->fixed)
		return -EINVAL;
	if (column->plp)
		return put_int(bulk, UINT64_MAX, 8);
	if (column->type == COLUMN_VARIANT)
		return put_int(bulk, 0, 4);
	return column->size ? put_int(bulk, 0, 1) : put_int(bulk, 0xffff, 2);
}

static int put_bytes(struct bulk *bulk, const struct bulk_column *column, const struct value *value)
{
	int result = bulk_long_begin(bulk, column, value->size);

	if (result == 0 && value->size)
		result = bulk_long_piece(bulk, column, value->data, value->size);
	return result < 0 ? result : bulk_long_end(bulk, column);
}

/* Types of one size, from canonical form to the wire's. */
static int convert(uint8_t *wire, const struct bulk_column *column, const uint8_t *from)
{
	size_t time_size;
	uint64_t ticks;

	switch (column->type) {
	case COLUMN_MONEY: /* the high half first */
		memcpy(wire, from + 4, 4);
		memcpy(wire + 4, from, 4);
		return 0;
	case COLUMN_DECIMAL:
		for (size_t i = column->size; i < 17; i++)
			if (from[i])
				return -EINVAL; /* more digits than the column has */
		memcpy(wire, from, column->size);
		return 0;
	case COLUMN_TIME:
	case COLUMN_DATETIME2:
	case COLUMN_DATETIMEOFFSET:
		time_size = column->scale <= 2 ? 3 : column->scale <= 4 ? 4 : 5;
		ticks = get_number(from, 5);
		for (unsigned int i = column->scale; i < 7; i++) {
			if (ticks % 10)
				return -EINVAL; /* finer than the column's scale */
			ticks /= 10;
		}
		put_number(wire, ticks, time_size);
		memcpy(wire + time_size, from + 5, column->size - time_size);
		return 0;
	default:
		memcpy(wire, from, column->size);
		return 0;
	}
}

int bulk_value(struct bulk *bulk, const struct bulk_column *column, const struct value *value)
{
	uint8_t wire[1 + 17];
	int result;

	if (!value->data)
		return put_null(bulk, column);
	if (!column->size)
		return put_bytes(bulk, column, value);
	if (value->size != column_type_size(column->type))
		return -EINVAL;
	wire[0] = column->size;
	result = convert(wire + 1, column, value->data);
	if (result < 0)
		return result;
	return column->fixed ? put(bulk, wire + 1, column->size) : put(bulk, wire, 1u + column->size);
}

int bulk_long_begin(struct bulk *bulk, const struct bulk_column *column, uint64_t size)
{
	if (column->plp)
		return put_int(bulk, UINT64_MAX - 1, 8); /* of a length not told */
	if (column->size)
		return -EINVAL;
	if (column->type == COLUMN_VARIANT)
		return size <= VARIANT_BODY_MAX ? put_int(bulk, size, 4) : -EINVAL;
	return size <= 8000 ? put_int(bulk, size, 2) : -EINVAL;
}

int bulk_long_piece(struct bulk *bulk, const struct bulk_column *column, const void *bytes, size_t size)
{
	int result = size && size <= INT32_MAX ? 0 : -EINVAL;

	if (result == 0 && column->plp)
		result = put_int(bulk, size, 4);
	return result < 0 ? result : put(bulk, bytes, size);
}

int bulk_long_end(struct bulk *bulk, const struct bulk_column *column)
{
	return column->plp ? put_int(bulk, 0, 4) : 0;
}
