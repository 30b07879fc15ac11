/* SPDX-License-Identifier: Apache-2.0 */
/* The disk volume: one file a segment, named by its id in 16 hex digits. Files with other names are left alone. */
#ifndef STORAGE_DISK_H
#define STORAGE_DISK_H

#include "hal/disk.h"
#include "storage/volume.h"

#define DISK_SEGMENT_SIZE (4u * 1024 * 1024)

/* segment_size 0 is DISK_SEGMENT_SIZE. The disk is borrowed until disk_volume_close, which does not close it. */
int disk_volume_open(struct volume **volume, struct disk *disk, uint32_t segment_size);
/* NULL is nothing. Syncs nothing. */
void disk_volume_close(struct volume *volume);

#endif
