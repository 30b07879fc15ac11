/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a box (tests/support/life.h), on flash, is cut at every operation of the flash below it, in every way that
 * a flash knows, a write at many bytes, and a shorter one cut twice, the second time while it recovers. After each: every
 * snapshot that was acknowledged is whole and equal bit for bit, nothing half-made is visible, room comes back, the next
 * backup works. COFFRET_EXHAUSTIVE=1 visits every unit and every pair where otherwise every few are enough.
 * An argument is a pattern of the names of tests to run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/sim/flash_sim.h"
#include "storage/bytes.h"
#include "storage/flash.h"
#include "tests/support/life.h"

#define STRIPS 3
#define OPERATIONS_LEAST 60 /* of the script */

static const struct flash_sim_geometry geometry = { .count = 46, .size = 4096 + 2 * 256, .unit = 256, .spare = 4 };

struct world {
	struct medium medium;
	struct flash *flash;
	struct life life;
};

static unsigned strikes_made;
static bool exhaustive;

static int start_flash(struct medium *medium, struct volume **volume)
{
	return flash_volume_open(volume, container_of(medium, struct world, medium)->flash, STRIPS);
}

static void end_flash(struct medium *medium, struct volume *volume)
{
	(void)medium;
	flash_volume_close(volume);
}

static void restart_flash(struct medium *medium)
{
	flash_sim_restart(container_of(medium, struct world, medium)->flash);
}

/* A unit in a strip of data: 13 is the kind of LEB, 55 the highest byte of the segment's id, 56 the length. */
static void rot_flash(struct medium *medium)
{
	struct flash *flash = container_of(medium, struct world, medium)->flash;
	for (uint32_t leb = 0; leb < flash->count; leb++) {
		const uint8_t *head = flash_sim_bytes(flash, leb);
		if (head && head[13] == 2 && head[55] == 0 && get32(head + 56) > 4 * flash->unit) {
			flash_sim_spoil(flash, leb, 3 * flash->unit);
			return;
		}
	}
}

static void cut_flash(struct medium *medium)
{
	const struct flash_sim_plan plan = { .fault = FLASH_CUT_BEFORE, .at = 1 };
	flash_sim_plan(container_of(medium, struct world, medium)->flash, &plan);
}

static void create_world(struct world *world)
{
	*world = (struct world){ .medium = { start_flash, end_flash, restart_flash, rot_flash, cut_flash } };
	world->life.medium = &world->medium;
	assert_int_equal(flash_sim_open(&world->flash, NULL, &geometry), 0);
}

static void destroy_world(struct world *world)
{
	life_destroy(&world->life);
	if (flash_sim_misuses(world->flash))
		fail_msg("%u units were written twice or out of order", flash_sim_misuses(world->flash));
	flash_sim_close(world->flash);
}

/* One life of a box, struck once. False where the script ended before the strike. */
static bool play(const struct flash_sim_plan *plan, uint32_t *struck_size)
{
	struct world world;
	char what[80];
	snprintf(
		what, sizeof what, "fault %d at %u, tear %u, %u reads", (int)plan->fault, plan->at, plan->tear, plan->reads);
	create_world(&world);
	flash_sim_plan(world.flash, plan);
	life_script(&world.life);
	bool struck = flash_sim_struck(world.flash);
	*struck_size = flash_sim_struck_size(world.flash);
	if (struck) {
		strikes_made++;
		life_restart(&world.life, what);
		life_check_future(&world.life, what);
	}
	destroy_world(&world);
	return struck;
}

/* Every operation; where there is little time every `step`th. */
static void play_all(struct flash_sim_plan plan, unsigned step)
{
	uint32_t size;
	for (plan.at = 1 + (exhaustive ? 0 : plan.reads % step); play(&plan, &size);)
		plan.at += exhaustive ? 1 : step;
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
	for (enum flash_fault fault = FLASH_CUT_BEFORE; fault < FLASH_FAULT_COUNT; fault++)
		play_all((struct flash_sim_plan){ .fault = fault }, 1);
}

