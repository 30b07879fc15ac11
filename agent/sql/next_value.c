/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/next_value.h"

#include <string.h>

wide wide_parse(const char *digits)
{
	bool negative = *digits == '-';
	wide number = 0;

	for (digits += negative; *digits >= '0' && *digits <= '9'; digits++)
		number = number * 10 + (*digits - '0');
	return negative ? -number : number;
}

const char *wide_print(wide number, char text[WIDE_DIGITS])
{
	bool negative = number < 0;
	char *at = text + WIDE_DIGITS;

	*--at = 0;
	do {
		int digit = (int)(number % 10);
		*--at = (char)('0' + (digit < 0 ? -digit : digit));
		number /= 10;
	} while (number);
	if (negative)
		*--at = '-';
	return at;
}

/* ---- identity ---- */

const struct catalogue_column *identity_column(const struct catalogue_table *table)
{
	for (uint32_t i = 0; i < table->column_count; i++)
		if (table->columns[i].identity)
			return &table->columns[i];
	return NULL;
}

wide identity_next(const struct catalogue_column *column, const char *last, const char *furthest)
{
	wide increment = wide_parse(column->identity_increment);
	wide from = last ? wide_parse(last) : 0;

	if (!last && !furthest)
		return wide_parse(column->identity_seed);
	if (furthest) {
		wide reached = wide_parse(furthest);
		if (!last || (increment < 0 ? reached < from : reached > from))
			from = reached;
	}
	return from + increment;
}

/* ---- sequences ---- */

enum use { UNUSED, USED, EITHER };

/*
 * current_value is the last value given, or, before the first one and after a RESTART, the first to be given: then
 * start_value is the same, which RESTART WITH changes, too. Since 2017 last_used_value parts the two; before, nobody can.
 */
static enum use sequence_use(const struct catalogue_sequence *sequence, int32_t server_major)
{
	if (strcmp(sequence->current, sequence->start) != 0)
		return USED;
	if (sequence->last_used && !strcmp(sequence->last_used, sequence->current))
		return USED;
	return server_major >= 14 && !sequence->last_used ? UNUSED : EITHER;
}

bool sequence_next(const struct catalogue_sequence *sequence, int32_t server_major, wide *next)
{
	wide increment = wide_parse(sequence->increment), current = wide_parse(sequence->current);

	/* Where nobody tells: better one value lost than one given twice. */
	*next = sequence_use(sequence, server_major) == UNUSED ? current : current + increment;
	if (increment > 0 ? *next <= wide_parse(sequence->maximum) : *next >= wide_parse(sequence->minimum))
		return true;
	*next = increment > 0 ? wide_parse(sequence->minimum) : wide_parse(sequence->maximum);
	return sequence->cycling;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

bool sequence_goes_on(const struct catalogue_sequence *wanted, int32_t wanted_major,
	const struct catalogue_sequence *present, int32_t present_major)
{
	wide next, next_now;

	if (!strcmp(wanted->current, present->current) && !strcmp(wanted->start, present->start) &&
		same_text(wanted->last_used, present->last_used))
		return true;
	if (!sequence_next(wanted, wanted_major, &next) || !sequence_next(present, present_major, &next_now))
		return false;
	return next_now == next || (sequence_use(present, present_major) == EITHER && wide_parse(present->current) == next);
}

const struct catalogue_sequence *sequence_find(const struct catalogue *catalogue, const struct catalogue_sequence *like)
{
	for (uint32_t i = 0; i < catalogue->sequence_count; i++)
		if (!strcmp(catalogue->sequences[i].schema, like->schema) && !strcmp(catalogue->sequences[i].name, like->name))
			return &catalogue->sequences[i];
	return NULL;
}

/* ---- all of them ---- */

bool identity_differs(const struct catalogue_table *wanted, const struct catalogue_table *present)
{
	const struct catalogue_column *a = identity_column(wanted), *b = identity_column(present);

	return a && b && identity_next(a, a->identity_last, NULL) != identity_next(b, b->identity_last, NULL);
}

bool sequences_differ(const struct catalogue *wanted, const struct catalogue *present)
{
	for (uint32_t i = 0; i < wanted->sequence_count; i++) {
		const struct catalogue_sequence *sequence = &wanted->sequences[i];
		const struct catalogue_sequence *there = sequence_find(present, sequence);
		wide next;
		if (there && sequence_next(sequence, wanted->database.server_major, &next) &&
			!sequence_goes_on(sequence, wanted->database.server_major, there, present->database.server_major))
			return true;
	}
	return false;
}
