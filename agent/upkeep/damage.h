/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking for damage in snapshots, and saying what it hits.
 */
#ifndef AGENT_UPKEEP_DAMAGE_H
#define AGENT_UPKEEP_DAMAGE_H

#include "agent/job/job.h"

/*
 * Checks one snapshot (0: all), every byte of it where `data` is set. 0; -EBADMSG where something is damaged: notes name
 * snapshots and tables that are hit, and for one snapshot the newest other of the same database that is whole;
 * -ECANCELED as asked. One that is found damaged is marked so; one of which every byte is whole is not any more.
 */
int damage_check(const struct job_context *context, uint64_t id, bool data, struct job_report *report);

/*
 * After damage was met: marks every snapshot that it reaches, and takes *verified* from it. Notes say for each database
 * which snapshots and tables are hit, how many are whole, and the newest of them. 0, -ECANCELED or an error of the store.
 */
int damage_survey(const struct job_context *context, struct job_report *report);

#endif
