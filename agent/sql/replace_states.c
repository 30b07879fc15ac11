/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constraints and triggers, by name: off before rows change, and back to the very state they were in. A foreign key that
 * is off neither checks nor cascades, so tables may be emptied in any order, cycles and references to themselves
 * included. What was off before is never touched.
 */
#include <stdio.h>

#include "agent/sql/replace_private.h"

static bool is_changed(const struct replace *replace, int32_t object_id)
{
	for (uint32_t i = 0; i < replace->present->table_count; i++)
		if (replace->present->tables[i].object_id == object_id)
			return replace->changed[i];
	return false;
}

static void begin_alter(struct replace *replace, const struct catalogue_table *table, const char *what)
{
	statement_reset(&replace->statement);
	statement_add(&replace->statement, "ALTER TABLE ");
	statement_table(&replace->statement, table);
	statement_add(&replace->statement, " %s ", what);
}

static int alter(struct replace *replace, const struct catalogue_table *table, const char *what, const char *name,
	struct sql_error *error)
{
	begin_alter(replace, table, what);
	statement_name(&replace->statement, name);
	return replace_execute(replace, error);
}

/* A foreign key stands in the way at either end. */
static bool key_concerned(const struct replace *replace, const struct catalogue_foreign_key *key)
{
	return !key->disabled && (is_changed(replace, key->table_id) || is_changed(replace, key->referenced_id));
}

static const char *checking(bool not_trusted)
{
	/* Checking the rows of a constraint that was not trusted could fail on rows that were legal. */
	return not_trusted ? "WITH NOCHECK CHECK CONSTRAINT" : "WITH CHECK CHECK CONSTRAINT";
}

static int each_key(struct replace *replace, const struct catalogue_table *table, bool on, struct sql_error *error)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < table->foreign_key_count; i++) {
		const struct catalogue_foreign_key *key = &table->foreign_keys[i];
		if (key_concerned(replace, key))
			result = alter(replace, table, on ? checking(key->not_trusted) : "NOCHECK CONSTRAINT", key->name, error);
	}
	return result;
}

static int each_check(struct replace *replace, const struct catalogue_table *table, bool on, struct sql_error *error)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < table->check_count; i++) {
		const struct catalogue_check *check = &table->checks[i];
		if (!check->disabled)
			result = alter(
				replace, table, on ? checking(check->not_trusted) : "NOCHECK CONSTRAINT", check->name, error);
	}
	return result;
}

static int each_trigger(struct replace *replace, const struct catalogue_table *table, bool on, struct sql_error *error)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < table->trigger_count; i++)
		if (!table->triggers[i].disabled)
			result = alter(replace, table, on ? "ENABLE TRIGGER" : "DISABLE TRIGGER", table->triggers[i].name, error);
	return result;
}

static int switch_all(struct replace *replace, bool on, struct sql_error *error)
{
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < replace->present->table_count; i++) {
		const struct catalogue_table *table = &replace->present->tables[i];
		result = each_key(replace, table, on, error);
		if (result == 0 && replace->changed[i])
			result = each_check(replace, table, on, error);
		if (result == 0 && replace->changed[i])
			result = each_trigger(replace, table, on, error);
	}
	return result;
}

int replace_switch_off(struct replace *replace, struct sql_error *error)
{
	return switch_all(replace, false, error);
}

int replace_switch_on(struct replace *replace, struct sql_error *error)
{
	return switch_all(replace, true, error);
}
