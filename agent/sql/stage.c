/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/stage.h"

#include <errno.h>
#include <inttypes.h>

#include "agent/sql/catalogue_read.h"
#include "agent/sql/reader.h"

/* A staging table has no sparse columns, and so no more than these. */
#define STAGE_COLUMNS_MAX 1024

#define DROP_STAGE "IF OBJECT_ID(N'tempdb..#coffret_load') IS NOT NULL DROP TABLE #coffret_load"

bool stage_needed(const struct catalogue_table *table, const struct catalogue_layout *layout)
{
	for (size_t i = 0; i < layout->layout.column_count; i++)
		if (!layout->columns[i].derived && catalogue_column_type(&table->columns[layout->source[i]]) == COLUMN_XML)
			return layout->layout.column_count <= STAGE_COLUMNS_MAX;
	return false;
}

typedef void add_column(struct statement *statement, const struct catalogue_column *column);

static void add_columns(struct statement *statement, const struct bulk_target *target, add_column *add)
{
	const struct catalogue_layout *layout = target->layout;
	const char *separator = "";

	for (size_t i = 0; i < layout->layout.column_count; i++) {
		if (layout->columns[i].derived)
			continue;
		statement_add(statement, "%s", separator);
		add(statement, &target->table->columns[layout->source[i]]);
		separator = ", ";
	}
}

static void add_name(struct statement *statement, const struct catalogue_column *column)
{
	statement_name(statement, column->name);
}

static void add_definition(struct statement *statement, const struct catalogue_column *column)
{
	statement_name(statement, column->name);
	statement_add(statement, " ");
	bulk_type(statement, column);
	statement_add(statement, column->nullable ? " NULL" : " NOT NULL");
}

static void add_value(struct statement *statement, const struct catalogue_column *column)
{
	bool xml = catalogue_column_type(column) == COLUMN_XML;

	statement_add(statement, xml ? "CONVERT(xml, " : "");
	statement_name(statement, column->name);
	statement_add(statement, xml ? ", 1)" : "");
}

static int run(struct session *session, struct statement *statement, struct sql_error *error)
{
	const char *text = statement_text(statement);
	int result = text ? session_execute(session, REQUEST_CHANGE, text, NULL, error)
					  : reader_failed(error, -ENOMEM, NULL);

	statement_free(statement);
	return result;
}

int stage_create(struct session *session, const struct bulk_target *target, struct sql_error *error)
{
	struct statement statement = { 0 };

	statement_add(&statement, DROP_STAGE "; CREATE TABLE " STAGE_NAME " (");
	add_columns(&statement, target, add_definition);
	statement_add(&statement, ")");
	return run(session, &statement, error);
}

int stage_drop(struct session *session, struct sql_error *error)
{
	struct statement statement = { 0 };

	statement_add(&statement, DROP_STAGE);
	return run(session, &statement, error);
}

static bool has_identity(const struct bulk_target *target)
{
	for (uint32_t i = 0; i < target->table->column_count; i++)
		if (target->table->columns[i].identity)
			return true;
	return false;
}

static void add_identity_insert(struct statement *statement, const struct bulk_target *target, const char *state)
{
	if (!has_identity(target))
		return;
	statement_add(statement, "SET IDENTITY_INSERT ");
	statement_table(statement, target->table);
	statement_add(statement, " %s; ", state);
}

static void add_move(struct statement *statement, const struct bulk_target *target)
{
	add_identity_insert(statement, target, "ON");
	statement_add(statement, "INSERT INTO ");
	statement_table(statement, target->table);
	statement_add(statement, " WITH (TABLOCK) (");
	add_columns(statement, target, add_name);
	statement_add(statement, ") SELECT ");
	add_columns(statement, target, add_value);
	statement_add(statement, " FROM " STAGE_NAME "; SELECT ROWCOUNT_BIG(); ");
	add_identity_insert(statement, target, "OFF");
	statement_add(statement, "TRUNCATE TABLE " STAGE_NAME);
}

int stage_move(struct session *session, const struct bulk_target *target, uint64_t rows, struct sql_error *error)
{
	struct statement statement = { 0 };
	char name[CATALOGUE_NAME_SIZE];
	int64_t moved = -1;
	int result;

	add_move(&statement, target);
	result = catalogue_count(session, statement_text(&statement), &moved, error);
	statement_free(&statement);
	if (result < 0 || moved == (int64_t)rows)
		return result;
	catalogue_table_name(target->table, name, sizeof name);
	return sql_error_set(error, SQL_ERROR_DIFFERS, name,
		"%" PRIu64 " rows were sent and the server took %" PRId64 " of them from the staging table", rows, moved);
}
