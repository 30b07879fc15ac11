/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control socket: tests change and ask a running server. One command a line; the answer is zero or more lines and
 * then "ok" or "error: why". README.md lists the commands.
 */
#ifndef TESTS_SQLSERVER_CONTROL_H
#define TESTS_SQLSERVER_CONTROL_H

#include <pthread.h>
#include <stdio.h>

#include "server.h"

struct control {
	struct server *server;
	int fd;
	char path[108];
	pthread_t thread;
};

/* Makes the Unix socket, replacing one that is left over. */
int control_open(struct control *control, struct server *server, const char *path);
void control_close(struct control *control);

/* One command as the socket would take it; the answer goes to `to`. */
void control_command(struct server *server, const char *command, FILE *to);

#endif
