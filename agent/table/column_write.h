/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One column of a chunk, encoded by itself: the form that takes the fewest bytes is chosen by looking at the values
 * alone, so the same values make the same bytes on every machine.
 */
#ifndef AGENT_TABLE_COLUMN_WRITE_H
#define AGENT_TABLE_COLUMN_WRITE_H

#include "agent/table/row_buffer.h"

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
};

int column_writer_create(struct column_writer *writer, size_t max_rows);
void column_writer_free(struct column_writer *writer);

/* Writes the section of a column, whose values are in writer->cells. Returns its end. */
uint8_t *column_write(struct column_writer *writer, const struct column_plan *plan, uint8_t *out);

/* column_table.c: finds the distinct values. False where there are more than a table holds. */
bool column_table_find(struct column_writer *writer);
/* Bytes of FORM_TABLE, and writing it. */
size_t column_table_bytes(const struct column_writer *writer, const struct column_plan *plan);
uint8_t *column_table_write(const struct column_writer *writer, const struct column_plan *plan, uint8_t *out);

/* column_integers.c: FORM_DELTAS and FORM_OFFSETS. */
struct integer_forms {
	uint64_t unit; /* divides all differences */
	int64_t smallest;
	size_t deltas, offsets; /* bytes of each form */
};
/* False where not every value is an integer. */
bool column_integers_find(struct column_writer *writer, const struct column_plan *plan, struct integer_forms *forms);
uint8_t *column_integers_write(
	const struct column_writer *writer, const struct integer_forms *forms, enum section_form form, uint8_t *out);

#endif
