/* SPDX-License-Identifier: Apache-2.0 */
/* SQL Server hides what a login may not see instead of refusing it. Each of these looks for one way of hiding. */
#include <stdio.h>
#include <string.h>

#include "agent/sql/catalogue_queries.h"
#include "agent/sql/catalogue_read.h"
#include "agent/sql/statement.h"

#define OBJECT(schema_id, name) \
	"CAST(QUOTENAME(SCHEMA_NAME(" schema_id ")) + N'.' + QUOTENAME(" name ") AS varbinary(1100))"
#define PART(schema_id, name, part)                                                                    \
	"CAST(QUOTENAME(SCHEMA_NAME(" schema_id ")) + N'.' + QUOTENAME(" name ") + N'.' + QUOTENAME(" part \
	") AS varbinary(1700))"
#define NO_DEFINITION \
	"its definition may not be seen, and would be missing from the snapshot: the login lacks VIEW DEFINITION"

struct check {
	const char *query; /* the first object it concerns, or no row */
	const char *reason;
};

/* Of the database as a whole. */
static const struct check checks[] = {
	{ "SELECT TOP (1) " OBJECT("o.schema_id",
		  "o.name") " FROM sys.sql_modules m JOIN sys.objects o ON o.object_id = "
					"m.object_id WHERE m.definition IS NULL AND o.is_ms_shipped = 0 AND OBJECTPROPERTY(o.object_id, 'IsEncrypted') = 0 "
					"ORDER BY o.object_id",
		NO_DEFINITION },
	{ "SELECT TOP (1) " PART("t.schema_id", "t.name",
		  "c.name") " FROM sys.check_constraints c JOIN sys.tables t ON "
					"t.object_id = c.parent_object_id WHERE c.definition IS NULL AND t.is_ms_shipped = 0 ORDER BY c.object_id",
		NO_DEFINITION },
	{ "SELECT TOP (1) " PART("t.schema_id", "t.name",
		  "c.name") " FROM sys.default_constraints c JOIN sys.tables t ON "
					"t.object_id = c.parent_object_id WHERE c.definition IS NULL AND t.is_ms_shipped = 0 ORDER BY c.object_id",
		NO_DEFINITION },
	{ "SELECT TOP (1) " PART("t.schema_id", "t.name",
		  "c.name") " FROM sys.computed_columns c JOIN sys.tables t ON "
					"t.object_id = c.object_id WHERE c.definition IS NULL AND t.is_ms_shipped = 0 ORDER BY c.object_id",
		NO_DEFINITION },
};

static int run_check(struct session *session, const struct check *check, struct sql_error *error)
{
	char object[sizeof error->object];
	int result = catalogue_read_text(session, check->query, object, sizeof object, error);

	if (result < 0 || !*object)
		return result;
	return sql_error_set(error, SQL_ERROR_RIGHTS, object, "%s", check->reason);
}

/* Without it a table on which the login has no right at all is simply absent. */
static int check_view_definition(const struct catalogue *catalogue, struct session *session, struct sql_error *error)
{
	int64_t may;
	bool there;
	int result = catalogue_read_number(session, "SELECT " CATALOGUE_MAY("VIEW DEFINITION"), &may, &there, error);

	if (result < 0 || may == 1)
		return result;
	return sql_error_set(error, SQL_ERROR_RIGHTS, catalogue->database.name,
		"The login lacks VIEW DEFINITION in the "
		"database, so tables and definitions may be hidden from it without a word");
}

/* One object or schema may be hidden by DENY VIEW DEFINITION. */
static int check_hidden(const struct catalogue *catalogue, struct session *session, struct sql_error *error)
{
	int64_t tables = 0, denied = 0;
	bool there;
	int result = catalogue_read_number(
		session, "SELECT CAST(COUNT(DISTINCT p.object_id) AS bigint) " CATALOGUE_HIDDEN, &tables, &there, error);

	if (result == 0 && tables)
		return sql_error_set(error, SQL_ERROR_RIGHTS, catalogue->database.name,
			"%d of its tables are hidden from the login (DENY VIEW DEFINITION)", (int)tables);
	if (result == 0)
		result = catalogue_read_number(
			session, "SELECT CAST(COUNT(*) AS bigint) " CATALOGUE_DENIED, &denied, &there, error);
	if (result < 0 || denied == 0)
		return result;
	return sql_error_set(error, SQL_ERROR_RIGHTS, catalogue->database.name,
		"%d objects or schemas are hidden from the login (DENY VIEW DEFINITION or CONTROL): they would be missing from the "
		"snapshot, and a hidden security policy could filter rows",
		(int)denied);
}

