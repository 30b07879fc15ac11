/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What later versions may put into a repository of this format, and what becomes of it here: tests/golden/repository_1 with
 * files of theirs over it, tests/golden/unknown_*. They were made by `test_golden_features make`, in the top folder.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/disk.h"
#include "storage/segment.h"
#include "storage/superblock.h"
#include "tests/support/sample.h"

#define BASE "tests/golden/repository_1"
#define NEWER "0100000000000009.seg" /* a superblock of a later generation */
#define CHANGED "0000000000000002.seg"
#define UNKNOWN (UINT64_C(1) << 40)

static const struct sample first = { .seed = 1, .streams = 3, .chunks = 40, .shared = 30, .chunk_size = 60 };
static const struct sample second = { .seed = 2, .streams = 3, .chunks = 40, .shared = 30, .chunk_size = 60 };
static const struct sample third = { .seed = 3, .streams = 3, .chunks = 40, .shared = 30, .chunk_size = 60 };

struct golden {
	char path[64];
	struct disk *disk;
	struct volume *volume;
	struct repository *repository;
	int error; /* of opening it */
};

/* ---- files ---- */

static size_t read_file(const char *directory, const char *name, uint8_t *bytes, size_t capacity)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "rb");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	size_t size = fread(bytes, 1, capacity, file);
	fclose(file);
	return size;
}

static void write_file(const char *directory, const char *name, const uint8_t *bytes, size_t size)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	FILE *file = fopen(path, "wb");
	if (!file || fwrite(bytes, 1, size, file) != size || fclose(file))
		fail_msg("%s: %s", path, strerror(errno));
}

static void each_file(
	const char *directory, void (*call)(void *arg, const char *directory, const char *name), void *arg)
{
	DIR *walk = opendir(directory);
	if (!walk)
		fail_msg("%s: %s", directory, strerror(errno));
	for (const struct dirent *entry; (entry = readdir(walk));)
		if (strstr(entry->d_name, ".seg"))
			call(arg, directory, entry->d_name);
	closedir(walk);
}

static void copy_file(void *arg, const char *directory, const char *name)
{
	static uint8_t bytes[1 << 20];
	write_file(arg, name, bytes, read_file(directory, name, bytes, sizeof bytes));
}

static void add_file(void *arg, const char *directory, const char *name)
{
	static uint8_t bytes[1 << 20];
	uint64_t *sum = arg;
	size_t size = read_file(directory, name, bytes, sizeof bytes);
	for (size_t i = 0; i < size; i++)
		*sum += bytes[i] * (UINT64_C(0x9e3779b97f4a7c15) ^ i * UINT64_C(0xbf58476d1ce4e5b9));
	*sum += size + (uint64_t)name[1] * 1000003;
}

static uint64_t sum_of(const struct golden *golden)
{
	uint64_t sum = 0;
	each_file(golden->path, add_file, &sum);
	return sum;
}

static void remove_file(void *arg, const char *directory, const char *name)
{
	char path[512];
	(void)arg;
	snprintf(path, sizeof path, "%s/%s", directory, name);
	unlink(path);
}

/* ---- a copy of what is committed, opened for writing ---- */

enum { AS_IT_IS, WITHOUT_TRAILER };

/* The trailer of the segment that the overlays change is damaged: its records are gone through one by one. */
static void spoil_trailer(const struct golden *golden)
{
	static uint8_t bytes[1 << 16];
	size_t size = read_file(golden->path, CHANGED, bytes, sizeof bytes);
	bytes[size - 1] ^= 1;
	write_file(golden->path, CHANGED, bytes, size);
}

static void open_copy(struct golden *golden, const char *overlay, int how)
{
	struct repository_settings settings = sample_settings();
	*golden = (struct golden){ .path = "/tmp/coffret-golden-XXXXXX" };
	assert_non_null(mkdtemp(golden->path));
	each_file(BASE, copy_file, golden->path);
	each_file(overlay, copy_file, golden->path);
	if (how == WITHOUT_TRAILER)
		spoil_trailer(golden);
	assert_int_equal(disk_directory_open(&golden->disk, golden->path), 0);
	assert_int_equal(disk_volume_open(&golden->volume, golden->disk, 64u << 10), 0);
	golden->error = repository_open(&golden->repository, golden->volume, &settings, &sample_secret);
	if (golden->error)
		golden->repository = NULL;
}

static void close_copy(struct golden *golden)
{
	repository_close(golden->repository);
	disk_volume_close(golden->volume);
	disk_directory_close(golden->disk);
	each_file(golden->path, remove_file, NULL);
	assert_int_equal(rmdir(golden->path), 0);
}

