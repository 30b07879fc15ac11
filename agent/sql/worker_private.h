/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker*.c files of the keeper share, and what a test may replace. */
#ifndef AGENT_SQL_WORKER_PRIVATE_H
#define AGENT_SQL_WORKER_PRIVATE_H

#include <sys/types.h>

#include "agent/sql/message.h"
#include "agent/sql/worker.h"

struct worker {
	int socket;    /* to the worker; -1 once it is gone */
	pid_t process; /* 0 once it was waited for */
	struct worker_watcher watcher;
	uint8_t *buffer;    /* MESSAGE_SIZE_MAX bytes */
	uint8_t *catalogue; /* what has come of it */
	size_t catalogue_size;
	struct preflight_facts *facts; /* where they go, while they are asked for */
	int watcher_error;             /* that a watcher's function returned: the request is being ended */
	bool cancel_sent, ended;       /* of the request that runs */
	bool committing;               /* no cancel any more */
	bool restore;                  /* logged in to write */
	bool logging_in;               /* it does not listen yet */
	bool loading;                  /* between a table's REPLACE and the good answer to its END */
	int64_t give_up_ms;            /* when to end the worker although it is alive; 0: never */
	uint64_t rows;                 /* of the last DONE */
	int64_t heard_ms, asked_ms, cancel_ms;
	int silence_limit_seconds;

	int server_version;
	char tls_description[96];
	uint8_t certificate_sha256[32];
};

/* Where things are; a test has them elsewhere. */
struct worker_place {
	const char *program;   /* NULL: coffret-worker beside the running program */
	uint16_t browser_port; /* 0: SQL_BROWSER_PORT */
};

int worker_start_at(struct worker **worker, struct worker_login *login, const struct worker_watcher *watcher,
	const struct worker_place *place, struct sql_error *error);

/* Hands one report to the watcher: -EPROTO for what a worker must not send; any other error is the watcher's. */
int worker_report(struct worker *worker, enum message_type type, struct unpacker *unpacker);

/* Sends one request whole, taking reports meanwhile. -EIO with *error. */
int worker_send(struct worker *worker, enum message_type type, const void *head, size_t head_size, const void *body,
	size_t body_size, struct sql_error *error);
/* Before the first message of a request. */
void worker_begin_request(struct worker *worker);
/* Asks the watcher, at most about once a second; never while nothing may be cancelled. */
bool worker_should_stop(struct worker *worker);
/* Takes reports up to the answer. 0; or the watcher's error, -ECANCELED, -EIO, with *error. */
int worker_await(struct worker *worker, struct sql_error *error);

#define WORKER_SILENCE_SECONDS 60 /* without a sign of life: it hangs */
#define WORKER_CANCEL_SECONDS 75  /* for a cancel to take effect */
#define WORKER_LEAVE_LOAD_MS 5000 /* for a load that is broken off, before the connection is closed on it */

#endif
