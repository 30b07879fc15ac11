/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/copy.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/now.h"
#include "agent/job/explain.h"

/* ---- one copy ---- */

static bool asked_to_stop(void *arg)
{
	return story_stop(arg);
}

/* In KiB, so that the bar that counts rows of a backup counts here, too. */
static void tell_progress(void *arg, const struct copy_result *result)
{
	struct story *story = arg;
	uint64_t done = result->bytes >> 10;
	story->progress.bytes = result->bytes;
	story->progress.stored = result->stored;
	if (done > story->progress.done)
		story_rows(story, done - story->progress.done);
}

static bool is_damage(int error)
{
	return error == -EBADMSG || error == -EIO || error == -ENODEV;
}

int copy_snapshot(struct story *story, uint64_t id, const struct job_volume *to, struct copy_result *result,
	const struct volume_config **failed)
{
	const struct copy_watch watch = { .stop = asked_to_stop, .progress = tell_progress, .arg = story };
	struct job_context on;
	int error = -ENOENT;
	*failed = to->config;
	*result = (struct copy_result){ .chunks = 0 };
	for (size_t i = 0; volumes_holding(story->context, id, i, &on); i++) {
		if (on.repository == to->repository)
			continue;
		story->progress.done = 0;
		error = snapshot_copy(on.repository, to->repository, id, &watch, result);
		*failed = result->from_failed ? on.volume : to->config;
		if (!result->from_failed || !is_damage(error))
			break;
		job_report_note(story->report, "Snapshot %016" PRIx64 " cannot be read whole on %s.", id, on.volume->name);
	}
	return error;
}

/* ---- the job ---- */

static enum job_state fail(
	struct story *story, int error, const struct volume_config *to, const struct volume_config *failed)
{
	struct job_outcome *outcome = story->outcome;
	char doing[120];
	if (error == -ENOENT)
		return story_refused(story, "coffret list names the volumes that have it.",
			"No other volume that is there has the snapshot: nothing was copied.");
	snprintf(doing, sizeof(doing), "copying to %s, on %s", to->name, failed->name);
	story_store_failed(story, error, doing);
	snprintf(outcome->volume, sizeof(outcome->volume), "%s", failed->name);
	return outcome->state;
}

static enum job_state tell_copied(
	struct story *story, const struct snapshot_info *info, const char *to, const struct copy_result *result)
{
	char stored[32], bytes[32];
	story->outcome->bytes = result->bytes;
	story->outcome->stored = result->stored;
	story_size(result->stored, stored);
	story_size(result->bytes, bytes);
	if (result->there)
		return story_done(story,
			"%s: snapshot %016" PRIx64 " was on %s already; its %s were read there, and %s had to be written anew.",
			info->subject, info->id, to, bytes, stored);
	return story_done(story,
		"%s: snapshot %016" PRIx64 " is on %s: %s written; %" PRIu64 " of its %" PRIu64
		" parts were there and are whole.",
		info->subject, info->id, to, stored, result->reused, result->chunks);
}

static enum job_state refuse_target(struct story *story, const char *name)
{
	if (!name[0])
		return story_refused(story, "Name one with --to, or attach one: see [volume NAME] in coffret.conf.",
			"There is no other volume that could take it.");
	for (size_t i = 0; i < volumes_count(story->context); i++) {
		struct job_volume volume = volumes_get(story->context, i);
		if (volume.config && strcmp(volume.config->name, name) == 0 && volume.why && volume.why[0])
			return story_refused(story, volume.remedy,
				"Nothing was copied, since the volume %s is not there or cannot be used. %s", name, volume.why);
	}
	return story_refused(story, "Attach it; coffret status says what is missing.", "The volume %s is not there.", name);
}

/* The one that is named, or the first that has not got it and can take it. */
static bool find_target(const struct job_context *context, const struct job_request *request, struct job_volume *to)
{
	struct repository_status status;
	struct snapshot_info info;
	for (size_t i = 0; i < volumes_count(context); i++) {
		*to = volumes_get(context, i);
		bool there = to->repository && to->config;
		if (there && request->volume[0] && strcmp(to->config->name, request->volume) == 0)
			return true;
		if (there && !request->volume[0] && snapshot_find(to->repository, request->snapshot, &info) == -ENOENT &&
			repository_status(to->repository, &status) == 0 && !status.read_only)
			return true;
	}
	return false;
}

enum job_state copy_run(const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	const struct volume_config *failed;
	struct snapshot_info info = { .id = 0 };
	struct copy_result result;
	struct job_context on;
	struct job_volume to;
	struct story story;
	bool there = volumes_holding(context, request->snapshot, 0, &on) &&
		snapshot_find(on.repository, request->snapshot, &info) == 0;
	story_begin(&story, context, NULL, info.subject, report);
	story.outcome->snapshot = request->snapshot;
	if (!there)
		return story_store_failed(&story, -ENOENT, "looking for a snapshot");
	if (!find_target(context, request, &to))
		return refuse_target(&story, request->volume);
	snprintf(story.outcome->volume, sizeof(story.outcome->volume), "%s", to.config->name);
	context->journal(context->engine, JOB_PHASE_COPY, story.outcome);
	story_phase(&story, JOB_PHASE_COPY, info.bytes >> 10);
	int error = copy_snapshot(&story, info.id, &to, &result, &failed);
	return error < 0 ? fail(&story, error, to.config, failed) : tell_copied(&story, &info, to.config->name, &result);
}

/* ---- after a backup ---- */

static void copy_one(
	const struct job_context *context, uint64_t id, const struct job_volume *to, struct job_report *report)
{
	const struct volume_config *failed;
	struct job_outcome outcome = { .snapshot = id };
	struct story story = { .context = context, .report = report, .outcome = &outcome, .started_ms = now_ms() };
	struct copy_result result;
	char size[32], sentence[300], remedy[300];
	story_phase(&story, JOB_PHASE_COPY, 0);
	int error = copy_snapshot(&story, id, to, &result, &failed);
	if (error == 0) {
		job_report_note(report, "Snapshot %016" PRIx64 " is on %s, too: %s written.", id, to->config->name,
			story_size(result.stored, size));
		return;
	}
	explain_storage_error(error, "copying", sentence, sizeof(sentence), remedy, sizeof(remedy));
	job_report_note(report, "Snapshot %016" PRIx64 " is not on %s: %s coffret copy %016" PRIx64 " --to %s", id,
		to->config->name, sentence, id, to->config->name);
}

void copy_after_backup(const struct job_context *context, struct job_report *report)
{
	size_t outcomes = report->outcome_count;
	for (size_t i = 0; i < outcomes; i++) {
		uint64_t id = report->outcomes[i].state == JOB_DONE ? report->outcomes[i].snapshot : 0;
		for (size_t v = 0; id && v < context->volume_count; v++) {
			struct job_volume to = volumes_get(context, v);
			struct snapshot_info info;
			if (!to.config->copy || (to.repository && snapshot_find(to.repository, id, &info) == 0))
				continue;
			if (to.repository)
				copy_one(context, id, &to, report);
			else
				job_report_note(report,
					"Snapshot %016" PRIx64
					" is not on %s, which is not there or cannot be used: coffret copy, later. %s",
					id, to.config->name, to.why ? to.why : "");
		}
	}
}
