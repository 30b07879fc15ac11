/* SPDX-License-Identifier: Apache-2.0 */
/* The store is read in the background, in parts: what is damaged is found, said, and healed by the next backup. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/config/config.h"
#include "agent/snapshot/stored.h"
#include "agent/upkeep/damage.h"
#include "agent/upkeep/scrub.h"
#include "storage/disk.h"
#include "storage/segment.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/fake_engine.h"
#include "tests/support/sample.h"

#define SEGMENT_SIZE (8u * 1024)

static const struct sample samples[3] = {
	{ .seed = 2, .streams = 2, .chunks = 30, .shared = 12, .chunk_size = 700 },
	{ .seed = 3, .streams = 2, .chunks = 30, .shared = 12, .chunk_size = 700 },
	{ .seed = 4, .streams = 2, .chunks = 30, .shared = 12, .chunk_size = 700 },
};

static struct fault_disk *disk;
static struct volume *volume;
static struct repository *repository;
static struct config config;
static struct job_report report;
static uint64_t ids[3];
static bool waits;

static void open_repository(void)
{
	struct repository_settings settings = sample_settings();
	settings.now = fake_box_now;
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
}

static int set_up(void **state)
{
	(void)state;
	struct repository_settings settings = sample_settings();
	char recovery[64];
	fake_box_time = 100 * BOX_DAY;
	waits = false;
	config.scrub_days = 10;
	disk = fault_disk_create(4 << 20);
	assert_int_equal(disk_volume_open(&volume, fault_disk_disk(disk), SEGMENT_SIZE), 0);
	settings.without_parity = true; /* what is found, and what becomes of it: tests/test_parity.c heals it */
	assert_int_equal(repository_create(volume, &settings, &sample_secret, recovery), 0);
	open_repository();
	for (int i = 0; i < 2; i++)
		assert_int_equal(sample_store(repository, &samples[i], true, &ids[i]), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	repository_close(repository);
	disk_volume_close(volume);
	fault_disk_destroy(disk);
	return 0;
}

static bool is_waited_for(void *engine)
{
	(void)engine;
	return waits;
}

static struct job_context make_context(void)
{
	struct job_context context = fake_engine_context(repository, &config);
	context.waited_for = is_waited_for;
	return context;
}

static enum job_state scrub(void)
{
	struct job_context context = make_context();
	struct job_request request = { .kind = JOB_SCRUB };
	memset(&report, 0, sizeof(report));
	return scrub_run(&context, &request, &report);
}

static bool verified(int i)
{
	struct snapshot_info info;
	assert_int_equal(snapshot_find(repository, ids[i], &info), 0);
	return info.flags & SNAPSHOT_VERIFIED;
}

static int store_checked(int i)
{
	struct job_context context = make_context();
	scrub_tell(&context);
	return sample_store(repository, &samples[i], true, &ids[i]);
}

/* Day by day to the end of a walk; how many days. */
static int walk(void)
{
	int days = 1;
	for (; scrub() == JOB_DONE && !strstr(report.outcomes[0].sentence, "begins anew") && days < 20; days++)
		fake_box_time += BOX_DAY;
	if (!strstr(report.outcomes[0].sentence, "begins anew"))
		fail_msg("day %d: %s", days, report.outcomes[0].sentence);
	return days;
}

/* ---- flips ---- */

struct flip {
	const char *name; /* beginning */
	uint32_t at;
	unsigned done;
};

static int flip(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	struct flip *flip = arg;
	if (strncmp(name, flip->name, strlen(flip->name)) != 0 || flip->at >= size)
		return 0;
	bytes[flip->at] ^= 4;
	flip->done++;
	return 1;
}

static bool flip_byte(unsigned segment, uint32_t at)
{
	char name[24];
	snprintf(name, sizeof(name), "%016x", segment);
	struct flip one = { .name = name, .at = at };
	fault_disk_each(disk, flip, &one);
	return one.done;
}

/* ---- in the storage ---- */

static void a_walk_in_parts_reads_each_segment_once(void **state)
{
	(void)state;
	struct scrub_limits limits = { .segments_max = 3 };
	struct scrub_result result = { .ended = false };
	struct repository_status status;
	uint64_t position = 0, before, total = 0;
	assert_int_equal(repository_status(repository, &status), 0);
	assert_true(status.segments > 6);
	while (!result.ended) {
		before = position;
		assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
		assert_true(result.segments <= 3 && (result.ended || position > before));
		total += result.segments;
	}
	assert_int_equal(total, status.segments);
	assert_int_equal(position, 0);
	limits.segments_max = UINT64_MAX;
	assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
	assert_true(result.ended && result.segments == status.segments && result.damaged == 0);
}

