/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the replace_*.c files. */
#ifndef AGENT_SQL_REPLACE_PRIVATE_H
#define AGENT_SQL_REPLACE_PRIVATE_H

#include "agent/sql/load.h"
#include "agent/sql/replace.h"
#include "agent/sql/statement.h"

struct replace {
	struct session *session;
	struct uplink *uplink;
	const struct catalogue *wanted;
	const struct rowgroup_params *params;
	const char *const *unread; /* tables that cannot be read */
	size_t unread_count;
	struct catalogue *present;  /* after the locks, before any change */
	bool *changed;              /* per table of `present`: its rows change */
	bool *numbered;             /* per table of `wanted`: its identity is put back */
	struct statement statement; /* scratch */
	struct load *load;
};

/* Runs replace->statement, and says what it was doing in *error where it fails. */
int replace_execute(struct replace *replace, struct sql_error *error);
int replace_note(struct replace *replace, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The table of `present` for one of `wanted`, if it was prepared and none is being loaded. */
int replace_prepared(
	struct replace *replace, uint32_t wanted, const struct catalogue_table **table, struct sql_error *error);

/* The table cannot be read. */
static inline bool replace_unread(const struct replace *replace, const struct catalogue_table *table)
{
	return catalogue_table_listed(table, replace->unread, replace->unread_count);
}

/* Constraints and triggers that stand in the way, off by name; and back. */
int replace_switch_off(struct replace *replace, struct sql_error *error);
int replace_switch_on(struct replace *replace, struct sql_error *error);
/* Identity and sequence values as in the wanted catalogue. */
int replace_put_values(struct replace *replace, struct sql_error *error);

/* The table of `present` that one of `wanted` is; it is there, replace_begin saw to that. */
static inline const struct catalogue_table *replace_present(const struct replace *replace, uint32_t wanted)
{
	const struct catalogue_table *table = &replace->wanted->tables[wanted];

	return &replace->present->tables[catalogue_find_table(replace->present, table->schema, table->name)];
}

#endif
