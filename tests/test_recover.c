/* SPDX-License-Identifier: Apache-2.0 */
/* What is said of a restore that was cut off after COMMIT was sent, by what is found: the server is the test's. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/job/server.h"
#include "agent/snapshot/capture.h"
#include "agent/snapshot/snapshot_about.h"
#include "storage/memory.h"
#include "tests/support/catalogue_sample.h"
#include "tests/support/fake_engine.h"
#include "tests/support/sample.h"

static const struct column_sample columns[] = { { "id", "int", 4, 10, 0, false } };
static struct config config;
static struct volume *volumes[2];
static struct repository *repositories[2];
static struct job_volume all[2];
static struct job_context context;
static struct job_report report;
static struct job_progress progress;
static struct catalogue *catalogue;
static uint8_t *encoded;
static size_t encoded_size;

/* ---- the server ---- */

static const struct worker_watcher *watcher;
static uint8_t present;             /* what its one table holds */
static enum sql_error_kind failing; /* of the reading */

int server_connect(struct worker **worker, const struct server_config *server, const char *database, bool restore,
	const struct worker_watcher *watching, struct sql_error *error)
{
	(void)server, (void)database, (void)error;
	assert_true(restore);
	watcher = watching;
	*worker = (struct worker *)&config;
	return 0;
}

static void tell_table(const struct worker_watcher *to, uint8_t content)
{
	const struct table_digest digest = { .sum = { content }, .rows = 3 };
	assert_int_equal(to->catalogue(to->arg, encoded, encoded_size), 0);
	assert_int_equal(to->table(to->arg, 0), 0);
	assert_int_equal(to->table_end(to->arg, 0, &digest), 0);
}

int worker_begin(struct worker *worker, const struct worker_wanted *wanted, struct sql_error *error)
{
	(void)worker, (void)error;
	assert_int_equal(wanted->size, encoded_size);
	return 0;
}

int worker_read(struct worker *worker, enum consistency consistency, const struct rowgroup_params *params, bool chunks,
	const char *const *left_out, size_t left_out_count, struct sql_error *error)
{
	(void)worker, (void)consistency, (void)params, (void)chunks, (void)left_out, (void)left_out_count;
	if (failing)
		return sql_error_set(error, failing, "[dbo].[t]", "as the test wants it");
	tell_table(watcher, present);
	return 0;
}

int worker_rollback(struct worker *worker, struct sql_error *error)
{
	(void)worker, (void)error;
	return 0;
}

int worker_await_undo(struct worker *worker, struct sql_error *error)
{
	(void)worker, (void)error;
	return 0;
}

int worker_undo_values(struct worker *worker, const void *bytes, size_t size, struct sql_error *error)
{
	(void)worker, (void)bytes, (void)size, (void)error;
	return 0;
}

void worker_stop(struct worker *worker)
{
	(void)worker;
}

/* ---- what is kept ---- */

static int write_down(void *engine, const char *event, const char *what, const char *result)
{
	(void)engine, (void)event, (void)what, (void)result;
	return 0;
}

static int set_up(void **state)
{
	static const struct memory_geometry geometry = { .size = 8u << 20, .segment_size = 1u << 20, .write_unit = 1 };
	(void)state;
	failing = SQL_OK;
	config = (struct config){ .server_count = 1, .volume_count = 2 };
	strcpy(config.servers[0].name, "sql1");
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(memory_volume_open(&volumes[i], &geometry), 0);
		assert_int_equal(sample_open(&repositories[i], volumes[i]), 0);
		all[i] = (struct job_volume){ .config = &config.volumes[i], .repository = repositories[i] };
	}
	context = fake_engine_context(repositories[0], &config);
	context.audit = write_down;
	context.volumes = all;
	context.volume_count = 2;
	assert_int_equal(catalogue_new(&catalogue), 0);
	catalogue->database.name = "mgc";
	sample_index(catalogue, sample_table(catalogue, "dbo", "t", columns, 1), 1, true, (const int[]){ 1, 0 });
	return catalogue_encode(catalogue, &encoded, &encoded_size);
}

static int tear_down(void **state)
{
	(void)state;
	free(encoded);
	catalogue_free(catalogue);
	for (size_t i = 0; i < 2; i++) {
		repository_close(repositories[i]);
		memory_volume_close(volumes[i]);
	}
	return 0;
}

static uint64_t store(struct repository *repository, enum snapshot_class class, uint8_t content)
{
	static struct snapshot_about about;
	static uint8_t bytes[ABOUT_SIZE_MAX];
	struct snapshot_writer *writer;
	struct snapshot_info info;
	struct capture capture;
	assert_int_equal(snapshot_begin(repository, class, "sql1/mgc", &writer), 0);
	capture_init(&capture, &context, &progress, &report, writer);
	struct worker_watcher feeding = capture_watcher(&capture);
	tell_table(&feeding, content);
	assert_int_equal(capture_finish(&capture), 0);
	int size = snapshot_about_encode(&about, bytes, sizeof(bytes));
	assert_int_equal(snapshot_commit(writer, bytes, (size_t)size, false, &info), 0);
	capture_free(&capture);
	return info.id;
}

