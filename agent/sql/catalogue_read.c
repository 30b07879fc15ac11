/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/catalogue_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/catalogue_queries.h"
#include "agent/sql/catalogue_values.h"

#define RESULTS_MAX 64

/* ---- values into fields ---- */

static bool set_field(
	struct catalogue *catalogue, const struct catalogue_field *field, char *item, const struct value *value)
{
	char *at = item + field->offset;
	const char *string;

	switch (field->kind) {
	case FIELD_BOOL:
		*(bool *)at = catalogue_number(value) != 0;
		return true;
	case FIELD_INT:
		*(int32_t *)(void *)at = (int32_t)catalogue_number(value);
		return true;
	case FIELD_LONG:
		*(int64_t *)(void *)at = catalogue_number(value);
		return true;
	default:
		if (!value->data)
			return true;
		string = catalogue_text(catalogue, value);
		memcpy(at, &string, sizeof string);
		return string != NULL;
	}
}

static bool set_record(
	struct catalogue *catalogue, const struct catalogue_record *record, char *item, const struct value *values)
{
	size_t result = 0;

	catalogue_record_init(record, item);
	for (size_t i = 0; i < record->field_count; i++) {
		const struct catalogue_field *field = &record->fields[i];
		if (field->kind == FIELD_LIST || field->kind == FIELD_RECORD)
			continue;
		if (!set_field(catalogue, field, item, &values[result++]))
			return false;
	}
	return true;
}

static size_t scalar_count(const struct catalogue_record *record)
{
	size_t count = 0;

	for (size_t i = 0; i < record->field_count; i++)
		count += record->fields[i].kind != FIELD_LIST && record->fields[i].kind != FIELD_RECORD;
	return count;
}

/* ---- queries into arrays ---- */

struct rows {
	char *items;
	uint32_t count, capacity;
};

static int no_memory(struct sql_error *error)
{
	return sql_error_set(error, SQL_ERROR_MEMORY, "",
		"The catalogue is larger than AGENT_SQL_CATALOGUE_KIB (%d KiB), "
		"or the worker has no memory left",
		CONFIG_AGENT_SQL_CATALOGUE_KIB);
}

static char *next_item(struct rows *rows, size_t size)
{
	if (rows->count == rows->capacity) {
		uint32_t capacity = rows->capacity ? rows->capacity * 2 : 16;
		char *more = realloc(rows->items, capacity * size);
		if (!more)
			return NULL;
		rows->items = more;
		rows->capacity = capacity;
	}
	memset(rows->items + rows->count * size, 0, size);
	return rows->items + rows->count++ * size;
}

static int start(struct session *session, const char *query, struct sql_error *error)
{
	struct statement statement = { 0 };
	int result;

	catalogue_query(&statement, query, session_server_version(session));
	result = statement_text(&statement) ? session_query(session, REQUEST_CATALOGUE, statement_text(&statement), error)
										: no_memory(error);
	statement_free(&statement);
	return result;
}

/* The whole result as an array of records in the catalogue's arena. */
static int read_array(struct catalogue *catalogue, struct session *session, const char *query,
	const struct catalogue_record *record, void *items, uint32_t *count, struct sql_error *error)
{
	struct value values[RESULTS_MAX];
	struct rows rows = { 0 };
	void *kept;
	int result = start(session, query, error);

	while (result == 0 && (result = session_next(session, values, scalar_count(record), error)) == 1) {
		char *item = next_item(&rows, record->size);
		result = item && set_record(catalogue, record, item, values) ? 0 : no_memory(error);
	}
	if (result == 0) {
		kept = catalogue_allocate(catalogue, rows.count * record->size + 1);
		if (kept && rows.count)
			memcpy(kept, rows.items, rows.count * record->size);
		memcpy(items, &kept, sizeof kept);
		*count = rows.count;
		result = kept ? 0 : no_memory(error);
	}
	free(rows.items);
	return result;
}

/* Arrays that come sorted by their parent's id; a parent takes the run that is its own. */
#define TAKE_RUN(parent, member, counter, array, array_count, condition)                                     \
	do {                                                                                                     \
		uint32_t first_ = 0;                                                                                 \
		while (first_ < (array_count) && !(condition((array)[first_])))                                      \
			first_++;                                                                                        \
		(parent)->member = (array) + first_;                                                                 \
		while (first_ + (parent)->counter < (array_count) && condition((array)[first_ + (parent)->counter])) \
			(parent)->counter++;                                                                             \
	} while (0)

struct parts {
	struct catalogue_column *columns;
	struct catalogue_index *indexes;
	struct catalogue_index_column *index_columns;
	struct catalogue_foreign_key *foreign_keys;
	struct catalogue_pair *pairs;
	struct catalogue_check *checks;
	struct catalogue_trigger *triggers;
	uint32_t column_count, index_count, index_column_count, foreign_key_count, pair_count, check_count, trigger_count;
};

