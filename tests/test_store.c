/* SPDX-License-Identifier: Apache-2.0 */
/* The store as the configuration names it: what is said where a volume cannot be used. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/store/store.h"
#include "tests/support/sample.h"

static struct config config;
static struct store store;
static char directory[64];

static int64_t no_time(struct clock *clock)
{
	(void)clock;
	return 0;
}

static void no_wall(struct clock *clock, struct clock_wall *wall)
{
	(void)clock;
	*wall = (struct clock_wall){ .seconds = 1700000000, .trusted = true };
}

static const struct clock_ops clock_ops = { .monotonic = no_time, .wall = no_wall };
static struct clock test_clock = { &clock_ops };

static void write_file(const char *name, const void *bytes, size_t size)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(file, bytes, size), size);
	close(file);
}

/* Two volumes, "store" and "disk", at these paths. */
static void configure(const char *first, const char *second)
{
	char path[128], text[1200], message[600];
	snprintf(text, sizeof(text),
		"[box]\nvolume = %s\nkey_file = %s/key\nstate_directory = %s/state\n[volume disk]\npath = %s\n[server sql]\nhost = "
		"h\nca_file = /ca\ndatabases = mgc\nbackup_login = b\nbackup_password_file = %s/pw\n",
		first, directory, directory, second, directory);
	write_file("conf", text, strlen(text));
	snprintf(path, sizeof(path), "%s/conf", directory);
	if (config_read(&config, path, message, sizeof(message)) < 0)
		fail_msg("%s", message);
}

static int set_up(void **state)
{
	char first[80], second[80];
	(void)state;
	strcpy(directory, "/tmp/coffret-store-XXXXXX");
	assert_non_null(mkdtemp(directory));
	write_file("key", sample_secret.bytes, sample_secret.size);
	snprintf(first, sizeof(first), "%s/store", directory);
	snprintf(second, sizeof(second), "%s/disk", directory);
	configure(first, second);
	return 0;
}

static int tear_down(void **state)
{
	char command[128];
	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

static void expect(uint32_t index, const char *sentence, const char *remedy)
{
	const struct store_volume *volume = &store.volumes[index];
	const char *path = config.volumes[index].path;
	if (!strstr(volume->sentence, sentence) || !strstr(volume->remedy, remedy))
		fail_msg("expected \"%s\" and \"%s\", found\n%s\n%s", sentence, remedy, volume->sentence, volume->remedy);
	assert_non_null(strstr(volume->sentence, path));
	assert_null(strchr(volume->sentence, '%'));
	size_t end = strlen(volume->sentence);
	assert_true(end && volume->sentence[end - 1] == '.');
}

/* ---- each error in its words ---- */

static void what_is_wrong_with_a_store_is_said_in_its_own_words(void **state)
{
	(void)state;
	static const struct {
		int error, told;
		const char *sentence, *remedy;
	} ways[] = {
		{ -ENOENT, -ENOMEDIUM, "There is no store in ", "coffretd --init" },
		{ -ENODATA, -ENOMEDIUM, "There is no store in ", "coffretd --init" },
		{ -ENOMEDIUM, -ENOMEDIUM, "There is no store in ", "coffretd --init" },
		{ -EXDEV, -EXDEV, "holds something that is no store of this box", "an empty directory" },
		{ -ENOKEY, -ENOKEY, "/key does not open the store in ", "coffret take-over" },
		{ -EBADMSG, -EBADMSG, "is damaged at its root", "do not write to it" },
		{ -EPROTONOSUPPORT, -EPROTONOSUPPORT, "was written by a later version, with features or records",
			"Update coffret" },
		{ -EPROTO, -EPROTO, "was made by a later version, which cuts rows in another way", "Update coffret" },
		{ -ENOSPC, -ENOSPC, "more chunks than this build can index", "STORAGE_INDEX_CHUNKS" },
		{ -ESTALE, -ESTALE, "is not the one that was there before", "restart coffretd" },
		{ -EROFS, -EROFS, "can only be read", "its mount" },
		{ -EIO, -EIO, "cannot be opened: Input/output error", "" },
	};
	store_begin(&store, &config);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(store_tell_repository(&store, 0, ways[i].error), ways[i].told);
		assert_int_equal(store.volumes[0].error, ways[i].told);
		expect(0, ways[i].sentence, ways[i].remedy);
	}
	/* Beside one that is there, a blank one is no box without a store. */
	store.home = 0;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(store_tell_repository(&store, 1, ways[i].error), -ENOMEDIUM);
		expect(1, "There is no store in ", "coffret attach");
	}
	assert_int_equal(store_tell_repository(&store, 1, -ENOKEY), -ENOKEY);
	expect(1, "/key does not open the store in ", "coffret take-over");
}

