/* SPDX-License-Identifier: Apache-2.0 */
/* Dates and times as text. */
#include "tests/sqlserver/sql_date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const months[12] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov",
	"Dec" };

struct reader {
	const char *p, *end;
};

static void skip_spaces(struct reader *r)
{
	while (r->p < r->end && *r->p == ' ')
		r->p++;
}

static bool take(struct reader *r, char c)
{
	if (r->p >= r->end || *r->p != c)
		return false;
	r->p++;
	return true;
}

/* Digits, at least one; returns how many. */
static int number(struct reader *r, int most, int *out)
{
	int digits = 0;

	*out = 0;
	while (digits < most && r->p < r->end && *r->p >= '0' && *r->p <= '9') {
		*out = *out * 10 + (*r->p++ - '0');
		digits++;
	}
	return digits;
}

static int month_name(struct reader *r)
{
	for (int i = 0; i < 12; i++) {
		if (r->end - r->p < 3 || strncasecmp(r->p, months[i], 3))
			continue;
		while (r->p < r->end && ((*r->p | 32) >= 'a' && (*r->p | 32) <= 'z'))
			r->p++;
		return i + 1;
	}
	return 0;
}

static int full_year(int year, int digits)
{
	return digits > 2 ? year : year < 50 ? 2000 + year : 1900 + year;
}

static bool set_date(struct moment *m, int year, int month, int day)
{
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return false;
	m->days = civil_to_days(year, month, day);
	return true;
}

/* "Jun 4 2008", "4 Jun 2008" */
static bool named_month(struct reader *r, struct moment *m)
{
	int day = 0, year, digits;
	int month = month_name(r);

	skip_spaces(r);
	if (!month && number(r, 2, &day)) {
		skip_spaces(r);
		take(r, '-');
		month = month_name(r);
		take(r, '-');
	} else {
		number(r, 2, &day);
		take(r, ',');
	}
	skip_spaces(r);
	digits = number(r, 4, &year);
	return month && digits && set_date(m, full_year(year, digits), month, day);
}

static bool numeric_date(struct reader *r, const char *order, struct moment *m)
{
	const char *start = r->p;
	int first, second, third, digits = number(r, 8, &first);

	if (digits == 8)
		return set_date(m, first / 10000, first / 100 % 100, first % 100);
	if (digits == 6)
		return set_date(m, full_year(first / 10000, 2), first / 100 % 100, first % 100);
	char separator = r->p < r->end ? *r->p : '\0';

	if (!digits || !strchr("-/.", separator) || !separator) {
		r->p = start;
		return named_month(r, m);
	}
	r->p++;
	if (!number(r, 2, &second)) {
		r->p = start;
		return named_month(r, m);
	}
	if (!take(r, separator))
		return false;
	int last = number(r, 4, &third);

	if (digits == 4)
		return last && set_date(m, first, second, third);
	if (!last)
		return false;
	return !strcasecmp(order, "dmy") ? set_date(m, full_year(third, last), second, first)
		: !strcasecmp(order, "ymd")  ? set_date(m, full_year(first, digits), second, third)
									 : set_date(m, full_year(third, last), first, second);
}

static bool read_fraction(struct reader *r, int64_t *ticks)
{
	int64_t unit = 1000000;
	int digits = 0;

	for (; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++, digits++, unit /= 10)
		*ticks += (*r->p - '0') * unit;
	return digits > 0;
}

static bool read_offset(struct reader *r, int *offset)
{
	int hours, minutes = 0;

	skip_spaces(r);
	if (take(r, 'Z') || r->p >= r->end || (*r->p != '+' && *r->p != '-'))
		return true;
	int sign = *r->p++ == '-' ? -1 : 1;

	if (!number(r, 2, &hours))
		return false;
	if (take(r, ':') && !number(r, 2, &minutes))
		return false;
	*offset = sign * (hours * 60 + minutes);
	return hours <= 14 && minutes < 60;
}

static bool read_time(struct reader *r, struct moment *m)
{
	int hour, minute = 0, second = 0;

	if (!number(r, 2, &hour))
		return false;
	if (take(r, ':')) {
		if (!number(r, 2, &minute))
			return false;
		if (take(r, ':') && !number(r, 2, &second))
			return false;
		if (r->p < r->end && (*r->p == '.' || *r->p == ':') && (r->p++, !read_fraction(r, &m->ticks)))
			return false;
	}
	skip_spaces(r);
	if (r->end - r->p >= 2 && (r->p[1] | 32) == 'm' && ((r->p[0] | 32) == 'p' || (r->p[0] | 32) == 'a')) {
		hour = hour % 12 + ((r->p[0] | 32) == 'p' ? 12 : 0);
		r->p += 2;
	}
	if (hour > 23 || minute > 59 || second > 59)
		return false;
	m->ticks += (hour * 3600LL + minute * 60 + second) * 10000000;
	return read_offset(r, &m->offset);
}

