/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system's views, as data. A column is "name type expression", with "13:" before the name where it came with that
 * version; columns are set apart by |. In SQL, @d is the database's schema in SQLite, @n its number, @V(x) makes an
 * integer a sql_variant. A view whose source starts with ! is made by the generator of that name.
 */
#ifndef TESTS_SQLSERVER_SQL_VIEWS_H
#define TESTS_SQLSERVER_SQL_VIEWS_H

#include "tests/sqlserver/sql_compile.h"

struct system_view {
	const char *schema, *name;
	int since; /* major version that brought it */
	const char *source, *columns;
};

/* The internal tables that every database has: those of its three first queues. */
#define VIEWS_QUEUES                                                                                \
	"SELECT 1993058136 AS id,1977058079 AS queue UNION ALL SELECT 2025058250,2009058193 UNION ALL " \
	"SELECT 2057058364,2041058307"

extern const struct system_view catalogue_views[], object_views[], server_views[];

/* Rows of a generated view: "SELECT a AS g1, b AS g2 ... UNION ALL ...", NULL for an unknown generator. */
const char *generate_rows(struct compiler *c, const char *generator);

#endif
