/* SPDX-License-Identifier: Apache-2.0 */
/* Which nights depart from their history: limits, and what is below them. tests/test_suspect_nights.c has the history. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/backup/suspect.h"

#define MB (1024 * 1024)

static const struct suspect_policy usual = {
	.rows_lost = 20, .table_rows_lost = 50, .new_data = 50, .incompressible = true
};
static struct snapshot_about before, now;
static struct suspect_history history;
static struct night tonight;
static char why[SUSPECT_WHY_SIZE];

/* A night like the one before: 20 MB, a hundredth of it new, and all of it to be compressed eight times. */
static int set_up(void **state)
{
	(void)state;
	before = (struct snapshot_about){ .rows = 10000, .ratio = 8000, .broker = "A", .created = "2020-01-01T00:00:00" };
	now = before;
	now.new_bytes = MB / 5;
	now.new_stored = MB / 40;
	history = (struct suspect_history){ .last = { &before, 20 * MB }, .most_rows = 10000 };
	tonight = (struct night){ &now, 20 * MB };
	why[0] = '\0';
	return 0;
}

static enum suspect_verdict judge(void)
{
	return suspect_judge(&usual, &history, &tonight, why, sizeof(why));
}

static void expect(enum suspect_verdict verdict, const char *words)
{
	why[0] = '\0';
	if (judge() != verdict || !strstr(why, words))
		fail_msg("expected %d, \"%s\", found %d, \"%s\"", verdict, words, judge(), why);
}

static void a_usual_night_is_not_suspect(void **state)
{
	(void)state;
	assert_int_equal(judge(), SUSPECT_NOT);
	now.rows = 20000; /* growth is no loss */
	tonight.bytes = 22 * MB;
	now.new_bytes = 2 * MB;
	now.new_stored = MB / 4;
	assert_int_equal(judge(), SUSPECT_NOT);
}

static void a_fifth_of_the_rows_is_the_limit(void **state)
{
	(void)state;
	now.rows = 8001;
	assert_int_equal(judge(), SUSPECT_NOT);
	now.rows = 8000;
	expect(SUSPECT_SURELY, "8 000 rows, and had 10 000");
	now.rows = 0;
	expect(SUSPECT_SURELY, "0 rows");
	struct suspect_policy blind = usual;
	blind.rows_lost = 0;
	assert_int_equal(suspect_judge(&blind, &history, &tonight, why, sizeof(why)), SUSPECT_NOT);
}

static void a_small_database_may_lose_rows_and_change(void **state)
{
	(void)state;
	before.rows = history.most_rows = 99;
	now.rows = 1;
	now.new_bytes = 20 * MB;
	now.new_stored = 20 * MB / 8;
	assert_int_equal(judge(), SUSPECT_NOT);
	before.rows = history.most_rows = now.rows = 100;
	expect(SUSPECT_BY_CHUNKS, "is new");
}

static void the_most_rows_of_its_history_count_so_that_a_slow_loss_adds_up(void **state)
{
	(void)state;
	before.rows = 8100;
	now.rows = 8000;
	expect(SUSPECT_SURELY, "8 000 rows, and had 10 000");
	history.most_rows = 8100; /* a person accepted that */
	assert_int_equal(judge(), SUSPECT_NOT);
}

static void a_table_that_lost_its_rows_is_named(void **state)
{
	(void)state;
	history.loss = (struct table_loss){ .table = "dbo.t", .had = 1200, .has = 3 };
	expect(SUSPECT_SURELY, "dbo.t has 3 rows, and had 1 200");
}

static void more_than_half_of_it_new_is_the_limit(void **state)
{
	(void)state;
	now.new_bytes = 10 * MB;
	now.new_stored = 10 * MB / 8;
	assert_int_equal(judge(), SUSPECT_NOT);
	now.new_bytes++;
	expect(SUSPECT_BY_CHUNKS, "50 % of what is in it is new");
	now.new_bytes = 30 * MB; /* the lists of chunks count, too */
	expect(SUSPECT_BY_CHUNKS, "100 % of what");
}

static void what_is_new_and_cannot_be_compressed_is_suspect(void **state)
{
	(void)state;
	now.new_stored = now.new_bytes;
	assert_int_equal(judge(), SUSPECT_NOT); /* a picture of 200 kB */
	now.new_bytes = now.new_stored = MB / 2;
	expect(SUSPECT_SURELY, "encrypted");
	now.new_stored = now.new_bytes * 4 / 5; /* 1.25 times */
	assert_int_equal(judge(), SUSPECT_NOT);
	now.new_stored = now.new_bytes;
	before.ratio = 1400; /* pictures all of it */
	assert_int_equal(judge(), SUSPECT_NOT);
	before.ratio = 0; /* not known */
	assert_int_equal(judge(), SUSPECT_NOT);
}

static void another_database_under_the_same_name_is_suspect(void **state)
{
	(void)state;
	strcpy(now.broker, "B");
	expect(SUSPECT_SURELY, "another database");
	strcpy(now.broker, "A");
	strcpy(now.created, "2021-01-01T00:00:00");
	expect(SUSPECT_SURELY, "restored, attached or renamed on the server, 2021");
	before.created[0] = '\0'; /* an older record does not say */
	assert_int_equal(judge(), SUSPECT_NOT);
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
		cmocka_unit_test_setup(the_most_rows_of_its_history_count_so_that_a_slow_loss_adds_up, set_up),
		cmocka_unit_test_setup(a_table_that_lost_its_rows_is_named, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
