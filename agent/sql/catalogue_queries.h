/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queries that fill a catalogue. A query's results are the scalar fields of its record, in the order of
 * catalogue_fields.c; text comes as the bytes of its UTF-16.
 *
 * "{14|a|b}" stands for a where the server's major version is at least 14, else for b, so that no column is named that
 * the server does not know; "$V" is the major version. They do not nest.
 */
#ifndef AGENT_SQL_CATALOGUE_QUERIES_H
#define AGENT_SQL_CATALOGUE_QUERIES_H

#include "agent/sql/catalogue_fields.h"
#include "agent/sql/statement.h"

extern const char catalogue_query_database[], catalogue_query_schemas[], catalogue_query_tables[],
	catalogue_query_columns[], catalogue_query_indexes[], catalogue_query_index_columns[],
	catalogue_query_foreign_keys[], catalogue_query_pairs[], catalogue_query_checks[], catalogue_query_triggers[],
	catalogue_query_modules[], catalogue_query_sequences[], catalogue_query_types[], catalogue_query_synonyms[],
	catalogue_query_properties[];
/* object_id, index_id, rows, used pages */
extern const char catalogue_query_sizes[];
/* object_id, last value; object_id, current value, last used value: moving parts, read again after the rows */
extern const char catalogue_query_identities[], catalogue_query_sequence_values[];

/*
 * Tables that are there and may not be seen: sys.partitions shows every table's to everybody. What has partitions and is
 * no table (views, queues, what the server made for itself) is in one of the other two. Every database has internal
 * tables: to a login that is shown none of them, what is missing says nothing.
 */
#define CATALOGUE_HIDDEN                                                                                             \
	"FROM sys.partitions p WHERE p.object_id > 100 AND NOT EXISTS (SELECT 1 FROM sys.objects o WHERE o.object_id = " \
	"p.object_id) AND NOT EXISTS (SELECT 1 FROM sys.internal_tables i WHERE i.object_id = p.object_id) AND EXISTS "  \
	"(SELECT 1 FROM sys.internal_tables)"

/*
 * What DENY hides from the login or a role of it, whatever kind it is: a denied view has no partitions, and the security
 * policy that would filter the rows of a table may be in a schema of its own. Whoever is denied sees that row at least.
 */
#define CATALOGUE_DENIED                                                                                             \
	"FROM sys.database_permissions p WHERE p.state = 'D' AND p.permission_name IN (N'VIEW DEFINITION', N'CONTROL') " \
	"AND p.major_id > 0 AND (p.grantee_principal_id = DATABASE_PRINCIPAL_ID() OR "                                   \
	"IS_MEMBER(USER_NAME(p.grantee_principal_id)) = 1) AND ((p.class = 1 AND OBJECT_NAME(p.major_id) IS NULL) OR "   \
	"(p.class = 3 AND ISNULL(HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(p.major_id)), 'SCHEMA', 'VIEW DEFINITION'), "   \
	"0) = 0))"

/* A right in the database: the name is parsed, so one with a dot or a bracket must be quoted. */
#define CATALOGUE_MAY(right) "HAS_PERMS_BY_NAME(QUOTENAME(DB_NAME()), 'DATABASE', '" right "')"

/* The query for a server of that version, appended to an empty statement. */
void catalogue_query(struct statement *statement, const char *query, int version);

#endif
