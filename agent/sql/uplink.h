/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker's end of the socket to its keeper, as long requests need it: is there a cancel, is the keeper still there,
 * and a sign of life every few seconds so that the keeper can tell a patient worker from one that hangs.
 */
#ifndef AGENT_SQL_UPLINK_H
#define AGENT_SQL_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

struct uplink {
	int socket;
	bool cancelled;      /* MESSAGE_CANCEL came; the request that runs ends, then its handler clears this */
	bool gone;           /* the keeper hung up: roll back and end */
	int64_t alive_at_ms; /* when the last sign of life was sent */
};

void uplink_init(struct uplink *uplink, int socket);

/*
 * For session_on_wait, with the uplink as its argument: true where the request should end. Takes a MESSAGE_CANCEL off
 * the socket, leaves any other message where it is, sends MESSAGE_ALIVE where UPLINK_ALIVE_MS have passed.
 */
bool uplink_stop(void *uplink);

#define UPLINK_ALIVE_MS 2000

#endif
