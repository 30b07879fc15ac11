/* SPDX-License-Identifier: Apache-2.0 */
/* The job engine with stories that the test tells: each waits at its gates until the test lets it go on. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/now.h"
#include "agent/job/engine.h"
#include "agent/job/journal.h"
#include "storage/repository.h"

/* ---- a repository of a few snapshots ---- */

static struct snapshot_info shelf[4];
static int shelf_count;

int snapshot_list(struct repository *repository, struct snapshot_info *list, size_t count)
{
	(void)repository;
	for (int i = 0; i < shelf_count && (size_t)i < count; i++)
		list[i] = shelf[i];
	return shelf_count;
}

int repository_status(struct repository *repository, struct repository_status *status)
{
	(void)repository;
	*status = (struct repository_status){ .next_sequence = 1 };
	for (int i = 0; i < shelf_count; i++)
		if (shelf[i].sequence >= status->next_sequence)
			status->next_sequence = shelf[i].sequence + 1;
	return 0;
}

static const struct job_volume volumes[] = { { .repository = NULL }, { .repository = (struct repository *)&shelf } };

/* ---- records in memory ---- */

#define RECORDS_MAX 24

struct records {
	struct {
		char name[16], bytes[ENGINE_RECORD_SIZE];
		int size;
	} list[RECORDS_MAX];
};

static struct records records, history[64];
static int writes, fail_writes, fail_clears, refreshes;

/* A record by its name, made where there is none. */
static int find_record(struct records *among, const char *name)
{
	int i = 0;
	while (among->list[i].name[0] && strcmp(among->list[i].name, name) != 0)
		assert_true(++i < RECORDS_MAX);
	strcpy(among->list[i].name, name);
	return i;
}

static int size_of(const char *name)
{
	return records.list[find_record(&records, name)].size;
}

static void put_record(const char *name, const void *bytes, size_t size)
{
	int at = find_record(&records, name);
	memcpy(records.list[at].bytes, bytes, size);
	records.list[at].size = (int)size;
}

static int record_read(void *arg, const char *name, void *bytes, size_t size)
{
	struct records *from = arg;
	int at = find_record(from, name), length = from->list[at].size;
	assert_true((size_t)length <= size);
	memcpy(bytes, from->list[at].bytes, (size_t)length);
	return length ? length : -ENOENT;
}

static int record_write(void *arg, const char *name, const void *bytes, size_t size)
{
	assert_ptr_equal(arg, &records);
	if (fail_writes || (size == 0 && fail_clears > 0 && fail_clears--))
		return -ENOSPC;
	put_record(name, bytes, size);
	if (writes < 64)
		history[writes++] = records;
	return 0;
}

static void refresh(void *arg)
{
	(void)arg;
	refreshes++;
}

/* ---- stories ---- */

static sem_t arrived, go;
static enum job_state story_ends;
static bool story_waits, story_reports, waits_before_no_return;
static int runs, no_return_result;
static atomic_int recoveries;
static enum job_state recover_ends;
static enum job_phase recover_phase;
static unsigned int seen_phases;
static struct job_outcome recover_outcome;
static struct job_request last_request;

static void gate(void)
{
	sem_post(&arrived);
	sem_wait(&go);
}

static void progress(const struct job_context *context, enum job_phase phase, uint64_t done)
{
	struct job_progress now = { .phase = phase, .done = done, .expected = 10 };
	context->progress(context->engine, &now);
}

static enum job_state simple_story(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	struct job_outcome *outcome = job_report_outcome(report, "sql1", "mgc");
	runs++;
	last_request = *request;
	context->journal(context->engine, JOB_PHASE_READ, outcome);
	progress(context, JOB_PHASE_READ, 3);
	if (story_waits)
		gate();
	progress(context, JOB_PHASE_READ, 7);
	outcome->snapshot = 77;
	outcome->state = context->stop(context->engine) ? JOB_CANCELLED : story_ends;
	strcpy(outcome->sentence, "It is over.");
	if (story_reports) {
		job_report_note(report, "A note.");
		job_report_change(report, &(struct job_change){ .table = "[dbo].[t]", .inserted = 3 });
	}
	return outcome->state;
}

/* A restore: locks, writes, and commits. Gates at each edge where a cancel may come. */
static enum job_state restore_story(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	static const enum job_phase phases[] = { JOB_PHASE_CONNECT, JOB_PHASE_WRITE };
	struct job_outcome *outcome = job_report_outcome(report, "sql1", "mgc");
	(void)request;
	runs++;
	outcome->snapshot = 5;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(context->journal(context->engine, phases[i], outcome), 0);
		outcome->safety = 6;
		if (story_waits)
			gate();
		if (context->stop(context->engine))
			return outcome->state = JOB_CANCELLED;
	}
	if (waits_before_no_return)
		gate();
	no_return_result = context->no_return(context->engine);
	if (no_return_result < 0)
		return outcome->state = JOB_CANCELLED;
	assert_int_equal(context->journal(context->engine, JOB_PHASE_COMMIT, outcome), 0);
	if (story_waits)
		gate();
	return outcome->state = story_ends;
}

/* Of the first of two databases nobody knows how it ended; then comes the second, and the box is cut off in it. */
static enum job_state two_databases_story(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	struct job_outcome *first = job_report_outcome(report, "sql1", "mgc"), *second;
	(void)request;
	context->journal(context->engine, JOB_PHASE_COMMIT, first);
	first->state = JOB_OUTCOME_UNKNOWN;
	first->safety = 6;
	second = job_report_outcome(report, "sql1", "mgccomp");
	context->journal(context->engine, JOB_PHASE_WRITE, second);
	second->state = JOB_DONE;
	return JOB_OUTCOME_UNKNOWN;
}

/* Of a removal: whether the snapshot is still needed. */
static bool needed, waited_for;

static enum job_state keep_story(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	needed = context->needs(context->engine, request->snapshot);
	if (story_waits)
		gate();
	waited_for = context->waited_for(context->engine);
	return job_report_outcome(report, "", "")->state = JOB_DONE;
}

