/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's records in two places: what is asked for is what was written last, whichever of the two is lost or late. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/job/engine.h"
#include "agent/job/journal.h"
#include "agent/store/records.h"
#include "storage/memory.h"
#include "tests/support/sample.h"

static struct config config;
static struct store store;
static struct volume *volume;
static struct repository *repository;

static int set_up(void **state)
{
	static const struct memory_geometry geometry = { .size = 4 << 20, .segment_size = 65536, .write_unit = 1 };
	(void)state;
	strcpy(config.state_directory, "/tmp/coffret-records-XXXXXX");
	assert_non_null(mkdtemp(config.state_directory));
	config.volume_count = 1;
	assert_int_equal(memory_volume_open(&volume, &geometry), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
	store_begin(&store, &config);
	store.home = 0;
	store.stories[0].repository = repository;
	return 0;
}

static void lose_directory(void)
{
	char command[320];
	snprintf(command, sizeof(command), "rm -f %s/*", config.state_directory);
	assert_int_equal(system(command), 0);
}

static int tear_down(void **state)
{
	char command[320];
	(void)state;
	repository_close(repository);
	memory_volume_close(volume);
	snprintf(command, sizeof(command), "rm -rf %s", config.state_directory);
	return system(command);
}

static void home_is(bool there)
{
	store.stories[0].repository = there ? repository : NULL;
}

static void write_job(uint64_t job)
{
	const struct journal journal = { .job = job, .running = true, .request = { .kind = JOB_RESTORE } };
	struct block block;
	assert_int_equal(journal_encode(&journal, &block), 0);
	assert_int_equal(records_write(&store, "journal", block.bytes, block.size), 0);
}

static uint64_t read_job(void)
{
	char bytes[ENGINE_RECORD_SIZE];
	struct journal journal;
	int size = records_read(&store, "journal", bytes, sizeof(bytes));
	return size > 0 && journal_decode(&journal, bytes, (size_t)size) == 0 ? journal.job : 0;
}

static void what_was_written_is_read_from_either_place(void **state)
{
	(void)state;
	char bytes[64];
	assert_int_equal(records_read(&store, "waiting-0", bytes, sizeof(bytes)), -ENOENT);
	write_job(7);
	assert_int_equal(read_job(), 7);
	home_is(false);
	assert_int_equal(read_job(), 7);
	home_is(true);
	lose_directory();
	assert_int_equal(read_job(), 7);
	home_is(false);
	assert_int_equal(records_read(&store, "journal", bytes, sizeof(bytes)), -ENODEV);
}

static void a_volume_that_was_away_does_not_bring_back_what_is_over(void **state)
{
	(void)state;
	char bytes[64];
	write_job(7);
	assert_int_equal(records_write(&store, "unknown", "something", 9), 0);
	home_is(false);
	write_job(8);
	assert_int_equal(records_write(&store, "unknown", "", 0), 0);
	home_is(true);
	assert_int_equal(read_job(), 8);
	assert_int_equal(records_read(&store, "unknown", bytes, sizeof(bytes)), 0);
}

/* As from a copy of the card that the box starts from. */
static void a_directory_that_is_older_than_the_volume_does_not_count(void **state)
{
	(void)state;
	const struct journal journal = { .job = 9, .running = true, .request = { .kind = JOB_RESTORE } };
	struct block block;
	write_job(7);
	assert_int_equal(journal_encode(&journal, &block), 0);
	assert_int_equal(repository_state_write(repository, "journal", block.bytes, block.size), 0);
	assert_int_equal(read_job(), 9);
}

/* Durable in both, or it is not said to be. */
static void what_cannot_be_written_in_both_places_is_an_error(void **state)
{
	(void)state;
	lose_directory();
	assert_int_equal(records_write(&store, "journal", "x", 1), 0);
	config.state_directory[0] = 'x';
	assert_true(records_write(&store, "journal", "y", 1) < 0);
	config.state_directory[0] = '/';
}

#define records_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		records_test(what_was_written_is_read_from_either_place),
		records_test(a_volume_that_was_away_does_not_bring_back_what_is_over),
		records_test(a_directory_that_is_older_than_the_volume_does_not_count),
		records_test(what_cannot_be_written_in_both_places_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