static void what_is_wrong_with_a_place_is_said_in_its_own_words(void **state)
{
	(void)state;
	static const struct {
		int error, told;
		const char *directory, *flash, *remedy;
	} ways[] = {
		{ -EBUSY, -EBUSY, "Another process has the store in ", "Another process has the store in ", "stop it first" },
		{ -ENOENT, -ENOMEDIUM, "There is no directory ", "There is no flash ", "" },
		{ -EXDEV, -EXDEV, "cannot be opened", "no store of this box; nothing was changed", "" },
		{ -EOPNOTSUPP, -EOPNOTSUPP, "cannot be opened", "This build cannot use a flash such as ", "" },
		{ -ENOTTY, -ENOTTY, "cannot be opened", " is no volume of UBI", "" },
		{ -EBADF, -EBADF, "cannot be opened", "was cut short", "" },
		{ -EACCES, -EACCES, "cannot be opened: Permission denied", "cannot be opened: Permission denied", "its owner" },
	};
	configure("/srv/store", "/dev/ubi0_1");
	store_begin(&store, &config);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		assert_int_equal(store_tell_place(&store, 0, ways[i].error), ways[i].told);
		expect(0, ways[i].directory, ways[i].remedy);
		assert_int_equal(store_tell_place(&store, 1, ways[i].error), ways[i].told);
		expect(1, ways[i].flash, ways[i].remedy);
	}
}

static void a_path_of_any_length_is_cut_and_not_run_over(void **state)
{
	(void)state;
	char path[256];
	memset(path, 'p', sizeof(path) - 1);
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	store_begin(&store, &config);
	strcpy(config.volumes[0].path, path);
	strcpy(config.key_file, path);
	assert_int_equal(store_tell_repository(&store, 0, -ENOKEY), -ENOKEY);
	assert_int_equal(strlen(store.volumes[0].sentence), sizeof(store.volumes[0].sentence) - 1);
}

/* ---- through the store, as a later version left it ---- */

static void open_golden(const char *overlay)
{
	char command[512];
	snprintf(command, sizeof(command),
		"cd %s && rm -rf store && mkdir store && cd - >/dev/null && cp tests/golden/repository_1/* %s/store && "
		"cp tests/golden/%s/* %s/store && chmod u+w %s/store/*",
		directory, directory, overlay, directory, directory);
	assert_int_equal(system(command), 0);
	assert_int_not_equal(store_open(&store, &config, &test_clock), 0);
	store_close(&store);
}

static void a_store_of_a_later_version_is_said_to_be_one(void **state)
{
	(void)state;
	open_golden("unknown_read");
	assert_int_equal(store.volumes[0].error, -EPROTONOSUPPORT);
	expect(0, "was written by a later version", "Update coffret; nothing was changed.");
	assert_string_equal(store.sentence, store.volumes[0].sentence);
	open_golden("unknown_critical_record");
	expect(0, "was written by a later version", "Update coffret; nothing was changed.");
	open_golden("unknown_compatible"); /* its chunker is none that the agent knows */
	expect(0, "cuts rows in another way", "Update coffret.");
	write_file("key", "another key of thirty-two bytes.", 32);
	open_golden("unknown_compatible");
	expect(0, "does not open the store", "coffret take-over");
}

/* ---- a disk of its own ---- */

static bool is_there(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return access(path, F_OK) == 0;
}

/* How many were made. */
static int create(void)
{
	char recovery_key[64];
	int result = store_create(&store, &config, recovery_key);
	assert_int_equal(recovery_key[0] != '\0', result > 0 && store.stories[0].repository != NULL);
	return result;
}

