/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_transaction.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

void session_pause(struct session *session, double seconds)
{
	struct timespec slice = { 0, 10000000 };
	int64_t slices = (int64_t)(seconds * 100);

	for (int64_t i = 0; i < slices && !__atomic_load_n(&session->interrupted, __ATOMIC_RELAXED); i++)
		nanosleep(&slice, NULL);
}

void session_silence(struct session *session, enum silence_kind kind)
{
	struct timespec slice = { 0, 10000000 };

	/* Asked for at each slice: a silence that is set to 0 meanwhile is over. */
	for (int64_t i = 0; i < (int64_t)(session->engine->silence[kind] * 100) &&
		 !__atomic_load_n(&session->interrupted, __ATOMIC_RELAXED);
		 i++)
		nanosleep(&slice, NULL);
}

static void announce(struct session *session, uint8_t kind, uint64_t descriptor)
{
	if (session->sink && session->sink->transaction_changed(session->sink, kind, descriptor))
		session->sink_failed = true;
}

int transaction_begin(struct session *session, const char *name)
{
	struct engine *engine = session->engine;

	(void)name;
	if (session->doomed)
		return session_raise(session, 3930);
	if (session->trancount++)
		return 0;
	pthread_mutex_lock(&engine->mutex);
	session->descriptor = ++engine->next_descriptor;
	pthread_mutex_unlock(&engine->mutex);
	session->transaction_started = datetime_now();
	announce(session, 8, session->descriptor);
	return 0;
}

/* SQLite's transaction ends, and with it all that was held. */
static void finish(struct session *session, bool commit)
{
	if (session->sqlite_open && sqlite3_exec(session->db, commit ? "COMMIT" : "ROLLBACK", NULL, NULL, NULL) && commit) {
		session_raise_sqlite(session, sqlite3_extended_errcode(session->db));
		sqlite3_exec(session->db, "ROLLBACK", NULL, NULL, NULL);
	}
	pthread_mutex_lock(&session->engine->mutex);
	identity_end(session, commit);
	identity_save(session->engine);
	for (int i = 0; i < session->written_count; i++) {
		struct database *d = database_by_id(session->engine, session->written[i]);

		if (d)
			d->log_used -= session->log_bytes;
	}
	pthread_mutex_unlock(&session->engine->mutex);
	session->sqlite_open = session->snapshot_started = session->doomed = false;
	session->written_count = 0;
	session->log_bytes = 0;
	lock_release(session, HOLD_TRANSACTION);
}

static void end_transaction(struct session *session, bool commit)
{
	uint64_t descriptor = session->descriptor;

	session->trancount = 0;
	session->descriptor = 0;
	finish(session, commit);
	announce(session, commit ? 9 : 10, descriptor);
}

int transaction_commit(struct session *session)
{
	if (!session->trancount)
		return session_raise(session, 3902);
	if (session->doomed)
		return session_raise(session, 3930);
	if (session->trancount > 1) {
		session->trancount--;
		return 0;
	}
	session_silence(session, SILENCE_COMMIT);
	end_transaction(session, true);
	return session->failed ? -5 : 0;
}

int transaction_rollback(struct session *session, const char *name)
{
	if (!session->trancount)
		return session_raise(session, 3903);
	if (name && *name) {
		if (session->doomed)
			return session_raise(session, 3931);
		char *sql = sqlite3_mprintf("ROLLBACK TO \"u_%w\"", name);
		bool back = session->sqlite_open && !sqlite3_exec(session->db, sql, NULL, NULL, NULL);

		sqlite3_free(sql);
		if (back)
			return 0;
		if (strncasecmp(name, "tran", 4) && strncasecmp(name, "t", 1)) /* the outermost one's own name is not kept */
			return session_raise(session, 6401, name);
	}
	session_silence(session, SILENCE_ROLLBACK);
	if (session->sqlite_open)
		session_pause(session, session->engine->rollback_delay);
	end_transaction(session, false);
	return 0;
}

void transaction_abandon(struct session *session)
{
	if (session->sqlite_open && session->trancount)
		session_pause(session, session->engine->rollback_delay);
	if (session->trancount)
		end_transaction(session, false);
	else
		finish(session, false);
}

static int open_sqlite(struct session *session)
{
	if (session->sqlite_open)
		return 0;
	int code = sqlite3_exec(session->db, "BEGIN", NULL, NULL, NULL);

	if (code)
		return session_raise_sqlite(session, code);
	session->sqlite_open = true;
	return 0;
}

int transaction_save(struct session *session, const char *name)
{
	if (!session->trancount)
		return session_raise_text(
			session, 628, 16, 0, "Cannot issue SAVE TRANSACTION when there is no active transaction.");
	if (session->doomed)
		return session_raise(session, 3930);
	if (transaction_write(session, session->database))
		return -5;
	return query_run(session, "SAVEPOINT \"u_%w\"", name);
}