static void acknowledged_snapshots_survive_a_tear_at_many_units(void **state)
{
	(void)state;
	for (enum flash_fault fault = FLASH_CUT_TORN; fault <= FLASH_CUT_WEAK; fault++) {
		struct flash_sim_plan plan = { fault, 1, 0, 3 };
		for (uint32_t size; play(&plan, &size); plan.at++) {
			uint32_t step = (exhaustive ? 1 : fault == FLASH_CUT_TORN ? 7 : 13) * geometry.unit;
			for (plan.tear = 1 + plan.at % 4 * geometry.unit; plan.tear < size; plan.tear += step)
				play(&plan, &size);
			plan.tear = 0;
		}
		assert_true(plan.at > OPERATIONS_LEAST);
	}
}

/* The strip's very last unit was being written: the strip seems whole so many times as it is looked at. */
static void what_reads_well_for_a_while_is_not_built_upon(void **state)
{
	(void)state;
	for (unsigned reads = 1; reads <= 12; reads++)
		play_all((struct flash_sim_plan){ FLASH_CUT_UNSTABLE, 1, UINT32_MAX, reads }, 7);
}

static void acknowledged_snapshots_survive_an_error_of_every_operation(void **state)
{
	(void)state;
	play_all((struct flash_sim_plan){ .fault = FLASH_FAULT_EIO }, 2);
	play_all((struct flash_sim_plan){ .fault = FLASH_FAULT_EBADMSG }, 2);
}

/* Struck, restarted, struck again in the life that recovers. False where the script ended before the first strike. */
static bool play_twice(enum flash_fault fault, unsigned at, unsigned again, bool *struck_again)
{
	struct world world;
	struct flash_sim_plan first = { fault, at, UINT32_MAX, 3 }, second = { fault, again, 700, 2 };
	char what[80];
	snprintf(what, sizeof what, "fault %d at %u, then at %u", (int)fault, at, again);
	create_world(&world);
	flash_sim_plan(world.flash, &first);
	life_short_script(&world.life);
	bool struck = flash_sim_struck(world.flash);
	life_end(&world.life);
	flash_sim_restart(world.flash);
	flash_sim_plan(world.flash, &second);
	life_recover(&world.life);
	*struck_again = struck && flash_sim_struck(world.flash);
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
	static const enum flash_fault faults[] = { FLASH_CUT_TORN, FLASH_CUT_UNSTABLE, FLASH_CUT_BACK, FLASH_CUT_HALF };
	for (unsigned i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		bool struck = true, again = true;
		for (unsigned at = 1 + (exhaustive ? 0 : i % 3); struck; at += exhaustive ? 1 : 4)
			for (unsigned n = 1 + (exhaustive ? 0 : at % 3); again || n < 6; n += exhaustive ? 1 : 4)
				struck = play_twice(faults[i], at, n, &again);
	}
}

/* ---- an erase block is lost, too ---- */

/* 0 data, 1 superblock, 2 root, 3 state; or -1: no strip. */
static int kind_of(struct flash *flash, uint32_t leb)
{
	const uint8_t *head = flash_sim_bytes(flash, leb);
	return head && !memcmp(head, "CofFlash", 8) && head[13] == 2 ? (int)(get64(head + 48) >> 56) : -1;
}

/* Just after `told` things were acknowledged the power goes, and with it this LEB. False where the script ends before. */
static bool lose_after(unsigned told, uint32_t leb)
{
	struct world world;
	char what[64];
	snprintf(what, sizeof what, "LEB %u lost after acknowledgement %u", leb, told);
	create_world(&world);
	world.medium.rot = NULL; /* a bad unit beside a lost LEB may be one too many */
	world.life.cut_after = told;
	life_script(&world.life);
	bool struck = world.life.acknowledged >= told;
	int kind = kind_of(world.flash, leb);
	if (struck && kind >= 0) {
		strikes_made++;
		flash_sim_lose(world.flash, leb);
		if (kind == 3)
			world.life.state = 0; /* one of any generation of a state record is one copy: the one before counts */
		life_restart(&world.life, what);
		life_check_future(&world.life, what);
	}
	destroy_world(&world);
	return struck;
}