static void a_disk_that_is_not_mounted_gets_no_store(void **state)
{
	(void)state;
	assert_true(config.volumes[1].own_disk);
	assert_int_equal(create(), 1);
	expect(1, "its disk is not mounted", "coffret attach disk");
	assert_int_equal(store_attach(&store, 1), -ENODEV);
	expect(1, "its disk is not mounted", "own_disk = no");
	assert_false(is_there("disk"));
	/* Said to be a folder, it is made. */
	config.volumes[1].own_disk = false;
	assert_int_equal(store_attach(&store, 1), 0);
	assert_true(is_there("disk"));
	store_close(&store);
}

static void a_first_volume_that_is_not_mounted_gets_no_store(void **state)
{
	(void)state;
	config.volumes[0].own_disk = true;
	config.volumes[1].own_disk = false;
	char key[128];
	snprintf(key, sizeof(key), "%s/key", directory);
	unlink(key);
	assert_int_equal(create(), -ENODEV);
	assert_non_null(strstr(store.sentence, "its disk is not mounted"));
	assert_non_null(strstr(store.remedy, "coffretd --init"));
	assert_false(is_there("store") || is_there("disk") || is_there("key"));
	store_close(&store);
}

/* Where the machine has a second file system that anybody may write: memory. */
static void a_disk_that_is_mounted_gets_its_store(void **state)
{
	(void)state;
	char memory[] = "/dev/shm/coffret-disk-XXXXXX", disk[80], sentence[512];
	struct stat here, there;
	int made[2];
	if (!mkdtemp(memory))
		skip();
	snprintf(disk, sizeof(disk), "%s/disk", directory);
	assert_int_equal(symlink(memory, disk), 0);
	bool other = stat(directory, &here) == 0 && stat(disk, &there) == 0 && here.st_dev != there.st_dev;
	/* What the box has anyway on that file system: nothing; its first volume. */
	for (int i = 0; other && i < 2; i++) {
		snprintf(config.volumes[1].path, sizeof(config.volumes[1].path), "%s/%d", disk, i);
		made[i] = create();
		snprintf(sentence, sizeof(sentence), "%s", store.volumes[1].sentence);
		store_close(&store);
		snprintf(config.volumes[0].path, sizeof(config.volumes[0].path), "%s/first", disk);
	}
	char command[128];
	snprintf(command, sizeof(command), "rm -r %s", memory);
	assert_int_equal(system(command), 0);
	if (!other)
		skip();
	assert_int_equal(made[0], 2);
	assert_int_equal(made[1], 1);
	assert_non_null(strstr(sentence, config.volumes[0].path));
}

static void a_disk_that_goes_or_comes_is_noticed(void **state)
{
	(void)state;
	char away[300];
	const char *disk = config.volumes[1].path;
	snprintf(away, sizeof(away), "%s.away", disk);
	config.volumes[1].own_disk = false;
	assert_int_equal(create(), 2);
	store_close(&store);
	assert_int_equal(store_open(&store, &config, &test_clock), 0);
	assert_false(store_look(&store, true));
	assert_int_equal(rename(disk, away), 0);
	assert_true(store_look(&store, true));
	expect(1, "There is no directory", "coffret attach");
	assert_false(store_look(&store, true));
	assert_int_equal(rename(away, disk), 0);
	assert_true(store_look(&store, true));
	assert_non_null(store.stories[1].repository);
	store_close(&store);
}

#define store_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		store_test(what_is_wrong_with_a_store_is_said_in_its_own_words),
		store_test(what_is_wrong_with_a_place_is_said_in_its_own_words),
		store_test(a_path_of_any_length_is_cut_and_not_run_over),
		store_test(a_store_of_a_later_version_is_said_to_be_one),
		store_test(a_disk_that_is_not_mounted_gets_no_store),
		store_test(a_first_volume_that_is_not_mounted_gets_no_store),
		store_test(a_disk_that_is_mounted_gets_its_store),
		store_test(a_disk_that_goes_or_comes_is_noticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
