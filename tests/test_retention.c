/* SPDX-License-Identifier: Apache-2.0 */
/* Which snapshots stay, by cases and against a reference that says the rules one by one, slowly. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/retention.h"

#define MAX 1200

static const struct retention_policy usual = { .keep_last = 3,
	.keep_daily = 14,
	.keep_weekly = 8,
	.keep_monthly = 12,
	.keep_within = 14,
	.keep_safety = 30,
	.safety_quota = 2 };
static const struct retention_policy nothing = { .keep_safety = 30, .safety_quota = 2 };

static struct snapshot_info list[MAX];
static enum retention_why why[MAX];
static size_t count;

static int set_up(void **state)
{
	(void)state;
	count = 0;
	return 0;
}

static size_t add_of(const char *subject, enum snapshot_class class, int64_t box_time, uint32_t flags)
{
	list[count] = (struct snapshot_info){
		.id = count + 1, .sequence = count + 1, .box_time = box_time, .class = class, .flags = flags
	};
	strcpy(list[count].subject, subject);
	return count++;
}

static size_t add(int64_t box_time, uint32_t flags)
{
	return add_of("s/d", SNAPSHOT_BACKUP, box_time, flags);
}

static void decide(const struct retention_policy *policy, int64_t box_time)
{
	assert_int_equal(retention_decide(list, count, policy, box_time, why), 0);
}

static size_t kept(void)
{
	size_t kept = 0;
	for (size_t i = 0; i < count; i++)
		kept += why[i] != RETENTION_GOES;
	return kept;
}

/* ---- cases ---- */

static void an_empty_list_is_decided(void **state)
{
	(void)state;
	decide(&usual, 0);
	assert_int_equal(kept(), 0);
}

static void the_newest_good_and_verified_ones_always_stay(void **state)
{
	(void)state;
	size_t verified = add(0, SNAPSHOT_VERIFIED), old = add(1, 0), good = add(2, 0);
	decide(&nothing, 1000 * BOX_DAY);
	assert_int_equal(why[verified], RETENTION_NEWEST);
	assert_int_equal(why[old], RETENTION_GOES);
	assert_int_equal(why[good], RETENTION_NEWEST);
}

static void nothing_goes_that_is_younger_than_keep_within(void **state)
{
	(void)state;
	struct retention_policy policy = nothing;
	policy.keep_within = 14;
	size_t just = add(100 * BOX_DAY, 0), young = add(100 * BOX_DAY + 1, 0);
	add(101 * BOX_DAY, SNAPSHOT_VERIFIED);
	decide(&policy, 114 * BOX_DAY);
	assert_int_equal(why[just], RETENTION_GOES);
	assert_int_equal(why[young], RETENTION_WITHIN);
}

static void a_thousand_verified_junk_snapshots_dated_1970_and_2099_remove_nothing_of_the_last_14_box_days(void **state)
{
	(void)state;
	for (int day = 0; day < 100; day++)
		add(day * BOX_DAY + 3600, SNAPSHOT_VERIFIED);
	size_t real = count;
	decide(&usual, 99 * BOX_DAY + 7200);
	enum retention_why before[MAX];
	memcpy(before, why, sizeof(before));
	for (int i = 0; i < 1000; i++) {
		size_t junk = add(99 * BOX_DAY + 7200 + i, SNAPSHOT_VERIFIED);
		list[junk].wall_time = i % 2 ? 0 : INT64_C(4070908800);
	}
	decide(&usual, 99 * BOX_DAY + 9000);
	for (size_t i = 0; i < count; i++)
		if (99 * BOX_DAY + 9000 - list[i].box_time < 14 * BOX_DAY)
			assert_int_not_equal(why[i], RETENTION_GOES);
	/* Nor did it push out anything older but, at most, the other backup of the same day. */
	for (size_t i = 0; i < real; i++)
		if (before[i] && !why[i])
			fail_msg("junk removed the backup of day %zu", i);
}

static void many_backups_on_one_day_count_as_one(void **state)
{
	(void)state;
	struct retention_policy policy = nothing;
	policy.keep_last = 3;
	size_t a = add(10 * BOX_DAY, 0), b = add(20 * BOX_DAY, 0);
	for (int i = 0; i < 50; i++)
		add(30 * BOX_DAY + i, 0);
	decide(&policy, 100 * BOX_DAY);
	assert_int_equal(why[a], RETENTION_LAST);
	assert_int_equal(why[b], RETENTION_LAST);
	assert_int_equal(kept(), 3);
}

