/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The views of schema sys and INFORMATION_SCHEMA: each is a SELECT in SQLite's dialect over the meta tables
 * (sql_catalogue.c), with the T-SQL type of every column and the version of the server that has it first.
 *
 * What the meta tables' x columns mean, by type of object: D x1 column; C x1 column or 0; F x1 referenced object,
 * x2 on delete, x3 on update, x4 its index; PK, UQ x1 index; TR x1 events (1 insert, 2 update, 4 delete), parent_id 0 for
 * a trigger of the database; SO x1 start, x2 increment, x3 minimum, x4 maximum, x5 current, x6 kind. `flags` holds words.
 */
#ifndef TESTS_SQLSERVER_SQL_SYSTEM_VIEW_H
#define TESTS_SQLSERVER_SQL_SYSTEM_VIEW_H

#include "tests/sqlserver/sql_engine.h"
#include "tests/sqlserver/sql_text.h"

struct system_view {
	const char *name;    /* "sys.tables" */
	unsigned char since; /* the server version that has it first; 0: all */
	/*
	 * "object_id int=o.object_id;temporal_type tinyint@13=0;...": name, type, the version that has it first, and what
	 * it is in SQLite. An upper-case @D anywhere stands for the database's id, @S for `system_type_id` of c.kind.
	 */
	const char *columns;
	const char *from;    /* "FROM d@D.m_objects o WHERE ..." ; "" for no rows */
	/* How rows are hidden from those who may not see them: the expression that is the object, NULL: all see it. */
	const char *visible;
	/* Where the rows are the engine's own state: writes a whole "(SELECT ... )" that has the columns in order. */
	void (*rows)(struct session *session, struct database *database, struct text *out);
};

/* NULL where the server of this version has no such view. Names without case. */
const struct system_view *system_view_find(const char *schema, const char *name, int version);

/* The tables of views, one a file; each ends with a view without a name. */
extern const struct system_view system_views_objects[], system_views_tables[], system_views_server[],
	system_views_empty[];

/* What the session's principals in a database are: "(0,5,16390)". */
const char *security_principals(struct session *session, struct database *database);
/* Whether they see the metadata of everything, and the definitions of everything. */
bool security_sees_all(struct session *session, struct database *database);
bool security_sees_definitions(struct session *session, struct database *database);

#endif
