/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is true after a restore was cut off. Before COMMIT was sent the server undoes it by itself; afterwards only the
 * server knows, so we look: under the restore's own lock, which the server grants when its undo has ended.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/capture.h"
#include "agent/server.h"
#include "agent/sql/profile.h"
#include "agent/stored.h"
#include "agent/story.h"

/* True where each table of the snapshot has the digest that was read. */
static bool same(const struct stored_snapshot *snapshot, const struct capture *now)
{
	for (size_t i = 0; i < snapshot->table_count; i++) {
		const struct catalogue_table *table = &snapshot->catalogue->tables[snapshot->tables[i].table];
		int there = catalogue_find_table(now->catalogue, table->schema, table->name);

		if (there < 0 || !table_digest_equal(&snapshot->tables[i].digest, &now->tables[there].digest))
			return false;
	}
	return true;
}

static int look(struct story *story, const struct stored_snapshot *wanted, struct capture *now, struct sql_error *error)
{
	struct worker_watcher watcher = capture_watcher(now);
	struct worker *worker = NULL;
	int result;

	story_phase(story, JOB_PHASE_READ_BACK, 0);
	result = server_connect(&worker, story->server, story->outcome->database, true, &watcher, error);
	if (result == 0)
		result = worker_begin(worker, wanted->catalogue_bytes, wanted->catalogue_size, story->context->rowgroup, error);
	if (result == 0)
		result = worker_read(worker, CONSISTENCY_LOCK, story->context->rowgroup, false, NULL, 0, error);
	if (result == 0)
		result = capture_finish(now);
	if (worker && error->kind == SQL_OK)
		worker_rollback(worker, &(struct sql_error){ .kind = SQL_OK });
	worker_stop(worker);
	return result;
}

static enum job_state tell(struct story *story, const struct stored_snapshot *wanted, const struct capture *now)
{
	struct job_outcome *outcome = story->outcome;
	struct stored_snapshot safety;
	bool as_before;

	if (same(wanted, now)) {
		if (outcome->safety)
			snapshot_set_flags(story->context->repository, outcome->safety, SNAPSHOT_APPLIED, 0);
		snprintf(outcome->remedy, sizeof outcome->remedy, "%s",
			profile_next_step(story->server->profile, outcome->database));
		return story_done(story,
			"The restore of %s was cut off after COMMIT was sent. It was looked at: it is restored.",
			outcome->database);
	}
	as_before = outcome->safety && stored_open(&safety, story->context->repository, outcome->safety) == 0;
	if (as_before) {
		as_before = same(&safety, now);
		stored_close(&safety);
	}
	return story_refused(story,
		as_before ? "Ask for the restore again."
				  : "Look at what wrote to it, then restore again; the safety snapshot has the state before.",
		"The restore of %s was cut off. It was looked at: %s.", outcome->database,
		as_before ? "the database is as it was before"
				  : "the database has changed since, and is neither the old state nor "
					"the snapshot");
}

static enum job_state look_and_tell(struct story *story)
{
	struct job_outcome *outcome = story->outcome;
	struct sql_error error = { .kind = SQL_OK };
	struct stored_snapshot wanted;
	struct capture now;
	enum job_state state;
	int result = stored_open(&wanted, story->context->repository, outcome->snapshot);

	if (result < 0) {
		story_store_failed(story, result, "opening the snapshot that was being restored");
		return outcome->state = JOB_OUTCOME_UNKNOWN;
	}
	capture_init(&now, story->context, &story->progress, story->report, NULL);
	result = look(story, &wanted, &now, &error);
	if (result == 0) {
		state = tell(story, &wanted, &now);
	} else {
		story_sql_failed(story, &error);
		state = outcome->state = JOB_OUTCOME_UNKNOWN;
	}
	capture_free(&now);
	stored_close(&wanted);
	return state;
}

enum job_state restore_recover(const struct job_context *context, const struct job_request *request,
	enum job_phase phase, const struct job_outcome *journalled, struct job_report *report)
{
	const struct server_config *server = config_server(context->config, journalled->server);
	struct story story;

	(void)request;
	story_begin(&story, context, server, journalled->database, report);
	story.outcome->snapshot = journalled->snapshot;
	story.outcome->safety = journalled->safety;
	if (phase != JOB_PHASE_COMMIT)
		return story_refused(&story, "Ask for it again.",
			"The restore of %s was cut off before COMMIT: the server undoes "
			"what was begun, and the database is as it was.",
			journalled->database);
	if (!server) {
		story_refused(&story, "Put the server back into the configuration and start again.",
			"The restore of %s was cut off after COMMIT was sent, and server \"%s\" is not in the configuration any more.",
			journalled->database, journalled->server);
		return story.outcome->state = JOB_OUTCOME_UNKNOWN;
	}
	return look_and_tell(&story);
}
