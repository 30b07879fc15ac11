/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flash volume: segments in strips, one LEB each, with a head before and a tail behind. FORMAT.md, "Flash".
 *
 * Each open segment keeps one LEB in memory until it is full or synced, so that a strip is written in one go and says at
 * its head how long it is. LEBs are lent out as the strips begin: what volume_stat says is free can be written.
 */
#ifndef STORAGE_FLASH_H
#define STORAGE_FLASH_H

#include <errno.h>

#include "hal/flash.h"
#include "storage/volume.h"

#define FLASH_SEGMENT_SIZE \
	(1024u * 1024)         /* at least, where `strips` is 0: the largest chunk fits, with room to spare */
#define FLASH_STRIPS_MIN 5 /* where LEBs are so large that fewer would do */
#define FLASH_STRIPS_MAX 4096

/*
 * strips: LEBs of the longest segment; 0: as many as FLASH_SEGMENT_SIZE wants. Always the same for one volume. The flash
 * is borrowed until flash_volume_close, which does not close it. Nothing is written: a flash with no LEB mapped is blank,
 * and becomes a volume with the first write. -EXDEV: neither ours nor blank, or made for another geometry;
 * -EPROTONOSUPPORT: of a later version; -EINVAL: LEBs too small or too few; -EOPNOTSUPP: left out of this build.
 */
#ifdef CONFIG_STORAGE_FLASH
int flash_volume_open(struct volume **volume, struct flash *flash, uint32_t strips);
/* NULL is nothing. Syncs nothing. */
void flash_volume_close(struct volume *volume);
#else
static inline int flash_volume_open(struct volume **volume, struct flash *flash, uint32_t strips)
{
	(void)volume, (void)flash, (void)strips;
	return -EOPNOTSUPP;
}

static inline void flash_volume_close(struct volume *volume)
{
	(void)volume;
}
#endif

#endif
