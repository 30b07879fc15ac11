/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a restore has to change: the present state's list of chunks against the wanted snapshot's, table by table.
 *
 * A rows chunk that both lists have is the same rows, since its name is a keyed hash of them. What only the present list
 * has are rows to delete, what only the wanted one has are rows to insert, and all else stays. Where the rows of a table
 * have a unique order, the present chunks are runs of keys in that order, as the server read them under the restore's
 * locks; so a run of chunks that must go is one range of keys, whatever order the wanted list came in.
 *
 * A table is replaced whole where that cannot be done, or does not pay:
 * - no unique key names its rows, or a key column has no exact literal (statement_literal_always);
 * - there is no list of the present state, because no safety snapshot was taken, or a list is longer than
 *   AGENT_PLAN_CHUNKS;
 * - nothing of it stays; or it may be truncated and fewer rows would stay than be deleted: then to empty it and to insert
 *   all rows writes fewer than to delete and insert those that differ. A table that may not be truncated is emptied
 *   row by row, so that ranges never cost more.
 *
 * What the server makes (rowversion) is in the chunks: rows that a restore has inserted differ from the snapshot's for a
 * list, though not for a digest, and are written again if another restore has to change their table.
 *
 * Memory: a name_set of one table at a time, and a few words a table. Functions return 0 or a negative errno of the
 * store; -ECANCELED where the story was told to stop.
 */
#ifndef AGENT_PLAN_H
#define AGENT_PLAN_H

#include "agent/capture.h"
#include "agent/name_set.h"
#include "agent/stored.h"

struct plan_table {
	size_t wanted;    /* which of the wanted snapshot's tables */
	uint32_t present; /* which of the present catalogue's; also its place in capture.tables */
	bool whole;       /* emptied and filled again; else ranges of keys */
	const char *why;  /* it is replaced whole: words for people. NULL by range */
	/* Rows. By range those of chunks that differ. */
	uint64_t deleted, inserted, kept;
};

struct plan {
	const struct job_context *context;
	const struct stored_snapshot *wanted;
	const struct capture *present;
	struct plan_table *tables; /* those that differ, in the order of the wanted snapshot */
	size_t count;
	bool counted;   /* the lists were compared */
	uint64_t *kept; /* per table of the wanted snapshot: rows of the chunks that both lists have */

	/* plan_watcher's: the table that is being read. */
	struct worker_watcher under;
	struct name_set names;
	size_t reading;
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
/* Puts the names of a table's rows chunks into a set, which it opens. -EEXIST: one twice. */
int plan_names(struct name_set *names, struct snapshot_reader *reader, size_t stream);
/* The next entry that is a rows chunk: 1, or 0 at the end. -EBADMSG: no list of a table. */
int plan_next_rows(struct stream_cursor *cursor, struct chunk_entry *entry);

#endif
