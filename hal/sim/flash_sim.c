/* SPDX-License-Identifier: Apache-2.0 */
/* The medium: a head, the blocks, the state of each unit, all bytes; mapped from a file, or from nowhere. */
#include "hal/sim/flash_sim_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char magic[16] = "Coffret sim NAND";

struct sim_flash *sim_flash_of(const struct flash *flash)
{
	return (struct sim_flash *)(void *)(uintptr_t)flash; /* the first member */
}

uint8_t *sim_states(const struct sim_flash *sim, const struct block *block)
{
	return sim->states + (size_t)(block - sim->blocks) * sim->medium->units;
}

uint8_t *sim_bytes(const struct sim_flash *sim, const struct block *block)
{
	return sim->bytes + (size_t)(block - sim->blocks) * sim->flash.size;
}

struct block *sim_block_of(const struct sim_flash *sim, uint32_t leb)
{
	for (uint32_t i = 0; i < sim->medium->blocks; i++)
		if (sim->blocks[i].state == BLOCK_MAPPED && sim->blocks[i].leb == leb)
			return &sim->blocks[i];
	return NULL;
}

/* ---- blocks ---- */

void sim_erase(struct sim_flash *sim, struct block *block)
{
	uint32_t endurance = sim->medium->geometry.endurance;
	block->erases++;
	block->leb = NO_LEB;
	block->written = block->superseded = 0;
	block->state = endurance && block->erases > endurance ? BLOCK_BAD : BLOCK_FREE;
	memset(sim_states(sim, block), UNIT_ERASED, sim->medium->units);
	memset(sim_bytes(sim, block), 0xff, sim->flash.size);
}

static struct block *longest_waiting(const struct sim_flash *sim, unsigned *count)
{
	struct block *first = NULL;
	*count = 0;
	for (uint32_t i = 0; i < sim->medium->blocks; i++) {
		struct block *block = &sim->blocks[i];
		if (block->state != BLOCK_WAITING)
			continue;
		++*count;
		if (!first || block->waits_by < first->waits_by)
			first = block;
	}
	return first;
}

static struct block *least_worn(const struct sim_flash *sim)
{
	struct block *best = NULL;
	for (uint32_t i = 0; i < sim->medium->blocks; i++)
		if (sim->blocks[i].state == BLOCK_FREE && (!best || sim->blocks[i].erases < best->erases))
			best = &sim->blocks[i];
	return best;
}

static void put_away(struct sim_flash *sim, struct block *block, bool superseded)
{
	unsigned count;
	block->state = BLOCK_WAITING;
	block->superseded = superseded;
	block->waits_by = ++sim->medium->clock;
	struct block *oldest = longest_waiting(sim, &count);
	if (count > WAITING_MAX)
		sim_erase(sim, oldest);
}

/* Old contents of a LEB never come back once it is mapped anew. */
static void supersede(struct sim_flash *sim, uint32_t leb)
{
	for (uint32_t i = 0; i < sim->medium->blocks; i++)
		if (sim->blocks[i].state == BLOCK_WAITING && sim->blocks[i].leb == leb)
			sim->blocks[i].superseded = 1;
}

static struct block *take(struct sim_flash *sim, uint32_t leb)
{
	unsigned waiting;
	struct block *block = least_worn(sim), *oldest;
	while (!block && (oldest = longest_waiting(sim, &waiting))) {
		sim_erase(sim, oldest);
		block = least_worn(sim);
	}
	if (!block) {
		sim->medium->read_only = 1;
		return NULL;
	}
	block->state = BLOCK_MAPPED;
	block->leb = leb;
	return block;
}

static void program(struct sim_flash *sim, struct block *block, uint32_t offset, const void *bytes, uint32_t size)
{
	uint8_t *states = sim_states(sim, block);
	uint32_t unit = sim->flash.unit;
	memcpy(sim_bytes(sim, block) + offset, bytes, size);
	for (uint32_t i = offset / unit; i < (offset + size) / unit; i++)
		states[i] = states[i] == UNIT_WEAK ? UNIT_BAD : UNIT_WRITTEN;
	block->written = (offset + size) / unit;
	sim->medium->units_written += size / unit;
}

/* ---- operations ---- */

static int begin(struct sim_flash *sim, bool reading, bool *struck)
{
	*struck = !sim->down && sim_strikes(sim, reading);
	if (*struck && sim->plan.fault == FLASH_FAULT_READ_ONLY)
		sim->medium->read_only = 1;
	if (sim->down && !*struck)
		return -ENODEV;
	return sim->medium->read_only && !reading ? -EROFS : 0;
}

