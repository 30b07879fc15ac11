/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks of a table on their way into the server: row groups decoded, written as INSERT BULK of some ten thousand rows
 * each. Memory is one rows chunk and one piece, whatever the size of a value.
 */
#ifndef AGENT_SQL_LOAD_H
#define AGENT_SQL_LOAD_H

#include "agent/sql/catalogue.h"
#include "agent/sql/session.h"
#include "agent/table/rowgroup.h"

#define LOAD_BATCH_ROWS 65536
#define LOAD_BATCH_BYTES ((uint64_t)128 * 1024 * 1024)

struct load;

/* table and params are borrowed until load_free. Asks the server for the types of the table's columns. */
int load_open(struct load **load, struct session *session, const struct catalogue_table *table,
	const struct rowgroup_params *params, struct sql_error *error);
/* A rows chunk, or the next value chunk of the rows chunk before. */
int load_chunk(struct load *load, enum chunk_kind kind, const void *bytes, size_t size, struct sql_error *error);
/* *rows: as the server counted. */
int load_end(struct load *load, uint64_t *rows, struct sql_error *error);
/* Ends the stream between two rows, so that the session is free; -EIO in the middle of one. */
int load_abandon(struct load *load, struct sql_error *error);
void load_free(struct load *load); /* NULL is nothing */

#endif
