/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The views of schema sys and INFORMATION_SCHEMA, as tables that the translator can select from: each is a SELECT in
 * SQLite's dialect over the meta tables, and the list of its columns with their T-SQL types.
 */
#ifndef TESTS_SQLSERVER_SQL_SYSTEM_VIEW_H
#define TESTS_SQLSERVER_SQL_SYSTEM_VIEW_H

#include "tests/sqlserver/sql_engine.h"
#include "tests/sqlserver/sql_type.h"

struct system_column {
	const char *name;
	const char *type;  /* "int", "sysname", "nvarchar(60)", "bit", "datetime", "uniqueidentifier", "nvarchar(max)", ... */
	uint8_t since;     /* the server version that has it first; 0: all */
	bool nullable;
};

struct system_view {
	const char *schema, *name;
	uint8_t since;     /* the server version that has it first; 0: all */
	const struct system_column *columns; /* of all versions: skip those that are newer than the server */
	size_t column_count;
	/*
	 * The SELECT, in the session's arena, for the database that the view is asked in: as many columns as there are of
	 * this version, in order, named as the columns are, values in the engine's representation (sql_value.h). Only rows
	 * that the session's principal may see; definitions NULL where it may not see them.
	 */
	const char *(*select)(struct session *session, struct database *database);
};

/* NULL where the server of this version has no such view. Names without case. */
const struct system_view *system_view_find(const char *schema, const char *name, int version);

/* The type of a column, for its result metadata. */
int system_column_type(struct session *session, const struct system_column *column, struct sql_type *type);

/*
 * For a view whose rows are no meta rows but the engine's own state (dm_exec_sessions, dm_exec_requests, dm_tran_locks,
 * dm_tran_active_transactions, dm_db_log_space_usage ...): select returns a SELECT over VALUES that it made under the
 * engine's mutex.
 */

/* ---- rights, for views and for everything else that asks ---- */

/* Whether the session's principal in the database has a permission: class "DATABASE", "OBJECT", "SCHEMA", "SERVER". */
bool security_has(struct session *session, struct database *database, const char *class, int64_t major,
	const char *permission);
/* May it see the object's metadata, and its definition? */
bool security_sees(struct session *session, struct database *database, int object_id);
bool security_sees_definition(struct session *session, struct database *database, int object_id);

#endif