static enum job_state unknown_undo_story(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	static const char *const databases[] = { "mgc", "mgccomp" };
	(void)request;
	runs++;
	for (size_t i = 0; i < 2; i++) {
		struct job_outcome *outcome = job_report_outcome(report, "sql1", databases[i]);
		assert_int_equal(context->journal(context->engine, i ? JOB_PHASE_ROLLBACK : JOB_PHASE_COMMIT, outcome), 0);
		outcome->state = JOB_OUTCOME_UNKNOWN;
	}
	return JOB_OUTCOME_UNKNOWN;
}

static enum job_state recover_story(const struct job_context *context, const struct job_request *request,
	enum job_phase phase, const struct job_outcome *journalled, struct job_report *report)
{
	struct job_outcome *outcome = job_report_outcome(report, journalled->server, journalled->database);
	(void)context;
	recoveries++;
	last_request = *request;
	recover_phase = phase;
	seen_phases |= 1u << phase;
	recover_outcome = *journalled;
	outcome->snapshot = journalled->snapshot;
	strcpy(outcome->sentence, "It was looked at.");
	return outcome->state = recover_ends;
}

/* ---- a volume that goes and comes ---- */

static atomic_bool volume_gone, volume_there;

static bool failed(void *arg, const struct job_request *request, struct job_report *report, uint8_t wait_for[16])
{
	(void)arg, (void)report;
	memset(wait_for, 0xd1, 16);
	return volume_gone && request->again < 2;
}

static bool may_begin(void *arg, const struct job_request *request)
{
	uint8_t expected[16];
	(void)arg;
	memset(expected, 0xd1, 16);
	assert_memory_equal(request->wait_for, expected, 16);
	return volume_there;
}

/* ---- the engine under test ---- */

static struct engine *engine;
static struct engine_ground ground;

static int set_up(void **state)
{
	(void)state;
	memset(&records, 0, sizeof(records));
	memset(&last_request, 0, sizeof(last_request));
	volume_gone = volume_there = false;
	fail_clears = 0;
	writes = fail_writes = refreshes = runs = recoveries = shelf_count = 0;
	story_ends = recover_ends = JOB_DONE;
	story_waits = story_reports = waits_before_no_return = false;
	sem_init(&arrived, 0, 0);
	sem_init(&go, 0, 0);
	ground = (struct engine_ground){ .backup = simple_story,
		.restore = restore_story,
		.undo = restore_story,
		.verify = simple_story,
		.keep = keep_story,
		.recover = recover_story,
		.arg = &records,
		.record_read = record_read,
		.record_write = record_write,
		.refresh = refresh,
		.volumes = volumes,
		.volume_count = 2,
		.failed = failed,
		.may_begin = may_begin,
		.retry_seconds = 3600 };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (int i = 0; i < 8; i++)
		sem_post(&go); /* a story that still waits must not keep a failed test from ending */
	engine_stop(engine);
	engine = NULL;
	sem_destroy(&arrived);
	sem_destroy(&go);
	return 0;
}

static void start(void)
{
	assert_int_equal(engine_start(&engine, &ground), 0);
}

static struct job_request request_of(enum job_kind kind, const char *database)
{
	struct job_request request = { .kind = kind, .origin = ORIGIN_COMMAND, .uid = 1000, .asked_by = "anna" };
	strcpy(request.server, "sql1");
	strcpy(request.database, database);
	return request;
}

static uint64_t submit(enum job_kind kind, const char *database)
{
	struct job_request request = request_of(kind, database);
	uint64_t id = 0;
	assert_int_equal(engine_submit(engine, &request, 1000, &id), 0);
	return id;
}

/* Waits, by the engine's own descriptor, until a job has ended. */
static struct job_info wait_end(uint64_t id)
{
	struct job_info info = { 0 };
	struct pollfd event = { engine_fd(engine), POLLIN, 0 };
	for (;;) {
		int result = engine_job(engine, id, &info);
		if (result == 0 && info.state >= JOB_DONE)
			return info;
		assert_int_equal(poll(&event, 1, 10000), 1);
		engine_seen(engine);
	}
}

static void a_job_runs_and_its_report_can_be_read(void **state)
{
	(void)state;
	story_reports = true;
	start();
	uint64_t id = submit(JOB_BACKUP, "mgc");
	struct job_info info = wait_end(id);
	assert_int_equal(info.state, JOB_DONE);
	assert_string_equal(info.sentence, "It is over.");
	assert_string_equal(last_request.asked_by, "anna");
	assert_int_equal(info.snapshot, 77);
	struct job_outcome outcome;
	char note[JOB_NOTE_SIZE];
	assert_int_equal(engine_outcome(engine, id, 0, &outcome), 0);
	assert_string_equal(outcome.database, "mgc");
	assert_int_equal(engine_outcome(engine, id, 1, &outcome), -ENOENT);
	assert_int_equal(engine_note(engine, id, 0, note), 0);
	assert_string_equal(note, "A note.");
	assert_int_equal(engine_note(engine, id, 1, note), -ENOENT);
	struct job_change change;
	assert_int_equal(engine_change(engine, id, 0, &change), 0);
	assert_string_equal(change.table, "[dbo].[t]");
	assert_int_equal(engine_change(engine, id, 1, &change), -ENOENT);
	assert_int_equal(refreshes, 2);
}

static void a_report_holds_nothing_of_the_jobs_before(void **state)
{
	(void)state;
	start();
	for (int i = 0; i < 4; i++) {
		story_reports = i % 2 == 0;
		struct job_info info = wait_end(submit(JOB_BACKUP, "mgc"));
		assert_int_equal(info.outcomes, 1);
		assert_int_equal(info.notes, story_reports ? 1 : 0);
		assert_int_equal(info.changes, story_reports ? 1 : 0);
	}
}

static void jobs_run_one_after_the_other_in_their_order(void **state)
{
	(void)state;
	story_waits = true;
	start();
	uint64_t first = submit(JOB_BACKUP, "a"), second = submit(JOB_BACKUP, "b");
	struct job_info jobs[8];
	sem_wait(&arrived);
	assert_int_equal(engine_jobs(engine, jobs, 8), 2);
	assert_int_equal(jobs[0].id, first);
	assert_int_equal(jobs[0].state, JOB_RUNNING);
	assert_int_equal(jobs[1].id, second);
	assert_int_equal(jobs[1].state, JOB_QUEUED);
	assert_int_equal(runs, 1);
	assert_false(engine_idle(engine));
	sem_post(&go);
	sem_post(&go);
	wait_end(second);
	assert_string_equal(last_request.database, "b");
	assert_true(engine_idle(engine));
}

