/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in's SQL engine, as its wire sees it: text or bulk rows in, typed results out.
 *
 * An engine holds every database of one server; a session is one login to it and belongs to one thread. Calls of
 * different sessions may run at the same time; a statement may wait for another session's locks.
 * Functions return 0 or a negative errno; a SQL error is not a failure of the call but a message to the sink.
 * A message of severity 20 or more ends the connection once what was sent with it has left.
 */
#ifndef TESTS_SQLSERVER_ENGINE_H
#define TESTS_SQLSERVER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct engine;
struct session;

/* A TDS type token: the nullable form (0x26 INTN, not 0x38 INT4) and the TDS 7.3 date types. */
enum tds_type {
	TDS_INTN = 0x26,
	TDS_BITN = 0x68,
	TDS_FLTN = 0x6d,
	TDS_MONEYN = 0x6e,
	TDS_DATETIMN = 0x6f,
	TDS_DECIMALN = 0x6a,
	TDS_NUMERICN = 0x6c,
	TDS_GUID = 0x24,
	TDS_DATE = 0x28,
	TDS_TIME = 0x29,
	TDS_DATETIME2 = 0x2a,
	TDS_DATETIMEOFFSET = 0x2b,
	TDS_BIGVARBINARY = 0xa5,
	TDS_BIGVARCHAR = 0xa7,
	TDS_BIGBINARY = 0xad,
	TDS_BIGCHAR = 0xaf,
	TDS_NVARCHAR = 0xe7,
	TDS_NCHAR = 0xef,
	TDS_TEXT = 0x23,
	TDS_IMAGE = 0x22,
	TDS_NTEXT = 0x63,
	TDS_XML = 0xf1,
	TDS_UDT = 0xf0,
	TDS_VARIANT = 0x62,
};

#define TDS_MAX_LENGTH 0xffffu /* .length of a (max) column */

/* One result or bulk column. Owned by the caller of the function that takes it. */
struct result_column {
	enum tds_type type;
	uint32_t length; /* bytes: of the fixed size, or the declared maximum; TDS_MAX_LENGTH for (max), xml, UDT */
	uint8_t precision, scale;
	uint8_t collation[5]; /* of character types, as TDS writes it */
	bool nullable, identity, computed, key, hidden;
	char name[514];   /* UTF-8 (WTF-8 where the name holds a lone surrogate), NUL-terminated; "" for none */
	char table[514];  /* base table, for TEXT/NTEXT/IMAGE column metadata; "" if none */
	char udt[3][130]; /* database, schema, type name of a CLR type */
};

/*
 * A value as TDS writes it after its length prefix: integers and floats little-endian of the column's size, money high
 * dword first, decimal sign (1 = +) and little-endian magnitude, dates as TDS 7.3 with the column's scale, character
 * data in the code page or UTF-16LE, sql_variant with its base type and property bytes. data == NULL is NULL.
 */
struct result_value {
	const void *data;
	size_t size; /* bytes */
};

enum result_end { END_STATEMENT, END_IN_PROC, END_PROC };

/* Where results go, in the order in which TDS sends them. A sink that returns an error ends the execution. */
struct result_sink {
	int (*columns)(struct result_sink *sink, const struct result_column *columns, size_t count);
	int (*row)(struct result_sink *sink, const struct result_value *values, size_t count);
	/* One DONE token. `rows` counts only if `counted`; `command` is TDS's CurCmd; `more` says another DONE follows. */
	int (*done)(struct result_sink *sink, enum result_end end, uint16_t command, bool counted, uint64_t rows,
		bool error, bool more);
	/* severity <= 10 is an INFO token, above it an ERROR token. text is UTF-8. */
	int (*message)(struct result_sink *sink, int32_t number, uint8_t state, uint8_t severity, const char *text,
		const char *procedure, int32_t line);
	int (*database_changed)(struct result_sink *sink, const char *name);
	/* ENVCHANGE 8 (begin, descriptor != 0), 9 (commit) or 10 (rollback, descriptor of what ended). */
	int (*transaction_changed)(struct result_sink *sink, uint8_t kind, uint64_t descriptor);
	int (*return_status)(struct result_sink *sink, int32_t status);
	/* One OUTPUT parameter of an RPC. */
	int (*output)(
		struct result_sink *sink, const char *name, const struct result_column *type, const struct result_value *value);
	/* RAISERROR WITH NOWAIT: what was sent so far reaches the client now, not when a packet is full. */
	int (*flush)(struct result_sink *sink);
};

