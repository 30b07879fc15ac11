/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What volume.h promises, asked of every kind of volume in the same words. COFFRET_UBI=1, in the guest machine: of a
 * real UBI, too (tests/support/real_ubi.h).
 */
#include "storage/volume.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/linux/flash_ubi.h"
#include "hal/sim/flash_sim.h"
#include "storage/bytes.h"
#include "storage/disk.h"
#include "storage/flash.h"
#include "storage/memory.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/real_ubi.h"

#define SEGMENT_SIZE (64u * 1024)

struct subject {
	const char *name;
	void (*open)(struct subject *subject);
	void (*close)(struct subject *subject);
	void (*reopen)(struct subject *subject);     /* the next life of the process. NULL: nothing outlives this one */
	void (*break_down)(struct subject *subject); /* from now on it can only be read. NULL: it cannot break so */
	bool bounded;                                /* holds sixteen segments */
	struct volume *volume;
	struct fault_disk *fault_disk;
	struct disk *disk;
	struct flash *flash;
	char path[64];
};

static void open_memory(struct subject *s)
{
	struct memory_geometry geometry = { .size = 1u << 20, .segment_size = SEGMENT_SIZE, .write_unit = 1 };
	assert_int_equal(memory_volume_open(&s->volume, &geometry), 0);
}

/* Writes in whole units only, as flash does. */
static void open_units(struct subject *s)
{
	struct memory_geometry geometry = { .size = 1u << 20, .segment_size = SEGMENT_SIZE, .write_unit = 512 };
	assert_int_equal(memory_volume_open(&s->volume, &geometry), 0);
}

static void close_memory(struct subject *s)
{
	memory_volume_close(s->volume);
}

static void open_fault_disk(struct subject *s)
{
	s->fault_disk = fault_disk_create(1u << 20);
	assert_int_equal(disk_volume_open(&s->volume, fault_disk_disk(s->fault_disk), SEGMENT_SIZE), 0);
}

static void close_fault_disk(struct subject *s)
{
	disk_volume_close(s->volume);
	fault_disk_destroy(s->fault_disk);
}

static void reopen_fault_disk(struct subject *s)
{
	disk_volume_close(s->volume);
	fault_disk_restart(s->fault_disk);
	assert_int_equal(disk_volume_open(&s->volume, fault_disk_disk(s->fault_disk), SEGMENT_SIZE), 0);
}

static void break_fault_disk(struct subject *s)
{
	struct fault_plan plan = { FAULT_READ_ONLY, 1, 0 };
	fault_disk_plan(s->fault_disk, &plan);
}

static void open_named_directory(struct subject *s)
{
	assert_int_equal(disk_directory_open(&s->disk, s->path), 0);
	assert_int_equal(disk_volume_open(&s->volume, s->disk, SEGMENT_SIZE), 0);
}

