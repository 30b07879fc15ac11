/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/clean.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/config.h"
#include "agent/job/story.h"

#define RECORD "clean" /* "DAY BYTES": what was copied on a box day */

struct day {
	int64_t day;
	uint64_t copied;
};

static bool asked_to_stop(void *arg)
{
	const struct job_context *context = arg;
	return context->stop(context->engine) || (context->waited_for && context->waited_for(context->engine));
}

static void read_day(struct repository *repository, struct day *today)
{
	char text[64] = "";
	struct day kept;
	*today = (struct day){ .day = repository_box_time(repository) / BOX_DAY };
	int size = repository_state_read(repository, RECORD, text, sizeof(text) - 1);
	if (size > 0 && sscanf(text, "%" SCNd64 " %" SCNu64, &kept.day, &kept.copied) == 2 && kept.day == today->day)
		*today = kept;
}

static void write_day(struct repository *repository, const struct day *today)
{
	char text[64];
	int size = snprintf(text, sizeof(text), "%" PRId64 " %" PRIu64 "\n", today->day, today->copied);
	repository_state_write(repository, RECORD, text, (size_t)size);
}

static int compact(
	const struct job_context *context, uint64_t copy_max, struct day *today, struct compact_result *result)
{
	struct compact_limits limits = { .copy_max = copy_max, .stop = asked_to_stop, .arg = (void *)(uintptr_t)context };
	int error = repository_compact(context->repository, &limits, result);
	today->copied += result->copied;
	if (result->copied)
		write_day(context->repository, today);
	return error;
}

int clean_within_day(const struct job_context *context, struct compact_result *result)
{
	struct repository_status status;
	struct day today;
	*result = (struct compact_result){ .copied = 0 };
	int error = repository_status(context->repository, &status);
	if (error)
		return error;
	read_day(context->repository, &today);
	uint64_t most = status.size / 100 * context->config->clean_max_per_day;
	return compact(context, most > today.copied ? most - today.copied : 0, &today, result);
}

enum job_state clean_run(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	struct compact_result result;
	struct story story;
	struct day today;
	char freed[32], copied[32];
	int error;

	story_begin(&story, context, NULL, "", report);
	if (request->origin == ORIGIN_SCHEDULE) {
		error = clean_within_day(context, &result);
	} else {
		read_day(context->repository, &today);
		error = compact(context, UINT64_MAX, &today, &result);
	}
	if (error)
		return story_store_failed(&story, error, "giving back space");
	const char *rest = !result.more                                   ? ""
		: context->stop(context->engine)                              ? " It was stopped; the rest waits."
		: context->waited_for && context->waited_for(context->engine) ? " Another job came; the rest waits."
																	  : " The rest waits for tomorrow.";
	return story_done(&story, "%s of the volume are free again; %s were copied for it.%s",
		story_size(result.freed, freed), story_size(result.copied, copied), rest);
}
