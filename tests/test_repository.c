/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and damage: what opens a repository, what refuses, and what becomes of every byte that changes on the medium. */
#include "storage/repository.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/disk.h"
#include "storage/segment.h"
#include "storage/state.h"
#include "storage/superblock.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

static const struct sample sample = { .seed = 1, .streams = 2, .chunks = 5, .shared = 3, .chunk_size = 250 };
static const struct sample changed = { .seed = 2, .streams = 2, .chunks = 5, .shared = 3, .chunk_size = 250 };

struct world {
	struct fault_disk *disk;
	struct volume *volume;
	struct repository *repository;
};

static void setup(struct world *w)
{
	w->disk = fault_disk_create(8u << 20);
	w->repository = NULL;
	assert_int_equal(disk_volume_open(&w->volume, fault_disk_disk(w->disk), 64u << 10), 0);
}

static void teardown(struct world *w)
{
	repository_close(w->repository);
	disk_volume_close(w->volume);
	fault_disk_destroy(w->disk);
}

static int open_with(struct world *w, int kind, const char *text)
{
	struct repository_settings settings = sample_settings();
	struct repository_secret secret = { .bytes = (const uint8_t *)text, .size = strlen(text) };
	secret.kind = (unsigned)kind;
	repository_close(w->repository);
	w->repository = NULL;
	return repository_open(&w->repository, w->volume, &settings, &secret);
}

static void it_opens_with_its_passphrase_and_its_recovery_key_alone(void **state)
{
	(void)state;
	struct world w;
	struct repository_settings settings = sample_settings();
	struct repository_secret secret = { SECRET_PASSPHRASE, (const uint8_t *)"correct horse", 13 };
	char recovery[64], renewed[64], typed[80];
	uint8_t key[32], again[32];
	setup(&w);
	settings.passphrase_iterations = 1000;
	assert_int_equal(repository_open(&w.repository, w.volume, &settings, &secret), -ENOENT);
	assert_int_equal(repository_create(w.volume, &settings, &secret, recovery), 0);
	assert_int_equal(strlen(recovery), 56);
	assert_int_equal(repository_create(w.volume, &settings, &secret, renewed), -EXDEV);
	assert_int_equal(open_with(&w, SECRET_PASSPHRASE, "correct horse"), 0);
	repository_derive(w.repository, "digests", key);
	assert_int_equal(open_with(&w, SECRET_PASSPHRASE, "correct horsf"), -ENOKEY);
	assert_int_equal(open_with(&w, SECRET_KEY_FILE, "correct horse"), -ENOKEY);
	assert_int_equal(open_with(&w, SECRET_RECOVERY, recovery), 0);
	repository_derive(w.repository, "digests", again);
	assert_memory_equal(key, again, sizeof key);
	repository_derive(w.repository, "seeds", again);
	assert_true(memcmp(key, again, sizeof key) != 0);
	/* As people copy it: in groups, in small letters. */
	for (int i = 0, at = 0; i < 56; i++) {
		typed[at++] = (char)(recovery[i] >= 'A' ? recovery[i] + 32 : recovery[i]);
		if (i % 8 == 7)
			typed[at++] = '-';
		typed[at] = 0;
	}
	assert_int_equal(open_with(&w, SECRET_RECOVERY, typed), 0);
	assert_int_equal(sample_renew_recovery(w.repository, renewed), 0);
	assert_int_equal(open_with(&w, SECRET_RECOVERY, recovery), -ENOKEY);
	assert_int_equal(open_with(&w, SECRET_RECOVERY, renewed), 0);
	renewed[5] = renewed[5] == 'A' ? 'B' : 'A';
	assert_int_equal(open_with(&w, SECRET_RECOVERY, renewed), -ENOKEY);
	teardown(&w);
}

static void a_new_secret_replaces_the_old_one(void **state)
{
	(void)state;
	struct world w;
	struct repository_secret secret = { SECRET_PASSPHRASE, (const uint8_t *)"new", 3 };
	uint64_t id;
	setup(&w);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	assert_int_equal(sample_store(w.repository, &sample, false, &id), 0);
	assert_int_equal(sample_set_secret(w.repository, &secret), 0);
	secret = (struct repository_secret){ SECRET_PASSPHRASE, (const uint8_t *)"newer", 5 };
	assert_int_equal(sample_set_secret(w.repository, &secret), 0);
	assert_int_equal(open_with(&w, SECRET_PASSPHRASE, "new"), -ENOKEY);
	assert_int_equal(open_with(&w, SECRET_PASSPHRASE, "newer"), 0);
	assert_int_equal(sample_compare(w.repository, &sample, id), 0);
	repository_close(w.repository);
	assert_int_equal(sample_open(&w.repository, w.volume), 0); /* the key file still opens it */
	teardown(&w);
}