static void progress_is_seen_while_it_runs(void **state)
{
	(void)state;
	struct job_progress now;
	story_waits = true;
	start();
	assert_int_equal(engine_progress(engine, &now), 0);
	uint64_t id = submit(JOB_BACKUP, "a");
	sem_wait(&arrived);
	assert_int_equal(engine_progress(engine, &now), id);
	assert_int_equal(now.done, 3);
	sem_post(&go);
	wait_end(id);
	assert_int_equal(engine_progress(engine, &now), 0);
}

static void the_same_again_is_refused_with_the_number_of_the_first(void **state)
{
	(void)state;
	uint64_t id;
	story_waits = true;
	start();
	uint64_t first = submit(JOB_BACKUP, "a"), second = submit(JOB_BACKUP, "b");
	sem_wait(&arrived);
	struct job_request again = request_of(JOB_BACKUP, "A");
	assert_int_equal(engine_submit(engine, &again, 0, &id), -EALREADY);
	assert_int_equal(id, first);
	again = request_of(JOB_BACKUP, "b");
	assert_int_equal(engine_submit(engine, &again, 0, &id), -EALREADY);
	assert_int_equal(id, second);
	again.snapshot = 5;
	assert_int_equal(engine_submit(engine, &again, 0, &id), 0);
	assert_int_equal(engine_cancel(engine, id), 0);
	sem_post(&go);
	sem_post(&go);
	wait_end(second);
	assert_true(submit(JOB_BACKUP, "b") > second);
	sem_post(&go);
}

static void a_restore_waits_while_another_job_runs(void **state)
{
	(void)state;
	story_waits = true;
	start();
	submit(JOB_BACKUP, "mgc");
	sem_wait(&arrived);
	uint64_t restore = submit(JOB_RESTORE, "mgc");
	struct job_info info;
	assert_int_equal(engine_job(engine, restore, &info), 0);
	assert_int_equal(info.state, JOB_QUEUED);
	for (int i = 0; i < 4; i++)
		sem_post(&go);
	assert_int_equal(wait_end(restore).state, JOB_DONE);
}

static void the_queue_is_bounded(void **state)
{
	(void)state;
	uint64_t id;
	story_waits = true;
	start();
	submit(JOB_BACKUP, "running");
	sem_wait(&arrived);
	for (int i = 0; i < ENGINE_QUEUE_MAX; i++) {
		char name[8];
		snprintf(name, sizeof(name), "q%d", i);
		submit(JOB_BACKUP, name);
	}
	struct job_request more = request_of(JOB_BACKUP, "more");
	assert_int_equal(engine_submit(engine, &more, 0, &id), -ENOSPC);
	engine_quit(engine);
	sem_post(&go);
}

static void a_cancel_is_stopping_at_once_and_cancelled_when_it_is_over(void **state)
{
	(void)state;
	struct job_info info;
	story_waits = true;
	start();
	uint64_t id = submit(JOB_RESTORE, "mgc");
	sem_wait(&arrived);
	assert_int_equal(engine_cancel(engine, 0), 0);
	assert_int_equal(engine_job(engine, id, &info), 0);
	assert_int_equal(info.state, JOB_STOPPING);
	assert_int_equal(engine_cancel(engine, id), 0);
	sem_post(&go);
	assert_int_equal(wait_end(id).state, JOB_CANCELLED);
	assert_int_equal(engine_cancel(engine, id), -ENOENT);
	assert_int_equal(engine_cancel(engine, 0), -ENOENT);
	story_waits = false;
	assert_int_equal(wait_end(submit(JOB_RESTORE, "mgc")).state, JOB_DONE);
}

static void a_cancel_before_commit_wins_and_one_after_is_too_late(void **state)
{
	(void)state;
	struct job_info info;
	story_waits = true;
	start();
	uint64_t id = submit(JOB_RESTORE, "mgc");
	for (int phase = 0; phase < 2; phase++) {
		sem_wait(&arrived);
		sem_post(&go);
	}
	sem_wait(&arrived);
	assert_int_equal(engine_job(engine, id, &info), 0);
	assert_true(info.committing);
	assert_int_equal(engine_cancel(engine, 0), -EBUSY);
	sem_post(&go);
	assert_int_equal(wait_end(id).state, JOB_DONE);
	assert_int_equal(no_return_result, 0);
}

static void a_cancel_in_the_last_moment_keeps_commit_from_being_sent(void **state)
{
	(void)state;
	waits_before_no_return = true;
	start();
	uint64_t id = submit(JOB_RESTORE, "mgc");
	sem_wait(&arrived);
	assert_int_equal(engine_cancel(engine, id), 0);
	sem_post(&go);
	assert_int_equal(wait_end(id).state, JOB_CANCELLED);
	assert_int_equal(no_return_result, -ECANCELED);
}

static void what_waits_can_be_cancelled_without_running(void **state)
{
	(void)state;
	story_waits = true;
	start();
	submit(JOB_BACKUP, "a");
	sem_wait(&arrived);
	uint64_t second = submit(JOB_BACKUP, "b");
	assert_int_equal(engine_cancel(engine, second), 0);
	assert_int_equal(wait_end(second).state, JOB_CANCELLED);
	sem_post(&go);
	assert_int_equal(engine_cancel(engine, 999), -ENOENT);
	engine_stop(engine);
	engine = NULL;
	assert_int_equal(runs, 1);
}

static void each_ended_job_is_told_once(void **state)
{
	(void)state;
	struct job_info info;
	start();
	uint64_t first = submit(JOB_BACKUP, "a");
	wait_end(first);
	uint64_t second = submit(JOB_BACKUP, "b");
	wait_end(second);
	assert_int_equal(engine_next_ended(engine, &info), 1);
	assert_int_equal(info.id, first);
	assert_int_equal(engine_next_ended(engine, &info), 1);
	assert_int_equal(info.id, second);
	assert_int_equal(engine_next_ended(engine, &info), 0);
	for (int i = 0; i < ENGINE_HISTORY_MAX + 3; i++) {
		char name[8];
		snprintf(name, sizeof(name), "n%d", i);
		second = submit(JOB_BACKUP, name);
		wait_end(second);
	}
	int told = 0;
	while (engine_next_ended(engine, &info))
		told++;
	assert_int_equal(told, ENGINE_HISTORY_MAX);
	assert_int_equal(info.id, second);
	assert_int_equal(engine_job(engine, first, &info), -ENOENT);
}

