/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table's change, as it was planned: rows that go (clear.c), then the snapshot's rows that are not there (replay.c).
 * All deletions of a table come before its first insertion, so that no key is there twice. Each compares the two lists
 * anew, as the plan did: nothing that grows with a table is kept in between.
 *
 * Functions return 0; a worker's failure with *error filled in; a store's failure with error->kind SQL_OK.
 */
#ifndef AGENT_RESTORE_REPLAY_H
#define AGENT_RESTORE_REPLAY_H

#include "agent/job/story.h"
#include "agent/restore/plan.h"
#include "agent/sql/worker.h"

/* Borrowed for the call, but for what is said to be owned. */
struct replay {
	struct story *story;
	struct worker *worker;
	const struct plan *plan;
	const struct plan_table *table;
	struct snapshot_reader *safety; /* the present state; NULL where the table is replaced whole */
	uint8_t *buffer;                /* CHUNK_SIZE_MAX bytes */
	struct sql_error *error;

	/* Of replay_table. */
	struct catalogue_layout layout;
	bool whole;                 /* planned so, or found to be the only way */
	uint64_t deleted, inserted; /* as the server counted */
};

/*
 * Deletes and inserts what the plan says, between worker_prepare and worker_put_back. Each rows chunk is sent before the
 * value chunks that it takes from the queue (table/FORMAT.md), so that the worker can stream a large value and need not
 * hold it. Of a chunk some of whose rows are there already, a chunk of the others is made. Memory: a row_diff, a
 * rowgroup_writer, some keys, one chunk.
 */
int replay_table(struct replay *replay);

/* clear.c: the table's rows that must go, by ranges or all; for replay_table. */
int clear_table(struct replay *replay);

#endif
