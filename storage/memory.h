/* SPDX-License-Identifier: Apache-2.0 */
/* The memory volume: the reference of what a volume does, and a place for tests. Nothing outlives the process. */
#ifndef STORAGE_MEMORY_H
#define STORAGE_MEMORY_H

#include "storage/volume.h"

struct memory_geometry {
	uint64_t size; /* bytes of all segments together: more is -ENOSPC */
	uint32_t segment_size;
	uint32_t write_unit, strip_size; /* as in struct volume */
};

int memory_volume_open(struct volume **volume, const struct memory_geometry *geometry);
void memory_volume_close(struct volume *volume);

#endif
