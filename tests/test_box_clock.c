/* SPDX-License-Identifier: Apache-2.0 */
/* Box time over several lives, with clocks that are right, wrong, and set by somebody who wants snapshots to expire. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/store/box_clock.h"

#define DAY INT64_C(86400)
#define START INT64_C(1704067200)

static int64_t up_ms, wall;
static bool trusted;

static int64_t test_monotonic(struct clock *clock)
{
	(void)clock;
	return up_ms;
}

static void test_wall(struct clock *clock, struct clock_wall *now)
{
	(void)clock;
	*now = (struct clock_wall){ wall, trusted };
}

static const struct clock_ops ops = { .monotonic = test_monotonic, .wall = test_wall };
static struct clock clock_of_test = { &ops };
static struct box_clock box;
static struct box_mark mark;

static int set_up(void **state)
{
	(void)state;
	up_ms = 5000;
	wall = START;
	trusted = true;
	mark = (struct box_mark){ .box = 0 };
	box_clock_start(&box, &clock_of_test, &mark);
	return 0;
}

static void pass(int64_t seconds)
{
	up_ms += seconds * 1000;
	wall += seconds;
}

/* Off for so long; then the next life, with what was kept. */
static void off(int64_t seconds)
{
	box_clock_mark(&box, &mark);
	up_ms = 100;
	wall += seconds;
	box_clock_start(&box, &clock_of_test, &mark);
}

static void it_counts_the_time_that_the_box_is_on(void **state)
{
	(void)state;
	assert_int_equal(box_clock_now(&box), 0);
	pass(1000);
	assert_int_equal(box_clock_now(&box), 1000);
	off(0);
	pass(500);
	assert_int_equal(box_clock_now(&box), 1500);
}

static void time_spent_off_counts_where_the_clock_is_trusted(void **state)
{
	(void)state;
	pass(1000);
	off(2 * DAY);
	pass(10);
	assert_int_equal(box_clock_now(&box), 1010 + 2 * DAY);
	trusted = false;
	off(3 * DAY);
	pass(20);
	assert_int_equal(box_clock_now(&box), 1030 + 2 * DAY);
	trusted = true; /* the network came up */
	assert_int_equal(box_clock_now(&box), 1030 + 5 * DAY);
}

static void a_life_without_a_trusted_clock_forgets_no_time_before_it(void **state)
{
	(void)state;
	pass(1000);
	assert_int_equal(box_clock_now(&box), 1000);
	trusted = false;
	off(DAY);
	pass(50);
	off(DAY);
	trusted = true;
	assert_int_equal(box_clock_now(&box), 1050 + 2 * DAY);
}

static void at_most_thirty_days_are_added_at_once(void **state)
{
	(void)state;
	pass(1000);
	off(75 * 365 * DAY);
	assert_int_equal(box_clock_now(&box), 1000 + 30 * DAY);
}

static void what_is_more_is_held_back_until_somebody_confirms_it(void **state)
{
	(void)state;
	char text[BOX_MARK_SIZE];
	pass(1000);
	off(75 * DAY);
	assert_int_equal(box_clock_now(&box), 1000 + 30 * DAY);
	assert_int_equal(box.held_back, 45 * DAY);
	off(40 * DAY); /* nobody came: it is not forgotten */
	assert_int_equal(box_clock_now(&box), 1000 + 60 * DAY);
	box_clock_mark(&box, &mark);
	size_t size = box_mark_encode(&mark, text);
	assert_true(size < BOX_MARK_SIZE);
	assert_int_equal(box_mark_decode(&mark, text, size), 0);
	assert_int_equal(mark.held_back, 55 * DAY);
	box_clock_confirm(&box);
	assert_int_equal(box_clock_now(&box), 1000 + 115 * DAY);
	box_clock_confirm(&box); /* once */
	assert_int_equal(box_clock_now(&box), 1000 + 115 * DAY);
	off(0);
	assert_int_equal(box_clock_now(&box), 1000 + 115 * DAY);
	assert_int_equal(box_mark_decode(&mark, "5 6\n", 4), 0); /* of an older version */
	assert_int_equal(mark.held_back, 0);
	assert_int_equal(box_mark_decode(&mark, "5 6 -7\n", 7), -EBADMSG);
}

static void a_clock_that_jumps_in_a_life_adds_nothing(void **state)
{
	(void)state;
	pass(100);
	assert_int_equal(box_clock_now(&box), 100);
	for (int i = 0; i < 100; i++) {
		wall += (i % 2 ? -1 : 1) * 29 * DAY;
		assert_int_equal(box_clock_now(&box), 100);
	}
	wall = INT64_C(4070908800);
	assert_int_equal(box_clock_now(&box), 100);
}

/* Set back, kept, and set right again: the same time must not count twice. */
static void a_clock_that_was_set_back_adds_nothing_when_it_is_right_again(void **state)
{
	(void)state;
	pass(100);
	box_clock_mark(&box, &mark);
	box_clock_start(&box, &clock_of_test, &mark);
	wall -= 20 * DAY;
	assert_int_equal(box_clock_now(&box), 100);
	off(20 * DAY);
	assert_int_equal(box_clock_now(&box), 100);
}

static void it_never_goes_back(void **state)
{
	(void)state;
	int64_t before = 0;
	srand(7);
	for (int i = 0; i < 20000; i++) {
		trusted = rand() % 3 != 0;
		if (rand() % 4 == 0)
			off(rand() % (int)DAY);
		else if (rand() % 4 == 0)
			wall += rand() % (int)(4 * DAY) - 2 * DAY;
		else
			pass(rand() % 10000);
		int64_t now = box_clock_now(&box);
		assert_true(now >= before);
		before = now;
	}
}

static void the_mark_comes_back_and_garbage_does_not(void **state)
{
	(void)state;
	char text[BOX_MARK_SIZE];
	struct box_mark in = { INT64_MAX, INT64_MAX, 0 }, out;
	size_t size = box_mark_encode(&in, text);
	assert_int_equal(box_mark_decode(&out, text, size), 0);
	assert_true(out.box == in.box && out.wall == in.wall);
	assert_int_equal(box_mark_decode(&out, "", 0), -EBADMSG);
	assert_int_equal(box_mark_decode(&out, "12", 2), -EBADMSG);
	assert_int_equal(box_mark_decode(&out, "-1 5", 4), -EBADMSG);
	assert_int_equal(box_mark_decode(&out, text, BOX_MARK_SIZE + 1), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(it_counts_the_time_that_the_box_is_on, set_up),
		cmocka_unit_test_setup(time_spent_off_counts_where_the_clock_is_trusted, set_up),
		cmocka_unit_test_setup(a_life_without_a_trusted_clock_forgets_no_time_before_it, set_up),
		cmocka_unit_test_setup(at_most_thirty_days_are_added_at_once, set_up),
		cmocka_unit_test_setup(what_is_more_is_held_back_until_somebody_confirms_it, set_up),
		cmocka_unit_test_setup(a_clock_that_jumps_in_a_life_adds_nothing, set_up),
		cmocka_unit_test_setup(a_clock_that_was_set_back_adds_nothing_when_it_is_right_again, set_up),
		cmocka_unit_test_setup(it_never_goes_back, set_up),
		cmocka_unit_test(the_mark_comes_back_and_garbage_does_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
