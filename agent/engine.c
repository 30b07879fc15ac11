/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's thread: jobs one after the other, each with its journal; looks in between. */
#include "agent/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/engine_private.h"
#include "storage/repository.h"

#define JOURNAL "journal"
#define UNKNOWN "unknown"
enum { STACK_SIZE = 512 * 1024, FIRST_RETRY_MS = 5000, RETRY_SECONDS = 600 };

static int64_t monotonic_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the journal ---- */

static int write_record(struct engine *engine, const char *name, const struct journal *journal)
{
	struct block block;
	int result = journal_encode(journal, &block);
	if (result == 0 && block.size > ENGINE_RECORD_SIZE)
		result = -EMSGSIZE;
	return result < 0 ? result : engine->ground.record_write(engine->ground.arg, name, block.bytes, block.size);
}

/* 1 and the record; 0 where there is none. */
static int read_record(struct engine *engine, const char *name, struct journal *journal)
{
	char bytes[ENGINE_RECORD_SIZE];
	int size = engine->ground.record_read(engine->ground.arg, name, bytes, sizeof(bytes));
	memset(journal, 0, sizeof(*journal));
	if (size == 0 || size == -ENOENT)
		return 0;
	int result = size < 0 ? size : journal_decode(journal, bytes, (size_t)size);
	return result < 0 ? result : 1;
}

/* What a job did to a database that nobody knows yet: kept apart, so that later jobs do not write over it. */
static void keep_unknown(struct engine *engine, const struct job_report *report)
{
	for (size_t i = 0; i < report->outcome_count; i++) {
		if (report->outcomes[i].state != JOB_OUTCOME_UNKNOWN)
			continue;
		engine->pending = engine->journal;
		engine->pending.phase = JOB_PHASE_COMMIT;
		engine->pending.outcome = report->outcomes[i];
		engine->unknown = true;
		write_record(engine, UNKNOWN, &engine->pending);
		engine->retry_at = monotonic_ms() + FIRST_RETRY_MS;
	}
}

static uint64_t newest_sequence(const struct engine *engine)
{
	uint64_t newest = 0;
	int count = engine->ground.repository ? snapshot_list(engine->ground.repository, NULL, 0) : 0;
	struct snapshot_info *list = count > 0 ? calloc((size_t)count, sizeof(*list)) : NULL;
	if (list)
		count = snapshot_list(engine->ground.repository, list, (size_t)count);
	for (int i = 0; list && i < count; i++)
		if (list[i].sequence > newest)
			newest = list[i].sequence;
	free(list);
	return newest;
}

/* ---- what stories may call ---- */

static void run_looks(struct engine *engine)
{
	struct engine_look *look;
	pthread_mutex_lock(&engine->lock);
	while ((look = engine->looks)) {
		engine->looks = look->next;
		engine->look_running = look;
		pthread_mutex_unlock(&engine->lock);
		look->run(look, engine->ground.repository);
		pthread_mutex_lock(&engine->lock);
		look->done = true;
		engine->look_running = NULL;
		pthread_cond_broadcast(&engine->served);
		engine_signal(engine);
	}
	pthread_mutex_unlock(&engine->lock);
}

static void take_progress(void *arg, const struct job_progress *progress)
{
	struct engine *engine = arg;
	pthread_mutex_lock(&engine->lock);
	engine->progress = *progress;
	pthread_mutex_unlock(&engine->lock);
	engine_signal(engine);
	run_looks(engine);
}

static bool is_stopped(void *arg)
{
	struct engine *engine = arg;
	return engine->stop;
}

static int write_journal(void *arg, enum job_phase phase, const struct job_outcome *outcome)
{
	struct engine *engine = arg;
	keep_unknown(engine, engine->report);
	engine->journal.phase = phase;
	engine->journal.outcome = *outcome;
	pthread_mutex_lock(&engine->lock);
	if (phase != JOB_PHASE_COMMIT && phase != JOB_PHASE_REPORT)
		engine->running.committing = false;
	pthread_mutex_unlock(&engine->lock);
	return write_record(engine, JOURNAL, &engine->journal);
}

static int pass_no_return(void *arg)
{
	struct engine *engine = arg;
	pthread_mutex_lock(&engine->lock);
	int result = engine->stop ? -ECANCELED : 0;
	engine->running.committing = result == 0;
	pthread_mutex_unlock(&engine->lock);
	engine_signal(engine);
	return result;
}

