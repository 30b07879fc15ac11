/* SPDX-License-Identifier: Apache-2.0 */
/* The disk volume: what is durable when, whose files are whose, and that one process has it. */
#include "storage/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/faults/fault_disk.h"

static char path[64];

static int make_directory(void **state)
{
	(void)state;
	strcpy(path, "/tmp/coffret-disk-XXXXXX");
	return mkdtemp(path) ? 0 : -1;
}

static int remove_directory(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", path);
	return system(command);
}

static int count(void *arg, uint64_t id, uint32_t size)
{
	(void)id, (void)size;
	++*(unsigned *)arg;
	return 0;
}

static void files_of_others_are_left_alone(void **state)
{
	(void)state;
	struct disk *disk;
	struct volume *volume;
	unsigned found = 0;
	char name[128];
	const char *others[] = { "notes.txt", "0000000000000001", "000000000000000g.seg", "1.seg" };
	for (size_t i = 0; i < 4; i++) {
		snprintf(name, sizeof name, "%s/%s", path, others[i]);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	snprintf(name, sizeof name, "%s/00000000000000aa.seg", path);
	assert_int_equal(mkdir(name, 0700), 0); /* the name alone is not enough */
	assert_int_equal(disk_directory_open(&disk, path), 0);
	assert_int_equal(disk_volume_open(&volume, disk, 0), 0);
	assert_int_equal(volume_list(volume, count, &found), 0);
	assert_int_equal(found, 0);
	assert_int_equal(volume_write(volume, 1, 0, "x", 1), 0);
	assert_int_equal(volume_list(volume, count, &found), 0);
	assert_int_equal(found, 1);
	disk_volume_close(volume);
	disk_directory_close(disk);
}

static int remove_others(void *arg, const char *name, uint64_t size)
{
	char other[128];
	(void)size;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(other, sizeof other, "%s/%u", path, i);
		if (strcmp(other + strlen(path) + 1, name) != 0)
			unlink(other);
	}
	++*(unsigned *)arg;
	return 0;
}

/* Somebody else's, between its name and its size: a list that failed would look like a disk on which nothing is. */
static void a_file_that_goes_while_names_are_read_is_not_there(void **state)
{
	(void)state;
	struct disk *disk;
	char name[128];
	unsigned found = 0;
	for (unsigned i = 0; i < 40; i++) {
		snprintf(name, sizeof name, "%s/%u", path, i);
		close(open(name, O_CREAT | O_WRONLY, 0600));
	}
	assert_int_equal(disk_directory_open(&disk, path), 0);
	assert_int_equal(disk_list(disk, remove_others, &found), 0);
	assert_int_equal(found, 1);
	disk_directory_close(disk);
}

static void a_second_process_is_refused_until_the_first_is_done(void **state)
{
	(void)state;
	struct disk *disk, *other;
	assert_int_equal(disk_directory_open(&disk, path), 0);
	pid_t child = fork();
	if (child == 0)
		_exit(disk_directory_open(&other, path) == -EBUSY ? 0 : 1);
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	disk_directory_close(disk);
	assert_int_equal(disk_directory_open(&disk, path), 0);
	disk_directory_close(disk);
}

static void what_is_no_directory_is_refused(void **state)
{
	(void)state;
	struct disk *disk;
	char name[128];
	snprintf(name, sizeof name, "%s/absent", path);
	assert_int_equal(disk_directory_open(&disk, name), -ENOENT);
	assert_int_equal(disk_directory_open(&disk, "/dev/null"), -ENOTDIR);
}

static void a_link_in_the_place_of_a_segment_is_not_followed(void **state)
{
	(void)state;
	struct disk *disk;
	struct volume *volume;
	char name[128], byte;
	snprintf(name, sizeof name, "%s/0000000000000005.seg", path);
	assert_int_equal(symlink("/etc/passwd", name), 0);
	assert_int_equal(disk_directory_open(&disk, path), 0);
	assert_int_equal(disk_volume_open(&volume, disk, 0), 0);
	assert_true(volume_read(volume, 5, 0, &byte, 1) < 0);
	assert_true(volume_write(volume, 5, 0, "x", 1) < 0);
	disk_volume_close(volume);
	disk_directory_close(disk);
}

static void memory_file_systems_promise_no_durability(void **state)
{
	(void)state;
	struct disk *disk;
	struct disk_stat stat;
	char name[] = "/dev/shm/coffret-disk-XXXXXX";
	if (!mkdtemp(name))
		skip();
	assert_int_equal(disk_directory_open(&disk, name), 0);
	assert_int_equal(disk_stat(disk, &stat), 0);
	assert_false(stat.durable);
	disk_directory_close(disk);
	rmdir(name);
}

/* volume.h: "a segment whose volume_sync returned 0 is whole". */
static void what_was_synced_survives_every_cut(void **state)
{
	(void)state;
	for (enum fault fault = FAULT_PULLED; fault <= FAULT_CUT_BYTES; fault++) {
		struct fault_disk *disk = fault_disk_create(1u << 20);
		struct fault_plan plan = { fault, 4, 0 }; /* the sync: behind the name and two writes */
		struct volume *volume;
		uint8_t bytes[100];
		assert_int_equal(disk_volume_open(&volume, fault_disk_disk(disk), 4096), 0);
		assert_int_equal(volume_write(volume, 1, 0, "a whole segment", 16), 0);
		assert_int_equal(volume_sync(volume, 1), 0);
		fault_disk_plan(disk, &plan);
		assert_int_equal(volume_write(volume, 2, 0, "and one", 8), 0);
		assert_int_equal(volume_write(volume, 2, 8, " that is cut", 12), 0);
		assert_int_equal(volume_sync(volume, 2), -ENODEV);
		fault_disk_restart(disk);
		assert_int_equal(volume_read(volume, 1, 0, bytes, 16), 0);
		assert_memory_equal(bytes, "a whole segment", 16);
		disk_volume_close(volume);
		fault_disk_destroy(disk);
	}
}

/* A failed fsync has lost some of the bytes; the kernel says so once and never again. */
static void a_sync_after_a_failed_one_makes_nothing_whole(void **state)
{
	(void)state;
	struct fault_disk *disk = fault_disk_create(1u << 20);
	struct fault_plan plan = { FAULT_EIO, 3, 0 };
	struct volume *volume;
	uint8_t bytes[8];
	assert_int_equal(disk_volume_open(&volume, fault_disk_disk(disk), 4096), 0);
	fault_disk_plan(disk, &plan);
	assert_int_equal(volume_write(volume, 1, 0, "segment", 8), 0);
	assert_int_equal(volume_sync(volume, 1), -EIO);
	assert_int_equal(volume_sync(volume, 1), 0); /* which is why nobody may count on it */
	fault_disk_restart(disk);
	assert_int_equal(volume_read(volume, 1, 0, bytes, 8), 0);
	assert_memory_not_equal(bytes, "segment", 8);
	disk_volume_close(volume);
	fault_disk_destroy(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(files_of_others_are_left_alone, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(
			a_file_that_goes_while_names_are_read_is_not_there, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(
			a_second_process_is_refused_until_the_first_is_done, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(what_is_no_directory_is_refused, make_directory, remove_directory),
		cmocka_unit_test_setup_teardown(
			a_link_in_the_place_of_a_segment_is_not_followed, make_directory, remove_directory),
		cmocka_unit_test(memory_file_systems_promise_no_durability),
		cmocka_unit_test(what_was_synced_survives_every_cut),
		cmocka_unit_test(a_sync_after_a_failed_one_makes_nothing_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
