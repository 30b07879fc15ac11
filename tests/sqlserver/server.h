/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in as a whole: one listening port, a thread for each connection, the engine behind them all.
 */
#ifndef TESTS_SQLSERVER_SERVER_H
#define TESTS_SQLSERVER_SERVER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "engine.h"
#include "faults.h"
#include "journal.h"
#include "tls.h"

struct connection;

struct server_options {
	const char *directory; /* the engine's databases */
	const char *address;   /* to listen on, "127.0.0.1" */
	uint16_t port;         /* 0: any */
	const char *name;      /* @@SERVERNAME's host part, in every message */
	const char *instance;  /* for the browser: "MSSQLSERVER" or a named one */
	int version;           /* 11 to 16 */
	bool strict;           /* TDS 8.0 only */
	size_t request_limit;  /* bytes of a batch or RPC */
	size_t row_limit;      /* bytes of one bulk row */
	struct tls_settings tls;
};

struct server {
	struct server_options options;
	struct engine *engine;
	struct tls_server *tls;
	struct faults faults;
	struct journal journal;
	int listener;
	uint16_t port;
	pthread_mutex_t lock; /* guards the list below */
	pthread_cond_t emptied;
	struct connection *connections;
	size_t connection_count;
	uint64_t connection_total;
	bool stopping;
};

/* Opens the engine, loads the certificate, binds the port. Options and their strings must outlive the server. */
int server_open(struct server *server, const struct server_options *options);

/* Accepts until server_stop, then waits for every connection to end. */
int server_run(struct server *server);

/* From any thread or after a signal was taken: server_run returns soon. Open transactions roll back. */
void server_stop(struct server *server);

/* Everything must be over: after server_run returned, or without it. */
void server_close(struct server *server);

/* One line a session. Returns their number. */
size_t server_print_sessions(struct server *server, FILE *to);

/* Cuts the connection of a session; all of them for 0. Returns how many there were. */
size_t server_kill(struct server *server, int session);

/* Runs a file of T-SQL as an administrator, its batches separated by lines that say GO. Messages go to `log`. */
int server_run_script(struct server *server, const char *path, FILE *log);

#endif
