/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/catalogue_fields.h"

#include <string.h>

/* A new field goes at the end of its table with the next tag; a tag is never used for another meaning. */
#define SCALAR(tag, kind, type, member)                   \
	{                                                     \
		tag, kind, offsetof(struct type, member), 0, NULL \
	}
#define LIST(tag, type, member, count, record)                                                                   \
	{                                                                                                            \
		tag, FIELD_LIST, offsetof(struct type, member), offsetof(struct type, count), &catalogue_record_##record \
	}
#define RECORD(name, type)                                                                        \
	const struct catalogue_record catalogue_record_##name = { sizeof(struct type), name##_fields, \
		sizeof name##_fields / sizeof name##_fields[0] }

static const struct catalogue_field pair_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_pair, foreign_key_id),
	SCALAR(2, FIELD_INT, catalogue_pair, column_id),
	SCALAR(3, FIELD_INT, catalogue_pair, referenced_column_id),
};
RECORD(pair, catalogue_pair);

static const struct catalogue_field index_column_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_index_column, table_id),
	SCALAR(2, FIELD_INT, catalogue_index_column, index_id),
	SCALAR(3, FIELD_INT, catalogue_index_column, column_id),
	SCALAR(4, FIELD_INT, catalogue_index_column, key_ordinal),
	SCALAR(5, FIELD_INT, catalogue_index_column, partition_ordinal),
	SCALAR(6, FIELD_BOOL, catalogue_index_column, descending),
	SCALAR(7, FIELD_BOOL, catalogue_index_column, included),
};
RECORD(index_column, catalogue_index_column);

static const struct catalogue_field column_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_column, table_id),
	SCALAR(2, FIELD_INT, catalogue_column, column_id),
	SCALAR(3, FIELD_STRING, catalogue_column, name),
	SCALAR(4, FIELD_STRING, catalogue_column, type),
	SCALAR(5, FIELD_STRING, catalogue_column, user_type),
	SCALAR(6, FIELD_INT, catalogue_column, max_length),
	SCALAR(7, FIELD_INT, catalogue_column, precision),
	SCALAR(8, FIELD_INT, catalogue_column, scale),
	SCALAR(9, FIELD_STRING, catalogue_column, collation),
	SCALAR(10, FIELD_INT, catalogue_column, code_page),
	SCALAR(11, FIELD_BOOL, catalogue_column, nullable),
	SCALAR(12, FIELD_BOOL, catalogue_column, identity),
	SCALAR(13, FIELD_BOOL, catalogue_column, computed),
	SCALAR(14, FIELD_BOOL, catalogue_column, persisted),
	SCALAR(15, FIELD_BOOL, catalogue_column, rowguid),
	SCALAR(16, FIELD_BOOL, catalogue_column, sparse),
	SCALAR(17, FIELD_BOOL, catalogue_column, column_set),
	SCALAR(18, FIELD_BOOL, catalogue_column, hidden),
	SCALAR(19, FIELD_BOOL, catalogue_column, ansi_padded),
	SCALAR(20, FIELD_BOOL, catalogue_column, filestream),
	SCALAR(21, FIELD_BOOL, catalogue_column, masked),
	SCALAR(22, FIELD_BOOL, catalogue_column, encrypted),
	SCALAR(23, FIELD_BOOL, catalogue_column, identity_not_for_replication),
	SCALAR(24, FIELD_INT, catalogue_column, generated),
	SCALAR(25, FIELD_INT, catalogue_column, graph),
	SCALAR(26, FIELD_STRING, catalogue_column, definition),
	SCALAR(27, FIELD_STRING, catalogue_column, default_name),
	SCALAR(28, FIELD_STRING, catalogue_column, default_definition),
	SCALAR(29, FIELD_STRING, catalogue_column, identity_seed),
	SCALAR(30, FIELD_STRING, catalogue_column, identity_increment),
	SCALAR(31, FIELD_OPTIONAL, catalogue_column, identity_last),
	SCALAR(32, FIELD_STRING, catalogue_column, xml_collection),
};
RECORD(column, catalogue_column);

