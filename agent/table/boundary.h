/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where rows are cut: a pure function of what is known of each row of the present run.
 *
 * A run is closed by a rare row once it is long enough, in rows and in bytes, and by its limits; it is left open where a
 * group ends that ends its run, or by the end of the table. At a limit the run ends after the row with the smallest hash
 * in its second half: rows that were inserted or removed before seldom move that row, so the cuts meet again at once.
 *
 * Whether a group ends its run is a matter of that group alone. A long one does. Of short ones some do, as the hash of
 * their leading value says, the more seldom the shorter they are, so that runs come out about as long as they should be;
 * and a group that is lost, or new, moves no cut but its own.
 */
#ifndef AGENT_TABLE_BOUNDARY_H
#define AGENT_TABLE_BOUNDARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/table/rowgroup.h"

/* What boundaries need to know of a row. */
struct row_mark {
	uint64_t hash;
	uint32_t end;  /* of its bytes in the run */
	bool ends_run; /* the run before it: its leading key value is another, and boundary_group_ends said so */
};

struct boundary_rule {
	uint64_t rare, frequent;   /* a hash at most this high is rare, frequent */
	size_t min_run, min_piece; /* rows before a boundary counts; of a group that always ends its run */
	size_t least_bytes;        /* and bytes */
	size_t max_rows;
	size_t max_bytes;
};

void boundary_rule_init(struct boundary_rule *rule, const struct rowgroup_params *params, size_t max_bytes);

/* All rows of one leading key value, wherever they were cut. */
struct row_group {
	uint64_t hash; /* of the leading value */
	uint64_t rows, bytes;
};

bool boundary_group_ends(const struct boundary_rule *rule, const struct row_group *group);

enum cut {
	CUT_NONE,   /* the run goes on */
	CUT_CLOSED, /* the first *rows rows are one chunk */
	CUT_OPEN,   /* the first *rows rows are the open end of a group: see boundary_piece */
};

/*
 * What the last of `count` rows decides; no row before it decided anything. Rows after *rows begin the next run, in
 * which again only the last can decide something: what was no boundary in a long run is none in a shorter one.
 */
enum cut boundary_check(const struct boundary_rule *rule, const struct row_mark *marks, size_t count, size_t *rows);

/*
 * How many of `count` rows, the rest of an open end, are its next piece. Pieces become shorter towards the end: each
 * ends at the first boundary of the rarest scale that has one ahead, so that rows that are appended rewrite only what
 * is as new as they are. The rest starts at byte `start` of the run. *scale starts as rule->rare and is kept from piece
 * to piece.
 */
size_t boundary_piece(
	const struct boundary_rule *rule, const struct row_mark *marks, size_t count, size_t start, uint64_t *scale);

#endif
