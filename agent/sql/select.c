/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/select.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct catalogue_column *plan_column(const struct select_plan *plan, size_t i)
{
	return &plan->table->columns[plan->layout->source[i]];
}

bool select_is_large(const struct catalogue_column *column)
{
	switch (catalogue_column_type(column)) {
	case COLUMN_TEXT:
	case COLUMN_NTEXT:
	case COLUMN_IMAGE:
	case COLUMN_XML:
		return true;
	case COLUMN_VARCHAR:
	case COLUMN_NVARCHAR:
	case COLUMN_VARBINARY:
	case COLUMN_UDT:
		return column->max_length == -1;
	default:
		return false;
	}
}

int select_plan(struct select_plan *plan, const struct catalogue_table *table, const struct catalogue_layout *layout,
	uint32_t limit_kib)
{
	size_t count = layout->layout.column_count;

	*plan = (struct select_plan){ .table = table, .layout = layout, .result_count = count };
	plan->extra = calloc(count + 1, sizeof *plan->extra);
	if (!plan->extra)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		bool large = select_is_large(plan_column(plan, i));
		bool variant = layout->columns[i].type == COLUMN_VARIANT;
		if (!large && !variant)
			continue;
		plan->extra[i] = plan->result_count;
		plan->result_count += variant ? VARIANT_EXTRAS : 1;
		plan->large_count += large;
	}
	plan->value_limit = (uint64_t)limit_kib * 1024 / (plan->large_count ? plan->large_count : 1);
	if (plan->result_count <= SELECT_COLUMNS_MAX && count)
		return 0;
	select_plan_free(plan);
	return -E2BIG;
}

void select_plan_free(struct select_plan *plan)
{
	free(plan->extra);
	plan->extra = NULL;
}

/* What DATALENGTH must count: of xml and the old types it would count another form than the one that is read. */
static void add_whole(struct statement *statement, const struct catalogue_column *column)
{
	enum column_type type = catalogue_column_type(column);
	const char *as = type == COLUMN_TEXT ? "varchar" : type == COLUMN_NTEXT || type == COLUMN_XML ? "nvarchar" : NULL;

	if (as)
		statement_add(statement, "CAST(");
	statement_name(statement, column->name);
	if (as)
		statement_add(statement, " AS %s(max))", as);
}

static void add_bytes(struct statement *statement, const struct catalogue_column *column)
{
	statement_add(statement, "CAST(");
	add_whole(statement, column);
	statement_add(statement, " AS varbinary(max))");
}

static void add_large(
	struct statement *statement, const struct select_plan *plan, const struct catalogue_column *column)
{
	statement_add(statement, "CASE WHEN DATALENGTH(");
	add_whole(statement, column);
	statement_add(statement, ") <= %" PRIu64 " THEN ", plan->value_limit);
	add_bytes(statement, column);
	statement_add(statement, " END");
}

static void add_large_size(
	struct statement *statement, const struct select_plan *plan, const struct catalogue_column *column)
{
	statement_add(statement, ", CASE WHEN DATALENGTH(");
	add_whole(statement, column);
	statement_add(statement, ") > %" PRIu64 " THEN CAST(DATALENGTH(", plan->value_limit);
	add_whole(statement, column);
	statement_add(statement, ") AS bigint) END");
}

/* ---- sql_variant ---- */

static void add_base_type(struct statement *statement, const char *column)
{
	statement_add(statement, "CAST(SQL_VARIANT_PROPERTY(%s, 'BaseType') AS nvarchar(128))", column);
}

/*
 * Whatever it holds as bytes: numbers as their big-endian binary form, decimals as digits, text and binary as they are.
 * Moments come in results of their own, of types that hold them exactly.
 */
