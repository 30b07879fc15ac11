/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Room on the volume: what the next backup is going to take, as far as the last ones tell, and what a whole new copy of a
 * database would. Room for one whole copy of the largest database is kept free as far as retention can: so that the night
 * after somebody has encrypted it can still be kept beside the good ones.
 */
#ifndef AGENT_UPKEEP_ROOM_H
#define AGENT_UPKEEP_ROOM_H

#include "agent/job/job.h"
#include "storage/repository.h"

struct room {
	uint64_t free;     /* bytes that snapshots may still take */
	uint64_t night;    /* the least that a backup of this database added in the last ROOM_NIGHTS; 0: not known yet */
	uint64_t base;     /* what a whole new copy of the largest database would take; 0: not known */
	bool nearly_full;  /* less than an eighth of the volume is free, or of the index, or no room for a base */
	char largest[136]; /* its subject */
};
#define ROOM_NIGHTS 7

/* `subject` NULL: night is not looked for. 0 or an error of the volume. */
int room_look(struct repository *repository, const char *subject, struct room *room);

/* What so many bytes take when all of them are stored anew; ratio in thousandths, 0: not known. */
uint64_t room_for(uint64_t bytes, uint64_t ratio);

#endif
