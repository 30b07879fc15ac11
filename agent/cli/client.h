/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command's side of the socket: sends one request and reads the blocks of its answer.
 */
#ifndef AGENT_CLI_CLIENT_H
#define AGENT_CLI_CLIENT_H

#include "agent/base/block.h"

struct client {
	int fd;
	size_t size, taken; /* bytes in `bytes`; of them, those of the block that was handed out last */
	char bytes[2 * BLOCK_SIZE];
};

/* A socket that is connected to this path, to be closed by the caller; or an errno of connect(2), -ENAMETOOLONG. */
int client_dial(const char *path);
/* 0, or as client_dial. */
int client_connect(struct client *client, const char *path);
void client_take(struct client *client, int fd); /* a socket that is connected already */
int client_send(struct client *client, struct block *request);
/* Waits for the next block. -EPIPE: the other side is gone; -EBADMSG: what came is no block; -EINTR: a signal came. */
int client_next(struct client *client, struct block_fields *fields);
void client_close(struct client *client);

#endif
