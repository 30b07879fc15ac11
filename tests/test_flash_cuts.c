/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script of everything a repository does, on flash, is cut at every operation of the flash below it, in every way that
 * a flash knows, a write at many bytes. After each: every snapshot that was acknowledged is whole and equal bit for bit,
 * nothing half-made is visible, the next backup works, and the power may go again at any operation of the recovery. What
 * was acknowledged is noted here, outside the flash.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/sim/flash_sim.h"
#include "storage/flash.h"
#include "tests/support/sample.h"

#define STRIPS 2
#define SAMPLES 5

static const struct flash_sim_geometry geometry = { .count = 72, .size = 4096 + 2 * 256, .unit = 256, .spare = 4 };

static const struct sample samples[SAMPLES] = {
	{ .seed = 1, .streams = 2, .chunks = 14, .shared = 8, .chunk_size = 500 },
	{ .seed = 2, .streams = 2, .chunks = 14, .shared = 8, .chunk_size = 500 },
	{ .seed = 3, .streams = 2, .chunks = 14, .shared = 8, .chunk_size = 500 },
	{ .seed = 4, .streams = 2, .chunks = 14, .shared = 8, .chunk_size = 500 }, /* the backup after the fault */
	{ .seed = 1, .streams = 2, .chunks = 14, .shared = 8, .chunk_size = 500 }, /* and what was removed, once more */
};

struct world {
	struct flash *flash;
	struct volume *volume;
	struct repository *repository;
	uint64_t ids[SAMPLES];      /* of acknowledged snapshots; 0: not (yet) there */
	bool removing[SAMPLES];     /* asked to go: may be there or not */
	uint8_t state, state_asked; /* the record that was acknowledged last, and asked for last */
};

static unsigned strikes_made;

static void create_world(struct world *world)
{
	*world = (struct world){ .flash = NULL };
	assert_int_equal(flash_sim_open(&world->flash, NULL, &geometry), 0);
}

static void end_life(struct world *world)
{
	repository_close(world->repository);
	flash_volume_close(world->volume);
	world->repository = NULL;
	world->volume = NULL;
}

static void destroy_world(struct world *world)
{
	end_life(world);
	if (flash_sim_misuses(world->flash))
		fail_msg("%u units were written twice or out of order", flash_sim_misuses(world->flash));
	flash_sim_close(world->flash);
}

/* A life begins. Its errors are those of a flash that went down in it. */
static int begin_life(struct world *world)
{
	int error = flash_volume_open(&world->volume, world->flash, STRIPS);
	if (error)
		world->volume = NULL;
	else if ((error = sample_open(&world->repository, world->volume)))
		world->repository = NULL;
	return error;
}

static int store(struct world *world, unsigned i, bool verified)
{
	return sample_store(world->repository, &samples[i], verified, &world->ids[i]);
}

static void write_state(struct world *world, uint8_t value)
{
	world->state_asked = value;
	if (!repository_state_write(world->repository, "journal", &value, 1))
		world->state = value;
}

/* Goes on after errors as the agent does: the next night is another try. */
static void run_script(struct world *world)
{
	uint64_t freed;
	char recovery[64];
	if (begin_life(world))
		return;
	store(world, 0, true);
	store(world, 1, false);
	if (world->ids[0]) {
		world->removing[0] = true;
		if (!snapshot_remove(world->repository, world->ids[0]))
			world->ids[0] = 0;
	}
	repository_clean(world->repository, &freed);
	for (uint8_t value = 1; value < 4; value++)
		write_state(world, value);
	if (world->ids[1])
		snapshot_set_flags(world->repository, world->ids[1], SNAPSHOT_PINNED, 0);
	store(world, 2, true);
	repository_renew_recovery(world->repository, recovery);
	write_state(world, 4);
}

/* ---- what must be so ---- */

/* By its id, or, where it was never acknowledged, by what is in it. */
static int compare_visible(const struct world *world, uint64_t id)
{
	for (int i = 0; i < SAMPLES; i++)
		if (world->ids[i] == id)
			return sample_compare(world->repository, &samples[i], id);
	for (int i = 0; i < SAMPLES; i++)
		if (sample_compare(world->repository, &samples[i], id) == 0)
			return 0;
	return -EILSEQ;
}

