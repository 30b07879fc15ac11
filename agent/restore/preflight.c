/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/restore/preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- from the worker ---- */

struct asking {
	const struct worker_watcher *watcher;
	struct catalogue *present;
};

static int take_catalogue(void *arg, const void *bytes, size_t size)
{
	struct asking *asking = arg;
	struct catalogue *catalogue;
	int result = catalogue_decode(&catalogue, bytes, size);

	if (result < 0)
		return result;
	catalogue_free(asking->present);
	asking->present = catalogue;
	return 0;
}

static bool asked_to_stop(void *arg)
{
	const struct worker_watcher *watcher = ((struct asking *)arg)->watcher;

	return watcher->stop && watcher->stop(watcher->arg);
}

static void pass_note(void *arg, const char *sentence)
{
	const struct worker_watcher *watcher = ((struct asking *)arg)->watcher;

	if (watcher->note)
		watcher->note(watcher->arg, sentence);
}

int preflight_ask(struct worker *worker, const struct worker_watcher *watcher, struct preflight_facts **facts,
	struct catalogue **present, struct sql_error *error)
{
	struct asking asking = { .watcher = watcher };
	const struct worker_watcher between = {
		.arg = &asking, .catalogue = take_catalogue, .note = pass_note, .stop = asked_to_stop
	};
	int result;

	*present = NULL;
	*facts = calloc(1, sizeof **facts);
	if (!*facts)
		return sql_error_set(error, SQL_ERROR_MEMORY, "", "the box has too little memory");
	worker_watch(worker, &between);
	result = worker_preflight(worker, NULL, *facts, error);
	worker_watch(worker, watcher);
	*present = asking.present;
	if (result == 0 && !*present)
		result = sql_error_set(error, SQL_ERROR_WORKER, "", "it sent no catalogue");
	return result;
}

static bool story_asked_to_stop(void *arg)
{
	const struct preflight *preflight = arg;

	return story_stop(preflight->story);
}

static void take_note(void *arg, const char *sentence)
{
	const struct preflight *preflight = arg;

	job_report_note(preflight->story->report, "%s", sentence);
}

/* ---- verdicts into the report ---- */

/* The first refusal is the outcome's sentence; another one is a note, so that all can be mended at once. */
static int refuse(struct preflight *preflight, const struct preflight_verdict *verdict, struct sql_error *error)
{
	if (preflight->request->what_if) {
		job_report_note(preflight->story->report, "A restore would be refused now: %.330s", verdict->text);
		if (verdict->kind != SQL_ERROR_SCHEMA && verdict->kind != SQL_ERROR_DATABASE_STATE)
			return 0;
	}
	if (error->kind != SQL_OK) {
		job_report_note(preflight->story->report, "It would be refused for this, too: %.330s", verdict->text);
		return -EIO;
	}
	snprintf(preflight->remedy, sizeof preflight->remedy, "%s", verdict->remedy);
	preflight->in_use = verdict->topic == PREFLIGHT_ON_SESSIONS;
	return sql_error_set(error, verdict->kind, verdict->object, "%s", verdict->text);
}

static int report(struct preflight *preflight, const struct preflight_judgement *judgement, struct sql_error *error)
{
	int result = 0;

	for (size_t i = 0; i < judgement->count; i++) {
		const struct preflight_verdict *verdict = &judgement->verdicts[i];
		if (verdict->grade != PREFLIGHT_REFUSES)
			job_report_note(preflight->story->report, "%s", verdict->text);
		else if (refuse(preflight, verdict, error) < 0)
			result = -EIO;
	}
	return result;
}

/* ---- for the restore ---- */

void preflight_init(struct preflight *preflight, struct story *story, const struct job_request *request)
{
	*preflight = (struct preflight){ .story = story, .request = request };
}

void preflight_free(struct preflight *preflight)
{
	catalogue_free(preflight->present);
	free(preflight->facts);
	preflight->present = NULL;
	preflight->facts = NULL;
}

int preflight_run(
	struct preflight *preflight, struct worker *worker, const struct catalogue *wanted, struct sql_error *error)
{
	const struct worker_watcher watcher = { .arg = preflight, .note = take_note, .stop = story_asked_to_stop };
	struct preflight_judgement *judgement = calloc(1, sizeof *judgement);
	int result;

	if (!judgement)
		return sql_error_set(error, SQL_ERROR_MEMORY, "", "the box has too little memory");
	snprintf(error->doing, sizeof error->doing, "looking at %.100s before anything is changed",
		preflight->story->outcome->database);
	result = preflight_ask(worker, &watcher, &preflight->facts, &preflight->present, error);
	if (result == 0) {
		preflight->about = (struct preflight_case){ .facts = preflight->facts,
			.wanted = wanted,
			.present = preflight->present,
			.profile = preflight->story->server->profile,
			.users_connected = preflight->request->users_connected };
		preflight_judge(&preflight->about, judgement);
		preflight_judge_tables(&preflight->about, NULL, judgement);
		preflight_judge_room(&preflight->about, NULL, judgement);
		result = report(preflight, judgement, error);
	}
	free(judgement);
	return result;
}

int preflight_plan(struct preflight *preflight, const struct preflight_rows *rows, struct sql_error *error)
{
	struct preflight_judgement *judgement = calloc(1, sizeof *judgement);
	int result;

	if (!judgement)
		return sql_error_set(error, SQL_ERROR_MEMORY, "", "the box has too little memory");
	snprintf(error->doing, sizeof error->doing, "looking for room before %.100s is changed",
		preflight->story->outcome->database);
	preflight_judge_tables(&preflight->about, rows, judgement);
	preflight_judge_room(&preflight->about, rows, judgement);
	result = report(preflight, judgement, error);
	free(judgement);
	return result;
}
