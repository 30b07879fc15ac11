/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/keep.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/job/story.h"
#include "agent/upkeep/volumes.h"

static bool is_good(const struct snapshot_info *info)
{
	return info->class == SNAPSHOT_BACKUP && !(info->flags & (SNAPSHOT_SUSPECT | SNAPSHOT_DAMAGED));
}

bool keep_is_last_good(const struct snapshot_info *list, size_t count, const struct snapshot_info *snapshot)
{
	if (!is_good(snapshot))
		return false;
	uint32_t wanted = snapshot->flags & SNAPSHOT_VERIFIED;
	for (size_t i = 0; i < count; i++)
		if (list[i].id != snapshot->id && is_good(&list[i]) && (list[i].flags & wanted) == wanted &&
			strcmp(list[i].subject, snapshot->subject) == 0)
			return false;
	return true;
}

/* ---- pins ---- */

static enum job_state pin(struct story *story, const struct snapshot_info *info)
{
	int result = snapshot_set_flags(story->context->repository, info->id, SNAPSHOT_PINNED, 0);
	if (result < 0)
		return story_store_failed(story, result, "pinning a snapshot");
	return story_done(
		story, "%s: snapshot %016" PRIx64 " is pinned: it stays until coffret unpin.", info->subject, info->id);
}

/* A person has looked at it: what the box itself locked after damage was met is let go, too. */
static enum job_state unpin(struct story *story, const struct snapshot_info *info)
{
	int result = snapshot_set_flags(story->context->repository, info->id, 0, SNAPSHOT_PINNED | SNAPSHOT_LOCKED);
	if (result < 0)
		return story_store_failed(story, result, "unpinning a snapshot");
	return story_done(story, "%s: snapshot %016" PRIx64 " is no longer pinned%s.", info->subject, info->id,
		info->flags & SNAPSHOT_LOCKED ? ", nor locked" : "");
}

/* ---- suspect ones ---- */

