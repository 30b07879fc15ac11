/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers at their ends, by a name that rotted or that somebody wrote who has no key; and the list of holes, which years of
 * cuts fill. What is acknowledged afterwards lasts, and what was before is there.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/crc32c.h"
#include "storage/disk.h"
#include "storage/roots.h"
#include "storage/segment.h"
#include "storage/state.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"
#include "tests/support/small_flash.h"

static const struct sample night = { .seed = 3, .streams = 1, .chunks = 6, .chunk_size = 400 };

static struct fault_disk *disk;
static struct volume *volume;
static struct repository *repository;
static uint64_t first;

static int set_up(void **state)
{
	(void)state;
	disk = fault_disk_create(2 << 20);
	assert_int_equal(disk_volume_open(&volume, fault_disk_disk(disk), 8 << 10), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
	assert_int_equal(sample_store(repository, &night, true, &first), 0);
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

static void restart(void)
{
	repository_close(repository);
	fault_disk_restart(disk);
	assert_int_equal(sample_open(&repository, volume), 0);
	assert_int_equal(sample_compare(repository, &night, first), 0);
}

/* While nobody has it open. */
static void plant(uint64_t id)
{
	repository_close(repository);
	assert_int_equal(volume_write(volume, id, 0, "rot", 3), 0);
	assert_int_equal(volume_sync(volume, id), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
}

static void a_data_segment_with_a_number_beyond_all_stops_no_backup(void **state)
{
	(void)state;
	const uint64_t numbers[] = { UINT64_C(1) << 34, UINT64_C(1) << 44 | 1, SEGMENT_NUMBER_MASK };
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		uint64_t id;
		plant(numbers[i]);
		struct sample other = { .seed = 9 + (uint32_t)i, .streams = 1, .chunks = 6, .chunk_size = 400 };
		assert_int_equal(sample_store(repository, &other, true, &id), 0);
		restart();
		assert_int_equal(sample_compare(repository, &other, id), 0);
	}
}

static void behind_the_last_number_nothing_is_written(void **state)
{
	(void)state;
	char recovery[64];
	uint64_t id;
	struct sample other = { .seed = 9, .streams = 1, .chunks = 6, .chunk_size = 400 };
	plant(segment_id(SEGMENT_ROOT, SEGMENT_NUMBER_MASK));
	assert_int_equal(sample_store(repository, &other, true, &id), -EOVERFLOW);
	restart();
	plant(segment_id(SEGMENT_SUPERBLOCK, SEGMENT_NUMBER_MASK));
	assert_int_equal(sample_renew_recovery(repository, recovery), -EOVERFLOW);
	restart();
	uint64_t key = (uint64_t)(crc32c(0, "journal", 7) & 0xffffff) << 32;
	assert_int_equal(state_write(volume, "journal", "one", 3), 0);
	plant(segment_id(SEGMENT_STATE, key | 0xffffffff));
	assert_int_equal(state_write(volume, "journal", "two", 3), -EOVERFLOW);
	assert_int_equal(state_read(volume, "journal", recovery, sizeof recovery), 3);
	restart();
}

/* Heads that count on from it would soon not be valid, and what they hold be gone. */
static void an_order_beyond_all_is_not_counted_on_from(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *over = open_volume(flash);
	write_segment(over, 1, UNIT);
	flash_volume_close(over);
	uint8_t *head = flash_sim_bytes(flash, leb_of(flash, 1, 0));
	static const uint64_t orders[] = { UINT64_C(1) << 50, UINT64_C(1) << 62, INT64_MAX - (1 << 24), INT64_MAX };
	for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
		memcpy(head + 32, &orders[i], 8);
		uint32_t crc = crc32c(0, head, 124);
		memcpy(head + 124, &crc, 4);
		if (flash_volume_open(&over, flash, STRIPS) != 0) {
			assert_true(i > 1);
			continue;
		}
		write_segment(over, 2, UNIT);
		flash_volume_close(over);
		over = open_volume(flash);
		assert_int_equal(volume_read(over, 2, 0, got, UNIT), 0);
		assert_int_equal(volume_remove(over, 2), 0);
		flash_volume_close(over);
	}
	assert_int_equal(flash_volume_open(&over, flash, STRIPS), -EXDEV);
	flash_sim_close(flash);
}

/* ---- holes ---- */

/* A backup that fails at this operation, and so many more behind it, what is half written cannot be removed. True: it failed. */
static bool fail_a_backup(unsigned at, unsigned more)
{
	const struct fault_plan plan = { .fault = FAULT_EIO, .at = at }, none = { .fault = FAULT_NONE };
	struct sample lost = { .seed = 40, .streams = 1, .chunks = 6, .chunk_size = 400 };
	uint64_t id;
	fault_disk_plan(disk, &plan);
	fault_disk_more(disk, more);
	int error = sample_store(repository, &lost, true, &id);
	bool struck = fault_disk_struck(disk);
	fault_disk_plan(disk, &none);
	assert_true(struck || error == 0);
	return struck && error;
}

/* All is well again, and a root knows a higher number: what lies there must not count in the next life. */
static void what_a_failed_backup_could_not_remove_never_counts(void **state)
{
	unsigned failures = 0;
	for (unsigned more = 0; more < 4; more++) {
		for (unsigned at = 1; fail_a_backup(at, more); at++, failures++) {
			struct sample other = { .seed = 9, .streams = 1, .chunks = 6, .chunk_size = 400 };
			struct repository_status status;
			uint64_t id;
			assert_int_equal(sample_store(repository, &other, true, &id), 0);
			restart();
			assert_int_equal(repository_status(repository, &status), 0);
			if (status.damaged_segments)
				fail_msg("operation %u and %u behind it: a torn segment was believed", at, more);
			assert_int_equal(sample_compare(repository, &other, id), 0);
			tear_down(state), set_up(state);
		}
		tear_down(state), set_up(state);
	}
	assert_true(failures > 20);
}

static int note_highest(void *arg, uint64_t id, uint32_t size)
{
	uint64_t *highest = arg;
	(void)size;
	*highest = id >> 56 == SEGMENT_DATA && id > *highest ? id : *highest;
	return 0;
}

/*
 * A backup is cut when a part of it lies there, and a root is written that knows the hole. *torn: what lay there of the first
 * one comes back whenever it was removed, as if it could not be.
 */
static void cut_and_go_on(unsigned seed, uint64_t *torn)
{
	struct repository_status status;
	struct sample cut = { .seed = 1000 + seed, .streams = 1, .chunks = 40, .chunk_size = 900 };
	struct fault_plan plan = { FAULT_CUT_KEPT, 4, 40 };
	uint64_t id;
	fault_disk_plan(disk, &plan);
	assert_int_equal(sample_store(repository, &cut, false, &id), -ENODEV);
	repository_close(repository);
	fault_disk_restart(disk);
	if (!*torn)
		assert_int_equal(volume_list(volume, note_highest, torn), 0);
	else
		assert_int_equal(volume_write(volume, *torn, 0, "torn", 4), 0);
	assert_int_equal(volume_sync(volume, *torn), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
	assert_int_equal(repository_status(repository, &status), 0);
	if (status.damaged_segments)
		fail_msg("cut %u: what was dropped counts again", seed);
	assert_int_equal(
		snapshot_set_flags(repository, first, seed % 2 ? SNAPSHOT_PINNED : 0, seed % 2 ? 0 : SNAPSHOT_PINNED), 0);
}

static void years_of_cuts_stop_neither_backups_nor_cleaning(void **state)
{
	(void)state;
	uint64_t freed, id, torn = 0;
	struct repository_status before, after;
	assert_int_equal(repository_status(repository, &before), 0);
	for (unsigned i = 1; i <= 2 * SEGMENT_HOLES_MAX + 10; i++) {
		struct sample little = { .seed = 5000 + i, .streams = 1, .chunks = 1, .chunk_size = 50 };
		cut_and_go_on(i, &torn);
		assert_int_equal(sample_store(repository, &little, false, &id), 0); /* between two holes */
		assert_int_equal(snapshot_remove(repository, id), 0);
		assert_int_equal(repository_clean(repository, &freed), 0);
		assert_true(freed > 0);
	}
	assert_int_equal(repository_status(repository, &after), 0);
	assert_int_equal(after.chunks, before.chunks); /* what went has no place in the index */
	struct sample other = { .seed = 9, .streams = 1, .chunks = 6, .chunk_size = 400 };
	assert_int_equal(sample_store(repository, &other, true, &id), 0);
	restart();
	assert_int_equal(sample_compare(repository, &other, id), 0);
}

static void the_hole_of_what_is_still_there_stays(void **state)
{
	(void)state;
	struct roots roots = { .number = 1 };
	const uint64_t found[] = { 21, 301 };
	for (uint64_t i = 0; i < SEGMENT_HOLES_MAX; i++)
		roots_add_hole(&roots, 10 * i, 10 * i + 2);
	assert_int_equal(roots.hole_count, SEGMENT_HOLES_MAX);
	roots_forget_holes(&roots, found, 2);
	assert_int_equal(roots.hole_count, 2);
	assert_true(roots.holes[0].first == 20 && roots.holes[1].first == 300);
	roots_forget_holes(&roots, NULL, 0); /* there is room */
	assert_int_equal(roots.hole_count, 2);
	roots_add_hole(&roots, 302, 310); /* one with what is before it */
	assert_int_equal(roots.hole_count, 2);
	assert_true(roots.holes[1].first == 300 && roots.holes[1].end == 310);
	for (uint64_t i = 40; roots.hole_count < SEGMENT_HOLES_MAX; i++)
		roots_add_hole(&roots, 10 * i, 10 * i + 2);
	roots_add_hole(&roots, 1u << 20, (1u << 20) + 1);
	assert_int_equal(roots.hole_count, SEGMENT_HOLES_MAX);
	assert_int_equal(roots.holes[0].first, 300);
	assert_int_equal(roots.holes[SEGMENT_HOLES_MAX - 1].first, 1u << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_data_segment_with_a_number_beyond_all_stops_no_backup, set_up, tear_down),
		cmocka_unit_test_setup_teardown(behind_the_last_number_nothing_is_written, set_up, tear_down),
		cmocka_unit_test(an_order_beyond_all_is_not_counted_on_from),
		cmocka_unit_test_setup_teardown(what_a_failed_backup_could_not_remove_never_counts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(years_of_cuts_stop_neither_backups_nor_cleaning, set_up, tear_down),
		cmocka_unit_test(the_hole_of_what_is_still_there_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
