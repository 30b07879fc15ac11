/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/scrub.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config/config.h"
#include "agent/job/story.h"
#include "agent/upkeep/damage.h"

#define RECORD "scrub"

/* ---- how far it is ---- */

void scrub_load(struct repository *repository, struct scrub_state *state)
{
	char text[96] = "";
	int size = repository_state_read(repository, RECORD, text, sizeof(text) - 1);
	if (size > 0 &&
		sscanf(text, "%" SCNu64 " %" SCNd64 " %" SCNd64, &state->position, &state->began, &state->last_began) == 3)
		return;
	*state = (struct scrub_state){ .began = repository_box_time(repository), .last_began = -1 };
}

static int store(struct repository *repository, const struct scrub_state *state)
{
	char text[96];
	int size = snprintf(
		text, sizeof(text), "%" PRIu64 " %" PRId64 " %" PRId64 "\n", state->position, state->began, state->last_began);
	return repository_state_write(repository, RECORD, text, (size_t)size);
}

void scrub_tell(const struct job_context *context)
{
	struct scrub_state state;
	scrub_load(context->repository, &state);
	int64_t age = repository_box_time(context->repository) - state.last_began;
	repository_set_checked(context->repository, state.last_began >= 0 && age <= context->config->scrub_days * BOX_DAY);
}

/* ---- what it means for the snapshots ---- */

static bool asked_to_yield(void *arg)
{
	const struct job_context *context = arg;
	return context->stop(context->engine) || (context->waited_for && context->waited_for(context->engine));
}

static bool asked_to_stop(void *arg)
{
	const struct job_context *context = arg;
	return context->stop(context->engine);
}

static void take_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)arg, (void)snapshot, (void)stream, (void)chunk, (void)error;
}

/* Every byte of it, where it was found damaged: what an earlier life knew of its chunks is forgotten. */
static int judge(const struct job_context *context, const struct snapshot_info *info)
{
	bool damaged = info->flags & SNAPSHOT_DAMAGED;
	int result = repository_verify(context->repository, info->id, damaged, take_damage, (void *)(uintptr_t)context,
		damaged ? asked_to_yield : asked_to_stop);
	if (result == 0)
		return snapshot_set_flags(context->repository, info->id, SNAPSHOT_VERIFIED, SNAPSHOT_DAMAGED);
	if (result != -EBADMSG)
		return result == -ENOENT ? 0 : result;
	result = snapshot_set_flags(context->repository, info->id, SNAPSHOT_DAMAGED, SNAPSHOT_VERIFIED);
	return result ? result : damaged;
}

/*
 * Newest first. Those that were found damaged may have healed: looked at again until one has not. At the end of a walk
 * those that are not verified, by what is known of each chunk.
 */
static int judge_all(const struct job_context *context, bool ended)
{
	struct repository *repository = context->repository;
	int count = snapshot_list(repository, NULL, 0), result = 0;
	struct snapshot_info *list = calloc((size_t)count + 1, sizeof(*list));
	bool sick = false;
	if (!list)
		return -ENOMEM;
	int now = snapshot_list(repository, list, (size_t)count);
	for (int i = now < count ? now : count; i-- > 0 && result >= 0;) {
		bool damaged = list[i].flags & SNAPSHOT_DAMAGED;
		if (damaged ? sick : list[i].flags & SNAPSHOT_VERIFIED || !ended)
			continue;
		result = judge(context, &list[i]);
		sick |= result == 1;
	}
	free(list);
	return result == -ECANCELED ? 0 : result < 0 ? result : 0;
}

/* ---- the story ---- */

/*
 * What parity healed would be lost with the next bad place beside it. But a backup comes first, and where there is no room
 * it is healed at each reading.
 */
static void write_anew(struct story *story)
{
	const struct job_context *context = story->context;
	struct repository_status status;
	struct compact_result result;
	struct compact_limits limits = {
		.copy_max = UINT64_MAX, .wounded_only = true, .stop = asked_to_yield, .arg = (void *)(uintptr_t)context
	};
	if (repository_status(context->repository, &status) || !status.wounded_segments)
		return;
	int error = repository_compact(context->repository, &limits, &result);
	job_report_note(story->report,
		"Bad places in %u segments of the volume were healed by parity; %u of these were written anew.",
		status.wounded_segments, result.healed);
	if (error)
		job_report_note(story->report,
			"Not yet written anew, so that one more bad place may be one too many: %s. It is tried again every day.",
			error == -ENOSPC ? "the volume is full" : strerror(-error));
}

static int scrub_part(struct story *story, struct scrub_state *state, struct scrub_result *result)
{
	const struct job_context *context = story->context;
	struct repository_status status;
	struct scrub_limits limits = { .stop = asked_to_yield, .arg = (void *)(uintptr_t)context };
	int error = repository_status(context->repository, &status);
	/* Twice in the period, so that at the end of each walk the one before began no longer ago than that. */
	limits.segments_max = status.segments * 2 / context->config->scrub_days + 1;
	if (!error)
		error = repository_scrub(context->repository, &state->position, &limits, result);
	if (!error)
		write_anew(story);
	if (!error && result->damaged)
		error = damage_survey(context, story->report);
	else if (!error)
		error = judge_all(context, result->ended);
	if (!error)
		error = repository_keep_suspects(context->repository);
	if (!error && result->ended) {
		state->last_began = state->began;
		state->began = repository_box_time(context->repository);
	}
	return error;
}

enum job_state scrub_run(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	struct scrub_result result = { .segments = 0 };
	struct scrub_state state;
	struct story story;
	(void)request;
	story_begin(&story, context, NULL, "", report);
	if (context->config->scrub_days == 0)
		return story_done(&story, "The configuration says scrub_days = 0: nothing is read in the background.");
	scrub_load(context->repository, &state);
	int error = scrub_part(&story, &state, &result);
	int stored = store(context->repository, &state);
	if (error < 0 || stored < 0)
		return story_store_failed(&story, error < 0 ? error : stored, "reading the store in the background");
	if (result.damaged)
		return story_refused(&story,
			"Back up again: what the databases still hold is stored anew, and heals older snapshots, too.",
			"%u places on the volume are damaged.", result.damaged);
	return story_done(&story, "%llu segments were read and are whole%s%s.", (unsigned long long)result.segments,
		result.healed ? ", some by parity" : "", result.ended ? "; that was the last of them, and it begins anew" : "");
}
