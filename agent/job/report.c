/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/config.h"

const char *job_volume_away(const struct job_context *context)
{
	for (size_t i = 0; i < context->volume_count; i++)
		if (!context->volumes[i].repository && context->volumes[i].config)
			return context->volumes[i].config->name;
	return NULL;
}

void job_report_clear(struct job_report *report)
{
	report->outcome_count = report->change_count = report->note_count = 0;
}

struct job_outcome *job_report_outcome(struct job_report *report, const char *server, const char *database)
{
	/* One more than fits shares the last place: the report is then incomplete, and never out of bounds. */
	size_t index = report->outcome_count < JOB_OUTCOMES_MAX ? report->outcome_count++ : JOB_OUTCOMES_MAX - 1;
	struct job_outcome *outcome = &report->outcomes[index];

	memset(outcome, 0, sizeof *outcome);
	snprintf(outcome->server, sizeof outcome->server, "%s", server);
	snprintf(outcome->database, sizeof outcome->database, "%s", database);
	outcome->state = JOB_FAILED;
	return outcome;
}

void job_report_note(struct job_report *report, const char *format, ...)
{
	va_list arguments;

	if (report->note_count == JOB_NOTES_MAX) {
		snprintf(report->notes[JOB_NOTES_MAX - 1], JOB_NOTE_SIZE, "There were more notes than a report can hold.");
		return;
	}
	va_start(arguments, format);
	vsnprintf(report->notes[report->note_count++], JOB_NOTE_SIZE, format, arguments);
	va_end(arguments);
}

bool job_report_change(struct job_report *report, const struct job_change *change)
{
	if (report->change_count == JOB_CHANGES_MAX)
		return false;
	report->changes[report->change_count++] = *change;
	return true;
}

/* Worse is later. */
static int badness(enum job_state state)
{
	switch (state) {
	case JOB_DONE:
		return 0;
	case JOB_CANCELLED:
		return 1;
	case JOB_FAILED:
		return 2;
	default:
		return 3;
	}
}

enum job_state job_report_state(const struct job_report *report)
{
	enum job_state worst = report->outcome_count ? JOB_DONE : JOB_FAILED;

	for (size_t i = 0; i < report->outcome_count; i++)
		if (badness(report->outcomes[i].state) > badness(worst))
			worst = report->outcomes[i].state;
	return worst;
}
