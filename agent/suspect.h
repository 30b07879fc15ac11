/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nights that depart from their history: what is backed up after somebody has encrypted, emptied or swapped a database
 * must not push out what was there before. A suspect snapshot is kept and can be restored by name; it counts for no
 * retention, holds the good ones before it, and is never taken unasked, until a person accepts it.
 *
 * Each night is compared with the newest good one before it. What changes by less than the limits each night is not seen.
 */
#ifndef AGENT_SUSPECT_H
#define AGENT_SUSPECT_H

#include "agent/config.h"
#include "agent/snapshot_about.h"

/* What a night is judged by: of its about record, and its bytes before compression. */
struct night {
	const struct snapshot_about *about;
	uint64_t bytes;
};

/* True, and why as the end of a sentence, where `now` departs from `before`. */
bool suspect_judge(
	const struct suspect_policy *policy, const struct night *before, const struct night *now, char *why, size_t size);

/* Looks for the night before in the repository. Fills in about->ratio. Where there is none, nothing is suspect. */
bool suspect_look(const struct job_context *context, const char *subject, struct snapshot_about *about, uint64_t bytes,
	char *why, size_t size);

#endif
