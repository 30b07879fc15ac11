/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything of the agent but its panel, put together: configuration, store, engine, log, schedule, the command's socket,
 * one event loop. The daemon runs one; `coffret --standalone` runs one inside the command.
 */
#ifndef AGENT_BOX_H
#define AGENT_BOX_H

#include "agent/base/loop.h"
#include "agent/config/config.h"
#include "agent/job/audit.h"
#include "agent/job/engine.h"
#include "agent/job/schedule.h"
#include "agent/service/api.h"
#include "agent/service/catch_up.h"
#include "agent/service/check.h"
#include "agent/service/service.h"
#include "agent/service/shelf.h"
#include "agent/store/store.h"

struct box {
	struct loop loop;
	struct config config;
	struct store store;
	struct engine *engine;
	struct audit audit;
	struct check check;
	struct schedule schedule;
	struct service service;
	struct catch_up catch_up;
	struct loop_timer clock_timer;
	struct clock *clock; /* set before box_open; NULL: the kernel's */
	struct engine_look store_look, confirm_time;
	bool scheduled, backup_due;    /* due: since the queue was full */
	bool looking, confirming_time; /* store_look, confirm_time are the engine's */
	_Atomic int64_t held_back;     /* store.clock's, for other threads */
	int64_t clean_at, scrub_at;    /* the next ones, of the clock's monotonic ms */
	/* Told after anything changed: for the panel. May be NULL. */
	void (*changed)(void *arg);
	void *changed_arg;
	struct shelf shelf;
	struct api api;
};

/*
 * Opens all, in order, with box->config read before. scheduled: the schedule runs backups. 0, or a negative errno with a
 * sentence and a remedy; box_close is due then too.
 */
int box_open(struct box *box, bool scheduled, char *sentence, size_t sentence_size, char *remedy, size_t remedy_size);
/* Begins the end: no new jobs, what runs is cancelled; loop_quit when it is over. */
void box_end(struct box *box);
void box_close(struct box *box);

/* Somebody at the panel has confirmed how long the box was off. */
void box_confirm_time(struct box *box);

/* Looks whether a backup or a cleaning is due; also comes by itself every ten seconds. For whoever knows that time was moved. */
void box_look_at_clock(struct box *box);

#endif
