/* SPDX-License-Identifier: Apache-2.0 */
/* Button, light and clock: what their wrappers promise over any driver, and what the sim drivers do. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "hal/linux/clock_kernel.h"
#include "hal/sim/sim.h"

/* ---- button ---- */

static void edges_come_in_order_and_once(void **state)
{
	(void)state;
	struct sim_button sim = { .button = { .ops = &sim_button_ops, .name = "restore" } };
	struct button_event event;
	sim_button_set(&sim, true, 10);
	sim_button_set(&sim, true, 15);
	sim_button_set(&sim, false, 20);
	assert_int_equal(button_level(&sim.button), 0);
	assert_int_equal(button_next(&sim.button, &event), 1);
	assert_true(event.down && event.when_ms == 10);
	assert_int_equal(button_next(&sim.button, &event), 1);
	assert_true(!event.down && event.when_ms == 20);
	assert_int_equal(button_next(&sim.button, &event), 0);
}

static void an_edge_is_never_before_the_one_before_it(void **state)
{
	(void)state;
	struct sim_button sim = { .button = { .ops = &sim_button_ops, .name = "restore" } };
	struct button_event event;
	sim_button_set(&sim, true, 100);
	sim_button_set(&sim, false, 40);
	assert_int_equal(button_next(&sim.button, &event), 1);
	assert_int_equal(button_next(&sim.button, &event), 1);
	assert_int_equal(event.when_ms, 100);
}

static void where_edges_were_lost_the_last_one_tells_the_level(void **state)
{
	(void)state;
	for (int edges = 1; edges < 3 * SIM_EVENTS_MAX; edges++) {
		struct sim_button sim = { .button = { .ops = &sim_button_ops, .name = "restore" } };
		struct button_event event = { .down = false };
		int count = 0;
		for (int i = 0; i < edges; i++)
			sim_button_set(&sim, i % 2 == 0, i);
		while (button_next(&sim.button, &event) == 1)
			count++;
		assert_int_equal(count, edges < SIM_EVENTS_MAX ? edges : SIM_EVENTS_MAX);
		assert_int_equal(event.down, button_level(&sim.button));
	}
}

static void a_board_without_a_button_is_never_pressed(void **state)
{
	(void)state;
	struct button_event event;
	assert_int_equal(button_next(NULL, &event), 0);
	assert_int_equal(button_level(NULL), 0);
}

/* ---- light ---- */

static void a_light_takes_its_five_patterns_and_no_other(void **state)
{
	(void)state;
	struct sim_led sim = { .led = { &sim_led_ops, "ready", LED_GREEN } };
	for (int pattern = 0; pattern < LED_PATTERN_COUNT; pattern++) {
		assert_int_equal(led_show(&sim.led, pattern), 0);
		assert_int_equal(sim.pattern, pattern);
		assert_non_null(led_pattern_name(pattern));
	}
	assert_int_equal(led_show(&sim.led, LED_PATTERN_COUNT), -EINVAL);
	assert_int_equal(sim.pattern, LED_PATTERN_COUNT - 1);
	assert_null(led_pattern_name(LED_PATTERN_COUNT));
	assert_null(led_colour_name(99));
	assert_int_equal(led_show(NULL, LED_ON), 0);
	assert_int_equal(led_show(NULL, LED_PATTERN_COUNT), -EINVAL);
}

/* Counted over a minute: how long it is lit, and how often it goes on. */
static void a_light_blinks_as_its_header_says_and_never_faster(void **state)
{
	(void)state;
	static const struct {
		int lit_ms, times;
	} expected[] = {
		[LED_OFF] = { 0, 0 },
		[LED_ON] = { 60000, 0 },
		[LED_SLOW] = { 30000, 30 },
		[LED_FAST] = { 30000, 150 },
		[LED_PULSE] = { 4000, 20 },
	};
	for (int pattern = 0; pattern < LED_PATTERN_COUNT; pattern++) {
		int lit = 0, times = 0;
		for (int64_t ms = 60000; ms < 120000; ms++) {
			lit += led_lit(pattern, ms);
			times += led_lit(pattern, ms) && !led_lit(pattern, ms - 1);
		}
		assert_int_equal(lit, expected[pattern].lit_ms);
		assert_int_equal(times, expected[pattern].times);
	}
}

