/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What opens the stores of a box, changed on two volumes at once: wherever the power fails, and fails again, one secret that
 * the person has seen opens both.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/store/passphrase.h"
#include "agent/store/store.h"
#include "storage/disk.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

enum { SIDES = 2, BOTH = 3, KEYS_MAX = 4 };

static struct config config;
static struct store store;
static struct fault_disk *disks[SIDES];
static struct volume *volumes[SIDES];
static char keys[KEYS_MAX][64]; /* recovery keys that the person has seen, in their order */
static unsigned key_count;
static char directory[] = "/tmp/coffret-keys-XXXXXX";

/* Where the store looks whether a volume is still there; what it reads is the fault disk. */
static void open_side(uint32_t i, bool read_only)
{
	struct repository_settings settings = sample_settings();
	struct stat here;
	settings.read_only = read_only;
	assert_int_equal(stat(directory, &here), 0);
	strcpy(config.volumes[i].path, directory);
	store.volumes[i].place.device = here.st_dev;
	store.volumes[i].place.inode = here.st_ino;
	assert_int_equal(repository_open(&store.stories[i].repository, volumes[i], &settings, &sample_secret), 0);
}

/* The next life: what the disks kept, opened with the key file. */
static void open_both(void)
{
	config.volume_count = SIDES;
	store_begin(&store, &config);
	for (uint32_t i = 0; i < SIDES; i++)
		open_side(i, false);
}

static void close_both(void)
{
	for (uint32_t i = 0; i < SIDES; i++) {
		repository_close(store.stories[i].repository);
		store.stories[i].repository = NULL;
	}
}

static int set_up(void **state)
{
	(void)state;
	struct repository_settings settings = sample_settings();
	struct repository *first;
	strcpy(directory, "/tmp/coffret-keys-XXXXXX");
	assert_non_null(mkdtemp(directory));
	for (int i = 0; i < SIDES; i++) {
		disks[i] = fault_disk_create(1 << 20);
		assert_int_equal(disk_volume_open(&volumes[i], fault_disk_disk(disks[i]), 16 << 10), 0);
	}
	fault_disk_join(disks[0], disks[1]);
	assert_int_equal(repository_create(volumes[0], &settings, &sample_secret, keys[0]), 0);
	assert_int_equal(repository_open(&first, volumes[0], &settings, &sample_secret), 0);
	assert_int_equal(repository_create_sister(volumes[1], first, false), 0);
	repository_close(first);
	key_count = 1;
	open_both();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	close_both();
	for (int i = 0; i < SIDES; i++) {
		disk_volume_close(volumes[i]);
		fault_disk_destroy(disks[i]);
	}
	return rmdir(directory);
}

static uint32_t opened(unsigned kind, const char *text)
{
	struct repository_secret secret = { .bytes = (const uint8_t *)text, .size = strlen(text) };
	uint32_t which, away;
	secret.kind = kind;
	store_try(&store, BOTH, &secret, &which, &away);
	assert_int_equal(away, 0);
	return which;
}

static struct repository_keys keys_on(uint32_t side)
{
	struct repository_status status;
	assert_int_equal(repository_status(store.stories[side].repository, &status), 0);
	return status.keys;
}

/* ---- nothing strikes ---- */

static void a_passphrase_and_a_recovery_key_are_changed_on_both(void **state)
{
	(void)state;
	char new[64];
	assert_int_equal(store_own(&store), BOTH);
	assert_int_equal(store_set_passphrase(&store, BOTH, "seven herons count the tide"), 0);
	assert_int_equal(store_set_passphrase(&store, 2, "nine lanterns over a quay"), 0);
	assert_int_equal(opened(SECRET_PASSPHRASE, "seven herons count the tide"), 1);
	assert_true(keys_on(0).passphrases == 1 && keys_on(1).passphrases == 1);
	assert_int_equal(store_remove_passphrase(&store, BOTH), 0);
	assert_true(keys_on(0).passphrases == 0 && keys_on(1).passphrases == 0);
	assert_int_equal(store_add_recovery_key(&store, BOTH, new), 0);
	assert_true(opened(SECRET_RECOVERY, keys[0]) == BOTH && opened(SECRET_RECOVERY, new) == BOTH);
	assert_int_equal(store_confirm_recovery_key(&store, BOTH, new), 0);
	assert_true(opened(SECRET_RECOVERY, keys[0]) == 0 && opened(SECRET_RECOVERY, new) == BOTH);
}

/* As after a cut, when the same is asked for again: whatever is repeated, slots do not come to an end. */
static void what_is_asked_for_again_takes_no_second_slot(void **state)
{
	(void)state;
	struct repository_secret secret = { SECRET_PASSPHRASE, (const uint8_t *)"seven herons count the tide", 27 };
	uint8_t first[16], again[16];
	assert_int_equal(repository_add_secret(store.stories[1].repository, &secret, 1000, first), 0);
	assert_int_equal(store_set_passphrase(&store, BOTH, "seven herons count the tide"), 0);
	assert_int_equal(repository_find_secret(store.stories[1].repository, &secret, again), 0);
	assert_memory_equal(first, again, sizeof(first));
	for (uint32_t i = 0; i < SIDES; i++)
		assert_true(keys_on(i).passphrases == 1 && keys_on(i).unconfirmed == 0);
}

