/* SPDX-License-Identifier: Apache-2.0 */
/* A data segment whose bytes someone made up, its checksums put right so that what lies behind them is reached. */
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/memory.h"
#include "storage/segment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t repository[16] = "a repository id";

static int found(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	uint32_t size = *(uint32_t *)arg;
	if (number != 1 || offset < SEGMENT_HEAD_SIZE || (uint64_t)offset + CHUNK_HEAD_SIZE + head->stored_size > size)
		abort();
	return 0;
}

static void seal(uint8_t *bytes, uint32_t size)
{
	uint8_t *trailer = bytes + size - SEGMENT_TRAILER_SIZE;
	memcpy(bytes, "CofSegHd", 8);
	put32(bytes + 8, 1);
	put64(bytes + 16, 1);
	memcpy(bytes + 24, repository, 16);
	put32(bytes + 60, crc32c(0, bytes, 60));
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_geometry geometry = { .size = 1u << 20, .segment_size = 256u << 10, .write_unit = 1 };
	struct volume *volume;
	struct segment_file file = { 1, (uint32_t)size };
	static uint8_t buffer[SEGMENT_WALK_SIZE];
	if (size < SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + SEGMENT_TRAILER_SIZE || size > 100000)
		return 0;
	uint8_t *bytes = malloc(size);
	if (!bytes || memory_volume_open(&volume, &geometry))
		abort();
	memcpy(bytes, data, size);
	if (data[8] % 4)
		seal(bytes, (uint32_t)size);
	if (data[9] % 2)
		put32(bytes + 148, crc32c(0, bytes + 64, 84)); /* the first record's head */
	if (volume_write(volume, 1, 0, bytes, (uint32_t)size) || volume_sync(volume, 1))
		abort();
	segment_walk(volume, repository, &file, buffer, found, &file.size);
	segment_scan(volume, repository, &file, found, &file.size);
	memory_volume_close(volume);
	free(bytes);
	return 0;
}
