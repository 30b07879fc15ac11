/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lists of chunks of one table, side by side: which rows does only one of them have?
 *
 * A rows chunk that both have is the same rows. Between two such chunks each list has a run of chunks of its own, and
 * these two runs are a hunk. Where rows come in one order on both sides, a row that both have and no common chunk holds
 * is in the two runs of one hunk. So a hunk is compared by the digests of its rows (table/FORMAT.md): those of the
 * present run are held, those of the wanted run take them. What a digest leaves out, a restore cannot write.
 *
 * A present run of more than AGENT_PLAN_ROWS rows is not looked into: none of its rows counts as common.
 *
 * One way to use it: row_diff_hunk, then row_diff_wanted until 0, and again. Another, for a present list that comes by
 * as it is read from the server, is at the end. Memory: the wanted list's names, AGENT_PLAN_ROWS digests, one chunk.
 *
 * Functions return 0 or a negative errno of the store. -EEXIST: the wanted list has a chunk twice. -EILSEQ: the lists
 * come in different orders.
 */
#ifndef AGENT_SNAPSHOT_ROW_DIFF_H
#define AGENT_SNAPSHOT_ROW_DIFF_H

#include "agent/snapshot/name_set.h"
#include "agent/snapshot/row_set.h"
#include "agent/table/rowgroup.h"
#include "storage/repository.h"

struct row_diff {
	struct repository *repository;
	const struct layout *layout;
	const struct rowgroup_params *params;
	uint64_t limit; /* AGENT_PLAN_ROWS, or less where somebody says so before the first hunk: 0 looks into none */

	struct name_set names; /* of the wanted rows chunks */
	struct stream_cursor *present, *wanted;
	struct rowgroup_value *values; /* of one row */
	uint8_t *buffer;               /* CHUNK_SIZE_MAX bytes: the chunk that was read last */

	/* The hunk: its present run ... */
	uint64_t present_chunks, present_rows;
	struct row_set rows; /* after row_diff_wanted returned 0: taken are those that the wanted run has, too ... */
	uint64_t both;       /* ... which are so many */
	/* ... the common chunk that ends it; count 0: the lists end here ... */
	struct chunk_entry common;
	bool at_end;
	/* ... and the wanted chunk that row_diff_wanted gave. */
	bool *there; /* per row: the present run has it, too; only where there_count is not 0 */
	uint32_t there_count;
};

/* The table's streams in two snapshots. `present` may be NULL where its chunks will be told. */
struct row_diff_lists {
	struct snapshot_reader *present, *wanted;
	size_t present_stream, wanted_stream;
};

/* Borrows layout, params and readers until row_diff_close. */
int row_diff_open(struct row_diff *diff, struct repository *repository, const struct row_diff_lists *lists,
	const struct layout *layout, const struct rowgroup_params *params);
void row_diff_close(struct row_diff *diff);

/* Reads the present run of the next hunk, which may be empty: 1, or 0 where both lists are at their end. */
int row_diff_hunk(struct row_diff *diff);
/*
 * The next chunk of the wanted run: 1, or 0 where the common chunk comes. Its bytes are in the buffer only where
 * there_count is not 0.
 */
int row_diff_wanted(struct row_diff *diff, struct chunk_entry *entry);
/* How many ranges of keys the rows of the present run are that the wanted one does not have. */
uint64_t row_diff_ranges(const struct row_diff *diff);

/* ---- a present list that is told ---- */

/* Before the first chunk, and after each common one. */
void row_diff_begin(struct row_diff *diff);
/* True where it is common: then row_diff_wanted until 0. */
bool row_diff_is_common(struct row_diff *diff, const struct chunk_entry *entry);
/* Another chunk of the present run. After the last one of the table: row_diff_wanted until 0. */
int row_diff_add(struct row_diff *diff, const struct chunk_entry *entry, const void *bytes);

/* ---- lists ---- */

/* The next entry that is a rows chunk: 1, or 0 at the end. -EBADMSG: no list of a table. */
int row_diff_next_rows(struct stream_cursor *cursor, struct chunk_entry *entry);

#endif
