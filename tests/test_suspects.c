/* SPDX-License-Identifier: Apache-2.0 */
/* What a box knows of damage, from one life to the next: no more than is true, and no less where there is much of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/chunk.h"
#include "storage/disk.h"
#include "storage/heal.h"
#include "storage/segment.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

#define SEGMENT_SIZE (8u * 1024)

/* In more segments than the list of suspects holds, and in fewer. */
static const struct sample many = { .seed = 2, .streams = 4, .chunks = 200, .shared = 0, .chunk_size = 900 };
static const struct sample some = { .seed = 3, .streams = 2, .chunks = 130, .shared = 0, .chunk_size = 900 };

static struct fault_disk *disk;
static struct volume *volume;
static struct repository *repository;

static void begin(bool parity)
{
	disk = fault_disk_create(16u << 20);
	assert_int_equal(disk_volume_open(&volume, fault_disk_disk(disk), SEGMENT_SIZE), 0);
	assert_int_equal((parity ? sample_open : sample_open_without_parity)(&repository, volume), 0);
}

static void restart(void)
{
	repository_close(repository);
	assert_int_equal(sample_open(&repository, volume), 0);
}

static void end(void)
{
	repository_close(repository);
	disk_volume_close(volume);
	fault_disk_destroy(disk);
}

static uint64_t store(const struct sample *sample)
{
	uint64_t id;
	assert_int_equal(sample_store(repository, sample, true, &id), 0);
	return id;
}

/* A byte of the first chunk of each data segment. */
static int flip(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	unsigned *count = arg;
	if (!strncmp(name, "00", 2) && size > 3000) {
		bytes[SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 9] ^= 1;
		++*count;
	}
	return 0;
}

static unsigned damage_each(void)
{
	unsigned count = 0;
	fault_disk_each(disk, flip, &count);
	return count;
}

static struct scrub_result walk(void)
{
	static const struct scrub_limits limits = { .segments_max = UINT64_MAX };
	struct scrub_result result;
	uint64_t position = 0;
	assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
	assert_true(result.ended);
	return result;
}

static void forget(uint64_t id)
{
	uint64_t freed;
	assert_int_equal(snapshot_remove(repository, id), 0);
	assert_int_equal(repository_clean(repository, &freed), 0);
}

/* Operations of the disk that storing it takes, where all of it is known: reading what is not believed is some more. */
static unsigned cost_of(const struct sample *sample)
{
	struct fault_plan all = { .fault = FAULT_EIO }, none = { .fault = FAULT_NONE };
	fault_disk_plan(disk, &all);
	uint64_t id = store(sample);
	unsigned count = fault_disk_count(disk);
	fault_disk_plan(disk, &none);
	forget(id);
	return count;
}

static unsigned changes_of_keeping(void)
{
	struct fault_plan changes = { .fault = FAULT_CUT_LOST }, none = { .fault = FAULT_NONE };
	fault_disk_plan(disk, &changes);
	assert_int_equal(repository_keep_suspects(repository), 0);
	unsigned count = fault_disk_count(disk);
	fault_disk_plan(disk, &none);
	return count;
}

static void what_has_not_changed_is_not_written(void **state)
{
	(void)state;
	begin(false);
	store(&some);
	assert_int_equal(changes_of_keeping(), 0);
	assert_true(damage_each() > 10);
	assert_true(walk().damaged > 10);
	assert_true(changes_of_keeping() > 0);
	assert_int_equal(changes_of_keeping(), 0);
	restart();
	assert_int_equal(changes_of_keeping(), 0);
	end();
}

/* The list is full: then all is read before it is believed, in the next life, too. */
static void more_damage_than_can_be_listed_is_not_built_upon(void **state)
{
	(void)state;
	begin(false);
	uint64_t first = store(&many);
	unsigned damaged = damage_each();
	assert_true(damaged > SUSPECTS_MAX + 10);
	assert_true(walk().damaged >= damaged);
	assert_true(changes_of_keeping() > 0);
	restart();
	uint64_t second = store(&many);
	assert_int_equal(sample_compare(repository, &many, second), 0);
	restart();
	assert_int_equal(sample_compare(repository, &many, first), 0);
	end();
}

