/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a box (tests/support/life.h) is struck at every operation of the file system below its disk, in every way
 * that one knows, and a shorter one struck twice, the second time while it recovers. After each: every snapshot that was
 * acknowledged is whole and equal bit for bit, nothing half-made is visible, room comes back, the next backup works.
 * COFFRET_EXHAUSTIVE=1 visits every pair, and every byte where they differ, where otherwise every few are enough. An argument
 * is a pattern of the names of tests to run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/bytes.h"
#include "storage/disk.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/life.h"

#define SEGMENT_SIZE (6u * 1024)
#define DISK_SIZE (104u * 1024)
#define OPERATIONS_LEAST 80 /* of the script */
#define TEAR_ENDS 256       /* bytes at either end of a write: heads, trailers, the last of the checksums */

struct world {
	struct medium medium;
	struct fault_disk *disk;
	struct life life;
};

static unsigned strikes_made;
static bool exhaustive;

/* Of what takes minutes. */
static void tell_progress(const char *what, unsigned at)
{
	if (!exhaustive || at % 10)
		return;
	print_message("%s: operation %u, %u strikes\n", what, at, strikes_made);
	fflush(stdout);
}

static int start_disk(struct medium *medium, struct volume **volume)
{
	const struct world *world = container_of(medium, struct world, medium);
	return disk_volume_open(volume, fault_disk_disk(world->disk), SEGMENT_SIZE);
}

static void end_disk(struct medium *medium, struct volume *volume)
{
	(void)medium;
	disk_volume_close(volume);
}

static void restart_disk(struct medium *medium)
{
	fault_disk_restart(container_of(medium, struct world, medium)->disk);
}

static int flip(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	(void)arg;
	if (strncmp(name, "00", 2) != 0 || size < 2000)
		return 0;
	bytes[size / 3] ^= 0x10;
	return 1;
}

static void rot_disk(struct medium *medium)
{
	fault_disk_each(container_of(medium, struct world, medium)->disk, flip, NULL);
}

static void create_world(struct world *world)
{
	*world = (struct world){ .medium = { start_disk, end_disk, restart_disk, rot_disk },
		.disk = fault_disk_create(DISK_SIZE) };
	world->life.medium = &world->medium;
}

static void destroy_world(struct world *world)
{
	life_destroy(&world->life);
	fault_disk_destroy(world->disk);
}

/* One life of a box, struck once. False where the script ended before the strike. */
static bool play(const struct fault_plan *plan, uint32_t *struck_size)
{
	struct world world;
	char what[64];
	snprintf(what, sizeof what, "fault %d at %u, tear %u", plan->fault, plan->at, plan->tear);
	create_world(&world);
	fault_disk_plan(world.disk, plan);
	life_script(&world.life);
	bool struck = fault_disk_struck(world.disk);
	*struck_size = fault_disk_struck_size(world.disk);
	if (struck) {
		strikes_made++;
		life_restart(&world.life, what);
		life_check_future(&world.life, what);
	}
	destroy_world(&world);
	return struck;
}

/* Every operation; sanitizers are slow, and go through every third. */
#ifdef __SANITIZE_ADDRESS__
#define STEP 3
#else
#define STEP 1
#endif

static void play_all(enum fault fault)
{
	uint32_t size;
	struct fault_plan plan = { fault, 1, 0 };
	while (play(&plan, &size))
		plan.at += STEP;
	if (plan.at <= OPERATIONS_LEAST)
		fail_msg("only %u operations", plan.at);
}

static void the_script_acknowledges_everything_when_nothing_strikes(void **state)
{
	(void)state;
	struct world world;
	create_world(&world);
	life_script(&world.life);
	assert_int_equal(world.life.acknowledged, LIFE_SCRIPT_ACKNOWLEDGES);
	assert_true(world.life.was_full);
	assert_true(world.life.copied > 0);
	assert_int_equal(world.life.healed, 1);
	life_check_future(&world.life, "no fault");
	destroy_world(&world);
	create_world(&world);
	life_short_script(&world.life);
	assert_int_equal(world.life.acknowledged, LIFE_SHORT_SCRIPT_ACKNOWLEDGES);
	destroy_world(&world);
}

static void acknowledged_snapshots_survive_a_cut_at_every_operation(void **state)
{
	(void)state;
	for (enum fault fault = FAULT_CUT_LOST; fault <= FAULT_CUT_BYTES; fault++)
		play_all(fault);
	play_all(FAULT_PULLED); /* reads count, too */
}

/* What a tear may mean is at the ends of a write; within what is sealed one byte is as good as another. */
static uint32_t next_tear(uint32_t tear, uint32_t size)
{
	uint32_t step = size / 3 + 1;
	if (exhaustive)
		step = tear < TEAR_ENDS || tear + TEAR_ENDS >= size ? 1 : 7;
	return tear + step;
}