static void days_weeks_and_months_keep_one_each(void **state)
{
	(void)state;
	struct retention_policy policy = nothing;
	policy.keep_daily = 7;
	policy.keep_weekly = 4;
	policy.keep_monthly = 3;
	for (int day = 0; day < 210; day++)
		add(day * BOX_DAY, 0);
	decide(&policy, 210 * BOX_DAY);
	/* 203 to 209; then the ends of the weeks before: 202, 195, 188; then of the months before: 179, 149. */
	static const int stay[] = { 149, 179, 188, 195, 202, 203, 204, 205, 206, 207, 208, 209 };
	for (size_t i = 0, at = 0; i < count; i++) {
		bool stays = at < sizeof(stay) / sizeof(stay[0]) && i == (size_t)stay[at];
		at += stays;
		assert_int_equal(why[i] != RETENTION_GOES, stays);
	}
}

static void a_verified_one_stands_for_its_day(void **state)
{
	(void)state;
	struct retention_policy policy = nothing;
	policy.keep_daily = 5;
	size_t whole = add(10, SNAPSHOT_VERIFIED), damaged = add(20, 0);
	add(BOX_DAY, SNAPSHOT_VERIFIED);
	decide(&policy, 100 * BOX_DAY);
	assert_int_equal(why[whole], RETENTION_DAILY);
	assert_int_equal(why[damaged], RETENTION_GOES);
}

static void pinned_and_locked_ones_stay(void **state)
{
	(void)state;
	size_t pinned = add(0, SNAPSHOT_PINNED), locked = add(1, SNAPSHOT_LOCKED);
	size_t safety = add_of("s/d", SNAPSHOT_SAFETY, 2, SNAPSHOT_PINNED);
	add(3, SNAPSHOT_VERIFIED);
	decide(&nothing, 5000 * BOX_DAY);
	assert_int_equal(why[pinned], RETENTION_PINNED);
	assert_int_equal(why[locked], RETENTION_LOCKED);
	assert_int_equal(why[safety], RETENTION_PINNED);
}

static void a_lock_ends_on_its_box_day(void **state)
{
	(void)state;
	size_t locked = add(0, SNAPSHOT_LOCKED), other = add(1, SNAPSHOT_LOCKED);
	list[locked].held_until = 90;
	add(2, SNAPSHOT_VERIFIED);
	decide(&nothing, 90 * BOX_DAY - 1);
	assert_int_equal(why[locked], RETENTION_LOCKED);
	decide(&nothing, 90 * BOX_DAY);
	assert_int_equal(why[locked], RETENTION_GOES);
	assert_int_equal(why[other], RETENTION_LOCKED);
}

static void a_suspect_one_counts_for_nothing_and_holds_what_is_before_it(void **state)
{
	(void)state;
	struct retention_policy policy = nothing;
	policy.keep_daily = 2;
	size_t old = add(0, 0), good = add(BOX_DAY, SNAPSHOT_VERIFIED);
	size_t first = add(2 * BOX_DAY, SNAPSHOT_SUSPECT | SNAPSHOT_VERIFIED);
	size_t middle = add(3 * BOX_DAY, SNAPSHOT_SUSPECT), newest = add(4 * BOX_DAY, SNAPSHOT_SUSPECT);
	size_t other = add_of("s/e", SNAPSHOT_BACKUP, 5 * BOX_DAY, 0);
	add_of("s/e", SNAPSHOT_BACKUP, 6 * BOX_DAY, 0);
	add_of("s/e", SNAPSHOT_BACKUP, 7 * BOX_DAY, SNAPSHOT_VERIFIED);
	decide(&policy, 1000 * BOX_DAY);
	assert_int_equal(why[old], RETENTION_FROZEN);
	assert_int_equal(why[good], RETENTION_NEWEST);
	assert_int_equal(why[first], RETENTION_SUSPECT);
	assert_int_equal(why[middle], RETENTION_GOES);
	assert_int_equal(why[newest], RETENTION_SUSPECT);
	assert_int_equal(why[other], RETENTION_GOES);                                    /* another database */
	list[first].flags = list[middle].flags = list[newest].flags = SNAPSHOT_VERIFIED; /* accepted */
	decide(&policy, 1000 * BOX_DAY);
	assert_int_equal(why[old], RETENTION_GOES);
}

