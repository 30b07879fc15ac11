/* SPDX-License-Identifier: Apache-2.0 */
/* Do rows of one catalogue fit into the tables of another, and are constraints and triggers in the same state? */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/sql/catalogue.h"

/* Where the first difference is told. */
struct telling {
	char *object, *difference;
	size_t object_size, difference_size;
};

static bool tell(const struct telling *telling, const struct catalogue_table *table, const char *part,
	const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Always false, so that a comparison can return it. */
static bool tell(
	const struct telling *telling, const struct catalogue_table *table, const char *part, const char *format, ...)
{
	char name[CATALOGUE_NAME_SIZE];
	va_list arguments;

	catalogue_table_name(table, name, sizeof name);
	snprintf(telling->object, telling->object_size, part ? "%s.[%s]" : "%s", name, part);
	va_start(arguments, format);
	vsnprintf(telling->difference, telling->difference_size, format, arguments);
	va_end(arguments);
	return false;
}

/* ---- columns ---- */

static const struct catalogue_column *column_by_name(const struct catalogue_table *table, const char *name)
{
	for (uint32_t i = 0; i < table->column_count; i++)
		if (!strcmp(table->columns[i].name, name))
			return &table->columns[i];
	return NULL;
}

/* Types whose trailing blanks or zeros SET ANSI_PADDING, as it was at their CREATE, keeps or cuts off. */
static bool keeps_padding(const char *type)
{
	return !strcmp(type, "char") || !strcmp(type, "varchar") || !strcmp(type, "binary") || !strcmp(type, "varbinary");
}

static bool numbers_equal(const struct catalogue_column *wanted, const struct catalogue_column *present,
	const struct catalogue_table *table, const struct telling *telling)
{
	if (wanted->max_length != present->max_length)
		return tell(telling, table, wanted->name, "was %d bytes long, is %d", wanted->max_length, present->max_length);
	if (wanted->precision != present->precision || wanted->scale != present->scale)
		return tell(telling, table, wanted->name, "had precision %d and scale %d, has %d and %d", wanted->precision,
			wanted->scale, present->precision, present->scale);
	if (wanted->ansi_padded != present->ansi_padded && keeps_padding(wanted->type))
		return tell(telling, table, wanted->name, "%s trailing blanks and zeros, %s them",
			wanted->ansi_padded ? "kept" : "trimmed", present->ansi_padded ? "keeps" : "trims");
	if (wanted->nullable != present->nullable)
		return tell(telling, table, wanted->name, "was %s, is %s", wanted->nullable ? "NULL" : "NOT NULL",
			present->nullable ? "NULL" : "NOT NULL");
	return true;
}

static bool columns_equal(const struct catalogue_column *wanted, const struct catalogue_column *present,
	const struct catalogue_table *table, const struct telling *telling)
{
	if (strcmp(wanted->type, present->type) != 0)
		return tell(telling, table, wanted->name, "was of type %s, is %s", wanted->type, present->type);
	if (!strcmp(wanted->type, "clr") && strcmp(wanted->user_type, present->user_type) != 0)
		return tell(telling, table, wanted->name, "was of type %s, is %s", wanted->user_type, present->user_type);
	if (strcmp(wanted->collation, present->collation) != 0)
		return tell(telling, table, wanted->name, "had collation %s, has %s", wanted->collation, present->collation);
	if (strcmp(wanted->xml_collection, present->xml_collection) != 0)
		return tell(telling, table, wanted->name, "had the XML schema collection %s, has %s", wanted->xml_collection,
			present->xml_collection);
	if (wanted->identity != present->identity)
		return tell(
			telling, table, wanted->name, wanted->identity ? "was IDENTITY, is not" : "was no IDENTITY, is one");
	if (wanted->computed != present->computed || wanted->persisted != present->persisted)
		return tell(telling, table, wanted->name, "was %s, is %s", wanted->computed ? "computed" : "a plain column",
			present->computed ? "computed" : "a plain column");
	if (wanted->generated != present->generated || wanted->column_set != present->column_set)
		return tell(telling, table, wanted->name, "is made by the server in another way than it was");
	return numbers_equal(wanted, present, table, telling);
}

static bool same_columns(
	const struct catalogue_table *wanted, const struct catalogue_table *present, const struct telling *telling)
{
	for (uint32_t i = 0; i < wanted->column_count; i++)
		if (!column_by_name(present, wanted->columns[i].name))
			return tell(telling, wanted, wanted->columns[i].name, "is missing in the database");
	for (uint32_t i = 0; i < present->column_count; i++)
		if (!column_by_name(wanted, present->columns[i].name))
			return tell(telling, wanted, present->columns[i].name, "was added after the snapshot");
	for (uint32_t i = 0; i < wanted->column_count; i++) {
		if (strcmp(wanted->columns[i].name, present->columns[i].name) != 0)
			return tell(telling, wanted, wanted->columns[i].name, "is at another place in the table than it was");
		if (!columns_equal(&wanted->columns[i], &present->columns[i], wanted, telling))
			return false;
	}
	return true;
}

/* Rows are cut and sorted by the key: chunks of another key could not be compared. */
static bool same_key(
	const struct catalogue_table *wanted, const struct catalogue_table *present, const struct telling *telling)
{
	struct catalogue_layout a, b;
	bool same = false;

	if (catalogue_layout(&a, wanted) < 0)
		return tell(telling, wanted, NULL, "cannot be compared: no memory");
	if (catalogue_layout(&b, present) < 0) {
		catalogue_layout_free(&a);
		return tell(telling, wanted, NULL, "cannot be compared: no memory");
	}
	same = a.order_count == b.order_count && a.unique == b.unique &&
		!memcmp(a.order, b.order, a.order_count * sizeof *a.order) &&
		!memcmp(a.descending, b.descending, a.order_count * sizeof *a.descending);
	catalogue_layout_free(&a);
	catalogue_layout_free(&b);
	return same || tell(telling, wanted, NULL, "has another key than it had");
}

static bool table_fits(
	const struct catalogue_table *wanted, const struct catalogue_table *present, const struct telling *telling)
{
	return same_columns(wanted, present, telling) && same_key(wanted, present, telling);
}

typedef bool same_table(
	const struct catalogue_table *wanted, const struct catalogue_table *present, const struct telling *telling);

/* False with the first difference. What only the database has is none. */
static bool each_table(
	const struct catalogue *wanted, const struct catalogue *present, same_table *same, const struct telling *telling)
{
	for (uint32_t i = 0; i < wanted->table_count; i++) {
		const struct catalogue_table *table = &wanted->tables[i];
		int there = catalogue_find_table(present, table->schema, table->name);
		if (there < 0)
			return tell(telling, table, NULL, "is missing in the database");
		if (!same(table, &present->tables[there], telling))
			return false;
	}
	return true;
}

bool catalogue_fits(const struct catalogue *wanted, const struct catalogue *present, char *object, size_t object_size,
	char *difference, size_t difference_size)
{
	const struct telling telling = { object, difference, object_size, difference_size };

	return each_table(wanted, present, table_fits, &telling);
}

/* ---- states ---- */

/* A constraint or a trigger of a table. A trigger is neither trusted nor not. */
struct switchable {
	const char *name;
	bool disabled, not_trusted, not_for_replication, trigger;
};

static struct switchable foreign_key_at(const struct catalogue_table *table, uint32_t i)
{
	const struct catalogue_foreign_key *key = &table->foreign_keys[i];

	return (struct switchable){ key->name, key->disabled, key->not_trusted, key->not_for_replication, false };
}

static struct switchable check_at(const struct catalogue_table *table, uint32_t i)
{
	const struct catalogue_check *check = &table->checks[i];

	return (struct switchable){ check->name, check->disabled, check->not_trusted, check->not_for_replication, false };
}

static struct switchable trigger_at(const struct catalogue_table *table, uint32_t i)
{
	return (struct switchable){ table->triggers[i].name, table->triggers[i].disabled, false, false, true };
}

static const char *state_name(const struct switchable *of)
{
	if (of->not_for_replication)
		return of->disabled ? "disabled, not for replication" : "enabled, not for replication";
	if (of->disabled || of->trigger)
		return of->disabled ? "disabled" : "enabled";
	return of->not_trusted ? "enabled but not trusted" : "enabled and trusted";
}

/* One of the three lists that a table has. */
struct list {
	const char *missing;
	struct switchable (*at)(const struct catalogue_table *table, uint32_t i);
	uint32_t wanted, present; /* how many there are */
};

static bool list_equal(const struct list *list, const struct catalogue_table *wanted,
	const struct catalogue_table *present, const struct telling *telling)
{
	for (uint32_t i = 0; i < list->wanted; i++) {
		struct switchable a = list->at(wanted, i), b = { .name = NULL };
		for (uint32_t j = 0; j < list->present && !b.name; j++) {
			b = list->at(present, j);
			if (strcmp(a.name, b.name) != 0)
				b.name = NULL;
		}
		if (!b.name)
			return tell(telling, wanted, a.name, "%s", list->missing);
		if (a.disabled != b.disabled || a.not_trusted != b.not_trusted ||
			a.not_for_replication != b.not_for_replication)
			return tell(telling, wanted, a.name, "was %s, is %s", state_name(&a), state_name(&b));
	}
	return true;
}

static bool states_equal(
	const struct catalogue_table *wanted, const struct catalogue_table *present, const struct telling *telling)
{
	const struct list lists[] = {
		{ "the foreign key is missing", foreign_key_at, wanted->foreign_key_count, present->foreign_key_count },
		{ "the check is missing", check_at, wanted->check_count, present->check_count },
		{ "the trigger is missing", trigger_at, wanted->trigger_count, present->trigger_count },
	};

	for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
		if (!list_equal(&lists[i], wanted, present, telling))
			return false;
	return true;
}

bool catalogue_states_equal(const struct catalogue *wanted, const struct catalogue *present, char *object,
	size_t object_size, char *difference, size_t difference_size)
{
	const struct telling telling = { object, difference, object_size, difference_size };

	return each_table(wanted, present, states_equal, &telling);
}

/* ---- features ---- */

static bool is_referenced(const struct catalogue *catalogue, const struct catalogue_table *table)
{
	for (uint32_t i = 0; i < catalogue->table_count; i++)
		for (uint32_t j = 0; j < catalogue->tables[i].foreign_key_count; j++)
			if (&catalogue->tables[i] != table &&
				catalogue->tables[i].foreign_keys[j].referenced_id == table->object_id)
				return true;
	return false;
}

bool catalogue_can_truncate(const struct catalogue *catalogue, const struct catalogue_table *table)
{
	if (table->features || is_referenced(catalogue, table))
		return false;
	for (uint32_t i = 0; i < catalogue->module_count; i++)
		if (catalogue->modules[i].schema_bound && !strncmp(catalogue->modules[i].type, "V", 1))
			return false;
	return true;
}

bool catalogue_may_truncate(const struct catalogue *catalogue, const struct catalogue_table *table)
{
	/* It would be as if never used; RESEED gives it its next value again, but not that it was used. */
	for (uint32_t i = 0; i < table->column_count; i++)
		if (table->columns[i].identity)
			return false;
	for (uint32_t i = 0; i < table->index_count; i++)
		if (table->indexes[i].disabled)
			return false;
	return catalogue_can_truncate(catalogue, table);
}

const struct catalogue_refusal *catalogue_refused(const struct catalogue_table *table, bool restore)
{
	static const struct catalogue_refusal refusals[] = {
		{ FEATURE_BAD_NAME, true, true, "a name in it is no well-formed Unicode, so no statement can name it" },
		{ FEATURE_ROW_SECURITY, true, true,
			"a row-level security policy filters its rows, so a copy would be incomplete" },
		{ FEATURE_ENCRYPTED, true, true, "a column is under Always Encrypted: its ciphertext cannot be loaded back" },
		{ FEATURE_MEMORY_OPTIMIZED, true, true, "a memory-optimized table cannot be read together with the others" },
		{ FEATURE_FILETABLE, true, true, "a FileTable keeps its data in files" },
		{ FEATURE_FILESTREAM, true, true, "a FILESTREAM column keeps its data in files" },
		{ FEATURE_EXTERNAL, true, true, "an external table keeps its rows elsewhere" },
		{ FEATURE_GRAPH, true, true, "a graph table has columns that only the server can write" },
		{ FEATURE_COLUMNSTORE_OLD, true, true, "SQL Server 2014 cannot read a clustered columnstore in a snapshot" },
		{ FEATURE_UNKNOWN_TYPE, true, true, "a column is of a type that this version does not know" },
		{ FEATURE_TOO_WIDE, true, true, "it has more than 4 000 columns" },
		{ FEATURE_TEMPORAL, false, true, "a system-versioned table cannot be emptied without its history" },
		{ FEATURE_HISTORY, false, true, "only the server writes the history of a system-versioned table" },
		{ FEATURE_LEDGER, false, true, "a ledger table keeps every change for ever" },
		{ FEATURE_CDC, false, true, "change data capture would record every row as changed" },
		{ FEATURE_PUBLISHED, false, true, "it is published for replication" },
		{ FEATURE_COLUMNSTORE, false, true,
			"a nonclustered columnstore of SQL Server 2012 or 2014 makes it read-only" },
	};

	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
		if ((table->features & (uint32_t)refusals[i].feature) && (restore ? refusals[i].restore : refusals[i].backup))
			return &refusals[i];
	return NULL;
}
