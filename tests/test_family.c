/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a repository is: one writer, others only read; taken over with consent; sisters with one key. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/disk.h"
#include "storage/memory.h"
#include "storage/superblock.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

static const struct sample night = { .seed = 3, .streams = 2, .chunks = 6, .chunk_size = 300 };
static const uint8_t mine[16] = "the first box", others[16] = "another box";
static const uint8_t other_file[32] = "the key file of the other box...";
static const struct repository_secret other_secret = { SECRET_KEY_FILE, other_file, sizeof other_file };

struct world {
	struct fault_disk *disk;
	struct volume *volume;
	struct repository *repository;
	char recovery[64];
	uint64_t id;
};

static int open_as(struct world *w, const uint8_t writer[16], const struct repository_secret *secret)
{
	struct repository_settings settings = sample_settings();
	if (writer)
		memcpy(settings.writer, writer, 16);
	repository_close(w->repository);
	w->repository = NULL;
	return repository_open(&w->repository, w->volume, &settings, secret);
}

static struct repository_secret recovery_of(const struct world *w)
{
	return (struct repository_secret){ SECRET_RECOVERY, (const uint8_t *)w->recovery, strlen(w->recovery) };
}

/* Made by the first box, with one snapshot of it. */
static void set_up(struct world *w)
{
	struct repository_settings settings = sample_settings();
	*w = (struct world){ .disk = fault_disk_create(2 << 20) };
	memcpy(settings.writer, mine, 16);
	assert_int_equal(disk_volume_open(&w->volume, fault_disk_disk(w->disk), 16 << 10), 0);
	assert_int_equal(repository_create(w->volume, &settings, &sample_secret, w->recovery), 0);
	assert_int_equal(open_as(w, mine, &sample_secret), 0);
	assert_int_equal(sample_store(w->repository, &night, true, &w->id), 0);
}

static void tear_down(struct world *w)
{
	repository_close(w->repository);
	disk_volume_close(w->volume);
	fault_disk_destroy(w->disk);
}

static struct repository_status status_of(struct world *w)
{
	struct repository_status status;
	assert_int_equal(repository_status(w->repository, &status), 0);
	return status;
}

static bool is_foreign(struct world *w, uint64_t id)
{
	struct snapshot_info info, list[4];
	assert_int_equal(snapshot_find(w->repository, id, &info), 0);
	int count = snapshot_list(w->repository, list, 4);
	for (int i = 0; i < count; i++)
		assert_true(list[i].id != id || list[i].foreign == info.foreign);
	return info.foreign;
}

static void another_box_reads_and_writes_nothing(void **state)
{
	(void)state;
	struct world w;
	uint64_t id, freed;
	set_up(&w);
	assert_false(is_foreign(&w, w.id) || status_of(&w).foreign);
	assert_int_equal(open_as(&w, others, &sample_secret), 0);
	fault_disk_plan(w.disk, &(struct fault_plan){ .fault = FAULT_NONE });
	struct repository_status status = status_of(&w);
	assert_true(status.foreign && status.read_only);
	assert_memory_equal(status.writer, mine, 16);
	assert_true(is_foreign(&w, w.id));
	assert_int_equal(sample_compare(w.repository, &night, w.id), 0);
	assert_int_equal(sample_store(w.repository, &night, true, &id), -EROFS);
	assert_int_equal(snapshot_remove(w.repository, w.id), -EROFS);
	assert_int_equal(snapshot_set_flags(w.repository, w.id, SNAPSHOT_PINNED, 0), -EROFS);
	assert_int_equal(repository_clean(w.repository, &freed), -EROFS);
	assert_int_equal(repository_state_write(w.repository, "journal", "x", 1), -EROFS);
	assert_int_equal(repository_take_over(w.repository, others, NULL), -EROFS); /* not by the way */
	assert_int_equal(open_as(&w, mine, &sample_secret), 0);
	assert_false(is_foreign(&w, w.id) || status_of(&w).read_only);
	tear_down(&w);
}

