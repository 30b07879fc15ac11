/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store as the configuration names it: the volume, the key that opens it, the repository on it. One process at a
 * time has it.
 *
 * Failures come with a sentence and what to do, in `sentence` and `remedy`.
 */
#ifndef AGENT_STORE_H
#define AGENT_STORE_H

#include "agent/box_clock.h"
#include "agent/config.h"
#include "agent/place.h"
#include "agent/table/rowgroup.h"
#include "storage/repository.h"

struct store {
	struct place place;
	struct repository *repository;
	struct rowgroup_params rowgroup;
	struct box_clock clock;
	int64_t time_kept; /* box time that is on the volume */
	char sentence[512], remedy[512];
};

/* The clock is borrowed; snapshots are dated by it. -ENOMEDIUM: the volume is blank, `coffretd --init` makes a repository there. -EBUSY: another process has it. */
int store_open(struct store *store, const struct config *config, struct clock *clock);
/* Writes box time to the volume, if it went on by an hour. On the thread that has the repository. */
void store_keep_time(struct store *store);
/* A person has confirmed how long the box was off: it counts, and is written. Same thread. */
void store_confirm_time(struct store *store);
/* Zeroed, or after store_open whatever it returned. */
void store_close(struct store *store);
/*
 * Makes the directories and the key file where they are missing, and a repository on the blank volume. recovery_key is
 * for the person in front of the screen, once. -EXDEV: the volume holds something already.
 */
int store_create(struct store *store, const struct config *config, char recovery_key[64]);

#endif
