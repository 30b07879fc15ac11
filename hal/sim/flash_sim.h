/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flash in a file or in memory that does what NAND below UBI does, and fails as it fails. hal/flash.h has the contract;
 * here is what a test may do to it. Blocks are worn by erasing and chosen by wear; a unit is written once, in order; an
 * unmapped LEB is erased some time later, and until then a cut can bring it back.
 */
#ifndef HAL_SIM_FLASH_SIM_H
#define HAL_SIM_FLASH_SIM_H

#include "hal/flash.h"

struct flash_sim_geometry {
	uint32_t count, size, unit; /* as in struct flash */
	uint32_t spare;             /* blocks beyond the LEBs: at least 2; bad ones are replaced from them */
	uint32_t endurance;         /* a block goes bad when it is erased more often; 0: never */
};

/*
 * path NULL: in memory. A file that is there keeps its geometry, and geometry may be NULL: -ENOENT where it is not there
 * then. -EBUSY: another process has it. -EMEDIUMTYPE: the file is something else.
 */
int flash_sim_open(struct flash **flash, const char *path, const struct flash_sim_geometry *geometry);
/* NULL is nothing. */
void flash_sim_close(struct flash *flash);

enum flash_fault {
	FLASH_FAULT_NONE,
	/* Errors: the process lives on. */
	FLASH_FAULT_EIO,       /* the operation fails once, reads count too; a write has written half of its units */
	FLASH_FAULT_EBADMSG,   /* a read fails once: only reads count */
	FLASH_FAULT_READ_ONLY, /* -EROFS from then on */
	/* Cuts: this and all operations after it fail with -ENODEV until flash_sim_restart. Reads do not count. */
	FLASH_CUT_BEFORE,   /* nothing of the operation was done */
	FLASH_CUT_AFTER,    /* all of it, but nobody was told */
	FLASH_CUT_TORN,     /* of a write the first `tear` bytes; the unit where it was cut cannot be read */
	FLASH_CUT_UNSTABLE, /* so, but that unit is read well `reads` times, as if it had been written whole */
	FLASH_CUT_WEAK,     /* so, but that unit is read as 0xFF, and cannot be read once it is written */
	FLASH_CUT_BACK,     /* as BEFORE; what was unmapped and not mapped since is back, whole */
	FLASH_CUT_HALF,     /* as BACK, every third unit of it unstable or not readable: its erasing was cut */
	FLASH_FAULT_COUNT
};

struct flash_sim_plan {
	enum flash_fault fault;
	unsigned at;    /* 1 is the first operation; 0 never */
	uint32_t tear;  /* of a struck write */
	unsigned reads; /* at most 200 */
};

/* Counting begins anew. */
void flash_sim_plan(struct flash *flash, const struct flash_sim_plan *plan);
bool flash_sim_struck(const struct flash *flash);
uint32_t flash_sim_struck_size(const struct flash *flash); /* bytes of the write that was struck, or 0 */
/* Power is back. */
void flash_sim_restart(struct flash *flash);

/* What real flash would not forgive: units written twice or out of order. */
unsigned flash_sim_misuses(const struct flash *flash);

/* Damage, to the medium as it is. */
uint8_t *flash_sim_bytes(struct flash *flash, uint32_t leb); /* NULL: not mapped. Changes show no bit error */
void flash_sim_spoil(struct flash *flash, uint32_t leb, uint32_t offset); /* the unit cannot be corrected any more */
void flash_sim_flip(
	struct flash *flash, uint32_t leb, uint32_t offset); /* a bit error that can: healed when it is read */
void flash_sim_lose(struct flash *flash, uint32_t leb);  /* the whole LEB is gone */

struct flash_sim_wear {
	uint64_t erases, units_written;
	uint32_t min_erase_count, max_erase_count;
	uint32_t bad_blocks, healed;
};
void flash_sim_wear(const struct flash *flash, struct flash_sim_wear *wear);

#endif
