/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which snapshots stay: what a person decides of one of them. The story of pin, unpin,
 * remove and accept.
 */
#ifndef AGENT_UPKEEP_KEEP_H
#define AGENT_UPKEEP_KEEP_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/job/job.h"
#include "storage/repository.h"

/*
 * True where a database would be left without a good backup: none that is not suspect, or, if this one was verified,
 * none that was. A safety snapshot or a suspect one is never the last good one.
 */
bool keep_is_last_good(const struct snapshot_info *list, size_t count, const struct snapshot_info *snapshot);

/*
 * A backup of `subject` did not fit. Notes say how much is free, how much its last backup took, and which snapshots could
 * go by hand, those first that added most.
 */
void keep_tell_full(const struct job_context *context, const char *subject, struct job_report *report);

#endif