static int sim_write(struct flash *flash, uint32_t leb, uint32_t offset, const void *bytes, uint32_t size)
{
	struct sim_flash *sim = sim_flash_of(flash);
	bool struck;
	int error = begin(sim, false, &struck);
	if (error)
		return error;
	if (struck && (sim->plan.fault == FLASH_CUT_BEFORE || sim->plan.fault >= FLASH_CUT_BACK))
		return -ENODEV;
	struct block *block = sim_block_of(sim, leb);
	if (!block && !(block = take(sim, leb)))
		return -EROFS;
	supersede(sim, leb);
	if (offset / flash->unit != block->written) {
		sim->misuses++;
		return -EIO;
	}
	if (struck && sim->plan.fault != FLASH_CUT_AFTER) {
		sim->struck_size = size;
		sim_tear(sim, block, offset, bytes, size);
		return sim->down ? -ENODEV : -EIO;
	}
	program(sim, block, offset, bytes, size);
	return struck ? -ENODEV : 0;
}

static int sim_unmap(struct flash *flash, uint32_t leb)
{
	struct sim_flash *sim = sim_flash_of(flash);
	bool struck;
	int error = begin(sim, false, &struck);
	if (error)
		return error;
	if (struck && !sim->down)
		return -EIO;
	if (struck && sim->plan.fault == FLASH_CUT_BEFORE)
		return -ENODEV;
	struct block *block = sim_block_of(sim, leb);
	if (block)
		put_away(sim, block, false);
	return struck ? -ENODEV : 0;
}

/* As the kernel does it: unmapped first, then mapped anew. A cut may come between. */
static int empty(struct sim_flash *sim, uint32_t leb, bool struck)
{
	struct block *old = sim_block_of(sim, leb);
	if (struck && sim->plan.fault == FLASH_CUT_BEFORE)
		return -ENODEV;
	if (old)
		put_away(sim, old, false);
	if (struck && sim->plan.fault != FLASH_CUT_AFTER)
		return -ENODEV;
	if (!take(sim, leb))
		return -EROFS;
	supersede(sim, leb);
	return struck ? -ENODEV : 0;
}

static int sim_change(struct flash *flash, uint32_t leb, const void *bytes, uint32_t size)
{
	struct sim_flash *sim = sim_flash_of(flash);
	bool struck;
	int error = begin(sim, false, &struck);
	if (error)
		return error;
	if (struck && !sim->down)
		return -EIO;
	if (!size)
		return empty(sim, leb, struck);
	if (struck && sim->plan.fault != FLASH_CUT_AFTER)
		return -ENODEV; /* the new block is incomplete: the old one counts */
	struct block *old = sim_block_of(sim, leb), *block = take(sim, leb);
	if (!block)
		return -EROFS;
	program(sim, block, 0, bytes, size);
	if (old)
		put_away(sim, old, true);
	supersede(sim, leb);
	return struck ? -ENODEV : 0;
}

static int read_unit(struct sim_flash *sim, uint8_t *state)
{
	if (*state == UNIT_FLIPPED) {
		*state = UNIT_WRITTEN;
		sim->medium->healed++;
	} else if (*state == UNIT_UNSTABLE) {
		*state = UNIT_BAD;
	} else if (*state > UNIT_UNSTABLE) {
		--*state;
	}
	return *state == UNIT_BAD ? -EBADMSG : 0;
}

static int sim_read(struct flash *flash, uint32_t leb, uint32_t offset, void *bytes, uint32_t size)
{
	struct sim_flash *sim = sim_flash_of(flash);
	bool struck;
	int error = begin(sim, true, &struck);
	if (error || struck)
		return error ? error : sim->plan.fault == FLASH_FAULT_EBADMSG ? -EBADMSG : -EIO;
	const struct block *block = sim_block_of(sim, leb);
	if (!block) {
		memset(bytes, 0xff, size);
		return 0;
	}
	uint8_t *states = sim_states(sim, block);
	for (uint32_t i = offset / flash->unit; i <= (offset + size - 1) / flash->unit; i++) {
		int unit_error = read_unit(sim, &states[i]);
		error = unit_error ? unit_error : error;
	}
	if (!error)
		memcpy(bytes, sim_bytes(sim, block) + offset, size);
	return error;
}

static int sim_is_mapped(struct flash *flash, uint32_t leb)
{
	struct sim_flash *sim = sim_flash_of(flash);
	return sim->down ? -ENODEV : sim_block_of(sim, leb) ? 1 : 0;
}

static int sim_stat(struct flash *flash, struct flash_stat *stat)
{
	struct flash_sim_wear wear;
	struct sim_flash *sim = sim_flash_of(flash);
	if (sim->down)
		return -ENODEV;
	flash_sim_wear(flash, &wear);
	stat->bad_blocks = wear.bad_blocks;
	stat->max_erase_count = wear.max_erase_count;
	stat->read_only = sim->medium->read_only;
	return 0;
}

