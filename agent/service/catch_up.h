/* SPDX-License-Identifier: Apache-2.0 */
/* What a volume missed while it was not there: of each database the newest good backup is copied to it when it comes. */
#ifndef AGENT_SERVICE_CATCH_UP_H
#define AGENT_SERVICE_CATCH_UP_H

#include "agent/service/service.h"

struct catch_up {
	bool done[CONFIG_VOLUMES_MAX]; /* asked for since the volume came; at the start none has */
};

/*
 * To be called now and then, while no job runs. Asks for copies to each volume with `copy = yes` that came since the last
 * call; what cannot be asked for, since the queue is full, is asked for at the next.
 */
void catch_up_look(struct catch_up *catch_up, struct service *service);

#endif
