/* SPDX-License-Identifier: Apache-2.0 */
/* The system's procedures. */
#include "tests/sqlserver/sql_run.h"
#include "tests/sqlserver/sql_parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct call {
	struct session *session;
	struct argument_value *arguments;
	size_t count;
	int64_t *status;
};

static struct argument_value *argument(const struct call *c, const char *name, size_t position)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->arguments[i].name ? !strcasecmp(c->arguments[i].name, name) : i == position)
			return &c->arguments[i];
	return NULL;
}

static const char *text(const struct call *c, const char *name, size_t position, const char *otherwise)
{
	struct argument_value *a = argument(c, name, position);

	if (!a || a->value.storage != STORE_TEXT)
		return otherwise;
	return arena_copy(c->session->arena, a->value.data, a->value.size);
}

static int64_t number(const struct call *c, const char *name, size_t position, int64_t otherwise)
{
	struct argument_value *a = argument(c, name, position);

	return a && a->value.storage == STORE_INT ? a->value.i : otherwise;
}

static enum lock_mode lock_mode(const char *name)
{
	return !strcasecmp(name, "Exclusive")      ? MODE_X
		: !strcasecmp(name, "Shared")          ? MODE_S
		: !strcasecmp(name, "Update")          ? MODE_U
		: !strcasecmp(name, "IntentShared")    ? MODE_IS
		: !strcasecmp(name, "IntentExclusive") ? MODE_IX
											   : MODE_COUNT;
}

static int getapplock(struct call *c)
{
	struct session *s = c->session;
	const char *owner = text(c, "@LockOwner", 2, "Transaction");
	struct lock wanted = { .kind = LOCK_APPLICATION,
		.database = s->database->id,
		.owner = s,
		.mode = lock_mode(text(c, "@LockMode", 1, "")),
		.duration = !strcasecmp(owner, "Session") ? HOLD_SESSION : HOLD_TRANSACTION };

	if (wanted.mode == MODE_COUNT || (wanted.duration == HOLD_TRANSACTION && !s->trancount)) {
		*c->status = -999;
		return 0;
	}
	snprintf(wanted.name, sizeof(wanted.name), "%s", text(c, "@Resource", 0, ""));
	int error = lock_try(s, &wanted, 0);

	*c->status = 0;
	if (error == -ETIMEDOUT) {
		error = lock_try(s, &wanted, (int)number(c, "@LockTimeout", 3, s->lock_timeout));
		*c->status = !error ? 1 : error == -ETIMEDOUT ? -1 : error == -EDEADLK ? -3 : -2;
	}
	return 0;
}

static int releaseapplock(struct call *c)
{
	struct session *s = c->session;
	const char *name = text(c, "@Resource", 0, "");
	bool own = !strcasecmp(text(c, "@LockOwner", 1, "Transaction"), "Session");

	*c->status = 0;
	if (lock_release_name(s, s->database->id, name, own ? HOLD_SESSION : HOLD_TRANSACTION))
		return 0;
	*c->status = -999;
	return session_raise(s, 1223, name);
}

