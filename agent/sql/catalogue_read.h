/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a database's catalogue through a session. Only the worker links this. */
#ifndef AGENT_SQL_CATALOGUE_READ_H
#define AGENT_SQL_CATALOGUE_READ_H

#include "agent/sql/catalogue.h"
#include "agent/sql/session.h"

/* Functions return 0 or a negative errno with *error filled in. */

/* Only the facts of the database; enough to see whether it may be read at all. */
int catalogue_read_database(struct catalogue *catalogue, struct session *session, struct sql_error *error);
/* Everything, as the session's transaction sees it. */
int catalogue_read(struct catalogue **catalogue, struct session *session, struct sql_error *error);
/* Identity and sequence values again: they move outside transactions, so a backup takes them after the rows. */
int catalogue_read_values(struct catalogue *catalogue, struct session *session, struct sql_error *error);

/*
 * What would make a copy silently incomplete is an error that names the object: a table without SELECT, one that is
 * hidden, a definition that is NULL for lack of VIEW DEFINITION, a row-level security policy, a masked column, and every
 * other feature that catalogue_refused names for a backup. Tables in left_out need not be readable.
 */
int catalogue_check_complete(const struct catalogue *catalogue, struct session *session, const char *const *left_out,
	size_t left_out_count, struct sql_error *error);

/* A query of one row and one text column as UTF-8 ("" where there is no row or it is NULL). */
int catalogue_read_text(struct session *session, const char *sql, char *text, size_t size, struct sql_error *error);
/* The same of a table's rows, all of which the server may have to read: no limit of time. */
int catalogue_scan_text(struct session *session, const char *sql, char *text, size_t size, struct sql_error *error);
/* A query of one row and one number; *there false where there is no row, or NULL. */
int catalogue_read_number(
	struct session *session, const char *sql, int64_t *number, bool *there, struct sql_error *error);

/*
 * One number from a batch that may change something and takes as long as it must: no limit. -1 where none came; -ENOMEM
 * where sql is NULL.
 */
int catalogue_count(struct session *session, const char *sql, int64_t *count, struct sql_error *error);

/* UTF-16LE to UTF-8, lone surrogates as three bytes; at most 3 bytes a unit. Returns the bytes written. */
size_t catalogue_utf8(char *out, const void *utf16, size_t size);

#endif
