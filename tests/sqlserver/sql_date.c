/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_date.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define DATETIME_DAY 25920000LL /* 1/300 s */

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* The usual trick: years that begin in March put the leap day last. */
int64_t civil_to_days(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = floor_div(y, 400), of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 306;
}

void days_to_civil(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 306, era = floor_div(z, 146097), of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;

	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

int days_in_month(int year, int month)
{
	return (int)(civil_to_days(month == 12 ? year + 1 : year, month == 12 ? 1 : month + 1, 1) -
		civil_to_days(year, month, 1));
}

static uint64_t get_be(const char *data, size_t size)
{
	uint64_t number = 0;

	for (size_t i = 0; i < size; i++)
		number = number << 8 | (unsigned char)data[i];
	return number;
}

static struct moment from_ticks(int64_t ticks, int offset)
{
	ticks += offset * 600000000LL;
	return (struct moment){ floor_div(ticks, TICKS_PER_DAY), ticks - floor_div(ticks, TICKS_PER_DAY) * TICKS_PER_DAY,
		offset };
}

struct moment moment_of(struct value value, struct sql_type type)
{
	int64_t i = value.i;

	switch (type.kind) {
	case K_DATE:
		return (struct moment){ i, 0, 0 };
	case K_TIME:
		return (struct moment){ DAYS_TO_1900, i, 0 };
	case K_SMALLDATETIME:
		return (struct moment){ DAYS_TO_1900 + i / 1440, i % 1440 * 600000000LL, 0 };
	case K_DATETIME: {
		int64_t days = floor_div(i, DATETIME_DAY), part = i - days * DATETIME_DAY;

		return (struct moment){ DAYS_TO_1900 + days, (part * 100000 + 1) / 3, 0 };
	}
	case K_DATETIMEOFFSET:
		return from_ticks((int64_t)get_be(value.data, 8), (int)get_be(value.data + 8, 2) - 32768);
	default:
		return from_ticks(i, 0);
	}
}

static int64_t round_to(int64_t ticks, unsigned scale)
{
	static const int64_t units[8] = { 10000000, 1000000, 100000, 10000, 1000, 100, 10, 1 };

	return (ticks + units[scale] / 2) / units[scale] * units[scale];
}

static void put_offset(struct bytes *scratch, int64_t utc, int offset, struct value *out)
{
	char blob[10];

	for (int k = 0; k < 8; k++)
		blob[k] = (char)(utc >> (56 - 8 * k));
	blob[8] = (char)((offset + 32768) >> 8);
	blob[9] = (char)(offset + 32768);
	scratch->size = 0;
	bytes_add(scratch, blob, 10);
	*out = value_blob(scratch->data, 10);
}

int moment_value(struct moment m, struct sql_type type, struct bytes *scratch, struct value *out)
{
	int64_t total = m.days * TICKS_PER_DAY + m.ticks;

	if (m.days < 0 || m.days > 3652058)
		return 517;
	switch (type.kind) {
	case K_DATE:
		*out = value_int(m.days);
		return 0;
	case K_TIME:
		*out = value_int(round_to(m.ticks, type.scale) % TICKS_PER_DAY);
		return 0;
	case K_SMALLDATETIME:
		total = (m.days - DAYS_TO_1900) * 1440 + (m.ticks + 300000000) / 600000000;
		*out = value_int(total);
		return total < 0 || total > 65535LL * 1440 + 1439 ? 242 : 0;
	case K_DATETIME:
		*out = value_int((m.days - DAYS_TO_1900) * DATETIME_DAY + (m.ticks * 3 + 50000) / 100000);
		return m.days < 639905 ? 242 : 0; /* 1753-01-01 */
	case K_DATETIMEOFFSET:
		put_offset(scratch, round_to(total - m.offset * 600000000LL, type.scale), m.offset, out);
		return 0;
	default:
		*out = value_int(round_to(total, type.scale));
		return 0;
	}
}

struct moment moment_now(bool utc)
{
	struct timespec now;
	struct tm local;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &local);
	int64_t seconds = now.tv_sec + (utc ? 0 : local.tm_gmtoff);
	int64_t days = floor_div(seconds, 86400);

	return (struct moment){ 719162 + days, (seconds - days * 86400) * 10000000 + now.tv_nsec / 100,
		utc ? 0 : (int)(local.tm_gmtoff / 60) };
}