/* What is accepted speaks for the suspect ones before it, too: they lead to it. */
static int accept_up_to(struct repository *repository, const struct snapshot_info *info)
{
	int count = snapshot_list(repository, NULL, 0), result = 0;
	struct snapshot_info *list = calloc((size_t)count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	int now = snapshot_list(repository, list, (size_t)count);
	for (int i = 0; i < count && i < now && result == 0; i++)
		if (list[i].flags & SNAPSHOT_SUSPECT && list[i].sequence <= info->sequence &&
			strcmp(list[i].subject, info->subject) == 0)
			result = snapshot_set_flags(
				repository, list[i].id, list[i].id == info->id ? SNAPSHOT_ACCEPTED : 0, SNAPSHOT_SUSPECT);
	free(list);
	return result;
}

static enum job_state accept(struct story *story, const struct snapshot_info *info)
{
	if (!(info->flags & SNAPSHOT_SUSPECT))
		return story_done(story, "%s: snapshot %016" PRIx64 " is not suspect.", info->subject, info->id);
	int result = accept_up_to(story->context->repository, info);
	if (result < 0)
		return story_store_failed(story, result, "accepting a snapshot");
	return story_done(story, "%s: snapshot %016" PRIx64 " is accepted; the next backups are compared with it.",
		info->subject, info->id);
}

/* ---- removing ---- */

/* 1: the last good one, 0: not, or -ENOMEM. */
static int is_last_good(struct repository *repository, const struct snapshot_info *info)
{
	int count = snapshot_list(repository, NULL, 0);
	struct snapshot_info *list = calloc((size_t)count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	int now = snapshot_list(repository, list, (size_t)count);
	int last = keep_is_last_good(list, (size_t)(now < count ? now : count), info);
	free(list);
	return last;
}

static enum job_state refuse_last(struct story *story, const struct snapshot_info *info)
{
	bool verified = info->flags & SNAPSHOT_VERIFIED;
	return story_refused(story,
		verified ? "Back it up again; or coffret verify ID --data for a newer one, which may then take its place."
				 : "Back it up again first; or leave it: one good backup of every database always stays.",
		"%s: snapshot %016" PRIx64 " is the last good one of its database%s; it was not removed.", info->subject,
		info->id, verified ? " that was verified" : "");
}

static enum job_state tell_removed(struct story *story, const struct snapshot_info *info)
{
	char size[32];
	uint64_t freed = 0;
	int result = repository_clean(story->context->repository, &freed);
	if (result < 0)
		job_report_note(story->report, "%s: its space could not be given back yet: %s.", info->subject,
			result == -EBADMSG ? "a list of chunks is damaged, and what lies below it is not known"
							   : strerror(-result));
	return story_done(story, "%s: snapshot %016" PRIx64 " is removed; %s of the volume are free again.", info->subject,
		info->id, story_size(freed, size));
}

/* `elsewhere`: it goes from one volume only, and stays on another. */
static enum job_state remove_one(struct story *story, const struct snapshot_info *info, bool elsewhere)
{
	struct repository *repository = story->context->repository;
	if (snapshot_is_held(info, repository_box_time(repository)))
		return story_refused(story, "coffret unpin lets go of it.",
			"%s: snapshot %016" PRIx64 " is %s; it was not removed.", info->subject, info->id,
			info->flags & SNAPSHOT_PINNED ? "pinned" : "locked");
	if (story->context->needs && story->context->needs(story->context->engine, info->id))
		return story_refused(story, "coffret jobs shows it; remove the snapshot when that job has ended.",
			"%s: snapshot %016" PRIx64 " is needed by a job that waits, or to find out how a restore ended.",
			info->subject, info->id);
	int result = elsewhere ? 0 : is_last_good(repository, info);
	if (result == 1)
		return refuse_last(story, info);
	if (result == 0)
		result = snapshot_remove(repository, info->id);
	if (result == -EPERM)
		return story_refused(story,
			"A store is made so, or not, by coffretd --init (append_only in coffret.conf), for good.",
			"%s: this store is append-only: no snapshot is ever removed.", info->subject);
	return result < 0 ? story_store_failed(story, result, "removing a snapshot") : tell_removed(story, info);
}

/* ---- a full volume ---- */

#define TOLD_MAX 3 /* snapshots that could go */

static void tell_space(
	const struct job_context *context, const struct snapshot_info *last, const char *subject, struct job_report *report)
{
	struct repository_status status;
	char free_size[32], size[32], took[32];
	if (repository_status(context->repository, &status) < 0)
		return;
	story_size(status.room, free_size);
	story_size(status.size, size);
	if (last)
		job_report_note(report, "%s: there is room for %s on the volume of %s; its last backup added %s to it.",
			subject, free_size, size, story_size(last->stored_bytes, took));
	else
		job_report_note(report, "%s: there is room for %s on the volume of %s; this was its first backup.", subject,
			free_size, size);
}

static bool may_go(const struct job_context *context, const struct snapshot_info *list, size_t count, size_t i)
{
	bool held = snapshot_is_held(&list[i], repository_box_time(context->repository)) ||
		keep_is_last_good(list, count, &list[i]);
	return !held && !(context->needs && context->needs(context->engine, list[i].id));
}

static void tell_candidates(
	const struct job_context *context, const struct snapshot_info *list, size_t count, struct job_report *report)
{
	uint64_t below = UINT64_MAX, sequence = 0;
	char size[32];
	for (unsigned told = 0; told < TOLD_MAX; told++) {
		const struct snapshot_info *best = NULL;
		for (size_t i = 0; i < count; i++) {
			bool later = list[i].stored_bytes < below || (list[i].stored_bytes == below && list[i].sequence > sequence);
			if (later && (!best || list[i].stored_bytes > best->stored_bytes) && may_go(context, list, count, i))
				best = &list[i];
		}
		if (!best)
			break;
		job_report_note(report, "coffret remove %016" PRIx64 " would give back at most %s: the %s of %s.", best->id,
			story_size(best->stored_bytes, size), best->class == SNAPSHOT_SAFETY ? "safety snapshot" : "backup",
			best->subject);
		below = best->stored_bytes;
		sequence = best->sequence;
	}
}

void keep_tell_full(const struct job_context *context, const char *subject, struct job_report *report)
{
	int count = snapshot_list(context->repository, NULL, 0);
	struct snapshot_info *list = calloc((size_t)count + 1, sizeof(*list));
	const struct snapshot_info *last = NULL;
	struct repository_status status;
	if (!list)
		return;
	int now = snapshot_list(context->repository, list, (size_t)count);
	count = now < count ? now : count;
	for (int i = 0; i < count; i++)
		if (list[i].class == SNAPSHOT_BACKUP && strcmp(list[i].subject, subject) == 0)
			last = &list[i];
	tell_space(context, last, subject, report);
	if (repository_status(context->repository, &status) == 0 && status.append_only)
		job_report_note(report, "The store is append-only: no snapshot can be removed; it needs a larger volume.");
	else
		tell_candidates(context, list, (size_t)count, report);
	free(list);
}

/* ---- all of them ---- */

enum job_state keep_run(const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	struct snapshot_info info = { .id = 0 };
	struct story story;
	int result = snapshot_find(context->repository, request->snapshot, &info);

	story_begin(&story, context, NULL, info.subject, report);
	story.outcome->snapshot = request->snapshot;
	if (result < 0)
		return story_store_failed(&story, result, "looking for a snapshot");
	if (request->kind == JOB_PIN)
		return pin(&story, &info);
	if (request->kind == JOB_ACCEPT)
		return accept(&story, &info);
	if (request->kind == JOB_UNPIN)
		return unpin(&story, &info);
	return remove_one(&story, &info, request->volume[0] && volumes_elsewhere(context, info.id));
}
