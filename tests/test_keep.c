/* SPDX-License-Identifier: Apache-2.0 */
/* Pin, unpin, remove: what a person decides of a snapshot, and what the box refuses. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/job/story.h"
#include "agent/upkeep/keep.h"
#include "storage/memory.h"
#include "tests/support/fake_engine.h"
#include "tests/support/sample.h"

static const struct sample samples[2] = {
	{ .seed = 1, .streams = 2, .chunks = 30, .shared = 4, .chunk_size = 900 },
	{ .seed = 2, .streams = 2, .chunks = 30, .shared = 4, .chunk_size = 900 },
};

static struct volume *volume;
static struct repository *repository;
static struct job_report report;
static uint64_t needed;

static bool is_needed(void *engine, uint64_t snapshot)
{
	(void)engine;
	return snapshot == needed;
}

static int set_up(void **state)
{
	(void)state;
	struct memory_geometry geometry = { .size = 1 << 20, .segment_size = 16384, .write_unit = 1 };
	needed = 0;
	assert_int_equal(memory_volume_open(&volume, &geometry), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	repository_close(repository);
	memory_volume_close(volume);
	return 0;
}

static enum job_state ask(enum job_kind kind, uint64_t id)
{
	struct job_context context = fake_engine_context(repository, NULL);
	struct job_request request = { .kind = kind, .snapshot = id };
	context.needs = is_needed;
	memset(&report, 0, sizeof(report));
	return keep_run(&context, &request, &report);
}

static bool is_there(uint64_t id)
{
	struct snapshot_info info;
	int error = snapshot_find(repository, id, &info);
	assert_true(error == 0 || error == -ENOENT);
	return error == 0;
}

static void refused(enum job_kind kind, uint64_t id, const char *word)
{
	assert_int_equal(ask(kind, id), JOB_FAILED);
	if (!strstr(report.outcomes[0].sentence, word) || !report.outcomes[0].remedy[0])
		fail_msg("%s", report.outcomes[0].sentence);
	assert_true(is_there(id));
}

static void a_pinned_or_locked_snapshot_stays_until_it_is_unpinned(void **state)
{
	(void)state;
	static const struct {
		uint32_t flag;
		const char *word;
	} kept[] = { { SNAPSHOT_PINNED, "pinned" }, { SNAPSHOT_LOCKED, "locked" } };
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		uint64_t a, b;
		assert_int_equal(sample_store(repository, &samples[0], false, &a), 0);
		assert_int_equal(sample_store(repository, &samples[1], false, &b), 0);
		if (kept[i].flag == SNAPSHOT_PINNED)
			assert_int_equal(ask(JOB_PIN, a), JOB_DONE);
		else
			assert_int_equal(snapshot_set_flags(repository, a, SNAPSHOT_LOCKED, 0), 0);
		refused(JOB_REMOVE, a, kept[i].word);
		assert_int_equal(ask(JOB_UNPIN, a), JOB_DONE);
		assert_int_equal(ask(JOB_REMOVE, a), JOB_DONE);
		assert_false(is_there(a));
		assert_int_equal(sample_compare(repository, &samples[1], b), 0);
	}
}

static void open_at(int64_t day)
{
	struct repository_settings settings = sample_settings();
	fake_box_time = day * 86400;
	settings.now = fake_box_now;
	repository_close(repository);
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
}

static uint32_t held_until(uint64_t id)
{
	struct snapshot_info info;
	assert_int_equal(snapshot_find(repository, id, &info), 0);
	return info.held_until;
}

/* In box time, over restarts; a longer one stays, a pin is for good. */
static void a_lock_that_has_an_end_ends_and_no_other_shortens_it(void **state)
{
	(void)state;
	uint64_t a, b;
	const uint32_t today = 100;
	open_at(today);
	assert_int_equal(sample_store(repository, &samples[0], false, &a), 0);
	assert_int_equal(sample_store(repository, &samples[1], false, &b), 0);
	assert_int_equal(snapshot_lock(repository, a, today + 2), 0);
	assert_int_equal(snapshot_lock(repository, a, today + 1), 0);
	open_at(today + 1);
	assert_int_equal(held_until(a), today + 2);
	refused(JOB_REMOVE, a, "locked");
	assert_int_equal(ask(JOB_PIN, a), JOB_DONE);
	assert_int_equal(held_until(a), 0);
	assert_int_equal(snapshot_lock(repository, a, today + 2), 0);
	assert_int_equal(held_until(a), 0);
	assert_int_equal(ask(JOB_UNPIN, a), JOB_DONE);
	assert_int_equal(snapshot_lock(repository, a, today + 3), 0);
	refused(JOB_REMOVE, a, "locked");
	open_at(today + 3);
	assert_int_equal(ask(JOB_REMOVE, a), JOB_DONE);
	assert_int_equal(snapshot_lock(repository, b, 0), 0);
	assert_int_equal(snapshot_lock(repository, b, today), 0);
	assert_int_equal(held_until(b), 0);
}