static void put(struct bytes *out, uint64_t number, unsigned size)
{
	char bytes[8];

	for (unsigned i = 0; i < size; i++)
		bytes[i] = (char)(number >> 8 * i);
	bytes_add(out, bytes, size);
}

static uint64_t get(const char *p, size_t size)
{
	uint64_t number = 0;

	for (size_t i = size; i-- > 0;)
		number = number << 8 | (unsigned char)p[i];
	return number;
}

static unsigned time_size(unsigned scale)
{
	return scale <= 2 ? 3 : scale <= 4 ? 4 : 5;
}

static int64_t unit(unsigned scale)
{
	int64_t u = 1;

	for (; scale < 7; scale++)
		u *= 10;
	return u;
}

void date_to_wire(struct bytes *out, int64_t value, struct sql_type type)
{
	switch (type.kind) {
	case K_DATE:
		put(out, (uint64_t)value, 3);
		break;
	case K_TIME:
		put(out, (uint64_t)(value / unit(type.scale)), time_size(type.scale));
		break;
	case K_SMALLDATETIME:
		put(out, (uint64_t)(value / 1440), 2);
		put(out, (uint64_t)(value % 1440), 2);
		break;
	case K_DATETIME: {
		int64_t days = floor_div(value, DATETIME_DAY);

		put(out, (uint64_t)days, 4);
		put(out, (uint64_t)(value - days * DATETIME_DAY), 4);
		break;
	}
	default:
		put(out, (uint64_t)(value % TICKS_PER_DAY / unit(type.scale)), time_size(type.scale));
		put(out, (uint64_t)(value / TICKS_PER_DAY), 3);
	}
}

int date_from_wire(const struct result_value *in, struct sql_type type, struct value *out)
{
	const char *p = in->data;
	unsigned bytes = time_size(type.scale);
	static const uint8_t fixed[K_COUNT] = { [K_DATE] = 3, [K_SMALLDATETIME] = 4, [K_DATETIME] = 8 };

	if (in->size != (fixed[type.kind] ? fixed[type.kind] : bytes + (type.kind == K_TIME ? 0u : 3u)))
		return -EINVAL;
	switch (type.kind) {
	case K_DATE:
		*out = value_int((int64_t)get(p, 3));
		return 0;
	case K_TIME:
		*out = value_int((int64_t)get(p, bytes) * unit(type.scale));
		return out->i < TICKS_PER_DAY ? 0 : -EINVAL;
	case K_SMALLDATETIME:
		*out = value_int((int64_t)get(p, 2) * 1440 + (int64_t)get(p + 2, 2));
		return 0;
	case K_DATETIME:
		*out = value_int((int64_t)(int32_t)get(p, 4) * DATETIME_DAY + (int64_t)get(p + 4, 4));
		return 0;
	default:
		*out = value_int((int64_t)get(p, bytes) * unit(type.scale) + (int64_t)get(p + bytes, 3) * TICKS_PER_DAY);
		return 0;
	}
}

void offset_to_wire(struct bytes *out, struct value value, struct sql_type type)
{
	struct sql_type utc = type;

	utc.kind = K_DATETIME2;
	date_to_wire(out, (int64_t)get_be(value.data, 8), utc);
	put(out, get_be(value.data + 8, 2) - 32768, 2);
}

int offset_from_wire(const struct result_value *in, struct sql_type type, struct bytes *scratch, struct value *out)
{
	if (in->size != time_size(type.scale) + 5)
		return -EINVAL;
	struct result_value utc = { in->data, in->size - 2 };
	struct value instant;
	int offset = (int16_t)get((const char *)in->data + utc.size, 2);

	type.kind = K_DATETIME2;
	if (date_from_wire(&utc, type, &instant))
		return -EINVAL;
	put_offset(scratch, instant.i, offset, out);
	return 0;
}
