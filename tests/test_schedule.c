/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "agent/job/schedule.h"

enum { DAY = 86400 };

static void zone(const char *name)
{
	setenv("TZ", name, 1);
	tzset();
}

/* A local time as one number: days since 1970 in that zone, and minutes. */
static int64_t wall_minute(int64_t instant)
{
	time_t when = (time_t)instant;
	struct tm local;
	localtime_r(&when, &local);
	return (instant + local.tm_gmtoff) / 60;
}

static bool wanted_day(uint8_t days, int64_t wall)
{
	return days >> ((wall / 1440 + 3) % 7) & 1;
}

/*
 * The reference: look at every minute. The highest local time seen so far passes each wanted local time once, whether
 * the clock steps onto it, jumps over it, or comes by again.
 */
struct reference {
	int64_t highest;
};

static bool reference_due(struct reference *reference, const struct schedule_time *time, int64_t instant)
{
	int64_t wall = wall_minute(instant);
	bool due = false;
	for (int64_t passed = reference->highest + 1; passed <= wall; passed++)
		if (wanted_day(time->days, passed) && passed % 1440 == time->hour * 60 + time->minute)
			due = true;
	if (wall > reference->highest)
		reference->highest = wall;
	return due;
}

static int64_t compare_years(const char *name, const struct schedule_time *time, int64_t from, int64_t years)
{
	zone(name);
	struct reference reference = { wall_minute(from) };
	int64_t due = schedule_next(time, 1, from), runs = 0;
	for (int64_t instant = from + 60; instant < from + years * 366 * DAY; instant += 60) {
		if (!reference_due(&reference, time, instant)) {
			if (due == instant)
				fail_msg("%s %02d:%02d: due at %lld, not expected", name, time->hour, time->minute, (long long)instant);
			continue;
		}
		if (due != instant)
			fail_msg("%s %02d:%02d: due %lld, expected %lld", name, time->hour, time->minute, (long long)due,
				(long long)instant);
		runs++;
		due = schedule_next(time, 1, instant);
	}
	return runs;
}

static void every_minute_of_years_agrees_with_a_naive_reference(void **state)
{
	(void)state;
	static const struct schedule_time times[] = { { 0x7f, 2, 30 }, { 0x7f, 2, 0 }, { 0x7f, 3, 0 }, { 0x7f, 1, 59 },
		{ 0x7f, 0, 0 }, { 0x40, 2, 59 } };
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_true(compare_years("CET-1CEST,M3.5.0,M10.5.0/3", &times[i], 1704067200, 1) > 50);
	struct schedule_time night = { 0x1f, 22, 30 };
	assert_int_equal(compare_years("CET-1CEST,M3.5.0,M10.5.0/3", &night, 1704067200, 1), 262);
	struct schedule_time half = { 0x7f, 2, 15 };
	compare_years("LHST-10:30LHDT-11,M10.1.0,M4.1.0", &half, 1704067200, 1);
	compare_years("AST4ADT,M3.2.0/0,M11.1.0/0", &(struct schedule_time){ 0x7f, 0, 10 }, 1704067200, 1);
	compare_years("UTC0", &night, 1704067200, 1);
}

static void named_zones_with_their_history_agree_too(void **state)
{
	(void)state;
	if (access("/usr/share/zoneinfo/Europe/Paris", R_OK) != 0)
		skip();
	struct schedule_time time = { 0x7f, 2, 30 };
	compare_years("Europe/Paris", &time, 1262304000, 1);
	compare_years("America/Sao_Paulo", &(struct schedule_time){ 0x7f, 0, 0 }, 1514764800, 1);
	compare_years("Asia/Kathmandu", &time, 1704067200, 1);
	/* Samoa had no 30 December 2011: what was due that Friday is due when Saturday begins. */
	compare_years("Pacific/Apia", &(struct schedule_time){ 0x10, 12, 0 }, 1322697600, 1);
}