static void acknowledged_snapshots_survive_a_tear_at_many_bytes(void **state)
{
	(void)state;
	struct fault_plan plan = { FAULT_CUT_KEPT, 1, 0 };
	for (uint32_t size; play(&plan, &size); plan.at++) {
		for (plan.tear = exhaustive ? 1 : 1 + plan.at % 61; plan.tear < size; plan.tear = next_tear(plan.tear, size))
			play(&plan, &size);
		plan.tear = 0;
		tell_progress("tears", plan.at);
	}
	assert_true(plan.at > OPERATIONS_LEAST);
}

/* Struck, restarted, struck again in the life that recovers. False where the script ended before the first strike. */
static bool play_twice(enum fault fault, enum fault other, unsigned at, unsigned again, bool *struck_again)
{
	struct world world;
	struct fault_plan first = { fault, at, 300 }, second = { other, again, 300 };
	char what[80];
	snprintf(what, sizeof what, "fault %d at %u, then %d at %u", (int)fault, at, (int)other, again);
	create_world(&world);
	fault_disk_plan(world.disk, &first);
	life_short_script(&world.life);
	bool struck = fault_disk_struck(world.disk);
	life_end(&world.life);
	fault_disk_restart(world.disk);
	fault_disk_plan(world.disk, &second);
	life_recover(&world.life);
	*struck_again = struck && fault_disk_struck(world.disk);
	if (*struck_again) {
		strikes_made += 2;
		life_restart(&world.life, what);
		life_check_future(&world.life, what);
	}
	destroy_world(&world);
	return struck;
}

static void the_power_may_go_again_while_it_recovers(void **state)
{
	(void)state;
	/* After a crash the successor builds on what the cache shows, and then it is lost. */
	static const enum fault pairs[][2] = { { FAULT_CRASH, FAULT_CUT_LOST }, { FAULT_CUT_LOST, FAULT_CUT_KEPT },
		{ FAULT_CUT_KEPT, FAULT_CUT_LOST }, { FAULT_CUT_NAMES, FAULT_CUT_REORDERED },
		{ FAULT_CUT_REORDERED, FAULT_CUT_NAMES }, { FAULT_CUT_BYTES, FAULT_CUT_BYTES } };
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		bool struck = true, again = true;
		for (unsigned at = 1 + (exhaustive ? 0 : (unsigned)i % 5); struck; at += exhaustive ? 1 : 7) {
			for (unsigned n = 1 + (exhaustive ? 0 : at % 6); again || n < 8; n += exhaustive ? 1 : 7)
				struck = play_twice(pairs[i][0], pairs[i][1], at, n, &again);
			tell_progress("pairs", at);
		}
	}
}

static void acknowledged_snapshots_survive_an_error_of_every_operation(void **state)
{
	(void)state;
	play_all(FAULT_EIO);
	play_all(FAULT_ENOSPC);
	play_all(FAULT_SHORT);
}

/* Without a restart between: the same process goes on after the error. */
static void the_same_process_goes_on_after_an_error(void **state)
{
	(void)state;
	for (enum fault fault = FAULT_EIO; fault <= FAULT_ENOSPC; fault++) {
		bool struck = true;
		for (unsigned at = 2; struck; at += STEP) {
			struct world world;
			struct fault_plan plan = { fault, at, 0 };
			char what[64];
			snprintf(what, sizeof what, "fault %d at %u, no restart", (int)fault, at);
			create_world(&world);
			assert_int_equal(life_begin(&world.life), 0);
			life_end(&world.life);
			fault_disk_plan(world.disk, &plan);
			life_script(&world.life);
			struck = fault_disk_struck(world.disk);
			if (struck && world.life.repository)
				life_check_future(&world.life, what);
			destroy_world(&world);
			strikes_made += struck;
		}
	}
}

/* A root or a segment that cannot be read just now: an error, or what can be read, but never an older state. */
static void an_error_while_it_is_opened_hides_no_snapshot(void **state)
{
	(void)state;
	bool struck = true;
	for (unsigned at = 1; struck; at++) {
		struct world world;
		struct fault_plan plan = { FAULT_EIO, at, 0 };
		char what[64];
		snprintf(what, sizeof what, "opening, error at %u", at);
		create_world(&world);
		life_script(&world.life);
		life_end(&world.life);
		fault_disk_plan(world.disk, &plan);
		if (!life_begin(&world.life))
			life_check_acknowledged(&world.life, what);
		struck = fault_disk_struck(world.disk);
		strikes_made += struck;
		life_restart(&world.life, what);
		life_check_future(&world.life, what);
		destroy_world(&world);
	}
}

int main(int argc, char **argv)
{
	exhaustive = getenv("COFFRET_EXHAUSTIVE") != NULL;
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_acknowledges_everything_when_nothing_strikes),
		cmocka_unit_test(acknowledged_snapshots_survive_a_cut_at_every_operation),
		cmocka_unit_test(acknowledged_snapshots_survive_a_tear_at_many_bytes),
		cmocka_unit_test(the_power_may_go_again_while_it_recovers),
		cmocka_unit_test(acknowledged_snapshots_survive_an_error_of_every_operation),
		cmocka_unit_test(the_same_process_goes_on_after_an_error),
		cmocka_unit_test(an_error_while_it_is_opened_hides_no_snapshot),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	printf("%u strikes\n", strikes_made);
	return failed;
}
