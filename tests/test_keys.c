/* SPDX-License-Identifier: Apache-2.0 */
/* What opens a repository, changed step by step: whatever is cut, a secret that somebody knows opens it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "storage/bytes.h"
#include "storage/disk.h"
#include "storage/memory.h"
#include "storage/superblock.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

static const struct sample night = { .seed = 3, .streams = 1, .chunks = 4, .chunk_size = 300 };

struct world {
	struct fault_disk *disk;
	struct volume *volume;
	struct repository *repository;
	char old[64], new[64]; /* recovery keys */
	uint8_t slot[16];      /* of the new one */
	uint64_t id;
};

static struct repository_secret recovery(const char *text)
{
	return (struct repository_secret){ SECRET_RECOVERY, (const uint8_t *)text, strlen(text) };
}

static struct repository_secret passphrase(const char *text)
{
	return (struct repository_secret){ SECRET_PASSPHRASE, (const uint8_t *)text, strlen(text) };
}

static int reopen(struct world *w, const struct repository_secret *secret, bool read_only)
{
	struct repository_settings settings = sample_settings();
	settings.read_only = read_only;
	repository_close(w->repository);
	w->repository = NULL;
	return repository_open(&w->repository, w->volume, &settings, secret);
}

static void set_up(struct world *w)
{
	struct repository_settings settings = sample_settings();
	*w = (struct world){ .disk = fault_disk_create(2 << 20) };
	assert_int_equal(disk_volume_open(&w->volume, fault_disk_disk(w->disk), 16 << 10), 0);
	assert_int_equal(repository_create(w->volume, &settings, &sample_secret, w->old), 0);
	assert_int_equal(reopen(w, &sample_secret, false), 0);
	assert_int_equal(sample_store(w->repository, &night, true, &w->id), 0);
	assert_int_equal(recovery_key_make(w->new), 0);
}

static void tear_down(struct world *w)
{
	repository_close(w->repository);
	disk_volume_close(w->volume);
	fault_disk_destroy(w->disk);
}

static struct repository_keys keys_of(const struct world *w)
{
	struct repository_status status;
	assert_int_equal(repository_status(w->repository, &status), 0);
	return status.keys;
}

/* As it lies on the medium. */
static bool opens(struct world *w, const char *text)
{
	struct repository_secret secret = recovery(text);
	int error = reopen(w, &secret, false);
	if (error && error != -ENOKEY)
		fail_msg("it cannot be opened: %d", error);
	assert_true(error || !sample_compare(w->repository, &night, w->id));
	assert_int_equal(reopen(w, &sample_secret, false), 0);
	return !error;
}

static int count_superblock(void *arg, uint64_t id, uint32_t size)
{
	(void)size;
	*(int *)arg += id >> 56 == 1;
	return 0;
}

static int copies(const struct world *w)
{
	int count = 0;
	assert_int_equal(volume_list(w->volume, count_superblock, &count), 0);
	return count;
}

static int add(struct world *w, const char *text)
{
	struct repository_secret secret = recovery(text);
	return repository_add_secret(w->repository, &secret, 0, w->slot);
}

static void a_new_key_stands_beside_the_old_one_until_it_stands_alone(void **state)
{
	(void)state;
	struct world w;
	char never[64];
	uint8_t slot[16];
	set_up(&w);
	assert_int_equal(recovery_key_make(never), 0);
	assert_int_equal(add(&w, never), 0);
	assert_true(opens(&w, w.old) && opens(&w, never));
	assert_int_equal(keys_of(&w).unconfirmed, 1);
	/* One that nobody confirmed makes way for the next; one that is confirmed does not. */
	assert_int_equal(add(&w, w.new), 0);
	assert_true(opens(&w, w.old) && opens(&w, w.new) && !opens(&w, never));
	assert_int_equal(repository_confirm_secret(w.repository, w.slot, false), 0);
	assert_int_equal(keys_of(&w).unconfirmed, 0);
	assert_int_equal(add(&w, never), 0);
	assert_true(opens(&w, w.old) && opens(&w, w.new) && opens(&w, never));
	assert_int_equal(keys_of(&w).recovery_keys, 3);
	struct repository_secret secret = recovery(w.new);
	assert_int_equal(repository_find_secret(w.repository, &secret, slot), 0);
	assert_int_equal(repository_confirm_secret(w.repository, slot, true), 0);
	assert_true(!opens(&w, w.old) && opens(&w, w.new) && !opens(&w, never));
	struct repository_keys keys = keys_of(&w);
	assert_true(keys.recovery_keys == 1 && keys.key_files == 1 && !keys.passphrases && !keys.unconfirmed);
	secret = recovery(w.old);
	assert_int_equal(repository_find_secret(w.repository, &secret, slot), -ENOKEY);
	assert_int_equal(repository_confirm_secret(w.repository, slot, true), 0);         /* once more, for nothing */
	assert_int_equal(repository_confirm_secret(w.repository, w.slot, true), -ENOENT); /* it was another's */
	assert_true(opens(&w, w.new));
	tear_down(&w);
}

