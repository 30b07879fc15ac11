/* SPDX-License-Identifier: Apache-2.0 */
/* How the simulated flash fails, and what a test may do to it. */
#include "hal/sim/flash_sim_private.h"

#include <string.h>

bool sim_strikes(struct sim_flash *sim, bool reading)
{
	enum flash_fault fault = sim->plan.fault;
	bool counts = fault == FLASH_FAULT_EIO || reading == (fault == FLASH_FAULT_EBADMSG);
	if (sim->struck || fault == FLASH_FAULT_NONE || !counts || ++sim->operations != sim->plan.at)
		return false;
	sim->struck = true;
	sim->down = fault >= FLASH_CUT_BEFORE;
	return true;
}

static uint8_t torn_state(const struct flash_sim_plan *plan)
{
	switch (plan->fault) {
	case FLASH_CUT_UNSTABLE:
		return (uint8_t)(UNIT_UNSTABLE + (plan->reads < 200 ? plan->reads : 200));
	case FLASH_CUT_WEAK:
		return UNIT_WEAK;
	default:
		return UNIT_BAD;
	}
}

void sim_tear(struct sim_flash *sim, struct block *block, uint32_t offset, const uint8_t *bytes, uint32_t size)
{
	uint32_t unit = sim->flash.unit;
	uint32_t arrived = sim->plan.fault == FLASH_FAULT_EIO ? size / 2
		: sim->plan.tear < size                           ? sim->plan.tear
														  : size - 1;
	uint32_t whole = arrived / unit;
	uint8_t *states = sim_states(sim, block), *to = sim_bytes(sim, block);
	uint32_t first = offset / unit;
	memcpy(to + offset, bytes, (size_t)(whole + 1) * unit);
	memset(states + first, UNIT_WRITTEN, whole);
	states[first + whole] = torn_state(&sim->plan);
	if (states[first + whole] == UNIT_WEAK)
		memset(to + (size_t)(first + whole) * unit, 0xff, unit);
	block->written = first + whole + (states[first + whole] == UNIT_WEAK ? 0 : 1);
}

void flash_sim_plan(struct flash *flash, const struct flash_sim_plan *plan)
{
	struct sim_flash *sim = sim_flash_of(flash);
	sim->plan = *plan;
	sim->operations = 0;
	sim->struck = false;
	sim->struck_size = 0;
}

bool flash_sim_struck(const struct flash *flash)
{
	return sim_flash_of(flash)->struck;
}

uint32_t flash_sim_struck_size(const struct flash *flash)
{
	return sim_flash_of(flash)->struck_size;
}

/* Its erasing had begun: some units are still there, some only seem to be. */
static void damage(struct sim_flash *sim, struct block *block)
{
	uint8_t *states = sim_states(sim, block);
	for (uint32_t i = 1; i < block->written; i++)
		if (i % 3 == 1)
			states[i] = i % 2 ? UNIT_BAD : UNIT_UNSTABLE + 2;
}

void flash_sim_restart(struct flash *flash)
{
	struct sim_flash *sim = sim_flash_of(flash);
	bool back = sim->struck && sim->plan.fault >= FLASH_CUT_BACK;
	for (uint32_t i = 0; i < sim->medium->blocks; i++) {
		struct block *block = &sim->blocks[i];
		if (block->state != BLOCK_WAITING)
			continue;
		if (!back || block->superseded || sim_block_of(sim, block->leb)) {
			sim_erase(sim, block);
			continue;
		}
		block->state = BLOCK_MAPPED;
		if (sim->plan.fault == FLASH_CUT_HALF)
			damage(sim, block);
	}
	sim->down = false;
	sim->plan = (struct flash_sim_plan){ .fault = FLASH_FAULT_NONE };
}

unsigned flash_sim_misuses(const struct flash *flash)
{
	return sim_flash_of(flash)->misuses;
}

uint8_t *flash_sim_bytes(struct flash *flash, uint32_t leb)
{
	const struct sim_flash *sim = sim_flash_of(flash);
	const struct block *block = sim_block_of(sim, leb);
	return block ? sim_bytes(sim, block) : NULL;
}

static void set_state(struct flash *flash, uint32_t leb, uint32_t offset, uint8_t state)
{
	const struct sim_flash *sim = sim_flash_of(flash);
	const struct block *block = sim_block_of(sim, leb);
	if (block)
		sim_states(sim, block)[offset / flash->unit] = state;
}

void flash_sim_spoil(struct flash *flash, uint32_t leb, uint32_t offset)
{
	set_state(flash, leb, offset, UNIT_BAD);
}

void flash_sim_flip(struct flash *flash, uint32_t leb, uint32_t offset)
{
	set_state(flash, leb, offset, UNIT_FLIPPED);
}

void flash_sim_lose(struct flash *flash, uint32_t leb)
{
	struct sim_flash *sim = sim_flash_of(flash);
	struct block *block = sim_block_of(sim, leb);
	if (block)
		sim_erase(sim, block);
}

void flash_sim_wear(const struct flash *flash, struct flash_sim_wear *wear)
{
	const struct sim_flash *sim = sim_flash_of(flash);
	*wear = (struct flash_sim_wear){ .min_erase_count = UINT32_MAX };
	for (uint32_t i = 0; i < sim->medium->blocks; i++) {
		const struct block *block = &sim->blocks[i];
		wear->erases += block->erases;
		wear->bad_blocks += block->state == BLOCK_BAD;
		wear->max_erase_count = block->erases > wear->max_erase_count ? block->erases : wear->max_erase_count;
		wear->min_erase_count = block->erases < wear->min_erase_count ? block->erases : wear->min_erase_count;
	}
	wear->units_written = sim->medium->units_written;
	wear->healed = sim->medium->healed;
}
