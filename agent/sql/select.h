/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a table is read without loss: character data as its bytes, so that nothing is converted; sql_variant with the
 * properties that make it whole again; (max) values up to a limit, and only the size of longer ones.
 *
 * The first column_count results of a row are the values of the layout; what else is needed comes after them.
 */
#ifndef AGENT_SQL_SELECT_H
#define AGENT_SQL_SELECT_H

#include "agent/sql/statement.h"

#define SELECT_COLUMNS_MAX 4096 /* SQL Server's limit of a select list */

/* Results of a sql_variant beside its bytes, in this order from select_plan.extra[column] on. */
enum select_variant {
	VARIANT_BASE,
	VARIANT_PRECISION,
	VARIANT_SCALE,
	VARIANT_MAX_LENGTH,
	VARIANT_COLLATION,
	VARIANT_MOMENT,
	VARIANT_DATETIME,
	VARIANT_EXTRAS,
};

struct select_plan {
	const struct catalogue_table *table;
	const struct catalogue_layout *layout;
	uint64_t value_limit; /* bytes of a (max) value that is read as one */
	size_t result_count;  /* columns of the result */
	size_t *extra;        /* per column of the layout: its first extra result, 0 where it has none */
	size_t large_count;   /* columns that may be large */
};

/* Borrows table and layout. limit_kib is divided among the (max) columns. -E2BIG: more than SELECT_COLUMNS_MAX. */
int select_plan(struct select_plan *plan, const struct catalogue_table *table, const struct catalogue_layout *layout,
	uint32_t limit_kib);
void select_plan_free(struct select_plan *plan);

/* True for a column whose values may be longer than the limit. */
bool select_is_large(const struct catalogue_column *column);

/* "SELECT ... FROM [s].[t]". */
void select_rows(struct statement *statement, const struct select_plan *plan);
/* "SELECT SUBSTRING(..., offset + 1, size) FROM [s].[t]": bytes of one value. */
void select_piece(
	struct statement *statement, const struct select_plan *plan, size_t column, uint64_t offset, uint64_t size);

#endif
