/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's thread: jobs one after the other, each with its journal; looks in between. */
#include "agent/job/engine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/now.h"
#include "agent/job/engine_private.h"
#include "storage/repository.h"

enum { STACK_SIZE = 512 * 1024 };

/* ---- what stories may call ---- */

static uint64_t newest_sequence(const struct engine *engine)
{
	uint64_t newest = 0;
	struct repository_status status;
	for (size_t i = 0; i < engine->ground.volume_count; i++)
		if (engine->ground.volumes[i].repository &&
			repository_status(engine->ground.volumes[i].repository, &status) == 0 && status.next_sequence > newest + 1)
			newest = status.next_sequence - 1;
	return newest;
}

static void end_look(struct engine *engine, struct engine_look *look)
{
	pthread_mutex_lock(&engine->lock);
	void (*left)(struct engine_look * look) = look->left;
	look->done = true;
	engine->look_running = NULL;
	pthread_cond_broadcast(&engine->served);
	pthread_mutex_unlock(&engine->lock);
	if (left)
		left(look);
	engine_signal(engine);
}

static void run_looks(struct engine *engine)
{
	struct engine_look *look;
	struct job_context context = engine_context(engine);
	pthread_mutex_lock(&engine->lock);
	context.busy = engine->busy;
	while ((look = engine->looks)) {
		engine->looks = look->next;
		engine->look_running = look;
		pthread_mutex_unlock(&engine->lock);
		look->run(look, &context);
		end_look(engine, look);
		pthread_mutex_lock(&engine->lock);
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
	engine_write_waiting(engine, false);
	run_looks(engine);
}

/* Asked about once a second, also while a server is silent for minutes: who waits is written down meanwhile. */
static bool is_stopped(void *arg)
{
	struct engine *engine = arg;
	engine_write_waiting(engine, false);
	return engine->stop;
}

static int write_journal(void *arg, enum job_phase phase, const struct job_outcome *outcome)
{
	struct engine *engine = arg;
	int kept = engine_keep_unknown(engine, engine->report);
	if (kept < 0)
		return kept;
	engine->journal.phase = phase;
	engine->journal.outcome = *outcome;
	pthread_mutex_lock(&engine->lock);
	if (phase != JOB_PHASE_COMMIT && phase != JOB_PHASE_REPORT)
		engine->running.committing = false;
	pthread_mutex_unlock(&engine->lock);
	return engine_write_record(engine, ENGINE_JOURNAL, &engine->journal);
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

static bool in_doubt(const struct journal *unknown, uint64_t snapshot)
{
	return unknown->running &&
		(unknown->outcome.snapshot == snapshot || unknown->outcome.safety == snapshot ||
			unknown->request.snapshot == snapshot);
}

static bool is_needed(void *arg, uint64_t snapshot)
{
	struct engine *engine = arg;
	bool needed = false;
	for (size_t i = 0; i < ENGINE_UNKNOWN_MAX; i++)
		needed |= in_doubt(&engine->unknown[i], snapshot);
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
	bool waits = engine_next_queued(engine) < engine->queued;
	pthread_mutex_unlock(&engine->lock);
	return waits;
}

static int write_audit(void *arg, const char *event, const char *what, const char *result)
{
	const struct engine *engine = arg;
	const struct engine_ground *ground = &engine->ground;
	return ground->audit ? ground->audit(ground->arg, &engine->running.request, event, what, result) : -EROFS;
}

/* The first that is there, or nothing. */
static struct job_volume first_volume(const struct engine_ground *ground)
{
	for (size_t i = 0; i < ground->volume_count; i++)
		if (ground->volumes[i].repository)
			return ground->volumes[i];
	return (struct job_volume){ .repository = NULL };
}

struct job_context engine_context(struct engine *engine)
{
	const struct engine_ground *ground = &engine->ground;
	struct job_volume first = first_volume(ground);
	return (struct job_context){
		.config = engine->ground.config,
		.repository = first.repository,
		.rowgroup = first.rowgroup,
		.volume = first.config,
		.volumes = ground->volumes,
		.volume_count = ground->volume_count,
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

/*
 * Behind those that wait already; its number is told in the report of the one that failed. A volume may be away for weeks:
 * those that wait for one leave half of the queue to others.
 */
static void queue_again(struct engine *engine, const uint8_t wait_for[16])
{
	struct job_request request = engine->running.request;
	memcpy(request.wait_for, wait_for, sizeof(request.wait_for));
	request.again++;
	pthread_mutex_lock(&engine->lock);
	size_t waiting = 0;
	for (size_t i = 0; i < engine->queued; i++)
		waiting += job_waits_for_volume(&engine->queue[i].request);
	bool room = engine->queued < ENGINE_QUEUE_MAX && waiting < ENGINE_QUEUE_MAX / 2 && !engine->quitting;
	uint64_t id = room ? ++engine->last_id : 0;
	if (room)
		engine->queue[engine->queued++] =
			(struct job_info){ .id = id, .request = request, .state = JOB_QUEUED, .asked = (int64_t)time(NULL) };
	engine->queue_changed |= room;
	pthread_mutex_unlock(&engine->lock);
	if (room)
		job_report_note(engine->report, "It is queued again as job %llu, and begins afresh when its volume is back.",
			(unsigned long long)id);
}

void engine_end_job(struct engine *engine, enum job_state state)
{
	struct job_report *report = engine->report;
	uint8_t wait_for[16];
	if (state == JOB_FAILED && engine->ground.failed &&
		engine->ground.failed(engine->ground.arg, &engine->running.request, report, wait_for))
		queue_again(engine, wait_for);
	engine_keep_unknown(engine, report);
	engine_write_waiting(engine, true);
	pthread_mutex_lock(&engine->lock);
	engine->journal.job = engine->last_id;
	pthread_mutex_unlock(&engine->lock);
	engine->journal.running = false;
	engine_write_record(engine, ENGINE_JOURNAL, &engine->journal);
	if (engine->ground.refresh)
		engine->ground.refresh(engine->ground.arg);
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
void engine_begin_job(struct engine *engine, const struct job_info *info)
{
	engine->running = *info;
	engine->running.state = JOB_RUNNING;
	engine->running.began = (int64_t)time(NULL);
	engine->busy = true;
	engine->stop = false;
	memset(&engine->progress, 0, sizeof(engine->progress));
	job_report_clear(engine->report);
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
	case JOB_ACCEPT:
		return ground->keep;
	case JOB_PRUNE:
		return ground->prune;
	case JOB_CLEAN:
		return ground->clean;
	case JOB_SCRUB:
		return ground->scrub;
	case JOB_COPY:
		return ground->copy;
	}
	return NULL;
}

static void run_job(struct engine *engine)
{
	const struct job_request *request = &engine->running.request;
	job_story *story = find_story(&engine->ground, request->kind);
	if (engine->ground.settle)
		engine->ground.settle(engine->ground.arg);
	struct job_context context = engine_context(engine);
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
	int written = engine_write_record(engine, ENGINE_JOURNAL, &engine->journal);
	if (written < 0)
		job_report_note(engine->report, "The journal could not be written: %s.", strerror(-written));
	engine_write_waiting(engine, true);
	if (!engine_refuse(engine, &context) && story)
		state = story(&context, request, engine->report);
	engine_end_job(engine, state);
}

/* ---- the thread ---- */

static void wait_for_work(struct engine *engine)
{
	if (!engine_has_unknown(engine)) {
		pthread_cond_wait(&engine->wake, &engine->lock);
		return;
	}
	struct timespec until = { .tv_sec = (time_t)(engine->retry_at / 1000),
		.tv_nsec = (long)(engine->retry_at % 1000) * 1000000 };
	pthread_cond_timedwait(&engine->wake, &engine->lock, &until);
}

/* The first in the queue that may begin is begun under the lock, so that nobody sees it gone and not yet running. */
static bool take_next(struct engine *engine)
{
	size_t next = engine_next_queued(engine);
	if (next == engine->queued || engine->quitting)
		return false;
	struct job_info info = engine->queue[next];
	memmove(&engine->queue[next], &engine->queue[next + 1], (--engine->queued - next) * sizeof(info));
	engine->queue_changed = true;
	engine_begin_job(engine, &info);
	return true;
}

/* One thing, if there is one to do: false. With the lock held, which it gives up meanwhile. */
static bool nothing_to_do(struct engine *engine)
{
	bool look = engine_look_due(engine), job = !look && take_next(engine), looks = engine->looks != NULL;
	if (!job && !looks && !look && !engine->queue_changed)
		return true;
	pthread_mutex_unlock(&engine->lock);
	if (looks)
		run_looks(engine);
	if (look)
		engine_look_again(engine);
	else if (job)
		run_job(engine);
	else
		engine_write_waiting(engine, false);
	pthread_mutex_lock(&engine->lock);
	return false;
}

/* Numbers that were told to people are not given again, though the jobs never began. */
static void write_last(struct engine *engine)
{
	if (engine->last_id <= engine->journal.job)
		return;
	engine->journal = (struct journal){ .job = engine->last_id };
	engine_write_record(engine, ENGINE_JOURNAL, &engine->journal);
}

static void *run_engine(void *arg)
{
	struct engine *engine = arg;
	engine_recover(engine);
	engine_signal(engine); /* there may be jobs to tell of that waited when the box stopped */
	pthread_mutex_lock(&engine->lock);
	while (!engine->quitting)
		if (nothing_to_do(engine))
			wait_for_work(engine);
	write_last(engine);
	pthread_mutex_unlock(&engine->lock);
	engine_write_waiting(engine, true);
	pthread_mutex_lock(&engine->lock);
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
		engine_begin_recovery(engine, &engine->journal);
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
	int result = engine->event < 0 ? -errno : engine_read_record(engine, ENGINE_JOURNAL, &engine->journal);
	/* A job that was cut off may have had others behind it, whose numbers were told to people. */
	engine->last_id = engine->journal.job + (engine->journal.running ? ENGINE_QUEUE_MAX : 0);
	/* Damage must not keep the box from working: what the last job did is then not known, and is not claimed. */
	if (result == -EBADMSG)
		result = 0;
	init_locks(engine);
	if (result >= 0) {
		engine_read_unknown(engine);
		engine_read_waiting(engine);
		result = start_thread(engine);
	}
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