/* ---- clock ---- */

struct set_clock {
	struct clock clock;
	int64_t ms;
};

static int64_t set_monotonic(struct clock *clock)
{
	return ((struct set_clock *)(void *)clock)->ms;
}

static void set_wall(struct clock *clock, struct clock_wall *wall)
{
	(void)clock;
	*wall = (struct clock_wall){ 0 };
}

static const struct clock_ops set_ops = { .monotonic = set_monotonic, .wall = set_wall };

static void box_time_is_the_mark_and_the_time_since_boot(void **state)
{
	(void)state;
	struct set_clock set = { .clock = { &set_ops }, .ms = 7000 };
	struct box_time box;
	box_time_start(&box, &set.clock, 1000);
	assert_int_equal(box_time_now(&box, &set.clock), 1000);
	set.ms += 2500;
	assert_int_equal(box_time_now(&box, &set.clock), 1002);
}

static void box_time_never_goes_back_over_lives_and_broken_clocks(void **state)
{
	(void)state;
	struct set_clock set = { .clock = { &set_ops } };
	struct box_time box;
	int64_t mark = -5, last = 0;
	for (int life = 0; life < 50; life++) {
		set.ms = life % 3 * 100000;
		box_time_start(&box, &set.clock, mark);
		for (int i = 0; i < 20; i++) {
			int64_t now = box_time_now(&box, &set.clock);
			assert_true(now >= last || now >= mark);
			assert_true(now >= (mark > 0 ? mark : 0));
			last = now;
			set.ms += i % 7 == 3 ? -500000 : 40000;
		}
		set.ms = life % 3 * 100000 + 60000;
		mark = box_time_now(&box, &set.clock);
	}
	assert_int_equal(mark, 50 * 60);
}

static void a_frozen_sim_clock_moves_by_hand_alone(void **state)
{
	(void)state;
	struct sim_clock sim = { .clock = { &sim_clock_ops } };
	struct clock_wall wall;
	sim_clock_freeze(&sim);
	int64_t before = clock_monotonic(&sim.clock);
	sim_clock_set_wall(&sim, 1700000000, true);
	sim_clock_advance(&sim, 61000);
	clock_wall(&sim.clock, &wall);
	assert_int_equal(clock_monotonic(&sim.clock), before + 61000);
	assert_int_equal(wall.seconds, 1700000061);
	assert_true(wall.trusted && sim_clock_frozen(&sim));
	sim_clock_set_wall(&sim, 5, false);
	clock_wall(&sim.clock, &wall);
	assert_true(wall.seconds == 5 && !wall.trusted);
	sim_clock_run(&sim);
	assert_false(sim_clock_frozen(&sim));
	assert_true(clock_monotonic(&sim.clock) >= before + 61000);
}

static void the_kernels_clock_goes_on_and_knows_what_day_it_is(void **state)
{
	(void)state;
	struct clock kernel = { &kernel_clock_ops };
	struct clock_wall wall;
	int64_t before = clock_monotonic(&kernel);
	clock_wall(&kernel, &wall);
	assert_true(before > 0 && clock_monotonic(&kernel) >= before);
	assert_true(wall.seconds > 1600000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges_come_in_order_and_once),
		cmocka_unit_test(an_edge_is_never_before_the_one_before_it),
		cmocka_unit_test(where_edges_were_lost_the_last_one_tells_the_level),
		cmocka_unit_test(a_board_without_a_button_is_never_pressed),
		cmocka_unit_test(a_light_takes_its_five_patterns_and_no_other),
		cmocka_unit_test(a_light_blinks_as_its_header_says_and_never_faster),
		cmocka_unit_test(box_time_is_the_mark_and_the_time_since_boot),
		cmocka_unit_test(box_time_never_goes_back_over_lives_and_broken_clocks),
		cmocka_unit_test(a_frozen_sim_clock_moves_by_hand_alone),
		cmocka_unit_test(the_kernels_clock_goes_on_and_knows_what_day_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
