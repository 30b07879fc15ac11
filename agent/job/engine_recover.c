/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine finds out about a job that was cut off, or of which nobody could tell how it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/base/now.h"
#include "agent/job/engine_private.h"
#include "storage/repository.h"

enum { RETRY_SECONDS = 600 };

const struct journal *engine_concerned(struct engine *engine, const struct job_request *request)
{
	for (size_t i = 0; i < ENGINE_UNKNOWN_MAX; i++)
		if (engine_concerns(&engine->unknown[i], request))
			return &engine->unknown[i];
	return NULL;
}

static unsigned int tell_made(
	struct engine *engine, struct repository *repository, uint64_t after, struct job_outcome *outcome)
{
	int count = snapshot_list(repository, NULL, 0);
	struct snapshot_info *list = count > 0 ? calloc((size_t)count, sizeof(*list)) : NULL;
	unsigned int made = 0;
	if (list)
		count = snapshot_list(repository, list, (size_t)count);
	for (int i = 0; list && i < count; i++) {
		if (list[i].sequence <= after || list[i].foreign)
			continue;
		made++;
		outcome->snapshot = list[i].id;
		job_report_note(engine->report, "Snapshot %016llx of %s had been made and is whole.",
			(unsigned long long)list[i].id, list[i].subject);
	}
	free(list);
	return made;
}

static void tell_kept(struct engine *engine, unsigned int made, struct job_outcome *outcome)
{
	struct job_context context = engine_context(engine);
	const char *away = job_volume_away(&context);
	if (made)
		snprintf(outcome->sentence, sizeof(outcome->sentence),
			"The box stopped in the middle of it. What was sealed before is kept (see the notes)%s.",
			away ? "" : "; nothing else was kept");
	else
		snprintf(outcome->sentence, sizeof(outcome->sentence),
			"The box stopped in the middle of it. No snapshot was made%s, and nothing was changed on the server.",
			away ? " on a volume that is there" : "");
	if (away)
		job_report_note(engine->report,
			"The volume %s is not there: coffret list shows what was made on it when it is there again.", away);
}

/* A backup or a verification changes nothing on a server; what it made is in the repository or is not. */
static enum job_state tell_cut(struct engine *engine, const struct journal *journal)
{
	struct job_outcome *outcome = job_report_outcome(
		engine->report, journal->outcome.server, journal->outcome.database);
	unsigned int made = 0;
	for (size_t i = 0; i < engine->ground.volume_count && journal->request.kind == JOB_BACKUP; i++)
		if (engine->ground.volumes[i].repository)
			made += tell_made(engine, engine->ground.volumes[i].repository, journal->sequence, outcome);
	bool marks = journal->request.kind > JOB_VERIFY; /* of a snapshot, or its removal: done, or not begun */
	if (journal->request.kind == JOB_BACKUP)
		tell_kept(engine, made, outcome);
	else
		snprintf(outcome->sentence, sizeof(outcome->sentence), "The box stopped in the middle of it. %s",
			marks ? "coffret list shows whether it was done." : "Nothing was changed.");
	snprintf(outcome->remedy, sizeof(outcome->remedy), "%s", "Ask for it again.");
	return outcome->state;
}

static enum job_state recover(struct engine *engine, const struct journal *journal)
{
	const struct job_request *request = &journal->request;
	struct job_context context = engine_context(engine);
	if (!engine_changes_server(request) || !engine->ground.recover)
		return tell_cut(engine, journal);
	return engine->ground.recover(&context, request, journal->phase, &journal->outcome, engine->report);
}

void engine_begin_recovery(struct engine *engine, const struct journal *journal)
{
	struct job_info info = {
		.id = journal->job, .request = journal->request, .recovered = true, .asked = journal->asked
	};
	pthread_mutex_lock(&engine->lock);
	engine_begin_job(engine, &info);
	engine->running.began = journal->began;
	pthread_mutex_unlock(&engine->lock);
	engine->journal = *journal;
	engine_signal(engine);
}

/* Looks again at an outcome that nobody knew. It stays, quietly, until it is known. */
static void look_again(struct engine *engine, size_t slot)
{
	struct journal journal = engine->unknown[slot];
	engine->retrying = true;
	engine_begin_recovery(engine, &journal);
	enum job_state state = recover(engine, &journal);
	engine_end_job(engine, state);
	engine->retrying = false;
	if (state == JOB_OUTCOME_UNKNOWN)
		return;
	engine_forget_unknown(engine, slot);
	engine_signal(engine);
}

/* Soon at first, since most servers are back soon; then ever more seldom. */
void engine_look_again(struct engine *engine)
{
	int64_t longest = (engine->ground.retry_seconds ? engine->ground.retry_seconds : RETRY_SECONDS) * INT64_C(1000);
	int64_t pause = engine->retry_pause ? engine->retry_pause : ENGINE_FIRST_RETRY_MS;
	for (size_t i = 0; i < ENGINE_UNKNOWN_MAX; i++)
		if (engine->unknown[i].running)
			look_again(engine, i);
	engine->retry_at = now_ms() + (pause < longest ? pause : longest);
	engine->retry_pause = pause < longest ? 2 * pause : longest;
}

void engine_recover(struct engine *engine)
{
	struct journal journal = engine->journal;
	if (journal.running)
		engine_end_job(engine, recover(engine, &journal));
	else if (engine->ground.refresh)
		engine->ground.refresh(engine->ground.arg);
}

/* ---- when ---- */

bool engine_has_unknown(const struct engine *engine)
{
	for (size_t i = 0; i < ENGINE_UNKNOWN_MAX; i++)
		if (engine->unknown[i].running)
			return true;
	return false;
}

static bool may_begin(const struct engine *engine, const struct job_request *request)
{
	return !job_waits_for_volume(request) || !engine->ground.may_begin ||
		engine->ground.may_begin(engine->ground.arg, request);
}

size_t engine_next_queued(struct engine *engine)
{
	size_t next = 0;
	while (next < engine->queued && !may_begin(engine, &engine->queue[next].request))
		next++;
	return next;
}

/* One that is there now may have what tells how a restore ended. */
static bool volume_came(struct engine *engine)
{
	size_t before = engine->volumes_there;
	engine->volumes_there = 0;
	for (size_t i = 0; i < engine->ground.volume_count; i++)
		engine->volumes_there += engine->ground.volumes[i].repository != NULL;
	return engine->volumes_there > before;
}

bool engine_look_due(struct engine *engine)
{
	bool came = volume_came(engine);
	if (!engine_has_unknown(engine) || came)
		return came && engine_has_unknown(engine);
	size_t first = engine_next_queued(engine);
	bool next = first < engine->queued && engine->looked_for != engine->queue[first].id &&
		engine_concerned(engine, &engine->queue[first].request);
	if (next)
		engine->looked_for = engine->queue[first].id;
	return next || now_ms() >= engine->retry_at;
}
