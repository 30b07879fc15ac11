/* SPDX-License-Identifier: Apache-2.0 */
/* Conversions to and from binary. */
#include "tests/sqlserver/sql_convert_text.h"
#include "tests/sqlserver/sql_collation.h"

#include <string.h>

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

/* CONVERT(varbinary, '0x..', 1) and style 2 without the 0x. */
static int read_hex(struct conversion *c, struct value in, struct value *out)
{
	size_t at = 0;

	if (c->style == 1) {
		if (in.size < 2 || in.data[0] != '0' || (in.data[1] | 32) != 'x')
			return 8114;
		at = 2;
	}
	if ((in.size - at) % 2)
		return 8114;
	c->scratch.size = 0;
	for (; at < in.size; at += 2) {
		int high = hex_digit(in.data[at]), low = hex_digit(in.data[at + 1]);

		if (high < 0 || low < 0)
			return 8114;
		char byte = (char)(high << 4 | low);

		bytes_add(&c->scratch, &byte, 1);
	}
	bytes_reserve(&c->scratch, 1);
	*out = value_blob(c->scratch.data, c->scratch.size);
	return 0;
}

static void write_hex(struct conversion *c, struct value in, struct value *out)
{
	static const char digits[] = "0123456789ABCDEF";

	c->scratch.size = 0;
	if (c->style == 1)
		bytes_add(&c->scratch, "0x", 2);
	for (size_t i = 0; i < in.size; i++) {
		const char pair[2] = { digits[(unsigned char)in.data[i] >> 4], digits[in.data[i] & 15] };

		bytes_add(&c->scratch, pair, 2);
	}
	bytes_reserve(&c->scratch, 1);
	*out = value_text(c->scratch.data, c->scratch.size);
}

static void reverse(char *data, size_t size)
{
	for (size_t i = 0; i < size / 2; i++) {
		char swap = data[i];

		data[i] = data[size - 1 - i];
		data[size - 1 - i] = swap;
	}
}

/* Numbers show big-endian; a shorter target keeps the low bytes. */
static void number_bytes(struct conversion *c)
{
	struct bytes *b = &c->scratch;

	if (c->from.kind == K_MONEY) { /* the wire has the high word first */
		reverse(b->data, 4);
		reverse(b->data + 4, 4);
	} else if (c->from.kind == K_DATETIME) {
		reverse(b->data, 4);
		reverse(b->data + 4, 4);
	} else if (c->from.kind == K_SMALLDATETIME) {
		reverse(b->data, 2);
		reverse(b->data + 2, 2);
	} else if (type_is_integer(c->from) || type_is_number(c->from)) {
		if (c->from.kind != K_DECIMAL && c->from.kind != K_NUMERIC)
			reverse(b->data, b->size);
	}
	size_t room = c->to.length;

	if (!type_is_large(c->to) && type_is_number(c->from) && !type_is_exact(c->from)) {
		if (b->size > room) {
			memmove(b->data, b->data + b->size - room, room);
			b->size = room;
		}
		while (c->to.kind == K_BINARY && b->size < room) {
			bytes_reserve(b, b->size + 1);
			memmove(b->data + 1, b->data, b->size++);
			b->data[0] = 0;
		}
	}
}

/* decimal's binary form: precision, scale, sign, 0 before the magnitude. */
static void decimal_head(struct conversion *c)
{
	struct bytes *b = &c->scratch;
	char sign = b->data[0];

	bytes_reserve(b, b->size + 3);
	memmove(b->data + 3, b->data, b->size);
	b->size += 3;
	b->data[0] = (char)c->from.precision;
	b->data[1] = (char)c->from.scale;
	b->data[2] = 0;
	b->data[3] = sign;
}

static int to_binary(struct conversion *c, struct value in, struct value *out)
{
	struct result_value wire;

	if (type_is_character(c->from) && (c->style == 1 || c->style == 2))
		return read_hex(c, in, out);
	if (type_is_binary(c->from) || c->from.kind >= K_HIERARCHYID) {
		*out = value_blob(in.data, in.size);
		return 0;
	}
	value_to_wire(in, c->from, &c->scratch, &wire);
	if (type_is_number(c->from) || type_is_date(c->from))
		number_bytes(c);
	if (c->from.kind == K_DECIMAL || c->from.kind == K_NUMERIC)
		decimal_head(c);
	*out = value_blob(c->scratch.data, c->scratch.size);
	return 0;
}

static int64_t integer_of(struct value in, size_t width)
{
	uint64_t number = 0;
	size_t from = in.size > width ? in.size - width : 0;

	for (size_t i = from; i < in.size; i++)
		number = number << 8 | (unsigned char)in.data[i];
	if (in.size >= width && width == 4)
		return (int32_t)number;
	if (in.size >= width && width == 2)
		return (int16_t)number;
	return (int64_t)number;
}

static int from_binary(struct conversion *c, struct value in, struct value *out)
{
	if (type_is_character(c->to) && (c->style == 1 || c->style == 2)) {
		write_hex(c, in, out);
		return 0;
	}
	if (c->to.kind == K_BIT || type_is_integer(c->to)) {
		int64_t i = integer_of(in, c->to.length);

		*out = value_int(c->to.kind == K_BIT ? i != 0 : i);
		return 0;
	}
	if (c->to.kind == K_MONEY || c->to.kind == K_SMALLMONEY) {
		*out = value_int(integer_of(in, c->to.length));
		return 0;
	}
	if (c->to.kind == K_DATETIME && in.size <= 8) {
		int64_t both = integer_of(in, 8);

		*out = value_int((int64_t)(int32_t)(both >> 32) * 25920000 + (both & 0xffffffff));
		return 0;
	}
	struct result_value wire = { in.data ? in.data : "", in.size };
	char head[17];

	if ((c->to.kind == K_DECIMAL || c->to.kind == K_NUMERIC) && in.size >= 5 && in.size <= 20) {
		memcpy(head, in.data + 3, in.size - 3);
		wire = (struct result_value){ head, in.size - 3 };
	} else if (c->to.kind == K_GUID && in.size > 16) {
		wire.size = 16;
	} else if (!type_is_character(c->to) && c->to.kind != K_GUID && c->to.kind < K_XML) {
		return 529;
	}
	return value_from_wire(&wire, c->to, &c->scratch, out) ? 8114 : 0;
}

int convert_binary(struct conversion *c, struct value in, struct value *out)
{
	if (type_is_binary(c->to) || c->to.kind >= K_HIERARCHYID) {
		if (c->to.kind >= K_HIERARCHYID && !type_is_binary(c->from))
			return 6522;
		return to_binary(c, in, out);
	}
	return from_binary(c, in, out);
}
