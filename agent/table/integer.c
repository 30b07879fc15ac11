/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/integer.h"

#include "agent/table/bytes.h"

#define MINUTES_A_DAY 1440
#define DATETIME_TICKS_A_DAY 25920000LL /* of 1/300 s */
#define TIME_TICKS_A_DAY 864000000000LL /* of 100 ns */
#define DAYS_MAX 3652058                /* 9999-12-31 */

/* How the bytes of a type make an integer. */
enum shape {
	SHAPE_NONE,
	SHAPE_UNSIGNED,
	SHAPE_SIGNED,
	SHAPE_BIG_ENDIAN, /* unsigned */
	SHAPE_SIGN_AND_MAGNITUDE,
	SHAPE_DAYS_MINUTES, /* u16, u16 */
	SHAPE_DAYS_TICKS,   /* i32, u32 */
	SHAPE_TICKS_DAYS,   /* 5 bytes, 3 bytes */
};

static const uint8_t shapes[COLUMN_UDT + 1] = {
	[COLUMN_BIT] = SHAPE_UNSIGNED,
	[COLUMN_TINYINT] = SHAPE_UNSIGNED,
	[COLUMN_SMALLINT] = SHAPE_SIGNED,
	[COLUMN_INT] = SHAPE_SIGNED,
	[COLUMN_BIGINT] = SHAPE_SIGNED,
	[COLUMN_DECIMAL] = SHAPE_SIGN_AND_MAGNITUDE,
	[COLUMN_SMALLMONEY] = SHAPE_SIGNED,
	[COLUMN_MONEY] = SHAPE_SIGNED,
	[COLUMN_DATE] = SHAPE_UNSIGNED,
	[COLUMN_SMALLDATETIME] = SHAPE_DAYS_MINUTES,
	[COLUMN_DATETIME] = SHAPE_DAYS_TICKS,
	[COLUMN_TIME] = SHAPE_UNSIGNED,
	[COLUMN_DATETIME2] = SHAPE_TICKS_DAYS,
	[COLUMN_ROWVERSION] = SHAPE_BIG_ENDIAN,
};

bool integer_type(enum column_type type)
{
	return shapes[type] != SHAPE_NONE;
}

static bool from_decimal(const uint8_t *bytes, int64_t *integer)
{
	uint64_t low = get64(bytes + 1), high = get64(bytes + 9);
	bool positive = bytes[0] == 1;

	if (bytes[0] > 1 || high || low > INT64_MAX || (!positive && low == 0))
		return false;
	*integer = positive ? (int64_t)low : -(int64_t)low;
	return true;
}

static void to_decimal(int64_t integer, uint8_t *bytes)
{
	bytes[0] = integer >= 0;
	put64(bytes + 1, integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer);
	put64(bytes + 9, 0);
}

/* A day and a part of a day, each with its place and size, as one count of parts. */
static bool from_parts(int64_t day, uint64_t part, int64_t parts_a_day, int64_t *integer)
{
	*integer = day * parts_a_day + (int64_t)part;
	return part < (uint64_t)parts_a_day;
}

/* Division that rounds down, so that the part of the day is never negative. */
static int64_t split(int64_t integer, int64_t parts_a_day, uint64_t *part)
{
	int64_t day = integer / parts_a_day, rest = integer % parts_a_day;

	*part = (uint64_t)(rest < 0 ? rest + parts_a_day : rest);
	return rest < 0 ? day - 1 : day;
}

bool integer_from_value(enum column_type type, const uint8_t *bytes, int64_t *integer)
{
	size_t size = column_type_size(type);
	uint64_t number;

	switch ((enum shape)shapes[type]) {
	case SHAPE_UNSIGNED:
		*integer = (int64_t)get_number(bytes, size);
		return true;
	case SHAPE_SIGNED:
		*integer = get_signed(bytes, size);
		return true;
	case SHAPE_BIG_ENDIAN:
		*integer = (int64_t)__builtin_bswap64(get64(bytes));
		return true;
	case SHAPE_SIGN_AND_MAGNITUDE:
		return from_decimal(bytes, integer);
	case SHAPE_DAYS_MINUTES:
		return from_parts((int64_t)get_number(bytes, 2), get_number(bytes + 2, 2), MINUTES_A_DAY, integer);
	case SHAPE_DAYS_TICKS:
		return from_parts(get_signed(bytes, 4), get_number(bytes + 4, 4), DATETIME_TICKS_A_DAY, integer);
	case SHAPE_TICKS_DAYS:
		number = get_number(bytes + 5, 3);
		return number <= DAYS_MAX && from_parts((int64_t)number, get_number(bytes, 5), TIME_TICKS_A_DAY, integer);
	case SHAPE_NONE:
		break;
	}
	return false;
}

bool integer_to_value(enum column_type type, int64_t integer, uint8_t *bytes)
{
	size_t size = column_type_size(type);
	uint64_t part;
	int64_t day, again;

	switch ((enum shape)shapes[type]) {
	case SHAPE_UNSIGNED:
	case SHAPE_SIGNED:
		put_number(bytes, (uint64_t)integer, size);
		break;
	case SHAPE_BIG_ENDIAN:
		put64(bytes, __builtin_bswap64((uint64_t)integer));
		return true;
	case SHAPE_SIGN_AND_MAGNITUDE:
		to_decimal(integer, bytes);
		break;
	case SHAPE_DAYS_MINUTES:
		day = split(integer, MINUTES_A_DAY, &part);
		put_number(bytes, (uint64_t)day, 2);
		put_number(bytes + 2, part, 2);
		break;
	case SHAPE_DAYS_TICKS:
		day = split(integer, DATETIME_TICKS_A_DAY, &part);
		put_number(bytes, (uint64_t)day, 4);
		put_number(bytes + 4, part, 4);
		break;
	case SHAPE_TICKS_DAYS:
		day = split(integer, TIME_TICKS_A_DAY, &part);
		put_number(bytes, part, 5);
		put_number(bytes + 5, (uint64_t)day, 3);
		break;
	case SHAPE_NONE:
		return false;
	}
	return integer_from_value(type, bytes, &again) && again == integer;
}