static int rename_object(struct call *c)
{
	struct session *s = c->session;
	const char *old = text(c, "@objname", 0, ""), *name = text(c, "@newname", 1, ""),
			   *kind = text(c, "@objtype", 2, "OBJECT");
	struct name parts;

	if (!strcasecmp(kind, "DATABASE")) {
		struct statement rename = { .kind = S_ALTER_DATABASE, .text = old, .other.object = name, .extra = "" };

		return run_database(s, &rename);
	}
	if (!parse_object_name(s->arena, old, &parts))
		return session_raise(s, 15225, old, s->database->name);
	bool column = !strcasecmp(kind, "COLUMN"), index = !strcasecmp(kind, "INDEX");
	struct name owner = column || index ? (struct name){ .object = parts.schema, .schema = parts.database } : parts;
	struct table *table = owner.object ? catalogue_find(s, &owner) : NULL;

	if (!table || (column && !table_column(table, parts.object)))
		return s->failed ? -5 : session_raise(s, 15225, old, s->database->name);
	if (!security_allows(s, table->database, table->id, "ALTER"))
		return session_raise(s, 15225, old, s->database->name);
	if (transaction_write(s, table->database) || (!strcmp(table->type, "U") && transaction_lock_schema(s, table)))
		return -5;
	if (column)
		return query_run(s, "UPDATE d%d.m_columns SET name=%Q WHERE object_id=%d AND name=%Q", table->database->id,
			name, table->id, parts.object);
	if (index)
		return query_run(s, "UPDATE d%d.m_indexes SET name=%Q WHERE object_id=%d AND name=%Q", table->database->id,
			name, table->id, parts.object);
	if (catalogue_object(s, table->database, table->schema_id, name))
		return session_raise(s, 15335, name, "OBJECT");
	query_run(s, "UPDATE d%d.m_indexes SET name=%Q WHERE name=%Q AND (primary_key OR unique_constraint)",
		table->database->id, name, table->name);
	return query_run(s, "UPDATE d%d.m_objects SET name=%Q WHERE object_id=%d", table->database->id, name, table->id);
}

static int table_option(struct call *c)
{
	struct name name;
	struct table *table = parse_object_name(c->session->arena, text(c, "@TableNamePattern", 0, ""), &name)
		? catalogue_find(c->session, &name)
		: NULL;

	return table ? 0
				 : session_raise(c->session, 15009, text(c, "@TableNamePattern", 0, ""), c->session->database->name);
}

static int add_member(struct call *c)
{
	struct statement s = {
		.kind = S_ALTER_ROLE, .text = text(c, "@rolename", 0, ""), .extra = text(c, "@membername", 1, ""), .on = true
	};

	return run_security(c->session, &s);
}

static int extended_property(struct call *c)
{
	struct session *s = c->session;
	struct database *d = catalogue_database(s, NULL);
	const char *table_name = text(c, "@level1name", 5, NULL), *column = text(c, "@level2name", 7, NULL);
	struct name name = { .schema = text(c, "@level0name", 3, "dbo"), .object = table_name };
	struct table *table = table_name ? catalogue_find(s, &name) : NULL;
	struct column *k = table && column ? table_column(table, column) : NULL;

	if (!d || transaction_write(s, d))
		return -5;
	return query_run(s, "INSERT INTO d%d.m_properties VALUES(%d,%d,%d,%Q,%Q)", d->id, table != NULL,
		table ? table->id : 0, k ? k->id : 0, text(c, "@name", 0, ""), text(c, "@value", 1, ""));
}

static int nothing(struct call *c)
{
	(void)c;
	return 0;
}

int run_system_procedure(
	struct session *session, const char *name, struct argument_value *arguments, size_t count, int64_t *status)
{
	static const struct {
		const char *name;
		int (*run)(struct call *call);
	} procedures[] = {
		{ "sp_getapplock", getapplock },
		{ "sp_releaseapplock", releaseapplock },
		{ "sp_rename", rename_object },
		{ "sp_tableoption", table_option },
		{ "sp_addrolemember", add_member },
		{ "sp_addextendedproperty", extended_property },
		{ "sp_updatestats", nothing },
		{ "sp_configure", nothing },
		{ "sp_recompile", nothing },
		{ "sp_flush_log", nothing },
		{ "sp_refreshview", nothing },
		{ "sp_reset_connection", nothing },
		{ "sp_cursorclose", nothing },
	};
	struct call call = { session, arguments, count, status };

	for (size_t i = 0; i < sizeof(procedures) / sizeof(*procedures); i++)
		if (!strcasecmp(procedures[i].name, name))
			return procedures[i].run(&call);
	return -ENOENT;
}

void drop_table_variables(struct session *session)
{
	struct database *d = database_by_id(session->engine, DATABASE_TEMP);

	if (!session->attached[DATABASE_TEMP])
		return;
	for (;;) {
		int id = (int)query_int(
			session, 0, "SELECT object_id FROM d2.m_objects WHERE type='U' AND name LIKE '@%%' LIMIT 1");

		if (!id || drop_object(session, d, id))
			return;
	}
}