static int check_select(const struct catalogue *catalogue, struct session *session, const char *const *left_out,
	size_t left_out_count, struct sql_error *error)
{
	struct value value[2];
	char name[CATALOGUE_NAME_SIZE] = "";
	int result = session_query(session, REQUEST_CATALOGUE,
		"SELECT t.object_id, HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME("
		"t.schema_id)) + N'.' + QUOTENAME(t.name), 'OBJECT', 'SELECT') FROM sys.tables t WHERE t.is_ms_shipped = 0",
		error);

	while (result == 0 && (result = session_next(session, value, 2, error)) == 1) {
		const struct catalogue_table *table = NULL;
		const uint8_t *id = value[0].data, *may = value[1].data;
		result = 0;
		if (id && value[0].size == 4)
			table = catalogue_table_by_id(catalogue,
				(int32_t)((uint32_t)id[0] | (uint32_t)id[1] << 8 | (uint32_t)id[2] << 16 | (uint32_t)id[3] << 24));
		/* NULL where the server cannot tell, of a very long name for instance: then reading will. */
		if (table && !*name && may && !*may && !catalogue_table_listed(table, left_out, left_out_count))
			catalogue_table_name(table, name, sizeof name);
	}
	if (result < 0 || !*name)
		return result;
	return sql_error_set(error, SQL_ERROR_RIGHTS, name, "The login may not read it (SELECT)");
}

/* A masked column is no loss to a login that sees through the mask. */
static int may_unmask(const struct catalogue_table *table, struct session *session, bool *may, struct sql_error *error)
{
	struct statement statement = { 0 }, name = { 0 };
	int64_t number;
	bool there;
	int result;

	statement_table(&name, table);
	/* Since 2022 the right may be given on a table, too. */
	if (session_server_version(session) >= 16) {
		statement_add(&statement, "SELECT HAS_PERMS_BY_NAME(");
		statement_string(&statement, statement_text(&name) ? statement_text(&name) : "");
		statement_add(&statement, ", 'OBJECT', 'UNMASK')");
	} else {
		statement_add(&statement, "SELECT " CATALOGUE_MAY("UNMASK"));
	}
	result = catalogue_read_number(
		session, statement_text(&statement) ? statement_text(&statement) : "SELECT 0", &number, &there, error);
	*may = number == 1;
	statement_free(&statement);
	statement_free(&name);
	return result;
}

static int check_mask(const struct catalogue_table *table, struct session *session, struct sql_error *error)
{
	char name[CATALOGUE_NAME_SIZE];
	bool may = true;
	int result = table->features & FEATURE_MASKED ? may_unmask(table, session, &may, error) : 0;

	if (result < 0 || may)
		return result;
	catalogue_table_name(table, name, sizeof name);
	return sql_error_set(error, SQL_ERROR_RIGHTS, name,
		"It cannot be backed up: a column is masked and the login lacks UNMASK, so values would be lost");
}

static int check_features(const struct catalogue_table *table, struct session *session, struct sql_error *error)
{
	const struct catalogue_refusal *refusal = catalogue_refused(table, false);
	char name[CATALOGUE_NAME_SIZE];

	if (!refusal)
		return check_mask(table, session, error);
	catalogue_table_name(table, name, sizeof name);
	return sql_error_set(error, refusal->feature == FEATURE_ROW_SECURITY ? SQL_ERROR_RIGHTS : SQL_ERROR_UNSUPPORTED,
		name, "It cannot be backed up: %s", refusal->text);
}

int catalogue_check_complete(const struct catalogue *catalogue, struct session *session, const char *const *left_out,
	size_t left_out_count, struct sql_error *error)
{
	int result = check_view_definition(catalogue, session, error);

	if (result == 0)
		result = check_hidden(catalogue, session, error);
	if (result == 0)
		result = check_select(catalogue, session, left_out, left_out_count, error);
	for (size_t i = 0; result == 0 && i < sizeof checks / sizeof checks[0]; i++)
		result = run_check(session, &checks[i], error);
	for (uint32_t i = 0; result == 0 && i < catalogue->table_count; i++)
		if (!catalogue_table_listed(&catalogue->tables[i], left_out, left_out_count))
			result = check_features(&catalogue->tables[i], session, error);
	return result;
}
