/* SPDX-License-Identifier: Apache-2.0 */
/*
 * While a statement runs, a second thread listens to the client: an attention interrupts the session, and so does a
 * client that has gone. Between statements it sleeps, and the connection's own thread is the only reader.
 */
#ifndef TESTS_SQLSERVER_WATCH_H
#define TESTS_SQLSERVER_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "engine.h"
#include "link.h"

struct watch {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum { WATCH_IDLE, WATCH_LISTENING, WATCH_QUIT } state;
	bool open;
	struct link *link;
	struct session *session;
	atomic_bool attention; /* since watch_begin */
	int error;             /* why it stopped listening */
	bool has_packet;       /* a request that came early */
	struct packet packet;
};

int watch_open(struct watch *watch, struct link *link, struct session *session);
void watch_close(struct watch *watch);

void watch_begin(struct watch *watch);

/* 0, or why the connection is over. watch->attention tells whether one came. */
int watch_end(struct watch *watch);

/* The request that a client sent before it had the answer to its last one; NULL if none. */
const struct packet *watch_early_packet(struct watch *watch);

#endif
