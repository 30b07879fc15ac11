/* SPDX-License-Identifier: Apache-2.0 */
/* Identity and sequence values, back to what the snapshot says. */
#include <stdio.h>
#include <string.h>

#include "agent/sql/reader.h"
#include "agent/sql/replace_private.h"

typedef __int128 wide; /* decimal(38, 0) fits */

#define WIDE_DIGITS 42

static wide parse(const char *digits)
{
	bool negative = *digits == '-';
	wide number = 0;

	for (digits += negative; *digits >= '0' && *digits <= '9'; digits++)
		number = number * 10 + (*digits - '0');
	return negative ? -number : number;
}

static const char *print(wide number, char text[WIDE_DIGITS])
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

static const struct catalogue_column *identity_of(const struct catalogue_table *table)
{
	for (uint32_t i = 0; i < table->column_count; i++)
		if (table->columns[i].identity)
			return &table->columns[i];
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* As it is now, after the rows were loaded: NULL where never used. */
static int read_identity(
	struct replace *replace, const struct catalogue_table *table, char *text, size_t size, struct sql_error *error)
{
	statement_reset(&replace->statement);
	statement_add(&replace->statement,
		"SELECT CAST(CAST(CAST(i.last_value AS decimal(38, 0)) AS nvarchar(50)) AS "
		"varbinary(100)) FROM sys.identity_columns i WHERE i.object_id = OBJECT_ID(");
	struct statement name = { 0 };
	statement_table(&name, table);
	statement_string(&replace->statement, statement_text(&name) ? statement_text(&name) : "");
	statement_free(&name);
	statement_add(&replace->statement, ")");
	if (!statement_text(&replace->statement))
		return reader_failed(error, -1, table);
	return catalogue_read_text(replace->session, statement_text(&replace->statement), text, size, error);
}

/*
 * RESEED n makes n + increment the next value of a table that has been used, and n itself that of one that never was.
 * A table that shall count as never used gets the value before its seed.
 */
static wide reseed_value(const struct catalogue_column *column, bool used_now)
{
	wide increment = parse(column->identity_increment);

	if (!column->identity_last)
		return parse(column->identity_seed) - (used_now ? increment : 0);
	return parse(column->identity_last) + (used_now ? 0 : increment);
}

static bool fits_type(const char *type, wide number)
{
	if (!strcmp(type, "tinyint"))
		return number >= 0 && number <= UINT8_MAX;
	if (!strcmp(type, "smallint"))
		return number >= INT16_MIN && number <= INT16_MAX;
	if (!strcmp(type, "int"))
		return number >= INT32_MIN && number <= INT32_MAX;
	if (!strcmp(type, "bigint"))
		return number >= INT64_MIN && number <= INT64_MAX;
	return true;
}

static int put_identity(struct replace *replace, const struct catalogue_table *table, struct sql_error *error)
{
	const struct catalogue_column *column = identity_of(table);
	char now[64], digits[WIDE_DIGITS], object[CATALOGUE_NAME_SIZE];
	struct statement name = { 0 };
	wide value;
	int result;

	if (!column)
		return 0;
	result = read_identity(replace, table, now, sizeof now, error);
	if (result < 0 || same_text(column->identity_last, *now ? now : NULL))
		return result;
	value = reseed_value(column, *now != 0);
	catalogue_table_name(table, object, sizeof object);
	if (!fits_type(column->type, value)) {
		replace_note(
			replace, "The identity of %s cannot be set back to unused: its type has no value before the seed.", object);
		return 0;
	}
	statement_table(&name, table);
	statement_reset(&replace->statement);
	statement_add(&replace->statement, "DBCC CHECKIDENT (");
	statement_string(&replace->statement, statement_text(&name) ? statement_text(&name) : "");
	statement_add(&replace->statement, ", RESEED, %s) WITH NO_INFOMSGS", print(value, digits));
	statement_free(&name);
	return replace_execute(replace, error);
}

/* ---- sequences ---- */

/* What NEXT VALUE FOR would give; false where the sequence is at its end and does not cycle. */
static bool next_value(const struct catalogue_sequence *sequence, int version, wide *next)
{
	wide increment = parse(sequence->increment), current = parse(sequence->current);
	/* Before 2017 nobody tells whether it was used: then better one value lost than one given twice. */
	bool used = sequence->last_used || version < 14;

	*next = used ? current + increment : current;
	if (increment > 0 ? *next <= parse(sequence->maximum) : *next >= parse(sequence->minimum))
		return true;
	*next = increment > 0 ? parse(sequence->minimum) : parse(sequence->maximum);
	return sequence->cycling;
}

static const struct catalogue_sequence *find_sequence(
	const struct catalogue *catalogue, const struct catalogue_sequence *like)
{
	for (uint32_t i = 0; i < catalogue->sequence_count; i++)
		if (!strcmp(catalogue->sequences[i].schema, like->schema) && !strcmp(catalogue->sequences[i].name, like->name))
			return &catalogue->sequences[i];
	return NULL;
}

static int put_sequence(struct replace *replace, const struct catalogue_sequence *wanted, struct sql_error *error)
{
	const struct catalogue_sequence *present = find_sequence(replace->present, wanted);
	char digits[WIDE_DIGITS];
	wide next, next_now;

	if (!present) {
		replace_note(replace, "The sequence [%s].[%s] is missing in the database.", wanted->schema, wanted->name);
		return 0;
	}
	if (!next_value(wanted, replace->wanted->database.server_major, &next)) {
		replace_note(replace, "The sequence [%s].[%s] was at its end in the snapshot; it was left as it is.",
			wanted->schema, wanted->name);
		return 0;
	}
	if (next_value(present, replace->present->database.server_major, &next_now) && next_now == next)
		return 0;
	statement_reset(&replace->statement);
	statement_add(&replace->statement, "ALTER SEQUENCE ");
	statement_names(&replace->statement, wanted->schema, wanted->name);
	statement_add(&replace->statement, " RESTART WITH %s", print(next, digits));
	return replace_execute(replace, error);
}

int replace_put_values(struct replace *replace, struct sql_error *error)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < replace->wanted->table_count; i++)
		if (replace->changed[replace_present(replace, i) - replace->present->tables])
			result = put_identity(replace, &replace->wanted->tables[i], error);
	for (uint32_t i = 0; result == 0 && i < replace->wanted->sequence_count; i++)
		result = put_sequence(replace, &replace->wanted->sequences[i], error);
	return result;
}
