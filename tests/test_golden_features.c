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

#include "storage/disk.h"
#include "storage/superblock.h"
#include "tests/support/sample.h"

#define BASE "tests/golden/repository_1"
#define NEWER "0100000000000009.seg" /* a superblock of a later generation */
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

static void open_copy(struct golden *golden, const char *overlay)
{
	struct repository_settings settings = sample_settings();
	*golden = (struct golden){ .path = "/tmp/coffret-golden-XXXXXX" };
	assert_non_null(mkdtemp(golden->path));
	each_file(BASE, copy_file, golden->path);
	each_file(overlay, copy_file, golden->path);
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

static void expect_contents(const struct golden *golden)
{
	struct snapshot_info list[2];
	assert_int_equal(golden->error, 0);
	assert_int_equal(snapshot_list(golden->repository, list, 2), 2);
	assert_int_equal(sample_compare(golden->repository, &first, list[0].id), 0);
	assert_int_equal(sample_compare(golden->repository, &second, list[1].id), 0);
}

static uint64_t compatible_bits(const struct golden *golden)
{
	uint8_t bytes[SUPERBLOCK_SIZE];
	struct superblock superblock;
	assert_int_equal(volume_read(golden->volume, UINT64_C(0x010000000000000a), 0, bytes, sizeof bytes), 0);
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
	open_copy(&golden, "tests/golden/unknown_compatible");
	expect_contents(&golden);
	assert_int_equal(repository_status(golden.repository, &status), 0);
	assert_false(status.read_only);
	assert_int_equal(sample_store(golden.repository, &third, true, &id), 0);
	assert_int_equal(repository_renew_recovery(golden.repository, recovery), 0);
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
	open_copy(&golden, "tests/golden/unknown_write");
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
	open_copy(&golden, "tests/golden/unknown_read");
	uint64_t before = sum_of(&golden);
	assert_int_equal(golden.error, -EPROTONOSUPPORT);
	assert_true(sum_of(&golden) == before);
	close_copy(&golden);
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

static void make(void **state)
{
	(void)state;
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
	};
	const struct CMUnitTest making[] = { cmocka_unit_test(make) };
	if (argc == 2 && !strcmp(argv[1], "make"))
		return cmocka_run_group_tests(making, NULL, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
