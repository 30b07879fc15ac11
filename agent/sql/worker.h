/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's side of a SQL worker: a process that talks to one server and can do nothing else.
 *
 * worker_start resolves and connects (asking SQL Browser for a named instance), starts coffret-worker with the socket,
 * and has it log in. Every function blocks, hands reports to the watcher, and returns 0 or a negative errno with *error
 * filled in; -ECANCELED where the watcher said stop. A worker that dies, hangs or grows is an error like any other.
 * The watcher is copied; worker_watch changes it between calls.
 */
#ifndef AGENT_SQL_WORKER_H
#define AGENT_SQL_WORKER_H

#include "agent/net/sql_error.h"
#include "agent/sql/preflight_facts.h"
#include "agent/table/rowgroup.h"

struct worker;

enum worker_phase {
	PHASE_CONNECT = 1,
	PHASE_CATALOGUE,
	PHASE_READ,
	PHASE_LOCK,
	PHASE_PRESENT,
	PHASE_PREPARE,
	PHASE_WRITE,
	PHASE_PUT_BACK,
	PHASE_READ_BACK,
	PHASE_COMMIT,
	PHASE_ROLLBACK,
};

enum consistency { CONSISTENCY_SNAPSHOT = 0, CONSISTENCY_LOCK = 1, CONSISTENCY_LOOSE = 2 };

enum finding_result { FINDING_OK = 0, FINDING_WARNING = 1, FINDING_FAILED = 2, FINDING_UNKNOWN = 3 };

/* Where reports go. Any may be NULL. An error that one returns ends the request and is returned. */
struct worker_watcher {
	void *arg;
	int (*catalogue)(void *arg, const void *bytes, size_t size); /* the whole encoded catalogue */
	int (*table)(void *arg, uint32_t table);
	int (*chunk)(void *arg, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size);
	int (*table_end)(void *arg, uint32_t table, const struct table_digest *digest);
	void (*progress)(void *arg, enum worker_phase phase, uint32_t table, uint64_t rows, uint64_t bytes);
	void (*finding)(void *arg, uint8_t step, enum finding_result result, const char *detail, const char *remedy);
	void (*note)(void *arg, const char *sentence);
	bool (*stop)(void *arg); /* asked about once a second */
};

/* Strings are borrowed for the call. */
struct worker_login {
	const char *host, *instance; /* instance NULL or "": the port counts */
	uint16_t port;
	const char *certificate_name; /* NULL: host */
	const char *authorities;      /* PEM text, NULL: none */
	uint8_t pin[32];
	bool strict, legacy_tls, restore;
	const char *login;
	char *password; /* wiped by worker_start */
	const char *database;
	int connect_seconds, login_seconds, stall_seconds, catalogue_seconds, lock_timeout_ms;
	uint32_t read_kib_per_second; /* 0: as fast as it goes */
};

int worker_start(
	struct worker **worker, struct worker_login *login, const struct worker_watcher *watcher, struct sql_error *error);
/* Reports go here from now on. */
void worker_watch(struct worker *worker, const struct worker_watcher *watcher);
/* Ends it in any state; what it had open on the server rolls back. NULL is nothing. */
void worker_stop(struct worker *worker);

/* Every step that a person would want to see tried, as findings: rights, isolation, space, estimated size. */
int worker_examine(struct worker *worker, struct sql_error *error);

/*
 * What a restore must know before it locks anything: catalogue(), and *facts. Changes nothing. A database that is named
 * (not NULL) is looked at from outside: only the state of it is told.
 */
int worker_preflight(
	struct worker *worker, const char *database, struct preflight_facts *facts, struct sql_error *error);

/* Reads catalogue and tables: catalogue(), then table(), chunk() ..., table_end() for each. In a restore's transaction
 * it reads the present state under the locks. with_chunks false: only digests (the read-back). */
int worker_read(struct worker *worker, enum consistency consistency, const struct rowgroup_params *params,
	bool with_chunks, const char *const *left_out, size_t left_out_count, struct sql_error *error);

/* What a restore begins with. Borrowed for the call. */
struct worker_wanted {
	const void *catalogue; /* of the snapshot, encoded */
	size_t size;
	const struct rowgroup_params *params;
	/* Tables of the database that cannot be read: no row of them is asked for, not even to lock them. */
	const char *const *unread;
	size_t unread_count;
};
/* A restore, step by step. */
int worker_begin(struct worker *worker, const struct worker_wanted *wanted, struct sql_error *error);
/*
 * The tables of the snapshot (indices of `wanted`). The first `changed` of them will be changed: their constraints and
 * triggers are switched off by name. Identity values are put back in all.
 */
int worker_prepare(
	struct worker *worker, const uint32_t *tables, size_t count, size_t changed, struct sql_error *error);
/* A run of a table's rows in the order of reading, by the keys of its first and its last row, as pack_key writes them. */
struct worker_range {
	uint64_t rows;
	const void *first, *last;
	size_t first_size, last_size;
};
#define WORKER_RANGES_MAX 100              /* that one call deletes */
#define WORKER_RANGE_KEYS_MAX (64u * 1024) /* bytes of their keys in all */
/* Deletes runs of rows, or all `rows` rows, of a table that was prepared. An error where the server counts others. */
int worker_delete(
	struct worker *worker, uint32_t table, const struct worker_range *ranges, size_t count, struct sql_error *error);
int worker_empty(struct worker *worker, uint32_t table, uint64_t rows, struct sql_error *error);
/*
 * Opens one table and takes chunks, which are added to what it has: each rows chunk first, then the value chunks that
 * precede it in the stream, which it refers to: so a value of any size is streamed to the server and never held.
 */
int worker_replace_begin(struct worker *worker, uint32_t table, struct sql_error *error);
int worker_replace_chunk(struct worker *worker, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size,
	struct sql_error *error);
int worker_replace_end(struct worker *worker, uint64_t *rows, struct sql_error *error);
int worker_put_back(struct worker *worker, struct sql_error *error);
/* SQL_ERROR_UNKNOWN_OUTCOME where the answer did not come. */
int worker_commit(struct worker *worker, struct sql_error *error);
/* After the commit: statistics of what was replaced; what fails there is a note. */
int worker_statistics(struct worker *worker, struct sql_error *error);
/*
 * 0: the server has undone it all. An error: it has not said so, or did not take the rest of a load for five seconds.
 * worker_stop then makes the server undo it, and worker_await_undo of another worker tells when it has.
 */
int worker_rollback(struct worker *worker, struct sql_error *error);
/*
 * In place of worker_begin: 0 once no restore of the database is under way or being undone. SQL_ERROR_BUSY, which may
 * name who, where that was not so within the login's lock timeout.
 */
int worker_await_undo(struct worker *worker, struct sql_error *error);
/*
 * After that: the identity values of the database's tables, back to what they are in a catalogue of before the restore, or
 * as far as rows of others have gone since. What fails for one table is a note.
 */
int worker_undo_values(struct worker *worker, const void *catalogue, size_t size, struct sql_error *error);

#endif