static bool is_needed(void *arg, uint64_t snapshot)
{
	struct engine *engine = arg;
	const struct journal *pending = &engine->pending;
	bool needed = engine->unknown &&
		(pending->outcome.snapshot == snapshot || pending->outcome.safety == snapshot ||
			pending->request.snapshot == snapshot);
	pthread_mutex_lock(&engine->lock);
	for (size_t i = 0; i < engine->queued; i++)
		needed |= engine->queue[i].request.snapshot == snapshot;
	pthread_mutex_unlock(&engine->lock);
	return needed;
}

static bool is_waited_for(void *arg)
{
	struct engine *engine = arg;
	pthread_mutex_lock(&engine->lock);
	bool waits = engine->queued > 0;
	pthread_mutex_unlock(&engine->lock);
	return waits;
}

static int write_audit(void *arg, const char *event, const char *what, const char *result)
{
	const struct engine *engine = arg;
	const struct engine_ground *ground = &engine->ground;
	return ground->audit ? ground->audit(ground->arg, &engine->running.request, event, what, result) : -EROFS;
}

static struct job_context make_context(struct engine *engine)
{
	return (struct job_context){
		.config = engine->ground.config,
		.repository = engine->ground.repository,
		.rowgroup = engine->ground.rowgroup,
		.engine = engine,
		.progress = take_progress,
		.stop = is_stopped,
		.journal = write_journal,
		.no_return = pass_no_return,
		.needs = is_needed,
		.waited_for = is_waited_for,
		.audit = write_audit,
	};
}

/* ---- the end of a job ---- */

static const struct job_outcome *find_worst(const struct job_report *report, enum job_state state)
{
	for (size_t i = 0; i < report->outcome_count; i++)
		if (report->outcomes[i].state == state)
			return &report->outcomes[i];
	return report->outcome_count ? &report->outcomes[0] : NULL;
}

static void sum_up(struct job_info *info, const struct job_report *report)
{
	const struct job_outcome *worst = find_worst(report, info->state);
	info->outcomes = report->outcome_count;
	info->notes = report->note_count;
	info->changes = report->change_count;
	if (!worst) {
		snprintf(info->sentence, sizeof(info->sentence), "%s",
			info->state == JOB_CANCELLED ? "Cancelled." : "Nothing was done.");
		return;
	}
	memcpy(info->sentence, worst->sentence, sizeof(info->sentence));
	memcpy(info->remedy, worst->remedy, sizeof(info->remedy));
	info->snapshot = report->outcomes[0].snapshot;
	info->safety = report->outcomes[0].safety;
}

static void end_job(struct engine *engine, enum job_state state)
{
	struct job_report *report = engine->report;
	keep_unknown(engine, report);
	pthread_mutex_lock(&engine->lock);
	engine->journal.job = engine->last_id;
	pthread_mutex_unlock(&engine->lock);
	engine->journal.running = false;
	write_record(engine, JOURNAL, &engine->journal);
	if (engine->ground.refresh)
		engine->ground.refresh(engine->ground.arg, engine->ground.repository);
	pthread_mutex_lock(&engine->lock);
	engine->running.state = state;
	engine->running.committing = false;
	engine->running.ended = (int64_t)time(NULL);
	sum_up(&engine->running, report);
	engine->report = engine->finished;
	engine->finished = report;
	engine->finished_id = engine->running.id;
	if (!engine->retrying || state != JOB_OUTCOME_UNKNOWN)
		engine_remember(engine, &engine->running);
	engine->busy = false;
	memset(&engine->progress, 0, sizeof(engine->progress));
	pthread_mutex_unlock(&engine->lock);
	engine_signal(engine);
}

/* With the lock held. */
static void begin_job(struct engine *engine, const struct job_info *info)
{
	engine->running = *info;
	engine->running.state = JOB_RUNNING;
	engine->running.began = (int64_t)time(NULL);
	engine->busy = true;
	engine->stop = false;
	memset(&engine->progress, 0, sizeof(engine->progress));
	engine->report->outcome_count = engine->report->note_count = 0;
}

