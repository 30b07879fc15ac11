/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers the requests of the command's socket. API.md has the requests and the blocks.
 *
 * service.c has the table of commands and what they share, service_job.c what makes or follows jobs, service_look.c what
 * only reads. One thread, the event loop's.
 */
#ifndef AGENT_SERVICE_SERVICE_H
#define AGENT_SERVICE_SERVICE_H

#include "agent/job/audit.h"
#include "agent/job/engine.h"
#include "agent/job/schedule.h"
#include "agent/service/api.h"
#include "agent/service/check.h"
#include "agent/service/consent.h"
#include "agent/service/shelf.h"

/* The exit codes of the command, and `Code` of the last block. */
enum service_code {
	CODE_DONE = 0,
	CODE_FAILED = 1,
	CODE_USAGE = 2,
	CODE_NO_DAEMON = 3,
	CODE_CANCELLED = 4,
	CODE_UNKNOWN = 5,
	CODE_DAMAGED = 6,
	CODE_BUSY = 7,
};

const char *service_code_name(enum service_code code); /* "unreachable" */

struct service {
	struct config *config;
	struct engine *engine;
	struct store *store; /* for looks, on the engine's thread */
	struct shelf *shelf;
	struct audit *audit;
	struct check *check;
	const struct schedule *schedule; /* NULL: nothing runs by itself (standalone) */
	struct consent consent;          /* what waits for the panel */
	bool has_panel;                  /* with a button, so that somebody can confirm */
	_Atomic int64_t *held_back;      /* seconds that the box was off and that do not count yet */
	int64_t started;                 /* seconds since 1970 UTC */
	bool ending;                     /* a shutdown is under way */
};

/* arg: struct service. */
extern const struct api_ops service_ops;

/* To be called when the engine signalled: writes the audit records of jobs that ended. */
void service_tell_ended(struct service *service);

/*
 * Asks the engine for a job, as whoever it is says, with its record in the audit log. As engine_submit; -EROFS where
 * what changes a server or what is kept cannot be recorded, and so is not begun.
 */
int service_submit(struct service *service, const struct job_request *request, uint64_t *id);
/* Two holds at the panel have confirmed the request that waited: into the audit log. */
void service_unlocked(struct service *service);
int service_cancel(struct service *service, uint64_t id, const char *who, enum job_origin origin);

#endif