static void a_key_that_does_not_open_all_is_not_confirmed(void **state)
{
	(void)state;
	char new[64];
	assert_int_equal(store_add_recovery_key(&store, 1, new), 0);
	assert_int_equal(store_confirm_recovery_key(&store, BOTH, new), -ENOKEY);
	assert_non_null(strstr(store.sentence, "nothing was changed"));
	assert_true(opened(SECRET_RECOVERY, keys[0]) == BOTH && opened(SECRET_RECOVERY, new) == 1);
	assert_int_equal(keys_on(0).unconfirmed, 1);
}

static void where_one_is_missing_or_another_s_or_read_only_nothing_is_changed(void **state)
{
	(void)state;
	char new[64];
	for (int way = 0; way < 3; way++) {
		store.volumes[1].foreign = way == 0;
		if (way == 1) /* its path leads nowhere, so that nobody finds it */
			strcpy(config.volumes[1].path, "/nowhere/at/all");
		if (way == 2)
			open_side(1, true);
		assert_true(store_own(&store) == (way == 0 ? 1 : BOTH));
		assert_int_equal(store_add_recovery_key(&store, BOTH, new), way == 1 ? -ENODEV : -EROFS);
		assert_non_null(strstr(store.sentence, "nothing was changed"));
		assert_non_null(strstr(store.sentence, config.volumes[1].path));
		assert_true(store.remedy[0] != '\0');
		assert_true(store_set_passphrase(&store, BOTH, "seven herons count the tide") < 0);
		assert_true(store_confirm_recovery_key(&store, BOTH, keys[0]) < 0);
		assert_true(store_remove_passphrase(&store, BOTH) < 0);
		assert_true(keys_on(0).recovery_keys == 1 && keys_on(0).passphrases == 0);
	}
}

/* ---- the power fails ---- */

static void plan(enum fault fault, unsigned at)
{
	for (int i = 0; i < SIDES; i++)
		fault_disk_plan(disks[i], &(struct fault_plan){ .fault = fault, .at = at });
}

/* A whole renewal, as a person goes through it: what was shown is known, and only what is known is confirmed. */
static int renew(void)
{
	char new[64];
	int result = store_add_recovery_key(&store, BOTH, new);
	if (result < 0)
		return result;
	assert_true(key_count < KEYS_MAX);
	memcpy(keys[key_count++], new, sizeof(new));
	return store_confirm_recovery_key(&store, BOTH, new);
}

/* After a change that a cut may have struck; true where it did. */
static bool start_again(void)
{
	bool struck = fault_disk_struck(disks[0]);
	close_both();
	for (int i = 0; i < SIDES && struck; i++)
		fault_disk_restart(disks[i]);
	plan(FAULT_NONE, 0);
	open_both();
	return struck;
}

static bool renew_with_cut(enum fault fault, unsigned at, int *result)
{
	plan(fault, at);
	*result = renew();
	return start_again();
}

static void check(int result, enum fault fault, unsigned first, unsigned second)
{
	bool known = false;
	for (unsigned i = 0; i < key_count; i++)
		known |= opened(SECRET_RECOVERY, keys[i]) == BOTH;
	if (!known)
		fail_msg("cut %d at %u and %u: no key that was shown opens both", (int)fault, first, second);
	for (unsigned i = 0; result == 0 && i + 1 < key_count; i++)
		assert_int_equal(opened(SECRET_RECOVERY, keys[i]), 0);
	if (result == 0)
		assert_int_equal(opened(SECRET_RECOVERY, keys[key_count - 1]), BOTH);
}

static unsigned cut_once(enum fault fault, unsigned at)
{
	int result;
	set_up(NULL);
	bool struck = renew_with_cut(fault, at, &result);
	check(result, fault, at, 0);
	/* The next one works, whatever was left. */
	assert_int_equal(renew(), 0);
	check(0, fault, at, 0);
	for (uint32_t i = 0; i < SIDES; i++)
		assert_true(keys_on(i).recovery_keys == 1 && keys_on(i).unconfirmed == 0);
	tear_down(NULL);
	return struck;
}

static bool cut_twice(enum fault fault, unsigned first, unsigned second)
{
	int result;
	set_up(NULL);
	renew_with_cut(fault, first, &result);
	bool struck = renew_with_cut(fault, second, &result);
	check(result, fault, first, second);
	assert_int_equal(renew(), 0);
	check(0, fault, first, second);
	tear_down(NULL);
	return struck;
}

