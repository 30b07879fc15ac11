/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the box and its front panel: tells the panel's state machine what happens, and does what two holds asked for.
 * The only path by which presence counts.
 */
#ifndef AGENT_FRONT_H
#define AGENT_FRONT_H

#include "agent/box.h"
#include "agent/panel/panel.h"

struct front {
	struct box *box;
	struct panel panel;
	struct loop_timer tick;
	uint64_t last_ended;             /* the newest job whose end was looked at */
	uint64_t unlock;                 /* the request that the panel offers to unlock; 0: none */
	struct panel_job ended;          /* it, as the panel sees it */
	enum sql_error_kind last_backup; /* how the last backup failed */
};

/* Opens the board's hardware. A negative errno of what could not be opened; front_stop is due then too. */
int front_start(struct front *front, struct box *box);
void front_stop(struct front *front);

/* ---- pure, for the tests ---- */

/* Of the whole job, from where its phase stands; -1: not known. */
int front_percent(enum job_kind kind, const struct job_progress *progress);
/* Seconds to the end of the phase as it goes, -1: not known. */
int front_eta(const struct job_progress *progress, int64_t now_ms);

#endif