static void slots_come_to_an_end_and_are_given_back(void **state)
{
	(void)state;
	struct world w;
	set_up(&w);
	for (int i = 2; i < KEY_SLOTS; i++) {
		assert_int_equal(recovery_key_make(w.new), 0);
		assert_int_equal(add(&w, w.new), 0);
		assert_int_equal(repository_confirm_secret(w.repository, w.slot, false), 0);
	}
	char more[64];
	uint8_t slot[16];
	memcpy(slot, w.slot, 16);
	assert_int_equal(recovery_key_make(more), 0);
	assert_int_equal(add(&w, more), -EUSERS);
	assert_true(opens(&w, w.old) && opens(&w, w.new) && !opens(&w, more));
	assert_int_equal(repository_confirm_secret(w.repository, slot, true), 0);
	assert_int_equal(add(&w, more), 0);
	assert_true(!opens(&w, w.old) && opens(&w, w.new) && opens(&w, more));
	tear_down(&w);
}

static void a_passphrase_comes_and_goes(void **state)
{
	(void)state;
	struct world w;
	uint8_t slot[16];
	struct repository_secret secret = passphrase("correct horse"), wrong = passphrase("correct horsf");
	set_up(&w);
	assert_int_equal(repository_drop_secrets(w.repository, SECRET_PASSPHRASE, false), 0); /* none is there */
	assert_int_equal(sample_set_secret(w.repository, &secret), 0);
	assert_int_equal(keys_of(&w).passphrases, 1);
	assert_int_equal(repository_find_secret(w.repository, &wrong, slot), -ENOKEY);
	assert_int_equal(reopen(&w, &wrong, false), -ENOKEY);
	assert_int_equal(reopen(&w, &secret, false), 0);
	assert_int_equal(sample_compare(w.repository, &night, w.id), 0);
	assert_int_equal(repository_drop_secrets(w.repository, SECRET_PASSPHRASE, true), 0); /* it was confirmed */
	assert_int_equal(keys_of(&w).passphrases, 1);
	assert_int_equal(repository_drop_secrets(w.repository, SECRET_PASSPHRASE, false), 0);
	assert_int_equal(keys_of(&w).passphrases, 0);
	assert_int_equal(reopen(&w, &secret, false), -ENOKEY);
	assert_int_equal(reopen(&w, &sample_secret, false), 0);
	/* The last slot of all stays. */
	assert_int_equal(repository_drop_secrets(w.repository, SECRET_RECOVERY, false), 0);
	assert_int_equal(repository_drop_secrets(w.repository, SECRET_KEY_FILE, false), -EPERM);
	assert_int_equal(reopen(&w, &sample_secret, false), 0);
	tear_down(&w);
}

static void nothing_changes_where_nothing_may_be_written(void **state)
{
	(void)state;
	struct world w;
	set_up(&w);
	assert_int_equal(add(&w, w.new), 0);
	assert_int_equal(reopen(&w, &sample_secret, true), 0);
	assert_int_equal(add(&w, w.new), -EROFS);
	assert_int_equal(repository_confirm_secret(w.repository, w.slot, true), -EROFS);
	assert_int_equal(repository_drop_secrets(w.repository, SECRET_RECOVERY, false), -EROFS);
	struct repository_secret secret = recovery(w.old);
	assert_int_equal(repository_find_secret(w.repository, &secret, w.slot), 0); /* looking is allowed */
	tear_down(&w);
}

/* ---- whatever strikes ---- */

