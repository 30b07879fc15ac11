/* SPDX-License-Identifier: Apache-2.0 */
/* What restore.c (the story) and restore_present.c (the present state and the plan) share. */
#ifndef AGENT_RESTORE_RESTORE_PRIVATE_H
#define AGENT_RESTORE_RESTORE_PRIVATE_H

#include "agent/job/story.h"
#include "agent/restore/plan.h"
#include "agent/restore/preflight.h"
#include "agent/restore/replay.h"
#include "agent/restore/restore.h"

struct restore {
	struct story story;
	const struct job_request *request;
	struct stored_snapshot wanted;
	struct capture present; /* the state that will be replaced, and its safety snapshot */
	struct worker *worker;
	struct worker_watcher watcher; /* what it feeds changes with the step */
	struct sql_error error;
	struct preflight preflight;
	struct plan plan;
	struct snapshot_reader *safety; /* the present state as it was sealed */
	struct restore_unread *unread;  /* borrowed */
	const char *doing;              /* to the store, where that failed */
	int store_error;
	bool again;     /* a table was added to the unread ones */
	bool no_safety; /* it could not take the safety snapshot */
	bool in_transaction;
	bool changing; /* something was, or may have been, changed in it */
};

/* Remembers that it was the store that failed, and what it was doing; returns the error. */
static inline int restore_store_failed(struct restore *restore, int error, const char *doing)
{
	restore->store_error = error;
	restore->doing = doing;
	return error;
}

/* Same, and it was the safety snapshot that it could not take. */
static inline int restore_safety_failed(struct restore *restore, int error, const char *doing)
{
	restore->no_safety = true;
	return restore_store_failed(restore, error, doing);
}

/* A phase begins when the journal says so, durably: the next start then knows how far it came. */
int restore_enter(struct restore *restore, enum job_phase phase, uint64_t expected);

/*
 * restore_present.c: after the locks. Reads what is there, seals it as the safety snapshot where anything differs, and
 * makes the plan from its list. Nothing has changed on the server when it returns.
 */
int restore_read_present(struct restore *restore);
int restore_plan(struct restore *restore);
/* Whether there is anything to put back: rows, identities, sequences. */
bool restore_differs(const struct restore *restore);
/* A table that cannot be read. */
bool restore_left_unread(const struct restore *restore, const struct catalogue_table *table);

/*
 * restore_end.c: after the last step, with what it returned: has the server undo what was begun, fills in the outcome, and
 * lets go of everything.
 */
enum job_state restore_end(struct restore *restore, int result);

#endif
