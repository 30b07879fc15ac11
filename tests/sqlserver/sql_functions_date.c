/* SPDX-License-Identifier: Apache-2.0 */
/* Date functions. A date argument is followed by its packed type. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static struct moment moment_argument(sqlite3_value **v)
{
	return moment_of(value_of_argument(v[0]), type_unpack(sqlite3_value_int64(v[1])));
}

static void give(sqlite3_context *context, struct moment m, struct sql_type type)
{
	struct bytes scratch = { 0 };
	struct value out;
	int error = moment_value(m, type, &scratch, &out);

	if (error) {
		session_raise(function_session(context), error == 242 ? 517 : error, kind_info(type.kind)->name);
		function_fail(context);
	} else {
		value_result(context, out);
	}
	bytes_free(&scratch);
}

static void now(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	(void)v;
	give(context, moment_now(false), type_simple(K_DATETIME));
}

static void utc_now(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	(void)v;
	give(context, moment_now(true), type_simple(K_DATETIME));
}

static void exact_now(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	(void)v;
	give(context, moment_now(false), type_make(K_DATETIME2, 7, 0, 0));
}

static void exact_utc(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	(void)v;
	give(context, moment_now(true), type_make(K_DATETIME2, 7, 0, 0));
}

static void offset_now(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	(void)v;
	give(context, moment_now(false), type_make(K_DATETIMEOFFSET, 7, 0, 0));
}

static int64_t part(struct moment m, const char *name)
{
	int year, month, day;
	int64_t seconds = m.ticks / 10000000;

	days_to_civil(m.days, &year, &month, &day);
	if (!strcmp(name, "year"))
		return year;
	if (!strcmp(name, "quarter"))
		return (month + 2) / 3;
	if (!strcmp(name, "month"))
		return month;
	if (!strcmp(name, "dayofyear"))
		return m.days - civil_to_days(year, 1, 1) + 1;
	if (!strcmp(name, "day"))
		return day;
	if (!strcmp(name, "week"))
		return (m.days - civil_to_days(year, 1, 1) + (civil_to_days(year, 1, 1) + 1) % 7) / 7 + 1;
	if (!strcmp(name, "weekday"))
		return (m.days + 1) % 7 + 1;
	if (!strcmp(name, "hour"))
		return seconds / 3600;
	if (!strcmp(name, "minute"))
		return seconds / 60 % 60;
	if (!strcmp(name, "second"))
		return seconds % 60;
	if (!strcmp(name, "millisecond"))
		return m.ticks / 10000 % 1000;
	if (!strcmp(name, "microsecond"))
		return m.ticks / 10 % 1000000;
	return !strcmp(name, "nanosecond") ? m.ticks % 10000000 * 100 : m.offset;
}

static void datepart(sqlite3_context *context, int count, sqlite3_value **v)
{
	if (!any_null(count, v))
		sqlite3_result_int64(context, part(moment_argument(v + 1), text_argument(v[0])));
}

static void datename(sqlite3_context *context, int count, sqlite3_value **v)
{
	static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" };
	static const char *const names[] = { "January", "February", "March", "April", "May", "June", "July", "August",
		"September", "October", "November", "December" };
	const char *name = text_argument(v[0]);
	char number[24];

	if (any_null(count, v))
		return;
	int64_t n = part(moment_argument(v + 1), name);

	snprintf(number, sizeof(number), "%lld", (long long)n);
	sqlite3_result_text(context,
		!strcmp(name, "month")         ? names[n - 1]
			: !strcmp(name, "weekday") ? days[n - 1]
									   : number,
		-1, SQLITE_TRANSIENT);
}

static int64_t unit_ticks(const char *name)
{
	return !strcmp(name, "hour")       ? 36000000000LL
		: !strcmp(name, "minute")      ? 600000000LL
		: !strcmp(name, "second")      ? 10000000LL
		: !strcmp(name, "millisecond") ? 10000LL
		: !strcmp(name, "microsecond") ? 10LL
									   : 0;
}

static bool add_months(struct moment *m, int64_t months)
{
	int year, month, day;

	days_to_civil(m->days, &year, &month, &day);
	int64_t total = (int64_t)year * 12 + month - 1 + months;

	if (total < 12 || total > 9999 * 12 + 11)
		return false;
	year = (int)(total / 12);
	month = (int)(total % 12) + 1;
	m->days = civil_to_days(year, month, day > days_in_month(year, month) ? days_in_month(year, month) : day);
	return true;
}

static bool add_units(struct moment *m, const char *name, int64_t n)
{
	if (!strcmp(name, "year") || !strcmp(name, "quarter") || !strcmp(name, "month"))
		return n > -200000 && n < 200000 &&
			add_months(m,
				n *
					(!strcmp(name, "year")             ? 12
							: !strcmp(name, "quarter") ? 3
													   : 1));
	if (!strcmp(name, "day") || !strcmp(name, "dayofyear") || !strcmp(name, "weekday") || !strcmp(name, "week")) {
		m->days += n * (!strcmp(name, "week") ? 7 : 1);
		return true;
	}
	__int128 total = (__int128)m->days * TICKS_PER_DAY + m->ticks;

	total += !strcmp(name, "nanosecond") ? n / 100 : (__int128)n * unit_ticks(name);
	if (total < 0 || total > (__int128)3652059 * TICKS_PER_DAY)
		return false;
	m->days = (int64_t)(total / TICKS_PER_DAY);
	m->ticks = (int64_t)(total % TICKS_PER_DAY);
	return true;
}

/* dateadd(part, n, date, type) */
static void dateadd(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct sql_type type = type_unpack(sqlite3_value_int64(v[3]));

	if (any_null(count, v))
		return;
	struct moment m = moment_argument(v + 2);

	if (!add_units(&m, text_argument(v[0]), sqlite3_value_int64(v[1]))) {
		session_raise(function_session(context), 517, kind_info(type.kind)->name);
		function_fail(context);
		return;
	}
	give(context, m, type);
}

