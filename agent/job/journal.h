/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the engine writes down before each phase of a job, as a block (block.h), so that the next start can say what is
 * true after a power cut.
 */
#ifndef AGENT_JOB_JOURNAL_H
#define AGENT_JOB_JOURNAL_H

#include "agent/base/block.h"
#include "agent/job/job.h"

struct journal {
	uint64_t job; /* the last id that was given */
	bool running; /* false: only `job` counts */
	struct job_request request;
	enum job_phase phase;
	struct job_outcome outcome; /* server, database, snapshot, safety */
	int64_t asked, began;
	uint64_t sequence; /* of the newest snapshot when the job began: later ones are its own */
};

/* 0, or -EMSGSIZE. */
int journal_encode(const struct journal *journal, struct block *block);
/* -EBADMSG: it is none. */
int journal_decode(struct journal *journal, const void *bytes, size_t size);

#endif
