/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore has to change: the present state's list of chunks against the wanted snapshot's, table by table.
 *
 * A rows chunk that both lists have is the same rows, since its name is a keyed hash of them. Between such chunks rows
 * are compared by their digests (row_diff.h). What only the present list has is deleted, what only the wanted one has is
 * inserted, and all else stays. Where the rows of a table have a unique order, the present list is in that order, as the
 * server read it under the restore's locks; so rows one after the other that must go are one range of keys.
 *
 * A range is a statement, which costs a server more than a row. Where a table would need many, and whole chunks come
 * cheaper, its chunks are deleted and inserted as they are, and rows go and come back with those that differ.
 *
 * A table is replaced whole where ranges cannot be, or do not pay:
 * - no unique key names its rows, or a key column has no exact literal (statement_literal_always);
 * - there is no list of the present state, because no safety snapshot was taken, or a list is longer than
 *   AGENT_PLAN_CHUNKS, or the two come in different orders;
 * - nothing of it stays; or it may be truncated and fewer rows would stay than be deleted: then to empty it and to insert
 *   all rows writes fewer than to delete and insert those that differ. A table that may not be truncated is emptied
 *   row by row, so that ranges never cost more.
 *
 * What the server makes (rowversion) is in the chunks, but in no digest: rows that a restore has inserted differ from the
 * snapshot's for a list of chunks, and stay all the same.
 *
 * Memory: one row_diff, and a few words a table. Functions return 0 or a negative errno of the store; -ECANCELED where
 * the story was told to stop.
 */
#ifndef AGENT_RESTORE_PLAN_H
#define AGENT_RESTORE_PLAN_H

#include "agent/snapshot/capture.h"
#include "agent/snapshot/row_diff.h"
#include "agent/snapshot/stored.h"

struct plan_table {
	size_t wanted;    /* which of the wanted snapshot's tables */
	uint32_t present; /* which of the present catalogue's; also its place in capture.tables */
	bool whole;       /* emptied and filled again; else ranges of keys */
	bool by_rows;     /* ranges are of rows that differ; else of chunks that do */
	const char *why;  /* it is replaced whole: words for people. NULL by range */
	uint64_t deleted, inserted, kept;
};

/* What both lists of a table have: rows; and the ranges that the rest of the present list is. */
struct plan_kept {
	uint64_t in_chunks, chunk_ranges; /* in chunks that both have */
	uint64_t in_rows, row_ranges;     /* in others */
	bool disordered;                  /* the two come in different orders: nothing else counts */
};

struct plan {
	const struct job_context *context;
	const struct stored_snapshot *wanted;
	const struct capture *present;
	struct plan_table *tables; /* those that differ, in the order of the wanted snapshot */
	size_t count;
	bool counted;           /* the lists were compared */
	struct plan_kept *kept; /* per table of the wanted snapshot */

	/* plan_watcher's: the table that is being read. */
	struct worker_watcher under;
	struct catalogue_layout layout;
	struct row_diff diff;
	size_t reading; /* SIZE_MAX: none, or one that is replaced whole whatever comes */
};

/* Borrows all three until plan_close; `present` may be filled in later. */
int plan_open(struct plan *plan, const struct job_context *context, const struct stored_snapshot *wanted,
	const struct capture *present);
void plan_close(struct plan *plan);

/*
 * For a what-if, which stores nothing: watches a reading with chunks, hands everything on to `under`, and compares the
 * names that the chunks would have.
 */
struct worker_watcher plan_watcher(struct plan *plan, const struct worker_watcher *under);

/* After the present state was read: which tables differ. -EPROTO: one of the snapshot was not read. */
int plan_compare(struct plan *plan);
/* Compares the lists of the tables that differ: `safety` is the present state. Not after a plan_watcher. */
int plan_count(struct plan *plan, struct snapshot_reader *safety);
/* Whether an identity or a sequence stands elsewhere than in the snapshot: a restore puts those back, too. */
bool plan_values_differ(const struct plan *plan);
/* How each is changed, and how many rows that are. */
void plan_decide(struct plan *plan);

/* Why a table of the snapshot could not be changed by range, whatever the lists say; NULL: nothing forbids it. */
const char *plan_why_whole(const struct plan *plan, size_t wanted, const struct catalogue_table *present);
/*
 * Opens the comparison of a table with the safety snapshot, or, where that is NULL, with chunks that will be told. The
 * layout is borrowed.
 */
int plan_diff(const struct plan *plan, const struct plan_table *table, struct snapshot_reader *safety,
	const struct layout *layout, struct row_diff *diff);
/* What was found in a hunk, after its last row_diff_wanted. */
void plan_count_hunk(struct plan_kept *kept, const struct row_diff *diff);

#endif
