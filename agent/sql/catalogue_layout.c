/* SPDX-License-Identifier: Apache-2.0 */
/* What of a table becomes rows, and in which order they are read. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/catalogue.h"

enum column_type catalogue_column_type(const struct catalogue_column *column)
{
	static const struct {
		const char *name;
		enum column_type type;
	} types[] = {
		{ "bit", COLUMN_BIT },
		{ "tinyint", COLUMN_TINYINT },
		{ "smallint", COLUMN_SMALLINT },
		{ "int", COLUMN_INT },
		{ "bigint", COLUMN_BIGINT },
		{ "real", COLUMN_REAL },
		{ "float", COLUMN_FLOAT },
		{ "decimal", COLUMN_DECIMAL },
		{ "numeric", COLUMN_DECIMAL },
		{ "smallmoney", COLUMN_SMALLMONEY },
		{ "money", COLUMN_MONEY },
		{ "date", COLUMN_DATE },
		{ "smalldatetime", COLUMN_SMALLDATETIME },
		{ "datetime", COLUMN_DATETIME },
		{ "time", COLUMN_TIME },
		{ "datetime2", COLUMN_DATETIME2 },
		{ "datetimeoffset", COLUMN_DATETIMEOFFSET },
		{ "uniqueidentifier", COLUMN_UNIQUEIDENTIFIER },
		{ "char", COLUMN_CHAR },
		{ "varchar", COLUMN_VARCHAR },
		{ "text", COLUMN_TEXT },
		{ "nchar", COLUMN_NCHAR },
		{ "nvarchar", COLUMN_NVARCHAR },
		{ "ntext", COLUMN_NTEXT },
		{ "xml", COLUMN_XML },
		{ "binary", COLUMN_BINARY },
		{ "varbinary", COLUMN_VARBINARY },
		{ "image", COLUMN_IMAGE },
		{ "timestamp", COLUMN_ROWVERSION },
		{ "sql_variant", COLUMN_VARIANT },
		{ "hierarchyid", COLUMN_UDT },
		{ "geometry", COLUMN_UDT },
		{ "geography", COLUMN_UDT },
		{ "clr", COLUMN_UDT },
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (!strcmp(column->type, types[i].name))
			return types[i].type;
	return 0;
}

bool catalogue_column_derived(const struct catalogue_column *column)
{
	return column->computed || column->generated || catalogue_column_type(column) == COLUMN_ROWVERSION;
}

static bool is_row_column(const struct catalogue_column *column)
{
	return !column->column_set && (!column->computed || column->persisted);
}

/* The ordinal in the layout of a column that may take part in a key; -1: not in the rows, or made by the server. */
static int key_ordinal(const struct catalogue_layout *layout, const struct catalogue_table *table, int32_t column_id)
{
	for (size_t i = 0; i < layout->layout.column_count; i++)
		if (table->columns[layout->source[i]].column_id == column_id)
			return layout->columns[i].derived ? -1 : (int)i;
	return -1;
}

static const struct catalogue_index_column *key_column(const struct catalogue_index *index, int32_t ordinal)
{
	for (uint32_t i = 0; i < index->column_count; i++)
		if (index->columns[i].key_ordinal == ordinal)
			return &index->columns[i];
	return NULL;
}

static bool usable(
	const struct catalogue_layout *layout, const struct catalogue_table *table, const struct catalogue_index *index)
{
	const struct catalogue_index_column *column;
	int32_t ordinal = 1;

	if ((index->type != 1 && index->type != 2) || index->disabled || *index->filter)
		return false;
	for (; (column = key_column(index, ordinal)); ordinal++)
		if (key_ordinal(layout, table, column->column_id) < 0)
			return false;
	return ordinal > 1;
}

static bool has_nullable(const struct catalogue_table *table, const struct catalogue_index *index)
{
	for (uint32_t i = 0; i < index->column_count; i++) {
		const struct catalogue_column *column = catalogue_column_by_id(table, index->columns[i].column_id);
		if (index->columns[i].key_ordinal && (!column || column->nullable))
			return true;
	}
	return false;
}

