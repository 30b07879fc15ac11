/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A script of everything a repository does is struck at every operation of the disk below it, in every way that a disk
 * knows. After each: every snapshot that was acknowledged is whole and equal bit for bit, nothing half-made is visible,
 * and the next backup works. What was acknowledged is noted here, outside the disk.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/disk.h"
#include "storage/retention.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

#define SEGMENT_SIZE (8u * 1024)
#define SAMPLES 5

static const struct sample samples[SAMPLES] = {
	{ .seed = 1, .streams = 2, .chunks = 14, .shared = 5, .chunk_size = 500 },
	{ .seed = 2, .streams = 2, .chunks = 14, .shared = 5, .chunk_size = 500 },
	{ .seed = 3, .streams = 2, .chunks = 14, .shared = 5, .chunk_size = 500 },
	{ .seed = 4, .streams = 2, .chunks = 14, .shared = 5, .chunk_size = 500 },
	{ .seed = 5, .streams = 2, .chunks = 14, .shared = 5, .chunk_size = 500 }, /* the backup after the fault */
};

struct world {
	struct fault_disk *disk;
	struct volume *volume;
	struct repository *repository;
	uint64_t ids[SAMPLES];      /* of acknowledged snapshots; 0: not (yet) there */
	bool removing[SAMPLES];     /* asked to go: may be there or not */
	uint64_t copied;            /* by cleaning */
	uint8_t state, state_asked; /* the record that was acknowledged last, and asked for last */
};

static unsigned strikes_made;

static void create_world(struct world *world)
{
	*world = (struct world){ .disk = fault_disk_create(4u << 20) };
	assert_int_equal(disk_volume_open(&world->volume, fault_disk_disk(world->disk), SEGMENT_SIZE), 0);
}

