/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One try to restore one database. restore_run.c, which knows which databases and how often, has the job's story.
 */
#ifndef AGENT_RESTORE_H
#define AGENT_RESTORE_H

#include "agent/story.h"

/*
 * Fills in the outcome of a story that has begun. JOB_FAILED and JOB_CANCELLED are returned when the server has undone all
 * of it; JOB_OUTCOME_UNKNOWN where nobody could tell.
 */
enum job_state restore_once(const struct story *story, const struct job_request *request);

#endif