/* Cut off in COMMIT. */
static const struct job_outcome *recover(uint64_t snapshot, uint64_t safety)
{
	const struct job_request request = { .kind = JOB_RESTORE, .server = "sql1", .database = "mgc" };
	const struct job_outcome journalled = {
		.server = "sql1", .database = "mgc", .snapshot = snapshot, .safety = safety
	};
	job_report_clear(&report);
	enum job_state state = restore_recover(&context, &request, JOB_PHASE_COMMIT, &journalled, &report);
	assert_int_equal(report.outcome_count, 1);
	assert_int_equal(report.outcomes[0].state, state);
	return &report.outcomes[0];
}

static void expect(const struct job_outcome *outcome, enum job_state state, const char *sentence, const char *remedy)
{
	if (outcome->state != state || !strstr(outcome->sentence, sentence) || !strstr(outcome->remedy, remedy))
		fail_msg("state %d: %s\nremedy: %s", outcome->state, outcome->sentence, outcome->remedy);
}

/* ---- tests ---- */

static void what_is_the_snapshot_is_restored_and_what_is_the_state_before_was_not_kept(void **state)
{
	(void)state;
	struct snapshot_info info;
	uint64_t wanted = store(repositories[0], SNAPSHOT_BACKUP, 1), safety = store(repositories[0], SNAPSHOT_SAFETY, 2);
	present = 1;
	expect(recover(wanted, safety), JOB_DONE, "it is restored", "");
	assert_int_equal(snapshot_find(repositories[0], safety, &info), 0);
	assert_true(info.flags & SNAPSHOT_APPLIED);
	present = 2;
	expect(recover(wanted, safety), JOB_FAILED, "the database is as it was before", "again");
	assert_int_equal(snapshot_find(repositories[0], safety, &info), -ENOENT);
}

static void what_is_neither_has_changed_since_and_the_state_before_is_named(void **state)
{
	(void)state;
	char id[32];
	uint64_t wanted = store(repositories[0], SNAPSHOT_BACKUP, 1), safety = store(repositories[0], SNAPSHOT_SAFETY, 2);
	present = 3;
	snprintf(id, sizeof(id), "Snapshot %016" PRIx64, safety);
	expect(recover(wanted, safety), JOB_FAILED, "neither the old state nor the snapshot", id);
}

/* It may well be as it was: nothing is claimed, and no snapshot that was never made is named. */
static void without_the_state_before_nobody_can_tell_that_it_has_changed(void **state)
{
	(void)state;
	uint64_t wanted = store(repositories[0], SNAPSHOT_BACKUP, 1);
	present = 2;
	const struct job_outcome *outcome = recover(wanted, 0);
	expect(outcome, JOB_FAILED, "Either the restore was not kept, or somebody has changed it since", "restore again");
	assert_non_null(strstr(outcome->sentence, "was not kept."));
	assert_null(strstr(outcome->remedy, "Snapshot"));
	outcome = recover(wanted, 4711); /* gone */
	expect(outcome, JOB_FAILED, "since the state before cannot be read", "restore again");
	assert_null(strstr(outcome->remedy, "Snapshot"));
}

/* Whatever can never be found out must not keep anybody from restoring: how is said. */
static void what_cannot_be_found_out_comes_with_a_way_on(void **state)
{
	(void)state;
	char id[32];
	uint64_t wanted = store(repositories[0], SNAPSHOT_BACKUP, 1), safety = store(repositories[0], SNAPSHOT_SAFETY, 2);
	snprintf(id, sizeof(id), "Snapshot %016" PRIx64, safety);
	failing = SQL_ERROR_DAMAGED;
	expect(recover(wanted, 0), JOB_FAILED, "cannot be found out any more", "--without-safety");
	expect(recover(wanted, safety), JOB_FAILED, "cannot be found out any more", id);
	failing = SQL_ERROR_SCHEMA;
	expect(recover(wanted, safety), JOB_FAILED, "cannot be found out any more", "by eye");
	failing = SQL_ERROR_LOST;
	expect(recover(wanted, safety), JOB_OUTCOME_UNKNOWN, "", "");
	failing = SQL_OK;
	expect(recover(4711, safety), JOB_FAILED, "cannot be found out any more", "another snapshot");
}

static void what_tells_may_be_on_another_volume(void **state)
{
	(void)state;
	uint64_t wanted = store(repositories[1], SNAPSHOT_BACKUP, 1), safety = store(repositories[1], SNAPSHOT_SAFETY, 2);
	present = 1;
	expect(recover(wanted, safety), JOB_DONE, "it is restored", "");
	present = 2;
	expect(recover(wanted, safety), JOB_FAILED, "the database is as it was before", "again");
}

int main(void)
{
#define recover_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		recover_test(what_is_the_snapshot_is_restored_and_what_is_the_state_before_was_not_kept),
		recover_test(what_is_neither_has_changed_since_and_the_state_before_is_named),
		recover_test(without_the_state_before_nobody_can_tell_that_it_has_changed),
		recover_test(what_cannot_be_found_out_comes_with_a_way_on),
		recover_test(what_tells_may_be_on_another_volume),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