static void open_directory(struct subject *s)
{
	strcpy(s->path, "/tmp/coffret-volume-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	open_named_directory(s);
}

static void reopen_directory(struct subject *s)
{
	disk_volume_close(s->volume);
	disk_directory_close(s->disk);
	open_named_directory(s);
}

static int remove_segment(void *arg, uint64_t id, uint32_t size)
{
	uint64_t *found = arg;
	(void)size;
	*found = id;
	return 1;
}

static void close_directory(struct subject *s)
{
	uint64_t id;
	while (volume_list(s->volume, remove_segment, &id) == 1)
		assert_int_equal(volume_remove(s->volume, id), 0);
	disk_volume_close(s->volume);
	disk_directory_close(s->disk);
	assert_int_equal(rmdir(s->path), 0); /* nothing else was left in it */
}

/* Strips of a quarter of a segment, and one LEB for the label. */
static const struct flash_sim_geometry nand = {
	.count = 65, .size = SEGMENT_SIZE / 4 + 2 * 512, .unit = 512, .spare = 4
};
/* Bytes can be written one by one, so the records at both ends of a LEB are as long as they are. */
static const struct flash_sim_geometry nor = { .count = 17, .size = SEGMENT_SIZE + 2 * 128, .unit = 1, .spare = 4 };

static void open_nand(struct subject *s)
{
	assert_int_equal(flash_sim_open(&s->flash, NULL, &nand), 0);
	assert_int_equal(flash_volume_open(&s->volume, s->flash, 4), 0);
}

static void reopen_nand(struct subject *s)
{
	flash_volume_close(s->volume);
	flash_sim_restart(s->flash);
	assert_int_equal(flash_volume_open(&s->volume, s->flash, 4), 0);
}

static void break_flash(struct subject *s)
{
	struct flash_sim_plan plan = { FLASH_FAULT_READ_ONLY, 1, 0, 0 };
	flash_sim_plan(s->flash, &plan);
}

static void open_nor(struct subject *s)
{
	assert_int_equal(flash_sim_open(&s->flash, NULL, &nor), 0);
	assert_int_equal(flash_volume_open(&s->volume, s->flash, 1), 0);
}

static void close_flash(struct subject *s)
{
	flash_volume_close(s->volume);
	assert_int_equal(flash_sim_misuses(s->flash), 0);
	flash_sim_close(s->flash);
}

static void open_nand_file(struct subject *s)
{
	strcpy(s->path, "/tmp/coffret-nand-XXXXXX");
	int file = mkstemp(s->path);
	assert_true(file >= 0);
	close(file);
	assert_int_equal(flash_sim_open(&s->flash, s->path, &nand), 0);
	assert_int_equal(flash_volume_open(&s->volume, s->flash, 4), 0);
}

static void reopen_nand_file(struct subject *s)
{
	close_flash(s);
	assert_int_equal(flash_sim_open(&s->flash, s->path, NULL), 0);
	assert_int_equal(flash_volume_open(&s->volume, s->flash, 4), 0);
}

static void close_nand_file(struct subject *s)
{
	close_flash(s);
	assert_int_equal(unlink(s->path), 0);
}

/* Of each LEB of a real flash what makes segments as long as those of the others. */
struct narrow {
	struct flash flash;
	struct flash *under;
};

static struct flash *under(struct flash *flash)
{
	return container_of(flash, struct narrow, flash)->under;
}

static int narrow_read(struct flash *flash, uint32_t leb, uint32_t offset, void *bytes, uint32_t size)
{
	return flash_read(under(flash), leb, offset, bytes, size);
}

static int narrow_write(struct flash *flash, uint32_t leb, uint32_t offset, const void *bytes, uint32_t size)
{
	return flash_write(under(flash), leb, offset, bytes, size);
}

static int narrow_unmap(struct flash *flash, uint32_t leb)
{
	return flash_unmap(under(flash), leb);
}

static int narrow_change(struct flash *flash, uint32_t leb, const void *bytes, uint32_t size)
{
	return flash_change(under(flash), leb, bytes, size);
}

static int narrow_is_mapped(struct flash *flash, uint32_t leb)
{
	return flash_is_mapped(under(flash), leb);
}

static int narrow_stat(struct flash *flash, struct flash_stat *stat)
{
	return flash_stat(under(flash), stat);
}

static const struct flash_ops narrow_ops = { narrow_read, narrow_write, narrow_unmap, narrow_change, narrow_is_mapped,
	narrow_stat };
static struct narrow narrow = { .flash = { &narrow_ops, 65, SEGMENT_SIZE / 4 + 2 * 512, 512 } };

static void open_ubi_as_it_is(struct subject *s)
{
	assert_int_equal(flash_ubi_open(&narrow.under, REAL_UBI_VOLUME), 0);
	assert_true(narrow.under->count >= narrow.flash.count && narrow.under->size >= narrow.flash.size);
	assert_int_equal(narrow.flash.unit % narrow.under->unit, 0);
	s->flash = &narrow.flash;
	assert_int_equal(flash_volume_open(&s->volume, s->flash, 4), 0);
}

static void open_ubi(struct subject *s)
{
	real_ubi_blank();
	open_ubi_as_it_is(s);
}

static void close_ubi(struct subject *s)
{
	flash_volume_close(s->volume);
	flash_ubi_close(narrow.under);
}

static void reopen_ubi(struct subject *s)
{
	close_ubi(s);
	real_ubi_attach_again();
	open_ubi_as_it_is(s);
}

static struct subject subjects[] = {
	{ .name = "memory", .open = open_memory, .close = close_memory, .bounded = true },
	{ .name = "memory in write units", .open = open_units, .close = close_memory, .bounded = true },
	{ .name = "disk in memory",
		.open = open_fault_disk,
		.close = close_fault_disk,
		.reopen = reopen_fault_disk,
		.break_down = break_fault_disk,
		.bounded = true },
	{ .name = "disk", .open = open_directory, .close = close_directory, .reopen = reopen_directory },
	{ .name = "flash, NAND",
		.open = open_nand,
		.close = close_flash,
		.reopen = reopen_nand,
		.break_down = break_flash,
		.bounded = true },
	{ .name = "flash, NOR", .open = open_nor, .close = close_flash, .break_down = break_flash, .bounded = true },
	{ .name = "flash in a file",
		.open = open_nand_file,
		.close = close_nand_file,
		.reopen = reopen_nand_file,
		.break_down = break_flash,
		.bounded = true },
	{ .name = "UBI", .open = open_ubi, .close = close_ubi, .reopen = reopen_ubi, .bounded = true },
};
/* The last one only where there is one. */
#define SUBJECTS (sizeof subjects / sizeof subjects[0] - !has_ubi)
static bool has_ubi;

static uint8_t pattern[SEGMENT_SIZE], got[SEGMENT_SIZE + 1];

static void what_was_written_is_read(struct volume *v)
{
	assert_int_equal(volume_write(v, 7, 0, pattern, 1024), 0);
	assert_int_equal(volume_read(v, 7, 0, got, 1024), 0); /* before the sync, too */
	assert_int_equal(volume_write(v, 7, 1024, pattern + 1024, 2048), 0);
	assert_int_equal(volume_sync(v, 7), 0);
	assert_int_equal(volume_read(v, 7, 1000, got, 2000), 0);
	assert_memory_equal(got, pattern + 1000, 2000);
	assert_int_equal(volume_read(v, 7, 3072, got, 0), 0);
}

static void reading_is_all_or_nothing(struct volume *v)
{
	assert_int_equal(volume_write(v, 7, 0, pattern, 1024), 0);
	assert_int_equal(volume_sync(v, 7), 0);
	assert_int_equal(volume_read(v, 7, 1, got, 1024), -ERANGE);
	assert_int_equal(volume_read(v, 7, 2000, got, 1), -ERANGE);
	assert_int_equal(volume_read(v, 7, UINT32_MAX, got, 2), -ERANGE);
	assert_int_equal(volume_read(v, 8, 0, got, 1), -ENOENT);
}

static void a_segment_is_written_front_to_back_once(struct volume *v)
{
	assert_int_equal(volume_write(v, 7, 0, pattern, 1024), 0);
	assert_int_equal(volume_write(v, 7, 2048, pattern, 1024), -EINVAL);
	assert_int_equal(volume_write(v, 7, 0, pattern, 1024), -EEXIST);
	assert_int_equal(volume_write(v, 8, 1024, pattern, 1024), -EINVAL);
	assert_int_equal(volume_sync(v, 7), 0);
	assert_int_equal(volume_write(v, 7, 1024, pattern, 1024), -EINVAL);
	assert_int_equal(volume_write(v, 7, 0, pattern, 1024), -EEXIST);
	assert_int_equal(volume_sync(v, 7), 0); /* of an earlier life, for all it knows */
	assert_int_equal(volume_sync(v, 8), -ENOENT);
}

static void a_segment_is_at_most_so_long(struct volume *v)
{
	assert_int_equal(volume_write(v, 7, 0, pattern, SEGMENT_SIZE), 0);
	assert_int_equal(volume_write(v, 7, SEGMENT_SIZE, pattern, 512), -EINVAL);
	assert_int_equal(volume_write(v, 8, UINT32_MAX - 511, pattern, 512), -EINVAL);
	assert_int_equal(volume_write(v, 8, 0, pattern, 0), -EINVAL);
	assert_int_equal(volume_sync(v, 7), 0);
	assert_int_equal(volume_read(v, 7, 0, got, SEGMENT_SIZE), 0);
	assert_memory_equal(got, pattern, SEGMENT_SIZE);
}

static void two_segments_are_written_at_a_time(struct volume *v)
{
	for (uint64_t id = 1; id <= VOLUME_OPEN_MAX; id++)
		assert_int_equal(volume_write(v, id, 0, pattern, 512), 0);
	assert_int_equal(volume_write(v, 9, 0, pattern, 512), -EINVAL);
	assert_int_equal(volume_write(v, 1, 512, pattern, 512), 0);
	assert_int_equal(volume_remove(v, 1), 0);
	assert_int_equal(volume_write(v, 9, 0, pattern, 512), 0);
	assert_int_equal(volume_sync(v, 2), 0);
	assert_int_equal(volume_write(v, 10, 0, pattern, 512), 0);
}

static int note(void *arg, uint64_t id, uint32_t size)
{
	uint64_t *sums = arg;
	sums[0]++;
	sums[1] += id;
	sums[2] += size;
	return 0;
}

struct nested {
	struct volume *volume;
	unsigned calls;
};

/* All of them are listed each time, and the list that is under way goes on. */
static int list_again(void *arg, uint64_t id, uint32_t size)
{
	struct nested *nested = arg;
	uint64_t sums[3] = { 0 };
	(void)id, (void)size;
	assert_int_equal(volume_list(nested->volume, note, sums), 0);
	assert_int_equal(sums[0], 4);
	nested->calls++;
	return 0;
}

static int stop(void *arg, uint64_t id, uint32_t size)
{
	(void)id, (void)size;
	++*(unsigned *)arg;
	return 42;
}

static void what_is_there_is_listed_with_its_size(struct volume *v)
{
	uint64_t sums[3] = { 0 };
	unsigned calls = 0;
	assert_int_equal(volume_list(v, note, sums), 0);
	assert_int_equal(sums[0], 0);
	for (uint64_t id = 1; id <= 5; id++) {
		uint64_t far = id << 56 | id;
		assert_int_equal(volume_write(v, far, 0, pattern, (uint32_t)id * 512), 0);
		assert_int_equal(volume_sync(v, far), 0);
	}
	assert_int_equal(volume_remove(v, UINT64_C(2) << 56 | 2), 0);
	assert_int_equal(volume_remove(v, UINT64_C(2) << 56 | 2), -ENOENT);
	assert_int_equal(volume_list(v, note, sums), 0);
	assert_int_equal(sums[0], 4);
	assert_true(sums[1] == (UINT64_C(13) << 56 | 13));
	assert_int_equal(sums[2], 13 * 512);
	assert_int_equal(volume_list(v, stop, &calls), 42);
	assert_int_equal(calls, 1);
	struct nested nested = { v, 0 };
	assert_int_equal(volume_list(v, list_again, &nested), 0);
	assert_int_equal(nested.calls, 4);
}

static void it_says_how_large_it_is(struct volume *v)
{
	struct volume_stat stat;
	assert_int_equal(volume_stat(v, &stat), 0);
	assert_int_equal(stat.segment_size, SEGMENT_SIZE);
	assert_int_equal(stat.write_unit, v->write_unit);
	assert_true(stat.size >= 1u << 20 && stat.free <= stat.size);
	assert_false(stat.read_only);
}

static void (*const promises[])(struct volume *volume) = {
	what_was_written_is_read,
	reading_is_all_or_nothing,
	a_segment_is_written_front_to_back_once,
	a_segment_is_at_most_so_long,
	two_segments_are_written_at_a_time,
	what_is_there_is_listed_with_its_size,
	it_says_how_large_it_is,
};

static void every_volume_keeps_every_promise(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		for (size_t j = 0; j < sizeof promises / sizeof promises[0]; j++) {
			print_message("%s, %zu\n", subjects[i].name, j);
			subjects[i].open(&subjects[i]);
			promises[j](subjects[i].volume);
			subjects[i].close(&subjects[i]);
		}
	}
}

