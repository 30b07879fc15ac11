/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stories have in common: phases, endings, sentences.
 */
#ifndef AGENT_JOB_STORY_H
#define AGENT_JOB_STORY_H

#include "agent/config/config.h"
#include "agent/job/job.h"

/* One database of a job, on its way. */
struct story {
	const struct job_context *context;
	const struct server_config *server;
	struct job_report *report;
	struct job_outcome *outcome;
	struct job_progress progress;
	int64_t started_ms;
};

void story_begin(struct story *story, const struct job_context *context, const struct server_config *server,
	const char *database, struct job_report *report);
/* Reports a new phase; expected is its number of rows, 0 where nobody knows. */
void story_phase(struct story *story, enum job_phase phase, uint64_t expected);
/* Counts rows of this phase, reporting a few times a second. */
void story_rows(struct story *story, uint64_t rows);
bool story_stop(const struct story *story);

/* Endings: each sets the outcome's state, sentence and remedy, and its duration. */
enum job_state story_done(struct story *story, const char *format, ...) __attribute__((format(printf, 2, 3)));
enum job_state story_sql_failed(struct story *story, const struct sql_error *error);
enum job_state story_store_failed(struct story *story, int error, const char *doing);
/* The safety snapshot could not be taken: why, and what consent would let go on without it. */
enum job_state story_no_safety(struct story *story, int error, const char *doing);
/* Adds to an ending that nothing was changed, since the present state cannot be kept or read, and who may go on so. */
void story_ask_consent(struct story *story, enum job_consent consent);
enum job_state story_refused(struct story *story, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* "1 234 567" and "12.3 MB", for sentences. */
const char *story_count(uint64_t number, char text[32]);
const char *story_size(uint64_t bytes, char text[32]);

#endif
