/* SPDX-License-Identifier: Apache-2.0 */
/* Identity and sequence values: to what the snapshot says, and after a rollback to what they were. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/next_value.h"
#include "agent/sql/reader.h"
#include "agent/sql/replace_private.h"

/* ---- identity ---- */

/* One number as digits, or "": decimal(38, 0) as text, as the catalogue has it. */
static int read_digits(struct replace *replace, char digits[64], struct sql_error *error)
{
	if (!statement_text(&replace->statement))
		return reader_failed(error, -ENOMEM, NULL);
	return catalogue_scan_text(replace->session, statement_text(&replace->statement), digits, 64, error);
}

#define DIGITS(expression) "CAST(CAST(CAST(" expression " AS decimal(38, 0)) AS nvarchar(50)) AS varbinary(100))"

/* As it is now: "" where never used, or emptied by TRUNCATE. */
static int read_last(
	struct replace *replace, const struct catalogue_table *table, char digits[64], struct sql_error *error)
{
	struct statement name = { 0 };

	statement_table(&name, table);
	statement_reset(&replace->statement);
	statement_add(&replace->statement,
		"SELECT " DIGITS("i.last_value") " FROM sys.identity_columns i WHERE i.object_id = OBJECT_ID(");
	statement_string(&replace->statement, statement_text(&name) ? statement_text(&name) : "");
	statement_add(&replace->statement, ")");
	statement_free(&name);
	return read_digits(replace, digits, error);
}

/* How far the rows go in the direction of the increment; "" where there are none. */
static int read_furthest(struct replace *replace, const struct catalogue_table *table,
	const struct catalogue_column *column, char digits[64], struct sql_error *error)
{
	statement_reset(&replace->statement);
	statement_add(
		&replace->statement, "SELECT CAST(CAST(CAST(%s(", wide_parse(column->identity_increment) < 0 ? "MIN" : "MAX");
	statement_name(&replace->statement, column->name);
	statement_add(&replace->statement, ") AS decimal(38, 0)) AS nvarchar(50)) AS varbinary(100)) FROM ");
	statement_table(&replace->statement, table);
	return read_digits(replace, digits, error);
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

/*
 * RESEED n makes n + increment the next value of a table that has been used, and n itself that of one that never was or
 * was emptied by TRUNCATE.
 */
static int reseed(
	struct replace *replace, const struct catalogue_table *table, wide next, bool used, struct sql_error *error)
{
	const struct catalogue_column *column = identity_column(table);
	wide value = next - (used ? wide_parse(column->identity_increment) : 0);
	char digits[WIDE_DIGITS], object[CATALOGUE_NAME_SIZE];
	struct statement name = { 0 };

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
	statement_add(&replace->statement, ", RESEED, %s) WITH NO_INFOMSGS", wide_print(value, digits));
	statement_free(&name);
	return replace_execute(replace, error);
}

/* table: as it is on the server; wanted: what it shall go on from. */
static int put_identity(struct replace *replace, const struct catalogue_table *table,
	const struct catalogue_column *wanted, struct sql_error *error)
{
	const struct catalogue_column *column = identity_column(table);
	char now[64] = "", furthest[64] = "";
	wide next;
	int result = read_last(replace, table, now, error);

	if (result == 0)
		result = read_furthest(replace, table, column, furthest, error);
	if (result < 0)
		return result;
	next = identity_next(wanted, wanted->identity_last, *furthest ? furthest : NULL);
	if (identity_next(column, *now ? now : NULL, NULL) == next)
		return 0;
	return reseed(replace, table, next, *now != 0, error);
}

/* Rows that were loaded have moved it; others may have moved it where no row differs any more. */
static bool identity_concerned(const struct replace *replace, uint32_t index)
{
	const struct catalogue_table *present = replace_present(replace, index);
	const struct catalogue_column *wanted = identity_column(&replace->wanted->tables[index]);
	const struct catalogue_column *column = identity_column(present);

	if (!replace->numbered[index] || !wanted || !column)
		return false;
	return replace->changed[present - replace->present->tables] ||
		identity_next(wanted, wanted->identity_last, NULL) != identity_next(column, column->identity_last, NULL);
}

/* ---- sequences ---- */

static int put_sequence(struct replace *replace, const struct catalogue_sequence *wanted, struct sql_error *error)
{
	const struct catalogue_sequence *present = sequence_find(replace->present, wanted);
	int32_t major = replace->wanted->database.server_major;
	char digits[WIDE_DIGITS];
	wide next;

	if (!present) {
		replace_note(replace, "The sequence [%s].[%s] is missing in the database.", wanted->schema, wanted->name);
		return 0;
	}
	if (sequence_goes_on(wanted, major, present, replace->present->database.server_major))
		return 0;
	if (!sequence_next(wanted, major, &next)) {
		replace_note(replace, "The sequence [%s].[%s] was at its end in the snapshot; it was left as it is.",
			wanted->schema, wanted->name);
		return 0;
	}
	statement_reset(&replace->statement);
	statement_add(&replace->statement, "ALTER SEQUENCE ");
	statement_names(&replace->statement, wanted->schema, wanted->name);
	statement_add(&replace->statement, " RESTART WITH %s", wide_print(next, digits));
	return replace_execute(replace, error);
}

int replace_put_values(struct replace *replace, struct sql_error *error)
{
	const struct catalogue *wanted = replace->wanted;
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < wanted->table_count; i++)
		if (identity_concerned(replace, i))
			result = put_identity(replace, replace_present(replace, i), identity_column(&wanted->tables[i]), error);
	for (uint32_t i = 0; result == 0 && i < wanted->sequence_count; i++)
		result = put_sequence(replace, &wanted->sequences[i], error);
	return result;
}

