/* SPDX-License-Identifier: Apache-2.0 */
/* Where the board keeps its key: a file, the kernel's keyring, or nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/store/key_file.h"
#include "hal/linux/keystore_linux.h"

static char directory[64], path[96];
static uint8_t key[KEYSTORE_KEY_SIZE], again[KEYSTORE_KEY_SIZE];
static const uint8_t nothing[KEYSTORE_KEY_SIZE];
static const uint8_t bytes[2 * KEYSTORE_KEY_SIZE] = "thirty-two bytes that are a key!and thirty-two more of the same";

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/coffret-keystore-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/key", directory);
	memset(key, 7, sizeof(key));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

static void write_file(size_t size)
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_int_equal(write(file, bytes, size), size);
	close(file);
}

static void without_a_keystore_there_is_no_key(void **state)
{
	(void)state;
	assert_int_equal(keystore_load(NULL, key), -ENODEV);
	assert_memory_equal(key, nothing, sizeof(key));
	assert_int_equal(keystore_make(NULL, key), -ENODEV);
}

static void a_file_keeps_a_key_that_is_made_once(void **state)
{
	(void)state;
	struct keystore_file file = { { &keystore_file_ops }, path };
	struct stat stat_file;
	char beside[sizeof(path) + 4];
	snprintf(beside, sizeof(beside), "%s.new", path);
	for (size_t left = 0; left <= KEYSTORE_KEY_SIZE; left++) { /* by a power cut */
		write_file(left);
		assert_int_equal(rename(path, beside), 0);
		assert_int_equal(keystore_load(&file.keystore, key), -ENOENT);
		assert_int_equal(keystore_make(&file.keystore, key), 0);
		assert_int_equal(keystore_load(&file.keystore, again), 0);
		assert_memory_equal(key, again, sizeof(key));
		assert_int_equal(access(beside, F_OK), -1);
		assert_int_equal(unlink(path), 0);
	}
	assert_int_equal(keystore_load(&file.keystore, key), -ENOENT);
	assert_memory_equal(key, nothing, sizeof(key)); /* nothing of it is left to be taken for a key */
	assert_int_equal(keystore_make(&file.keystore, key), 0);
	assert_memory_not_equal(key, nothing, sizeof(key));
	assert_int_equal(keystore_load(&file.keystore, again), 0);
	assert_memory_equal(key, again, sizeof(key));
	assert_int_equal(stat(path, &stat_file), 0);
	assert_int_equal(stat_file.st_mode & 0777, 0600);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(keystore_make(&file.keystore, key), -EEXIST);
	assert_int_equal(access(beside, F_OK), -1);
	assert_int_equal(keystore_load(&file.keystore, key), 0);
	assert_memory_equal(key, again, sizeof(key));
	file.path = "/nowhere/key";
	assert_int_equal(keystore_make(&file.keystore, key), -ENOENT);
}

static void a_file_that_is_no_key_or_that_others_read_is_refused(void **state)
{
	(void)state;
	struct keystore_file file = { { &keystore_file_ops }, path };
	static const size_t sizes[] = { 0, KEYSTORE_KEY_SIZE - 1, KEYSTORE_KEY_SIZE + 1 };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		write_file(sizes[i]);
		assert_int_equal(keystore_load(&file.keystore, key), -EBADMSG);
		assert_memory_equal(key, nothing, sizeof(key));
	}
	write_file(KEYSTORE_KEY_SIZE);
	assert_int_equal(chmod(path, 0640), 0);
	assert_int_equal(keystore_load(&file.keystore, key), -EPERM);
	assert_memory_equal(key, nothing, sizeof(key));
	assert_int_equal(chmod(path, 0400), 0);
	assert_int_equal(keystore_load(&file.keystore, key), 0);
}

static long put_into_ring(const char *name, size_t size)
{
	return syscall(SYS_add_key, "user", name, bytes, size, KEY_SPEC_USER_KEYRING);
}

static void a_keyring_is_filled_by_somebody_else(void **state)
{
	(void)state;
	char name[48];
	snprintf(name, sizeof(name), "keyring:coffret-test-%d", (int)getpid());
	struct keystore_keyring ring = { { &keystore_keyring_ops }, name + 8 };
	int result = keystore_load(&ring.keystore, key);
	if (result == -EOPNOTSUPP || result == -EPERM || result == -EACCES)
		skip(); /* a container without keyrings */
	assert_int_equal(result, -ENOENT);
	assert_memory_equal(key, nothing, sizeof(key));
	assert_int_equal(keystore_make(&ring.keystore, key), -EROFS);
	long id = put_into_ring(ring.description, KEYSTORE_KEY_SIZE);
	assert_true(id > 0);
	assert_int_equal(key_file_read(name, key), 0);
	assert_memory_equal(key, bytes, sizeof(key));
	static const size_t sizes[] = { 1, KEYSTORE_KEY_SIZE - 1, KEYSTORE_KEY_SIZE + 1, 2 * KEYSTORE_KEY_SIZE };
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		id = put_into_ring(ring.description, sizes[i]);
		assert_int_equal(keystore_load(&ring.keystore, key), -EBADMSG);
		assert_memory_equal(key, nothing, sizeof(key));
	}
	syscall(SYS_keyctl, KEYCTL_REVOKE, id);
	assert_int_equal(keystore_load(&ring.keystore, key), -ENOENT);
	syscall(SYS_keyctl, KEYCTL_UNLINK, id, KEY_SPEC_USER_KEYRING);
}

static void what_went_wrong_is_said_with_what_to_do(void **state)
{
	(void)state;
	char sentence[200], remedy[300];
	static const struct {
		const char *place;
		int error;
		const char *sentence, *remedy;
	} cases[] = {
		{ "/var/key", -ENOENT, "There is no key file /var/key.", "coffretd --init" },
		{ "/var/key", -EPERM, "others may read it", "chmod 0600" },
		{ "/var/key", -EBADMSG, "it is not 32 bytes", "Put the right file back." },
		{ "keyring:coffret", -ENOENT, "There is no key keyring:coffret.", "keyctl padd user coffret @u" },
		{ "keyring:coffret", -EROFS, "There is no key keyring:coffret.", "whoever boots the box" },
		{ "keyring:coffret", -EOPNOTSUPP, "has no keyrings", "keyctl" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		key_file_explain(cases[i].place, cases[i].error, sentence, sizeof(sentence), remedy, sizeof(remedy));
		if (!strstr(sentence, cases[i].sentence) || !strstr(remedy, cases[i].remedy))
			fail_msg("%s / %s", sentence, remedy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_keystore_there_is_no_key),
		cmocka_unit_test_setup_teardown(a_file_keeps_a_key_that_is_made_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_is_no_key_or_that_others_read_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_keyring_is_filled_by_somebody_else, set_up, tear_down),
		cmocka_unit_test(what_went_wrong_is_said_with_what_to_do),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