static void only_whole_units_are_written(void **state)
{
	(void)state;
	unsigned asked = 0;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];
		s->open(s);
		if (s->volume->write_unit == 512) {
			assert_int_equal(volume_write(s->volume, 7, 0, pattern, 100), -EINVAL);
			assert_int_equal(volume_write(s->volume, 7, 100, pattern, 512), -EINVAL);
			assert_int_equal(volume_write(s->volume, 7, 0, pattern, 512), 0);
			asked++;
		}
		s->close(s);
	}
	assert_int_equal(asked, 3 + has_ubi);
}

static void a_full_volume_says_so_and_keeps_what_it_has(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];
		uint64_t id = 1;
		int error;
		if (!s->bounded)
			continue;
		s->open(s);
		while (!(error = volume_write(s->volume, id, 0, pattern, SEGMENT_SIZE)))
			assert_int_equal(volume_sync(s->volume, id++), 0);
		assert_int_equal(error, -ENOSPC);
		assert_int_equal(id, 17);
		assert_int_equal(volume_read(s->volume, 16, 0, got, SEGMENT_SIZE), 0);
		assert_memory_equal(got, pattern, SEGMENT_SIZE);
		assert_int_equal(volume_remove(s->volume, 3), 0);
		assert_int_equal(volume_write(s->volume, 100, 0, pattern, SEGMENT_SIZE / 2), 0);
		s->close(s);
	}
}