static void what_is_taken_over_is_the_new_box_s_alone(void **state)
{
	(void)state;
	struct world w;
	uint64_t id;
	set_up(&w);
	struct repository_secret recovery = recovery_of(&w);
	assert_int_equal(open_as(&w, others, &other_secret), -ENOKEY);
	assert_int_equal(open_as(&w, NULL, &recovery), 0);
	assert_int_equal(repository_take_over(w.repository, others, &other_secret), 0);
	assert_true(is_foreign(&w, w.id) && !status_of(&w).foreign);
	assert_int_equal(open_as(&w, others, &other_secret), 0);
	assert_false(status_of(&w).foreign || status_of(&w).read_only);
	assert_true(is_foreign(&w, w.id));
	assert_int_equal(sample_store(w.repository, &night, true, &id), 0);
	assert_false(is_foreign(&w, id));
	assert_int_equal(sample_compare(w.repository, &night, w.id), 0);
	/* The old box's key opens it no more; had it the new key, it could still only read. */
	assert_int_equal(open_as(&w, mine, &sample_secret), -ENOKEY);
	assert_int_equal(open_as(&w, mine, &other_secret), 0);
	assert_true(status_of(&w).foreign && status_of(&w).read_only);
	assert_false(is_foreign(&w, w.id));
	assert_true(is_foreign(&w, id));
	/* The recovery key stays. */
	assert_int_equal(open_as(&w, NULL, &recovery), 0);
	tear_down(&w);
}

/* Its slots stay where no new secret is given, and all is as before or taken over after any cut. */
static void a_cut_leaves_it_to_one_of_the_two(void **state)
{
	(void)state;
	unsigned at = 1, before = 0, after = 0;
	bool struck = true;
	for (; struck; at++) {
		for (enum fault fault = FAULT_CUT_LOST; fault <= FAULT_CUT_BYTES; fault++) {
			struct world w;
			set_up(&w);
			assert_int_equal(open_as(&w, NULL, &sample_secret), 0);
			fault_disk_plan(w.disk, &(struct fault_plan){ .fault = fault, .at = at });
			int error = repository_take_over(w.repository, others, NULL);
			struck = fault_disk_struck(w.disk);
			repository_close(w.repository);
			w.repository = NULL;
			fault_disk_restart(w.disk);
			assert_int_equal(open_as(&w, others, &sample_secret), 0);
			bool taken = !status_of(&w).foreign;
			assert_true(taken || error);
			*(taken ? &after : &before) += 1;
			assert_true(is_foreign(&w, w.id));
			assert_int_equal(open_as(&w, mine, &sample_secret), 0);
			assert_false(is_foreign(&w, w.id));
			assert_true(status_of(&w).foreign == taken);
			assert_int_equal(sample_compare(w.repository, &night, w.id), 0);
			tear_down(&w);
		}
	}
	assert_true(at > 8 && before && after);
}

