/* SPDX-License-Identifier: Apache-2.0 */
/* A flash whose heads and tails someone made up, checksums put right so that what lies behind them is reached. */
#include <stdlib.h>
#include <string.h>

#include "hal/sim/flash_sim.h"
#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/flash.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct flash_sim_geometry geometry = { .count = 12, .size = 1024, .unit = 128, .spare = 2 };

#define RECORD 40 /* of the input: what becomes of one LEB */

static void make_head(uint8_t head[128], const uint8_t *from)
{
	memset(head, 0, 128);
	memcpy(head, "CofFlash", 8);
	put32(head + 8, from[0] == 255 ? 2 : 1);
	head[13] = (uint8_t)(from[1] % 5);
	head[14] = from[2];
	head[16] = from[3] == 255; /* the volume id */
	memcpy(head + 32, from + 4, 24);
	put32(head + 56, from[28] % 8 * 128u);
	put32(head + 60, from[29] == 255 ? get32(from + 30) : from[29] % 4u);
	put32(head + 64, geometry.size);
	put32(head + 68, geometry.unit);
	put32(head + 124, crc32c(0, head, 124));
}

static void fill(struct flash *flash, uint32_t leb, const uint8_t *from)
{
	uint8_t bytes[1024] = { 0 };
	make_head(bytes, from);
	uint32_t tail = 128 + get32(bytes + 56);
	if (from[34] % 4 && tail <= sizeof bytes - 128) {
		memcpy(bytes + tail, bytes, 128);
		bytes[tail + 12] = 1;
		put32(bytes + tail + 124, crc32c(0, bytes + tail, 124));
	}
	bytes[from[35]] ^= from[36] % 8 ? 0 : from[37];
	if (from[38] % 8 && flash_write(flash, leb, 0, bytes, sizeof bytes))
		abort();
	if (from[39] % 8 == 0)
		flash_sim_spoil(flash, leb, from[37] * 4u);
}

static int read_all(void *arg, uint64_t id, uint32_t size)
{
	static uint8_t bytes[1 << 16];
	struct volume *volume = arg;
	if (size > volume->segment_size)
		abort();
	volume_read(volume, id, 0, bytes, size);
	volume_is_damaged(volume, id);
	return 0;
}

static int first(void *arg, uint64_t id, uint32_t size)
{
	(void)size;
	*(uint64_t *)arg = id;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flash *flash;
	struct volume *volume;
	uint8_t bytes[128] = { 1 };
	if (flash_sim_open(&flash, NULL, &geometry))
		abort();
	for (uint32_t leb = 0; leb < geometry.count && size >= RECORD; leb++, data += RECORD, size -= RECORD)
		fill(flash, leb, data);
	if (!flash_volume_open(&volume, flash, 3)) {
		uint64_t id;
		volume_list(volume, read_all, volume);
		if (volume_list(volume, first, &id) == 1) {
			volume_sync(volume, id);
			volume_remove(volume, id);
		}
		if (!volume_write(volume, 7777, 0, bytes, 128) &&
			(volume_sync(volume, 7777) || volume_read(volume, 7777, 0, bytes, 128)))
			abort();
		volume_list(volume, read_all, volume);
		flash_volume_close(volume);
	}
	if (flash_sim_misuses(flash))
		abort();
	flash_sim_close(flash);
	return 0;
}
