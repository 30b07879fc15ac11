/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the engine: servers, databases, sessions.
 *
 * Every database is one SQLite file in WAL mode; every session has one SQLite connection and attaches what it uses as
 * "d<database id>". tempdb is in memory, one for each session. The engine's mutex guards all that sessions share.
 */
#ifndef TESTS_SQLSERVER_SQL_ENGINE_H
#define TESTS_SQLSERVER_SQL_ENGINE_H

#include "tests/sqlserver/engine.h"
#include "tests/sqlserver/sql_arena.h"
#include "tests/sqlserver/sql_ast.h"
#include "tests/sqlserver/sql_value.h"

#include <pthread.h>
#include <sqlite3.h>

#define DATABASE_MASTER 1
#define DATABASE_TEMP 2
#define ISOLATION_READ_UNCOMMITTED 1
#define ISOLATION_READ_COMMITTED 2
#define ISOLATION_REPEATABLE_READ 3
#define ISOLATION_SERIALIZABLE 4
#define ISOLATION_SNAPSHOT 5

struct database {
	int id;
	char name[514];
	char path[1024];
	uint16_t collation;
	int snapshot_state; /* 0 off, 1 on */
	bool read_committed_snapshot, read_only, dropped, trustworthy;
	int recovery;    /* 1 full, 2 bulk-logged, 3 simple */
	int user_access; /* 0 multi, 1 single, 2 restricted */
	int state;       /* 0 online, 6 offline, 5 emergency, ... */
	int compatibility;
	int64_t created;  /* datetime */
	char marks[256];  /* flags of features that only show: published cdc mirrored ... */
	int64_t log_used; /* bytes of open transactions */
	struct database *next;
};

struct identity {
	int database, object;
	int64_t last, increment, seed;
	bool used, dirty;
	bool reseeded; /* never used, and `last` is what comes next */
	struct identity *next;
};

/* What an identity was before a TRUNCATE: its rollback gives it back. */
struct identity_before {
	struct identity *identity;
	int64_t last;
	bool used, reseeded;
	struct identity_before *next;
};

struct setting_fault {
	int number;
	char kind[32]; /* "" for any */
	int countdown;
	struct setting_fault *next;
};

struct lock;

/* When a table last changed its shape, on the engine's ddl_clock. */
struct ddl_mark {
	int database, object;
	uint64_t clock;
	struct ddl_mark *next;
};

struct engine {
	char directory[512];
	int version;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	sqlite3 *master; /* the registry of databases and logins, guarded by mutex */
	struct database *databases;
	struct session *sessions;
	struct lock *locks;
	struct identity *identities;
	struct setting_fault *faults;
	uint64_t faults_struck;
	int64_t corrupt_row; /* bulk rows until one is stored with a bit that is wrong; 0: none will be */
	struct ddl_mark *ddl_marks;
	int next_session;
	uint64_t next_descriptor, row_version, ddl_clock;
	char language[32];
	char hidden[514];
	int64_t log_limit, file_limit; /* bytes, 0 none */
	int64_t volume_free;           /* bytes that files may still grow by, 0 no limit */
	double silence[8];             /* seconds, by enum silence_kind */
	double rollback_delay;
	int64_t started;
};

enum silence_kind {
	SILENCE_DELETE,
	SILENCE_COMMIT,
	SILENCE_ROLLBACK,
	SILENCE_CHECK,
	SILENCE_INSERT,
	SILENCE_SELECT,
	SILENCE_BULK,
	SILENCE_COUNT
};

struct variable {
	char name[130];
	struct sql_type type;
	struct value value;
	char *owned; /* what value.data points to */
	const struct table_ref *table;
	struct variable *next;
};

/* A running module, or the batch itself. */
struct frame {
	struct frame *caller;
	struct variable *variables;
	const char *module; /* its name for error messages, NULL for a batch */
	int module_id;
	struct database *database;
	int64_t return_value;
	bool returned;
	int depth;
	struct error_info *caught; /* what ERROR_NUMBER() answers */
	int64_t scope_identity;
	bool has_identity;
	const char *inserted, *deleted; /* temp tables of a trigger */
	int trigger_table;
	const unsigned char *updated; /* columns that an UPDATE trigger asks for */
	bool nocount_before;
};

struct error_info {
	int32_t number;
	uint8_t severity, state;
	int32_t line;
	char text[2048];
	char procedure[514];
};

struct bulk;

