/* SPDX-License-Identifier: Apache-2.0 */
/* What retention lets go of is removed, recorded before, and told. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/config.h"
#include "agent/job/story.h"
#include "agent/upkeep/prune.h"
#include "storage/memory.h"
#include "tests/support/fake_engine.h"
#include "tests/support/sample.h"

#define NIGHTS 6

static struct volume *volume;
static struct repository *repository;
static struct config config;
static struct job_report report;
static uint64_t ids[NIGHTS], needed;
static unsigned records;
static int audit_result;

static bool is_needed(void *engine, uint64_t snapshot)
{
	(void)engine;
	return snapshot == needed;
}

static bool is_there(size_t night)
{
	struct snapshot_info info;
	return snapshot_find(repository, ids[night], &info) == 0;
}

/* What is about to be removed is named while it is there. */
static int note_audit(void *engine, const char *event, const char *what, const char *result)
{
	(void)engine, (void)result;
	assert_string_equal(event, "removing");
	for (size_t i = 0; i < NIGHTS; i++) {
		char id[24];
		snprintf(id, sizeof(id), "%016llx", (unsigned long long)ids[i]);
		if (strstr(what, id))
			assert_true(is_there(i));
	}
	records++;
	return audit_result;
}

static int open_repository(uint64_t size)
{
	struct memory_geometry geometry = { .size = size, .segment_size = 16384, .write_unit = 1 };
	struct repository_settings settings = sample_settings();
	char recovery[64];
	settings.now = fake_box_now;
	int result = memory_volume_open(&volume, &geometry);
	if (result == 0)
		result = repository_create(volume, &settings, &sample_secret, recovery);
	return result ? result : repository_open(&repository, volume, &settings, &sample_secret);
}

/* A backup each box day. */
static int set_up(void **state)
{
	(void)state;
	fake_box_time = 100 * BOX_DAY;
	needed = 0;
	records = 0;
	audit_result = 0;
	config.retention =
		(struct retention_policy){ .keep_daily = 3, .keep_within = 2, .keep_safety = 30, .safety_quota = 2 };
	assert_int_equal(open_repository(1 << 20), 0);
	for (unsigned i = 0; i < NIGHTS; i++, fake_box_time += BOX_DAY) {
		struct sample night = { .seed = i + 1, .streams = 1, .chunks = 20, .shared = 5, .chunk_size = 900 };
		assert_int_equal(sample_store(repository, &night, true, &ids[i]), 0);
	}
	fake_box_time -= BOX_DAY;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	repository_close(repository);
	memory_volume_close(volume);
	return 0;
}

static struct job_context make_context(void)
{
	struct job_context context = fake_engine_context(repository, &config);
	memset(&report, 0, sizeof(report));
	context.needs = is_needed;
	context.audit = note_audit;
	return context;
}

static enum job_state prune(bool what_if)
{
	struct job_context context = make_context();
	struct job_request request = { .kind = JOB_PRUNE, .what_if = what_if };
	return prune_run(&context, &request, &report);
}

/* Only the first night was stored without reusing chunks: it is the newest that was verified. */
static void expect(const char *there)
{
	for (size_t i = 0; i < NIGHTS; i++)
		if (is_there(i) != (there[i] == '1'))
			fail_msg("night %zu: %d", i, is_there(i));
}

static void what_retention_lets_go_is_recorded_removed_and_told(void **state)
{
	(void)state;
	struct volume_stat before, after;
	assert_int_equal(volume_stat(volume, &before), 0);
	assert_int_equal(prune(false), JOB_DONE);
	expect("100111");
	assert_int_equal(records, 2);
	assert_int_equal(report.note_count, 2);
	assert_non_null(strstr(report.notes[0], "is removed"));
	assert_int_equal(volume_stat(volume, &after), 0);
	assert_true(after.free > before.free);
	assert_int_equal(prune(false), JOB_DONE);
	assert_non_null(strstr(report.outcomes[0].sentence, "keeps every snapshot"));
	assert_int_equal(records, 2);
}

static void what_if_removes_nothing(void **state)
{
	(void)state;
	assert_int_equal(prune(true), JOB_DONE);
	expect("111111");
	assert_int_equal(records, 0);
	assert_int_equal(report.note_count, 2);
	assert_non_null(strstr(report.notes[0], "would be removed"));
}

static void what_cannot_be_recorded_is_not_removed(void **state)
{
	(void)state;
	audit_result = -EROFS;
	assert_int_equal(prune(false), JOB_FAILED);
	expect("111111");
	struct job_context context = make_context();
	prune_after_backup(&context, &report);
	expect("111111");
	assert_int_equal(report.note_count, 1);
}

static void what_another_job_needs_stays(void **state)
{
	(void)state;
	needed = ids[1];
	assert_int_equal(prune(false), JOB_DONE);
	expect("110111");
}

static void a_backup_prunes_before_it_only_where_the_volume_is_nearly_full(void **state)
{
	(void)state;
	struct job_context context = make_context();
	prune_if_nearly_full(&context, &report);
	expect("111111");
	uint64_t id;
	struct sample large = { .seed = 99, .streams = 1, .chunks = 4, .shared = 0, .chunk_size = 9000 };
	struct volume_stat stat;
	for (volume_stat(volume, &stat); stat.free >= stat.size / 8; volume_stat(volume, &stat), large.seed++)
		assert_int_equal(sample_store(repository, &large, true, &id), 0);
	prune_if_nearly_full(&context, &report);
	assert_false(is_there(1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_retention_lets_go_is_recorded_removed_and_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_if_removes_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_recorded_is_not_removed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_another_job_needs_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_backup_prunes_before_it_only_where_the_volume_is_nearly_full, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
