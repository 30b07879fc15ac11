/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with one server, in the worker: FreeTDS behind the relay. session.c is the only file that includes sybdb.h.
 *
 * Functions return 0 or a negative errno with *error filled in. After -EIO the session is dead and can only be closed;
 * after -EREMOTEIO (an error message of the server, severity above 10) it may be used on where the server allows it.
 * One session in a process, one thread.
 */
#ifndef AGENT_SQL_SESSION_H
#define AGENT_SQL_SESSION_H

#include <stdbool.h>
#include <sys/socket.h>

#include "agent/net/sql_error.h"
#include "agent/table/value.h"

struct session;

struct session_options {
	int socket;                   /* connected TCP socket; the session owns it from here on */
	const char *host;             /* as configured: LOGIN7's server name */
	const char *certificate_name; /* the name that the certificate must carry; NULL: host */
	const char *authorities;      /* PEM of the CAs that are trusted; NULL where only the pin counts */
	uint8_t pin[32];              /* SHA-256 of the certificate; all zero: none */
	bool strict;                  /* TDS 8.0 */
	bool legacy_tls;              /* the server's owner has accepted TLS 1.0 */
	bool read_only;               /* the backup login's session: never sends anything that writes */
	const char *login;            /* SQL login or DOMAIN\user */
	char *password;               /* wiped by session_open */
	const char *database;
	const char *application; /* shown in the server's list of sessions */
	int deadlock_priority;   /* -10 to 10: LOW for a backup, HIGH for a restore */
	int lock_timeout_ms;
	int login_seconds, stall_seconds, catalogue_seconds;
	/*
	 * Called once all that needs files and memory has been set up, before the first byte of the server is read: a
	 * place to give up rights. 0 or a negative errno, which ends session_open. NULL: nothing.
	 */
	int (*confine)(void);
};

/* How long a request may stay without the first byte of its answer. */
enum request_kind {
	REQUEST_CATALOGUE, /* catalogue_seconds */
	REQUEST_ROWS,      /* a table's rows: a sort may take long: no limit */
	REQUEST_CHANGE,    /* DDL, DML, COMMIT, ROLLBACK: no limit */
};

/*
 * What connect() is in a program that includes interposed_connect.h: FreeTDS gets one end of a socketpair to the relay,
 * once, during session_open; every other connection over IP fails with EPERM.
 */
int session_connect(int fd, const struct sockaddr *address, socklen_t size);
/* 0 where FreeTDS's connect is ours. -ENOTSUP: it is not, and nothing may be sent. Leaves the machine as it was. */
int session_self_test(void);

/* Connects TLS, logs in, sends the SET options and checks that they hold. */
int session_open(struct session **session, struct session_options *options, struct sql_error *error);
void session_close(struct session *session);

/* What the login told: 11 to 16, and the TLS facts for people. */
int session_server_version(const struct session *session);
const char *session_tls_description(const struct session *session); /* "TLS 1.2, ECDHE-RSA-AES256-GCM-SHA384" */
const uint8_t *session_certificate_sha256(const struct session *session);

/*
 * Runs a batch (UTF-8) to its end; results other than its errors are dropped. *rows, where not NULL: rows affected, as
 * far as the server tells: under NOCOUNT ON, which session_open sets, it tells none: ask for @@ROWCOUNT.
 */
int session_execute(
	struct session *session, enum request_kind kind, const char *sql, uint64_t *rows, struct sql_error *error);

/* Starts a query of one result set. */
int session_query(struct session *session, enum request_kind kind, const char *sql, struct sql_error *error);
/*
 * 1 and the row's values in canonical form (table/value.h), valid until the next call; 0 at the end, after which the
 * statement's DONE was seen and was free of errors. Character columns must have been cast to varbinary by the caller.
 */
int session_next(struct session *session, struct value *values, size_t count, struct sql_error *error);
/* Ends a query early: attention, drain. */
int session_cancel(struct session *session, struct sql_error *error);

/* ---- the bulk stream ---- */

/* Sends an INSERT BULK statement and opens its stream: after 0, session_bulk_write until session_bulk_end. */
int session_bulk_begin(struct session *session, const char *insert_bulk, struct sql_error *error);
/* The next bytes of the stream, from COLMETADATA on; any split will do. */
int session_bulk_write(struct session *session, const void *bytes, size_t size, struct sql_error *error);
/* Appends DONE, reads the answer; *rows as the server counted (0 if it did not). Any error closes the session. */
int session_bulk_end(struct session *session, uint64_t *rows, struct sql_error *error);

/* The TYPE_INFO bytes that the server sent for a column of the last query, collation included. Returns their length. */
size_t session_type_info(const struct session *session, size_t column, const void **bytes, uint16_t *flags);

/* Called about once a second while the session waits, and between rows; true ends what it does with -ECANCELED. */
void session_on_wait(struct session *session, bool (*stop)(void *arg), void *arg);

#endif