static int32_t key_bytes(const struct catalogue_table *table, const struct catalogue_index *index)
{
	int32_t bytes = 0;

	for (uint32_t i = 0; i < index->column_count; i++) {
		const struct catalogue_column *column = catalogue_column_by_id(table, index->columns[i].column_id);
		if (index->columns[i].key_ordinal && column)
			bytes += column->max_length > 0 ? column->max_length : 8000;
	}
	return bytes;
}

/* Without NULLs before with NULLs (of which a unique index allows one), then narrow before wide. */
static bool better(
	const struct catalogue_table *table, const struct catalogue_index *a, const struct catalogue_index *b)
{
	bool a_nulls, b_nulls;

	if (!b)
		return true;
	a_nulls = has_nullable(table, a);
	b_nulls = has_nullable(table, b);
	return a_nulls != b_nulls ? b_nulls : key_bytes(table, a) < key_bytes(table, b);
}

static void find_keys(const struct catalogue_layout *layout, const struct catalogue_table *table,
	const struct catalogue_index **clustered, const struct catalogue_index **unique)
{
	*clustered = *unique = NULL;
	for (uint32_t i = 0; i < table->index_count; i++) {
		const struct catalogue_index *index = &table->indexes[i];
		if (!usable(layout, table, index))
			continue;
		if (index->type == 1)
			*clustered = index;
		if (index->unique && better(table, index, *unique))
			*unique = index;
	}
}

static void add_key(
	struct catalogue_layout *layout, const struct catalogue_table *table, const struct catalogue_index *index)
{
	const struct catalogue_index_column *column;

	for (int32_t ordinal = 1; (column = key_column(index, ordinal)); ordinal++) {
		int at = key_ordinal(layout, table, column->column_id);
		bool there = false;
		for (size_t i = 0; i < layout->order_count; i++)
			there |= layout->order[i] == at;
		if (there)
			continue;
		layout->descending[layout->order_count] = column->descending;
		layout->order[layout->order_count++] = (uint16_t)at;
	}
}

static void choose_order(struct catalogue_layout *layout, const struct catalogue_table *table)
{
	const struct catalogue_index *clustered, *unique;

	find_keys(layout, table, &clustered, &unique);
	if (clustered) {
		add_key(layout, table, clustered);
		layout->clustered = true;
		layout->clustered_count = layout->order_count;
	}
	if (unique && !(clustered && clustered->unique))
		add_key(layout, table, unique);
	layout->unique = unique != NULL || (clustered && clustered->unique);
}

int catalogue_layout(struct catalogue_layout *layout, const struct catalogue_table *table)
{
	size_t count = 0;

	memset(layout, 0, sizeof *layout);
	if (table->column_count > LAYOUT_COLUMNS_MAX)
		return -E2BIG;
	layout->columns = calloc(table->column_count + 1u, sizeof *layout->columns);
	layout->source = calloc(table->column_count + 1u, sizeof *layout->source);
	layout->order = calloc(table->column_count + 1u, sizeof *layout->order);
	layout->descending = calloc(table->column_count + 1u, sizeof *layout->descending);
	if (!layout->columns || !layout->source || !layout->order || !layout->descending) {
		catalogue_layout_free(layout);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < table->column_count; i++) {
		const struct catalogue_column *column = &table->columns[i];
		if (!is_row_column(column))
			continue;
		layout->columns[count].type = catalogue_column_type(column);
		layout->columns[count].derived = catalogue_column_derived(column);
		layout->source[count++] = (uint16_t)i;
	}
	layout->layout.columns = layout->columns;
	layout->layout.column_count = count;
	choose_order(layout, table);
	layout->layout.key = layout->order;
	/* Rows that share a key would all meet a boundary together: without a unique key the whole row decides. */
	layout->layout.key_count = layout->unique ? layout->order_count : 0;
	return 0;
}

void catalogue_layout_free(struct catalogue_layout *layout)
{
	free(layout->columns);
	free(layout->source);
	free(layout->order);
	free(layout->descending);
	memset(layout, 0, sizeof *layout);
}