static int read_parts(
	struct catalogue *catalogue, struct session *session, struct parts *parts, struct sql_error *error)
{
	const struct {
		const char *query;
		const struct catalogue_record *record;
		void *items;
		uint32_t *count;
	} lists[] = {
		{ catalogue_query_schemas, &catalogue_record_schema, &catalogue->schemas, &catalogue->schema_count },
		{ catalogue_query_tables, &catalogue_record_table, &catalogue->tables, &catalogue->table_count },
		{ catalogue_query_columns, &catalogue_record_column, &parts->columns, &parts->column_count },
		{ catalogue_query_indexes, &catalogue_record_index, &parts->indexes, &parts->index_count },
		{ catalogue_query_index_columns, &catalogue_record_index_column, &parts->index_columns,
			&parts->index_column_count },
		{ catalogue_query_foreign_keys, &catalogue_record_foreign_key, &parts->foreign_keys,
			&parts->foreign_key_count },
		{ catalogue_query_pairs, &catalogue_record_pair, &parts->pairs, &parts->pair_count },
		{ catalogue_query_checks, &catalogue_record_check, &parts->checks, &parts->check_count },
		{ catalogue_query_triggers, &catalogue_record_trigger, &parts->triggers, &parts->trigger_count },
		{ catalogue_query_modules, &catalogue_record_module, &catalogue->modules, &catalogue->module_count },
		{ catalogue_query_sequences, &catalogue_record_sequence, &catalogue->sequences, &catalogue->sequence_count },
		{ catalogue_query_types, &catalogue_record_type, &catalogue->types, &catalogue->type_count },
		{ catalogue_query_synonyms, &catalogue_record_synonym, &catalogue->synonyms, &catalogue->synonym_count },
		{ catalogue_query_properties, &catalogue_record_property, &catalogue->properties, &catalogue->property_count },
	};
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof lists / sizeof lists[0]; i++)
		result = read_array(catalogue, session, lists[i].query, lists[i].record, lists[i].items, lists[i].count, error);
	return result;
}

/* ---- parts into tables ---- */

static void add_parts(struct catalogue_table *table, struct parts *parts)
{
#define OF_TABLE(item) ((item).table_id == table->object_id)
	TAKE_RUN(table, columns, column_count, parts->columns, parts->column_count, OF_TABLE);
	TAKE_RUN(table, indexes, index_count, parts->indexes, parts->index_count, OF_TABLE);
	TAKE_RUN(table, foreign_keys, foreign_key_count, parts->foreign_keys, parts->foreign_key_count, OF_TABLE);
	TAKE_RUN(table, checks, check_count, parts->checks, parts->check_count, OF_TABLE);
	TAKE_RUN(table, triggers, trigger_count, parts->triggers, parts->trigger_count, OF_TABLE);
}

static void add_key_parts(struct catalogue_table *table, struct parts *parts)
{
	for (uint32_t i = 0; i < table->index_count; i++) {
		struct catalogue_index *index = &table->indexes[i];
#define OF_INDEX(item) ((item).table_id == index->table_id && (item).index_id == index->index_id)
		TAKE_RUN(index, columns, column_count, parts->index_columns, parts->index_column_count, OF_INDEX);
	}
	for (uint32_t i = 0; i < table->foreign_key_count; i++) {
		struct catalogue_foreign_key *key = &table->foreign_keys[i];
#define OF_KEY(item) ((item).foreign_key_id == key->object_id)
		TAKE_RUN(key, pairs, pair_count, parts->pairs, parts->pair_count, OF_KEY);
	}
}

/* A lone surrogate, as its three bytes, cannot be sent in a statement. */
static bool bad_name(const char *name)
{
	for (const unsigned char *at = (const unsigned char *)name; *at; at++)
		if (at[0] == 0xed && at[1] >= 0xa0)
			return true;
	return !*name;
}

static void add_features(struct catalogue_table *table, int version)
{
	uint32_t features = bad_name(table->name) || bad_name(table->schema) ? FEATURE_BAD_NAME : 0;

	for (uint32_t i = 0; i < table->column_count; i++) {
		const struct catalogue_column *column = &table->columns[i];
		features |= column->filestream ? FEATURE_FILESTREAM : 0;
		features |= column->encrypted ? FEATURE_ENCRYPTED : 0;
		features |= column->masked ? FEATURE_MASKED : 0;
		features |= column->graph ? FEATURE_GRAPH : 0;
		features |= bad_name(column->name) ? FEATURE_BAD_NAME : 0;
		features |= catalogue_column_type(column) ? 0 : FEATURE_UNKNOWN_TYPE;
	}
	for (uint32_t i = 0; i < table->index_count; i++) {
		features |= table->indexes[i].type == 5 && version < 13 ? FEATURE_COLUMNSTORE_OLD : 0;
		features |= table->indexes[i].type == 6 && version < 13 ? FEATURE_COLUMNSTORE : 0;
	}
	table->features |= features | (table->column_count > 4000 ? FEATURE_TOO_WIDE : 0);
}