static void expect_old(const struct golden *golden)
{
	struct snapshot_info list[2];
	assert_true(snapshot_list(golden->repository, list, 2) >= 2);
	assert_int_equal(sample_compare(golden->repository, &first, list[0].id), 0);
	assert_int_equal(sample_compare(golden->repository, &second, list[1].id), 0);
}

static void expect_contents(const struct golden *golden)
{
	assert_int_equal(golden->error, 0);
	assert_int_equal(snapshot_list(golden->repository, NULL, 0), 2);
	expect_old(golden);
}

/* Of the superblock that was written last. */
static uint64_t compatible_bits(const struct golden *golden)
{
	uint8_t bytes[SUPERBLOCK_SIZE];
	struct superblock superblock;
	uint64_t id = UINT64_C(0x0100000000000020);
	while (volume_read(golden->volume, id, 0, bytes, sizeof bytes) != 0 && id > UINT64_C(0x0100000000000009))
		id--;
	assert_int_equal(superblock_get(&superblock, bytes), 0);
	return superblock.compatible;
}

static void an_unknown_compatible_feature_is_ignored_and_kept(void **state)
{
	(void)state;
	struct golden golden;
	struct repository_status status;
	char recovery[64];
	uint64_t id;
	open_copy(&golden, "tests/golden/unknown_compatible", AS_IT_IS);
	expect_contents(&golden);
	assert_true(compatible_bits(&golden) == UNKNOWN); /* it had one superblock alone, and now has two new ones */
	assert_int_equal(repository_status(golden.repository, &status), 0);
	assert_false(status.read_only);
	assert_int_equal(sample_store(golden.repository, &third, true, &id), 0);
	assert_int_equal(sample_renew_recovery(golden.repository, recovery), 0);
	assert_true(compatible_bits(&golden) == UNKNOWN);
	close_copy(&golden);
}

static void an_unknown_write_feature_forbids_writing(void **state)
{
	(void)state;
	struct golden golden;
	struct repository_status status;
	struct snapshot_info list[2];
	uint64_t id, freed;
	open_copy(&golden, "tests/golden/unknown_write", AS_IT_IS);
	uint64_t before = sum_of(&golden);
	expect_contents(&golden);
	assert_int_equal(repository_status(golden.repository, &status), 0);
	assert_true(status.read_only);
	assert_int_equal(sample_store(golden.repository, &third, true, &id), -EROFS);
	assert_int_equal(snapshot_list(golden.repository, list, 2), 2);
	assert_int_equal(snapshot_remove(golden.repository, list[0].id), -EROFS);
	assert_int_equal(snapshot_set_flags(golden.repository, list[0].id, SNAPSHOT_PINNED, 0), -EROFS);
	assert_int_equal(repository_state_write(golden.repository, "journal", "x", 1), -EROFS);
	assert_int_equal(repository_clean(golden.repository, &freed), -EROFS);
	assert_true(sum_of(&golden) == before);
	close_copy(&golden);
}

static void an_unknown_read_feature_refuses_to_open(void **state)
{
	(void)state;
	struct golden golden;
	open_copy(&golden, "tests/golden/unknown_read", AS_IT_IS);
	uint64_t before = sum_of(&golden);
	assert_int_equal(golden.error, -EPROTONOSUPPORT);
	assert_true(sum_of(&golden) == before);
	close_copy(&golden);
}

static void note_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

static void an_unknown_record_is_passed_over(void **state)
{
	(void)state;
	const struct scrub_limits all = { .segments_max = UINT64_MAX };
	for (int how = AS_IT_IS; how <= WITHOUT_TRAILER; how++) {
		struct golden golden;
		struct repository_status status;
		struct scrub_result result;
		uint64_t id, position = 0;
		unsigned damage = 0;
		open_copy(&golden, "tests/golden/unknown_record", how);
		expect_contents(&golden);
		assert_int_equal(repository_status(golden.repository, &status), 0);
		assert_int_equal(status.damaged_segments, how == WITHOUT_TRAILER);
		assert_int_equal(repository_verify(golden.repository, 0, true, note_damage, &damage, NULL), 0);
		assert_int_equal(repository_scrub(golden.repository, &position, &all, &result), 0);
		assert_int_equal(result.damaged, how == WITHOUT_TRAILER);
		assert_int_equal(sample_store(golden.repository, &third, true, &id), 0);
		expect_old(&golden);
		close_copy(&golden);
	}
}

static void an_unknown_critical_record_refuses_to_open(void **state)
{
	(void)state;
	for (int how = AS_IT_IS; how <= WITHOUT_TRAILER; how++) {
		struct golden golden;
		open_copy(&golden, "tests/golden/unknown_critical_record", how);
		uint64_t before = sum_of(&golden);
		assert_int_equal(golden.error, -EPROTONOSUPPORT);
		assert_true(sum_of(&golden) == before);
		close_copy(&golden);
	}
}