static void destroy_world(struct world *world)
{
	repository_close(world->repository);
	disk_volume_close(world->volume);
	fault_disk_destroy(world->disk);
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

static void remove_night(struct world *world, unsigned i)
{
	world->removing[i] = true;
	if (!snapshot_remove(world->repository, world->ids[i]))
		world->ids[i] = 0;
}

/* Keeps the newest, and what is pinned. */
static void retain(struct world *world)
{
	static const struct retention_policy policy = { .keep_last = 0 };
	struct snapshot_info list[SAMPLES + 2];
	enum retention_why why[SAMPLES + 2];
	int count = snapshot_list(world->repository, list, SAMPLES + 2);
	if (count > SAMPLES + 1 || retention_decide(list, (size_t)count, &policy, 1000, why))
		fail_msg("%d snapshots cannot be decided about", count);
	for (unsigned i = 0; i < SAMPLES; i++)
		for (int j = 0; j < count && world->ids[i]; j++)
			if (list[j].id == world->ids[i] && why[j] == RETENTION_GOES)
				remove_night(world, i);
}

static void compact(struct world *world)
{
	const struct compact_limits limits = { .copy_max = UINT64_MAX };
	struct compact_result result;
	repository_compact(world->repository, &limits, &result);
	world->copied += result.copied;
}

/* Goes on after errors as the agent does: the next night is another try. */
static void run_script(struct world *world)
{
	int error = sample_open(&world->repository, world->volume);
	if (error) {
		world->repository = NULL;
		return;
	}
	store(world, 0, true);
	store(world, 1, false);
	if (world->ids[0])
		remove_night(world, 0);
	uint64_t freed;
	repository_clean(world->repository, &freed);
	write_state(world, 1);
	if (world->ids[1])
		snapshot_set_flags(world->repository, world->ids[1], SNAPSHOT_PINNED, 0);
	store(world, 2, true);
	store(world, 3, true);
	retain(world);
	compact(world);
	write_state(world, 2);
}

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

static void reopen(struct world *world, const char *what)
{
	repository_close(world->repository);
	world->repository = NULL;
	fault_disk_restart(world->disk);
	int error = sample_open(&world->repository, world->volume);
	if (error)
		fail_msg("%s: cannot be opened: %d", what, error);
}

static void check_world(struct world *world, const char *what)
{
	unsigned damage = 0;
	check_acknowledged(world, what);
	check_state(world, what);
	check_visible(world, what);
	int error = store(world, SAMPLES - 1, true);
	if (error)
		fail_msg("%s: the next backup fails: %d", what, error);
	reopen(world, what);
	check_acknowledged(world, what);
	error = repository_verify(world->repository, 0, true, note_damage, &damage, NULL);
	if (error || damage)
		fail_msg("%s: verify: %d, %u damaged", what, error, damage);
}

/* One life of a box, struck once. False where the script ended before the strike. */
static bool play(const struct fault_plan *plan, uint32_t *struck_size)
{
	struct world world;
	char what[64];
	snprintf(what, sizeof what, "fault %d at %u, tear %u", plan->fault, plan->at, plan->tear);
	create_world(&world);
	fault_disk_plan(world.disk, plan);
	run_script(&world);
	bool struck = fault_disk_struck(world.disk);
	*struck_size = fault_disk_struck_size(world.disk);
	if (struck) {
		strikes_made++;
		reopen(&world, what);
		check_world(&world, what);
	}
	destroy_world(&world);
	return struck;
}

static void play_all(enum fault fault)
{
	uint32_t size;
	struct fault_plan plan = { fault, 1, 0 };
	while (play(&plan, &size))
		plan.at++;
	assert_true(plan.at > 40);
}

static void the_script_acknowledges_everything_when_nothing_strikes(void **state)
{
	(void)state;
	struct world world;
	create_world(&world);
	run_script(&world);
	assert_true(!world.ids[0] && !world.ids[2] && world.removing[0] && world.removing[2]);
	assert_true(world.ids[1] && world.ids[3] && world.copied > 0);
	check_world(&world, "no fault");
	destroy_world(&world);
}

static void acknowledged_snapshots_survive_a_cut_at_every_operation(void **state)
{
	(void)state;
	for (enum fault fault = FAULT_PULLED; fault <= FAULT_CUT_BYTES; fault++)
		play_all(fault);
}

static void acknowledged_snapshots_survive_a_tear_at_many_bytes(void **state)
{
	(void)state;
	struct fault_plan plan = { FAULT_CUT_KEPT, 1, 0 };
	for (uint32_t size; play(&plan, &size); plan.at++)
		for (plan.tear = 1; plan.tear < size; plan.tear += plan.tear < 200 ? 61 : size / 3)
			play(&plan, &size);
	assert_true(plan.at > 40);
}

/* The process dies, its successor builds on what the cache shows, then the power goes. */
static void what_a_crash_left_in_the_cache_is_not_built_upon(void **state)
{
	(void)state;
	for (unsigned at = 1;; at++) {
		struct world world;
		struct fault_plan crash = { FAULT_CRASH, at, 0 }, cut = { FAULT_CUT_LOST, 0, 0 };
		char what[64];
		snprintf(what, sizeof what, "crash at %u, then a cut", at);
		create_world(&world);
		fault_disk_plan(world.disk, &crash);
		run_script(&world);
		bool struck = fault_disk_struck(world.disk);
		if (struck) {
			strikes_made++;
			reopen(&world, what);
			store(&world, 2, false);
			fault_disk_plan(world.disk, &cut);
			reopen(&world, what);
			check_world(&world, what);
		}
		destroy_world(&world);
		if (!struck)
			break;
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
		for (unsigned at = 1;; at++) {
			struct world world;
			struct fault_plan plan = { fault, at, 0 };
			char what[64];
			snprintf(what, sizeof what, "fault %d at %u, no restart", (int)fault, at);
			create_world(&world);
			assert_int_equal(sample_open(&world.repository, world.volume), 0);
			repository_close(world.repository);
			fault_disk_plan(world.disk, &plan);
			run_script(&world);
			bool struck = fault_disk_struck(world.disk);
			if (struck && world.repository)
				check_world(&world, what);
			destroy_world(&world);
			if (!struck)
				break;
			strikes_made++;
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
		run_script(&world);
		repository_close(world.repository);
		world.repository = NULL;
		fault_disk_plan(world.disk, &plan);
		if (sample_open(&world.repository, world.volume))
			world.repository = NULL;
		else
			check_acknowledged(&world, what);
		struck = fault_disk_struck(world.disk);
		strikes_made += struck;
		reopen(&world, what);
		check_world(&world, what);
		destroy_world(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_acknowledges_everything_when_nothing_strikes),
		cmocka_unit_test(acknowledged_snapshots_survive_a_cut_at_every_operation),
		cmocka_unit_test(acknowledged_snapshots_survive_a_tear_at_many_bytes),
		cmocka_unit_test(what_a_crash_left_in_the_cache_is_not_built_upon),
		cmocka_unit_test(acknowledged_snapshots_survive_an_error_of_every_operation),
		cmocka_unit_test(the_same_process_goes_on_after_an_error),
		cmocka_unit_test(an_error_while_it_is_opened_hides_no_snapshot),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	printf("%u strikes\n", strikes_made);
	return failed;
}
