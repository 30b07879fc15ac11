/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `coffret check`: tries every step to a server, one after the other, and says what was found at each. It runs beside
 * jobs, in a thread of its own, and reads and changes nothing in the repository. One at a time.
 */
#ifndef AGENT_SERVICE_CHECK_H
#define AGENT_SERVICE_CHECK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "agent/config/config.h"
#include "agent/sql/worker.h"

/* The keeper's steps; from 20 on they are the worker's (agent/sql/examine.h). */
enum check_step {
	CHECK_CONFIG = 1,
	CHECK_RESOLVE,
	CHECK_INSTANCE,
	CHECK_CONNECT,
	CHECK_ENCRYPTION,
	CHECK_CERTIFICATE,
	CHECK_LOGIN,
};

#define CHECK_FINDINGS_MAX 160

struct check_finding {
	char server[SERVER_NAME_SIZE];
	char database[128]; /* cut */
	bool restore;       /* with the restore login */
	uint8_t step;
	enum finding_result result;
	char detail[512], remedy[512];
};

struct check {
	pthread_mutex_t lock;
	pthread_t thread;
	bool active; /* the thread is to be joined */
	bool over;
	bool read; /* by whoever started it: not yet to the end */
	atomic_bool stop;
	int event; /* readable when something was found */
	const struct config *config;
	char server[SERVER_NAME_SIZE], database[DATABASE_NAME_SIZE]; /* "": all */
	struct check_finding *findings;
	size_t count;
	/* of the thread */
	const struct server_config *at_server;
	const char *at_database;
	bool at_restore;
	bool way_told, unreachable;
};

int check_init(struct check *check);
/* -EBUSY: another one runs, or has not ended, or been read to its end. */
int check_start(struct check *check, const struct config *config, const char *server, const char *database);
/* The index-th finding. 1: here it is; 0: not yet; -ENOENT: that was all. */
int check_get(struct check *check, size_t index, struct check_finding *finding);
/* It is read no more: asks it to end; check_start works again when it has. */
void check_abandon(struct check *check);
/* Waits for the end. */
void check_close(struct check *check);
const char *check_step_name(uint8_t step);

#endif