int transaction_read(struct session *session, struct database *database)
{
	if (session->isolation != ISOLATION_SNAPSHOT || database->id <= DATABASE_TEMP)
		return 0;
	if (!database->snapshot_state)
		return session_raise(session, 3952, database->name);
	if (!session->trancount || session->snapshot_started)
		return 0;
	pthread_mutex_lock(&session->engine->mutex);
	session->snapshot_clock = session->engine->ddl_clock;
	pthread_mutex_unlock(&session->engine->mutex);
	session->snapshot_started = true;
	return open_sqlite(session);
}

static bool holds_gate(const struct session *session, int database)
{
	for (int i = 0; i < session->written_count; i++)
		if (session->written[i] == database)
			return true;
	return false;
}

int transaction_write(struct session *session, struct database *database)
{
	if (session->doomed)
		return session_raise(session, 3930);
	if (database->read_only)
		return session_raise(session, 3906, database->name);
	if (transaction_read(session, database))
		return -5;
	if (database->id != DATABASE_TEMP && !holds_gate(session, database->id)) {
		if (session->written_count == 16)
			return session_raise_text(session, 50000, 16, 1, "The stand-in writes to at most 16 databases at once.");
		if (lock_take(session, LOCK_WRITER, database->id, 0, NULL, MODE_X, HOLD_TRANSACTION))
			return -5;
		session->written[session->written_count++] = database->id;
	}
	return open_sqlite(session);
}

int transaction_end_statement(struct session *session, bool good)
{
	if (session->inside)
		return 0;
	if (!session->trancount && (session->sqlite_open || session->written_count)) {
		finish(session, good);
		return session->failed ? -5 : 0;
	}
	lock_release(session, session->trancount ? HOLD_STATEMENT : HOLD_TRANSACTION);
	return 0;
}

int transaction_log(struct session *session, struct database *database, int64_t bytes)
{
	struct engine *engine = session->engine;
	bool full;

	if (database->id == DATABASE_TEMP)
		return 0;
	pthread_mutex_lock(&engine->mutex);
	session->log_bytes += bytes;
	database->log_used += bytes;
	full = engine->log_limit && database->log_used > engine->log_limit;
	pthread_mutex_unlock(&engine->mutex);
	return full ? session_raise(session, 9002, database->name) : 0;
}

static bool versioned(const struct session *session, const struct table *table, unsigned hints)
{
	if (hints & (H_TABLOCK | H_TABLOCKX | H_UPDLOCK | H_XLOCK | H_HOLDLOCK | H_READCOMMITTEDLOCK))
		return false;
	return session->isolation == ISOLATION_SNAPSHOT || session->isolation == ISOLATION_READ_UNCOMMITTED ||
		(hints & (H_NOLOCK | H_SNAPSHOT)) ||
		(session->isolation == ISOLATION_READ_COMMITTED && table->database->read_committed_snapshot);
}

int transaction_lock_read(struct session *session, const struct table *table, unsigned hints)
{
	bool keep = session->trancount &&
		(session->isolation == ISOLATION_REPEATABLE_READ || session->isolation == ISOLATION_SERIALIZABLE ||
			(hints & H_HOLDLOCK));
	enum lock_mode mode = hints & (H_TABLOCKX | H_XLOCK) ? MODE_X : hints & H_UPDLOCK ? MODE_U : MODE_S;
	int before = session->lock_timeout;

	if (versioned(session, table, hints))
		return lock_take(session, LOCK_OBJECT, table->database->id, table->id, NULL, MODE_SCH_S, HOLD_STATEMENT);
	if (mode != MODE_S && session->trancount)
		keep = true;
	if (hints & H_NOWAIT)
		session->lock_timeout = 0;
	int error = lock_take(
		session, LOCK_OBJECT, table->database->id, table->id, NULL, mode, keep ? HOLD_TRANSACTION : HOLD_STATEMENT);

	session->lock_timeout = before;
	return error;
}

int transaction_lock_write(struct session *session, const struct table *table, unsigned hints)
{
	enum lock_mode mode = hints & (H_TABLOCKX | H_TABLOCK) ? MODE_X : MODE_IX;

	return lock_take(session, LOCK_OBJECT, table->database->id, table->id, NULL, mode, HOLD_TRANSACTION);
}

int transaction_lock_schema(struct session *session, const struct table *table)
{
	if (session->trancount && session->isolation == ISOLATION_SNAPSHOT)
		return session_raise(session, 3964);
	return lock_take(session, LOCK_OBJECT, table->database->id, table->id, NULL, MODE_SCH_M, HOLD_TRANSACTION);
}
