/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the present run, one after the other in one block of memory, until it is known where they are cut.
 *
 * A value of one width is a byte (0: NULL) and its bytes; another value is a varint of size and state, then its bytes:
 * UTF-8 where UTF-16 is well formed, so that a limit of bytes means what will be stored.
 */
#ifndef AGENT_TABLE_ROW_BUFFER_H
#define AGENT_TABLE_ROW_BUFFER_H

#include "agent/table/boundary.h"
#include "agent/table/large.h"

/* One value of a column, as it lies in the buffer. */
struct cell {
	const uint8_t *bytes;
	uint32_t size;
	uint32_t row; /* of those that are written together, from 0 */
	enum cell_state { CELL_NULL = 0, CELL_BYTES = 1, CELL_UTF8 = 2, CELL_LARGE = 3 } state;
};

#define CELL_LARGE_SIZE 24 /* a struct large_ref: size, hash */

struct row_digest {
	uint8_t bytes[16];
};

struct row_buffer {
	const struct column_plan *plans;
	size_t column_count;
	size_t row_max, run_max; /* bytes of a row, and of all rows but the last */
	uint8_t *bytes;
	struct row_mark *marks;
	struct row_digest *digests;
	uint32_t *cursors; /* where the next column of each row starts, while columns are read */
	size_t used, count;
};

/* Holds at most max_rows + 1 rows. */
int row_buffer_create(struct row_buffer *buffer, const struct column_plan *plans, const struct layout *layout,
	const struct rowgroup_params *params);
void row_buffer_free(struct row_buffer *buffer);

/*
 * Appends a row; the caller fills in its digest and the rest of its mark. What `large` handed out is written as a
 * reference. -E2BIG: the row is longer than row_max; nothing has changed. -EINVAL: a size that the type
 * does not have.
 */
int row_buffer_append(struct row_buffer *buffer, const struct value *values, const struct large_values *large);
/* Bytes that a value takes in a row. */
size_t row_buffer_measure(const struct column_plan *plan, const struct value *value);
/* Drops the first `rows` rows. */
void row_buffer_drop(struct row_buffer *buffer, size_t rows);

/* Goes back to the first column of each of the rows from `first` on. */
void row_buffer_rewind(struct row_buffer *buffer, size_t first, size_t rows);
/* The next column of the same rows. */
void row_buffer_column(
	struct row_buffer *buffer, const struct column_plan *plan, size_t first, size_t rows, struct cell *cells);
struct large_ref row_buffer_large(const struct cell *cell);

#endif