static void a_recovery_key_with_any_typing_error_is_refused(void **state)
{
	(void)state;
	uint8_t bytes[RECOVERY_KEY_BYTES], back[RECOVERY_KEY_BYTES];
	char text[RECOVERY_KEY_CHARS + 1];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	recovery_key_put(text, bytes);
	assert_int_equal(recovery_key_get(back, text, sizeof text), 0);
	assert_memory_equal(back, bytes, sizeof bytes);
	for (size_t i = 0; i < RECOVERY_KEY_CHARS; i++) {
		char right = text[i];
		text[i] = right == 'Q' ? 'R' : 'Q';
		assert_int_equal(recovery_key_get(back, text, sizeof text), -EINVAL);
		text[i] = right;
		assert_int_equal(recovery_key_get(back, text, i), -EINVAL);
	}
}

static void what_is_neither_ours_nor_blank_is_refused(void **state)
{
	(void)state;
	struct world w;
	struct repository_settings settings = sample_settings();
	char recovery[64];
	setup(&w);
	assert_int_equal(volume_write(w.volume, 5, 0, "somebody's data", 15), 0);
	assert_int_equal(volume_sync(w.volume, 5), 0);
	assert_int_equal(repository_open(&w.repository, w.volume, &settings, &sample_secret), -EXDEV);
	assert_int_equal(repository_create(w.volume, &settings, &sample_secret, recovery), -EXDEV);
	teardown(&w);
}

/* ---- feature bits ---- */

static int open_with_feature(size_t offset, struct repository_status *status)
{
	struct world w;
	struct superblock superblock;
	struct repository_settings settings = sample_settings();
	uint8_t bytes[SUPERBLOCK_SIZE], key[32];
	setup(&w);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	repository_close(w.repository);
	w.repository = NULL;
	/* A newer superblock, as a later version would write it. */
	assert_int_equal(volume_read(w.volume, segment_id(SEGMENT_SUPERBLOCK, 1), 0, bytes, sizeof bytes), 0);
	assert_int_equal(superblock_get(&superblock, bytes), 0);
	assert_int_equal(key_slots_open(&superblock, &sample_secret, key), 0);
	superblock.generation++;
	*(uint64_t *)(void *)((char *)&superblock + offset) = 1u << 20;
	assert_int_equal(superblock_put(bytes, &superblock, key), 0);
	assert_int_equal(volume_write(w.volume, segment_id(SEGMENT_SUPERBLOCK, 9), 0, bytes, sizeof bytes), 0);
	assert_int_equal(volume_sync(w.volume, segment_id(SEGMENT_SUPERBLOCK, 9)), 0);
	int result = repository_open(&w.repository, w.volume, &settings, &sample_secret);
	if (!result)
		repository_status(w.repository, status);
	teardown(&w);
	return result;
}

static void unknown_features_are_ignored_or_forbid_writing_or_opening(void **state)
{
	(void)state;
	struct repository_status status;
	assert_int_equal(open_with_feature(offsetof(struct superblock, compatible), &status), 0);
	assert_false(status.read_only);
	assert_int_equal(open_with_feature(offsetof(struct superblock, write), &status), 0);
	assert_true(status.read_only);
	assert_int_equal(open_with_feature(offsetof(struct superblock, read), &status), -EPROTONOSUPPORT);
}

static int change_superblock(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	(void)arg;
	if (strncmp(name, "01", 2) != 0 || size < SUPERBLOCK_SIZE)
		return 0;
	bytes[100] ^= 1; /* the chunker's parameters */
	put32(bytes + SUPERBLOCK_SIZE - 4, crc32c(0, bytes, SUPERBLOCK_SIZE - 4));
	return 0;
}

static void a_superblock_that_was_changed_without_the_key_is_refused(void **state)
{
	(void)state;
	struct world w;
	setup(&w);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	repository_close(w.repository);
	w.repository = NULL;
	fault_disk_each(w.disk, change_superblock, NULL);
	assert_int_equal(sample_open(&w.repository, w.volume), -EBADMSG);
	w.repository = NULL;
	teardown(&w);
}

/* ---- every byte ---- */

struct flip {
	size_t at, seen; /* of all bytes on the medium */
	bool done;
};