/* ---- how they were made ---- */

static void make_superblock(const char *directory, size_t kind)
{
	struct superblock superblock;
	uint8_t bytes[SUPERBLOCK_SIZE], key[32];
	read_file(BASE, "0100000000000004.seg", bytes, sizeof bytes);
	assert_int_equal(superblock_get(&superblock, bytes), 0);
	assert_int_equal(key_slots_open(&superblock, &sample_secret, key), 0);
	superblock.generation += 6;
	*(uint64_t *)(void *)((char *)&superblock + kind) |= UNKNOWN;
	assert_int_equal(superblock_put(bytes, &superblock, key), 0);
	mkdir(directory, 0777);
	write_file(directory, NEWER, bytes, sizeof bytes);
}

#define RECORD_SIZE (CHUNK_HEAD_SIZE + 20u)

/* Of a type that is not assigned, with twenty bytes. */
static void make_record(uint8_t record[RECORD_SIZE], bool critical)
{
	memset(record, 0, RECORD_SIZE);
	record[0] = 77;
	record[1] = critical;
	put32(record + 4, RECORD_SIZE - CHUNK_HEAD_SIZE);
	memcpy(record + 8, "what this is nobody knows yet", 29);
	put32(record + 84, crc32c(0, record, 84));
	memset(record + CHUNK_HEAD_SIZE, 0xa5, RECORD_SIZE - CHUNK_HEAD_SIZE);
}

/* Before all others; these, the contents and the trailer move up. */
static void make_segment(const char *directory, bool critical)
{
	static uint8_t old[1 << 16], new[1 << 17];
	size_t old_size = read_file(BASE, CHANGED, old, sizeof old);
	const uint8_t *old_trailer = old + old_size - SEGMENT_TRAILER_SIZE;
	uint32_t at = get32(old_trailer + 24), count = get32(old_trailer + 28), offset = at + RECORD_SIZE;
	memcpy(new, old, SEGMENT_HEAD_SIZE);
	make_record(new + SEGMENT_HEAD_SIZE, critical);
	memcpy(new + SEGMENT_HEAD_SIZE + RECORD_SIZE, old + SEGMENT_HEAD_SIZE, at - SEGMENT_HEAD_SIZE);
	uint8_t *contents = new + offset, *trailer = contents + (count + 1) * CHUNK_HEAD_SIZE;
	memcpy(contents, new + SEGMENT_HEAD_SIZE, 84);
	put32(contents + 84, SEGMENT_HEAD_SIZE);
	memcpy(contents + CHUNK_HEAD_SIZE, old + at, count * CHUNK_HEAD_SIZE);
	for (uint32_t i = 1; i <= count; i++)
		put32(contents + i * CHUNK_HEAD_SIZE + 84, get32(contents + i * CHUNK_HEAD_SIZE + 84) + RECORD_SIZE);
	memcpy(trailer, old_trailer, SEGMENT_TRAILER_SIZE);
	put32(trailer + 24, offset);
	put32(trailer + 28, count + 1);
	put32(trailer + 32, crc32c(0, contents, (count + 1) * CHUNK_HEAD_SIZE));
	put32(trailer + 36, (uint32_t)(trailer + SEGMENT_TRAILER_SIZE - new));
	put32(trailer + 60, crc32c(0, trailer, 60));
	mkdir(directory, 0777);
	write_file(directory, CHANGED, new, (size_t)(trailer + SEGMENT_TRAILER_SIZE - new));
}

static void make(void **state)
{
	(void)state;
	make_segment("tests/golden/unknown_record", false);
	make_segment("tests/golden/unknown_critical_record", true);
	make_superblock("tests/golden/unknown_compatible", offsetof(struct superblock, compatible));
	make_superblock("tests/golden/unknown_write", offsetof(struct superblock, write));
	make_superblock("tests/golden/unknown_read", offsetof(struct superblock, read));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_unknown_compatible_feature_is_ignored_and_kept),
		cmocka_unit_test(an_unknown_write_feature_forbids_writing),
		cmocka_unit_test(an_unknown_read_feature_refuses_to_open),
		cmocka_unit_test(an_unknown_record_is_passed_over),
		cmocka_unit_test(an_unknown_critical_record_refuses_to_open),
	};
	const struct CMUnitTest making[] = { cmocka_unit_test(make) };
	if (argc == 2 && !strcmp(argv[1], "make"))
		return cmocka_run_group_tests(making, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