/* datediff(part, from, type, to, type): boundaries crossed */
static void datediff(sqlite3_context *context, int count, sqlite3_value **v)
{
	const char *name = text_argument(v[0]);

	if (any_null(count, v))
		return;
	struct moment a = moment_argument(v + 1), b = moment_argument(v + 3);
	int64_t months = (part(b, "year") - part(a, "year")) * 12 + part(b, "month") - part(a, "month"),
			unit = unit_ticks(name);
	__int128 ta = (__int128)a.days * TICKS_PER_DAY + a.ticks, tb = (__int128)b.days * TICKS_PER_DAY + b.ticks;
	int64_t result = !strcmp(name, "year") ? part(b, "year") - part(a, "year")
		: !strcmp(name, "quarter") ? (part(b, "year") - part(a, "year")) * 4 + part(b, "quarter") - part(a, "quarter")
		: !strcmp(name, "month")   ? months
		: !strcmp(name, "week")    ? (b.days + 1) / 7 - (a.days + 1) / 7
		: !strcmp(name, "nanosecond") ? (int64_t)((tb - ta) * 100)
		: unit                        ? (int64_t)(tb / unit - ta / unit)
									  : b.days - a.days;

	sqlite3_result_int64(context, result);
}

static void day(sqlite3_context *context, int count, sqlite3_value **v)
{
	if (!any_null(count, v))
		sqlite3_result_int64(context, part(moment_argument(v), "day"));
}

static void month(sqlite3_context *context, int count, sqlite3_value **v)
{
	if (!any_null(count, v))
		sqlite3_result_int64(context, part(moment_argument(v), "month"));
}

static void year(sqlite3_context *context, int count, sqlite3_value **v)
{
	if (!any_null(count, v))
		sqlite3_result_int64(context, part(moment_argument(v), "year"));
}

static void datefromparts(sqlite3_context *context, int count, sqlite3_value **v)
{
	int y = sqlite3_value_int(v[0]), m = sqlite3_value_int(v[1]), d = sqlite3_value_int(v[2]);

	if (any_null(count, v))
		return;
	if (y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > days_in_month(y, m)) {
		session_raise(function_session(context), 241);
		function_fail(context);
		return;
	}
	sqlite3_result_int64(context, civil_to_days(y, m, d));
}

static void newid(sqlite3_context *context, int count, sqlite3_value **v)
{
	char wire[16], storage[16];

	(void)count;
	(void)v;
	if (getrandom(wire, sizeof(wire), 0) != sizeof(wire))
		abort();
	wire[7] = (char)((wire[7] & 0x0f) | 0x40);
	wire[8] = (char)((wire[8] & 0x3f) | 0x80);
	guid_to_storage(storage, wire);
	sqlite3_result_blob(context, storage, 16, SQLITE_TRANSIENT);
}

int functions_register_dates(struct session *session)
{
	static const struct function_entry entries[] = { { "f_getdate", 0, now, 1 }, { "f_current_timestamp", 0, now, 1 },
		{ "f_getutcdate", 0, utc_now, 1 }, { "f_sysdatetime", 0, exact_now, 1 },
		{ "f_sysutcdatetime", 0, exact_utc, 1 }, { "f_sysdatetimeoffset", 0, offset_now, 1 },
		{ "datepart", 3, datepart, 0 }, { "datename", 3, datename, 0 }, { "dateadd", 4, dateadd, 0 },
		{ "datediff", 5, datediff, 0 }, { "f_day", 2, day, 0 }, { "f_month", 2, month, 0 }, { "f_year", 2, year, 0 },
		{ "f_datefromparts", 3, datefromparts, 0 }, { "f_newid", 0, newid, 1 }, { "f_newsequentialid", 0, newid, 1 } };

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries));
}