static int flip_in(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	struct flip *flip = arg;
	(void)name;
	if (flip->at < flip->seen + size) {
		bytes[flip->at - flip->seen] ^= (uint8_t)(1u << flip->at % 8);
		flip->done = true;
		return 1;
	}
	flip->seen += size;
	return 0;
}

static void note_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk;
	assert_true(error == -EBADMSG || error == -EIO);
	++*(unsigned *)arg;
}

struct outcome {
	unsigned harmless, refused, named;
};

static void judge(struct world *w, uint64_t id, struct outcome *outcome, size_t at)
{
	struct snapshot_info info;
	unsigned damage = 0;
	int error = sample_open(&w->repository, w->volume);
	if (error) {
		w->repository = NULL;
		outcome->refused++;
		return;
	}
	if (snapshot_find(w->repository, id, &info))
		fail_msg("byte %zu: an acknowledged snapshot is gone", at);
	int compared = sample_compare(w->repository, &sample, id);
	if (compared == -EILSEQ)
		fail_msg("byte %zu: wrong data", at);
	int verified = repository_verify(w->repository, 0, true, note_damage, &damage, NULL);
	if ((compared == 0) != (verified == 0) || (verified != 0) != (damage > 0))
		fail_msg("byte %zu: comparing says %d, verify %d, %u named", at, compared, verified, damage);
	if (compared)
		outcome->named++;
	else
		outcome->harmless++;
}

/* Sanitizers are slow; every byte is flipped without them. */
#ifdef __SANITIZE_ADDRESS__
#define FLIP_STEP 7
#else
#define FLIP_STEP 1
#endif

/* Nothing else is there: a repository with one snapshot, every byte of it flipped, opened cold. */
static void no_flipped_byte_gives_wrong_data(void **state)
{
	(void)state;
	struct world w;
	struct outcome outcome = { 0 };
	uint64_t id;
	setup(&w);
	assert_int_equal(sample_open_without_parity(&w.repository, w.volume), 0);
	assert_int_equal(sample_store(w.repository, &sample, true, &id), 0);
	repository_close(w.repository);
	w.repository = NULL;
	fault_disk_keep(w.disk);
	for (size_t at = 0;; at += FLIP_STEP) {
		struct flip flip = { .at = at };
		fault_disk_each(w.disk, flip_in, &flip);
		if (!flip.done)
			break;
		judge(&w, id, &outcome, at);
		repository_close(w.repository);
		w.repository = NULL;
		fault_disk_put_back(w.disk); /* what is there twice was written again */
	}
	print_message("flips: %u harmless, %u refused, %u named\n", outcome.harmless, outcome.refused, outcome.named);
	assert_true(outcome.harmless * FLIP_STEP > 1000 && outcome.named * FLIP_STEP > 1000);
	assert_int_equal(outcome.refused, 0); /* superblock and root are there twice */
	teardown(&w);
}

static int flip_data(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	(void)arg;
	if (!strncmp(name, "00", 2) && size > 1000)
		for (uint32_t i = 200; i < 2200 && i < size; i += 50)
			bytes[i] ^= 1;
	return 0;
}

static void the_next_backup_stores_damaged_chunks_again_and_heals_older_snapshots(void **state)
{
	(void)state;
	const struct sample many = { .seed = 1, .streams = 2, .chunks = 20, .shared = 6, .chunk_size = 300 };
	struct world w;
	uint64_t a, b;
	unsigned damage = 0;
	setup(&w);
	assert_int_equal(sample_open_without_parity(&w.repository, w.volume), 0);
	assert_int_equal(sample_store(w.repository, &many, true, &a), 0);
	fault_disk_each(w.disk, flip_data, NULL);
	assert_int_equal(sample_compare(w.repository, &many, a), -EBADMSG);
	assert_int_equal(repository_verify(w.repository, 0, true, note_damage, &damage, NULL), -EBADMSG);
	assert_true(damage > 0);
	assert_int_equal(sample_store(w.repository, &many, true, &b), 0);
	for (int cold = 0; cold < 2; cold++) {
		assert_int_equal(sample_compare(w.repository, &many, a), 0);
		assert_int_equal(sample_compare(w.repository, &many, b), 0);
		repository_close(w.repository);
		assert_int_equal(sample_open(&w.repository, w.volume), 0);
	}
	teardown(&w);
}

/* The last chunk of a data segment; of a snapshot's last segment that is its record. */
static int flip_last_chunk(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	(void)arg;
	if (!strncmp(name, "00", 2))
		bytes[get32(bytes + size - SEGMENT_TRAILER_SIZE + 24) - 1] ^= 1;
	return 0;
}

