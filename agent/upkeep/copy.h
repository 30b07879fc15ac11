/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot on another volume of the box, whole and proved, with only what is missing written. */
#ifndef AGENT_UPKEEP_COPY_H
#define AGENT_UPKEEP_COPY_H

#include "agent/job/story.h"
#include "agent/upkeep/volumes.h"

/*
 * Copies from whichever volume has it whole. 0 and the result; errors as snapshot_copy, *failed: the volume that the error
 * is of. -ENOENT: no other volume has it.
 */
int copy_snapshot(struct story *story, uint64_t id, const struct job_volume *to, struct copy_result *result,
	const struct volume_config **failed);
/* Every snapshot that the report tells of to the volumes that the configuration says; what goes wrong is noted. */
void copy_after_backup(const struct job_context *context, struct job_report *report);

#endif