static void add_variant(struct statement *statement, const char *column)
{
	statement_add(statement, "CASE WHEN ");
	add_base_type(statement, column);
	statement_add(statement,
		" IN (N'bigint', N'int', N'smallint', N'tinyint', N'bit') "
		"THEN CAST(CAST(%s AS bigint) AS varbinary(8)) WHEN ",
		column);
	add_base_type(statement, column);
	statement_add(
		statement, " IN (N'money', N'smallmoney') THEN CAST(CAST(%s AS money) AS varbinary(8)) WHEN ", column);
	add_base_type(statement, column);
	statement_add(statement, " = N'float' THEN CAST(CAST(%s AS float) AS varbinary(8)) WHEN ", column);
	add_base_type(statement, column);
	statement_add(statement, " = N'real' THEN CAST(CAST(%s AS real) AS varbinary(4)) WHEN ", column);
	add_base_type(statement, column);
	statement_add(statement,
		" IN (N'decimal', N'numeric') "
		"THEN CAST(CAST(%s AS nvarchar(50)) AS varbinary(100)) ELSE CAST(%s AS varbinary(8000)) END",
		column, column);
}

static void add_variant_extras(struct statement *statement, const char *column)
{
	statement_add(
		statement, ", CAST(CAST(SQL_VARIANT_PROPERTY(%s, 'BaseType') AS nvarchar(128)) AS varbinary(256))", column);
	statement_add(statement, ", CAST(SQL_VARIANT_PROPERTY(%s, 'Precision') AS int)", column);
	statement_add(statement, ", CAST(SQL_VARIANT_PROPERTY(%s, 'Scale') AS int)", column);
	statement_add(statement, ", CAST(SQL_VARIANT_PROPERTY(%s, 'MaxLength') AS int)", column);
	statement_add(
		statement, ", CAST(CAST(SQL_VARIANT_PROPERTY(%s, 'Collation') AS nvarchar(128)) AS varbinary(256))", column);
	statement_add(statement, ", CASE WHEN ");
	add_base_type(statement, column);
	statement_add(statement,
		" IN (N'date', N'time', N'datetime2', N'datetimeoffset') "
		"THEN CAST(%s AS datetimeoffset(7)) END, CASE WHEN ",
		column);
	add_base_type(statement, column);
	statement_add(statement, " IN (N'datetime', N'smalldatetime') THEN CAST(%s AS datetime) END", column);
}

/* ---- the list ---- */

static void with_name(
	struct statement *statement, const struct catalogue_column *column, void (*add)(struct statement *, const char *))
{
	struct statement name = { 0 };

	statement_name(&name, column->name);
	if (statement_text(&name))
		add(statement, statement_text(&name));
	else
		statement->failed = true;
	statement_free(&name);
}

static void add_value(struct statement *statement, const struct select_plan *plan, size_t i)
{
	const struct catalogue_column *column = plan_column(plan, i);

	if (select_is_large(column)) {
		add_large(statement, plan, column);
		return;
	}
	switch (plan->layout->columns[i].type) {
	case COLUMN_CHAR:
	case COLUMN_VARCHAR:
	case COLUMN_NCHAR:
	case COLUMN_NVARCHAR:
	case COLUMN_UDT:
	case COLUMN_ROWVERSION:
		statement_add(statement, "CAST(");
		statement_name(statement, column->name);
		statement_add(statement, " AS varbinary(%d))", column->max_length);
		break;
	case COLUMN_VARIANT:
		with_name(statement, column, add_variant);
		break;
	default:
		statement_name(statement, column->name);
	}
}

void select_rows(struct statement *statement, const struct select_plan *plan)
{
	size_t count = plan->layout->layout.column_count;

	statement_add(statement, "SELECT ");
	for (size_t i = 0; i < count; i++) {
		if (i)
			statement_add(statement, ", ");
		add_value(statement, plan, i);
	}
	for (size_t i = 0; i < count; i++) {
		if (!plan->extra[i])
			continue;
		if (select_is_large(plan_column(plan, i)))
			add_large_size(statement, plan, plan_column(plan, i));
		else
			with_name(statement, plan_column(plan, i), add_variant_extras);
	}
	statement_add(statement, " FROM ");
	statement_table(statement, plan->table);
}

void select_piece(
	struct statement *statement, const struct select_plan *plan, size_t column, uint64_t offset, uint64_t size)
{
	statement_add(statement, "SELECT SUBSTRING(");
	add_bytes(statement, plan_column(plan, column));
	statement_add(statement, ", %" PRIu64 ", %" PRIu64 ") FROM ", offset + 1, size);
	statement_table(statement, plan->table);
}
