/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A restore on the server, step by step, in one transaction: begin (application lock, locks on all tables, shapes
 * compared), prepare (constraints and triggers off), for each table rows deleted and rows loaded, put back, commit. Until the commit the
 * database is what it was, and any error or a lost connection leaves it so.
 *
 * What is put back as it was on the server before: the state of each constraint and trigger. What is put back as it was
 * in the snapshot: rows, identity values, sequence values.
 *
 * Functions return 0 or a negative errno with *error filled in.
 */
#ifndef AGENT_SQL_REPLACE_H
#define AGENT_SQL_REPLACE_H

#include "agent/sql/catalogue_read.h"
#include "agent/sql/uplink.h"
#include "agent/table/rowgroup.h"

struct replace;

/* Borrowed until replace_free. */
struct replace_wanted {
	const struct catalogue *catalogue;
	const struct rowgroup_params *params;
	/*
	 * Tables that cannot be read (catalogue_table_listed): the restore locks them when it empties them, not before, and
	 * empties them by TRUNCATE or not at all.
	 */
	const char *const *unread;
	size_t unread_count;
};

int replace_begin(struct replace **replace, struct session *session, struct uplink *uplink,
	const struct replace_wanted *wanted, struct sql_error *error);
/* Ends nothing on the server: that is replace_commit's, or a ROLLBACK's. NULL is nothing. */
void replace_free(struct replace *replace);

/* Once: the tables of the snapshot (indices of `wanted`), of which the first `changed` will change. */
int replace_prepare(
	struct replace *replace, const uint32_t *tables, size_t count, size_t changed, struct sql_error *error);

/* A run of rows in the order of reading, by the key of its first and of its last row; borrowed. */
struct replace_range {
	uint64_t rows;
	const struct value *first, *last; /* in the order of the key's columns */
};
/* How many columns the key of a table has: so many values are at `first` and at `last`. */
int replace_key_columns(struct replace *replace, uint32_t table, size_t *count, struct sql_error *error);
/*
 * Deletes runs of rows, in one batch, or all, of a prepared table. The server must count exactly `rows` of them, in the
 * sum: more or fewer is
 * SQL_ERROR_DIFFERS, since then they are not those that were read. A table is truncated where nothing forbids that
 * (catalogue_may_truncate), which counts nothing; the read-back counts.
 */
int replace_delete(
	struct replace *replace, uint32_t table, const struct replace_range *ranges, size_t count, struct sql_error *error);
int replace_empty(struct replace *replace, uint32_t table, uint64_t rows, struct sql_error *error);

/* Opens the load of a prepared table: it inserts what it is given and knows nothing of what was deleted before. */
int replace_table(struct replace *replace, uint32_t table, struct sql_error *error);
/* A rows chunk, then the value chunks that it refers to. */
int replace_chunk(struct replace *replace, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size,
	struct sql_error *error);
/* *rows as the server counted them; an error where it counted others than were sent. */
int replace_table_end(struct replace *replace, uint64_t *rows, struct sql_error *error);

/*
 * Gives up the table that is being loaded, so that the session takes statements again; nothing is nothing. An error
 * where it stands in the middle of a row: then only the end of the connection undoes what was begun.
 */
int replace_abandon(struct replace *replace, struct sql_error *error);

/* Notes for the report go up as they arise. */
int replace_put_back(struct replace *replace, struct sql_error *error);
/*
 * After a ROLLBACK, in transactions of its own: the identity values that loads have moved, back to what they were, or as
 * far as rows of others have gone since. The server does not do that. What fails is a note. NULL is nothing.
 */
void replace_undo_values(struct replace *replace);
/* The same on another session, where the one of the restore is lost: all identities of a catalogue of before it. */
int replace_values_back(
	struct session *session, struct uplink *uplink, struct catalogue *before, struct sql_error *error);
/* SQL_ERROR_UNKNOWN_OUTCOME where no answer came, or none that says whether it happened. */
int replace_commit(struct replace *replace, struct sql_error *error);
/* After the commit, outside of any transaction: statistics of what was replaced. What fails is a note. */
void replace_statistics(struct replace *replace);

#endif