static void a_time_that_does_not_exist_runs_at_the_next_minute_that_does(void **state)
{
	(void)state;
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	struct schedule_time time = { 0x7f, 2, 30 };
	assert_int_equal(schedule_next(&time, 1, 1711832400), 1711846800); /* 31 March 2024, 03:00 CEST */
}

static void a_time_that_exists_twice_runs_once(void **state)
{
	(void)state;
	zone("CET-1CEST,M3.5.0,M10.5.0/3");
	struct schedule_time time = { 0x7f, 2, 30 };
	int64_t first = schedule_next(&time, 1, 1729980000);
	assert_int_equal(first, 1729989000); /* 27 October 2024, 02:30 CEST, not CET */
	assert_int_equal(schedule_next(&time, 1, first), first + 25 * 3600);
}

static void the_earliest_of_several_times_is_next(void **state)
{
	(void)state;
	zone("UTC0");
	struct schedule_time times[] = { { 0x01, 6, 0 }, { 0x02, 5, 0 }, { 0x40, 23, 59 } };
	assert_int_equal(schedule_next(times, 3, 1704067200), 1704088800); /* Monday 1 January 2024, 06:00 */
	assert_int_equal(schedule_next(times, 3, 1704088800), 1704171600); /* Tuesday 05:00 */
	assert_int_equal(schedule_next(times, 0, 1704067200), INT64_MAX);
}

static void a_run_missed_while_off_is_made_up_for_after_a_day(void **state)
{
	(void)state;
	zone("UTC0");
	struct schedule_time time = { 0x7f, 22, 30 };
	int64_t last = 1704148200; /* 1 January 2024, 22:30 */
	assert_false(schedule_missed(&time, 1, last, last + DAY));
	assert_true(schedule_missed(&time, 1, last, last + DAY + 60));
	struct schedule_time weekly = { 0x01, 22, 30 };
	assert_false(schedule_missed(&weekly, 1, last, last + 3 * DAY));
	assert_false(schedule_missed(&time, 0, last, last + 3 * DAY));
}

static void each_time_comes_once_however_often_one_looks(void **state)
{
	(void)state;
	zone("UTC0");
	struct schedule_time time = { 0x7f, 22, 30 };
	struct schedule schedule;
	schedule_start(&schedule, &time, 1, 1704148190);
	assert_false(schedule_look(&schedule, 1704148199));
	assert_true(schedule_look(&schedule, 1704148200));
	assert_false(schedule_look(&schedule, 1704148201));
	assert_false(schedule_look(&schedule, 1704148200 + DAY - 1));
	assert_true(schedule_look(&schedule, 1704148200 + DAY + 30));
}

static void a_clock_that_jumps_forward_runs_once_and_one_put_back_not_at_all(void **state)
{
	(void)state;
	zone("UTC0");
	struct schedule_time time = { 0x7f, 22, 30 };
	struct schedule schedule;
	schedule_start(&schedule, &time, 1, 100);
	assert_true(schedule_look(&schedule, 1704148260)); /* from 1970 to 2024 when the network came */
	assert_false(schedule_look(&schedule, 1704148261));
	assert_false(schedule_look(&schedule, 1704148260 - 3 * DAY));
	assert_true(schedule_look(&schedule, 1704148200 - 2 * DAY));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_minute_of_years_agrees_with_a_naive_reference),
		cmocka_unit_test(named_zones_with_their_history_agree_too),
		cmocka_unit_test(a_time_that_does_not_exist_runs_at_the_next_minute_that_does),
		cmocka_unit_test(a_time_that_exists_twice_runs_once),
		cmocka_unit_test(the_earliest_of_several_times_is_next),
		cmocka_unit_test(a_run_missed_while_off_is_made_up_for_after_a_day),
		cmocka_unit_test(each_time_comes_once_however_often_one_looks),
		cmocka_unit_test(a_clock_that_jumps_forward_runs_once_and_one_put_back_not_at_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
