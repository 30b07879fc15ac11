/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_value.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_date.h"

#include <errno.h>
#include <string.h>

struct value value_null(void)
{
	return (struct value){ .storage = STORE_NULL };
}

struct value value_int(int64_t i)
{
	return (struct value){ .storage = STORE_INT, .i = i };
}

struct value value_real(double r)
{
	return (struct value){ .storage = STORE_REAL, .r = r };
}

struct value value_text(const char *data, size_t size)
{
	return (struct value){ .storage = STORE_TEXT, .data = data, .size = size };
}

struct value value_blob(const void *data, size_t size)
{
	return (struct value){ .storage = STORE_BLOB, .data = data, .size = size };
}

struct value value_decimal(wide_int number, char keep[16])
{
	unsigned __int128 bits = (unsigned __int128)number ^ (unsigned __int128)1 << 127;

	for (int i = 15; i >= 0; i--, bits >>= 8)
		keep[i] = (char)(unsigned char)bits;
	return value_blob(keep, 16);
}

wide_int decimal_of(struct value value)
{
	unsigned __int128 bits = 0;

	if (value.storage == STORE_INT)
		return value.i;
	for (size_t i = 0; i < 16 && i < value.size; i++)
		bits = bits << 8 | (unsigned char)value.data[i];
	return (wide_int)(bits ^ (unsigned __int128)1 << 127);
}

wide_int power_of_ten(unsigned exponent)
{
	wide_int power = 1;

	while (exponent--)
		power *= 10;
	return power;
}

wide_int decimal_rescale(wide_int number, unsigned from, unsigned to)
{
	if (to >= from)
		return number * power_of_ten(to - from);
	wide_int divisor = power_of_ten(from - to), half = divisor / 2;

	return (number + (number < 0 ? -half : half)) / divisor;
}

static const uint8_t guid_order[16] = { 10, 11, 12, 13, 14, 15, 8, 9, 6, 7, 4, 5, 0, 1, 2, 3 };

void guid_to_storage(char storage[16], const void *wire)
{
	for (int i = 0; i < 16; i++)
		storage[i] = ((const char *)wire)[guid_order[i]];
}

void guid_from_storage(char wire[16], const void *storage)
{
	for (int i = 0; i < 16; i++)
		wire[guid_order[i]] = ((const char *)storage)[i];
}

static void put_le(struct bytes *out, uint64_t number, unsigned size)
{
	char bytes[8];

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (char)(number >> 8 * i);
	bytes_add(out, bytes, size);
}

static uint64_t get_le(const void *data, size_t size)
{
	const unsigned char *p = data;
	uint64_t number = 0;

	for (size_t i = size; i-- > 0;)
		number = number << 8 | p[i];
	return number;
}

static void put_decimal(struct bytes *out, struct value value, struct sql_type type)
{
	wide_int number = decimal_of(value);
	unsigned __int128 magnitude = number < 0 ? (unsigned __int128)-number : (unsigned __int128)number;

	put_le(out, number >= 0, 1);
	for (unsigned i = 1; i < type.length; i += 4, magnitude >>= 32)
		put_le(out, (uint32_t)magnitude, 4);
}

static void put_real(struct bytes *out, double r, unsigned size)
{
	float narrow = (float)r;

	if (size == 4)
		bytes_add(out, &narrow, 4);
	else
		bytes_add(out, &r, 8);
}

static void put_integer(struct bytes *out, int64_t i, struct sql_type type)
{
	if (type.kind == K_MONEY) {
		put_le(out, (uint64_t)i >> 32, 4);
		put_le(out, (uint64_t)i, 4);
	} else if (type_is_date(type)) {
		date_to_wire(out, i, type);
	} else {
		put_le(out, (uint64_t)i, type.length ? type.length : 4);
	}
}

static void put_blob(struct bytes *out, struct value value, struct sql_type type)
{
	char guid[16];

	if (type.kind == K_GUID) {
		guid_from_storage(guid, value.data);
		bytes_add(out, guid, 16);
	} else if (type.kind == K_DATETIMEOFFSET) {
		offset_to_wire(out, value, type);
	} else {
		put_decimal(out, value, type);
	}
}