/* Everywhere in a segment: heads, sealed bytes, contents, trailer. Only its own head is not needed to read the rest. */
static void damage_anywhere_is_found(void **state)
{
	(void)state;
	struct scrub_limits limits = { .segments_max = UINT64_MAX };
	struct scrub_result result;
	unsigned found = 0, harmless = 0;
	for (unsigned segment = 1; segment < 4; segment++) {
		for (uint32_t at = SEGMENT_HEAD_SIZE; flip_byte(segment, at); at += 37) {
			uint64_t position = 0;
			assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
			found += result.damaged > 0;
			harmless += result.damaged == 0;
			assert_true(flip_byte(segment, at)); /* back again */
			repository_close(repository);
			open_repository();
		}
	}
	/* Zeros of a trailer, and heads of records that their entry in the contents stands for. */
	print_message("%u found, %u harmless\n", found, harmless);
	assert_true(found > 300 && harmless < found / 2);
}

static void what_is_found_damaged_is_stored_again_and_heals_older_snapshots(void **state)
{
	(void)state;
	struct scrub_limits limits = { .segments_max = UINT64_MAX };
	struct scrub_result result;
	uint64_t position = 0;
	assert_true(flip_byte(1, SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5));
	assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
	assert_int_equal(result.damaged, 1);
	assert_int_equal(sample_store(repository, &samples[0], true, &ids[2]), 0);
	assert_int_equal(sample_compare(repository, &samples[0], ids[0]), 0);
	assert_int_equal(sample_compare(repository, &samples[0], ids[2]), 0);
}

/* The index forgets what was damaged; where it was is written down. */
static void what_was_found_damaged_is_not_built_upon_after_a_restart(void **state)
{
	(void)state;
	struct scrub_limits limits = { .segments_max = UINT64_MAX };
	struct scrub_result result;
	uint64_t position = 0;
	assert_true(flip_byte(1, SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5));
	assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
	assert_int_equal(result.damaged, 1);
	assert_int_equal(repository_keep_suspects(repository), 0);
	repository_close(repository);
	open_repository();
	assert_int_equal(sample_store(repository, &samples[0], true, &ids[2]), 0);
	assert_int_equal(sample_compare(repository, &samples[0], ids[0]), 0);
	assert_int_equal(sample_compare(repository, &samples[0], ids[2]), 0);
	/* Read again and whole, for there is a copy: nothing is suspect any more, and that is written down, too. */
	position = 0;
	assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
	assert_int_equal(result.damaged, 0);
	assert_int_equal(repository_keep_suspects(repository), 0);
	uint8_t kept[512];
	assert_int_equal(repository_state_read(repository, "suspects", kept, sizeof(kept)), 0);
}

/* ---- the story ---- */

static void a_walk_takes_half_the_period_goes_on_after_a_restart_and_verifies(void **state)
{
	(void)state;
	assert_true(verified(0) && !verified(1)); /* the second reuses chunks that nobody read again */
	assert_int_equal(scrub(), JOB_DONE);
	repository_close(repository);
	open_repository();
	fake_box_time += BOX_DAY;
	int days = 1 + walk();
	assert_true(days >= 4 && days <= 6);
	assert_true(verified(0) && verified(1));
}

static void a_backup_is_verified_while_the_scrub_is_in_time(void **state)
{
	(void)state;
	assert_int_equal(store_checked(2), 0);
	assert_false(verified(2));
	walk();
	assert_int_equal(store_checked(2), 0);
	assert_true(verified(2));
	fake_box_time += 11 * BOX_DAY; /* nothing was read meanwhile */
	assert_int_equal(store_checked(2), 0);
	assert_false(verified(2));
}

static void damage_takes_verified_away_and_the_next_walk_gives_it_back_when_healed(void **state)
{
	(void)state;
	walk();
	walk();
	assert_true(verified(0) && verified(1));
	assert_true(flip_byte(1, SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5));
	int days = 0;
	while (scrub() == JOB_DONE && days++ < 10)
		fake_box_time += BOX_DAY;
	assert_int_equal(report.outcomes[0].state, JOB_FAILED);
	assert_non_null(strstr(report.outcomes[0].sentence, "damaged"));
	assert_true(report.note_count >= 1 && !verified(0));
	assert_int_equal(store_checked(0), 0);
	walk();
	walk();
	assert_true(verified(0) && verified(1));
}

static uint32_t flags(int i)
{
	struct snapshot_info info;
	assert_int_equal(snapshot_find(repository, ids[i], &info), 0);
	return info.flags & (SNAPSHOT_VERIFIED | SNAPSHOT_DAMAGED);
}

