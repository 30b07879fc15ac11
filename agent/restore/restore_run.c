/* SPDX-License-Identifier: Apache-2.0 */
/* Which databases a restore or an undo is of, and how often it is tried. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/job/server.h"
#include "agent/restore/restore.h"

enum { ATTEMPTS = 3, DEADLOCK = 1205 };

/* A deadlock's victim has been undone by the server: it is begun anew, but not for ever. */
static bool try_again(struct story *story, unsigned int *deadlocks)
{
	if (story->outcome->state != JOB_FAILED || story->outcome->error.number != DEADLOCK || story_stop(story) ||
		++*deadlocks == ATTEMPTS)
		return false;
	return true;
}

/* Each try tells everything anew; what only tells why there was another one stays. */
static void restore_database(const struct job_context *context, const struct server_config *server,
	const struct job_request *request, const char *database, struct job_report *report)
{
	static struct restore_unread unread; /* one job at a time */
	struct job_outcome fresh;
	struct story story;
	size_t notes = report->note_count, changes = report->change_count;
	unsigned int deadlocks = 0;
	bool damaged;

	story_begin(&story, context, server, database, report);
	fresh = *story.outcome;
	unread.count = 0;
	for (;;) {
		char why[JOB_NOTE_SIZE] = "";
		restore_once(&story, request, &unread, &damaged);
		if (damaged)
			memcpy(why, report->notes[report->note_count - 1], sizeof why);
		else if (try_again(&story, &deadlocks))
			snprintf(why, sizeof why,
				"%.200s: the server ended the restore because of a deadlock, and undid it; trying again", database);
		else
			return;
		report->note_count = notes;
		report->change_count = changes;
		job_report_note(report, "%s", why);
		notes = report->note_count;
		*story.outcome = fresh;
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
