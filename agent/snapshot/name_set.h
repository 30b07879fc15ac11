/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of the chunks of one table, each of which can be taken once: what tells two lists of chunks apart.
 *
 * A name is known by its first 63 bits, of a keyed hash. Should two chunks of a table ever share them, a plan is wrong
 * and the read-back of the restore finds it. Memory: 8 bytes a slot, 11 to 22 a name.
 */
#ifndef AGENT_SNAPSHOT_NAME_SET_H
#define AGENT_SNAPSHOT_NAME_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "storage/name.h"

struct name_set {
	uint64_t *slots; /* 0: empty; the lowest bit: taken */
	size_t mask;
};

/* Room for so many names. -ENOMEM. A zeroed struct is closed. */
int name_set_open(struct name_set *set, size_t names);
void name_set_close(struct name_set *set);

/* False where it was there already. */
bool name_set_add(struct name_set *set, const struct chunk_name *name);
/* True where it is there and nobody took it before. */
bool name_set_take(struct name_set *set, const struct chunk_name *name);
bool name_set_taken(const struct name_set *set, const struct chunk_name *name);

#endif
