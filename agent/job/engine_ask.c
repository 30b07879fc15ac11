/* SPDX-License-Identifier: Apache-2.0 */
/* The engine as others see it: requests, cancels, questions. Nothing here waits for the thread, but engine_drop. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/job/engine_private.h"

void engine_signal(struct engine *engine)
{
	eventfd_write(engine->event, 1);
}

int engine_fd(const struct engine *engine)
{
	return engine->event;
}

void engine_seen(struct engine *engine)
{
	eventfd_t count;
	eventfd_read(engine->event, &count);
}

void engine_remember(struct engine *engine, const struct job_info *info)
{
	engine->history[engine->history_total++ % ENGINE_HISTORY_MAX] = *info;
	/* Who never asks for ended jobs loses the oldest, not the newest. */
	if (engine->history_total - engine->history_told > ENGINE_HISTORY_MAX)
		engine->history_told = engine->history_total - ENGINE_HISTORY_MAX;
}

/* ---- requests ---- */

static bool same_request(const struct job_request *a, const struct job_request *b)
{
	return a->kind == b->kind && strcasecmp(a->server, b->server) == 0 && strcasecmp(a->database, b->database) == 0 &&
		a->snapshot == b->snapshot && strcmp(a->volume, b->volume) == 0 && a->what_if == b->what_if &&
		a->every_byte == b->every_byte;
}

static const struct job_info *find_same(const struct engine *engine, const struct job_request *request)
{
	if (engine->busy && !engine->running.recovered && engine->running.state == JOB_RUNNING &&
		same_request(&engine->running.request, request))
		return &engine->running;
	for (size_t i = 0; i < engine->queued; i++)
		if (same_request(&engine->queue[i].request, request))
			return &engine->queue[i];
	return NULL;
}

int engine_submit(struct engine *engine, const struct job_request *request, int64_t now, uint64_t *id)
{
	int result = 0;
	pthread_mutex_lock(&engine->lock);
	const struct job_info *same = find_same(engine, request);
	if (engine->quitting) {
		result = -ESHUTDOWN;
	} else if (same) {
		*id = same->id;
		result = -EALREADY;
	} else if (engine->queued == ENGINE_QUEUE_MAX) {
		result = -ENOSPC;
	} else {
		struct job_info *info = &engine->queue[engine->queued++];
		*info = (struct job_info){ .id = ++engine->last_id, .request = *request, .state = JOB_QUEUED, .asked = now };
		*id = info->id;
		engine->queue_changed = true;
		pthread_cond_signal(&engine->wake);
	}
	pthread_mutex_unlock(&engine->lock);
	engine_signal(engine);
	return result;
}

size_t engine_room(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	size_t room = ENGINE_QUEUE_MAX - engine->queued;
	pthread_mutex_unlock(&engine->lock);
	return room;
}

static void cancel_queued(struct engine *engine, size_t index, const char *why)
{
	struct job_info info = engine->queue[index];
	info.state = JOB_CANCELLED;
	info.ended = info.asked;
	snprintf(info.sentence, sizeof(info.sentence), "%s", why);
	memmove(&engine->queue[index], &engine->queue[index + 1], (--engine->queued - index) * sizeof(info));
	engine->queue_changed = true;
	engine_remember(engine, &info);
}

static int cancel_running(struct engine *engine)
{
	if (engine->running.committing)
		return -EBUSY;
	engine->running.state = JOB_STOPPING;
	engine->stop = true;
	return 0;
}

int engine_cancel(struct engine *engine, uint64_t id)
{
	int result = -ENOENT;
	pthread_mutex_lock(&engine->lock);
	if (engine->busy && (id == 0 || engine->running.id == id))
		result = cancel_running(engine);
	for (size_t i = 0; i < engine->queued && result == -ENOENT; i++) {
		if (id != 0 && engine->queue[i].id == id) {
			cancel_queued(engine, i, "Cancelled before it began.");
			result = 0;
		}
	}
	pthread_mutex_unlock(&engine->lock);
	engine_signal(engine);
	return result;
}

void engine_quit(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	engine->quitting = true;
	for (size_t i = engine->queued; i-- > 0;)
		if (!job_waits_for_volume(&engine->queue[i].request)) /* these go on waiting in the next life */
			cancel_queued(engine, i, "The box was shut down before this began.");
	if (engine->busy)
		cancel_running(engine);
	pthread_cond_signal(&engine->wake);
	pthread_mutex_unlock(&engine->lock);
}

bool engine_idle(struct engine *engine)
{
	pthread_mutex_lock(&engine->lock);
	bool idle = engine->quitting ? engine->ended : !engine->busy && engine->queued == 0;
	pthread_mutex_unlock(&engine->lock);
	return idle;
}

/* ---- questions ---- */

static size_t history_kept(const struct engine *engine)
{
	return engine->history_total < ENGINE_HISTORY_MAX ? (size_t)engine->history_total : ENGINE_HISTORY_MAX;
}

static size_t collect(const struct engine *engine, const struct job_info **jobs)
{
	size_t count = 0, kept = history_kept(engine);
	for (size_t i = 0; i < kept; i++)
		jobs[count++] = &engine->history[(engine->history_total - kept + i) % ENGINE_HISTORY_MAX];
	if (engine->busy)
		jobs[count++] = &engine->running;
	for (size_t i = 0; i < engine->queued; i++)
		jobs[count++] = &engine->queue[i];
	return count;
}