/* A parameter of an RPC (sp_executesql and named procedures). */
struct parameter {
	char name[514]; /* with its @, or "" */
	bool output;
	struct result_column type;
	struct result_value value;
};

/* directory holds one SQLite file a database and is created if missing. version is the major version, 11 to 16. */
int engine_open(struct engine **engine, const char *directory, int version);
void engine_close(struct engine *engine);

/*
 * Sets one behaviour of the server, "name=value": the faults of README.md's table (log_limit=, file_limit=,
 * silence=delete:30, rollback_delay=, language=french, ...). -EINVAL for a name that is not known.
 */
int engine_set(struct engine *engine, const char *setting);
/* How many errors of the setting "fail" have been raised. */
uint64_t engine_faults_struck(struct engine *engine);

/*
 * A login that the server has from its start: a SQL login, or DOMAIN\user for NTLM. An administrator is in sysadmin.
 * Replaces the password and role of one with the same name.
 */
int engine_add_login(struct engine *engine, const char *login, const char *password, bool administrator);

/* Checks a login; *error is the SQL error number (18456, 4060, ...) when it is refused with -EACCES. */
int session_login(struct session **session, struct engine *engine, const char *login, const char *password,
	const char *database, const char *host, const char *program, int32_t *error);
/* For a login that was proved otherwise (NTLM): no password is asked. */
int session_login_trusted(struct session **session, struct engine *engine, const char *login, const char *database,
	const char *host, const char *program, int32_t *error);
/* The NTLM room asks for the password that the engine knows for DOMAIN\user; -ENOENT if none. */
int engine_password(struct engine *engine, const char *login, char *password, size_t size);
/* Ends the session. An open transaction rolls back first, which may take as long as the engine was told. */
void session_close(struct session *session);

/*
 * LOGIN7's fODBC flag, told once after the login. With it the session starts with TEXTSIZE 2147483647 and ANSI_* and
 * QUOTED_IDENTIFIER ON; without it (DB-Library) with TEXTSIZE 4096 and all of them OFF. session_reset returns there.
 */
void session_set_odbc(struct session *session, bool odbc);

/* @@SPID, from 51 on. */
int session_id(const struct session *session);

/* The session's current database, UTF-8; valid until it changes. And that database's five collation bytes. */
const char *session_database(const struct session *session);
void session_collation(const struct session *session, uint8_t collation[5]);

/* Resets a session as TDS's RESETCONNECTION does. */
int session_reset(struct session *session);

/* Runs a batch of T-SQL (UTF-16LE, as it came) and sends everything, the last DONE included, to the sink. */
int session_execute(struct session *session, const void *text, size_t size, struct result_sink *sink);

/* Runs a procedure by name: sp_executesql, sp_prepare/sp_execute/sp_unprepare, or any that the database has. */
int session_call(struct session *session, const char *procedure, const struct parameter *parameters, size_t count,
	struct result_sink *sink);

/* The Transaction Manager request: begin (5), commit (7), rollback (8), save (9), with a name or "". */
int session_transaction(
	struct session *session, uint16_t request, uint8_t isolation, const char *name, struct result_sink *sink);

/* True after a batch whose statement was INSERT BULK: the next message from the client is the row stream. */
bool session_expects_bulk(const struct session *session);

/*
 * The row stream of INSERT BULK: columns as the client described them (names included), then rows, then the end.
 * bulk_begin reports 4815/4816-like mismatches through the sink at bulk_end. Large values come whole.
 */
int session_bulk_begin(struct session *session, const struct result_column *columns, size_t count);
int session_bulk_row(struct session *session, const struct result_value *values, size_t count);
int session_bulk_end(struct session *session, bool complete, struct result_sink *sink);

/* The descriptor of the open transaction; 0 if there is none. */
uint64_t session_transaction_descriptor(const struct session *session);

/*
 * From another thread: what the session runs stops soon with the attention's answer left to the wire. The wire calls it
 * again and again until the statement is over, so one that finds nothing running is lost: it must not stop the next.
 */
void session_interrupt(struct session *session);

#endif
