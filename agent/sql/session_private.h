/* SPDX-License-Identifier: Apache-2.0 */
/* What session.c and session_bulk.c share of a session. Not for others. */
#ifndef AGENT_SQL_SESSION_PRIVATE_H
#define AGENT_SQL_SESSION_PRIVATE_H

#include "agent/net/tds_relay.h"
#include "agent/sql/native.h"
#include "agent/sql/session.h"

struct session_column {
	int type; /* enum native_type */
	uint8_t scratch[NATIVE_SCRATCH];
};

struct session {
	struct tds_dblib_dbprocess *db;
	struct relay *relay;
	int fd; /* FreeTDS's end of the socketpair: FreeTDS owns it */
	int (*confine)(void);
	int catalogue_seconds;
	int server_version;
	bool read_only, logging_in, dead, in_rows, out_of_memory;
	bool cancelled; /* stop() said so; the request that runs ends with an attention */

	struct sql_error message; /* the first error message of the request that runs */
	char library[200];        /* what FreeTDS itself said, in case that nobody says it better */
	bool (*stop)(void *arg);
	void *stop_arg;
	int64_t stop_asked_ms;

	struct session_column *columns;
	size_t column_count;

	/* The bulk stream. */
	uint8_t *packet;    /* TDS_PACKET_SIZE bytes */
	size_t packet_size; /* header included */
	uint8_t packet_id;
	bool in_bulk;
};

/* ---- session_connect.c ---- */

/* From here on one connect is taken for the session; NULL: for a self-test, whose connection ends at once. */
void session_expect_connect(struct session *session, struct sql_error *error);
/* Ends that. Was ours the connect that FreeTDS called? */
bool session_connect_was_ours(void);
/* A file that only this process has, with one section. A descriptor to be closed, or a negative errno. */
int session_configuration(const char *section);
void session_clear_environment(void);

/* ---- session_options.c ---- */

int session_set_options(struct session *session, const struct session_options *options, struct sql_error *error);

/* ---- session.c ---- */

/* Why the request failed, best reason first: -EREMOTEIO, -ECANCELED, or -EIO. */
int session_failed(struct session *session, struct sql_error *error);

/* ---- session_relay.c ---- */

int session_open_relay(struct session *session, const struct session_options *options, struct sql_error *error);
/* Prepares for a request. -EIO where the session is dead. */
int session_begin(struct session *session, enum request_kind kind, struct sql_error *error);
/* Asks stop(), at most about once a second. */
bool session_should_stop(struct session *session);

/* ---- session_error.c ---- */

/* An error message of the server, while a request runs. */
void session_hear(struct session *session, int number, int state, int severity, const char *text);
/* Into *error, if there is one and it says nothing yet; what was being done stays. */
void session_copy_error(struct sql_error *error, const struct sql_error *found);
/* What an error number of SQL Server is to us. */
enum sql_error_kind session_kind_of(int number);

#endif
