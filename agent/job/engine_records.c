/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine writes down: the job that runs, outcomes that nobody knows yet, and jobs that wait. Small records,
 * each whole or as before after a cut. Of the engine's thread alone, or before it has begun.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agent/base/now.h"
#include "agent/job/engine_private.h"

int engine_write_record(struct engine *engine, const char *name, const struct journal *journal)
{
	struct block block;
	int result = journal_encode(journal, &block);
	if (result == 0 && block.size > ENGINE_RECORD_SIZE)
		result = -EMSGSIZE;
	return result < 0 ? result : engine->ground.record_write(engine->ground.arg, name, block.bytes, block.size);
}

int engine_read_record(struct engine *engine, const char *name, struct journal *journal)
{
	char bytes[ENGINE_RECORD_SIZE];
	int size = engine->ground.record_read(engine->ground.arg, name, bytes, sizeof(bytes));
	memset(journal, 0, sizeof(*journal));
	if (size == 0 || size == -ENOENT)
		return 0;
	int result = size < 0 ? size : journal_decode(journal, bytes, (size_t)size);
	return result < 0 ? result : 1;
}

static int clear_record(struct engine *engine, const char *name)
{
	return engine->ground.record_write(engine->ground.arg, name, "", 0);
}

/* ---- outcomes that nobody knows yet ---- */

/* Kept apart from the journal, so that later jobs do not write over them. The first has had its name for longest. */
static const char *unknown_name(size_t slot, char name[16])
{
	snprintf(name, 16, slot ? "unknown-%zu" : "unknown", slot);
	return name;
}

/* The slot of an outcome, else a free one, else ENGINE_UNKNOWN_MAX. */
static size_t find_slot(const struct engine *engine, const struct job_outcome *outcome)
{
	size_t free_slot = ENGINE_UNKNOWN_MAX;
	for (size_t i = 0; i < ENGINE_UNKNOWN_MAX; i++) {
		const struct journal *pending = &engine->unknown[i];
		if (!pending->running && free_slot == ENGINE_UNKNOWN_MAX)
			free_slot = i;
		if (pending->running && pending->job == engine->journal.job &&
			strcmp(pending->outcome.server, outcome->server) == 0 &&
			strcmp(pending->outcome.database, outcome->database) == 0)
			return i;
	}
	return free_slot;
}

static int keep_one(struct engine *engine, const struct job_outcome *outcome)
{
	char name[16];
	size_t slot = find_slot(engine, outcome);
	if (slot == ENGINE_UNKNOWN_MAX)
		return -ENOSPC;
	struct journal *pending = &engine->unknown[slot];
	if (pending->running)
		return 0;
	pthread_mutex_lock(&engine->lock);
	*pending = engine->journal;
	pending->running = true;
	pending->outcome = *outcome;
	pthread_mutex_unlock(&engine->lock);
	engine->retry_pause = ENGINE_FIRST_RETRY_MS;
	engine->retry_at = now_ms() + engine->retry_pause;
	return engine_write_record(engine, unknown_name(slot, name), pending);
}

int engine_keep_unknown(struct engine *engine, const struct job_report *report)
{
	int result = 0;
	for (size_t i = 0; i < report->outcome_count && !engine->retrying; i++) {
		int kept = report->outcomes[i].state == JOB_OUTCOME_UNKNOWN ? keep_one(engine, &report->outcomes[i]) : 0;
		if (kept < 0)
			result = kept;
	}
	return result;
}

void engine_forget_unknown(struct engine *engine, size_t slot)
{
	char name[16];
	pthread_mutex_lock(&engine->lock);
	engine->unknown[slot].running = false;
	pthread_mutex_unlock(&engine->lock);
	clear_record(engine, unknown_name(slot, name));
}

void engine_read_unknown(struct engine *engine)
{
	char name[16];
	for (size_t i = 0; i < ENGINE_UNKNOWN_MAX; i++)
		if (engine_read_record(engine, unknown_name(i, name), &engine->unknown[i]) != 1)
			engine->unknown[i].running = false;
}

bool engine_unknown_full(const struct engine *engine)
{
	size_t taken = 0;
	for (size_t i = 0; i < ENGINE_UNKNOWN_MAX; i++)
		taken += engine->unknown[i].running;
	return taken == ENGINE_UNKNOWN_MAX;
}

