/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One column of a chunk, encoded by itself: the form that takes the fewest bytes is chosen by looking at the values
 * alone, so the same values make the same bytes on every machine.
 */
#ifndef AGENT_TABLE_COLUMN_WRITE_H
#define AGENT_TABLE_COLUMN_WRITE_H

#include "agent/table/row_buffer.h"

/* What a column can be written beside, and how it would be. */
struct beside {
	struct cell *near;  /* of each row the value of the column that is copied from; NULL where it has none inside */
	size_t near_column; /* the one of the columns so far that has most bytes */
	size_t near_bytes;  /* 0: there is none */
	struct cell *cells; /* of the present values what is kept of them, in `kept` */
	uint8_t *kept, *steps;
	size_t kept_size, steps_size, room; /* room of each */
	uint32_t *places;
};

/* Working memory for columns of at most max_rows values; filled in by each call. */
struct column_writer {
	struct cell *cells; /* in: one a row. Present ones move to the front */
	size_t rows;
	size_t present;    /* values that are in the section itself */
	int64_t *integers; /* of the present values */
	uint8_t *indexes;  /* of the present values in `table` */
	uint16_t *slots;   /* hash table over `table`: index + 1 */
	const struct cell **table;
	size_t table_size;
	struct cell *large; /* values that left the row */
	size_t large_count;
	struct beside beside;
	size_t column, back; /* the one that is being written, and how many columns before is that which it is beside */
	bool second;         /* a section of this chunk is as only the second format has it */
};

/* Columns of a chunk have at most max_bytes together. */
int column_writer_create(struct column_writer *writer, size_t max_rows, size_t max_bytes);
void column_writer_free(struct column_writer *writer);

/* Begins a chunk. */
void column_writer_start(struct column_writer *writer, size_t rows);
/* Writes the section of the next column, whose values are in writer->cells. Returns its end. */
uint8_t *column_write(struct column_writer *writer, const struct column_plan *plan, uint8_t *out);

/* column_table.c: finds the distinct values. False where there are more than a table holds. */
bool column_table_find(struct column_writer *writer);
/* Bytes of FORM_TABLE, and writing it. */
size_t column_table_bytes(const struct column_writer *writer, const struct column_plan *plan);
uint8_t *column_table_write(const struct column_writer *writer, const struct column_plan *plan, uint8_t *out);

/* column_beside.c: splits the present values into copies of `near` and what is kept. False where it is not worth it. */
bool column_beside_split(struct column_writer *writer);
/* What is kept becomes the cells, or they the cells again. */
void column_beside_swap(struct column_writer *writer);
/* Later columns may copy from this one, if it has more bytes than those before it. */
void column_beside_offer(struct column_writer *writer);
int column_beside_create(struct beside *beside, size_t max_rows, size_t max_bytes);
void column_beside_free(struct beside *beside);

/* column_integers.c: FORM_DELTAS and FORM_OFFSETS. */
struct integer_form {
	size_t bytes;
	unsigned int width; /* bytes of each number in planes; 0: varints */
};
struct integer_forms {
	uint64_t unit; /* divides all differences */
	int64_t smallest;
	struct integer_form deltas, offsets;
};
/* False where not every value is an integer. */
bool column_integers_find(struct column_writer *writer, const struct column_plan *plan, struct integer_forms *forms);
uint8_t *column_integers_write(
	const struct column_writer *writer, const struct integer_forms *forms, enum section_form form, uint8_t *out);

#endif
