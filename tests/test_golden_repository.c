/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tests/golden/repository_1 was written by format version 1, repository_parity with parity, repository_sister is of the
 * family of another. Every later version must read them. They were made by `test_golden_repository make DIRECTORY`, the
 * last one by `make-sister`; a new format gets a directory of its own beside them.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/disk.h"
#include "storage/memory.h"
#include "tests/support/sample.h"

static const struct sample first = { .seed = 1, .streams = 3, .chunks = 40, .shared = 30, .chunk_size = 60 };
static const struct sample second = { .seed = 2, .streams = 3, .chunks = 40, .shared = 30, .chunk_size = 60 };
static const char passphrase[] = "a passphrase";

struct golden {
	struct disk *disk;
	struct volume *volume;
	struct repository *repository;
};

static void close_golden(struct golden *golden)
{
	repository_close(golden->repository);
	disk_volume_close(golden->volume);
	disk_directory_close(golden->disk);
}

/* On a blank volume a repository with the keys of one that is forgotten. */
static int open_sister(struct repository **repository, struct volume *volume)
{
	static const struct memory_geometry geometry = { 1u << 20, 64u << 10, 1, 0 };
	struct repository_settings settings = sample_settings();
	struct volume *memory;
	struct repository *elder = NULL;
	int error = memory_volume_open(&memory, &geometry);
	if (error)
		return error;
	error = sample_open(&elder, memory);
	if (!error)
		error = repository_create_sister(volume, elder, false);
	if (!error)
		error = repository_open(repository, volume, &settings, &sample_secret);
	repository_close(elder);
	memory_volume_close(memory);
	return error;
}

static int make(const char *path, bool sister)
{
	struct golden golden = { .repository = NULL };
	struct repository_secret secret = { SECRET_PASSPHRASE, (const uint8_t *)passphrase, sizeof passphrase - 1 };
	uint64_t ids[2];
	int error = disk_directory_open(&golden.disk, path);
	if (!error)
		error = disk_volume_open(&golden.volume, golden.disk, 64u << 10);
	if (!error)
		error = sister ? open_sister(&golden.repository, golden.volume)
					   : sample_open(&golden.repository, golden.volume);
	if (!error)
		error = sample_set_secret(golden.repository, &secret);
	if (!error)
		error = sample_store(golden.repository, &first, true, &ids[0]);
	if (!error)
		error = sample_store(golden.repository, &second, false, &ids[1]);
	if (!error)
		error = snapshot_set_flags(golden.repository, ids[1], SNAPSHOT_PINNED, 0);
	if (!error)
		error = repository_state_write(golden.repository, "journal", "a state record", 14);
	uint8_t key[32];
	repository_derive(golden.repository, "golden", key);
	for (int i = 0; i < 32; i++)
		printf("0x%02x%s", key[i], i % 8 == 7 ? ",\n" : ", ");
	close_golden(&golden);
	return error;
}

/* Made alike, each with a key of its own. */
struct image {
	const char *path;
	uint8_t key[32]; /* derived from it */
	bool parity, healed;
};

static const struct image images[] = {
	{ "tests/golden/repository_1",
		{ 0xad, 0x04, 0x13, 0xf5, 0x8d, 0x3c, 0x4a, 0x8c, 0x87, 0xd0, 0x1a, 0x30, 0xe2, 0x8c, 0xfd, 0xea, 0xb5, 0xc0,
			0x49, 0xba, 0x19, 0x0b, 0xd8, 0xf3, 0xa6, 0xd9, 0x43, 0xb0, 0xce, 0x3d, 0x63, 0x41 },
		false, false },
	/* 400 bytes of its first segment were changed: they must be healed, too. */
	{ "tests/golden/repository_parity",
		{ 0x9a, 0x8e, 0xdf, 0xab, 0x33, 0x50, 0x50, 0xc5, 0xa8, 0x48, 0xd4, 0xc7, 0xae, 0x21, 0x28, 0xb2, 0xc7, 0x56,
			0xcd, 0x58, 0x9a, 0xfd, 0xaa, 0xea, 0x9e, 0xf7, 0x58, 0x4b, 0xc1, 0xeb, 0x9a, 0x76 },
		true, true },
	{ "tests/golden/repository_sister",
		{ 0xa2, 0x10, 0x4b, 0xdc, 0xca, 0x77, 0xfb, 0x3f, 0xff, 0x45, 0x60, 0xc0, 0x8c, 0x4e, 0x7d, 0x32, 0xea, 0xff,
			0x0d, 0x09, 0x1e, 0x44, 0xe5, 0x2c, 0x3e, 0x50, 0x3d, 0xfb, 0x44, 0x57, 0x92, 0x43 },
		true, false },
};

#define IMAGES (sizeof images / sizeof images[0])

static void check_contents(struct repository *repository, const struct image *image)
{
	struct repository_status status;
	struct snapshot_info list[2];
	uint8_t key[32];
	char text[32];
	assert_int_equal(snapshot_list(repository, list, 2), 2);
	assert_int_equal(sample_compare(repository, &first, list[0].id), 0);
	assert_int_equal(sample_compare(repository, &second, list[1].id), 0);
	assert_int_equal(list[0].flags, SNAPSHOT_VERIFIED);
	assert_int_equal(list[1].flags, SNAPSHOT_PINNED);
	assert_string_equal(list[1].subject, "server/database");
	assert_true(list[1].box_time == 1000 && list[1].wall_time == 1700000000);
	assert_int_equal(repository_state_read(repository, "journal", text, sizeof text), 14);
	assert_memory_equal(text, "a state record", 14);
	repository_derive(repository, "golden", key);
	assert_memory_equal(key, image->key, sizeof key);
	assert_int_equal(repository_status(repository, &status), 0);
	assert_true(status.parity == image->parity && (status.healed > 0) == image->healed);
}

static void the_first_format_version_is_read(void **state)
{
	(void)state;
	const struct repository_secret secrets[] = { sample_secret,
		{ SECRET_PASSPHRASE, (const uint8_t *)passphrase, sizeof passphrase - 1 } };
	for (size_t i = 0; i < 2 * IMAGES; i++) {
		const struct image *image = &images[i / 2];
		struct golden golden;
		struct repository_settings settings = sample_settings();
		settings.read_only = true;
		assert_int_equal(disk_directory_open(&golden.disk, image->path), 0);
		assert_int_equal(disk_volume_open(&golden.volume, golden.disk, 0), 0);
		assert_int_equal(repository_open(&golden.repository, golden.volume, &settings, &secrets[i % 2]), 0);
		assert_string_equal((const char *)settings.chunker, "chunker parameters");
		check_contents(golden.repository, image);
		close_golden(&golden);
	}
}

int main(int argc, char **argv)
{
	if (argc == 3 && (!strcmp(argv[1], "make") || !strcmp(argv[1], "make-sister")))
		return make(argv[2], argv[1][4] == '-') != 0;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_format_version_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
