/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job/story.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/base/now.h"
#include "agent/job/explain.h"

#define REPORT_EVERY_MS 200

const char *story_count(uint64_t number, char text[32])
{
	char digits[24];
	int length = snprintf(digits, sizeof digits, "%" PRIu64, number);
	size_t at = 0;

	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text[at++] = ' ';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

const char *story_size(uint64_t bytes, char text[32])
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB", "TB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1000 && unit + 1 < sizeof units / sizeof units[0]) {
		value /= 1000;
		unit++;
	}
	snprintf(text, 32, unit && value < 100 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

void story_begin(struct story *story, const struct job_context *context, const struct server_config *server,
	const char *database, struct job_report *report)
{
	*story = (struct story){ .context = context, .server = server, .report = report, .started_ms = now_ms() };
	story->outcome = job_report_outcome(report, server ? server->name : "", database);
	story->progress.started = story->started_ms;
	snprintf(story->progress.database, sizeof story->progress.database, "%s", database);
}

static void tell(struct story *story)
{
	story->context->progress(story->context->engine, &story->progress);
}

void story_phase(struct story *story, enum job_phase phase, uint64_t expected)
{
	story->progress.phase = phase;
	story->progress.phase_started = now_ms();
	story->progress.object[0] = '\0';
	story->progress.done = 0;
	story->progress.expected = expected;
	tell(story);
}

void story_rows(struct story *story, uint64_t rows)
{
	static _Thread_local int64_t told;
	int64_t now = now_ms();

	story->progress.done += rows;
	if (now - told < REPORT_EVERY_MS)
		return;
	told = now;
	tell(story);
}

bool story_stop(const struct story *story)
{
	return story->context->stop(story->context->engine);
}

static enum job_state end(struct story *story, enum job_state state)
{
	story->outcome->state = state;
	story->outcome->milliseconds = (uint64_t)(now_ms() - story->started_ms);
	return state;
}

enum job_state story_done(struct story *story, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(story->outcome->sentence, sizeof story->outcome->sentence, format, arguments);
	va_end(arguments);
	return end(story, JOB_DONE);
}

enum job_state story_sql_failed(struct story *story, const struct sql_error *error)
{
	struct job_outcome *outcome = story->outcome;

	outcome->error = *error;
	explain_sql_error(
		error, story->server, outcome->sentence, sizeof outcome->sentence, outcome->remedy, sizeof outcome->remedy);
	if (error->kind == SQL_ERROR_CANCELLED)
		return end(story, JOB_CANCELLED);
	if (error->kind == SQL_ERROR_UNKNOWN_OUTCOME)
		return end(story, JOB_OUTCOME_UNKNOWN);
	return end(story, JOB_FAILED);
}

enum job_state story_store_failed(struct story *story, int error, const char *doing)
{
	struct job_outcome *outcome = story->outcome;

	outcome->store_error = error;
	explain_storage_error(
		error, doing, outcome->sentence, sizeof outcome->sentence, outcome->remedy, sizeof outcome->remedy);
	return end(story, error == -ECANCELED ? JOB_CANCELLED : JOB_FAILED);
}

void story_ask_consent(struct story *story, enum job_consent consent)
{
	struct job_outcome *outcome = story->outcome;
	char why[sizeof outcome->sentence], remedy[sizeof outcome->remedy];

	outcome->consent = consent;
	memcpy(why, outcome->sentence, sizeof why);
	memcpy(remedy, outcome->remedy, sizeof remedy);
	snprintf(outcome->sentence, sizeof outcome->sentence,
		"%.300s The present state of %.120s cannot be kept, and nothing was changed.", why, outcome->database);
	snprintf(outcome->remedy, sizeof outcome->remedy,
		"%.330s Or ask with --without-safety: what is there now is then lost, and there is no undo.", remedy);
}

enum job_state story_refused(struct story *story, const char *remedy, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(story->outcome->sentence, sizeof story->outcome->sentence, format, arguments);
	va_end(arguments);
	snprintf(story->outcome->remedy, sizeof story->outcome->remedy, "%s", remedy);
	return end(story, JOB_FAILED);
}