static void nothing_is_cleaned_away_while_a_manifest_is_unreadable(void **state)
{
	(void)state;
	struct world w;
	struct repository_status before, after;
	uint64_t a, b, freed = 1;
	setup(&w);
	assert_int_equal(sample_open_without_parity(&w.repository, w.volume), 0);
	assert_int_equal(sample_store(w.repository, &sample, false, &a), 0);
	assert_int_equal(sample_store(w.repository, &changed, false, &b), 0);
	assert_int_equal(snapshot_remove(w.repository, b), 0);
	fault_disk_each(w.disk, flip_last_chunk, NULL);
	assert_int_equal(repository_status(w.repository, &before), 0);
	assert_int_equal(repository_clean(w.repository, &freed), -EBADMSG);
	assert_int_equal(freed, 0);
	assert_int_equal(repository_status(w.repository, &after), 0);
	assert_true(before.segments == 2 && after.segments == 2);
	fault_disk_each(w.disk, flip_last_chunk, NULL); /* back again */
	repository_close(w.repository);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	assert_int_equal(repository_clean(w.repository, &freed), 0);
	assert_true(freed > 0);
	assert_int_equal(sample_compare(w.repository, &sample, a), 0);
	teardown(&w);
}

static void fill(uint8_t *bytes, size_t size, uint32_t random)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
}

static void put_large(struct world *w, bool commit, uint64_t *id)
{
	static uint8_t bytes[50000];
	struct snapshot_writer *writer;
	struct snapshot_info info;
	assert_int_equal(snapshot_begin(w->repository, SNAPSHOT_BACKUP, "x", &writer), 0);
	assert_int_equal(snapshot_stream_begin(writer, "s"), 0);
	for (uint32_t i = 0; i < 3; i++) {
		fill(bytes, sizeof bytes, i + 1);
		assert_int_equal(snapshot_put(writer, 1, 1, bytes, sizeof bytes), 0);
	}
	if (!commit)
		return; /* as a process that is killed: whoever closes the repository aborts it */
	assert_int_equal(snapshot_stream_end(writer, NULL, 0), 0);
	assert_int_equal(snapshot_commit(writer, NULL, 0, true, &info), 0);
	*id = info.id;
}

static int note_first(void *arg, uint64_t id, uint32_t size)
{
	struct segment_file *file = arg;
	if (id >> 56 == SEGMENT_DATA && id == file->number)
		file->size = size;
	return 0;
}

/* Torn where its end does not show it, dropped, and back after a cut: volume.h says that a removed segment may be. */
static void a_dropped_segment_that_comes_back_is_not_believed(void **state)
{
	(void)state;
	struct world w;
	struct segment_file file = { .number = 1 };
	struct repository_status status;
	uint64_t id;
	unsigned damage = 0;
	static uint8_t kept[64 << 10];
	setup(&w);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	put_large(&w, false, NULL);
	assert_int_equal(volume_list(w.volume, note_first, &file), 0);
	assert_true(file.size > 50000);
	assert_int_equal(volume_read(w.volume, 1, 0, kept, file.size), 0);
	kept[20000] ^= 1;
	repository_close(w.repository);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	assert_int_equal(volume_read(w.volume, 1, 0, kept, 1), -ENOENT); /* dropped */
	assert_int_equal(sample_store(w.repository, &sample, true, &id), 0);
	repository_close(w.repository);
	assert_int_equal(volume_write(w.volume, 1, 0, kept, file.size), 0);
	assert_int_equal(volume_sync(w.volume, 1), 0);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	put_large(&w, true, &id);
	assert_int_equal(repository_verify(w.repository, 0, true, note_damage, &damage, NULL), 0);
	assert_int_equal(repository_status(w.repository, &status), 0);
	assert_int_equal(status.damaged_segments, 0);
	teardown(&w);
}

/* What failed did not happen, for this process too. */
static void after_an_error_the_list_is_what_it_was(void **state)
{
	(void)state;
	struct world w;
	struct snapshot_info info;
	struct fault_plan plan = { FAULT_EIO, 1, 0 };
	uint64_t id, other;
	setup(&w);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	assert_int_equal(sample_store(w.repository, &sample, false, &id), 0);
	fault_disk_plan(w.disk, &plan);
	assert_int_equal(snapshot_set_flags(w.repository, id, SNAPSHOT_PINNED, 0), -EIO);
	assert_int_equal(snapshot_find(w.repository, id, &info), 0);
	assert_int_equal(info.flags, 0);
	fault_disk_plan(w.disk, &plan);
	assert_int_equal(snapshot_remove(w.repository, id), -EIO);
	assert_int_equal(sample_compare(w.repository, &sample, id), 0);
	for (;; plan.at++) {
		fault_disk_plan(w.disk, &plan);
		int error = sample_store(w.repository, &changed, false, &other);
		bool struck = fault_disk_struck(w.disk);
		int count = snapshot_list(w.repository, NULL, 0);
		assert_int_equal(count, error ? 1 : 2);
		fault_disk_plan(w.disk, &(struct fault_plan){ FAULT_NONE, 0, 0 });
		if (!error)
			assert_int_equal(snapshot_remove(w.repository, other), 0);
		if (!struck)
			break;
	}
	assert_true(plan.at > 5);
	teardown(&w);
}