void value_to_wire(struct value value, struct sql_type type, struct bytes *scratch, struct result_value *out)
{
	scratch->size = 0;
	bytes_reserve(scratch, 32);
	switch (value.storage) {
	case STORE_NULL:
		*out = (struct result_value){ NULL, 0 };
		return;
	case STORE_INT:
		if (kind_info(type.kind)->storage == STORE_REAL)
			put_real(scratch, (double)value.i, type.length);
		else
			put_integer(scratch, value.i, type);
		break;
	case STORE_REAL:
		put_real(scratch, value.r, type.length);
		break;
	case STORE_TEXT:
		if (type_is_unicode(type) || type.kind == K_XML)
			wtf8_to_utf16(scratch, value.data, value.size);
		else
			wtf8_to_page(scratch, collation_get(type.collation)->page, value.data, value.size);
		break;
	case STORE_BLOB:
		if (type.kind == K_GUID || type.kind == K_DATETIMEOFFSET || type.kind == K_DECIMAL || type.kind == K_NUMERIC) {
			put_blob(scratch, value, type);
			break;
		}
		*out = (struct result_value){ value.data ? value.data : "", value.size };
		return;
	}
	*out = (struct result_value){ scratch->data, scratch->size };
}

static struct value read_decimal(const struct result_value *in, struct bytes *scratch)
{
	const unsigned char *p = in->data;
	unsigned __int128 magnitude = 0;
	char keep[16];

	for (size_t i = in->size; i-- > 1;)
		magnitude = magnitude << 8 | p[i];
	value_decimal(p[0] ? (wide_int)magnitude : -(wide_int)magnitude, keep);
	bytes_add(scratch, keep, 16);
	return value_blob(scratch->data, 16);
}

static int64_t read_integer(const struct result_value *in, struct sql_type type)
{
	uint64_t number = get_le(in->data, in->size);

	switch (type.kind) {
	case K_BIT:
		return number != 0;
	case K_SMALLINT:
		return (int16_t)number;
	case K_INT:
	case K_SMALLMONEY:
		return (int32_t)number;
	case K_MONEY:
		return (int64_t)(number << 32 | number >> 32);
	default:
		return (int64_t)number;
	}
}

static int read_blob(const struct result_value *in, struct sql_type type, struct bytes *scratch, struct value *out)
{
	char guid[16];

	switch (type.kind) {
	case K_GUID:
		if (in->size != 16)
			return -EINVAL;
		guid_to_storage(guid, in->data);
		bytes_add(scratch, guid, 16);
		*out = value_blob(scratch->data, 16);
		return 0;
	case K_DECIMAL:
	case K_NUMERIC:
		if (in->size < 2 || in->size > 17)
			return -EINVAL;
		*out = read_decimal(in, scratch);
		return 0;
	case K_DATETIMEOFFSET:
		return offset_from_wire(in, type, scratch, out);
	default:
		*out = value_blob(in->data, in->size);
		return 0;
	}
}

static int read_real(const struct result_value *in, struct value *out)
{
	float narrow;
	double r;

	if (in->size == 4) {
		memcpy(&narrow, in->data, 4);
		r = (double)narrow;
	} else if (in->size == 8) {
		memcpy(&r, in->data, 8);
	} else {
		return -EINVAL;
	}
	*out = value_real(r);
	return 0;
}

int value_from_wire(const struct result_value *in, struct sql_type type, struct bytes *scratch, struct value *out)
{
	scratch->size = 0;
	bytes_reserve(scratch, 32);
	*out = value_null();
	if (!in->data)
		return 0;
	switch (kind_info(type.kind)->storage) {
	case STORE_INT:
		if (type_is_date(type))
			return date_from_wire(in, type, out);
		if (in->size > 8)
			return -EINVAL;
		*out = value_int(read_integer(in, type));
		return 0;
	case STORE_REAL:
		return read_real(in, out);
	case STORE_TEXT:
		if (type_is_unicode(type) || type.kind == K_XML)
			utf16_to_wtf8(scratch, in->data, in->size);
		else
			page_to_wtf8(scratch, collation_get(type.collation)->page, in->data, in->size);
		*out = value_text(scratch->data, scratch->size);
		return 0;
	case STORE_BLOB:
		return read_blob(in, type, scratch, out);
	default:
		return 0;
	}
}