/* ---- looks ---- */

struct test_look {
	struct engine_look look;
	int calls;
	bool busy;
	pthread_t thread;
};

static void run_look(struct engine_look *look, const struct job_context *context)
{
	struct test_look *test = (struct test_look *)look;
	assert_ptr_equal(context->repository, &shelf); /* of the first volume that is there */
	test->busy = context->busy;
	test->calls++;
	test->thread = pthread_self();
}

static void wait_look(struct test_look *look)
{
	struct pollfd event = { engine_fd(engine), POLLIN, 0 };
	while (!engine_look_done(engine, &look->look)) {
		assert_int_equal(poll(&event, 1, 10000), 1);
		engine_seen(engine);
	}
}

static void a_look_is_run_between_jobs_and_when_a_story_reports(void **state)
{
	(void)state;
	struct test_look idle = { .look.run = run_look }, busy = { .look.run = run_look },
					 dropped = { .look.run = run_look };
	start();
	engine_look(engine, &idle.look);
	wait_look(&idle);
	assert_int_equal(idle.calls, 1);
	story_waits = true;
	uint64_t id = submit(JOB_BACKUP, "a");
	sem_wait(&arrived);
	engine_look(engine, &busy.look);
	engine_look(engine, &dropped.look);
	engine_drop(engine, &dropped.look);
	assert_false(engine_look_done(engine, &busy.look));
	sem_post(&go);
	wait_look(&busy);
	wait_end(id);
	assert_int_equal(dropped.calls, 0);
	assert_true(pthread_equal(idle.thread, busy.thread));
	assert_true(busy.busy && !idle.busy);
}

static void run_slow_look(struct engine_look *look, const struct job_context *context)
{
	struct test_look *test = (struct test_look *)look;
	(void)context;
	gate();
	test->calls++;
}

static void count_left(struct engine_look *look)
{
	struct test_look *test = (struct test_look *)look;
	assert_int_equal(test->calls, 1);
	sem_post(&arrived);
}

static void a_look_that_runs_can_be_left_and_is_handed_over_when_it_is_over(void **state)
{
	(void)state;
	struct test_look slow = { .look.run = run_slow_look }, waiting = { .look.run = run_slow_look };
	start();
	engine_look(engine, &slow.look);
	sem_wait(&arrived);
	engine_look(engine, &waiting.look);
	assert_false(engine_leave(engine, &waiting.look, count_left));
	assert_true(engine_leave(engine, &slow.look, count_left)); /* at once: nobody has let it go on */
	assert_int_equal(slow.calls, 0);
	sem_post(&go);
	sem_wait(&arrived);
	assert_int_equal(waiting.calls, 0);
	slow = (struct test_look){ .look.run = run_look };
	engine_look(engine, &slow.look);
	wait_look(&slow);
	assert_false(engine_leave(engine, &slow.look, count_left)); /* over, and its owner's */
}

static void *let_go_soon(void *arg)
{
	(void)arg;
	usleep(20000);
	sem_post(&go);
	return NULL;
}

static void a_look_that_runs_is_waited_for_before_it_is_taken_back(void **state)
{
	(void)state;
	struct test_look slow = { .look.run = run_slow_look };
	pthread_t helper;
	start();
	engine_look(engine, &slow.look);
	sem_wait(&arrived);
	assert_int_equal(pthread_create(&helper, NULL, let_go_soon, NULL), 0);
	engine_drop(engine, &slow.look);
	assert_int_equal(slow.calls, 1);
	pthread_join(helper, NULL);
}

/* ---- after a cut ---- */

static void a_shutdown_cancels_what_runs_and_what_waits_and_comes_to_an_end(void **state)
{
	(void)state;
	struct job_info info;
	story_waits = true;
	start();
	uint64_t first = submit(JOB_BACKUP, "a"), second = submit(JOB_BACKUP, "b");
	sem_wait(&arrived);
	engine_quit(engine);
	assert_false(engine_idle(engine));
	struct job_request late = request_of(JOB_BACKUP, "c");
	uint64_t id;
	assert_int_equal(engine_submit(engine, &late, 0, &id), -ESHUTDOWN);
	sem_post(&go);
	assert_int_equal(wait_end(first).state, JOB_CANCELLED);
	assert_int_equal(engine_job(engine, second, &info), 0);
	assert_int_equal(info.state, JOB_CANCELLED);
	engine_stop(engine);
	engine = NULL;
	assert_int_equal(runs, 1);
	struct journal journal;
	int at = find_record(&records, "journal");
	assert_int_equal(journal_decode(&journal, records.list[at].bytes, (size_t)records.list[at].size), 0);
	assert_false(journal.running);
}

/* ---- a volume that is pulled ---- */

static void wake(void)
{
	struct test_look look = { .look.run = run_look };
	engine_look(engine, &look.look);
	wait_look(&look);
}

static void a_job_whose_volume_went_begins_afresh_when_it_is_back(void **state)
{
	(void)state;
	struct job_info info;
	start();
	volume_gone = true;
	story_ends = JOB_FAILED;
	uint64_t first = submit(JOB_BACKUP, "a"), again = first + 1;
	assert_int_equal(wait_end(first).notes, 1); /* that it is queued again */
	assert_int_equal(engine_job(engine, again, &info), 0);
	assert_int_equal(info.state, JOB_QUEUED);
	/* Others do not wait behind it, and asking for the same is told what there is. */
	struct job_request same = request_of(JOB_BACKUP, "a");
	uint64_t id;
	assert_int_equal(engine_submit(engine, &same, 0, &id), -EALREADY);
	assert_int_equal(id, again);
	volume_gone = false;
	story_ends = JOB_DONE;
	assert_int_equal(wait_end(submit(JOB_VERIFY, "b")).state, JOB_DONE);
	assert_int_equal(engine_job(engine, again, &info), 0);
	assert_int_equal(info.state, JOB_QUEUED);
	volume_there = true;
	wake();
	info = wait_end(again);
	assert_int_equal(info.state, JOB_DONE);
	assert_string_equal(info.request.asked_by, "anna");
	assert_string_equal(last_request.database, "a");
	assert_int_equal(last_request.again, 1);
}

