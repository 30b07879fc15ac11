/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What went wrong between the box and a server: filled in once, where it happened, shown once, where it is handled.
 */
#ifndef AGENT_NET_SQL_ERROR_H
#define AGENT_NET_SQL_ERROR_H

#include <stdint.h>

/* Travels between worker and keeper, and into reports: a number keeps its meaning for ever. */
enum sql_error_kind {
	SQL_OK = 0,
	SQL_ERROR_RESOLVE = 1,       /* the host has no address */
	SQL_ERROR_CONNECT = 2,       /* refused, unreachable, timed out */
	SQL_ERROR_BROWSER = 3,       /* no answer from SQL Browser, or no such instance */
	SQL_ERROR_NO_ENCRYPTION = 4, /* the server would not encrypt */
	SQL_ERROR_TLS = 5,           /* the handshake failed: version, cipher, alert */
	SQL_ERROR_TLS_OLD = 6,       /* the server speaks only TLS 1.0 or 1.1 */
	SQL_ERROR_CERTIFICATE = 7,   /* issuer, validity, key */
	SQL_ERROR_NAME = 8,          /* the certificate is for another name */
	SQL_ERROR_PIN = 9,           /* another certificate than the pinned one */
	SQL_ERROR_REDIRECT = 10,     /* the server sent us elsewhere */
	SQL_ERROR_LOGIN = 11,        /* number says why: 18456, 4060, 18452, ... */
	SQL_ERROR_PROTOCOL = 12,     /* what came is no TDS */
	SQL_ERROR_LOST = 13,         /* the connection broke */
	SQL_ERROR_STALLED = 14,      /* began to answer and stopped, or took nothing more */
	SQL_ERROR_TIMEOUT = 15,      /* no answer within the limit of the request's kind */
	SQL_ERROR_SERVER = 16,       /* an error message of severity above 10: number, state, text */
	SQL_ERROR_RETRY = 17,        /* 1205, 1222, 3960, 3961: trying again may help */
	SQL_ERROR_DAMAGED = 18,      /* 823, 824, 605: the database is physically damaged */
	SQL_ERROR_RIGHTS = 19,       /* something may not be seen or done: `object` names it */
	SQL_ERROR_UNSUPPORTED = 20,  /* a type or feature that cannot be kept or replaced: `object` names it */
	SQL_ERROR_CONSISTENCY = 21,  /* SNAPSHOT isolation is not allowed in the database */
	SQL_ERROR_ROW_TOO_LARGE = 22,
	SQL_ERROR_MEMORY = 23,
	SQL_ERROR_DIFFERS = 24, /* read back, `object` is not what was written */
	SQL_ERROR_SCHEMA = 25,  /* `object` is missing or of another shape in the target */
	SQL_ERROR_CANCELLED = 26,
	SQL_ERROR_UNKNOWN_OUTCOME = 27, /* COMMIT was sent and no answer came */
	SQL_ERROR_WORKER = 28,          /* the worker died, hung, or sent what it must not */
	SQL_ERROR_SNAPSHOT = 29,        /* a chunk that came down is damaged */
	SQL_ERROR_DATABASE_STATE = 30,  /* missing, offline, read-only, mirror, secondary */
	SQL_ERROR_BUSY = 31,            /* another box holds the application lock, or sessions are connected */
	SQL_ERROR_CONFIGURATION = 32,   /* of the box itself: a file that is missing, a login that is not set */
	SQL_ERROR_ROOM = 33,            /* data files, log or tempdb of the server are too small for a restore */
	SQL_ERROR_LAST = SQL_ERROR_ROOM,
};

struct sql_error {
	enum sql_error_kind kind;
	int32_t number; /* SQL Server's, 0 if none */
	uint8_t severity, state;
	char object[280]; /* database, [schema].[table].[column], certificate name, ...: UTF-8 */
	char doing[160];  /* "reading [dbo].[tblChat]" */
	char detail[512]; /* the server's or the library's own words; never a password */
};

/* Keeps the first error; a later one is usually only its echo. Returns -EIO, so that a caller can return it. */
int sql_error_set(struct sql_error *error, enum sql_error_kind kind, const char *object, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