static bool names(const char *asked, const char *name)
{
	return asked[0] == '\0' || strcmp(asked, "*") == 0 || strcasecmp(asked, name) == 0;
}

bool engine_concerns(const struct journal *unknown, const struct job_request *request)
{
	return unknown->running && engine_changes_server(request) && names(request->server, unknown->outcome.server) &&
		names(request->database, unknown->outcome.database);
}

/* ---- jobs that wait ---- */

static const char *waiting_name(size_t slot, char name[16])
{
	snprintf(name, 16, "waiting-%zu", slot);
	return name;
}

static bool waits(const struct job_info *queue, size_t count, uint64_t id)
{
	for (size_t i = 0; i < count; i++)
		if (queue[i].id == id)
			return true;
	return false;
}

static bool is_written(const struct engine *engine, uint64_t id, size_t slots)
{
	for (size_t i = 0; i < slots; i++)
		if (engine->waiting[i] == id)
			return true;
	return false;
}

static bool write_waiting(struct engine *engine, const struct job_info *info)
{
	const struct journal journal = { .job = info->id, .running = true, .request = info->request, .asked = info->asked };
	char name[16];
	if (is_written(engine, info->id, ENGINE_QUEUE_MAX))
		return true;
	for (size_t i = 0; i < ENGINE_QUEUE_MAX; i++) {
		if (engine->waiting[i])
			continue;
		bool written = engine_write_record(engine, waiting_name(i, name), &journal) == 0;
		engine->waiting[i] = written ? info->id : 0;
		return written;
	}
	return false;
}

void engine_write_waiting(struct engine *engine, bool edge)
{
	struct job_info queue[ENGINE_QUEUE_MAX];
	char name[16];
	pthread_mutex_lock(&engine->lock);
	bool changed = engine->queue_changed || (edge && engine->waiting_stale);
	size_t count = engine->queued;
	memcpy(queue, engine->queue, count * sizeof(queue[0]));
	engine->queue_changed = false;
	pthread_mutex_unlock(&engine->lock);
	if (!changed)
		return;
	engine->waiting_stale = false;
	for (size_t i = 0; i < ENGINE_QUEUE_MAX; i++) {
		if (!engine->waiting[i] || waits(queue, count, engine->waiting[i]))
			continue;
		bool cleared = clear_record(engine, waiting_name(i, name)) == 0;
		engine->waiting[i] = cleared ? 0 : engine->waiting[i];
		engine->waiting_stale |= !cleared;
	}
	for (size_t i = 0; i < count; i++)
		engine->waiting_stale |= !write_waiting(engine, &queue[i]);
}

/* A restore that begins hours after somebody asked for it, unasked, would surprise; that it did not begin must be said. */
static void tell_waiting(struct engine *engine, const struct journal *journal)
{
	struct job_info info = { .id = journal->job,
		.request = journal->request,
		.state = JOB_CANCELLED,
		.recovered = true,
		.asked = journal->asked,
		.ended = (int64_t)time(NULL) };
	snprintf(info.sentence, sizeof(info.sentence), "The box stopped before this began; nothing was done.");
	snprintf(info.remedy, sizeof(info.remedy), "Ask for it again.");
	engine_remember(engine, &info);
	if (journal->job > engine->last_id)
		engine->last_id = journal->job;
}

/* A backup or a copy that waits for its volume has been asked for until it is done. */
static void wait_on(struct engine *engine, const struct journal *journal)
{
	engine->queue[engine->queued++] = (struct job_info){
		.id = journal->job, .request = journal->request, .state = JOB_QUEUED, .asked = journal->asked
	};
	if (journal->job > engine->last_id)
		engine->last_id = journal->job;
}

void engine_read_waiting(struct engine *engine)
{
	struct journal journal;
	char name[16];
	for (size_t i = 0; i < ENGINE_QUEUE_MAX; i++) {
		if (engine_read_record(engine, waiting_name(i, name), &journal) != 1)
			continue;
		engine->waiting[i] = journal.job;
		/* Earlier versions wrote one down twice. One that had just been taken from the queue is in the journal, which knows better. */
		if (is_written(engine, journal.job, i) || (engine->journal.running && journal.job == engine->journal.job))
			continue;
		if (job_waits_for_volume(&journal.request))
			wait_on(engine, &journal);
		else
			tell_waiting(engine, &journal);
	}
	engine->queue_changed = true;
}