static void safety_snapshots_have_a_quota_and_an_age_and_count_for_no_backup(void **state)
{
	(void)state;
	struct retention_policy policy = nothing;
	policy.keep_last = 1;
	size_t backup = add(0, SNAPSHOT_VERIFIED);
	size_t applied = add_of("s/d", SNAPSHOT_SAFETY, 10 * BOX_DAY, SNAPSHOT_APPLIED);
	size_t third = add_of("s/d", SNAPSHOT_SAFETY, 11 * BOX_DAY, 0);
	size_t second = add_of("s/d", SNAPSHOT_SAFETY, 12 * BOX_DAY, 0),
		   first = add_of("s/d", SNAPSHOT_SAFETY, 13 * BOX_DAY, 0);
	decide(&policy, 14 * BOX_DAY);
	assert_int_equal(why[applied], RETENTION_SAFETY); /* what undo goes back to */
	assert_int_equal(why[third], RETENTION_GOES);
	assert_int_equal(why[second], RETENTION_SAFETY);
	assert_int_equal(why[first], RETENTION_SAFETY);
	decide(&policy, 43 * BOX_DAY);
	assert_int_not_equal(why[backup], RETENTION_GOES);
	assert_int_equal(kept(), 1);
}

/* ---- against a reference ---- */

static bool same(const struct snapshot_info *a, const struct snapshot_info *b)
{
	return a->class == b->class && strcmp(a->subject, b->subject) == 0;
}

static bool good(size_t i)
{
	return !(list[i].flags & SNAPSHOT_SUSPECT);
}

/* The i-th is the best of its period, and fewer than `limit` newer periods have a good one. */
static bool in_periods(size_t i, uint32_t limit, int64_t period)
{
	int64_t at = list[i].box_time / period, seen = -1;
	uint32_t newer = 0;
	if (!good(i))
		return false;
	for (size_t j = i + 1; j < count; j++) {
		if (!same(&list[i], &list[j]) || !good(j))
			continue;
		bool better = list[j].flags & SNAPSHOT_VERIFIED || !(list[i].flags & SNAPSHOT_VERIFIED);
		if (list[j].box_time / period == at && better)
			return false;
		newer += list[j].box_time / period != at && list[j].box_time / period != seen;
		seen = list[j].box_time / period;
	}
	for (size_t j = 0; j < i; j++)
		if (same(&list[i], &list[j]) && good(j) && list[j].box_time / period == at &&
			list[j].flags & SNAPSHOT_VERIFIED && !(list[i].flags & SNAPSHOT_VERIFIED))
			return false;
	return newer < limit;
}

static bool is_newest(size_t i, uint32_t with, uint32_t without)
{
	for (size_t j = i + 1; j < count; j++)
		if (same(&list[i], &list[j]) && (list[j].flags & with) == with && !(list[j].flags & without))
			return false;
	return (list[i].flags & with) == with && !(list[i].flags & without);
}

static bool any_other(size_t from, size_t to, size_t i, uint32_t flag)
{
	for (size_t j = from; j < to; j++)
		if (j != i && same(&list[i], &list[j]) && list[j].flags & flag)
			return true;
	return false;
}

static bool backup_stays(size_t i, const struct retention_policy *policy, int64_t now)
{
	bool waits = !good(i) && (!any_other(0, i, i, SNAPSHOT_SUSPECT) || is_newest(i, SNAPSHOT_SUSPECT, 0));
	bool frozen = any_other(i, count, i, SNAPSHOT_SUSPECT) && !any_other(0, i + 1, i, SNAPSHOT_SUSPECT) && good(i);
	return waits || frozen || is_newest(i, 0, 0) || is_newest(i, 0, SNAPSHOT_SUSPECT) ||
		is_newest(i, 0, SNAPSHOT_SUSPECT | SNAPSHOT_DAMAGED) || is_newest(i, SNAPSHOT_VERIFIED, SNAPSHOT_SUSPECT) ||
		now - list[i].box_time < policy->keep_within * BOX_DAY ||
		in_periods(i, policy->keep_last > policy->keep_daily ? policy->keep_last : policy->keep_daily, BOX_DAY) ||
		in_periods(i, policy->keep_weekly, 7 * BOX_DAY) || in_periods(i, policy->keep_monthly, 30 * BOX_DAY);
}

