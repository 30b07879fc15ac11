/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/volumes.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/job/story.h"
#include "agent/snapshot/stored.h"

size_t volumes_count(const struct job_context *context)
{
	return context->volume_count ? context->volume_count : 1;
}

struct job_volume volumes_get(const struct job_context *context, size_t index)
{
	return context->volume_count ? context->volumes[index]
								 : (struct job_volume){ .config = context->volume,
									   .repository = context->repository,
									   .rowgroup = context->rowgroup };
}

bool volumes_named(const struct job_context *context)
{
	return context->volume_count > 1;
}

const char *volumes_name(const struct job_context *context)
{
	return volumes_named(context) && context->volume ? context->volume->name : "";
}

struct job_context volumes_on(const struct job_context *context, const struct job_volume *volume)
{
	struct job_context on = *context;
	on.volume = volume->config;
	on.repository = volume->repository;
	on.rowgroup = volume->rowgroup;
	return on;
}

static bool holds(const struct job_volume *volume, uint64_t snapshot)
{
	struct snapshot_info info;
	return volume->repository && snapshot_find(volume->repository, snapshot, &info) == 0;
}

bool volumes_holding(const struct job_context *context, uint64_t snapshot, size_t index, struct job_context *on)
{
	for (size_t i = 0; i < volumes_count(context); i++) {
		struct job_volume volume = volumes_get(context, i);
		if (!holds(&volume, snapshot) || index-- > 0)
			continue;
		*on = volumes_on(context, &volume);
		return true;
	}
	return false;
}

int volumes_newest(
	const struct job_context *context, const char *subject, enum snapshot_class class, struct snapshot_info *info)
{
	int result = -ENOENT;
	for (size_t i = 0; i < volumes_count(context); i++) {
		struct job_volume volume = volumes_get(context, i);
		struct snapshot_info found;
		int error = volume.repository ? stored_newest(volume.repository, subject, class, &found) : -ENOENT;
		if (error == 0 && (result < 0 || found.sequence > info->sequence))
			*info = found;
		if (error == 0 || (error != -ENOENT && result == -ENOENT))
			result = error;
	}
	return result;
}

/* ---- where new ones go ---- */

static bool is_writable(const struct job_volume *volume, struct repository_status *status)
{
	return volume->repository && repository_status(volume->repository, status) == 0 && !status->read_only;
}

/* As much as the last one added; where there is none yet, a good guess of what all of it takes compressed. */
static uint64_t needed(const struct job_context *context, const struct job_volume *volume, const char *subject)
{
	struct snapshot_info info;
	if (stored_newest(volume->repository, subject, SNAPSHOT_BACKUP, &info) == 0)
		return info.stored_bytes;
	return volumes_newest(context, subject, SNAPSHOT_BACKUP, &info) == 0 ? info.bytes / 4 : 0;
}

void volumes_each_writable(const struct job_context *context, struct job_report *report,
	void (*call)(const struct job_context *, struct job_report *))
{
	struct repository_status status;
	for (size_t i = 0; i < volumes_count(context); i++) {
		struct job_volume volume = volumes_get(context, i);
		struct job_context on = volumes_on(context, &volume);
		if (is_writable(&volume, &status))
			call(&on, report);
	}
}

/* The order of making is one for all volumes that this box writes. */
static void align_sequences(const struct job_context *context)
{
	struct repository_status status;
	uint64_t next = 0;
	for (size_t i = 0; i < volumes_count(context); i++) {
		struct job_volume volume = volumes_get(context, i);
		if (volume.repository && repository_status(volume.repository, &status) == 0 && !status.foreign &&
			status.next_sequence > next)
			next = status.next_sequence;
	}
	for (size_t i = 0; i < volumes_count(context); i++) {
		struct job_volume volume = volumes_get(context, i);
		if (volume.repository)
			repository_raise_sequence(volume.repository, next);
	}
}

size_t volumes_for_new(
	const struct job_context *context, const char *subject, struct job_volume order[CONFIG_VOLUMES_MAX])
{
	struct job_volume small[CONFIG_VOLUMES_MAX] = { 0 };
	struct repository_status status;
	size_t count = 0, small_count = 0;
	align_sequences(context);
	for (size_t i = 0; i < volumes_count(context) && i < CONFIG_VOLUMES_MAX; i++) {
		struct job_volume volume = volumes_get(context, i);
		if (!is_writable(&volume, &status) || (!status.durable && volume.config && !volume.config->accept_risk))
			continue;
		if (status.room >= needed(context, &volume, subject))
			order[count++] = volume;
		else
			small[small_count++] = volume;
	}
	memcpy(&order[count], small, small_count * sizeof(small[0]));
	return count + small_count;
}

bool volumes_elsewhere(const struct job_context *context, uint64_t snapshot)
{
	struct repository_status status;
	struct snapshot_info info;
	struct job_context on;
	for (size_t i = 0; volumes_holding(context, snapshot, i, &on); i++)
		if (on.repository != context->repository && repository_status(on.repository, &status) == 0 && !status.foreign &&
			snapshot_find(on.repository, snapshot, &info) == 0 && info.flags & SNAPSHOT_VERIFIED &&
			(status.durable || (on.volume && on.volume->accept_risk)))
			return true;
	return false;
}

/* ---- the same on each ---- */

/* What a story said of one of several volumes. */
static void name_outcomes(const struct job_context *on, struct job_report *report, size_t first)
{
	for (size_t i = first; i < report->outcome_count; i++)
		snprintf(report->outcomes[i].volume, sizeof(report->outcomes[i].volume), "%s", volumes_name(on));
}

static bool is_asked(const struct job_request *request, const struct job_volume *volume, bool writing)
{
	struct repository_status status;
	bool named = !request->volume[0] || (volume->config && strcmp(volume->config->name, request->volume) == 0);
	return named && volume->repository && (!writing || is_writable(volume, &status)) &&
		(!request->snapshot || holds(volume, request->snapshot));
}

static void tell_cancelled(const struct job_context *on, const struct job_request *request, struct job_report *report)
{
	struct snapshot_info info = { .id = 0 };
	struct story story;
	if (request->snapshot)
		snapshot_find(on->repository, request->snapshot, &info);
	story_begin(&story, on, NULL, info.subject, report);
	story.outcome->snapshot = request->snapshot;
	story_store_failed(&story, -ECANCELED, "Before anything was done there");
}

enum job_state volumes_each(const struct job_context *context, const struct job_request *request,
	struct job_report *report, job_story *story, bool writing)
{
	bool any = false;
	for (size_t i = 0; i < volumes_count(context); i++) {
		struct job_volume volume = volumes_get(context, i);
		struct job_context on = volumes_on(context, &volume);
		size_t first = report->outcome_count;
		if (!is_asked(request, &volume, writing))
			continue;
		if (any && context->stop(context->engine))
			tell_cancelled(&on, request, report);
		else
			story(&on, request, report);
		any = true;
		name_outcomes(&on, report, first);
	}
	if (any)
		return job_report_state(report);
	struct job_context on = *context;
	volumes_holding(context, request->snapshot, 0, &on);
	return story(&on, request, report); /* which says what is in the way */
}

enum job_state verify_each(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	return volumes_each(context, request, report, verify_run, false);
}

enum job_state keep_each(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	return volumes_each(context, request, report, keep_run, true);
}

enum job_state prune_each(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	return volumes_each(context, request, report, prune_run, true);
}

enum job_state clean_each(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	return volumes_each(context, request, report, clean_run, true);
}

enum job_state scrub_each(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	return volumes_each(context, request, report, scrub_run, true);
}