static void the_last_good_backup_of_a_database_is_not_removed(void **state)
{
	(void)state;
	uint64_t a, b;
	assert_int_equal(sample_store(repository, &samples[0], false, &a), 0);
	refused(JOB_REMOVE, a, "last good");
	assert_int_equal(sample_store(repository, &samples[1], false, &b), 0);
	assert_int_equal(snapshot_set_flags(repository, b, SNAPSHOT_SUSPECT, 0), 0);
	refused(JOB_REMOVE, a, "last good");
	assert_int_equal(snapshot_set_flags(repository, a, SNAPSHOT_VERIFIED, 0), 0);
	assert_int_equal(snapshot_set_flags(repository, b, 0, SNAPSHOT_SUSPECT), 0);
	refused(JOB_REMOVE, a, "verified");
	assert_int_equal(ask(JOB_REMOVE, b), JOB_DONE);
}

static void other_databases_and_safety_snapshots_do_not_count(void **state)
{
	(void)state;
	struct snapshot_info list[] = {
		{ .id = 1, .class = SNAPSHOT_BACKUP, .subject = "s/a" },
		{ .id = 2, .class = SNAPSHOT_BACKUP, .subject = "s/b" },
		{ .id = 3, .class = SNAPSHOT_SAFETY, .subject = "s/a" },
		{ .id = 4, .class = SNAPSHOT_BACKUP, .subject = "s/a", .flags = SNAPSHOT_SUSPECT },
		{ .id = 5, .class = SNAPSHOT_BACKUP, .subject = "s/c", .flags = SNAPSHOT_VERIFIED },
		{ .id = 6, .class = SNAPSHOT_BACKUP, .subject = "s/c" },
	};
	static const bool last[] = { true, true, false, false, true, false };
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(keep_is_last_good(list, 6, &list[i]), last[i]);
}

static void what_another_job_needs_is_not_removed(void **state)
{
	(void)state;
	uint64_t a, b;
	assert_int_equal(sample_store(repository, &samples[0], false, &a), 0);
	assert_int_equal(sample_store(repository, &samples[1], false, &b), 0);
	needed = a;
	refused(JOB_REMOVE, a, "needed");
	needed = 0;
	assert_int_equal(ask(JOB_REMOVE, a), JOB_DONE);
}

static void what_is_not_there_is_refused_and_removed_space_is_told(void **state)
{
	(void)state;
	uint64_t a, b, before = 0, after = 0;
	struct volume_stat stat;
	assert_int_equal(sample_store(repository, &samples[0], false, &a), 0);
	assert_int_equal(sample_store(repository, &samples[1], false, &b), 0);
	assert_int_equal(ask(JOB_REMOVE, a ^ b ^ 1), JOB_FAILED);
	assert_non_null(strstr(report.outcomes[0].sentence, "no such snapshot"));
	assert_int_equal(volume_stat(volume, &stat), 0);
	before = stat.free;
	assert_int_equal(ask(JOB_REMOVE, a), JOB_DONE);
	assert_int_equal(volume_stat(volume, &stat), 0);
	after = stat.free;
	assert_true(after > before);
	assert_null(strstr(report.outcomes[0].sentence, " 0 bytes"));
}

static void a_full_volume_says_what_there_is_and_what_could_go(void **state)
{
	(void)state;
	struct job_context context = { .repository = repository, .needs = is_needed };
	uint64_t ids[3];
	char words[64];
	for (unsigned i = 0; i < 3; i++) {
		struct sample night = { .seed = i + 1, .streams = i == 1 ? 2 : 1, .chunks = 30, .chunk_size = 900 };
		assert_int_equal(sample_store(repository, &night, false, &ids[i]), 0);
	}
	assert_int_equal(ask(JOB_PIN, ids[2]), JOB_DONE);
	memset(&report, 0, sizeof(report));
	keep_tell_full(&context, "server/database", &report);
	assert_int_equal(report.note_count, 3);
	assert_non_null(strstr(report.notes[0], "on the volume of"));
	snprintf(words, sizeof(words), "coffret remove %016llx", (unsigned long long)ids[1]); /* the largest first */
	assert_non_null(strstr(report.notes[1], words));
	snprintf(words, sizeof(words), "coffret remove %016llx", (unsigned long long)ids[0]);
	assert_non_null(strstr(report.notes[2], words));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_pinned_or_locked_snapshot_stays_until_it_is_unpinned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_lock_that_has_an_end_ends_and_no_other_shortens_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_last_good_backup_of_a_database_is_not_removed, set_up, tear_down),
		cmocka_unit_test(other_databases_and_safety_snapshots_do_not_count),
		cmocka_unit_test_setup_teardown(what_another_job_needs_is_not_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_refused_and_removed_space_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_volume_says_what_there_is_and_what_could_go, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