static const struct flash_ops sim_ops = {
	.read = sim_read,
	.write = sim_write,
	.unmap = sim_unmap,
	.change = sim_change,
	.is_mapped = sim_is_mapped,
	.stat = sim_stat,
};

/* ---- opening ---- */

static size_t bytes_at(const struct flash_sim_geometry *g)
{
	size_t blocks = (size_t)g->count + g->spare;
	size_t size = sizeof(struct medium) + blocks * sizeof(struct block) + blocks * (g->size / g->unit);
	return (size + 4095) / 4096 * 4096;
}

static bool is_sane(const struct flash_sim_geometry *g)
{
	return g->count && g->unit && g->size >= g->unit && g->size % g->unit == 0 && g->spare >= 2 &&
		g->count <= 1u << 20 && g->spare <= 1u << 20 && g->size <= 1u << 26;
}

/* Finds out what is in the file: 0 and its geometry, 1 where it is new. */
static int look(int file, struct flash_sim_geometry *geometry)
{
	struct medium head;
	ssize_t n = pread(file, &head, sizeof head, 0);
	if (n == 0)
		return 1;
	if (n != (ssize_t)sizeof head || memcmp(head.magic, magic, sizeof magic) != 0 || !is_sane(&head.geometry))
		return n < 0 ? -errno : -EMEDIUMTYPE;
	*geometry = head.geometry;
	return 0;
}

static int open_file(struct sim_flash *sim, const char *path, struct flash_sim_geometry *geometry, bool may_make)
{
	sim->file = open(path, O_RDWR | O_CLOEXEC | (may_make ? O_CREAT : 0), 0600);
	if (sim->file < 0)
		return -errno;
	if (flock(sim->file, LOCK_EX | LOCK_NB))
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	int is_new = look(sim->file, geometry);
	if (is_new == 1 && !may_make)
		return -EMEDIUMTYPE;
	size_t size = is_new < 0 || !is_sane(geometry)
		? 0
		: bytes_at(geometry) + ((size_t)geometry->count + geometry->spare) * geometry->size;
	if (is_new == 1 && ftruncate(sim->file, (off_t)size))
		return -errno;
	struct stat stat;
	if (is_new == 0 && (fstat(sim->file, &stat) || (uint64_t)stat.st_size < size))
		return -EMEDIUMTYPE;
	return is_new;
}

static int map(struct sim_flash *sim, const struct flash_sim_geometry *g, bool is_new)
{
	if (!is_sane(g))
		return -EINVAL;
	uint32_t blocks = g->count + g->spare;
	sim->mapped_size = bytes_at(g) + (size_t)blocks * g->size;
	int flags = sim->file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
	void *at = mmap(NULL, sim->mapped_size, PROT_READ | PROT_WRITE, flags, sim->file, 0);
	if (at == MAP_FAILED)
		return -errno;
	sim->medium = at;
	sim->blocks = (struct block *)(void *)(sim->medium + 1);
	sim->states = (uint8_t *)(sim->blocks + blocks);
	sim->bytes = (uint8_t *)at + bytes_at(g);
	sim->flash = (struct flash){ &sim_ops, g->count, g->size, g->unit };
	if (!is_new)
		return 0;
	*sim->medium = (struct medium){ .geometry = *g, .blocks = blocks, .units = g->size / g->unit };
	for (uint32_t i = 0; i < blocks; i++) {
		sim_erase(sim, &sim->blocks[i]);
		sim->blocks[i].erases = 0;
	}
	memcpy(sim->medium->magic, magic, sizeof magic); /* last: a file that was cut short here is not ours */
	return 0;
}

int flash_sim_open(struct flash **flash, const char *path, const struct flash_sim_geometry *geometry)
{
	struct flash_sim_geometry g = { 0 };
	if (geometry)
		g = *geometry;
	if (geometry ? !is_sane(geometry) : !path)
		return -EINVAL;
	struct sim_flash *sim = calloc(1, sizeof *sim);
	if (!sim)
		return -ENOMEM;
	sim->file = -1;
	int is_new = path ? open_file(sim, path, &g, geometry != NULL) : 1;
	int error = is_new < 0 ? is_new : map(sim, &g, is_new);
	if (error) {
		flash_sim_close(&sim->flash);
		return error;
	}
	*flash = &sim->flash;
	return 0;
}

void flash_sim_close(struct flash *flash)
{
	if (!flash)
		return;
	struct sim_flash *sim = sim_flash_of(flash);
	if (sim->medium)
		munmap(sim->medium, sim->mapped_size);
	if (sim->file >= 0)
		close(sim->file);
	free(sim);
}
