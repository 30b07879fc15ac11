/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the simulated flash share. The file is for the machine that made it: numbers as they are in memory. */
#ifndef HAL_SIM_FLASH_SIM_PRIVATE_H
#define HAL_SIM_FLASH_SIM_PRIVATE_H

#include <stddef.h>

#include "hal/sim/flash_sim.h"

#define NO_LEB UINT32_MAX
#define WAITING_MAX 8 /* blocks that are unmapped and not erased yet */

/* States of a unit. From UNIT_UNSTABLE on: so many good reads are left. */
enum { UNIT_ERASED, UNIT_WRITTEN, UNIT_BAD, UNIT_WEAK, UNIT_FLIPPED, UNIT_UNSTABLE = 16 };

enum block_state { BLOCK_FREE, BLOCK_MAPPED, BLOCK_WAITING, BLOCK_BAD };

struct block {
	uint32_t state;
	uint32_t leb; /* mapped, or waiting: what it was */
	uint32_t erases;
	uint32_t written;    /* units, from the front */
	uint64_t waits_by;   /* order of unmapping */
	uint32_t superseded; /* waiting, but a newer block of its LEB is there: it cannot come back */
	uint32_t zero;
};

struct medium {
	char magic[16];
	struct flash_sim_geometry geometry;
	uint32_t blocks, units; /* units a block */
	uint32_t read_only;
	uint64_t clock; /* of unmappings */
	uint64_t units_written;
	uint32_t healed, zero;
};

struct sim_flash {
	struct flash flash;
	int file; /* -1: memory */
	size_t mapped_size;
	struct medium *medium; /* followed by blocks, states of units, bytes */
	struct block *blocks;
	uint8_t *states, *bytes;
	struct flash_sim_plan plan;
	unsigned operations, misuses;
	bool struck, down;
	uint32_t struck_size;
};

struct sim_flash *sim_flash_of(const struct flash *flash);
struct block *sim_block_of(const struct sim_flash *sim, uint32_t leb); /* NULL: not mapped */
uint8_t *sim_states(const struct sim_flash *sim, const struct block *block);
uint8_t *sim_bytes(const struct sim_flash *sim, const struct block *block);
void sim_erase(struct sim_flash *sim, struct block *block);

/* Is it this operation's turn? Cuts take the flash down. */
bool sim_strikes(struct sim_flash *sim, bool reading);
/* What a cut leaves of a write to a block. */
void sim_tear(struct sim_flash *sim, struct block *block, uint32_t offset, const uint8_t *bytes, uint32_t size);

#endif