/* ---- after a rollback ---- */

static int execute_text(struct replace *replace, const char *sql, struct sql_error *error)
{
	statement_reset(&replace->statement);
	statement_add(&replace->statement, "%s", sql);
	return replace_execute(replace, error);
}

static bool has_moved(
	struct replace *replace, const struct catalogue_table *table, struct sql_error *error, int *result)
{
	const struct catalogue_column *column = identity_column(table);
	char now[64] = "";

	*result = read_last(replace, table, now, error);
	return *result == 0 &&
		identity_next(column, *now ? now : NULL, NULL) != identity_next(column, column->identity_last, NULL);
}

/* Under a lock of its own: since the rollback others may have gone on, and no value may be given twice. */
static int put_identity_back(struct replace *replace, const struct catalogue_table *table, struct sql_error *error)
{
	int result;

	if (!has_moved(replace, table, error, &result))
		return result;
	result = execute_text(replace, "BEGIN TRANSACTION", error);
	if (result < 0)
		return result;
	statement_reset(&replace->statement);
	statement_add(&replace->statement, "SELECT TOP (1) 1 FROM ");
	statement_table(&replace->statement, table);
	statement_add(&replace->statement, " WITH (TABLOCKX, HOLDLOCK)");
	result = replace_execute(replace, error);
	if (result == 0)
		result = put_identity(replace, table, identity_column(table), error);
	if (result == 0)
		return execute_text(replace, "COMMIT TRANSACTION", error);
	if (result == -EREMOTEIO)
		execute_text(replace, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION", &(struct sql_error){ .kind = SQL_OK });
	return result;
}

void replace_undo_values(struct replace *replace)
{
	char name[CATALOGUE_NAME_SIZE];
	int result = 0;

	for (uint32_t i = 0; replace && replace->present && result != -EIO && i < replace->present->table_count; i++) {
		const struct catalogue_table *table = &replace->present->tables[i];
		struct sql_error error = { .kind = SQL_OK };
		if (!replace->changed[i] || !identity_column(table) || replace_unread(replace, table))
			continue;
		result = put_identity_back(replace, table, &error);
		if (result == 0)
			continue;
		catalogue_table_name(table, name, sizeof name);
		replace_note(replace,
			"The identity of %s may have moved, and could not be put back after the rollback: %s. No row has changed.",
			name, error.detail);
	}
}

int replace_values_back(
	struct session *session, struct uplink *uplink, struct catalogue *before, struct sql_error *error)
{
	struct replace replace = { .session = session, .uplink = uplink, .present = before };

	replace.changed = malloc(before->table_count + 1u);
	if (!replace.changed)
		return reader_failed(error, -ENOMEM, NULL);
	memset(replace.changed, true, before->table_count + 1u);
	replace_undo_values(&replace);
	statement_free(&replace.statement);
	free(replace.changed);
	return 0;
}
