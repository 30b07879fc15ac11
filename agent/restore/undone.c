/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/restore/undone.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/job/explain.h"
#include "agent/job/server.h"
#include "storage/repository.h"

/* While we wait others want answers; and nothing stops us. */
static bool serve_others(void *arg)
{
	struct story *story = arg;

	story->context->progress(story->context->engine, &story->progress);
	return false;
}

static void pass_note(void *arg, const char *sentence)
{
	const struct story *story = arg;

	job_report_note(story->report, "%.100s: %s", story->outcome->database, sentence);
}

/* The rows are back already: what fails here is only told. */
static void put_values_back(struct story *story, struct worker *worker, const struct undone_values *before)
{
	struct sql_error error = { .kind = SQL_OK };

	if (before->catalogue && worker_undo_values(worker, before->catalogue, before->size, &error) < 0)
		job_report_note(story->report,
			"%.100s: identity values may have moved, and could not be put back: %.200s. No row has changed.",
			story->outcome->database, error.detail);
}

int undone_await(struct story *story, const struct undone_values *before, bool patient, struct sql_error *error)
{
	const struct worker_watcher watcher = { .arg = story, .note = pass_note, .stop = serve_others };
	struct worker *worker = NULL;
	int result;

	do {
		*error = (struct sql_error){ .kind = SQL_OK };
		result = worker ? 0 : server_connect(&worker, story->server, story->outcome->database, true, &watcher, error);
		if (result < 0)
			break;
		snprintf(
			error->doing, sizeof error->doing, "asking whether %.100s has been put back", story->outcome->database);
		result = worker_await_undo(worker, error);
	} while (patient && result < 0 && error->kind == SQL_ERROR_BUSY);
	if (result == 0)
		put_values_back(story, worker, before);
	worker_stop(worker);
	return result;
}

enum job_state undone_unknown(struct story *story, const struct sql_error *error)
{
	struct job_outcome *outcome = story->outcome;
	char before[sizeof outcome->sentence], why[sizeof outcome->sentence], remedy[sizeof outcome->remedy];
	size_t length = strlen(outcome->sentence);

	memcpy(before, outcome->sentence, sizeof before);
	if (length > 0 && length + 1 < sizeof before && before[length - 1] != '.')
		memcpy(before + length, ".", 2);
	explain_sql_error(error, story->server, why, sizeof why, remedy, sizeof remedy);
	if (error->kind == SQL_ERROR_BUSY)
		snprintf(
			outcome->sentence, sizeof outcome->sentence, "%.300s The server has not yet undone all of it.", before);
	else
		snprintf(outcome->sentence, sizeof outcome->sentence,
			"%.200s The server undoes what was begun, but could not be asked whether it has: %.200s", before, why);
	snprintf(outcome->remedy, sizeof outcome->remedy,
		"Coffret asks again by itself until it knows; coffret status and coffret jobs tell.");
	return outcome->state = JOB_OUTCOME_UNKNOWN;
}

/* The record comes first, as with every removal. What cannot be removed now goes with time. */
void undone_drop_safety(struct story *story)
{
	const struct job_context *context = story->context;
	uint64_t id = story->outcome->safety;
	struct snapshot_info info;
	char what[200];

	if (!id || snapshot_find(context->repository, id, &info) < 0)
		return;
	snprintf(what, sizeof what, "safety snapshot %016" PRIx64 " of %.135s", id, story->outcome->database);
	if (context->audit(context->engine, "removing", what, "its restore has changed nothing") == 0 &&
		snapshot_remove(context->repository, id) == 0)
		story->outcome->safety = 0;
}
