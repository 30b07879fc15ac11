/* SPDX-License-Identifier: Apache-2.0 */
/* Transactions: nesting, savepoints, dooming, and when SQLite's own transaction has to be open. */
#ifndef TESTS_SQLSERVER_SQL_TRANSACTION_H
#define TESTS_SQLSERVER_SQL_TRANSACTION_H

#include "tests/sqlserver/sql_catalogue.h"
#include "tests/sqlserver/sql_lock.h"

int transaction_begin(struct session *session, const char *name);
int transaction_commit(struct session *session);
int transaction_rollback(struct session *session, const char *name);
int transaction_save(struct session *session, const char *name);
/* Rolls back without a word: end of a session, a batch that ended doomed, XACT_ABORT. */
void transaction_abandon(struct session *session);

/* Before a statement that reads or writes that database: locks, gates, SQLite's BEGIN. Raises. */
int transaction_read(struct session *session, struct database *database);
int transaction_write(struct session *session, struct database *database);
/* After a statement: commits what autocommit wrote, or undoes it; releases statement locks. */
int transaction_end_statement(struct session *session, bool good);
/* Counts bytes that the statement wrote to the log; raises 9002. */
int transaction_log(struct session *session, struct database *database, int64_t bytes);
/* The lock a reader or writer of a table takes. */
int transaction_lock_read(struct session *session, const struct table *table, unsigned hints);
int transaction_lock_write(struct session *session, const struct table *table, unsigned hints);
int transaction_lock_schema(struct session *session, const struct table *table);
/* Sleeps as a setting asks, waking up for an interrupt. */
void session_pause(struct session *session, double seconds);
void session_silence(struct session *session, enum silence_kind kind);

#endif
