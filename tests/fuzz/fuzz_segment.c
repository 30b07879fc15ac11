/* SPDX-License-Identifier: Apache-2.0 */
/* A data segment whose bytes someone made up, its checksums put right so that what lies behind them is reached. */
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/heal.h"
#include "storage/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t repository[16] = "a repository id";

struct made_up {
	uint32_t size;
	bool healed;
};

static int found(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	const struct made_up *file = arg;
	/* The table of a segment that lacks its end tells what was there. */
	uint64_t end = (uint64_t)offset + CHUNK_HEAD_SIZE + head->stored_size,
			 most = file->healed ? UINT32_MAX : file->size;
	if (number != 1 || offset < SEGMENT_HEAD_SIZE || end > most)
		abort();
	return 0;
}

static void seal_head(uint8_t *bytes)
{
	memcpy(bytes, "CofSegHd", 8);
	put32(bytes + 8, 1);
	put64(bytes + 16, 1);
	memcpy(bytes + 24, repository, 16);
	put32(bytes + 60, crc32c(0, bytes, 60));
}

static void seal(uint8_t *bytes, uint32_t size)
{
	uint8_t *trailer = bytes + size - SEGMENT_TRAILER_SIZE;
	memcpy(trailer, repository, 16);
	put64(trailer + 16, 1);
	uint32_t offset = get32(trailer + 24), count = get32(trailer + 28);
	if ((uint64_t)offset + (uint64_t)count * CHUNK_HEAD_SIZE <= size)
		put32(trailer + 32, crc32c(0, bytes + offset, (size_t)count * CHUNK_HEAD_SIZE));
	put32(trailer + 36, size);
	memcpy(trailer + 48, "CofSegEn", 8);
	put32(trailer + 56, 1);
	put32(trailer + 60, crc32c(0, trailer, 60));
}

/* A trailer with parity whose table is right where it lies in the segment at all. At `at`: at the end, or where the data end. */
static void seal_parity(uint8_t *bytes, uint32_t size, uint32_t at)
{
	uint8_t *trailer = bytes + at;
	uint32_t unit = 1 + get32(trailer + 48) % 512, strip = unit * (1 + get32(trailer + 44) % 8);
	uint32_t data = at + SEGMENT_RECORD_SIZE == size ? get32(trailer + 40) % size / unit * unit : at;
	uint32_t units = data / unit + strip / unit, table = SEGMENT_RECORD_SIZE + 4 * units;
	uint64_t second = (uint64_t)data + table + strip;
	memcpy(trailer, repository, 16);
	put64(trailer + 16, 1);
	put32(trailer + 36, (uint32_t)second + table);
	put32(trailer + 40, data);
	put32(trailer + 44, strip);
	put32(trailer + 48, unit);
	if (second + 4 * (uint64_t)units <= size)
		put32(trailer + 52, crc32c(0, bytes + second, 4 * (size_t)units));
	memcpy(trailer + 112, "CofSegEn", 8);
	put32(trailer + 120, 2);
	put32(trailer + 124, crc32c(0, trailer, 124));
}

static void make_up(uint8_t *bytes, uint32_t size)
{
	uint8_t how = bytes[8], record = bytes[9];
	uint32_t units = size / 4096 ? get16(bytes + 10) % (size / 4096) : 0;
	if (how % 4)
		seal_head(bytes);
	if (how % 4 == 1)
		seal(bytes, size);
	if (how % 4 == 2)
		seal_parity(bytes, size, size - SEGMENT_RECORD_SIZE);
	if (how % 4 == 3 && units && units * 4096 + SEGMENT_RECORD_SIZE <= size)
		seal_parity(bytes, size, units * 4096);
	if (record % 2)
		put32(bytes + 148, crc32c(0, bytes + 64, 84)); /* the first record's head */
}

/* What is read through parity is what lies there, or was rebuilt, and that is told. */
static void heal(struct healer *healer, const uint8_t *bytes, uint32_t size)
{
	static uint8_t read[1000];
	struct heal_result result;
	uint32_t offset = get32(bytes + 12) % size, length = size - offset < sizeof read ? size - offset : sizeof read;
	uint64_t healed = healer->healed;
	if (!heal_read(healer, 1, offset, read, length) && healer->healed == healed &&
		memcmp(read, bytes + offset, length) != 0)
		abort();
	if (!heal_check(healer, 1, &result) && result.lost > result.bad)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_geometry geometry = { .size = 1u << 20, .segment_size = 256u << 10, .write_unit = 1 };
	struct volume *volume;
	struct segment_file file = { 1, (uint32_t)size };
	static uint8_t buffer[SEGMENT_WALK_SIZE];
	struct healer healer;
	if (size < SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + SEGMENT_RECORD_SIZE || size > 100000)
		return 0;
	uint8_t *bytes = malloc(size);
	if (!bytes || memory_volume_open(&volume, &geometry))
		abort();
	memcpy(bytes, data, size);
	make_up(bytes, (uint32_t)size);
	if (volume_write(volume, 1, 0, bytes, (uint32_t)size) || volume_sync(volume, 1))
		abort();
	healer_open(&healer, volume, repository, data[10] % 4);
	struct made_up made_up = { file.size, healer.enabled };
	segment_walk(&healer, &file, buffer, found, &made_up);
	made_up.healed = false;
	segment_scan(&healer, &file, found, &made_up);
	heal(&healer, bytes, (uint32_t)size);
	healer_close(&healer);
	memory_volume_close(volume);
	free(bytes);
	return 0;
}