static bool safety_stays(size_t i, const struct retention_policy *policy, int64_t now)
{
	uint32_t newer = 0;
	for (size_t j = i + 1; j < count; j++)
		newer += same(&list[i], &list[j]);
	return now - list[i].box_time < policy->keep_safety * BOX_DAY &&
		(newer < policy->safety_quota || is_newest(i, SNAPSHOT_APPLIED, 0));
}

static bool stays(size_t i, const struct retention_policy *policy, int64_t now)
{
	if (list[i].flags & (SNAPSHOT_PINNED | SNAPSHOT_LOCKED))
		return true;
	return list[i].class == SNAPSHOT_SAFETY ? safety_stays(i, policy, now) : backup_stays(i, policy, now);
}

static uint32_t some_flags(void)
{
	uint32_t flags = 0;
	static const struct {
		uint32_t flag;
		int one_in;
	} odds[] = { { SNAPSHOT_PINNED, 20 }, { SNAPSHOT_LOCKED, 20 }, { SNAPSHOT_VERIFIED, 2 }, { SNAPSHOT_SUSPECT, 30 },
		{ SNAPSHOT_DAMAGED, 5 }, { SNAPSHOT_APPLIED, 4 } };
	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++)
		flags |= rand() % odds[i].one_in == 0 ? odds[i].flag : 0;
	return flags;
}

static struct retention_policy some_policy(void)
{
	return (struct retention_policy){ .keep_last = (uint32_t)(rand() % 4),
		.keep_daily = (uint32_t)(rand() % 10),
		.keep_weekly = (uint32_t)(rand() % 6),
		.keep_monthly = (uint32_t)(rand() % 6),
		.keep_within = (uint32_t)(rand() % 20),
		.keep_safety = (uint32_t)(rand() % 40),
		.safety_quota = (uint32_t)(rand() % 4) };
}

static void it_agrees_with_the_rules_told_one_by_one(void **state)
{
	(void)state;
	static const char *const subjects[] = { "s/a", "s/b", "t/a" };
	size_t went = 0, stayed = 0;
	srand(20150507);
	for (int round = 0; round < 3000; round++) {
		struct retention_policy policy = some_policy();
		int64_t now = 0, step = 1 + rand() % (5 * (int)BOX_DAY);
		size_t wanted = (size_t)(rand() % 60);
		for (count = 0; count < wanted; now += rand() % step)
			add_of(subjects[rand() % 3], rand() % 4 ? SNAPSHOT_BACKUP : SNAPSHOT_SAFETY, now, some_flags());
		now += rand() % step;
		decide(&policy, now);
		for (size_t i = 0; i < count; i++) {
			bool expected = stays(i, &policy, now);
			if ((why[i] != RETENTION_GOES) != expected)
				fail_msg("round %d, snapshot %zu of %zu: %d, the rules say %d", round, i, count, (int)why[i], expected);
			went += !expected;
			stayed += expected;
		}
	}
	assert_true(went > 10000 && stayed > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_empty_list_is_decided, set_up),
		cmocka_unit_test_setup(the_newest_good_and_verified_ones_always_stay, set_up),
		cmocka_unit_test_setup(nothing_goes_that_is_younger_than_keep_within, set_up),
		cmocka_unit_test_setup(
			a_thousand_verified_junk_snapshots_dated_1970_and_2099_remove_nothing_of_the_last_14_box_days, set_up),
		cmocka_unit_test_setup(many_backups_on_one_day_count_as_one, set_up),
		cmocka_unit_test_setup(days_weeks_and_months_keep_one_each, set_up),
		cmocka_unit_test_setup(a_verified_one_stands_for_its_day, set_up),
		cmocka_unit_test_setup(pinned_and_locked_ones_stay, set_up),
		cmocka_unit_test_setup(a_lock_ends_on_its_box_day, set_up),
		cmocka_unit_test_setup(a_suspect_one_counts_for_nothing_and_holds_what_is_before_it, set_up),
		cmocka_unit_test_setup(safety_snapshots_have_a_quota_and_an_age_and_count_for_no_backup, set_up),
		cmocka_unit_test_setup(it_agrees_with_the_rules_told_one_by_one, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