static void once_all_was_read_and_is_whole_it_is_believed_again(void **state)
{
	(void)state;
	struct compact_limits limits = { .copy_max = UINT64_MAX };
	struct compact_result result;
	begin(false);
	store(&many);
	unsigned before = cost_of(&many);
	assert_true(damage_each() > SUSPECTS_MAX + 10);
	walk();
	store(&many);
	assert_true(cost_of(&many) > before * 3 / 2);
	assert_int_equal(repository_compact(repository, &limits, &result), 0);
	repository_keep_suspects(repository);
	restart();
	assert_true(cost_of(&many) > before * 3 / 2); /* nobody has read all of it yet */
	assert_int_equal(walk().damaged, 0);
	unsigned after = cost_of(&many);
	if (after > before * 5 / 4)
		fail_msg("storing what is known took %u operations before, and takes %u", before, after);
	repository_keep_suspects(repository);
	restart();
	assert_true(cost_of(&many) <= before * 5 / 4);
	end();
}

/* Years of damage here and there, each healed: what is gone takes no place in the list. */
static void what_is_gone_is_suspect_no_more(void **state)
{
	(void)state;
	begin(false);
	struct sample sample = some;
	unsigned all = 0, before = 0;
	for (unsigned year = 0; year < 8; year++, sample.seed++) {
		uint64_t id = store(&sample);
		unsigned cost = cost_of(&sample);
		before = before ? before : cost;
		if (cost > before * 5 / 4)
			fail_msg("year %u: storing what is known took %u operations, and takes %u", year, before, cost);
		all += damage_each();
		walk();
		forget(id);
		repository_keep_suspects(repository);
		if (year > 4)
			restart();
	}
	assert_true(all > 2 * SUSPECTS_MAX);
	end();
}

/* ---- beside others ---- */

static uint64_t going;

/* Before the second segment is read most of them go. */
static bool remove_it(void *arg)
{
	unsigned *asked = arg;
	if (++*asked == 2)
		forget(going);
	return false;
}

static void what_goes_before_the_walk_comes_to_it_is_no_damage(void **state)
{
	(void)state;
	for (int parity = 0; parity < 2; parity++) {
		unsigned asked = 0;
		struct scrub_limits limits = { .segments_max = UINT64_MAX, .stop = remove_it, .arg = &asked };
		struct scrub_result result;
		uint64_t position = 0;
		begin(parity);
		going = store(&some);
		assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
		assert_true(asked > 20);
		assert_int_equal(result.damaged, 0);
		assert_int_equal(changes_of_keeping(), 0);
		end();
	}
}

/* A volume on which one segment cannot be read any more. */
struct blind {
	struct volume volume;
	struct volume *under;
	uint64_t id;
};

static int blind_read(struct volume *v, uint64_t id, uint32_t offset, void *bytes, uint32_t size)
{
	const struct blind *blind = (const struct blind *)v;
	return id == blind->id ? -EIO : volume_read(blind->under, id, offset, bytes, size);
}

static int blind_write(struct volume *v, uint64_t id, uint32_t offset, const void *bytes, uint32_t size)
{
	return volume_write(((struct blind *)v)->under, id, offset, bytes, size);
}

static int blind_sync(struct volume *v, uint64_t id)
{
	return volume_sync(((struct blind *)v)->under, id);
}

static int blind_remove(struct volume *v, uint64_t id)
{
	return volume_remove(((struct blind *)v)->under, id);
}

static int blind_list(struct volume *v, int (*found)(void *arg, uint64_t id, uint32_t size), void *arg)
{
	return volume_list(((struct blind *)v)->under, found, arg);
}

static int blind_stat(struct volume *v, struct volume_stat *stat)
{
	return volume_stat(((struct blind *)v)->under, stat);
}

static const struct volume_ops blind_ops = { .write = blind_write,
	.sync = blind_sync,
	.read = blind_read,
	.remove = blind_remove,
	.list = blind_list,
	.stat = blind_stat };

