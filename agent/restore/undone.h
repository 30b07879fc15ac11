/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the server undone a restore that was broken off? Only the server knows, and the application lock of the restore,
 * which ends with its transaction, tells on another connection. An undo gives back rows, not what identity columns go on
 * from: those are put back here, and what only the restore needed goes.
 */
#ifndef AGENT_RESTORE_UNDONE_H
#define AGENT_RESTORE_UNDONE_H

#include "agent/job/story.h"

/* The encoded catalogue of the database as it was before the restore; NULL where nobody knows it. */
struct undone_values {
	const void *catalogue;
	size_t size;
};

/*
 * Connects anew and takes that lock. 0: all is undone. SQL_ERROR_BUSY: not yet, which comes only where it was not told
 * to be patient; any other error: the server could not be asked. A cancel does not stop it. Identity values that the
 * restore has moved are put back then; those that cannot be are notes.
 */
int undone_await(struct story *story, const struct undone_values *before, bool patient, struct sql_error *error);

/* The ending for the latter two: the story's own ending, as it stands, and that the undo is not known to be over. */
enum job_state undone_unknown(struct story *story, const struct sql_error *error);

/* Removes the safety snapshot of a restore that has changed nothing, if it took one: it is what the database is. */
void undone_drop_safety(struct story *story);

#endif