static void wherever_the_power_fails_a_key_that_was_shown_opens_both(void **state)
{
	(void)state;
	unsigned strikes = 0;
	for (enum fault fault = FAULT_CUT_LOST; fault <= FAULT_CUT_BYTES; fault++) {
		unsigned at = 1;
		while (cut_once(fault, at))
			at++;
		assert_true(at > 20);
		strikes += at - 1;
	}
	print_message("%u cuts\n", strikes);
}

static void and_if_it_fails_again_one_still_does(void **state)
{
	(void)state;
	unsigned pairs = 0, step = getenv("COFFRET_EXHAUSTIVE") ? 1 : 5, first = 1, second;
	static const enum fault faults[] = { FAULT_CUT_KEPT, FAULT_CUT_LOST };
	for (;; first += step) {
		enum fault fault = faults[first / step % 2];
		for (second = 1; cut_twice(fault, first, second); second += step)
			pairs++;
		set_up(NULL);
		int result;
		bool struck = renew_with_cut(fault, first, &result);
		tear_down(NULL);
		if (!struck)
			break;
	}
	assert_true(pairs > 50);
	print_message("%u pairs\n", pairs);
}

/* Few rounds for the old one; the new one costs what it costs, so that not each operation is struck. */
static bool change_passphrase_with_cut(const char *old, const char *new, unsigned at)
{
	struct repository_secret secret = { SECRET_PASSPHRASE, (const uint8_t *)old, strlen(old) };
	uint8_t slot[16];
	set_up(NULL);
	for (uint32_t i = 0; i < SIDES; i++) {
		assert_int_equal(repository_add_secret(store.stories[i].repository, &secret, 1000, slot), 0);
		assert_int_equal(repository_confirm_secret(store.stories[i].repository, slot, true), 0);
	}
	plan(FAULT_CUT_LOST, at);
	int result = store_set_passphrase(&store, BOTH, new);
	bool struck = start_again();
	if (result == 0 || opened(SECRET_PASSPHRASE, old) != BOTH)
		assert_int_equal(opened(SECRET_PASSPHRASE, new), BOTH);
	tear_down(NULL);
	return struck;
}

static void wherever_the_power_fails_a_passphrase_that_was_typed_opens_both(void **state)
{
	(void)state;
	unsigned step = getenv("COFFRET_EXHAUSTIVE") ? 1 : 9, at = step;
	while (change_passphrase_with_cut("seven herons count the tide", "nine lanterns over a quay", at))
		at += step;
	assert_true(at > 12);
}

/* ---- what a passphrase must be ---- */

static void weak_passphrases_are_told_apart_from_others(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
	} all[] = {
		{ "", "none was given" },
		{ "eleven chrs", "12 characters" },
		{ "été été é", "12 characters" }, /* characters, not bytes */
		{ "twelve chars", NULL },
		{ "seven herons count the tide", NULL },
		{ "quatre mots bien \xc3\xa9tranges", NULL },
		{ "x7#Kq!92mZ$w", NULL },
		{ "abababababababab", "easy to guess" },
		{ "abcdefghijklmnop", "easy to guess" },
		{ "098765432109", "easy to guess" },
		{ "Password-2024", "easy to guess" },
		{ "coffret backup", "easy to guess" },
		{ "motdepasse motdepasse", "easy to guess" },
		{ "coffret in the salt mine", NULL },
		{ " twelve chars", "a space" },
		{ "twelve chars ", "a space" },
		{ "twelve\tchars here", "seen or typed" },
	};
	char longest[PASSPHRASE_MAX + 2];
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *said = passphrase_weakness(all[i].text);
		if (!said != !all[i].why || (said && !strstr(said, all[i].why)))
			fail_msg("\"%s\": %s", all[i].text, said ? said : "good");
	}
	for (size_t i = 0; i < sizeof(longest) - 1; i++)
		longest[i] = (char)('a' + i * 7 % 26);
	longest[PASSPHRASE_MAX + 1] = '\0';
	assert_non_null(strstr(passphrase_weakness(longest), "longer than 200 bytes"));
	longest[PASSPHRASE_MAX] = '\0';
	assert_null(passphrase_weakness(longest));
	assert_int_equal(recovery_key_make(keys[0]), 0);
	assert_non_null(strstr(passphrase_weakness(keys[0]), "recovery key"));
}

#define keys_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		keys_test(a_passphrase_and_a_recovery_key_are_changed_on_both),
		keys_test(what_is_asked_for_again_takes_no_second_slot),
		keys_test(a_key_that_does_not_open_all_is_not_confirmed),
		keys_test(where_one_is_missing_or_another_s_or_read_only_nothing_is_changed),
		cmocka_unit_test(wherever_the_power_fails_a_key_that_was_shown_opens_both),
		cmocka_unit_test(wherever_the_power_fails_a_passphrase_that_was_typed_opens_both),
		cmocka_unit_test(and_if_it_fails_again_one_still_does),
		cmocka_unit_test(weak_passphrases_are_told_apart_from_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