static void assemble(struct catalogue *catalogue, struct parts *parts, int version)
{
	for (uint32_t i = 0; i < catalogue->table_count; i++) {
		add_parts(&catalogue->tables[i], parts);
		add_key_parts(&catalogue->tables[i], parts);
		add_features(&catalogue->tables[i], version);
	}
	/* What no table took: DDL triggers come first, with parent 0; triggers on views anywhere. */
	catalogue->triggers = parts->triggers;
	while (catalogue->trigger_count < parts->trigger_count && !parts->triggers[catalogue->trigger_count].table_id)
		catalogue->trigger_count++;
}

static struct catalogue_table *table_by_id(struct catalogue *catalogue, int32_t object_id)
{
	for (uint32_t i = 0; i < catalogue->table_count; i++)
		if (catalogue->tables[i].object_id == object_id)
			return &catalogue->tables[i];
	return NULL;
}

static void add_size(struct catalogue_table *table, const struct value *values)
{
	int64_t index_id = catalogue_number(&values[1]), rows = catalogue_number(&values[2]),
			pages = catalogue_number(&values[3]);

	if (index_id <= 1)
		table->rows = rows;
	table->pages = (table->pages < 0 ? 0 : table->pages) + pages;
	for (uint32_t i = 0; i < table->index_count; i++)
		if (table->indexes[i].index_id == index_id)
			table->indexes[i].pages = pages;
}

static int read_sizes(struct catalogue *catalogue, struct session *session, struct sql_error *error)
{
	struct value values[4];
	struct catalogue_table *table;
	int result = start(session, catalogue_query_sizes, error);

	while (result == 0 && (result = session_next(session, values, 4, error)) == 1) {
		table = table_by_id(catalogue, (int32_t)catalogue_number(&values[0]));
		if (table)
			add_size(table, values);
		result = 0;
	}
	catalogue->database.pages = (int64_t)(catalogue_bytes(catalogue) / 8192);
	return result;
}

int catalogue_read_database(struct catalogue *catalogue, struct session *session, struct sql_error *error)
{
	struct value values[RESULTS_MAX];
	size_t count = scalar_count(&catalogue_record_database);
	int result = start(session, catalogue_query_database, error);

	if (result < 0)
		return result;
	result = session_next(session, values, count, error);
	if (result == 0)
		return sql_error_set(error, SQL_ERROR_DATABASE_STATE, "", "sys.databases does not show the database");
	if (result < 0)
		return result;
	if (!set_record(catalogue, &catalogue_record_database, (char *)&catalogue->database, values))
		return no_memory(error);
	result = session_next(session, values, count, error);
	return result == 1 ? session_cancel(session, error) : result;
}

int catalogue_read(struct catalogue **read, struct session *session, struct sql_error *error)
{
	struct parts parts = { 0 };
	struct catalogue *catalogue;
	int result;

	if (catalogue_new(&catalogue) < 0)
		return no_memory(error);
	result = catalogue_read_database(catalogue, session, error);
	if (result == 0)
		result = read_parts(catalogue, session, &parts, error);
	if (result == 0) {
		assemble(catalogue, &parts, session_server_version(session));
		result = read_sizes(catalogue, session, error);
	}
	if (result < 0) {
		catalogue_free(catalogue);
		return result;
	}
	*read = catalogue;
	return 0;
}

/* ---- what moves outside transactions ---- */

static bool set_identity(struct catalogue *catalogue, const struct value *values)
{
	struct catalogue_table *table = table_by_id(catalogue, (int32_t)catalogue_number(&values[0]));

	for (uint32_t i = 0; table && i < table->column_count; i++) {
		if (!table->columns[i].identity)
			continue;
		table->columns[i].identity_last = values[1].data ? catalogue_text(catalogue, &values[1]) : NULL;
		return table->columns[i].identity_last || !values[1].data;
	}
	return true;
}

static bool set_sequence(struct catalogue *catalogue, const struct value *values)
{
	for (uint32_t i = 0; i < catalogue->sequence_count; i++) {
		struct catalogue_sequence *sequence = &catalogue->sequences[i];
		if (sequence->object_id != catalogue_number(&values[0]))
			continue;
		sequence->current = catalogue_text(catalogue, &values[1]);
		sequence->last_used = values[2].data ? catalogue_text(catalogue, &values[2]) : NULL;
		return sequence->current && (sequence->last_used || !values[2].data);
	}
	return true;
}

static int read_values(struct catalogue *catalogue, struct session *session, const char *query, size_t count,
	bool (*set)(struct catalogue *, const struct value *), struct sql_error *error)
{
	struct value values[3];
	int result = start(session, query, error);

	while (result == 0 && (result = session_next(session, values, count, error)) == 1)
		result = set(catalogue, values) ? 0 : no_memory(error);
	return result;
}

int catalogue_read_values(struct catalogue *catalogue, struct session *session, struct sql_error *error)
{
	int result = read_values(catalogue, session, catalogue_query_identities, 2, set_identity, error);

	return result < 0 ? result
					  : read_values(catalogue, session, catalogue_query_sequence_values, 3, set_sequence, error);
}
