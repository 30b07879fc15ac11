/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try to restore one database. restore_run.c, which knows which databases and how often, has the job's story.
 */
#ifndef AGENT_RESTORE_RESTORE_H
#define AGENT_RESTORE_RESTORE_H

#include "agent/job/story.h"

#define RESTORE_UNREAD_MAX 64

/* Tables of a damaged database that a try could not read: the next one replaces them without reading them. */
struct restore_unread {
	const char *names[RESTORE_UNREAD_MAX]; /* "[schema].[table]", in `bytes` */
	size_t count;
	char bytes[RESTORE_UNREAD_MAX][280];
};

/*
 * Fills in the outcome of a story that has begun. JOB_FAILED and JOB_CANCELLED are returned when the server has undone all
 * of it; JOB_OUTCOME_UNKNOWN where nobody could tell.
 *
 * A table that could not be read for physical damage is added to *unread, where there was consent to lose what is in it
 * (request->without_safety) and nothing else stands in the way: the outcome is then JOB_FAILED, *again true, and the
 * restore may be tried anew.
 */
enum job_state restore_once(
	const struct story *story, const struct job_request *request, struct restore_unread *unread, bool *again);

#endif
