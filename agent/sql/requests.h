/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the worker does for its keeper once it is logged in. main.c opens the session, confines the process, answers
 * MESSAGE_LOGIN with MESSAGE_DONE, sets session_on_wait(session, uplink_stop, uplink), and calls requests_run.
 */
#ifndef AGENT_SQL_REQUESTS_H
#define AGENT_SQL_REQUESTS_H

#include "agent/sql/message.h"
#include "agent/sql/session.h"
#include "agent/sql/uplink.h"

struct worker_setting {
	bool restore;                 /* the restore login; else the session never sends anything that writes */
	uint32_t read_kib_per_second; /* 0: as fast as it goes */
	const char *database;         /* valid for the whole run */
};

/*
 * Serves requests from uplink->socket, one at a time, each answered with exactly one MESSAGE_DONE or MESSAGE_ERROR,
 * until the keeper hangs up: then 0. `buffer` has MESSAGE_SIZE_MAX bytes. A negative errno where the socket failed.
 */
int requests_run(struct session *session, struct uplink *uplink, const struct worker_setting *setting, uint8_t *buffer);

#endif
