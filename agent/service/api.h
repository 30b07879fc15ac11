/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command's socket: a Unix socket, mode 0660, of one group, whose clients send request blocks and get streams of
 * blocks back (API.md). This file carries; service.h answers.
 *
 * One thread, inside the event loop. Everything is bounded: clients, what one may send, and what waits to be taken by
 * one that is slow. A client has one request at a time; the next one is read when the answer has ended.
 *
 * Requests and answers may hold secrets: what was read or sent, and what a client that went has left, is wiped.
 */
#ifndef AGENT_SERVICE_API_H
#define AGENT_SERVICE_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/block.h"
#include "agent/base/loop.h"

#define API_CLIENTS_MAX 8
#define API_OUT_SIZE (4 * BLOCK_SIZE)
#define API_TASK_SIZE 4096

struct api;

struct api_client {
	struct api *api;
	int fd; /* -1: free */
	uint32_t uid;
	char user[64];     /* its name, or "uid 1000" */
	bool busy;         /* a request is being answered */
	bool closing;      /* when all is sent */
	bool silent;       /* it will ask nothing more, but still listens */
	uint64_t produced; /* blocks sent to it */
	size_t in_size, out_from, out_size;
	_Alignas(max_align_t) unsigned char task
		[API_TASK_SIZE]; /* whoever answers keeps its place here; zeroed at each request */
	char in[BLOCK_SIZE];
	char out[API_OUT_SIZE];
};

/* Who answers. */
struct api_ops {
	/* A request came; the answer ends with api_end, now or later. */
	void (*request)(void *arg, struct api_client *client, const struct block_fields *request);
	/* There is room for at least one block, and something may have changed. Called while the client is busy. */
	void (*more)(void *arg, struct api_client *client);
	/* The client went while it was busy: let go of what the task holds. */
	void (*gone)(void *arg, struct api_client *client);
};

struct api {
	struct loop *loop;
	const struct api_ops *ops;
	void *arg;
	int listener; /* -1: none */
	char path[108];
	struct api_client clients[API_CLIENTS_MAX];
};

void api_init(struct api *api, struct loop *loop, const struct api_ops *ops, void *arg);
/*
 * Listens at path. A stale socket is replaced; -EADDRINUSE where somebody answers there. group: who may connect beside
 * root; a group that is not there is -ENOENT, and nobody but root may connect: not an end, a warning.
 */
int api_listen(struct api *api, const char *path, const char *group);
/* Takes a connected socket as a client. The descriptor is the api's, after an error too. -EBUSY: too many. */
int api_adopt(struct api *api, int fd, uint32_t uid);
/* Closes all, removes the socket. */
void api_close(struct api *api);

/* Something changed: asks whoever answers for more, for each client that is busy. */
void api_changed(struct api *api);

/* Room for a whole block. Without it, api_send loses the client. */
bool api_room(const struct api_client *client);
void api_send(struct api_client *client, struct block *block);
/* The last block of an answer. */
void api_end(struct api_client *client, struct block *block);

#endif
