/* SPDX-License-Identifier: Apache-2.0 */
/* Roots and superblocks whose bytes someone made up. What is read of a payload is written and read again. */
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/crypto.h"
#include "storage/roots.h"
#include "storage/superblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(struct roots *roots)
{
	static const uint8_t key[32] = { 1 };
	struct roots back;
	struct roots_place place = { .repository = "a repository id" };
	size_t length = root_record_size(roots);
	uint8_t *bytes = malloc(length);
	if (!bytes || sealer_create(&place.sealer, key))
		abort();
	if (root_record_put(bytes, length, roots, &place, 5) || root_record_get(&back, &place, 5, bytes, length))
		abort();
	if (back.count != roots->count || back.hole_count != roots->hole_count)
		abort();
	roots_free(&back);
	sealer_free(place.sealer);
	free(bytes);
}

static void read_superblock(const uint8_t *data, size_t size)
{
	uint8_t bytes[SUPERBLOCK_SIZE] = "Coffret\n";
	struct superblock superblock;
	memcpy(bytes + 8, data, size < SUPERBLOCK_SIZE - 12 ? size : SUPERBLOCK_SIZE - 12);
	put32(bytes + SUPERBLOCK_SIZE - 4, crc32c(0, bytes, SUPERBLOCK_SIZE - 4));
	superblock_get(&superblock, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct roots roots = { .number = 0 };
	struct roots_place place = { .repository = "a repository id" };
	if (root_payload_get(&roots, data, size) == 0)
		write_again(&roots);
	roots_free(&roots);
	uint8_t *copy = malloc(size + 1);
	if (!copy)
		abort();
	memcpy(copy, data, size);
	if (root_record_get(&roots, &place, 5, copy, size) == 0)
		abort(); /* nobody guesses a tag */
	free(copy);
	read_superblock(data, size);
	return 0;
}