size_t engine_jobs(struct engine *engine, struct job_info *jobs, size_t count)
{
	const struct job_info *all[ENGINE_HISTORY_MAX + ENGINE_QUEUE_MAX + 1];
	pthread_mutex_lock(&engine->lock);
	size_t found = collect(engine, all), filled = found < count ? found : count;
	for (size_t i = 0; i < filled; i++)
		jobs[i] = *all[found - filled + i];
	pthread_mutex_unlock(&engine->lock);
	return filled;
}

/* The last one of that number: a job that was looked at again after its end is there twice. */
int engine_job(struct engine *engine, uint64_t id, struct job_info *info)
{
	const struct job_info *all[ENGINE_HISTORY_MAX + ENGINE_QUEUE_MAX + 1];
	int result = -ENOENT;
	pthread_mutex_lock(&engine->lock);
	for (size_t i = collect(engine, all); i-- > 0 && result < 0;) {
		if (all[i]->id == id) {
			*info = *all[i];
			result = 0;
		}
	}
	pthread_mutex_unlock(&engine->lock);
	return result;
}

size_t engine_unknown(struct engine *engine, struct job_info *jobs, size_t count)
{
	size_t filled = 0;
	pthread_mutex_lock(&engine->lock);
	for (size_t i = 0; i < ENGINE_UNKNOWN_MAX && filled < count; i++) {
		const struct journal *unknown = &engine->unknown[i];
		if (!unknown->running)
			continue;
		struct job_info *info = &jobs[filled++];
		*info = (struct job_info){ .id = unknown->job,
			.request = unknown->request,
			.state = JOB_OUTCOME_UNKNOWN,
			.asked = unknown->asked,
			.began = unknown->began,
			.snapshot = unknown->outcome.snapshot,
			.safety = unknown->outcome.safety,
			.outcomes = 1 };
		memcpy(info->request.server, unknown->outcome.server, sizeof(info->request.server));
		memcpy(info->request.database, unknown->outcome.database, sizeof(info->request.database));
	}
	pthread_mutex_unlock(&engine->lock);
	return filled;
}

uint64_t engine_progress(struct engine *engine, struct job_progress *progress)
{
	pthread_mutex_lock(&engine->lock);
	uint64_t id = engine->busy ? engine->running.id : 0;
	*progress = engine->progress;
	pthread_mutex_unlock(&engine->lock);
	return id;
}

int engine_next_ended(struct engine *engine, struct job_info *info)
{
	pthread_mutex_lock(&engine->lock);
	bool more = engine->history_told < engine->history_total;
	if (more)
		*info = engine->history[engine->history_told++ % ENGINE_HISTORY_MAX];
	pthread_mutex_unlock(&engine->lock);
	return more;
}

int engine_outcome(struct engine *engine, uint64_t id, size_t index, struct job_outcome *outcome)
{
	pthread_mutex_lock(&engine->lock);
	bool there = engine->finished_id == id && index < engine->finished->outcome_count;
	if (there)
		*outcome = engine->finished->outcomes[index];
	pthread_mutex_unlock(&engine->lock);
	return there ? 0 : -ENOENT;
}

int engine_note(struct engine *engine, uint64_t id, size_t index, char note[JOB_NOTE_SIZE])
{
	pthread_mutex_lock(&engine->lock);
	bool there = engine->finished_id == id && index < engine->finished->note_count;
	if (there)
		memcpy(note, engine->finished->notes[index], JOB_NOTE_SIZE);
	pthread_mutex_unlock(&engine->lock);
	return there ? 0 : -ENOENT;
}

int engine_change(struct engine *engine, uint64_t id, size_t index, struct job_change *change)
{
	pthread_mutex_lock(&engine->lock);
	bool there = engine->finished_id == id && index < engine->finished->change_count;
	if (there)
		*change = engine->finished->changes[index];
	pthread_mutex_unlock(&engine->lock);
	return there ? 0 : -ENOENT;
}

/* ---- looks ---- */

void engine_look(struct engine *engine, struct engine_look *look)
{
	look->done = false;
	look->next = NULL;
	look->left = NULL;
	pthread_mutex_lock(&engine->lock);
	struct engine_look **last = &engine->looks;
	while (*last)
		last = &(*last)->next;
	*last = look;
	pthread_cond_signal(&engine->wake);
	pthread_mutex_unlock(&engine->lock);
}

bool engine_look_done(struct engine *engine, const struct engine_look *look)
{
	pthread_mutex_lock(&engine->lock);
	bool done = look->done;
	pthread_mutex_unlock(&engine->lock);
	return done;
}

static void unlink_look(struct engine *engine, const struct engine_look *look)
{
	for (struct engine_look **at = &engine->looks; *at; at = &(*at)->next) {
		if (*at == look) {
			*at = look->next;
			return;
		}
	}
}

void engine_drop(struct engine *engine, struct engine_look *look)
{
	pthread_mutex_lock(&engine->lock);
	while (engine->look_running == look)
		pthread_cond_wait(&engine->served, &engine->lock);
	unlink_look(engine, look);
	pthread_mutex_unlock(&engine->lock);
}

bool engine_leave(struct engine *engine, struct engine_look *look, void (*left)(struct engine_look *look))
{
	pthread_mutex_lock(&engine->lock);
	bool running = engine->look_running == look;
	if (running)
		look->left = left;
	else
		unlink_look(engine, look);
	pthread_mutex_unlock(&engine->lock);
	return running;
}
