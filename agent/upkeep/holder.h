/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which volume may be the only holder of a snapshot: one that promises durability, or one whose owner accepts the risk.
 */
#ifndef AGENT_UPKEEP_HOLDER_H
#define AGENT_UPKEEP_HOLDER_H

#include "agent/job/job.h"

/*
 * Before a snapshot of this database is made on the context's volume. -EMEDIUMTYPE: it holds copies only. Where the risk
 * was accepted the report notes it. A context without a volume is content.
 */
int holder_check(const struct job_context *context, const char *database, struct job_report *report);

#endif