static void a_volume_that_fails_again_and_again_is_not_tried_for_ever(void **state)
{
	(void)state;
	start();
	volume_gone = volume_there = true;
	story_ends = JOB_FAILED;
	uint64_t first = submit(JOB_BACKUP, "a");
	assert_int_equal(wait_end(first + 2).notes, 0);
	assert_int_equal(runs, 3);
	struct job_info info;
	assert_int_equal(engine_job(engine, first + 3, &info), -ENOENT);
}

/* It may be away for weeks, and a backup is due each night. */
static void those_that_wait_for_a_volume_leave_half_of_the_queue_to_others(void **state)
{
	(void)state;
	static const char *const databases[] = { "a", "b", "c", "d", "e", "f" };
	volume_gone = true;
	story_ends = JOB_FAILED;
	start();
	for (size_t i = 0; i < sizeof(databases) / sizeof(databases[0]); i++)
		wait_end(submit(JOB_BACKUP, databases[i]));
	assert_int_equal(engine_room(engine), ENGINE_QUEUE_MAX / 2);
}

static void a_job_that_waits_for_its_volume_can_be_cancelled(void **state)
{
	(void)state;
	start();
	volume_gone = true;
	story_ends = JOB_FAILED;
	uint64_t first = submit(JOB_BACKUP, "a");
	wait_end(first);
	assert_int_equal(engine_cancel(engine, first + 1), 0);
	assert_int_equal(wait_end(first + 1).state, JOB_CANCELLED);
}

/* Neither a shutdown nor a cut makes it forget. */
static void it_waits_through_a_restart(void **state)
{
	(void)state;
	for (int cut = 0; cut < 2; cut++) {
		struct records before;
		struct job_info info;
		runs = 0;
		volume_there = false;
		volume_gone = true;
		story_ends = JOB_FAILED;
		start();
		uint64_t first = submit(JOB_BACKUP, "a");
		wait_end(first);
		wake();
		before = records;
		engine_stop(engine);
		if (cut)
			records = before;
		volume_gone = false;
		story_ends = JOB_DONE;
		start();
		wake();
		assert_int_equal(engine_job(engine, first + 1, &info), 0);
		assert_int_equal(info.state, JOB_QUEUED);
		assert_true(submit(JOB_VERIFY, "b") > first + 1);
		volume_there = true;
		wake();
		assert_int_equal(wait_end(first + 1).state, JOB_DONE);
		engine_stop(engine);
		engine = NULL;
	}
}

/* The power goes right after each write of the journal: the next start says what is true, and goes on counting. */
static void after_a_cut_at_any_write_the_next_start_tells_the_truth(void **state)
{
	(void)state;
	start();
	uint64_t id = submit(JOB_RESTORE, "mgc");
	wait_end(id);
	engine_stop(engine);
	assert_int_equal(writes, 5); /* begun, connect, write, commit, ended */
	struct records cuts[5];
	memcpy(cuts, history, sizeof(cuts));
	static const enum job_phase phases[] = { JOB_PHASE_WAITING, JOB_PHASE_CONNECT, JOB_PHASE_WRITE, JOB_PHASE_COMMIT };
	for (int cut = 0; cut < 5; cut++) {
		struct job_info info;
		records = cuts[cut];
		recoveries = 0;
		start();
		wait_end(submit(JOB_BACKUP, "after"));
		assert_int_equal(recoveries, cut < 4);
		if (cut < 4) {
			assert_int_equal(recover_phase, phases[cut]);
			assert_int_equal(recover_outcome.safety, cut < 2 ? 0 : 6);
			assert_string_equal(recover_outcome.database, cut ? "mgc" : "");
			assert_int_equal(engine_next_ended(engine, &info), 1);
			assert_int_equal(info.id, id);
			assert_true(info.recovered);
			assert_string_equal(info.sentence, "It was looked at.");
			assert_string_equal(info.request.asked_by, "anna");
		}
		while (engine_next_ended(engine, &info))
			assert_true(info.id > id || info.recovered);
		engine_stop(engine);
	}
	engine = NULL;
}

static void a_backup_that_was_cut_off_says_what_was_sealed_before(void **state)
{
	(void)state;
	struct job_info info;
	struct block block;
	struct journal journal = {
		.job = 9, .running = true, .phase = JOB_PHASE_READ, .sequence = 3, .request = request_of(JOB_BACKUP, "")
	};
	for (int made = 0; made < 2; made++) {
		assert_int_equal(journal_encode(&journal, &block), 0);
		put_record("journal", block.bytes, block.size);
		shelf_count = 1 + made;
		shelf[0].sequence = 3;
		shelf[1] = (struct snapshot_info){ .id = 0xabc, .sequence = 4, .subject = "sql1/mgc" };
		start();
		info = wait_end(9);
		assert_int_equal(info.state, JOB_FAILED);
		assert_int_equal(info.snapshot, made ? 0xabc : 0);
		assert_non_null(strstr(info.sentence, made ? "kept" : "No snapshot was made"));
		assert_int_equal(info.notes, made);
		engine_stop(engine);
	}
	engine = NULL;
	assert_int_equal(recoveries, 0);
}

static void what_if_never_changed_anything_and_is_not_looked_at(void **state)
{
	(void)state;
	struct block block;
	struct journal journal = {
		.job = 9, .running = true, .phase = JOB_PHASE_CONNECT, .request = request_of(JOB_RESTORE, "mgc")
	};
	journal.request.what_if = true;
	assert_int_equal(journal_encode(&journal, &block), 0);
	put_record("journal", block.bytes, block.size);
	start();
	wait_end(9);
	assert_int_equal(recoveries, 0);
}

