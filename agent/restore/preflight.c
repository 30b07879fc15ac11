/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/restore/preflight.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/job/server.h"

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

/* ---- a database that cannot be opened ---- */

static bool may_be_state(const struct sql_error *error)
{
	return error->number == 4060 || error->number == 4064 || error->kind == SQL_ERROR_DATABASE_STATE;
}

/* What gets a database to where it can be restored into; a restore needs its tables, whatever is in them. */
static const char *remedy_of_state(const struct preflight_facts *facts)
{
	if (!facts->state[0])
		return "Create it with its tables as they were (coffret show tells; the product's own setup does), then restore; "
			   "there is nothing that consent could overwrite.";
	if (!strcmp(facts->state, "SUSPECT") || !strcmp(facts->state, "RECOVERY_PENDING") ||
		!strcmp(facts->state, "EMERGENCY"))
		return "The server's error log says why. Copy its files away; then bring it ONLINE: from a backup of SQL Server's, or "
			   "ALTER DATABASE ... SET EMERGENCY, SET SINGLE_USER, DBCC CHECKDB (..., REPAIR_ALLOW_DATA_LOSS), SET "
			   "MULTI_USER. What that loses a restore puts back; before, there is nothing that it could write to.";
	return "";
}

static void explain_state(const struct preflight_facts *facts, const char *database, struct sql_error *error)
{
	struct sql_error better = { .kind = SQL_OK };

	memcpy(better.doing, error->doing, sizeof better.doing);
	better.number = error->number;
	if (!facts->state[0])
		sql_error_set(
			&better, SQL_ERROR_DATABASE_STATE, database, "The server shows no database of that name to this login");
	else if (!strcmp(facts->mirroring_role, "MIRROR"))
		sql_error_set(&better, SQL_ERROR_DATABASE_STATE, database,
			"It is a mirror (%.60s); its principal is another server: set host to that", facts->state);
	else if (strcmp(facts->state, "ONLINE") != 0)
		sql_error_set(&better, SQL_ERROR_DATABASE_STATE, database, "It is %.60s, not ONLINE", facts->state);
	else if (!strcmp(facts->user_access, "SINGLE_USER"))
		sql_error_set(&better, SQL_ERROR_DATABASE_STATE, database,
			"It is SINGLE_USER, and another session has its one place: ALTER DATABASE ... SET MULTI_USER, when whoever "
			"restricted it agrees");
	else if (!strcmp(facts->user_access, "RESTRICTED_USER"))
		sql_error_set(
			&better, SQL_ERROR_DATABASE_STATE, database, "It is RESTRICTED_USER, and this login is none of those");
	else
		return; /* the login is what is wrong, as the server said */
	*error = better;
}

void preflight_diagnose(
	const struct server_config *server, const char *database, bool restore, struct sql_error *error, char *remedy)
{
	const struct worker_watcher watcher = { .arg = NULL };
	struct preflight_facts *facts = calloc(1, sizeof *facts);
	struct sql_error ignored = { .kind = SQL_OK };
	struct worker *worker = NULL;

	if (facts && may_be_state(error) && server_connect(&worker, server, "master", restore, &watcher, &ignored) == 0 &&
		worker_preflight(worker, database, facts, &ignored) == 0) {
		explain_state(facts, database, error);
		if (remedy && error->kind == SQL_ERROR_DATABASE_STATE)
			snprintf(remedy, PREFLIGHT_REMEDY_SIZE, "%s", remedy_of_state(facts));
	}
	worker_stop(worker);
	free(facts);
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