static bool noted(const char *words)
{
	for (size_t i = 0; i < report.note_count; i++)
		if (strstr(report.notes[i], words))
			return true;
	return false;
}

static void until_damage_is_found(void)
{
	int days = 0;
	while (scrub() == JOB_DONE && days++ < 10)
		fake_box_time += BOX_DAY;
	assert_int_equal(report.outcomes[0].state, JOB_FAILED);
}

static unsigned last_segment(void)
{
	struct repository_status status;
	assert_int_equal(repository_status(repository, &status), 0);
	return (unsigned)status.segments;
}

/* In what the second has alone, then in what the third has, then in what all nights share. */
static void damage_is_told_by_databases_snapshots_and_tables_and_so_is_what_is_whole(void **state)
{
	(void)state;
	struct snapshot_info newest;
	char id[20];
	unsigned of_second = last_segment() - 1;
	assert_int_equal(sample_store(repository, &samples[2], true, &ids[2]), 0);
	unsigned of_third = last_segment() - 1;
	assert_true(flip_byte(of_second, SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5));
	until_damage_is_found();
	assert_true(flags(0) == SNAPSHOT_VERIFIED && flags(1) == SNAPSHOT_DAMAGED && flags(2) == 0);
	assert_true(noted("server/database: damage reaches 1 snapshot (") && noted(": stream "));
	snprintf(id, sizeof(id), "%016llx", (unsigned long long)ids[2]);
	assert_true(noted("2 snapshots are whole; the newest is ") && noted(id));
	repository_close(repository);
	open_repository();
	struct job_context context = make_context();
	memset(&report, 0, sizeof(report));
	assert_int_equal(damage_survey(&context, &report), 0);
	assert_true(noted("damage reaches 1 snapshot (") && noted("is not known any more"));
	assert_true(flip_byte(of_third, SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5));
	until_damage_is_found();
	assert_true(noted("damage reaches 2 snapshots") && noted("1 snapshot is whole"));
	assert_int_equal(stored_newest(repository, "server/database", SNAPSHOT_BACKUP, &newest), 0);
	assert_true(newest.id == ids[0]);
	assert_true(flip_byte(1, SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5));
	until_damage_is_found();
	assert_true(flags(0) == SNAPSHOT_DAMAGED && flags(1) == SNAPSHOT_DAMAGED);
	assert_true(noted("damage reaches 3 snapshots") && noted("no snapshot is whole. Back it up now"));
	assert_int_equal(stored_newest(repository, "server/database", SNAPSHOT_BACKUP, &newest), -ENOENT);
}

static void what_the_background_found_is_known_after_a_restart(void **state)
{
	(void)state;
	assert_true(flip_byte(1, SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5));
	until_damage_is_found();
	repository_close(repository);
	open_repository();
	assert_int_equal(store_checked(0), 0);
	assert_int_equal(sample_compare(repository, &samples[0], ids[0]), 0);
}

static void a_snapshot_that_was_damaged_is_whole_again_only_when_all_of_it_was_read(void **state)
{
	(void)state;
	assert_true(flip_byte(1, SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5));
	until_damage_is_found();
	assert_true(flags(0) == SNAPSHOT_DAMAGED && flags(1) == SNAPSHOT_DAMAGED);
	for (int i = 0; i < 8; i++) { /* over restarts, and over the end of the walk */
		repository_close(repository);
		open_repository();
		fake_box_time += BOX_DAY;
		scrub();
		assert_true(flags(0) == SNAPSHOT_DAMAGED && flags(1) == SNAPSHOT_DAMAGED);
	}
	assert_int_equal(store_checked(0), 0);
	repository_close(repository);
	open_repository();
	assert_int_equal(scrub(), JOB_DONE);
	assert_true(flags(0) == SNAPSHOT_VERIFIED && flags(1) == SNAPSHOT_VERIFIED);
}

static void another_job_does_not_wait_for_it(void **state)
{
	(void)state;
	waits = true;
	assert_int_equal(scrub(), JOB_DONE);
	assert_non_null(strstr(report.outcomes[0].sentence, "0 segments were read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_walk_in_parts_reads_each_segment_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage_anywhere_is_found, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_found_damaged_is_stored_again_and_heals_older_snapshots, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_was_found_damaged_is_not_built_upon_after_a_restart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			damage_is_told_by_databases_snapshots_and_tables_and_so_is_what_is_whole, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_the_background_found_is_known_after_a_restart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_snapshot_that_was_damaged_is_whole_again_only_when_all_of_it_was_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_walk_takes_half_the_period_goes_on_after_a_restart_and_verifies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_backup_is_verified_while_the_scrub_is_in_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			damage_takes_verified_away_and_the_next_walk_gives_it_back_when_healed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_job_does_not_wait_for_it, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