static void an_unknown_outcome_is_kept_and_looked_at_until_it_is_known(void **state)
{
	(void)state;
	struct job_info info;
	story_ends = JOB_OUTCOME_UNKNOWN;
	recover_ends = JOB_OUTCOME_UNKNOWN;
	start();
	uint64_t id = submit(JOB_RESTORE, "mgc");
	assert_int_equal(wait_end(id).state, JOB_OUTCOME_UNKNOWN);
	story_ends = JOB_DONE;
	wait_end(submit(JOB_BACKUP, "other")); /* a later job does not make it forgotten */
	engine_stop(engine);
	assert_true(size_of("unknown") > 0);
	recoveries = 0;
	start(); /* still unknown: no noise, and it is kept */
	wait_end(submit(JOB_BACKUP, "other"));
	assert_int_equal(recover_phase, JOB_PHASE_COMMIT);
	while (engine_next_ended(engine, &info))
		assert_int_not_equal(info.state, JOB_OUTCOME_UNKNOWN);
	engine_stop(engine);
	assert_true(size_of("unknown") > 0);
	recover_ends = JOB_DONE;
	start();
	info = wait_end(id);
	assert_int_equal(info.state, JOB_DONE);
	assert_true(info.recovered);
	engine_stop(engine);
	engine = NULL;
	assert_int_equal(size_of("unknown"), 0);
}

/* On the engine's thread, as store_look does it. */
static struct job_volume moving[2];

static void bring_volume(struct engine_look *look, const struct job_context *context)
{
	(void)look, (void)context;
	moving[0].repository = (struct repository *)&shelf;
}

static void an_unknown_outcome_is_looked_at_when_a_volume_comes(void **state)
{
	(void)state;
	struct engine_look look = { .run = bring_volume };
	memcpy(moving, volumes, sizeof(moving));
	ground.volumes = moving;
	story_ends = JOB_OUTCOME_UNKNOWN;
	start();
	wait_end(submit(JOB_RESTORE, "mgc"));
	assert_int_equal(recoveries, 0);
	int64_t began = now_ms();
	engine_look(engine, &look);
	while (recoveries == 0 && now_ms() - began < 60000)
		usleep(1000);
	/* By time alone it would be five seconds after the end of the job, at the soonest. */
	assert_in_range(now_ms() - began, 0, 4500);
	assert_true(engine_look_done(engine, &look));
}

static bool is_needed(uint64_t snapshot)
{
	struct job_request request = request_of(JOB_REMOVE, "");
	uint64_t id;
	request.snapshot = snapshot;
	assert_int_equal(engine_submit(engine, &request, 1000, &id), 0);
	wait_end(id);
	return needed;
}

static void a_story_knows_that_another_job_waits(void **state)
{
	(void)state;
	start();
	assert_false(is_needed(5));
	assert_false(waited_for);
	story_waits = true;
	uint64_t id = submit(JOB_REMOVE, "a");
	sem_wait(&arrived);
	uint64_t next = submit(JOB_BACKUP, "b");
	sem_post(&go);
	wait_end(id);
	assert_true(waited_for);
	sem_post(&go);
	wait_end(next);
}

static void what_an_unknown_outcome_needs_is_said_to_be_in_doubt(void **state)
{
	(void)state;
	start();
	assert_false(is_needed(5));
	story_ends = JOB_OUTCOME_UNKNOWN;
	recover_ends = JOB_OUTCOME_UNKNOWN;
	wait_end(submit(JOB_RESTORE, "mgc"));
	assert_true(is_needed(5));
	assert_true(is_needed(6));
	assert_false(is_needed(7));
	engine_stop(engine);
	start();
	assert_true(is_needed(6));
}

static void an_unknown_outcome_is_not_forgotten_over_the_next_database(void **state)
{
	(void)state;
	ground.restore = two_databases_story;
	start();
	wait_end(submit(JOB_RESTORE, ""));
	engine_stop(engine);
	recoveries = 0;
	start();
	wait_end(submit(JOB_BACKUP, "a"));
	struct pollfd event = { engine_fd(engine), POLLIN, 0 };
	for (int i = 0; i < 100 && recoveries == 0; i++)
		poll(&event, 1, 100), engine_seen(engine);
	engine_stop(engine);
	engine = NULL;
	assert_int_equal(recover_phase, JOB_PHASE_COMMIT);
	assert_string_equal(recover_outcome.database, "mgc");
	assert_int_equal(recover_outcome.safety, 6);
}

static void wait_recoveries(int count)
{
	struct pollfd event = { engine_fd(engine), POLLIN, 0 };
	for (int i = 0; i < 100 && recoveries < count; i++)
		poll(&event, 1, 100), engine_seen(engine);
	assert_true(recoveries >= count);
}

static void several_unknown_outcomes_are_kept_each_with_its_phase(void **state)
{
	(void)state;
	struct job_info unknown[ENGINE_UNKNOWN_MAX];
	ground.restore = unknown_undo_story;
	recover_ends = JOB_OUTCOME_UNKNOWN;
	start();
	uint64_t id = submit(JOB_RESTORE, "*");
	wait_end(id);
	assert_int_equal(engine_unknown(engine, unknown, ENGINE_UNKNOWN_MAX), 2);
	engine_stop(engine);
	seen_phases = 0;
	recoveries = 0;
	start();
	wait_recoveries(2);
	assert_int_equal(seen_phases, 1u << JOB_PHASE_COMMIT | 1u << JOB_PHASE_ROLLBACK);
	assert_int_equal(engine_unknown(engine, unknown, ENGINE_UNKNOWN_MAX), 2); /* looked at, and each kept but once */
	assert_string_equal(unknown[0].request.database, "mgc");
	assert_string_equal(unknown[1].request.database, "mgccomp");
	assert_int_equal(unknown[1].id, id);
	assert_int_equal(unknown[1].state, JOB_OUTCOME_UNKNOWN);
}

