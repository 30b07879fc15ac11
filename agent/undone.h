/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the server undone a restore that was broken off? Only the server knows, and the application lock of the restore,
 * which ends with its transaction, tells on another connection.
 */
#ifndef AGENT_UNDONE_H
#define AGENT_UNDONE_H

#include "agent/story.h"

/*
 * Connects anew and takes that lock. 0: all is undone. SQL_ERROR_BUSY: not yet, which comes only where it was not told
 * to be patient; any other error: the server could not be asked. A cancel does not stop it.
 */
int undone_await(struct story *story, bool patient, struct sql_error *error);

/* The ending for the latter two: the story's own ending, as it stands, and that the undo is not known to be over. */
enum job_state undone_unknown(struct story *story, const struct sql_error *error);

#endif
