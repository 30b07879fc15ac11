/* SPDX-License-Identifier: Apache-2.0 */
/* The story of cleaning: what it may copy in a day, over restarts, and for whom it stops. */
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
#include "agent/upkeep/clean.h"
#include "storage/memory.h"
#include "tests/support/fake_engine.h"
#include "tests/support/sample.h"

static const struct sample samples[2] = {
	{ .seed = 2, .streams = 12, .chunks = 30, .shared = 5, .chunk_size = 700 },
	{ .seed = 3, .streams = 12, .chunks = 30, .shared = 5, .chunk_size = 700 },
};

static struct volume *volume;
static struct repository *repository;
static struct config config;
static struct job_report report;
static uint64_t kept;
static int asked, waits_at; /* another job comes when it is asked for the so-manieth time */

static bool waits(void *engine)
{
	(void)engine;
	return ++asked >= waits_at;
}

static int open_repository(void)
{
	struct repository_settings settings = sample_settings();
	settings.now = fake_box_now;
	return repository_open(&repository, volume, &settings, &sample_secret);
}

static int set_up(void **state)
{
	(void)state;
	struct memory_geometry geometry = { .size = 1 << 20, .segment_size = 8192, .write_unit = 1 };
	struct repository_settings settings = sample_settings();
	char recovery[64];
	uint64_t gone;
	fake_box_time = 100 * BOX_DAY;
	asked = 0;
	waits_at = 1000000;
	config.clean_max_per_day = 1; /* of a mebibyte: one segment and a little */
	assert_int_equal(memory_volume_open(&volume, &geometry), 0);
	assert_int_equal(repository_create(volume, &settings, &sample_secret, recovery), 0);
	assert_int_equal(open_repository(), 0);
	assert_int_equal(sample_store(repository, &samples[0], true, &gone), 0);
	assert_int_equal(sample_store(repository, &samples[1], true, &kept), 0);
	assert_int_equal(snapshot_remove(repository, gone), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	repository_close(repository);
	memory_volume_close(volume);
	return 0;
}

static enum job_state clean(enum job_origin origin)
{
	struct job_context context = fake_engine_context(repository, &config);
	struct job_request request = { .kind = JOB_CLEAN, .origin = origin };
	context.waited_for = waits;
	memset(&report, 0, sizeof(report));
	enum job_state state = clean_run(&context, &request, &report);
	assert_int_equal(sample_compare(repository, &samples[1], kept), 0);
	return state;
}

static bool said(const char *words)
{
	return strstr(report.outcomes[0].sentence, words);
}

static void by_itself_it_copies_so_much_a_day_over_restarts(void **state)
{
	(void)state;
	assert_int_equal(clean(ORIGIN_SCHEDULE), JOB_DONE);
	assert_true(said("waits for tomorrow") && !said(" 0 bytes were copied"));
	repository_close(repository);
	assert_int_equal(open_repository(), 0);
	assert_int_equal(clean(ORIGIN_SCHEDULE), JOB_DONE);
	assert_true(said("waits for tomorrow"));
	fake_box_time += BOX_DAY;
	assert_int_equal(clean(ORIGIN_SCHEDULE), JOB_DONE);
	assert_false(said(" 0 bytes were copied"));
}

static void it_ends_when_all_is_done_in_a_few_days(void **state)
{
	(void)state;
	int days = 0;
	do {
		assert_int_equal(clean(ORIGIN_SCHEDULE), JOB_DONE);
		fake_box_time += BOX_DAY;
		days++;
	} while (said("waits for tomorrow"));
	assert_true(days > 1 && days < 10);
}

static void a_person_has_all_of_it_done_at_once(void **state)
{
	(void)state;
	assert_int_equal(clean(ORIGIN_COMMAND), JOB_DONE);
	assert_false(said("waits"));
	assert_int_equal(clean(ORIGIN_COMMAND), JOB_DONE);
	assert_true(said(" 0 bytes were copied") || said("0 bytes of the volume"));
}

static void another_job_does_not_wait_for_it(void **state)
{
	(void)state;
	waits_at = 2;
	assert_int_equal(clean(ORIGIN_COMMAND), JOB_DONE);
	assert_true(said("Another job came"));
	assert_true(asked <= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_itself_it_copies_so_much_a_day_over_restarts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(it_ends_when_all_is_done_in_a_few_days, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_person_has_all_of_it_done_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_job_does_not_wait_for_it, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
