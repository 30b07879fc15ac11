/* SPDX-License-Identifier: Apache-2.0 */
/* Which nights depart from the one before: limits, and what is below them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/suspect.h"

#define MB (1024 * 1024)

static const struct suspect_policy usual = { .rows_lost = 20, .new_data = 50, .incompressible = true };
static struct snapshot_about before, now;
static struct night last, tonight;
static char why[200];

/* A night like the one before: 20 MB, a hundredth of it new, and all of it to be compressed eight times. */
static int set_up(void **state)
{
	(void)state;
	before = (struct snapshot_about){ .rows = 10000, .ratio = 8000, .family = "A", .created = "2020-01-01T00:00:00" };
	now = before;
	now.new_bytes = MB / 5;
	now.new_stored = MB / 40;
	last = (struct night){ &before, 20 * MB };
	tonight = (struct night){ &now, 20 * MB };
	why[0] = '\0';
	return 0;
}

static bool judge(void)
{
	return suspect_judge(&usual, &last, &tonight, why, sizeof(why));
}

static void expect(const char *words)
{
	if (!judge() || !strstr(why, words))
		fail_msg("expected \"%s\", found \"%s\"", words, why);
}

static void a_usual_night_is_not_suspect(void **state)
{
	(void)state;
	assert_false(judge());
	now.rows = 20000; /* growth is no loss */
	tonight.bytes = 22 * MB;
	now.new_bytes = 2 * MB;
	now.new_stored = MB / 4;
	assert_false(judge());
}

static void a_fifth_of_the_rows_is_the_limit(void **state)
{
	(void)state;
	now.rows = 8001;
	assert_false(judge());
	now.rows = 8000;
	expect("8 000 rows, and had 10 000");
	now.rows = 0;
	expect("0 rows");
	struct suspect_policy blind = usual;
	blind.rows_lost = 0;
	assert_false(suspect_judge(&blind, &last, &tonight, why, sizeof(why)));
}

static void a_small_database_may_lose_rows_and_change(void **state)
{
	(void)state;
	before.rows = 99;
	now.rows = 1;
	last.bytes = tonight.bytes = MB - 1;
	now.new_bytes = MB - 1;
	now.new_stored = MB / 8;
	assert_false(judge());
}

static void more_than_half_of_it_new_is_the_limit(void **state)
{
	(void)state;
	now.new_bytes = 10 * MB;
	now.new_stored = 10 * MB / 8;
	assert_false(judge());
	now.new_bytes++;
	expect("50 % of what is in it is new");
	now.new_bytes = 30 * MB; /* the lists of chunks count, too */
	expect("100 % of what");
}

static void what_is_new_and_cannot_be_compressed_is_suspect(void **state)
{
	(void)state;
	now.new_stored = now.new_bytes;
	assert_false(judge()); /* a picture of 200 kB */
	now.new_bytes = now.new_stored = MB / 2;
	expect("encrypted");
	now.new_stored = now.new_bytes * 4 / 5; /* 1.25 times */
	assert_false(judge());
	now.new_stored = now.new_bytes;
	before.ratio = 1400; /* pictures all of it */
	assert_false(judge());
	before.ratio = 0; /* not known */
	assert_false(judge());
}

static void another_database_under_the_same_name_is_suspect(void **state)
{
	(void)state;
	strcpy(now.family, "B");
	expect("another database");
	strcpy(now.family, "A");
	strcpy(now.created, "2021-01-01T00:00:00");
	expect("created 2021");
	before.created[0] = '\0'; /* an older record does not say */
	assert_false(judge());
}

/* What is not caught, so that nobody believes it is. */
static void two_percent_a_night_are_not_seen(void **state)
{
	(void)state;
	for (int night = 0; night < 100; night++) {
		before.rows = now.rows;
		now.rows = before.rows * 98 / 100;
		assert_false(judge());
	}
	assert_true(now.rows < 1500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_usual_night_is_not_suspect, set_up),
		cmocka_unit_test_setup(a_fifth_of_the_rows_is_the_limit, set_up),
		cmocka_unit_test_setup(a_small_database_may_lose_rows_and_change, set_up),
		cmocka_unit_test_setup(more_than_half_of_it_new_is_the_limit, set_up),
		cmocka_unit_test_setup(what_is_new_and_cannot_be_compressed_is_suspect, set_up),
		cmocka_unit_test_setup(another_database_under_the_same_name_is_suspect, set_up),
		cmocka_unit_test_setup(two_percent_a_night_are_not_seen, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
