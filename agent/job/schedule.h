/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When a backup is due: local times on days of the week, right over both clock changes.
 *
 * A local time that does not exist on its day (the clock was put forward over it) is due at the first minute that
 * exists after it; one that exists twice is due the first time only. Instants are seconds since 1970 UTC. The time zone
 * is the process's (TZ): the configuration's is put there at start.
 */
#ifndef AGENT_JOB_SCHEDULE_H
#define AGENT_JOB_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config/config.h"

/* The first instant after `after` at which one of the times is due; INT64_MAX where there is no time. */
int64_t schedule_next(const struct schedule_time *times, size_t count, int64_t after);

/* A run was missed while the box was off, and the last one is more than a day old: one is due at once. */
bool schedule_missed(const struct schedule_time *times, size_t count, int64_t last_run, int64_t now);

/* Watches the clock. */
struct schedule {
	const struct schedule_time *times;
	size_t count;
	int64_t next; /* instant of the next run */
	int64_t last_look;
};

void schedule_start(struct schedule *schedule, const struct schedule_time *times, size_t count, int64_t now);
/*
 * To be asked at least once a minute. True once for each time that came; several that came since the last look (the
 * clock was put forward by an hour, or by fifty years when the network came) are one. A clock that was put back starts
 * anew: nothing runs twice for less than that day's next time.
 */
bool schedule_look(struct schedule *schedule, int64_t now);

#endif
