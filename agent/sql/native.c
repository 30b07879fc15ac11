/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/native.h"

#include <errno.h>
#include <string.h>

#define DAYS_0001_TO_1900 693595
#define DAYS_MAX 3652058            /* 9999-12-31 since 0001-01-01 */
#define TICKS_A_DAY 864000000000ull /* of 100 ns */
#define DECIMAL_MAGNITUDE 16
#define DECIMAL_DIGITS_MAX 38
#define OFFSET_MAX (14 * 60)

static void put_little_endian(uint8_t *bytes, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(value >> (8 * i));
}

static int borrow(const void *data, size_t size, size_t wanted, struct value *value)
{
	*value = (struct value){ data, size };
	return size == wanted ? 0 : -EPROTO;
}

/* DBMONEY: the high half first, each half in the machine's order. */
static int money(const void *data, size_t size, uint8_t *scratch, struct value *value)
{
	int32_t high;
	uint32_t low;

	if (size != 8)
		return -EPROTO;
	memcpy(&high, data, sizeof(high));
	memcpy(&low, (const uint8_t *)data + 4, sizeof(low));
	put_little_endian(scratch, (uint64_t)(uint32_t)high << 32 | low, 8);
	*value = (struct value){ scratch, 8 };
	return 0;
}

/* Bytes that hold so many decimal digits: 8 bits against log2(10). */
static size_t magnitude_size(unsigned digits)
{
	return (digits * 33220 + 79999) / 80000;
}

/* DBNUMERIC: precision, scale, sign (1 = negative), magnitude big-endian in as many bytes as the precision needs. */
static int decimal(const void *data, size_t size, uint8_t *scratch, struct value *value)
{
	const uint8_t *bytes = data;

	if (size < 3 || !bytes[0] || bytes[0] > DECIMAL_DIGITS_MAX)
		return -EPROTO;

	size_t magnitude = magnitude_size(bytes[0]);

	if (size < 3 + magnitude)
		return -EPROTO;
	memset(scratch, 0, 1 + DECIMAL_MAGNITUDE);
	scratch[0] = !bytes[2];
	for (size_t i = 0; i < magnitude; i++)
		scratch[1 + i] = bytes[3 + magnitude - 1 - i];
	*value = (struct value){ scratch, 1 + DECIMAL_MAGNITUDE };
	return 0;
}

/* DBDATETIMEALL, as far as it is read here: the bit fields behind it say what the type says already. */
struct datetime_all {
	uint64_t ticks; /* of 100 ns since midnight */
	int32_t days;   /* since 1900-01-01 */
	int16_t offset; /* minutes */
};

static int date_and_time(int type, const void *data, size_t size, uint8_t *scratch, struct value *value)
{
	struct datetime_all all;
	size_t used = 0;

	if (size < 14)
		return -EPROTO;
	memcpy(&all.ticks, data, 8);
	memcpy(&all.days, (const uint8_t *)data + 8, 4);
	memcpy(&all.offset, (const uint8_t *)data + 12, 2);

	int64_t days = (int64_t)all.days + DAYS_0001_TO_1900;

	if (type != NATIVE_DATE) {
		if (all.ticks >= TICKS_A_DAY)
			return -EPROTO;
		put_little_endian(scratch, all.ticks, 5);
		used = 5;
	}
	if (type != NATIVE_TIME) {
		if (days < 0 || days > DAYS_MAX)
			return -EPROTO;
		put_little_endian(scratch + used, (uint64_t)days, 3);
		used += 3;
	}
	if (type == NATIVE_DATETIMEOFFSET) {
		if (all.offset < -OFFSET_MAX || all.offset > OFFSET_MAX)
			return -EPROTO;
		put_little_endian(scratch + used, (uint16_t)all.offset, 2);
		used += 2;
	}
	*value = (struct value){ scratch, used };
	return 0;
}

/* The size of the types that are as they should be already, on a little-endian machine; 0: of any size. */
/* clang-format off */
static int plain_size(int type)
{
	switch (type) {
	case NATIVE_BIT: case NATIVE_TINYINT:
		return 1;
	case NATIVE_SMALLINT:
		return 2;
	case NATIVE_INT: case NATIVE_REAL: case NATIVE_SMALLMONEY: case NATIVE_SMALLDATETIME:
		return 4;
	case NATIVE_BIGINT: case NATIVE_FLOAT: case NATIVE_DATETIME:
		return 8;
	case NATIVE_GUID:
		return 16;
	case NATIVE_IMAGE: case NATIVE_TEXT: case NATIVE_VARBINARY: case NATIVE_VARCHAR: case NATIVE_BINARY: case NATIVE_CHAR:
		return 0;
	default:
		return -1;
	}
}
/* clang-format on */

bool native_type_is_known(int type)
{
	return plain_size(type) >= 0 || type == NATIVE_MONEY || type == NATIVE_DECIMAL || type == NATIVE_NUMERIC ||
		(type >= NATIVE_DATE && type <= NATIVE_DATETIMEOFFSET);
}

int native_to_value(int type, const void *data, size_t size, uint8_t scratch[NATIVE_SCRATCH], struct value *value)
{
	int plain = plain_size(type);

	if (plain >= 0)
		return borrow(data, size, plain ? (size_t)plain : size, value);
	switch (type) {
	case NATIVE_MONEY:
		return money(data, size, scratch, value);
	case NATIVE_DECIMAL:
	case NATIVE_NUMERIC:
		return decimal(data, size, scratch, value);
	case NATIVE_DATE:
	case NATIVE_TIME:
	case NATIVE_DATETIME2:
	case NATIVE_DATETIMEOFFSET:
		return date_and_time(type, data, size, scratch, value);
	default:
		return -EPROTO;
	}
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "db-lib's integers are handed on as they are");
