/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that go: a run of keys, or all of a table. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "agent/sql/reader.h"
#include "agent/sql/replace_private.h"

int replace_key_columns(struct replace *replace, uint32_t wanted, size_t *count, struct sql_error *error)
{
	const struct catalogue_table *table;
	struct catalogue_layout layout;
	int result = replace_prepared(replace, wanted, &table, error);

	if (result < 0)
		return result;
	result = catalogue_layout(&layout, table);
	if (result < 0)
		return reader_failed(error, result, table);
	*count = layout.order_count;
	catalogue_layout_free(&layout);
	return 0;
}

/* ---- statements ---- */

static void add_delete(struct replace *replace, const struct catalogue_table *table)
{
	statement_add(&replace->statement, "DELETE FROM ");
	statement_table(&replace->statement, table);
	statement_add(&replace->statement, " WITH (TABLOCKX)");
}

/* Runs the batch, whose last statement tells how many rows went. */
static int delete_counted(
	struct replace *replace, const struct catalogue_table *table, uint64_t rows, struct sql_error *error)
{
	char name[CATALOGUE_NAME_SIZE];
	int64_t counted = -1;
	int result;

	catalogue_table_name(table, name, sizeof name);
	snprintf(error->doing, sizeof error->doing, "deleting %" PRIu64 " rows of %.140s", rows, name);
	result = catalogue_count(replace->session, statement_text(&replace->statement), &counted, error);
	reader_blame(error, table);
	if (result < 0 || counted == (int64_t)rows)
		return result;
	return sql_error_set(error, SQL_ERROR_DIFFERS, name,
		"%" PRIu64 " rows were to be deleted and the server counted %" PRId64, rows, counted);
}

static int add_range(struct replace *replace, const struct catalogue_table *table,
	const struct catalogue_layout *layout, const struct replace_range *range, struct sql_error *error)
{
	struct statement_key first = { .table = table,
		.layout = layout,
		.values = range->first,
		.database_code_page = replace->present->database.code_page };
	struct statement_key last = first;

	last.values = range->last;
	statement_add(&replace->statement, " WHERE ");
	if (layout->unique && statement_key_range(&replace->statement, &first, &last))
		return 0;
	return sql_error_set(error, SQL_ERROR_WORKER, table->name, "No statement can name a run of its rows");
}

/* NOCOUNT is on, so that the counts must be asked for; each right after its statement, since that is what it counts. */
static int add_ranges(struct replace *replace, const struct catalogue_table *table, const struct replace_range *ranges,
	size_t count, struct sql_error *error)
{
	struct catalogue_layout layout;
	int result = catalogue_layout(&layout, table);

	if (result < 0)
		return reader_failed(error, result, table);
	statement_reset(&replace->statement);
	statement_add(&replace->statement, "DECLARE @deleted bigint = 0; ");
	for (size_t i = 0; result == 0 && i < count; i++) {
		add_delete(replace, table);
		result = add_range(replace, table, &layout, &ranges[i], error);
		statement_add(&replace->statement, "; SET @deleted = @deleted + ROWCOUNT_BIG(); ");
	}
	statement_add(&replace->statement, "SELECT @deleted");
	catalogue_layout_free(&layout);
	return result;
}

int replace_delete(
	struct replace *replace, uint32_t wanted, const struct replace_range *ranges, size_t count, struct sql_error *error)
{
	const struct catalogue_table *table;
	uint64_t rows = 0;
	int result = replace_prepared(replace, wanted, &table, error);

	if (result == 0)
		result = add_ranges(replace, table, ranges, count, error);
	for (size_t i = 0; i < count; i++)
		rows += ranges[i].rows;
	return result < 0 ? result : delete_counted(replace, table, rows, error);
}

/* Only of a table that cannot be emptied otherwise. */
static void note_disabled_indexes(struct replace *replace, const struct catalogue_table *table)
{
	char name[CATALOGUE_NAME_SIZE];

	catalogue_table_name(table, name, sizeof name);
	for (uint32_t i = 0; i < table->index_count; i++)
		if (table->indexes[i].disabled)
			replace_note(replace, "Index %s of %s was disabled; TRUNCATE may have enabled it: ALTER INDEX ... DISABLE.",
				table->indexes[i].name, name);
}

int replace_empty(struct replace *replace, uint32_t wanted, uint64_t rows, struct sql_error *error)
{
	const struct catalogue_table *table;
	int result = replace_prepared(replace, wanted, &table, error);

	if (result < 0)
		return result;
	if (!catalogue_may_truncate(replace->present, table) && !replace_unread(replace, table)) {
		statement_reset(&replace->statement);
		add_delete(replace, table);
		statement_add(&replace->statement, "; SELECT ROWCOUNT_BIG()");
		return delete_counted(replace, table, rows, error);
	}
	note_disabled_indexes(replace, table);
	statement_reset(&replace->statement);
	statement_add(&replace->statement, "TRUNCATE TABLE ");
	statement_table(&replace->statement, table);
	return replace_execute(replace, error);
}
