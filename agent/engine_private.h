/* SPDX-License-Identifier: Apache-2.0 */
/* What engine.c (the thread) and engine_ask.c (those who ask) share. */
#ifndef AGENT_ENGINE_PRIVATE_H
#define AGENT_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/engine.h"
#include "agent/journal.h"

struct engine {
	struct engine_ground ground;
	pthread_t thread;
	pthread_mutex_t lock;  /* of everything below up to the line */
	pthread_cond_t wake;   /* for the thread: something to do */
	pthread_cond_t served; /* a look was run */
	int event;
	bool quitting, ended;
	uint64_t last_id;
	struct job_info queue[ENGINE_QUEUE_MAX];
	size_t queued;
	bool busy;
	struct job_info running;
	struct job_progress progress;
	struct job_info history[ENGINE_HISTORY_MAX]; /* a ring: the n-th job that ended is at n % ENGINE_HISTORY_MAX */
	uint64_t history_total, history_told;
	struct job_report *finished; /* of the job finished_id */
	uint64_t finished_id;
	struct engine_look *looks, *look_running;
	atomic_bool stop; /* set under the lock, read without */

	/* ---- of the thread alone ---- */
	struct job_report *report; /* being filled in */
	struct journal journal;
	bool unknown;  /* `pending` waits to be looked at */
	bool retrying; /* and is being looked at, not for the first time */
	struct journal pending;
	int64_t retry_at; /* monotonic ms */
	struct job_report reports[2];
};

void engine_signal(struct engine *engine);
/* With the lock held. */
void engine_remember(struct engine *engine, const struct job_info *info);

#endif