static const struct catalogue_field index_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_index, table_id),
	SCALAR(2, FIELD_INT, catalogue_index, index_id),
	SCALAR(3, FIELD_STRING, catalogue_index, name),
	SCALAR(4, FIELD_INT, catalogue_index, type),
	SCALAR(5, FIELD_BOOL, catalogue_index, unique),
	SCALAR(6, FIELD_BOOL, catalogue_index, primary_key),
	SCALAR(7, FIELD_BOOL, catalogue_index, unique_constraint),
	SCALAR(8, FIELD_BOOL, catalogue_index, disabled),
	SCALAR(9, FIELD_BOOL, catalogue_index, ignore_dup_key),
	SCALAR(10, FIELD_BOOL, catalogue_index, padded),
	SCALAR(11, FIELD_BOOL, catalogue_index, row_locks),
	SCALAR(12, FIELD_BOOL, catalogue_index, page_locks),
	SCALAR(13, FIELD_INT, catalogue_index, fill_factor),
	SCALAR(14, FIELD_STRING, catalogue_index, filter),
	SCALAR(15, FIELD_STRING, catalogue_index, data_space),
	SCALAR(16, FIELD_STRING, catalogue_index, compression),
	SCALAR(17, FIELD_LONG, catalogue_index, pages),
	LIST(18, catalogue_index, columns, column_count, index_column),
};
RECORD(index, catalogue_index);

static const struct catalogue_field foreign_key_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_foreign_key, table_id),
	SCALAR(2, FIELD_INT, catalogue_foreign_key, object_id),
	SCALAR(3, FIELD_INT, catalogue_foreign_key, referenced_id),
	SCALAR(4, FIELD_STRING, catalogue_foreign_key, name),
	SCALAR(5, FIELD_STRING, catalogue_foreign_key, referenced_schema),
	SCALAR(6, FIELD_STRING, catalogue_foreign_key, referenced_table),
	SCALAR(7, FIELD_INT, catalogue_foreign_key, on_delete),
	SCALAR(8, FIELD_INT, catalogue_foreign_key, on_update),
	SCALAR(9, FIELD_BOOL, catalogue_foreign_key, disabled),
	SCALAR(10, FIELD_BOOL, catalogue_foreign_key, not_trusted),
	SCALAR(11, FIELD_BOOL, catalogue_foreign_key, not_for_replication),
	LIST(12, catalogue_foreign_key, pairs, pair_count, pair),
};
RECORD(foreign_key, catalogue_foreign_key);

static const struct catalogue_field check_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_check, table_id),
	SCALAR(2, FIELD_STRING, catalogue_check, name),
	SCALAR(3, FIELD_STRING, catalogue_check, definition),
	SCALAR(4, FIELD_INT, catalogue_check, column_id),
	SCALAR(5, FIELD_BOOL, catalogue_check, disabled),
	SCALAR(6, FIELD_BOOL, catalogue_check, not_trusted),
	SCALAR(7, FIELD_BOOL, catalogue_check, not_for_replication),
};
RECORD(check, catalogue_check);

static const struct catalogue_field trigger_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_trigger, table_id),
	SCALAR(2, FIELD_STRING, catalogue_trigger, name),
	SCALAR(3, FIELD_STRING, catalogue_trigger, definition),
	SCALAR(4, FIELD_STRING, catalogue_trigger, events),
	SCALAR(5, FIELD_BOOL, catalogue_trigger, disabled),
	SCALAR(6, FIELD_BOOL, catalogue_trigger, instead_of),
	SCALAR(7, FIELD_BOOL, catalogue_trigger, not_for_replication),
	SCALAR(8, FIELD_BOOL, catalogue_trigger, ansi_nulls),
	SCALAR(9, FIELD_BOOL, catalogue_trigger, quoted_identifier),
	SCALAR(10, FIELD_BOOL, catalogue_trigger, encrypted),
};
RECORD(trigger, catalogue_trigger);

