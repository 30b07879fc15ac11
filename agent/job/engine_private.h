/* SPDX-License-Identifier: Apache-2.0 */
/* What engine.c (the thread) and engine_ask.c (those who ask) share. */
#ifndef AGENT_JOB_ENGINE_PRIVATE_H
#define AGENT_JOB_ENGINE_PRIVATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/job/engine.h"
#include "agent/job/journal.h"

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
	bool queue_changed; /* since it was written down */
	bool busy;
	struct job_info running;
	struct job_progress progress;
	struct job_info history[ENGINE_HISTORY_MAX]; /* a ring: the n-th job that ended is at n % ENGINE_HISTORY_MAX */
	uint64_t history_total, history_told;
	struct job_report *finished; /* of the job finished_id */
	uint64_t finished_id;
	struct engine_look *looks, *look_running;
	/* Outcomes that wait to be known; `running` marks a slot that is taken. Written by the thread, under the lock. */
	struct journal unknown[ENGINE_UNKNOWN_MAX];
	atomic_bool stop; /* set under the lock, read without */

	/* ---- of the thread alone ---- */
	struct job_report *report; /* being filled in */
	struct journal journal;
	bool retrying;                      /* an outcome is being looked at, not for the first time */
	int64_t retry_at;                   /* monotonic ms: when to look at those that are not known */
	int64_t retry_pause;                /* ms, until the look after that */
	size_t volumes_there;               /* when it was looked last */
	uint64_t looked_for;                /* the waiting job for whose sake it was looked last */
	uint64_t waiting[ENGINE_QUEUE_MAX]; /* jobs that wait, as they are written down; 0: a free slot */
	bool waiting_stale;                 /* that could not be written as it is */
	struct job_report reports[2];
};

#define ENGINE_FIRST_RETRY_MS 5000

void engine_signal(struct engine *engine);
/* With the lock held. */
void engine_remember(struct engine *engine, const struct job_info *info);

static inline bool engine_changes_server(const struct job_request *request)
{
	return (request->kind == JOB_RESTORE || request->kind == JOB_UNDO) && !request->what_if;
}

/* ---- engine_records.c: what is written down ---- */

#define ENGINE_JOURNAL "journal"

int engine_write_record(struct engine *engine, const char *name, const struct journal *journal);
/* 1 and the record; 0 where there is none. */
int engine_read_record(struct engine *engine, const char *name, struct journal *journal);

/* Keeps the outcomes of a report that are not known. -ENOSPC: there are too many of them already. */
int engine_keep_unknown(struct engine *engine, const struct job_report *report);
void engine_forget_unknown(struct engine *engine, size_t slot);
/* One more could not be kept. */
bool engine_unknown_full(const struct engine *engine);
void engine_read_unknown(struct engine *engine);
/* What happened to the database of an outcome that is not known concerns this restore or undo, too. */
bool engine_concerns(const struct journal *unknown, const struct job_request *request);

/* Writes down which jobs wait, where that changed. At a job's edges what could not be written is tried again. */
void engine_write_waiting(struct engine *engine, bool edge);
/* Before the thread runs: those that waited when the box stopped are told as cancelled. */
void engine_read_waiting(struct engine *engine);

/* ---- engine.c: a job's beginning and end ---- */

struct job_context engine_context(struct engine *engine);
/* The first in the queue that may begin; engine->queued: none. With the lock held, on the engine's thread. */
size_t engine_next_queued(struct engine *engine);
/* With the lock held. */
void engine_begin_job(struct engine *engine, const struct job_info *info);
void engine_end_job(struct engine *engine, enum job_state state);

/* ---- engine_refuse.c ---- */

/* False: the job that was begun may go on to its story. */
bool engine_refuse(struct engine *engine, const struct job_context *context);

/* ---- engine_recover.c ---- */

/* Before the thread runs: a box that has something to find out is not idle. */
void engine_begin_recovery(struct engine *engine, const struct journal *journal);
/* How the job ended that was cut off. */
void engine_recover(struct engine *engine);
bool engine_has_unknown(const struct engine *engine);
/*
 * Before it is known how the last change of a database ended, nothing else is changed in it: what this request would have
 * to wait for, or NULL.
 */
const struct journal *engine_concerned(struct engine *engine, const struct job_request *request);
/* By time, since a volume came, or because a restore of such a database is next: once for each. With the lock held. */
bool engine_look_due(struct engine *engine);
void engine_look_again(struct engine *engine);

#endif
