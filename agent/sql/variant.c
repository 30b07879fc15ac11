/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/variant.h"

#include <errno.h>
#include <string.h>

#include "agent/sql/catalogue_read.h"
#include "agent/table/bytes.h"

/* How a base type's data comes out of its result. */
enum source { FROM_NUMBER, FROM_FLOAT, FROM_MONEY, FROM_DIGITS, FROM_MOMENT, FROM_DATETIME, FROM_BYTES, FROM_TEXT };

struct base {
	const char *name;
	uint8_t token;
	uint8_t size; /* of the data, 0 where it varies */
	enum source source;
};

static const struct base bases[] = {
	{ "bit", 0x32, 1, FROM_NUMBER },
	{ "tinyint", 0x30, 1, FROM_NUMBER },
	{ "smallint", 0x34, 2, FROM_NUMBER },
	{ "int", 0x38, 4, FROM_NUMBER },
	{ "bigint", 0x7f, 8, FROM_NUMBER },
	{ "real", 0x3b, 4, FROM_FLOAT },
	{ "float", 0x3e, 8, FROM_FLOAT },
	{ "money", 0x3c, 8, FROM_MONEY },
	{ "smallmoney", 0x7a, 4, FROM_NUMBER },
	{ "decimal", 0x6a, 0, FROM_DIGITS },
	{ "numeric", 0x6c, 0, FROM_DIGITS },
	{ "date", 0x28, 3, FROM_MOMENT },
	{ "time", 0x29, 0, FROM_MOMENT },
	{ "datetime2", 0x2a, 0, FROM_MOMENT },
	{ "datetimeoffset", 0x2b, 0, FROM_MOMENT },
	{ "datetime", 0x3d, 8, FROM_DATETIME },
	{ "smalldatetime", 0x3a, 4, FROM_DATETIME },
	{ "uniqueidentifier", 0x24, 16, FROM_BYTES },
	{ "binary", 0xad, 0, FROM_BYTES },
	{ "varbinary", 0xa5, 0, FROM_BYTES },
	{ "char", 0xaf, 0, FROM_TEXT },
	{ "varchar", 0xa7, 0, FROM_TEXT },
	{ "nchar", 0xef, 0, FROM_TEXT },
	{ "nvarchar", 0xe7, 0, FROM_TEXT },
};

static bool text_of(const struct value *value, char *text, size_t size)
{
	if (!value->data || value->size / 2 * 3 >= size)
		return false;
	text[catalogue_utf8(text, value->data, value->size)] = 0;
	return true;
}

static const struct base *find_base(const struct value *name)
{
	char text[128];

	if (!text_of(name, text, sizeof text))
		return NULL;
	for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++)
		if (!strcmp(bases[i].name, text))
			return &bases[i];
	return NULL;
}

static uint32_t number_of(const struct value *value)
{
	return value->data && value->size == 4 ? (uint32_t)get_number(value->data, 4) : 0;
}

/* SQL Server turns numbers into binary with the highest byte first. */
static int put_reversed(uint8_t *at, const struct value *bytes, size_t size)
{
	const uint8_t *from = bytes->data;

	if (bytes->size < size)
		return -EPROTO;
	for (size_t i = 0; i < size; i++)
		at[i] = from[bytes->size - 1 - i];
	return (int)size;
}

static int put_money(uint8_t *at, const struct value *bytes)
{
	uint8_t number[8];

	if (bytes->size != 8 || put_reversed(number, bytes, 8) < 0)
		return -EPROTO;
	memcpy(at, number + 4, 4); /* TDS sends the high half first */
	memcpy(at + 4, number, 4);
	return 8;
}

/* The digits of a decimal, its sign and its point, as UTF-16. */
static int put_digits(uint8_t *at, const struct value *digits, uint32_t precision)
{
	size_t size = precision <= 9 ? 4 : precision <= 19 ? 8 : precision <= 28 ? 12 : 16;
	const uint8_t *text = digits->data;
	unsigned __int128 magnitude = 0;

	at[0] = 1;
	for (size_t i = 0; i + 1 < digits->size; i += 2) {
		if (text[i] == '-')
			at[0] = 0;
		else if (text[i] >= '0' && text[i] <= '9')
			magnitude = magnitude * 10 + (unsigned)(text[i] - '0');
		else if (text[i] != '.')
			return -EPROTO;
	}
	for (size_t i = 0; i < size; i++)
		at[1 + i] = (uint8_t)(magnitude >> 8 * i);
	return (int)size + 1;
}