static void what_opens_one_opens_its_sister(void **state)
{
	(void)state;
	struct world w;
	struct memory_geometry geometry = { .size = 1 << 20, .segment_size = 16 << 10, .write_unit = 16 };
	struct world sister = { .disk = NULL };
	struct repository_status a, b;
	uint8_t one[32], other[32];
	struct chunk_name x, y;
	uint64_t id;
	set_up(&w);
	assert_int_equal(memory_volume_open(&sister.volume, &geometry), 0);
	assert_int_equal(repository_create_sister(sister.volume, w.repository, false), 0);
	assert_int_equal(repository_create_sister(sister.volume, w.repository, false), -EXDEV); /* not blank any more */
	memcpy(sister.recovery, w.recovery, sizeof sister.recovery);
	struct repository_secret recovery = recovery_of(&w);
	assert_int_equal(open_as(&sister, mine, &other_secret), -ENOKEY);
	assert_int_equal(open_as(&sister, mine, &recovery), 0);
	assert_int_equal(open_as(&sister, mine, &sample_secret), 0);
	a = status_of(&w), b = status_of(&sister);
	assert_memory_not_equal(a.id, b.id, 16);
	assert_memory_equal(a.family, b.family, 16);
	assert_memory_equal(a.family, a.id, 16);
	assert_memory_equal(b.writer, mine, 16);
	repository_derive(w.repository, "rowgroup", one);
	repository_derive(sister.repository, "rowgroup", other);
	assert_memory_equal(one, other, 32);
	assert_int_equal(chunk_name(w.repository, "bytes", 5, &x), 0);
	assert_int_equal(chunk_name(sister.repository, "bytes", 5, &y), 0);
	assert_memory_equal(&x, &y, sizeof x);
	assert_int_equal(sample_store(sister.repository, &night, true, &id), 0);
	assert_int_equal(open_as(&sister, mine, &sample_secret), 0);
	assert_int_equal(sample_compare(sister.repository, &night, id), 0);
	/* A root of the one is no root of the other, though the key is. */
	assert_int_equal(snapshot_list(w.repository, NULL, 0), 1);
	repository_close(sister.repository);
	memory_volume_close(sister.volume);
	tear_down(&w);
}

/* A version before families must not open it: it would take every chunk for damaged. */
static void a_sister_has_a_feature_that_must_be_known(void **state)
{
	(void)state;
	struct superblock superblock = { .generation = 1, .read = FEATURE_READ_FAMILY, .family = "f", .repository = "r" },
					  got;
	uint8_t bytes[SUPERBLOCK_SIZE], key[32] = "k";
	assert_int_equal(superblock_put(bytes, &superblock, key), 0);
	assert_int_equal(superblock_get(&got, bytes), 0);
	assert_memory_equal(got.family, superblock.family, 16);
	superblock.read = 0;
	assert_int_equal(superblock_put(bytes, &superblock, key), 0);
	for (int i = 152; i < 512; i++)
		assert_int_equal(bytes[i], 0); /* as it always was */
	assert_int_equal(superblock_get(&got, bytes), 0);
	assert_memory_equal(got.family, superblock.repository, 16);
}

/* Its roots name no makers: the one writer that it ever had made all of it. */
static void before_makers_were_named_the_writer_was_the_maker(void **state)
{
	(void)state;
	struct disk *disk;
	struct world w = { .disk = NULL };
	struct repository_settings settings = sample_settings();
	struct snapshot_info list[4];
	assert_int_equal(disk_directory_open(&disk, "tests/golden/repository_1"), 0);
	assert_int_equal(disk_volume_open(&w.volume, disk, 64u << 10), 0);
	settings.read_only = true;
	assert_int_equal(repository_open(&w.repository, w.volume, &settings, &sample_secret), 0);
	struct repository_status status = status_of(&w);
	int count = snapshot_list(w.repository, list, 4);
	assert_int_equal(count, 2);
	for (int i = 0; i < count; i++) {
		assert_memory_equal(list[i].maker, status.writer, 16);
		assert_false(list[i].foreign);
	}
	settings.read_only = true;
	memcpy(settings.writer, others, 16);
	repository_close(w.repository);
	assert_int_equal(repository_open(&w.repository, w.volume, &settings, &sample_secret), 0);
	assert_true(is_foreign(&w, list[0].id));
	repository_close(w.repository);
	disk_volume_close(w.volume);
	disk_directory_close(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_box_reads_and_writes_nothing),
		cmocka_unit_test(what_is_taken_over_is_the_new_box_s_alone),
		cmocka_unit_test(a_cut_leaves_it_to_one_of_the_two),
		cmocka_unit_test(what_opens_one_opens_its_sister),
		cmocka_unit_test(a_sister_has_a_feature_that_must_be_known),
		cmocka_unit_test(before_makers_were_named_the_writer_was_the_maker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