static void check_reopened(struct subject *s)
{
	uint64_t sums[3] = { 0 };
	struct volume *v = s->volume;
	assert_int_equal(volume_list(v, note, sums), 0);
	assert_true(sums[0] == 2 || sums[0] == 3); /* of the unsynced one nothing is promised */
	assert_int_equal(volume_read(v, 1, 0, got, SEGMENT_SIZE), 0);
	assert_memory_equal(got, pattern, SEGMENT_SIZE);
	assert_int_equal(volume_read(v, 2, 512, got, 512), 0);
	assert_memory_equal(got, pattern + 512, 512);
	assert_int_equal(volume_read(v, 2, 512, got, 1024), -ERANGE);
	assert_int_equal(volume_read(v, 3, 0, got, 512), -ENOENT);
	assert_int_equal(volume_sync(v, 2), 0);
	assert_int_equal(volume_write(v, 2, 1024, pattern, 512), -EINVAL);
	assert_int_equal(volume_write(v, 2, 0, pattern, 512), -EEXIST);
}

static void what_was_synced_outlives_the_process(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];
		if (!s->reopen)
			continue;
		print_message("%s\n", s->name);
		s->open(s);
		assert_int_equal(volume_write(s->volume, 1, 0, pattern, SEGMENT_SIZE), 0);
		assert_int_equal(volume_sync(s->volume, 1), 0);
		assert_int_equal(volume_write(s->volume, 3, 0, pattern, SEGMENT_SIZE), 0);
		assert_int_equal(volume_sync(s->volume, 3), 0);
		assert_int_equal(volume_remove(s->volume, 3), 0);
		assert_int_equal(volume_write(s->volume, 4, 0, pattern, SEGMENT_SIZE / 2), 0);
		assert_int_equal(volume_write(s->volume, 2, 0, pattern, 1024), 0);
		assert_int_equal(volume_sync(s->volume, 2), 0);
		for (int life = 0; life < 3; life++) {
			s->reopen(s);
			check_reopened(s);
		}
		assert_int_equal(volume_write(s->volume, 5, 0, pattern, SEGMENT_SIZE), 0);
		assert_int_equal(volume_sync(s->volume, 5), 0);
		s->reopen(s);
		assert_int_equal(volume_read(s->volume, 5, 0, got, SEGMENT_SIZE), 0);
		s->close(s);
	}
}

