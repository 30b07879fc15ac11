/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving back the space of snapshots that are gone. What it may copy in a box day is limited, over restarts too, unless a
 * person asks; it stops for any other job within one segment.
 */
#ifndef AGENT_UPKEEP_CLEAN_H
#define AGENT_UPKEEP_CLEAN_H

#include "agent/job/job.h"
#include "storage/repository.h"

/* Within what may be copied today. As repository_compact. */
int clean_within_day(const struct job_context *context, struct compact_result *result);

#endif
