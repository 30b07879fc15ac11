/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the box's volumes a story works on. A context that tells of no volumes has one: the repository that it names.
 */
#ifndef AGENT_UPKEEP_VOLUMES_H
#define AGENT_UPKEEP_VOLUMES_H

#include "agent/config/config.h"
#include "agent/job/job.h"
#include "storage/repository.h"

/* The context's index-th volume, there or not. */
size_t volumes_count(const struct job_context *context);
struct job_volume volumes_get(const struct job_context *context, size_t index);
/* There is more than one, so that its name says something. */
bool volumes_named(const struct job_context *context);
/* "" where there is only one. */
const char *volumes_name(const struct job_context *context);
/* The context with this volume for its own. */
struct job_context volumes_on(const struct job_context *context, const struct job_volume *volume);
/* The context on a volume that has this snapshot, the index-th such; false: there are no more. */
bool volumes_holding(const struct job_context *context, uint64_t snapshot, size_t index, struct job_context *on);
/*
 * The newest snapshot of a subject that may be taken unasked, on whatever volume: 0 and its info, -ENOENT, or the error of
 * a volume. As stored_newest.
 */
int volumes_newest(
	const struct job_context *context, const char *subject, enum snapshot_class class, struct snapshot_info *info);
/*
 * Where a new snapshot of a subject may go, best first: writable, may be the only holder, and with room for what it will
 * probably take before those that have less. Returns how many. The sequence that it gets is behind those on all volumes.
 */
size_t volumes_for_new(
	const struct job_context *context, const char *subject, struct job_volume order[CONFIG_VOLUMES_MAX]);
/* Calls with the context on each volume that is there and can be written. */
void volumes_each_writable(const struct job_context *context, struct job_report *report,
	void (*call)(const struct job_context *, struct job_report *));
/* Another volume, which may be its only holder, has it, too, and it was verified there. */
bool volumes_elsewhere(const struct job_context *context, uint64_t snapshot);
/*
 * Runs a story on each volume that is there and, where the request names a snapshot, has it; on writable ones alone where
 * `writing`. What was said of each is marked with its name.
 */
enum job_state volumes_each(const struct job_context *context, const struct job_request *request,
	struct job_report *report, job_story *story, bool writing);

/* Those stories. */
job_story verify_each, keep_each, prune_each, clean_each, scrub_each;
/* restore_volumes.c: a restore or undo of each database on the volume that is right for it; and what became of one. */
job_story restore_each;
enum job_state recover_each(const struct job_context *context, const struct job_request *request, enum job_phase phase,
	const struct job_outcome *journalled, struct job_report *report);

#endif