static void check_visible(const struct world *world, const char *what)
{
	struct snapshot_info list[SAMPLES + 2];
	int count = snapshot_list(world->repository, list, SAMPLES + 2);
	if (count > SAMPLES + 1)
		fail_msg("%s: %d snapshots are visible", what, count);
	for (int i = 0; i < count; i++) {
		int result = compare_visible(world, list[i].id);
		if (result)
			fail_msg("%s: visible snapshot %d is not whole: %d", what, i, result);
	}
}

static void check_acknowledged(const struct world *world, const char *what)
{
	for (int i = 0; i < SAMPLES; i++) {
		struct snapshot_info info;
		int result = world->ids[i] ? snapshot_find(world->repository, world->ids[i], &info) : 0;
		if (result && !(result == -ENOENT && world->removing[i]))
			fail_msg("%s: acknowledged snapshot %d: %d", what, i, result);
	}
}

static void check_state(const struct world *world, const char *what)
{
	uint8_t value = 0;
	int length = repository_state_read(world->repository, "journal", &value, 1);
	if (length != 1 && !(length == -ENOENT && !world->state) && !(length == -EBADMSG && !world->state))
		fail_msg("%s: state: %d", what, length);
	if (value < world->state || value > world->state_asked)
		fail_msg("%s: state is %d, acknowledged %d", what, value, world->state);
}

static void note_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

/* What cannot be opened at the first try must be at the second: a unit that read well once may do so in the wrong moment. */
static void reopen(struct world *world, const char *what)
{
	end_life(world);
	flash_sim_restart(world->flash);
	int error = begin_life(world);
	if (error == -EBADMSG) {
		end_life(world);
		error = begin_life(world);
	}
	if (error)
		fail_msg("%s: cannot be opened: %d", what, error);
}

static void check_whole(struct world *world, const char *what)
{
	unsigned damage = 0;
	check_acknowledged(world, what);
	check_state(world, what);
	check_visible(world, what);
	int error = repository_verify(world->repository, 0, true, note_damage, &damage, NULL);
	if (error || damage)
		fail_msg("%s: verify: %d, %u damaged", what, error, damage);
}

static void check_world(struct world *world, const char *what)
{
	uint64_t freed;
	int error = 0;
	check_whole(world, what);
	for (unsigned i = 3; i < SAMPLES && !error; i++)
		error = store(world, i, true);
	if (error)
		fail_msg("%s: the next backup fails: %d", what, error);
	reopen(world, what);
	check_whole(world, what);
	error = repository_clean(world->repository, &freed);
	if (error)
		fail_msg("%s: cleaning: %d", what, error);
	reopen(world, what);
	check_whole(world, what);
}

/* ---- strikes ---- */

static void say(char *what, size_t size, const struct flash_sim_plan *plan)
{
	snprintf(what, size, "fault %d at %u, tear %u, %u reads", (int)plan->fault, plan->at, plan->tear, plan->reads);
}

/* One life of a box, struck once. False where the script ended before the strike. */
static bool play(const struct flash_sim_plan *plan, uint32_t *struck_size)
{
	struct world world;
	char what[80];
	say(what, sizeof what, plan);
	create_world(&world);
	flash_sim_plan(world.flash, plan);
	run_script(&world);
	bool struck = flash_sim_struck(world.flash);
	*struck_size = flash_sim_struck_size(world.flash);
	if (struck) {
		strikes_made++;
		reopen(&world, what);
		check_world(&world, what);
	}
	destroy_world(&world);
	return struck;
}

static void play_all(enum flash_fault fault, unsigned reads)
{
	uint32_t size;
	struct flash_sim_plan plan = { fault, 1, 0, reads };
	while (play(&plan, &size))
		plan.at++;
	if (plan.at <= 35)
		fail_msg("only %u operations", plan.at);
}

static void the_script_acknowledges_everything_when_nothing_strikes(void **state)
{
	(void)state;
	struct world world;
	create_world(&world);
	run_script(&world);
	assert_int_equal(world.ids[0], 0);
	assert_true(world.ids[1] && world.ids[2] && world.removing[0]);
	assert_int_equal(world.state, 4);
	check_world(&world, "no fault");
	destroy_world(&world);
}

static void acknowledged_snapshots_survive_a_cut_at_every_operation(void **state)
{
	(void)state;
	for (enum flash_fault fault = FLASH_CUT_BEFORE; fault < FLASH_FAULT_COUNT; fault++)
		play_all(fault, 0);
}