static const struct catalogue_field table_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_table, object_id),
	SCALAR(2, FIELD_STRING, catalogue_table, schema),
	SCALAR(3, FIELD_STRING, catalogue_table, name),
	SCALAR(4, FIELD_INT, catalogue_table, features),
	SCALAR(5, FIELD_INT, catalogue_table, lock_escalation),
	SCALAR(6, FIELD_BOOL, catalogue_table, ansi_nulls),
	SCALAR(7, FIELD_LONG, catalogue_table, rows),
	SCALAR(8, FIELD_LONG, catalogue_table, pages),
	LIST(9, catalogue_table, columns, column_count, column),
	LIST(10, catalogue_table, indexes, index_count, index),
	LIST(11, catalogue_table, foreign_keys, foreign_key_count, foreign_key),
	LIST(12, catalogue_table, checks, check_count, check),
	LIST(13, catalogue_table, triggers, trigger_count, trigger),
};
RECORD(table, catalogue_table);

static const struct catalogue_field module_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_module, object_id),
	SCALAR(2, FIELD_STRING, catalogue_module, schema),
	SCALAR(3, FIELD_STRING, catalogue_module, name),
	SCALAR(4, FIELD_STRING, catalogue_module, type),
	SCALAR(5, FIELD_STRING, catalogue_module, definition),
	SCALAR(6, FIELD_BOOL, catalogue_module, ansi_nulls),
	SCALAR(7, FIELD_BOOL, catalogue_module, quoted_identifier),
	SCALAR(8, FIELD_BOOL, catalogue_module, encrypted),
	SCALAR(9, FIELD_BOOL, catalogue_module, schema_bound),
};
RECORD(module, catalogue_module);

static const struct catalogue_field sequence_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_sequence, object_id),
	SCALAR(2, FIELD_STRING, catalogue_sequence, schema),
	SCALAR(3, FIELD_STRING, catalogue_sequence, name),
	SCALAR(4, FIELD_STRING, catalogue_sequence, type),
	SCALAR(5, FIELD_INT, catalogue_sequence, precision),
	SCALAR(6, FIELD_STRING, catalogue_sequence, start),
	SCALAR(7, FIELD_STRING, catalogue_sequence, increment),
	SCALAR(8, FIELD_STRING, catalogue_sequence, minimum),
	SCALAR(9, FIELD_STRING, catalogue_sequence, maximum),
	SCALAR(10, FIELD_STRING, catalogue_sequence, current),
	SCALAR(11, FIELD_OPTIONAL, catalogue_sequence, last_used),
	SCALAR(12, FIELD_BOOL, catalogue_sequence, cycling),
	SCALAR(13, FIELD_BOOL, catalogue_sequence, cached),
	SCALAR(14, FIELD_INT, catalogue_sequence, cache_size),
};
RECORD(sequence, catalogue_sequence);

static const struct catalogue_field type_fields[] = {
	SCALAR(1, FIELD_STRING, catalogue_type, schema),
	SCALAR(2, FIELD_STRING, catalogue_type, name),
	SCALAR(3, FIELD_STRING, catalogue_type, base),
	SCALAR(4, FIELD_STRING, catalogue_type, collation),
	SCALAR(5, FIELD_INT, catalogue_type, max_length),
	SCALAR(6, FIELD_INT, catalogue_type, precision),
	SCALAR(7, FIELD_INT, catalogue_type, scale),
	SCALAR(8, FIELD_BOOL, catalogue_type, nullable),
	SCALAR(9, FIELD_BOOL, catalogue_type, table_type),
	SCALAR(10, FIELD_BOOL, catalogue_type, assembly_type),
};
RECORD(type, catalogue_type);

