/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/undone.h"

#include <stdio.h>
#include <string.h>

#include "agent/explain.h"
#include "agent/server.h"

/* While we wait others want answers; and nothing stops us. */
static bool serve_others(void *arg)
{
	struct story *story = arg;

	story->context->progress(story->context->engine, &story->progress);
	return false;
}

int undone_await(struct story *story, bool patient, struct sql_error *error)
{
	const struct worker_watcher watcher = { .arg = story, .stop = serve_others };
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