static void acknowledged_snapshots_survive_a_tear_at_every_unit(void **state)
{
	(void)state;
	for (enum flash_fault fault = FLASH_CUT_TORN; fault <= FLASH_CUT_WEAK; fault++) {
		struct flash_sim_plan plan = { fault, 1, 0, 3 };
		for (uint32_t size; play(&plan, &size); plan.at++) {
			for (plan.tear = 1; plan.tear < size;
				 plan.tear += fault == FLASH_CUT_TORN ? geometry.unit : 4 * geometry.unit)
				play(&plan, &size);
			plan.tear = 0;
		}
		if (plan.at <= 35)
			fail_msg("only %u operations", plan.at);
	}
}

/* The strip's very last unit was being written: the strip seems whole so many times as it is looked at. */
static void what_reads_well_for_a_while_is_not_built_upon(void **state)
{
	(void)state;
	for (unsigned reads = 1; reads <= 12; reads++) {
		struct flash_sim_plan plan = { FLASH_CUT_UNSTABLE, 1, UINT32_MAX, reads };
		uint32_t size;
		while (play(&plan, &size))
			plan.at++;
		if (plan.at <= 35)
			fail_msg("only %u operations", plan.at);
	}
}

static void acknowledged_snapshots_survive_an_error_of_every_operation(void **state)
{
	(void)state;
	play_all(FLASH_FAULT_EIO, 0);
	play_all(FLASH_FAULT_EBADMSG, 0);
}

/* The second cut is in the life that recovers from the first. */
static void the_power_may_go_again_while_it_recovers(void **state)
{
	(void)state;
	static const enum flash_fault faults[] = { FLASH_CUT_TORN, FLASH_CUT_UNSTABLE, FLASH_CUT_BACK, FLASH_CUT_HALF };
	for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
		bool struck = true;
		for (unsigned at = 1; struck; at += 3) {
			for (unsigned again = 1;; again += 2) {
				struct world world;
				struct flash_sim_plan first = { faults[f], at, UINT32_MAX, 3 }, second = { faults[f], again, 700, 2 };
				char what[80];
				snprintf(what, sizeof what, "fault %d at %u, then at %u", (int)faults[f], at, again);
				create_world(&world);
				flash_sim_plan(world.flash, &first);
				run_script(&world);
				struck = flash_sim_struck(world.flash);
				end_life(&world);
				flash_sim_restart(world.flash);
				flash_sim_plan(world.flash, &second);
				if (!begin_life(&world)) {
					store(&world, 3, false);
					write_state(&world, 5);
				}
				bool struck_again = struck && flash_sim_struck(world.flash);
				if (struck_again) {
					strikes_made += 2;
					reopen(&world, what);
					check_world(&world, what);
				}
				destroy_world(&world);
				if (!struck_again)
					break;
			}
		}
	}
}

/* UBI gives up: what is there can be read, and everything else says so. */
static void a_flash_that_can_only_be_read_keeps_what_it_has(void **state)
{
	(void)state;
	bool struck = true;
	for (unsigned at = 1; struck; at++) {
		struct world world;
		struct flash_sim_plan plan = { FLASH_FAULT_READ_ONLY, at, 0, 0 };
		struct repository_status status;
		create_world(&world);
		assert_int_equal(begin_life(&world), 0);
		assert_int_equal(store(&world, 1, true), 0);
		flash_sim_plan(world.flash, &plan);
		store(&world, 2, true);
		struck = flash_sim_struck(world.flash);
		strikes_made += struck;
		end_life(&world);
		assert_int_equal(begin_life(&world), 0);
		check_acknowledged(&world, "read-only");
		check_visible(&world, "read-only");
		assert_int_equal(repository_status(world.repository, &status), 0);
		assert_int_equal(status.read_only, struck);
		if (struck)
			assert_int_equal(store(&world, 3, false), -EROFS);
		destroy_world(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_acknowledges_everything_when_nothing_strikes),
		cmocka_unit_test(acknowledged_snapshots_survive_a_cut_at_every_operation),
		cmocka_unit_test(acknowledged_snapshots_survive_a_tear_at_every_unit),
		cmocka_unit_test(what_reads_well_for_a_while_is_not_built_upon),
		cmocka_unit_test(acknowledged_snapshots_survive_an_error_of_every_operation),
		cmocka_unit_test(the_power_may_go_again_while_it_recovers),
		cmocka_unit_test(a_flash_that_can_only_be_read_keeps_what_it_has),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	printf("%u strikes\n", strikes_made);
	return failed;
}
