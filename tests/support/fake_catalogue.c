/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "agent/sql/catalogue_fields.h"
#include "agent/table/bytes.h"
#include "agent/table/utf.h"

#define KEPT_MAX 100000
static void *kept[KEPT_MAX];
static size_t kept_count;

static void *keep(size_t size)
{
	void *bytes = calloc(1, size + 1);

	if (!bytes || kept_count == KEPT_MAX)
		abort();
	kept[kept_count++] = bytes;
	return bytes;
}

void fake_catalogue_free(void)
{
	while (kept_count)
		free(kept[--kept_count]);
}

static struct value text_value(const char *at)
{
	const char *string;
	uint8_t *bytes;

	memcpy(&string, at, sizeof string);
	if (!string)
		return (struct value){ NULL, 0 };
	bytes = keep(2 * strlen(string));
	return (struct value){ bytes, (size_t)utf16_put(bytes, (const uint8_t *)string, strlen(string)) };
}

static struct value field_value(const struct catalogue_field *field, const char *item)
{
	const char *at = item + field->offset;
	uint8_t *bytes;

	if (field->kind == FIELD_STRING || field->kind == FIELD_OPTIONAL)
		return text_value(at);
	bytes = keep(8);
	if (field->kind == FIELD_BOOL)
		bytes[0] = *(const bool *)at;
	else
		memcpy(bytes, at, field->kind == FIELD_INT ? 4 : 8);
	return (struct value){ bytes, field->kind == FIELD_BOOL ? 1 : field->kind == FIELD_INT ? 4 : 8 };
}

static bool is_scalar(const struct catalogue_field *field)
{
	return field->kind != FIELD_LIST && field->kind != FIELD_RECORD;
}

static void add_row(struct fake_answer *answer, const struct catalogue_record *record, const void *item)
{
	size_t columns = 0, at = 0;
	struct value *values;

	for (size_t i = 0; i < record->field_count; i++)
		columns += is_scalar(&record->fields[i]);
	values = keep((answer->rows + 1) * columns * sizeof *values);
	if (answer->rows)
		memcpy(values, answer->values, answer->rows * columns * sizeof *values);
	for (size_t i = 0; i < record->field_count; i++)
		if (is_scalar(&record->fields[i]))
			values[answer->rows * columns + at++] = field_value(&record->fields[i], item);
	answer->values = values;
	answer->columns = columns;
	answer->rows++;
}

static void add_rows(
	struct fake_answer *answer, const struct catalogue_record *record, const void *items, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		add_row(answer, record, (const char *)items + i * record->size);
}

enum {
	DATABASE,
	SCHEMAS,
	TABLES,
	COLUMNS,
	INDEXES,
	INDEX_COLUMNS,
	KEYS,
	PAIRS,
	CHECKS,
	TRIGGERS,
	MODULES,
	SEQUENCES,
	TYPES,
	SYNONYMS,
	PROPERTIES
};

static void add_table(struct fake_answer *answers, const struct catalogue_table *table)
{
	add_rows(&answers[COLUMNS], &catalogue_record_column, table->columns, table->column_count);
	add_rows(&answers[INDEXES], &catalogue_record_index, table->indexes, table->index_count);
	add_rows(&answers[KEYS], &catalogue_record_foreign_key, table->foreign_keys, table->foreign_key_count);
	add_rows(&answers[CHECKS], &catalogue_record_check, table->checks, table->check_count);
	add_rows(&answers[TRIGGERS], &catalogue_record_trigger, table->triggers, table->trigger_count);
	for (uint32_t i = 0; i < table->index_count; i++)
		for (uint32_t j = 0; j < table->indexes[i].column_count; j++) {
			struct catalogue_index_column column = table->indexes[i].columns[j];
			column.table_id = table->object_id;
			column.index_id = table->indexes[i].index_id;
			add_row(&answers[INDEX_COLUMNS], &catalogue_record_index_column, &column);
		}
	for (uint32_t i = 0; i < table->foreign_key_count; i++)
		add_rows(
			&answers[PAIRS], &catalogue_record_pair, table->foreign_keys[i].pairs, table->foreign_keys[i].pair_count);
}

void fake_catalogue(const struct catalogue *catalogue, struct fake_answer answers[FAKE_CATALOGUE_ANSWERS])
{
	static const char *const parts[FAKE_CATALOGUE_ANSWERS] = { "FROM sys.databases d LEFT", "FROM sys.schemas s ",
		"FROM sys.tables t JOIN sys.schemas", "FROM sys.columns c", "FROM sys.indexes i", "FROM sys.index_columns c",
		"FROM sys.foreign_keys f", "FROM sys.foreign_key_columns c",
		"FROM sys.check_constraints c JOIN sys.tables t ON "
		"t.object_id = c.parent_object_id AND",
		"FROM sys.triggers r LEFT", "FROM sys.objects o LEFT", "FROM sys.sequences q LEFT", "FROM sys.types u",
		"FROM sys.synonyms y", "FROM sys.extended_properties e", NULL };

	memset(answers, 0, FAKE_CATALOGUE_ANSWERS * sizeof *answers);
	for (size_t i = 0; i < FAKE_CATALOGUE_ANSWERS; i++)
		answers[i] = (struct fake_answer){ .part = parts[i], .again = true };
	add_row(&answers[DATABASE], &catalogue_record_database, &catalogue->database);
	add_rows(&answers[SCHEMAS], &catalogue_record_schema, catalogue->schemas, catalogue->schema_count);
	add_rows(&answers[TABLES], &catalogue_record_table, catalogue->tables, catalogue->table_count);
	for (uint32_t i = 0; i < catalogue->table_count; i++)
		add_table(answers, &catalogue->tables[i]);
	add_rows(&answers[MODULES], &catalogue_record_module, catalogue->modules, catalogue->module_count);
	add_rows(&answers[SEQUENCES], &catalogue_record_sequence, catalogue->sequences, catalogue->sequence_count);
	add_rows(&answers[TYPES], &catalogue_record_type, catalogue->types, catalogue->type_count);
	add_rows(&answers[SYNONYMS], &catalogue_record_synonym, catalogue->synonyms, catalogue->synonym_count);
	add_rows(&answers[PROPERTIES], &catalogue_record_property, catalogue->properties, catalogue->property_count);
}
