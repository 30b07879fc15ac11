/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing what retention lets go of: each snapshot with a record in the audit log before, and a note in the report.
 * What cannot be recorded is not removed.
 */
#ifndef AGENT_UPKEEP_PRUNE_H
#define AGENT_UPKEEP_PRUNE_H

#include "agent/job/job.h"

/* At the end of a backup: notes only. */
void prune_after_backup(const struct job_context *context, struct job_report *report);
/*
 * Before a backup: nothing, unless the volume is nearly full (room.h). Notes what was given back, and where there is
 * still no room for a whole new copy of the largest database.
 */
void prune_if_nearly_full(const struct job_context *context, struct job_report *report);
/* What retention lets go of, and what cleaning may give back today. */
void prune_make_room(const struct job_context *context, struct job_report *report);

#endif
