/* SPDX-License-Identifier: Apache-2.0 */
/* Which databases a restore or an undo is of, and how often it is tried. */
#include <errno.h>

#include "agent/restore.h"
#include "agent/server.h"

enum { ATTEMPTS = 3, DEADLOCK = 1205 };

/* A deadlock's victim has been undone by the server: it is begun anew, but not for ever. */
static void restore_database(const struct job_context *context, const struct server_config *server,
	const struct job_request *request, const char *database, struct job_report *report)
{
	struct job_outcome fresh;
	struct story story;
	size_t changes;

	story_begin(&story, context, server, database, report);
	fresh = *story.outcome;
	changes = report->change_count;
	for (int attempt = 1; restore_once(&story, request) == JOB_FAILED && attempt < ATTEMPTS; attempt++) {
		if (story.outcome->error.number != DEADLOCK || story_stop(&story))
			return;
		job_report_note(
			report, "%s: the server ended the restore because of a deadlock, and undid it; trying again", database);
		*story.outcome = fresh;
		report->change_count = changes;
	}
}

enum job_state restore_run(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	const struct server_config *server = config_server(context->config, request->server);
	const char *databases[CONFIG_DATABASES_MAX];
	struct story story;
	size_t count;

	if (!server) {
		story_begin(&story, context, NULL, request->database, report);
		return story_refused(&story, "Name one that the configuration has.",
			"There is no server \"%s\", or more than one.", request->server);
	}
	count = server_databases(server, request->database, true, databases);
	for (size_t i = 0; i < count; i++) {
		if (!context->stop(context->engine)) {
			restore_database(context, server, request, databases[i], report);
			continue;
		}
		story_begin(&story, context, server, databases[i], report);
		story_store_failed(&story, -ECANCELED, "Before anything was done");
	}
	return job_report_state(report);
}

enum job_state undo_run(const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	return restore_run(context, request, report);
}