/* datetimeoffset in canonical form as one of the four types of its family, at its own scale. */
static int put_moment(uint8_t *at, uint8_t token, const struct value *moment, uint32_t scale)
{
	size_t time_size = scale <= 2 ? 3 : scale <= 4 ? 4 : 5, size = 0;
	const uint8_t *from = moment->data;
	uint64_t ticks;

	if (!from || moment->size != 10 || scale > 7)
		return -EPROTO;
	ticks = get_number(from, 5);
	for (uint32_t i = scale; i < 7; i++)
		ticks /= 10;
	if (token != 0x28) {
		put_number(at, ticks, time_size);
		size = time_size;
	}
	if (token != 0x29) {
		memcpy(at + size, from + 5, 3);
		size += 3;
	}
	if (token == 0x2b) {
		memcpy(at + size, from + 8, 2);
		size += 2;
	}
	return (int)size;
}

static int put_datetime(uint8_t *at, uint8_t size, const struct value *datetime)
{
	const uint8_t *from = datetime->data;

	if (!from || datetime->size != 8)
		return -EPROTO;
	if (size == 8) {
		memcpy(at, from, 8);
	} else {
		put_number(at, get_number(from, 2), 2);
		put_number(at + 2, get_number(from + 4, 4) / 300 / 60, 2);
	}
	return size;
}

static int put_data(uint8_t *at, const struct base *base, const struct value *bytes, const struct value *extra)
{
	switch (base->source) {
	case FROM_NUMBER:
		/* smallmoney comes as money: the low four bytes are it. */
		return put_reversed(at, bytes, base->size);
	case FROM_FLOAT:
		return bytes->size == base->size ? put_reversed(at, bytes, base->size) : -EPROTO;
	case FROM_MONEY:
		return put_money(at, bytes);
	case FROM_DIGITS:
		return put_digits(at, bytes, number_of(&extra[VARIANT_PRECISION]));
	case FROM_MOMENT:
		return put_moment(at, base->token, &extra[VARIANT_MOMENT], number_of(&extra[VARIANT_SCALE]));
	case FROM_DATETIME:
		return put_datetime(at, base->size, &extra[VARIANT_DATETIME]);
	default:
		if (bytes->size > 8000 || (base->size && bytes->size != base->size))
			return -EPROTO;
		memcpy(at, bytes->data, bytes->size);
		return (int)bytes->size;
	}
}

static int put_collation(uint8_t *at, const struct value *name, const struct variant_collations *collations)
{
	char text[128];

	if (!text_of(name, text, sizeof text))
		return -EPROTO;
	for (size_t i = 0; i < collations->count; i++)
		if (!strcmp(collations->list[i].name, text)) {
			memcpy(at, collations->list[i].bytes, 5);
			return 5;
		}
	return -EPROTO;
}

static int put_properties(
	uint8_t *at, const struct base *base, const struct value *extra, const struct variant_collations *collations)
{
	if (base->source == FROM_DIGITS) {
		at[0] = (uint8_t)number_of(&extra[VARIANT_PRECISION]);
		at[1] = (uint8_t)number_of(&extra[VARIANT_SCALE]);
		return 2;
	}
	if (base->source == FROM_MOMENT && base->token != 0x28) {
		at[0] = (uint8_t)number_of(&extra[VARIANT_SCALE]);
		return 1;
	}
	if (base->source == FROM_TEXT) {
		int result = put_collation(at, &extra[VARIANT_COLLATION], collations);
		put_number(at + 5, number_of(&extra[VARIANT_MAX_LENGTH]), 2);
		return result < 0 ? result : 7;
	}
	if (base->source == FROM_BYTES && !base->size) {
		put_number(at, number_of(&extra[VARIANT_MAX_LENGTH]), 2);
		return 2;
	}
	return 0;
}

int variant_body(uint8_t body[VARIANT_BODY_MAX], const struct value *bytes, const struct value *extra,
	const struct variant_collations *collations)
{
	const struct base *base;
	int properties, data;

	if (!extra[VARIANT_BASE].data)
		return bytes->data ? -EPROTO : 0;
	base = find_base(&extra[VARIANT_BASE]);
	if (!base || !bytes->data)
		return -EPROTO;
	properties = put_properties(body + 2, base, extra, collations);
	if (properties < 0)
		return properties;
	body[0] = base->token;
	body[1] = (uint8_t)properties;
	data = put_data(body + 2 + properties, base, bytes, extra);
	return data < 0 ? data : 2 + properties + data;
}