static job_story *find_story(const struct engine_ground *ground, enum job_kind kind)
{
	switch (kind) {
	case JOB_BACKUP:
		return ground->backup;
	case JOB_RESTORE:
		return ground->restore;
	case JOB_UNDO:
		return ground->undo;
	case JOB_VERIFY:
		return ground->verify;
	case JOB_PIN:
	case JOB_UNPIN:
	case JOB_REMOVE:
		return ground->keep;
	case JOB_PRUNE:
		return ground->prune;
	case JOB_CLEAN:
		return ground->clean;
	}
	return NULL;
}

static void run_job(struct engine *engine)
{
	const struct job_request *request = &engine->running.request;
	job_story *story = find_story(&engine->ground, request->kind);
	struct job_context context = make_context(engine);
	enum job_state state = JOB_FAILED;
	engine->journal = (struct journal){
		.job = engine->running.id,
		.running = true,
		.request = *request,
		.asked = engine->running.asked,
		.began = engine->running.began,
		.sequence = newest_sequence(engine),
	};
	engine_signal(engine);
	int written = write_record(engine, JOURNAL, &engine->journal);
	if (written < 0)
		job_report_note(engine->report, "The journal could not be written: %s.", strerror(-written));
	if (story)
		state = story(&context, request, engine->report);
	end_job(engine, state);
}

/* ---- after a cut ---- */

/* A backup or a verification changes nothing on a server; what it made is in the repository or is not. */
static enum job_state tell_cut(struct engine *engine, const struct journal *journal)
{
	struct job_outcome *outcome = job_report_outcome(
		engine->report, journal->outcome.server, journal->outcome.database);
	int count = snapshot_list(engine->ground.repository, NULL, 0);
	struct snapshot_info *list = count > 0 ? calloc((size_t)count, sizeof(*list)) : NULL;
	unsigned int made = 0;
	if (list)
		count = snapshot_list(engine->ground.repository, list, (size_t)count);
	for (int i = 0; list && i < count; i++) {
		if (journal->request.kind != JOB_BACKUP || list[i].sequence <= journal->sequence)
			continue;
		made++;
		outcome->snapshot = list[i].id;
		job_report_note(engine->report, "Snapshot %016llx of %s had been made and is whole.",
			(unsigned long long)list[i].id, list[i].subject);
	}
	free(list);
	bool marks = journal->request.kind > JOB_VERIFY; /* of a snapshot, or its removal: done, or not begun */
	snprintf(outcome->sentence, sizeof(outcome->sentence), "The box stopped in the middle of it. %s",
		marks                                     ? "coffret list shows whether it was done."
			: journal->request.kind != JOB_BACKUP ? "Nothing was changed."
			: made ? "What was sealed before is kept (see the notes); nothing else was kept."
				   : "No snapshot was made, and nothing was changed on the server.");
	snprintf(outcome->remedy, sizeof(outcome->remedy), "%s", "Ask for it again.");
	return outcome->state;
}

static enum job_state recover(struct engine *engine, const struct journal *journal)
{
	const struct job_request *request = &journal->request;
	struct job_context context = make_context(engine);
	bool changes = (request->kind == JOB_RESTORE || request->kind == JOB_UNDO) && !request->what_if;
	if (!changes || !engine->ground.recover)
		return tell_cut(engine, journal);
	return engine->ground.recover(&context, request, journal->phase, &journal->outcome, engine->report);
}

static void begin_recovery(struct engine *engine, const struct journal *journal)
{
	struct job_info info = {
		.id = journal->job, .request = journal->request, .recovered = true, .asked = journal->asked
	};
	pthread_mutex_lock(&engine->lock);
	begin_job(engine, &info);
	engine->running.began = journal->began;
	pthread_mutex_unlock(&engine->lock);
	engine->journal = *journal;
	engine_signal(engine);
}

/* Looks again at an outcome that nobody knew. It stays pending, quietly, until it is known. */
static void retry_unknown(struct engine *engine)
{
	struct journal journal = engine->pending;
	int64_t pause = engine->ground.retry_seconds ? engine->ground.retry_seconds : RETRY_SECONDS;
	engine->unknown = false;
	engine->retrying = true;
	begin_recovery(engine, &journal);
	end_job(engine, recover(engine, &journal));
	engine->retrying = false;
	if (engine->unknown)
		engine->retry_at = monotonic_ms() + pause * 1000;
	else
		engine->ground.record_write(engine->ground.arg, UNKNOWN, "", 0);
}