static bool time_first(const struct reader *r)
{
	const char *p = r->p;

	while (p < r->end && *p >= '0' && *p <= '9')
		p++;
	return p > r->p && p < r->end && *p == ':';
}

bool moment_parse(const char *text, size_t size, const char *order_of_parts, struct moment *out)
{
	struct reader r = { text, text + size };

	*out = (struct moment){ DAYS_TO_1900, 0, 0 };
	skip_spaces(&r);
	if (r.p == r.end)
		return true;
	if (!time_first(&r)) {
		if (!numeric_date(&r, order_of_parts, out))
			return false;
		if (!take(&r, 'T'))
			skip_spaces(&r);
	}
	if (r.p < r.end && !read_time(&r, out))
		return false;
	skip_spaces(&r);
	return r.p == r.end;
}

static void format_clock(struct moment m, unsigned scale, char out[40])
{
	int64_t seconds = m.ticks / 10000000;
	char fraction[16];

	snprintf(fraction, sizeof(fraction), ".%07u", (unsigned)((uint64_t)m.ticks % 10000000));
	snprintf(out, 40, "%02d:%02d:%02d%.*s", (int)(seconds / 3600) % 24, (int)(seconds / 60 % 60), (int)(seconds % 60),
		scale ? (int)scale + 1 : 0, fraction);
}

/* "Jun  4 2008  8:15PM" */
static void format_default(struct moment m, int year, int month, int day, char out[64])
{
	int minutes = (int)(m.ticks / 600000000), hour = minutes / 60 % 12;

	snprintf(out, 64, "%s %2d %4d %2d:%02d%s", months[month - 1], day, year, hour ? hour : 12, minutes % 60,
		minutes >= 720 ? "PM" : "AM");
}

static void format_sortable(struct moment m, struct sql_type type, const char *date, char separator, char out[64])
{
	char clock[40];
	bool old = type.kind == K_DATETIME || type.kind == K_SMALLDATETIME;
	unsigned scale = old ? (type.kind == K_DATETIME ? 3 : 0) : type.scale;

	format_clock(m, scale, clock);
	if (type.kind == K_DATE)
		snprintf(out, 64, "%s", date);
	else if (type.kind == K_TIME)
		snprintf(out, 64, "%s", clock);
	else
		snprintf(out, 64, "%s%c%s", date, separator, clock);
	if (type.kind == K_DATETIMEOFFSET)
		snprintf(out + strlen(out), 64 - strlen(out), " %c%02d:%02d", m.offset < 0 ? '-' : '+', abs(m.offset) / 60,
			abs(m.offset) % 60);
}

void moment_format(struct moment m, struct sql_type type, int style, char out[64])
{
	int year, month, day;
	char date[16], clock[40];

	days_to_civil(m.days, &year, &month, &day);
	snprintf(date, sizeof(date), "%04d-%02d-%02d", year, month, day);
	format_clock(m, 0, clock);
	switch (style) {
	case 101:
		snprintf(out, 64, "%02d/%02d/%04d", month, day, year);
		return;
	case 102:
		snprintf(out, 64, "%04d.%02d.%02d", year, month, day);
		return;
	case 103:
		snprintf(out, 64, "%02d/%02d/%04d", day, month, year);
		return;
	case 104:
		snprintf(out, 64, "%02d.%02d.%04d", day, month, year);
		return;
	case 108:
		snprintf(out, 64, "%s", clock);
		return;
	case 111:
		snprintf(out, 64, "%04d/%02d/%02d", year, month, day);
		return;
	case 112:
		snprintf(out, 64, "%04d%02d%02d", year, month, day);
		return;
	case 23:
		snprintf(out, 64, "%s", date);
		return;
	case 20:
	case 120:
		type.kind = type.kind == K_DATETIME ? K_SMALLDATETIME : type.kind;
		format_sortable(m, type, date, ' ', out);
		if (type.kind == K_SMALLDATETIME)
			snprintf(out, 64, "%s %s", date, clock);
		return;
	case 126:
	case 127:
		format_sortable(m, type, date, 'T', out);
		return;
	case 0:
	case 100:
		if (type.kind == K_DATETIME || type.kind == K_SMALLDATETIME) {
			format_default(m, year, month, day, out);
			return;
		}
		/* fall through */
	default:
		format_sortable(m, type, date, ' ', out);
	}
}