static void a_database_of_which_it_is_not_known_how_it_ended_is_not_changed_again(void **state)
{
	(void)state;
	struct job_info info, unknown[1];
	story_ends = recover_ends = JOB_OUTCOME_UNKNOWN;
	start();
	wait_end(submit(JOB_RESTORE, "mgc"));
	story_ends = JOB_DONE;
	assert_int_equal(runs, 1);
	assert_int_equal(recoveries, 0);
	info = wait_end(submit(JOB_UNDO, "MGC"));
	assert_int_equal(recoveries, 1); /* it was looked at for its sake */
	assert_int_equal(info.state, JOB_FAILED);
	assert_non_null(strstr(info.sentence, "not known yet how job"));
	assert_int_equal(runs, 1);
	/* Other databases, other jobs and what-if are free. */
	assert_int_equal(wait_end(submit(JOB_BACKUP, "mgc")).state, JOB_DONE);
	struct job_request what_if = request_of(JOB_RESTORE, "mgc");
	uint64_t id;
	what_if.what_if = true;
	assert_int_equal(engine_submit(engine, &what_if, 0, &id), 0);
	assert_int_equal(wait_end(id).state, JOB_DONE);
	assert_int_equal(recoveries, 1);
	/* Once the server tells, it goes on, unasked. */
	recover_ends = JOB_DONE;
	assert_int_equal(wait_end(submit(JOB_RESTORE, "mgc")).state, JOB_DONE);
	assert_int_equal(recoveries, 2);
	assert_int_equal(engine_unknown(engine, unknown, 1), 0);
	assert_int_equal(size_of("unknown"), 0);
}

/* One more whose end is unknown would find no place, and be forgotten. */
static void with_as_many_unknown_as_can_be_kept_no_other_restore_begins(void **state)
{
	(void)state;
	struct block block;
	struct job_info info;
	char database[16], name[16];
	recover_ends = JOB_OUTCOME_UNKNOWN;
	for (uint64_t i = 0; i < ENGINE_UNKNOWN_MAX; i++) {
		snprintf(database, sizeof(database), "lost%d", (int)i);
		struct journal journal = { .job = i + 1, .running = true, .phase = JOB_PHASE_COMMIT };
		journal.request = request_of(JOB_RESTORE, database);
		strcpy(journal.outcome.server, "sql1");
		strcpy(journal.outcome.database, database);
		snprintf(name, sizeof(name), i ? "unknown-%d" : "unknown", (int)i);
		assert_int_equal(journal_encode(&journal, &block), 0);
		put_record(name, block.bytes, block.size);
	}
	start();
	info = wait_end(submit(JOB_RESTORE, "mgc"));
	assert_int_equal(info.state, JOB_FAILED);
	assert_non_null(strstr(info.sentence, "not known yet how 8 restores ended"));
	assert_int_equal(runs, 0);
	assert_int_equal(wait_end(submit(JOB_BACKUP, "mgc")).state, JOB_DONE);
	recover_ends = JOB_DONE;
	assert_int_equal(wait_end(submit(JOB_RESTORE, "lost3")).state, JOB_DONE); /* all are looked at for its sake */
	assert_int_equal(wait_end(submit(JOB_RESTORE, "mgc")).state, JOB_DONE);
}

/* The power goes after any write: who waited is told so, once, and never begun unasked; who ran is looked at. */
static void jobs_that_waited_in_a_power_cut_are_told_and_not_begun(void **state)
{
	(void)state;
	static struct records cuts[64];
	int waited = 0;
	story_waits = true;
	start();
	uint64_t first = submit(JOB_BACKUP, "a");
	sem_wait(&arrived);
	uint64_t second = submit(JOB_VERIFY, "b"), third = submit(JOB_BACKUP, "c");
	for (int i = 0; i < 8; i++)
		sem_post(&go);
	wait_end(third);
	engine_stop(engine);
	int count = writes;
	memcpy(cuts, history, sizeof(cuts));
	assert_true(count > 9);
	story_waits = false;
	for (int cut = 0; cut < count; cut++) {
		struct job_info told[ENGINE_HISTORY_MAX];
		records = cuts[cut];
		runs = 0;
		start();
		uint64_t next = submit(JOB_BACKUP, "next");
		wait_end(next);
		assert_int_equal(runs, 1);
		assert_true(next > first);
		size_t jobs = engine_jobs(engine, told, ENGINE_HISTORY_MAX);
		for (size_t i = 0; i < jobs; i++) {
			for (size_t j = 0; j < i; j++)
				assert_true(told[j].id != told[i].id);
			if (told[i].id == next || !strstr(told[i].sentence, "stopped before this began"))
				continue;
			assert_true(told[i].id == second || told[i].id == third);
			assert_true(told[i].recovered);
			assert_int_equal(told[i].state, JOB_CANCELLED);
			assert_string_equal(told[i].request.asked_by, "anna");
			assert_true(next > told[i].id);
			waited++;
		}
		engine_stop(engine);
		start(); /* it is told once */
		assert_int_equal(engine_jobs(engine, told, ENGINE_HISTORY_MAX), 0);
		engine_stop(engine);
	}
	engine = NULL;
	assert_true(waited > 4);
}

static size_t count_waiting(void)
{
	size_t count = 0;
	for (int i = 0; i < RECORDS_MAX; i++)
		count += strncmp(records.list[i].name, "waiting-", 8) == 0 && records.list[i].size > 0;
	return count;
}

/* Its place in the queue changes, and not where it is written down. */
static void who_waits_is_written_down_once(void **state)
{
	(void)state;
	story_waits = true;
	start();
	submit(JOB_BACKUP, "a");
	sem_wait(&arrived);
	submit(JOB_BACKUP, "b");
	uint64_t last = submit(JOB_BACKUP, "c");
	sem_post(&go);
	sem_wait(&arrived); /* b has begun */
	assert_int_equal(count_waiting(), 1);
	sem_post(&go);
	sem_post(&go);
	wait_end(last);
	assert_int_equal(count_waiting(), 0);
}

/* Else the next start would say of a job that was done that it never began. */
static void one_that_could_not_be_struck_off_when_it_began_is_when_it_ends(void **state)
{
	(void)state;
	story_waits = true;
	fail_clears = 1;
	start();
	submit(JOB_BACKUP, "a");
	sem_wait(&arrived);
	uint64_t second = submit(JOB_BACKUP, "b");
	sem_post(&go);
	sem_wait(&arrived);
	assert_int_equal(count_waiting(), 1);
	sem_post(&go);
	wait_end(second);
	assert_int_equal(count_waiting(), 0);
}