/* A life that writes and removes more than the volume holds, segments of every length. */
static void room_comes_back_with_every_removal(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];
		struct volume_stat before, after;
		s->open(s);
		assert_int_equal(volume_stat(s->volume, &before), 0);
		for (uint64_t id = 1; id < 100; id++) {
			uint32_t size = (uint32_t)(id * 37 % 128 + 1) * 512;
			if (volume_write(s->volume, id, 0, pattern, size) || volume_sync(s->volume, id))
				fail_msg("%s: segment %u", s->name, (unsigned)id);
			assert_int_equal(volume_read(s->volume, id, 0, got, size), 0);
			assert_memory_equal(got, pattern, size);
			if (id > 8)
				assert_int_equal(volume_remove(s->volume, id - 8), 0);
		}
		for (uint64_t id = 92; id < 100; id++)
			assert_int_equal(volume_remove(s->volume, id), 0);
		assert_int_equal(volume_stat(s->volume, &after), 0);
		if (s->bounded)
			assert_true(after.free == before.free);
		s->close(s);
	}
}

static struct volume_stat stat_of(struct subject *s)
{
	struct volume_stat stat;
	assert_int_equal(volume_stat(s->volume, &stat), 0);
	return stat;
}

/* What a segment takes is gone from what is free at once, and comes back whether it was ever finished or not. */
static void what_is_free_is_what_can_be_written(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];
		if (!s->bounded)
			continue;
		s->open(s);
		assert_int_equal(volume_write(s->volume, 1, 0, pattern, SEGMENT_SIZE), 0);
		assert_int_equal(volume_sync(s->volume, 1), 0);
		uint64_t before = stat_of(s).free;
		assert_true(before + SEGMENT_SIZE == stat_of(s).size);
		for (uint64_t id = 2; id < 100; id++) {
			assert_int_equal(volume_write(s->volume, id, 0, pattern, SEGMENT_SIZE / 2), 0);
			assert_true(stat_of(s).free + SEGMENT_SIZE / 2 <= before);
			assert_int_equal(volume_remove(s->volume, id), 0);
			if (stat_of(s).free != before)
				fail_msg("%s: segment %u was begun and removed, and not all room is back", s->name, (unsigned)id);
		}
		s->close(s);
	}
}