static void recover_at_start(struct engine *engine)
{
	struct journal journal = engine->journal;
	engine->unknown = read_record(engine, UNKNOWN, &engine->pending) == 1 && engine->pending.running;
	engine->retry_at = monotonic_ms();
	if (journal.running)
		end_job(engine, recover(engine, &journal));
	if (engine->ground.refresh && !journal.running)
		engine->ground.refresh(engine->ground.arg, engine->ground.repository);
}

/* ---- the thread ---- */

static void wait_for_work(struct engine *engine)
{
	if (!engine->unknown) {
		pthread_cond_wait(&engine->wake, &engine->lock);
		return;
	}
	struct timespec until = { .tv_sec = (time_t)(engine->retry_at / 1000),
		.tv_nsec = (long)(engine->retry_at % 1000) * 1000000 };
	pthread_cond_timedwait(&engine->wake, &engine->lock, &until);
}

/* The first in the queue is begun under the lock, so that nobody sees it gone and not yet running. */
static bool take_next(struct engine *engine)
{
	if (engine->queued == 0 || engine->quitting)
		return false;
	struct job_info info = engine->queue[0];
	memmove(&engine->queue[0], &engine->queue[1], --engine->queued * sizeof(info));
	begin_job(engine, &info);
	return true;
}

static void *run_engine(void *arg)
{
	struct engine *engine = arg;
	recover_at_start(engine);
	pthread_mutex_lock(&engine->lock);
	while (!engine->quitting) {
		bool job = take_next(engine), looks = engine->looks != NULL;
		bool retry = !job && engine->unknown && monotonic_ms() >= engine->retry_at;
		if (!job && !looks && !retry) {
			wait_for_work(engine);
			continue;
		}
		pthread_mutex_unlock(&engine->lock);
		if (looks)
			run_looks(engine);
		if (job)
			run_job(engine);
		else if (retry)
			retry_unknown(engine);
		pthread_mutex_lock(&engine->lock);
	}
	/* Numbers that were told to people are not given again, though the jobs never began. */
	if (engine->last_id > engine->journal.job) {
		engine->journal = (struct journal){ .job = engine->last_id };
		write_record(engine, JOURNAL, &engine->journal);
	}
	engine->ended = true;
	pthread_mutex_unlock(&engine->lock);
	engine_signal(engine);
	return NULL;
}

static void init_locks(struct engine *engine)
{
	pthread_condattr_t clock;
	pthread_mutex_init(&engine->lock, NULL);
	pthread_condattr_init(&clock);
	pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
	pthread_cond_init(&engine->wake, &clock);
	pthread_cond_init(&engine->served, NULL);
	pthread_condattr_destroy(&clock);
}

static int start_thread(struct engine *engine)
{
	pthread_attr_t attributes;
	/* Before anybody can ask: a box that has something to find out is not idle. */
	if (engine->journal.running)
		begin_recovery(engine, &engine->journal);
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	int result = -pthread_create(&engine->thread, &attributes, run_engine, engine);
	pthread_attr_destroy(&attributes);
	return result;
}

int engine_start(struct engine **out, const struct engine_ground *ground)
{
	struct engine *engine = calloc(1, sizeof(*engine));
	if (!engine)
		return -ENOMEM;
	engine->ground = *ground;
	engine->report = &engine->reports[0];
	engine->finished = &engine->reports[1];
	engine->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int result = engine->event < 0 ? -errno : read_record(engine, JOURNAL, &engine->journal);
	/* A job that was cut off may have had others behind it, whose numbers were told to people. */
	engine->last_id = engine->journal.job + (engine->journal.running ? ENGINE_QUEUE_MAX : 0);
	/* Damage must not keep the box from working: what the last job did is then not known, and is not claimed. */
	if (result == -EBADMSG)
		result = 0;
	init_locks(engine);
	if (result >= 0)
		result = start_thread(engine);
	if (result < 0) {
		if (engine->event >= 0)
			close(engine->event);
		free(engine);
		return result;
	}
	*out = engine;
	return 0;
}

void engine_stop(struct engine *engine)
{
	if (!engine)
		return;
	engine_quit(engine);
	pthread_join(engine->thread, NULL);
	pthread_cond_destroy(&engine->wake);
	pthread_cond_destroy(&engine->served);
	pthread_mutex_destroy(&engine->lock);
	close(engine->event);
	free(engine);
}