static int find_state(void *arg, uint64_t id, uint32_t size)
{
	uint64_t *newest = arg;
	(void)size;
	if (id >> 56 == SEGMENT_STATE && id > *newest)
		*newest = id;
	return 0;
}

/* What was written down of damage cannot be read any more: the snapshots can. What is known is read before it is believed. */
static void notes_that_cannot_be_read_keep_nobody_from_the_snapshots(void **state)
{
	(void)state;
	struct blind blind = { .volume = { .ops = &blind_ops } };
	begin(false);
	uint64_t first = store(&some);
	assert_true(damage_each() > 10);
	assert_true(walk().damaged > 10);
	assert_int_equal(repository_keep_suspects(repository), 0);
	assert_int_equal(volume_list(volume, find_state, &blind.id), 0);
	repository_close(repository);
	blind.volume = (struct volume){ &blind_ops, volume->segment_size, volume->write_unit, volume->strip_size };
	blind.under = volume;
	assert_int_equal(sample_open(&repository, &blind.volume), 0);
	uint64_t second = store(&some);
	assert_int_equal(sample_compare(repository, &some, first), 0);
	assert_int_equal(sample_compare(repository, &some, second), 0);
	assert_true(changes_of_keeping() > 0); /* written anew */
	restart();
	assert_int_equal(sample_compare(repository, &some, first), 0);
	end();
}

/* ---- what parity healed ---- */

static uint32_t wounded(void)
{
	struct repository_status status;
	assert_int_equal(repository_status(repository, &status), 0);
	return status.wounded_segments;
}

static void what_parity_healed_is_written_anew_though_the_box_was_restarted(void **state)
{
	(void)state;
	static const struct compact_limits limits = { .copy_max = UINT64_MAX, .wounded_only = true };
	struct compact_result result;
	begin(true);
	uint64_t id = store(&some);
	unsigned flipped = damage_each();
	assert_int_equal(sample_compare(repository, &some, id), 0);
	assert_int_equal(wounded(), flipped);
	assert_true(changes_of_keeping() > 0);
	restart();
	assert_int_equal(wounded(), flipped);
	assert_int_equal(changes_of_keeping(), 0);
	assert_int_equal(repository_compact(repository, &limits, &result), 0);
	assert_int_equal(result.healed, flipped);
	assert_int_equal(wounded(), 0);
	restart(); /* the record names what is not there any more */
	assert_int_equal(wounded(), 0);
	assert_int_equal(walk().healed, 0);
	assert_int_equal(sample_compare(repository, &some, id), 0);
	end();
}

/* The list is full: what is not in it the next walk finds, and nothing is lost meanwhile. */
static void more_than_can_be_listed_is_healed_in_turns(void **state)
{
	(void)state;
	static const struct compact_limits limits = { .copy_max = UINT64_MAX, .wounded_only = true };
	struct compact_result result;
	begin(true);
	uint64_t id = store(&many);
	unsigned flipped = damage_each(), anew = 0, turns = 0;
	assert_true(flipped > WOUNDED_MAX + 10);
	while (walk().healed) {
		assert_true(turns++ < 4);
		assert_true(wounded() <= WOUNDED_MAX);
		assert_int_equal(repository_compact(repository, &limits, &result), 0);
		anew += result.healed;
	}
	assert_int_equal(anew, flipped);
	assert_true(turns > 1);
	assert_int_equal(sample_compare(repository, &many, id), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_has_not_changed_is_not_written),
		cmocka_unit_test(more_damage_than_can_be_listed_is_not_built_upon),
		cmocka_unit_test(once_all_was_read_and_is_whole_it_is_believed_again),
		cmocka_unit_test(what_is_gone_is_suspect_no_more),
		cmocka_unit_test(what_goes_before_the_walk_comes_to_it_is_no_damage),
		cmocka_unit_test(notes_that_cannot_be_read_keep_nobody_from_the_snapshots),
		cmocka_unit_test(what_parity_healed_is_written_anew_though_the_box_was_restarted),
		cmocka_unit_test(more_than_can_be_listed_is_healed_in_turns),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
