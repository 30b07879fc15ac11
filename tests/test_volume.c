/* SPDX-License-Identifier: Apache-2.0 */
/* What volume.h promises, asked of every kind of volume in the same words. */
#include "storage/volume.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/disk.h"
#include "storage/memory.h"
#include "tests/faults/fault_disk.h"

#define SEGMENT_SIZE (64u * 1024)

struct subject {
	const char *name;
	void (*open)(struct subject *subject);
	void (*close)(struct subject *subject);
	struct volume *volume;
	struct fault_disk *fault_disk;
	struct disk *disk;
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

static void open_directory(struct subject *s)
{
	strcpy(s->path, "/tmp/coffret-volume-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	assert_int_equal(disk_directory_open(&s->disk, s->path), 0);
	assert_int_equal(disk_volume_open(&s->volume, s->disk, SEGMENT_SIZE), 0);
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

static struct subject subjects[] = {
	{ "memory", open_memory, close_memory, NULL, NULL, NULL, "" },
	{ "memory in write units", open_units, close_memory, NULL, NULL, NULL, "" },
	{ "disk in memory", open_fault_disk, close_fault_disk, NULL, NULL, NULL, "" },
	{ "disk", open_directory, close_directory, NULL, NULL, NULL, "" },
};

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
	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
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
	struct subject *s = &subjects[1];
	s->open(s);
	assert_int_equal(volume_write(s->volume, 7, 0, pattern, 100), -EINVAL);
	assert_int_equal(volume_write(s->volume, 7, 100, pattern, 512), -EINVAL);
	assert_int_equal(volume_write(s->volume, 7, 0, pattern, 512), 0);
	s->close(s);
}

static void a_full_volume_says_so_and_keeps_what_it_has(void **state)
{
	(void)state;
	struct subject *bounded[] = { &subjects[0], &subjects[2] };
	for (size_t i = 0; i < 2; i++) {
		struct subject *s = bounded[i];
		uint64_t id = 1;
		int error;
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

int main(void)
{
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 31 + i / 251);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_volume_keeps_every_promise),
		cmocka_unit_test(only_whole_units_are_written),
		cmocka_unit_test(a_full_volume_says_so_and_keeps_what_it_has),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