struct session {
	struct engine *engine;
	struct session *next;
	int id;
	sqlite3 *db;
	char login[514], host[130], program[130], login_name[514];
	bool sysadmin, view_server_state;
	int64_t login_time, last_request;
	struct database *database, *first_database; /* now, and when it logged in */
	bool odbc;                                  /* LOGIN7 said so: which defaults a reset returns to */
	unsigned char attached[1024];               /* by database id */
	bool xact_abort, nocount, implicit_transactions, quoted_identifier, ansi_nulls, ansi_padding, ansi_warnings;
	bool arithabort, concat_null, numeric_roundabort, ansi_null_dflt, format_only;
	int isolation, lock_timeout, deadlock_priority, date_first;
	int64_t text_size, row_limit;
	char date_format[4], language[32];
	int trancount;
	bool doomed, sqlite_open, snapshot_started;
	uint64_t descriptor, snapshot_clock;
	struct identity_before *emptied; /* by TRUNCATE in this transaction, the last one first */
	int written[16];                 /* database ids whose writer gate this transaction holds */
	int written_count;
	int64_t log_bytes, transaction_started;
	int64_t rowcount, last_error, last_identity;
	bool has_last_identity;
	int identity_insert_database, identity_insert_object;
	struct frame *frame;
	struct result_sink *sink;
	struct arena *arena;     /* of the statement that runs */
	struct error_info error; /* pending when failed */
	bool failed, batch_ends, sink_failed, killed;
	bool in_try;
	int inside; /* functions and triggers that run within a statement: its end is theirs */
	bool done_pending;
	struct {
		enum result_end end;
		uint16_t command;
		bool counted, error;
		uint64_t rows;
	} done;
	int interrupted;                /* __atomic */
	const struct lock *waiting_for; /* under the engine's mutex */
	struct session *blocker;
	bool victim;
	struct bulk *bulk;
	struct bytes convert_scratch;
	bool checks_off;             /* while a bulk load does not check constraints */
	struct pending_key *pending; /* foreign keys to look at again when the statement ends */
	const char *batch_text;      /* source of the running batch: definitions are kept whole */
	const char *command;         /* what dm_exec_requests shows */
	struct prepared *prepared;
	int next_prepared;
	struct value *call_values;
	char trigger_suffix;
	int statement_line;
	struct module_cache *modules;
	struct kept_statement *kept;
};

/* --- errors (sql_error.c) --------------------------------------------------------------------------------------- */

/* Makes an error pending; always returns -EIO, so that callers can say `return session_raise(...)`. */
int session_raise(struct session *session, int32_t number, ...);
/* With its own text and severity: RAISERROR, THROW, parse errors, the stand-in's own limits (50000). */
int session_raise_text(struct session *session, int32_t number, uint8_t severity, uint8_t state, const char *format,
	...) __attribute__((format(printf, 5, 6)));
/* A message that is no error (severity <= 10), sent at once. */
void session_inform(struct session *session, int32_t number, uint8_t severity, uint8_t state, const char *text);
/* What SQLite says, as SQL Server would. */
int session_raise_sqlite(struct session *session, int code);

/* --- databases (sql_database.c) --------------------------------------------------------------------------------- */

struct database *database_find(struct engine *engine, const char *name);
struct database *database_by_id(struct engine *engine, int id);
int database_create(struct session *session, const char *name, uint16_t collation);
int database_drop(struct session *session, struct database *database);
/* Makes "d<id>" usable on the session's connection. Raises. */
int database_attach(struct session *session, struct database *database);
/* Of its data file. */
int64_t database_pages(const struct database *d);
void database_save(struct engine *engine, struct database *database);
int engine_run(sqlite3 *db, const char *format, ...); /* as sqlite3_mprintf: %Q, %w */

/* --- small SQL on the session's own connection (sql_query.c) ----------------------------------------------------- */

/* Prepares a formatted statement (%q, %Q, %w as sqlite3_mprintf); raises and returns NULL on failure. */
sqlite3_stmt *query(struct session *session, const char *format, ...);
/* True while there are rows; finalises at the end. */
bool query_next(struct session *session, sqlite3_stmt **statement);
int query_run(struct session *session, const char *format, ...);
/* One integer, or `otherwise` if there is no row. */
int64_t query_int(struct session *session, int64_t otherwise, const char *format, ...);
/* One text in the statement's arena; NULL if there is no row or it is NULL. */
const char *query_text(struct session *session, const char *format, ...);
/* What query_int and query_text keep prepared; before the connection is closed. */
void kept_free(struct session *session);
const char *column_text(struct session *session, sqlite3_stmt *statement, int column);

/* --- variables and values ---------------------------------------------------------------------------------------- */

struct variable *variable_find(struct session *session, const char *name);
struct variable *variable_add(struct session *session, const char *name, struct sql_type type);
/* Copies the value. */
void variable_set(struct variable *variable, struct value value);
void variables_free(struct variable *variables);
struct value value_of_column(sqlite3_stmt *statement, int column);
struct value value_of_argument(sqlite3_value *argument);
void value_bind(sqlite3_stmt *statement, int parameter, struct value value);
void value_result(sqlite3_context *context, struct value value);
/* The current time as a datetime value. */
int64_t datetime_now(void);

#endif