/* As a version before this one could leave it. */
static void what_was_written_down_twice_waits_once(void **state)
{
	(void)state;
	struct block block;
	struct job_info jobs[4];
	struct journal journal = { .job = 9, .running = true, .request = request_of(JOB_COPY, "mgc") };
	memset(journal.request.wait_for, 0xd1, sizeof(journal.request.wait_for));
	assert_int_equal(journal_encode(&journal, &block), 0);
	put_record("waiting-0", block.bytes, block.size);
	put_record("waiting-3", block.bytes, block.size);
	start();
	wait_end(submit(JOB_BACKUP, "a"));
	assert_int_equal(engine_jobs(engine, jobs, 4), 2);
	assert_int_equal(jobs[1].id, 9);
}

static void numbers_go_on_after_a_restart(void **state)
{
	(void)state;
	story_waits = true;
	start();
	uint64_t first = submit(JOB_BACKUP, "a");
	sem_wait(&arrived);
	uint64_t second = submit(JOB_BACKUP, "b");
	assert_int_equal(engine_cancel(engine, second), 0);
	sem_post(&go);
	wait_end(first);
	engine_stop(engine);
	story_waits = false;
	start();
	assert_true(submit(JOB_BACKUP, "a") > second);
}

static void a_damaged_journal_claims_nothing(void **state)
{
	(void)state;
	put_record("journal", "garbage", 7);
	start();
	wait_end(submit(JOB_BACKUP, "a"));
	assert_int_equal(recoveries, 0);
	struct job_info info;
	assert_int_equal(engine_next_ended(engine, &info), 1);
	assert_false(info.recovered);
}

static void a_journal_that_cannot_be_written_is_noted(void **state)
{
	(void)state;
	char note[JOB_NOTE_SIZE];
	fail_writes = 1;
	start();
	uint64_t id = submit(JOB_BACKUP, "a");
	wait_end(id);
	assert_int_equal(engine_note(engine, id, 0, note), 0);
	assert_non_null(strstr(note, "journal"));
}

static void every_field_of_the_journal_comes_back_and_no_cut_one_passes(void **state)
{
	(void)state;
	struct journal journal = { .job = UINT64_MAX,
		.running = true,
		.phase = JOB_PHASE_REPORT,
		.sequence = 12,
		.asked = 5,
		.began = 6,
		.request = request_of(JOB_UNDO, "a\nb\\c") },
				   back;
	struct block block;
	journal.request.snapshot = 0xfedcba9876543210u;
	journal.request.users_connected = journal.request.without_safety = true;
	strcpy(journal.outcome.server, "sql1");
	journal.outcome.safety = 3;
	assert_int_equal(journal_encode(&journal, &block), 0);
	assert_int_equal(journal_decode(&back, block.bytes, block.size), 0);
	struct block again;
	assert_int_equal(journal_encode(&back, &again), 0);
	assert_int_equal(again.size, block.size);
	assert_memory_equal(again.bytes, block.bytes, block.size);
	assert_int_equal(back.request.snapshot, journal.request.snapshot);
	assert_string_equal(back.request.database, "a\nb\\c");
	for (size_t size = 0; size < block.size; size++)
		assert_int_equal(journal_decode(&back, block.bytes, size), -EBADMSG);
}

#define engine_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		engine_test(a_job_runs_and_its_report_can_be_read),
		engine_test(a_report_holds_nothing_of_the_jobs_before),
		engine_test(jobs_run_one_after_the_other_in_their_order),
		engine_test(progress_is_seen_while_it_runs),
		engine_test(the_same_again_is_refused_with_the_number_of_the_first),
		engine_test(a_restore_waits_while_another_job_runs),
		engine_test(the_queue_is_bounded),
		engine_test(a_cancel_is_stopping_at_once_and_cancelled_when_it_is_over),
		engine_test(a_cancel_before_commit_wins_and_one_after_is_too_late),
		engine_test(a_cancel_in_the_last_moment_keeps_commit_from_being_sent),
		engine_test(what_waits_can_be_cancelled_without_running),
		engine_test(each_ended_job_is_told_once),
		engine_test(a_look_is_run_between_jobs_and_when_a_story_reports),
		engine_test(a_look_that_runs_is_waited_for_before_it_is_taken_back),
		engine_test(a_look_that_runs_can_be_left_and_is_handed_over_when_it_is_over),
		engine_test(a_job_whose_volume_went_begins_afresh_when_it_is_back),
		engine_test(a_volume_that_fails_again_and_again_is_not_tried_for_ever),
		engine_test(those_that_wait_for_a_volume_leave_half_of_the_queue_to_others),
		engine_test(a_job_that_waits_for_its_volume_can_be_cancelled),
		engine_test(it_waits_through_a_restart),
		engine_test(a_shutdown_cancels_what_runs_and_what_waits_and_comes_to_an_end),
		engine_test(after_a_cut_at_any_write_the_next_start_tells_the_truth),
		engine_test(a_backup_that_was_cut_off_says_what_was_sealed_before),
		engine_test(what_if_never_changed_anything_and_is_not_looked_at),
		engine_test(an_unknown_outcome_is_kept_and_looked_at_until_it_is_known),
		engine_test(a_story_knows_that_another_job_waits),
		engine_test(an_unknown_outcome_is_looked_at_when_a_volume_comes),
		engine_test(what_an_unknown_outcome_needs_is_said_to_be_in_doubt),
		engine_test(an_unknown_outcome_is_not_forgotten_over_the_next_database),
		engine_test(several_unknown_outcomes_are_kept_each_with_its_phase),
		engine_test(a_database_of_which_it_is_not_known_how_it_ended_is_not_changed_again),
		engine_test(with_as_many_unknown_as_can_be_kept_no_other_restore_begins),
		engine_test(jobs_that_waited_in_a_power_cut_are_told_and_not_begun),
		engine_test(who_waits_is_written_down_once),
		engine_test(what_was_written_down_twice_waits_once),
		engine_test(one_that_could_not_be_struck_off_when_it_began_is_when_it_ends),
		engine_test(numbers_go_on_after_a_restart),
		engine_test(a_damaged_journal_claims_nothing),
		engine_test(a_journal_that_cannot_be_written_is_noted),
		engine_test(every_field_of_the_journal_comes_back_and_no_cut_one_passes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