/* Of a flash the most worn block counts on; of what has no blocks there is nothing to tell. */
static void wear_and_bad_blocks_are_told(void **state)
{
	(void)state;
	unsigned worn = 0;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];
		s->open(s);
		uint32_t before = stat_of(s).max_erase_count;
		for (uint64_t id = 1; id < 200; id++) {
			assert_int_equal(volume_write(s->volume, id, 0, pattern, 512), 0);
			assert_int_equal(volume_sync(s->volume, id), 0);
			assert_int_equal(volume_remove(s->volume, id), 0);
		}
		struct volume_stat after = stat_of(s);
		bool has_blocks = s->flash != NULL;
		if ((after.max_erase_count > before) != has_blocks || after.bad_blocks)
			fail_msg("%s: the most worn block: %u erasures", s->name, after.max_erase_count);
		worn += has_blocks;
		s->close(s);
	}
	assert_int_equal(worn, 3 + has_ubi);
}

static int write_whole(struct volume *v, uint64_t id)
{
	int error = volume_write(v, id, 0, pattern, SEGMENT_SIZE);
	return error ? error : volume_sync(v, id);
}

/* A state of health, not a fault: what is there can be read, in the next life, too. */
static void one_that_can_only_be_read_says_so(void **state)
{
	(void)state;
	unsigned broken = 0;
	for (size_t i = 0; i < SUBJECTS; i++) {
		struct subject *s = &subjects[i];
		if (!s->break_down)
			continue;
		s->open(s);
		assert_int_equal(volume_write(s->volume, 1, 0, pattern, SEGMENT_SIZE), 0);
		assert_int_equal(volume_sync(s->volume, 1), 0);
		assert_false(stat_of(s).read_only);
		s->break_down(s);
		assert_int_equal(write_whole(s->volume, 2), -EROFS);
		for (int life = 0; life < (s->reopen ? 2 : 1); life++) {
			assert_true(stat_of(s).read_only);
			assert_int_equal(volume_read(s->volume, 1, 0, got, SEGMENT_SIZE), 0);
			assert_memory_equal(got, pattern, SEGMENT_SIZE);
			assert_int_equal(volume_remove(s->volume, 1), -EROFS);
			assert_int_equal(write_whole(s->volume, 3 + (uint64_t)life), -EROFS);
			if (s->reopen)
				s->reopen(s);
		}
		broken++;
		s->close(s);
	}
	assert_int_equal(broken, 4);
}

int main(void)
{
	has_ubi = getenv("COFFRET_UBI") != NULL;
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 31 + i / 251);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_volume_keeps_every_promise),
		cmocka_unit_test(only_whole_units_are_written),
		cmocka_unit_test(what_was_synced_outlives_the_process),
		cmocka_unit_test(room_comes_back_with_every_removal),
		cmocka_unit_test(a_full_volume_says_so_and_keeps_what_it_has),
		cmocka_unit_test(what_is_free_is_what_can_be_written),
		cmocka_unit_test(wear_and_bad_blocks_are_told),
		cmocka_unit_test(one_that_can_only_be_read_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
