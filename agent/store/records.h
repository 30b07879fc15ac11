/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's small records (engine.h), in two places: as files in the state directory, and sealed on the home volume.
 *
 * Each is written to the state directory first, so what is there is never the older one; a box that starts without the
 * volume that was home knows from there what was under way. What only the volume has, since the directory was lost or is
 * an older copy, counts. Of the engine's thread alone, or before it has begun.
 */
#ifndef AGENT_STORE_RECORDS_H
#define AGENT_STORE_RECORDS_H

#include <stddef.h>

#include "agent/store/store.h"

/* The length, or -ENOENT. -ENODEV: neither has it, and the volume is not there. */
int records_read(const struct store *store, const char *name, void *bytes, size_t size);
/* Durable in the directory, and on the volume if that is there. A write of size 0 makes it read as length 0. */
int records_write(const struct store *store, const char *name, const void *bytes, size_t size);

#endif
