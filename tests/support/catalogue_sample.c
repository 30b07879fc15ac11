/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/catalogue_sample.h"

#include <string.h>

#include "agent/sql/catalogue_fields.h"

static void *grow(
	struct catalogue *catalogue, const struct catalogue_record *record, const void *items, uint32_t *count)
{
	char *more = catalogue_allocate(catalogue, (*count + 1) * record->size);

	if (*count)
		memcpy(more, items, *count * record->size);
	catalogue_record_init(record, more + *count * record->size);
	++*count;
	return more;
}

static void fill_column(
	struct catalogue_column *column, const struct column_sample *sample, int32_t table_id, int32_t column_id)
{
	catalogue_record_init(&catalogue_record_column, column);
	column->table_id = table_id;
	column->column_id = column_id;
	column->name = sample->name;
	column->type = sample->type;
	column->max_length = sample->max_length;
	column->precision = sample->precision;
	column->scale = sample->scale;
	column->nullable = sample->nullable;
	column->ansi_padded = true;
	if (strstr(sample->type, "char") || strstr(sample->type, "text")) {
		column->collation = "Latin1_General_CI_AS";
		column->code_page = 1252;
	}
}

struct catalogue_table *sample_table(struct catalogue *catalogue, const char *schema, const char *name,
	const struct column_sample *columns, size_t count)
{
	struct catalogue_table *table;

	catalogue->tables = grow(catalogue, &catalogue_record_table, catalogue->tables, &catalogue->table_count);
	table = &catalogue->tables[catalogue->table_count - 1];
	table->object_id = 1000 + (int32_t)catalogue->table_count;
	table->schema = schema;
	table->name = name;
	table->column_count = (uint32_t)count;
	table->columns = catalogue_allocate(catalogue, count * sizeof *table->columns);
	for (size_t i = 0; i < count; i++)
		fill_column(&table->columns[i], &columns[i], table->object_id, (int32_t)i + 1);
	return table;
}

struct catalogue_index *sample_index(
	struct catalogue *catalogue, struct catalogue_table *table, int32_t type, bool unique, const int *keys)
{
	struct catalogue_index *index;

	table->indexes = grow(catalogue, &catalogue_record_index, table->indexes, &table->index_count);
	index = &table->indexes[table->index_count - 1];
	index->index_id = (int32_t)table->index_count;
	index->table_id = table->object_id;
	index->name = "key";
	index->type = type;
	index->unique = unique;
	for (size_t i = 0; keys[i]; i++) {
		struct catalogue_index_column *column;
		index->columns = grow(catalogue, &catalogue_record_index_column, index->columns, &index->column_count);
		column = &index->columns[i];
		column->table_id = table->object_id;
		column->index_id = index->index_id;
		column->column_id = keys[i] < 0 ? -keys[i] : keys[i];
		column->descending = keys[i] < 0;
		column->key_ordinal = (int32_t)i + 1;
	}
	return index;
}
