/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQL Server Browser: MC-SQLR over UDP. Answers where an instance listens (CLNT_UCAST_INST) and which there are
 * (CLNT_UCAST_EX), or what a fault told it to answer.
 */
#ifndef TESTS_SQLSERVER_BROWSER_H
#define TESTS_SQLSERVER_BROWSER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "server.h"

struct browser {
	struct server *server;
	int fd;
	atomic_bool closing;
	uint16_t port;
	pthread_t thread;
};

/* Binds the server's address; port 0 takes any (SQL Server's own is 1434). */
int browser_open(struct browser *browser, struct server *server, uint16_t port);
void browser_close(struct browser *browser);

#endif
