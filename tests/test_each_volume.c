/* SPDX-License-Identifier: Apache-2.0 */
/* The same job on each of two volumes, and a cancel in the middle: what was not done is never told as done. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/job/server.h"
#include "agent/upkeep/volumes.h"
#include "storage/memory.h"
#include "tests/support/fake_engine.h"
#include "tests/support/sample.h"

static const struct sample small = { .seed = 1, .streams = 2, .chunks = 10, .shared = 4, .chunk_size = 900 };

static struct config config;
static struct volume *volumes[2];
static struct repository *repositories[2];
static struct job_volume all[2];
static struct job_report report;
static size_t stop_after; /* so many outcomes that are done */
static uint64_t id;

/* ---- a server whose databases are damaged ---- */

int server_connect(struct worker **worker, const struct server_config *server, const char *database, bool restore,
	const struct worker_watcher *watcher, struct sql_error *error)
{
	(void)worker, (void)server, (void)restore, (void)watcher;
	return sql_error_set(error, SQL_ERROR_DAMAGED, database, "as the test wants it");
}

size_t server_databases(
	const struct server_config *server, const char *asked, bool restore, const char *databases[CONFIG_DATABASES_MAX])
{
	(void)asked, (void)restore;
	for (uint32_t i = 0; i < server->database_count; i++)
		databases[i] = server->databases[i];
	return server->database_count;
}

void server_subject(const struct server_config *server, const char *database, char *subject, size_t size)
{
	struct snapshot_info info;
	(void)server, (void)database;
	assert_int_equal(snapshot_find(repositories[0], id, &info), 0);
	snprintf(subject, size, "%s", info.subject);
}

/* ---- the world ---- */

static int no_journal(void *engine, enum job_phase phase, const struct job_outcome *outcome)
{
	(void)engine, (void)phase, (void)outcome;
	return 0;
}

static bool stop(void *engine)
{
	size_t done = 0;
	(void)engine;
	for (size_t i = 0; i < report.outcome_count; i++)
		done += report.outcomes[i].state == JOB_DONE;
	return done >= stop_after;
}

static int set_up(void **state)
{
	static const struct memory_geometry geometry = { .size = 1 << 20, .segment_size = 16384, .write_unit = 1 };
	struct snapshot_info info;
	(void)state;
	config = (struct config){ .volume_count = 2 };
	for (size_t i = 0; i < 2; i++) {
		snprintf(config.volumes[i].name, sizeof(config.volumes[i].name), "v%zu", i);
		assert_int_equal(memory_volume_open(&volumes[i], &geometry), 0);
	}
	assert_int_equal(sample_open(&repositories[0], volumes[0]), 0);
	assert_int_equal(repository_create_sister(volumes[1], repositories[0], false), 0);
	assert_int_equal(sample_open(&repositories[1], volumes[1]), 0);
	for (size_t i = 0; i < 2; i++)
		all[i] = (struct job_volume){ .config = &config.volumes[i], .repository = repositories[i] };
	assert_int_equal(sample_store(repositories[0], &small, true, &id), 0);
	struct copy_result result;
	const struct copy_watch watch = { .stop = NULL };
	assert_int_equal(snapshot_copy(repositories[0], repositories[1], id, &watch, &result), 0);
	assert_int_equal(snapshot_find(repositories[1], id, &info), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		repository_close(repositories[i]);
		memory_volume_close(volumes[i]);
	}
	return 0;
}

static enum job_state run(job_story *story, enum job_kind kind, uint64_t snapshot, size_t stops)
{
	struct job_context context = fake_engine_context(repositories[0], &config);
	const struct job_request request = { .kind = kind, .snapshot = snapshot };
	context.volumes = all;
	context.volume_count = 2;
	context.stop = stop;
	context.journal = no_journal;
	stop_after = stops;
	job_report_clear(&report);
	return story(&context, &request, &report);
}

static void what_was_done_on_one_volume_alone_is_told_as_cancelled(void **state)
{
	(void)state;
	struct snapshot_info info;
	assert_int_equal(run(keep_each, JOB_PIN, id, 1), JOB_CANCELLED);
	assert_int_equal(report.outcome_count, 2);
	assert_int_equal(report.outcomes[0].state, JOB_DONE);
	assert_int_equal(report.outcomes[1].state, JOB_CANCELLED);
	assert_string_equal(report.outcomes[1].volume, "v1");
	assert_int_equal(snapshot_find(repositories[1], id, &info), 0);
	assert_false(info.flags & SNAPSHOT_PINNED);
	assert_int_equal(run(keep_each, JOB_PIN, id, 9), JOB_DONE);
	assert_int_equal(report.outcome_count, 2);
}

static void a_verify_that_was_cancelled_between_two_snapshots_is_not_done(void **state)
{
	(void)state;
	const struct sample other = { .seed = 2, .streams = 2, .chunks = 10, .shared = 4, .chunk_size = 900 };
	uint64_t second;
	assert_int_equal(sample_store(repositories[0], &other, true, &second), 0);
	assert_int_equal(run(verify_each, JOB_VERIFY, 0, 9), JOB_DONE);
	assert_int_equal(report.outcome_count, 3);
	assert_int_equal(run(verify_each, JOB_VERIFY, 0, 1), JOB_CANCELLED);
	assert_int_equal(report.outcome_count, 3);
	assert_int_equal(report.outcomes[1].state, JOB_CANCELLED);
	assert_int_equal(report.outcomes[1].snapshot, second);
	/* Before the first of them: nothing is said to be missing, or whole. */
	assert_int_equal(run(verify_each, JOB_VERIFY, id, 0), JOB_CANCELLED);
	assert_int_equal(report.outcome_count, 2);
	assert_int_equal(run(verify_each, JOB_VERIFY, 0, 0), JOB_CANCELLED);
}

/* Of two databases neither was begun. */
static void a_backup_tells_each_database_that_a_cancel_left_out(void **state)
{
	(void)state;
	struct server_config *server = &config.servers[0];
	config.server_count = 1;
	strcpy(server->name, "sql1");
	server->database_count = 2;
	strcpy(server->databases[0], "mgc");
	strcpy(server->databases[1], "mgccomp");
	assert_int_equal(run(backup_run, JOB_BACKUP, 0, 0), JOB_CANCELLED);
	assert_int_equal(report.outcome_count, 2);
	assert_int_equal(report.outcomes[1].state, JOB_CANCELLED);
	assert_string_equal(report.outcomes[1].database, "mgccomp");
}

/* They may be all there is of it, on a disk of copies, too. */
static void the_snapshots_of_a_damaged_database_are_locked_on_each_volume(void **state)
{
	(void)state;
	struct snapshot_info info;
	config.server_count = 1;
	config.servers[0].database_count = 1;
	assert_int_equal(run(backup_run, JOB_BACKUP, 0, 9), JOB_FAILED);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(snapshot_find(repositories[i], id, &info), 0);
		assert_true(info.flags & SNAPSHOT_LOCKED);
	}
	assert_non_null(strstr(report.notes[report.note_count - 1], "1 older snapshots were locked"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_done_on_one_volume_alone_is_told_as_cancelled, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_verify_that_was_cancelled_between_two_snapshots_is_not_done, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_snapshots_of_a_damaged_database_are_locked_on_each_volume, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_backup_tells_each_database_that_a_cancel_left_out, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