enum step { ADD, CONFIRM, ALONE, DROP, STEPS };
static const char *const step_names[] = { "add", "confirm", "alone", "drop" };

static int take(struct world *w, enum step step)
{
	switch (step) {
	case ADD:
		return add(w, w->new);
	case CONFIRM:
		return repository_confirm_secret(w->repository, w->slot, false);
	case ALONE:
		return repository_confirm_secret(w->repository, w->slot, true);
	default:
		return repository_drop_secrets(w->repository, SECRET_RECOVERY, true);
	}
}

/* What must hold after a step that answered `error`: the first word is of the old key, the second of the new one. */
static void check(struct world *w, enum step step, int error, bool may_be_done, const char *what)
{
	bool old = opens(w, w->old), new = opens(w, w->new);
	bool done = !error || may_be_done, before = error != 0;
	bool good = step == ADD ? old && (new ? done : before)
		: step == CONFIRM   ? old && new
		: step == ALONE     ? new && (old ? before : done)
							: old && (new ? before : done);
	if (!good)
		fail_msg("%s, error %d: the old key opens %d, the new one %d", what, error, old, new);
}

static bool strike(enum step step, enum fault fault, unsigned at)
{
	struct world w;
	char what[80];
	snprintf(what, sizeof what, "%s, fault %d at %u", step_names[step], (int)fault, at);
	set_up(&w);
	if (step != ADD)
		assert_int_equal(add(&w, w.new), 0);
	if (step == ALONE)
		assert_int_equal(repository_confirm_secret(w.repository, w.slot, false), 0);
	fault_disk_plan(w.disk, &(struct fault_plan){ .fault = fault, .at = at });
	int error = take(&w, step);
	bool struck = fault_disk_struck(w.disk);
	assert_true(struck || !error);
	if (!struck)
		fault_disk_plan(w.disk, &(struct fault_plan){ .fault = FAULT_NONE });
	bool cut = fault >= FAULT_CUT_LOST;
	if (cut) {
		repository_close(w.repository);
		w.repository = NULL;
		fault_disk_restart(w.disk);
		assert_int_equal(reopen(&w, &sample_secret, false), 0);
	} else if (struck && error) {
		/* The process lives on: what it does next counts, and what failed is not there. */
		check(&w, step, error, false, what);
		assert_int_equal(take(&w, step), 0);
		error = 0;
	}
	check(&w, step, error, cut, what);
	assert_int_equal(sample_compare(w.repository, &night, w.id), 0);
	assert_int_equal(sample_renew_recovery(w.repository, w.new), 0);
	assert_true(opens(&w, w.new) && !opens(&w, w.old));
	assert_int_equal(copies(&w), 2);
	tear_down(&w);
	return struck;
}

static void whatever_strikes_a_key_that_is_known_opens_it(void **state)
{
	(void)state;
	static const enum fault faults[] = { FAULT_EIO, FAULT_ENOSPC, FAULT_SHORT, FAULT_CUT_LOST, FAULT_CUT_KEPT,
		FAULT_CUT_NAMES, FAULT_CUT_REORDERED, FAULT_CUT_BYTES };
	unsigned strikes = 0;
	for (enum step step = ADD; step < STEPS; step++) {
		for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
			unsigned at = 1;
			while (strike(step, faults[i], at))
				at++;
			assert_true(at > 2);
			strikes += at - 1;
		}
	}
	print_message("%u strikes\n", strikes);
}

/* Whether the first change failed, and the second was cut. */
static void fail_then_cut(unsigned n, enum fault fault, unsigned m, bool *failed, bool *cut)
{
	struct world w;
	char failing[64];
	set_up(&w);
	assert_int_equal(recovery_key_make(failing), 0);
	fault_disk_plan(w.disk, &(struct fault_plan){ .fault = FAULT_EIO, .at = n });
	*failed = add(&w, failing) != 0;
	fault_disk_plan(w.disk, &(struct fault_plan){ .fault = fault, .at = m });
	int error = add(&w, w.new);
	*cut = fault_disk_struck(w.disk);
	repository_close(w.repository);
	w.repository = NULL;
	fault_disk_restart(w.disk);
	assert_int_equal(reopen(&w, &sample_secret, false), 0);
	assert_true(opens(&w, w.old));
	if (!error && (!opens(&w, w.new) || opens(&w, failing)))
		fail_msg("error at %u, cut %d at %u: what had failed is back", n, (int)fault, m);
	tear_down(&w);
}