/* ---- state records ---- */

static void a_state_record_is_the_newest_whole_one(void **state)
{
	(void)state;
	struct world w;
	char text[16];
	uint8_t large[STATE_SIZE_MAX + 1] = { 1 }, back[STATE_SIZE_MAX];
	setup(&w);
	assert_int_equal(state_read(w.volume, "journal", text, sizeof text), -ENOENT);
	assert_int_equal(state_write(w.volume, "journal", "one", 3), 0);
	assert_int_equal(state_write(w.volume, "journal", "three", 5), 0);
	assert_int_equal(state_write(w.volume, "other", "", 0), 0);
	assert_int_equal(state_read(w.volume, "journal", text, sizeof text), 5);
	assert_memory_equal(text, "three", 5);
	assert_int_equal(state_read(w.volume, "journal", text, 4), -ERANGE);
	assert_int_equal(state_read(w.volume, "other", text, sizeof text), 0);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	assert_int_equal(repository_state_write(w.repository, "audit", large, sizeof large), -EINVAL);
	assert_int_equal(repository_state_write(w.repository, "audit", large, sizeof large - 1), 0);
	assert_int_equal(repository_state_read(w.repository, "audit", back, sizeof back), STATE_SIZE_MAX);
	assert_memory_equal(back, large, sizeof back);
	assert_int_equal(repository_state_read(w.repository, "journal", text, sizeof text), -EBADMSG); /* never sealed */
	teardown(&w);
}

static int flip_state(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	struct flip *flip = arg;
	if (strncmp(name, "03", 2) != 0 || flip->at >= size || flip->done)
		return 0;
	bytes[flip->at] ^= 0x10;
	flip->done = true;
	return 0;
}

/* The files are met newest first. */
static void a_damaged_state_record_leaves_the_one_before(void **state)
{
	(void)state;
	struct world w;
	char text[16];
	setup(&w);
	assert_int_equal(state_write(w.volume, "journal", "one", 3), 0);
	assert_int_equal(state_write(w.volume, "journal", "two", 3), 0);
	assert_int_equal(state_write(w.volume, "journal", "six", 3), 0);
	size_t at = 0;
	for (;; at++) {
		struct flip flip = { .at = at };
		fault_disk_each(w.disk, flip_state, &flip);
		if (!flip.done)
			break;
		assert_int_equal(state_read(w.volume, "journal", text, sizeof text), 3);
		assert_memory_equal(text, "two", 3);
		struct flip back = { .at = at };
		fault_disk_each(w.disk, flip_state, &back);
	}
	assert_int_equal(at, 56 + 3 + 4);
	assert_int_equal(state_read(w.volume, "journal", text, sizeof text), 3);
	assert_memory_equal(text, "six", 3);
	teardown(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_opens_with_its_passphrase_and_its_recovery_key_alone),
		cmocka_unit_test(a_new_secret_replaces_the_old_one),
		cmocka_unit_test(a_recovery_key_with_any_typing_error_is_refused),
		cmocka_unit_test(what_is_neither_ours_nor_blank_is_refused),
		cmocka_unit_test(unknown_features_are_ignored_or_forbid_writing_or_opening),
		cmocka_unit_test(a_superblock_that_was_changed_without_the_key_is_refused),
		cmocka_unit_test(no_flipped_byte_gives_wrong_data),
		cmocka_unit_test(the_next_backup_stores_damaged_chunks_again_and_heals_older_snapshots),
		cmocka_unit_test(nothing_is_cleaned_away_while_a_manifest_is_unreadable),
		cmocka_unit_test(a_dropped_segment_that_comes_back_is_not_believed),
		cmocka_unit_test(after_an_error_the_list_is_what_it_was),
		cmocka_unit_test(a_state_record_is_the_newest_whole_one),
		cmocka_unit_test(a_damaged_state_record_leaves_the_one_before),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
