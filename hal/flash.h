/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flash: logical erase blocks (LEBs) of raw NAND or NOR, wear and bad blocks looked after below, as a UBI volume does.
 * The seam below storage/flash.c, where faults strike.
 *
 * A LEB is mapped or not. One that is not reads as 0xFF. It is written in whole units, front to back, each unit once:
 * what was written is changed only by flash_unmap or flash_change of the whole LEB. A write is on the medium on return.
 *
 * After a power cut:
 * - Of a write that had not returned any number of units may be there. The unit where it was cut may fail to be read,
 *   may be read well once and fail later, or may be read as 0xFF and yet fail when it is written: a LEB that a cut may
 *   have hit is never written on.
 * - A LEB that was unmapped may be mapped again and hold what it held, or part of it, until it was written anew.
 * - flash_change has taken place or not; of one to size 0 that had not returned the same may be left as of flash_unmap.
 *
 * Functions return 0 or a negative errno: -EBADMSG uncorrectable bit errors in what was read; -EIO; -EROFS the layer
 * below has given up writing, for good: a state of health; -ENODEV gone; -EINVAL the caller's mistake: nothing done.
 * One thread at a time.
 */
#ifndef HAL_FLASH_H
#define HAL_FLASH_H

#include <stdbool.h>
#include <stdint.h>

struct flash;

struct flash_stat {
	uint32_t bad_blocks;      /* of the whole chip */
	uint32_t max_erase_count; /* the most worn block */
	bool read_only;
};

struct flash_ops {
	/* All or nothing: one unit that cannot be corrected fails the whole read. */
	int (*read)(struct flash *flash, uint32_t leb, uint32_t offset, void *bytes, uint32_t size);
	/* Whole units. Maps the LEB where it is not. After an error the LEB is good for flash_unmap or flash_change only. */
	int (*write)(struct flash *flash, uint32_t leb, uint32_t offset, const void *bytes, uint32_t size);
	/* Reads as 0xFF from now on, but may come back after a cut. The cheap way to write a LEB anew. */
	int (*unmap)(struct flash *flash, uint32_t leb);
	/*
	 * In place of all that is in the LEB, atomically: after a cut the old is there or the new. Size 0 (bytes NULL): mapped
	 * and empty; what was there does not come back once it has returned.
	 */
	int (*change)(struct flash *flash, uint32_t leb, const void *bytes, uint32_t size);
	/* 1 or 0, or an error. */
	int (*is_mapped)(struct flash *flash, uint32_t leb);
	int (*stat)(struct flash *flash, struct flash_stat *stat);
};

/* The geometry is filled in by the driver when it is opened. */
struct flash {
	const struct flash_ops *ops;
	uint32_t count; /* LEBs, numbered from 0 */
	uint32_t size;  /* bytes of each, a multiple of unit */
	uint32_t unit;  /* the least that can be written: a page of NAND, 1 to 64 bytes of NOR */
};

/* They check LEB, range and units once, so that no driver does. Reads of size 0 do nothing, writes are -EINVAL. */
int flash_read(struct flash *flash, uint32_t leb, uint32_t offset, void *bytes, uint32_t size);
int flash_write(struct flash *flash, uint32_t leb, uint32_t offset, const void *bytes, uint32_t size);
int flash_unmap(struct flash *flash, uint32_t leb);
int flash_change(struct flash *flash, uint32_t leb, const void *bytes, uint32_t size);
int flash_is_mapped(struct flash *flash, uint32_t leb);
int flash_stat(struct flash *flash, struct flash_stat *stat);

/*
 * After flash_read failed with -EBADMSG: the same bytes unit by unit. The bytes of units that cannot be read are 0xFF,
 * and their bit in bad is set, bit 0 of byte 0 for the unit that holds `offset`; bad has a bit for each unit that the
 * range touches. Returns how many, or another error.
 */
int flash_read_units(struct flash *flash, uint32_t leb, uint32_t offset, void *bytes, uint32_t size, uint8_t *bad);

#endif
