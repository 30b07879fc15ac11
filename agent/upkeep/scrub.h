/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The background scrub: a part of the store each day, so that all of it is read twice in scrub_days. Where it has got to
 * is kept on the volume. What it finds damaged is no longer built upon, and takes *verified* from the snapshots that need
 * it; a walk that ends gives it to those that are whole.
 */
#ifndef AGENT_UPKEEP_SCRUB_H
#define AGENT_UPKEEP_SCRUB_H

#include <stdint.h>

#include "agent/job/job.h"
#include "storage/repository.h"

/* How far it is, as kept. */
struct scrub_state {
	uint64_t position;  /* number of the segment that was read last; 0: at the beginning */
	int64_t began;      /* box time when this walk began */
	int64_t last_began; /* box time when the last whole walk began; -1: there was none */
};

/* Where nothing is kept or what is kept makes no sense, it begins anew. */
void scrub_load(struct repository *repository, struct scrub_state *state);

/* Tells the repository whether all that a backup may reuse was read within the last scrub_days. */
void scrub_tell(const struct job_context *context);

#endif
