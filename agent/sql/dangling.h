/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows without the row that their foreign key refers to, in what was read loosely: without one moment in common, a
 * parent may have gone, or a child have come, between the reading of their tables.
 *
 * Tables are read parents first. What is remembered of parents is a filter of fixed size a key: whoever is not in it is
 * dangling for certain; a few that are may be missed. Keys with text are not looked at (collations decide what is equal
 * there), nor those of tables that refer to each other in a circle, nor more than DANGLING_KEYS_MAX.
 */
#ifndef AGENT_SQL_DANGLING_H
#define AGENT_SQL_DANGLING_H

#include "agent/sql/catalogue.h"

#define DANGLING_KEYS_MAX 16

struct dangling;

/* Borrows the catalogue. -ENOMEM. */
int dangling_create(struct dangling **dangling, const struct catalogue *catalogue);
void dangling_free(struct dangling *dangling); /* NULL is nothing */

/* The order to read tables in: indices of the catalogue's tables. */
const uint32_t *dangling_order(const struct dangling *dangling);
/* The rows of that table come now, in this layout, which is borrowed until the next call. */
void dangling_table(struct dangling *dangling, uint32_t table, const struct catalogue_layout *layout);
void dangling_row(struct dangling *dangling, const struct value *values);

/* Foreign keys that were looked at; and for the i-th its table, itself, and how many rows dangle. */
size_t dangling_count(const struct dangling *dangling);
uint64_t dangling_rows(const struct dangling *dangling, size_t i, const struct catalogue_table **table,
	const struct catalogue_foreign_key **key);

#endif