static void any_leb_may_be_lost_right_after_an_acknowledgement(void **state)
{
	(void)state;
	unsigned told = 1;
	for (; lose_after(told, 0); told++)
		for (uint32_t leb = exhaustive ? 1 : 1 + told % 2; leb < geometry.count; leb += exhaustive ? 1 : 2)
			lose_after(told, leb);
	assert_int_equal(told, LIFE_SCRIPT_ACKNOWLEDGES + 1);
}

struct ids {
	uint64_t list[LIFE_SAMPLES + 2];
	int count;
};

static struct ids ids_of(struct life *life)
{
	struct snapshot_info list[LIFE_SAMPLES + 2];
	struct ids ids = { .count = snapshot_list(life->repository, list, LIFE_SAMPLES + 2) };
	for (int i = 0; i < ids.count; i++)
		ids.list[i] = list[i].id;
	return ids;
}

static void lose_newest_root(struct flash *flash)
{
	uint32_t newest = 0;
	uint64_t id = 0;
	for (uint32_t leb = 0; leb < flash->count; leb++)
		if (kind_of(flash, leb) == 2 && get64(flash_sim_bytes(flash, leb) + 48) > id)
			id = get64(flash_sim_bytes(flash, newest = leb) + 48);
	assert_true(id > 0);
	flash_sim_lose(flash, newest);
}

/* A cut may leave what nobody was told of. Once a life has shown it, it stays, whatever LEB is lost then. */
static void what_was_shown_after_a_cut_stays_though_a_root_is_lost(void **state)
{
	(void)state;
	struct flash_sim_plan plan = { .fault = FLASH_CUT_AFTER, .at = 8 }; /* 1 to 7 make the repository */
	for (bool struck = true; struck; plan.at++) {
		struct world world;
		char what[64];
		snprintf(what, sizeof what, "newest root lost after a cut at %u", plan.at);
		create_world(&world);
		flash_sim_plan(world.flash, &plan);
		life_script(&world.life);
		struck = flash_sim_struck(world.flash);
		strikes_made += struck;
		life_restart(&world.life, what);
		struct ids before = ids_of(&world.life);
		life_end(&world.life);
		lose_newest_root(world.flash);
		life_restart(&world.life, what);
		struct ids after = ids_of(&world.life);
		if (after.count != before.count || memcmp(after.list, before.list, sizeof *after.list * (size_t)after.count))
			fail_msg("%s: %d snapshots were shown, and now %d", what, before.count, after.count);
		life_check_future(&world.life, what);
		destroy_world(&world);
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
		assert_int_equal(life_begin(&world.life), 0);
		assert_int_equal(life_store(&world.life, 1, true), 0);
		flash_sim_plan(world.flash, &plan);
		life_store(&world.life, 2, true);
		struck = flash_sim_struck(world.flash);
		strikes_made += struck;
		life_end(&world.life);
		assert_int_equal(life_begin(&world.life), 0);
		life_check(&world.life, "read-only");
		assert_int_equal(repository_status(world.life.repository, &status), 0);
		assert_int_equal(status.read_only, struck);
		if (struck)
			assert_int_equal(life_store(&world.life, 3, false), -EROFS);
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
		cmocka_unit_test(acknowledged_snapshots_survive_a_tear_at_many_units),
		cmocka_unit_test(what_reads_well_for_a_while_is_not_built_upon),
		cmocka_unit_test(acknowledged_snapshots_survive_an_error_of_every_operation),
		cmocka_unit_test(the_power_may_go_again_while_it_recovers),
		cmocka_unit_test(any_leb_may_be_lost_right_after_an_acknowledgement),
		cmocka_unit_test(what_was_shown_after_a_cut_stays_though_a_root_is_lost),
		cmocka_unit_test(a_flash_that_can_only_be_read_keeps_what_it_has),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	printf("%u strikes\n", strikes_made);
	return failed;
}
