/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The application lock of a restore: it keeps two boxes apart, and since it ends with the transaction, whoever can take
 * it knows that the restore before is over, its undo included.
 */
#ifndef AGENT_SQL_RESTORE_LOCK_H
#define AGENT_SQL_RESTORE_LOCK_H

#include "agent/sql/session.h"

/*
 * Takes it for the transaction that is open, waiting as long as LOCK_TIMEOUT says. SQL_ERROR_BUSY, which names the holder
 * where the login may look, after that.
 */
int restore_lock_take(struct session *session, const char *database, struct sql_error *error);

/* Takes it and gives it back, in a transaction of its own: 0 once no restore of the database is under way or undone. */
int restore_lock_await(struct session *session, const char *database, struct sql_error *error);

#endif
