/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a verification: every snapshot that was asked for is walked; what is whole is marked verified, and what
 * is not loses the mark.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/job/story.h"
#include "agent/upkeep/damage.h"
#include "storage/repository.h"

static void verify_one(
	const struct job_context *context, const struct snapshot_info *info, bool data, struct job_report *report)
{
	struct repository *repository = context->repository;
	struct story story;
	char size[32];
	int result;

	story_begin(&story, context, NULL, info->subject, report);
	story.outcome->snapshot = info->id;
	if (story_stop(&story)) {
		story_store_failed(&story, -ECANCELED, "Before it was looked at");
		return;
	}
	story_phase(&story, JOB_PHASE_VERIFY, 0);
	result = damage_check(context, info->id, data, report);
	if (result == 0 && data && !(info->flags & SNAPSHOT_VERIFIED))
		result = snapshot_set_flags(repository, info->id, SNAPSHOT_VERIFIED, 0);
	if (result < 0) {
		story_store_failed(&story, result, "verifying a snapshot");
		return;
	}
	story.outcome->bytes = info->bytes;
	story_done(&story, "%s: snapshot %016" PRIx64 " is whole (%s of rows, %s).", info->subject, info->id,
		story_size(info->bytes, size), data ? "every byte read" : "structure read; --data reads every byte");
}

enum job_state verify_run(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	int count = snapshot_list(context->repository, NULL, 0);
	struct snapshot_info *list = count < 0 ? NULL : calloc((size_t)count + 1, sizeof *list);
	bool any = false, stopped = false;

	if (list)
		count = snapshot_list(context->repository, list, (size_t)count);
	for (int i = 0; list && i < count && !stopped; i++) {
		if (request->snapshot && list[i].id != request->snapshot)
			continue;
		any = true;
		stopped = context->stop(context->engine);
		verify_one(context, &list[i], request->every_byte, report);
	}
	free(list);
	if (!any) {
		struct story story;
		story_begin(&story, context, NULL, "", report);
		return request->snapshot ? story_store_failed(&story, -ENOENT, "verifying a snapshot")
								 : story_done(&story, "There are no snapshots yet.");
	}
	return job_report_state(report);
}
