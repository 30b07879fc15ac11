/* SPDX-License-Identifier: Apache-2.0 */
/* Locks between sessions: tables, databases, application locks, and the one writer that a SQLite file can have. */
#ifndef TESTS_SQLSERVER_SQL_LOCK_H
#define TESTS_SQLSERVER_SQL_LOCK_H

#include "tests/sqlserver/sql_engine.h"

enum lock_kind { LOCK_DATABASE, LOCK_OBJECT, LOCK_APPLICATION, LOCK_WRITER };
enum lock_mode { MODE_IS, MODE_S, MODE_U, MODE_IX, MODE_SIX, MODE_X, MODE_SCH_S, MODE_SCH_M, MODE_COUNT };
enum lock_duration { HOLD_STATEMENT, HOLD_TRANSACTION, HOLD_SESSION };

struct lock {
	enum lock_kind kind;
	int database, object;
	char name[256];
	enum lock_mode mode;
	enum lock_duration duration;
	int count;
	struct session *owner;
	struct lock *next;
};

/*
 * Takes a lock, waiting for at most the session's LOCK_TIMEOUT. Raises 1222, or 1205 where waiting would never end
 * and this session is the one to go. `name` is only for application locks.
 */
int lock_take(struct session *session, enum lock_kind kind, int database, int object, const char *name,
	enum lock_mode mode, enum lock_duration duration);
/* The same with its own time limit (ms, -1 none) and no error raised: 0, -ETIMEDOUT, -EDEADLK, -EINTR. */
int lock_try(struct session *session, const struct lock *wanted, int timeout);
/* Releases all of that duration and shorter. */
void lock_release(struct session *session, enum lock_duration duration);
/* Takes one off an application lock's count; false if it is not held. */
bool lock_release_name(struct session *session, int database, const char *name, enum lock_duration duration);
const char *lock_mode_name(enum lock_mode mode);
/* The strongest mode that the session holds on that application lock, "NoLock" if none. */
const char *lock_held(struct session *session, int database, const char *name, enum lock_duration duration);

#endif