static const struct catalogue_field schema_fields[] = {
	SCALAR(1, FIELD_STRING, catalogue_schema, name),
	SCALAR(2, FIELD_STRING, catalogue_schema, owner),
};
RECORD(schema, catalogue_schema);

static const struct catalogue_field synonym_fields[] = {
	SCALAR(1, FIELD_STRING, catalogue_synonym, schema),
	SCALAR(2, FIELD_STRING, catalogue_synonym, name),
	SCALAR(3, FIELD_STRING, catalogue_synonym, base),
};
RECORD(synonym, catalogue_synonym);

static const struct catalogue_field property_fields[] = {
	SCALAR(1, FIELD_INT, catalogue_property, class),
	SCALAR(2, FIELD_INT, catalogue_property, major),
	SCALAR(3, FIELD_INT, catalogue_property, minor),
	SCALAR(4, FIELD_STRING, catalogue_property, object),
	SCALAR(5, FIELD_STRING, catalogue_property, name),
	SCALAR(6, FIELD_STRING, catalogue_property, value),
};
RECORD(property, catalogue_property);

static const struct catalogue_field database_fields[] = {
	SCALAR(1, FIELD_STRING, catalogue_database, name),
	SCALAR(2, FIELD_STRING, catalogue_database, collation),
	SCALAR(3, FIELD_STRING, catalogue_database, server_version),
	SCALAR(4, FIELD_STRING, catalogue_database, edition),
	SCALAR(5, FIELD_STRING, catalogue_database, server_name),
	SCALAR(6, FIELD_INT, catalogue_database, server_major),
	SCALAR(7, FIELD_INT, catalogue_database, engine_edition),
	SCALAR(8, FIELD_INT, catalogue_database, code_page),
	SCALAR(9, FIELD_INT, catalogue_database, compatibility_level),
	SCALAR(10, FIELD_INT, catalogue_database, snapshot_isolation),
	SCALAR(11, FIELD_INT, catalogue_database, recovery_model),
	SCALAR(12, FIELD_INT, catalogue_database, state),
	SCALAR(13, FIELD_INT, catalogue_database, user_access),
	SCALAR(14, FIELD_BOOL, catalogue_database, read_committed_snapshot),
	SCALAR(15, FIELD_BOOL, catalogue_database, read_only),
	SCALAR(16, FIELD_BOOL, catalogue_database, change_tracking),
	SCALAR(17, FIELD_BOOL, catalogue_database, cdc),
	SCALAR(18, FIELD_BOOL, catalogue_database, published),
	SCALAR(19, FIELD_STRING, catalogue_database, broker_guid),
	SCALAR(20, FIELD_STRING, catalogue_database, created),
	SCALAR(21, FIELD_STRING, catalogue_database, mirroring),
	SCALAR(22, FIELD_LONG, catalogue_database, pages),
};
RECORD(database, catalogue_database);

static const struct catalogue_field root_fields[] = {
	{ 1, FIELD_RECORD, offsetof(struct catalogue, database), 0, &catalogue_record_database },
	LIST(2, catalogue, schemas, schema_count, schema),
	LIST(3, catalogue, tables, table_count, table),
	LIST(4, catalogue, modules, module_count, module),
	LIST(5, catalogue, triggers, trigger_count, trigger),
	LIST(6, catalogue, sequences, sequence_count, sequence),
	LIST(7, catalogue, types, type_count, type),
	LIST(8, catalogue, synonyms, synonym_count, synonym),
	LIST(9, catalogue, properties, property_count, property),
};
RECORD(root, catalogue);

void catalogue_record_init(const struct catalogue_record *record, void *item)
{
	static const char *const empty = "";

	for (size_t i = 0; i < record->field_count; i++) {
		const struct catalogue_field *field = &record->fields[i];
		char *at = (char *)item + field->offset;
		if (field->kind == FIELD_STRING)
			memcpy(at, &empty, sizeof empty);
		else if (field->kind == FIELD_RECORD)
			catalogue_record_init(field->record, at);
	}
}
