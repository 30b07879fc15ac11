/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What identity columns and sequences give next: the arithmetic that backup and restore share. Values are decimal(38, 0)
 * at most, and 128 bits hold them.
 */
#ifndef AGENT_SQL_NEXT_VALUE_H
#define AGENT_SQL_NEXT_VALUE_H

#include "agent/sql/catalogue.h"

typedef __int128 wide;

#define WIDE_DIGITS 42

wide wide_parse(const char *digits);
/* Returns a place in text. */
const char *wide_print(wide number, char text[WIDE_DIGITS]);

/* NULL where the table has none. */
const struct catalogue_column *identity_column(const struct catalogue_table *table);

/*
 * What the next row gets, as far as the catalogue tells: the value after `last` (NULL: never used), and never one that
 * the rows already go beyond: `furthest` is the largest value among them, or the smallest where the increment is
 * negative (NULL: no rows, or nobody looked). SQL Server does not tell whether a column that was never used was reseeded.
 */
wide identity_next(const struct catalogue_column *column, const char *last, const char *furthest);

/* What NEXT VALUE FOR gives. False where the sequence is at its end and does not cycle. */
bool sequence_next(const struct catalogue_sequence *sequence, int32_t server_major, wide *next);
/* Whether `present` need not be touched to go on as `wanted` would have: it may give up a value, and gives none twice. */
bool sequence_goes_on(const struct catalogue_sequence *wanted, int32_t wanted_major,
	const struct catalogue_sequence *present, int32_t present_major);
/* The sequence of that schema and name; NULL. */
const struct catalogue_sequence *sequence_find(
	const struct catalogue *catalogue, const struct catalogue_sequence *like);

/*
 * Whether an identity column, or any sequence of `wanted`, would go on with another value than in `present`. What cannot
 * be put back, such as a sequence that was at its end or is gone, does not count.
 */
bool identity_differs(const struct catalogue_table *wanted, const struct catalogue_table *present);
bool sequences_differ(const struct catalogue *wanted, const struct catalogue *present);

#endif
