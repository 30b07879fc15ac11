/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A staging table for rows with xml. What INSERT BULK makes of text is xml without the white space that stands alone
 * between two tags; only CONVERT(xml, text, 1) keeps it. So such rows are loaded into a table of the session's own in
 * tempdb, xml as text, and moved from there, a batch at a time, in the transaction of the restore.
 *
 * The table's triggers must be off: an INSERT from a table fires them. Functions return 0 or a negative errno with
 * *error filled in.
 */
#ifndef AGENT_SQL_STAGE_H
#define AGENT_SQL_STAGE_H

#include "agent/sql/bulk.h"
#include "agent/sql/session.h"

#define STAGE_NAME "#coffret_load"

/* Has the table a column whose values must go this way? */
bool stage_needed(const struct catalogue_table *table, const struct catalogue_layout *layout);
/* Makes it anew, empty. */
int stage_create(struct session *session, const struct bulk_target *target, struct sql_error *error);
/* Moves all its rows into the table; an error where they are not so many. */
int stage_move(struct session *session, const struct bulk_target *target, uint64_t rows, struct sql_error *error);
int stage_drop(struct session *session, struct sql_error *error);

#endif