/* Error at N, another change, cut at M, which may bring back what was removed: the change that was told done is there. */
static void what_failed_does_not_take_the_place_of_the_next_change(void **state)
{
	(void)state;
	for (enum fault fault = FAULT_CUT_LOST; fault <= FAULT_CUT_BYTES; fault++) {
		bool failed = true;
		for (unsigned n = 1; failed; n++) {
			bool cut = true;
			for (unsigned m = 1; cut; m++)
				fail_then_cut(n, fault, m, &failed, &cut);
		}
	}
}

struct generations {
	struct volume *volume;
	uint64_t highest;
};

static int note_generation(void *arg, uint64_t id, uint32_t size)
{
	struct generations *seen = arg;
	uint8_t bytes[8];
	if (id >> 56 == 1 && size == SUPERBLOCK_SIZE) {
		assert_int_equal(volume_read(seen->volume, id, 40, bytes, 8), 0);
		seen->highest = get64(bytes) > seen->highest ? get64(bytes) : seen->highest;
	}
	return 0;
}

static uint64_t highest_generation(const struct world *w)
{
	struct generations seen = { .volume = w->volume };
	assert_int_equal(volume_list(w->volume, note_generation, &seen), 0);
	return seen.highest;
}

/* What failed could not be removed either, and is whole: of two that differ one has the higher generation. */
static void what_failed_and_stayed_is_older_than_the_next_change(void **state)
{
	(void)state;
	const struct fault_plan none = { FAULT_NONE, 0, 0 };
	unsigned stayed = 0;
	bool struck = true;
	for (unsigned n = 1; struck; n++) {
		struct world w;
		char failing[64];
		set_up(&w);
		uint64_t before = highest_generation(&w);
		assert_int_equal(recovery_key_make(failing), 0);
		fault_disk_plan(w.disk, &(struct fault_plan){ .fault = FAULT_EIO, .at = n });
		fault_disk_more(w.disk, 3);
		bool failed = add(&w, failing) != 0;
		struck = fault_disk_struck(w.disk);
		fault_disk_plan(w.disk, &none);
		uint64_t left = highest_generation(&w);
		stayed += failed && left > before;
		assert_int_equal(add(&w, w.new), 0);
		if (highest_generation(&w) <= left)
			fail_msg("errors from %u on: generation %u twice", n, (unsigned)left);
		assert_true(opens(&w, w.old) && opens(&w, w.new) && !opens(&w, failing));
		tear_down(&w);
	}
	assert_true(stayed > 0);
}

static void a_full_volume_has_room_for_a_new_key(void **state)
{
	(void)state;
	struct memory_geometry geometry = { .size = 512 << 10, .segment_size = 16 << 10, .write_unit = 16 };
	struct world w = { .disk = NULL };
	struct sample sample = { .streams = 1, .chunks = 8, .chunk_size = 4000 };
	int error = 0;
	assert_int_equal(memory_volume_open(&w.volume, &geometry), 0);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	while (!error) {
		sample.seed++;
		error = sample_store(w.repository, &sample, true, &w.id);
	}
	assert_int_equal(error, -ENOSPC);
	struct repository_secret secret = passphrase("on a full volume");
	for (int i = 0; i < 5; i++) {
		assert_int_equal(sample_renew_recovery(w.repository, w.new), 0);
		assert_int_equal(sample_set_secret(w.repository, &secret), 0);
	}
	assert_int_equal(reopen(&w, &secret, false), 0);
	repository_close(w.repository);
	memory_volume_close(w.volume);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_key_stands_beside_the_old_one_until_it_stands_alone),
		cmocka_unit_test(slots_come_to_an_end_and_are_given_back),
		cmocka_unit_test(a_passphrase_comes_and_goes),
		cmocka_unit_test(nothing_changes_where_nothing_may_be_written),
		cmocka_unit_test(whatever_strikes_a_key_that_is_known_opens_it),
		cmocka_unit_test(what_failed_does_not_take_the_place_of_the_next_change),
		cmocka_unit_test(what_failed_and_stayed_is_older_than_the_next_change),
		cmocka_unit_test(a_full_volume_has_room_for_a_new_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
