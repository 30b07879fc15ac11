/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/base/loop.h"

static struct loop loop;
static int pair[2], calls, order[8];

static int set_up(void **state)
{
	(void)state;
	loop_init(&loop);
	calls = 0;
	return socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
}

static int tear_down(void **state)
{
	(void)state;
	close(pair[0]);
	close(pair[1]);
	return 0;
}

static void take_byte(void *arg, short revents)
{
	char byte;
	(void)revents;
	calls++;
	assert_int_equal(read(*(int *)arg, &byte, 1), 1);
}

static void remove_both(void *arg, short revents)
{
	(void)arg;
	(void)revents;
	calls++;
	loop_remove(&loop, pair[0]);
	loop_remove(&loop, pair[1]);
}

static void note_order(void *arg)
{
	order[calls++] = *(int *)arg;
}

static void a_ready_descriptor_is_called_once_a_step(void **state)
{
	(void)state;
	assert_int_equal(loop_add(&loop, pair[0], POLLIN, take_byte, &pair[0]), 0);
	assert_int_equal(loop_step(&loop, 0), 0);
	assert_int_equal(calls, 0);
	assert_int_equal(write(pair[1], "ab", 2), 2);
	assert_int_equal(loop_step(&loop, 0), 0);
	assert_int_equal(calls, 1);
}

static void a_source_that_asks_for_nothing_is_not_called(void **state)
{
	(void)state;
	loop_add(&loop, pair[0], POLLIN, take_byte, &pair[0]);
	assert_int_equal(loop_change(&loop, pair[0], 0), 0);
	assert_int_equal(write(pair[1], "a", 1), 1);
	loop_step(&loop, 0);
	assert_int_equal(calls, 0);
	assert_int_equal(loop_change(&loop, 99, POLLIN), -ENOENT);
}

static void one_that_was_removed_in_the_same_step_is_not_called(void **state)
{
	(void)state;
	loop_add(&loop, pair[0], POLLIN, remove_both, NULL);
	loop_add(&loop, pair[1], POLLIN, remove_both, NULL);
	assert_int_equal(write(pair[0], "a", 1), 1);
	assert_int_equal(write(pair[1], "a", 1), 1);
	loop_step(&loop, 0);
	assert_int_equal(calls, 1);
	loop_step(&loop, 0);
	assert_int_equal(loop.source_count, 0);
}

static void a_descriptor_comes_once_and_the_table_is_bounded(void **state)
{
	(void)state;
	int fds[LOOP_SOURCES_MAX + 1];
	for (int i = 0; i <= LOOP_SOURCES_MAX; i++) {
		fds[i] = dup(pair[0]);
		assert_int_equal(loop_add(&loop, fds[i], POLLIN, take_byte, NULL), i < LOOP_SOURCES_MAX ? 0 : -ENOSPC);
	}
	assert_int_equal(loop_add(&loop, fds[0], POLLIN, take_byte, NULL), -EEXIST);
	assert_int_equal(loop_add(&loop, -1, POLLIN, take_byte, NULL), -EBADF);
	for (int i = 0; i <= LOOP_SOURCES_MAX; i++)
		close(fds[i]);
}

static void timers_come_in_their_order_and_once(void **state)
{
	(void)state;
	int one = 1, two = 2, three = 3;
	struct loop_timer first = { 0, note_order, &one }, second = { 0, note_order, &two },
					  never = { 0, note_order, &three };
	loop_timer_set(&loop, &second, 4);
	loop_timer_set(&loop, &never, 6);
	loop_timer_set(&loop, &first, 2);
	loop_timer_stop(&loop, &never);
	while (calls < 2)
		loop_step(&loop, 50);
	assert_int_equal(order[0], 1);
	assert_int_equal(order[1], 2);
	loop_step(&loop, 10);
	assert_int_equal(calls, 2);
	assert_int_equal(loop.timer_count, 0);
}

static void set_again(void *arg)
{
	calls++;
	loop_timer_set(&loop, arg, 0);
}

static void a_timer_that_sets_itself_leaves_descriptors_their_turn(void **state)
{
	(void)state;
	struct loop_timer timer = { 0, set_again, &timer };
	loop_timer_set(&loop, &timer, 0);
	loop_step(&loop, 0);
	loop_step(&loop, 0);
	assert_int_equal(calls, 2);
	loop_timer_stop(&loop, &timer);
}

static void quit_it(void *arg)
{
	(void)arg;
	loop_quit(&loop);
}

static void it_runs_until_it_is_told_to_quit(void **state)
{
	(void)state;
	struct loop_timer timer = { 0, quit_it, NULL };
	loop_timer_set(&loop, &timer, 1);
	assert_int_equal(loop_run(&loop), 0);
}

#define loop_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		loop_test(a_ready_descriptor_is_called_once_a_step),
		loop_test(a_source_that_asks_for_nothing_is_not_called),
		loop_test(one_that_was_removed_in_the_same_step_is_not_called),
		loop_test(a_descriptor_comes_once_and_the_table_is_bounded),
		loop_test(timers_come_in_their_order_and_once),
		loop_test(a_timer_that_sets_itself_leaves_descriptors_their_turn),
		loop_test(it_runs_until_it_is_told_to_quit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
