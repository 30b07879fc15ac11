/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a volume missed while it was not there: of each database the newest good backup is copied to it when it comes. Each is
 * asked for once; a volume that comes and goes is asked to take copies CATCH_UP_ROUNDS times a day at most, so that a disk
 * that fails at each writing does not fill the audit log. Half of the queue is left to backups, and to whoever asks.
 */
#ifndef AGENT_SERVICE_CATCH_UP_H
#define AGENT_SERVICE_CATCH_UP_H

#include "agent/service/service.h"

#define CATCH_UP_ROUNDS 5
#define CATCH_UP_ASKED_MAX (CONFIG_SERVERS_MAX * CONFIG_DATABASES_MAX)

struct catch_up_volume {
	bool done;                          /* all was asked for since it came; at the start nothing was */
	uint64_t asked[CATCH_UP_ASKED_MAX]; /* snapshots, since it came */
	size_t asked_count;
	unsigned int rounds; /* in which something was asked for, within a day of the first */
	int64_t first_ms;
};

struct catch_up {
	struct catch_up_volume volumes[CONFIG_VOLUMES_MAX];
};

/*
 * To be called now and then, while no job runs, with the monotonic time. Asks for copies to each volume with `copy = yes` that
 * came since the last call; what finds no room in the queue is asked for at the next.
 */
void catch_up_look(struct catch_up *catch_up, struct service *service, int64_t now_ms);

#endif
