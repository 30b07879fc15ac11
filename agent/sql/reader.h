/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a database: its catalogue and every row of every table, as messages to the keeper.
 *
 * Memory: the catalogue, one row-group writer at a time, and what FreeTDS holds of one row.
 */
#ifndef AGENT_SQL_READER_H
#define AGENT_SQL_READER_H

#include "agent/sql/catalogue_read.h"
#include "agent/sql/dangling.h"
#include "agent/sql/uplink.h"
#include "agent/sql/worker.h"

struct reader {
	struct session *session;
	struct uplink *uplink;
	const struct rowgroup_params *params;
	enum consistency consistency;
	bool with_chunks;        /* false: only digests go up */
	bool within_restore;     /* in the restore's transaction, under its locks: nothing begins or ends here */
	enum worker_phase phase; /* told with progress */
	const char *const *left_out;
	size_t left_out_count;
	uint32_t read_kib_per_second; /* 0: as fast as it goes */
	struct sql_error *error;

	struct catalogue *catalogue; /* read, and the caller's to free */
	struct dangling *dangling;   /* while a database is read loosely */
	uint64_t rows, bytes;        /* so far */
	int64_t started_ms, told_ms;
};

/* Sends CATALOGUE, then for each table TABLE, CHUNK ..., TABLE_END; the caller answers DONE or ERROR. */
int reader_run(struct reader *reader);

/* The rows of one table; digest filled in. Used by reader_run. */
int reader_table(struct reader *reader, uint32_t table, struct table_digest *digest);

/* Encodes and sends a catalogue in pieces. */
int reader_send_catalogue(struct uplink *uplink, const struct catalogue *catalogue, struct sql_error *error);

/* Shared, or exclusive, locks on all tables in the catalogue's order, to the end of the transaction. */
int reader_lock_tables(struct session *session, const struct catalogue *catalogue, bool exclusive,
	const char *const *left_out, size_t left_out_count, struct sql_error *error);

/* Errors of the socket and of the codec as struct sql_error. */
int reader_failed(struct sql_error *error, int result, const struct catalogue_table *table);
/* Where the database turned out to be damaged while this table was read, and nobody has said where: there. */
void reader_blame(struct sql_error *error, const struct catalogue_table *table);

#endif
