/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/prune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/config/config.h"
#include "agent/job/story.h"
#include "agent/upkeep/clean.h"
#include "agent/upkeep/room.h"
#include "storage/repository.h"

struct prune {
	const struct job_context *context;
	struct job_report *report;
	bool what_if;
	struct snapshot_info *list;
	enum retention_why *why;
	size_t count;
	unsigned gone; /* or would be */
	uint64_t freed;
};

static bool is_append_only(struct repository *repository)
{
	struct repository_status status;
	return repository_status(repository, &status) == 0 && status.append_only;
}

static int decide(struct prune *prune)
{
	struct repository *repository = prune->context->repository;
	int count = snapshot_list(repository, NULL, 0);
	prune->list = calloc((size_t)count + 1, sizeof(*prune->list));
	prune->why = calloc((size_t)count + 1, sizeof(*prune->why));
	if (!prune->list || !prune->why)
		return -ENOMEM;
	int now = snapshot_list(repository, prune->list, (size_t)count);
	prune->count = (size_t)(now < count ? now : count);
	return retention_decide(
		prune->list, prune->count, &prune->context->config->retention, repository_box_time(repository), prune->why);
}

static void note(struct prune *prune, const struct snapshot_info *info)
{
	char date[32] = "";
	time_t when = (time_t)info->wall_time;
	struct tm local;
	if (localtime_r(&when, &local))
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M", &local);
	job_report_note(prune->report, "%s: the %s of %s, snapshot %016" PRIx64 ", %s: retention no longer keeps it",
		info->subject, info->class == SNAPSHOT_SAFETY ? "safety snapshot" : "backup", date, info->id,
		prune->what_if ? "would be removed" : "is removed");
}

static bool is_needed(const struct prune *prune, uint64_t id)
{
	const struct job_context *context = prune->context;
	return context->needs && context->needs(context->engine, id);
}

/* The record comes first: a cut between the two leaves a record of what was meant, never a removal that nobody knows. */
static int remove_one(struct prune *prune, const struct snapshot_info *info)
{
	const struct job_context *context = prune->context;
	char what[200];
	snprintf(what, sizeof(what), "snapshot %016" PRIx64 " of %.135s", info->id, info->subject);
	int result = context->audit(context->engine, "removing", what, "retention no longer keeps it");
	return result < 0 ? result : snapshot_remove(context->repository, info->id);
}

static int remove_all(struct prune *prune)
{
	int result = 0;
	for (size_t i = 0; i < prune->count && result == 0; i++) {
		if (prune->why[i] != RETENTION_GOES || is_needed(prune, prune->list[i].id))
			continue;
		if (!prune->what_if)
			result = remove_one(prune, &prune->list[i]);
		if (result < 0)
			break;
		note(prune, &prune->list[i]);
		prune->gone++;
	}
	return result;
}

/* In an append-only store nothing goes, which is no failure of anybody's. */
static int run(struct prune *prune)
{
	if (is_append_only(prune->context->repository))
		return 0;
	int result = decide(prune);
	if (result == 0)
		result = remove_all(prune);
	if (prune->gone && !prune->what_if) {
		int cleaned = repository_clean(prune->context->repository, &prune->freed);
		result = result == 0 ? cleaned : result;
	}
	free(prune->list);
	free(prune->why);
	return result;
}

static void run_quietly(const struct job_context *context, struct job_report *report)
{
	struct prune prune = { .context = context, .report = report };
	int result = run(&prune);
	if (result < 0)
		job_report_note(report, "Old snapshots could not be removed: %s.", strerror(-result));
}

void prune_after_backup(const struct job_context *context, struct job_report *report)
{
	run_quietly(context, report);
}

void prune_make_room(const struct job_context *context, struct job_report *report)
{
	struct compact_result result;
	run_quietly(context, report);
	int error = clean_within_day(context, &result);
	if (error < 0)
		job_report_note(report, "The volume is nearly full and could not be cleaned: %s.", strerror(-error));
	else if (result.freed > 0)
		job_report_note(
			report, "The volume is nearly full; %llu MB are free again.", (unsigned long long)(result.freed / 1000000));
}

void prune_if_nearly_full(const struct job_context *context, struct job_report *report)
{
	struct room room;
	char base[32], free_size[32];
	if (room_look(context->repository, NULL, &room) < 0 || !room.nearly_full)
		return;
	prune_make_room(context, report);
	if (room_look(context->repository, NULL, &room) == 0 && room.free < room.base)
		job_report_note(report,
			"A whole new copy of %s would take about %s, and there is room for %s: after a change of all of it, no backup "
			"would fit. Remove what is not needed, keep less (coffret.conf, [retention]), or use a larger volume.",
			room.largest, story_size(room.base, base), story_size(room.free, free_size));
}

enum job_state prune_run(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	struct prune prune = { .context = context, .report = report, .what_if = request->what_if };
	struct story story;
	char size[32];

	story_begin(&story, context, NULL, "", report);
	int result = run(&prune);
	if (result < 0)
		return story_store_failed(&story, result, "removing old snapshots");
	if (is_append_only(context->repository))
		return story_done(&story, "This store is append-only: no snapshot is ever removed.");
	if (prune.gone == 0)
		return story_done(&story, "Retention keeps every snapshot there is.");
	if (prune.what_if)
		return story_done(
			&story, "%u snapshot%s would be removed; nothing was.", prune.gone, prune.gone == 1 ? "" : "s");
	return story_done(&story, "%u snapshot%s removed; %s of the volume are free again.", prune.gone,
		prune.gone == 1 ? " is" : "s are", story_size(prune.freed, size));
}
