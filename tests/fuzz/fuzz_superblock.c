/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository whose superblocks someone changed, with the key or without: both copies, or one of a later generation.
 * Key slots included. It opens or is refused, without fault; without the key nothing that counts can be changed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/crypto.h"
#include "storage/memory.h"
#include "storage/segment.h"
#include "storage/superblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SLOTS 512u
#define MAC (SUPERBLOCK_SIZE - 36)

static const struct memory_geometry geometry = { .size = 1u << 20, .segment_size = 64u << 10, .write_unit = 1 };
static const struct repository_secret secrets[] = {
	{ SECRET_KEY_FILE, (const uint8_t *)"key", 3 },
	{ SECRET_PASSPHRASE, (const uint8_t *)"words", 5 },
};
static struct volume *volume;
static uint8_t original[SUPERBLOCK_SIZE], key[32];

static struct repository_settings settings(void)
{
	return (struct repository_settings){ .index_chunks = 64, .deflate_level = 1 };
}

static void make(void)
{
	struct repository_settings s = settings();
	struct superblock superblock;
	char recovery[64];
	if (memory_volume_open(&volume, &geometry) || repository_create(volume, &s, &secrets[0], recovery) ||
		volume_read(volume, segment_id(SEGMENT_SUPERBLOCK, 1), 0, original, sizeof original) ||
		superblock_get(&superblock, original) || key_slots_open(&superblock, &secrets[0], key) < 0)
		abort();
}

static void sign(uint8_t bytes[SUPERBLOCK_SIZE], bool with_key)
{
	uint8_t subkey[32];
	if (with_key &&
		(crypto_derive(key, 32, bytes + 48, "coffret superblock", subkey) ||
			crypto_hmac(subkey, bytes, MAC, bytes + MAC)))
		abort();
	put32(bytes + SUPERBLOCK_SIZE - 4, crc32c(0, bytes, SUPERBLOCK_SIZE - 4));
}

static void put(uint64_t number, const uint8_t bytes[SUPERBLOCK_SIZE])
{
	uint64_t id = segment_id(SEGMENT_SUPERBLOCK, number);
	if (volume_write(volume, id, 0, bytes, SUPERBLOCK_SIZE) || volume_sync(volume, id))
		abort();
}

/* A passphrase may be worth ten million rounds: not here. */
static void spare_time(uint8_t bytes[SUPERBLOCK_SIZE])
{
	for (uint32_t slot = SLOTS; slot < SLOTS + KEY_SLOTS * 128u; slot += 128)
		if (get32(bytes + slot + 4) > 3)
			put32(bytes + slot + 4, get32(bytes + slot + 4) % 4);
}

static void try_open(const struct repository_secret *secret, bool changed, bool with_key)
{
	struct repository_settings s = settings();
	struct repository *repository = NULL;
	struct repository_status status;
	int error = repository_open(&repository, volume, &s, secret);
	if (!error && changed && !with_key)
		abort(); /* nobody guesses a HMAC */
	if (!error && repository_status(repository, &status))
		abort();
	repository_close(repository);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t bytes[SUPERBLOCK_SIZE];
	if (!volume)
		make();
	if (size < 4)
		return 0;
	bool with_key = data[0] & 1, one_later = data[0] & 2;
	uint32_t at = get16(data + 1) % (MAC - 8) + 8;
	size = size - 3 < MAC - at ? size - 3 : MAC - at;
	memcpy(bytes, original, sizeof bytes);
	for (size_t i = 0; i < size; i++)
		bytes[at + i] ^= data[3 + i];
	spare_time(bytes);
	if (one_later)
		put64(bytes + 40, 1000);
	bool changed = memcmp(bytes, original, MAC) != 0;
	sign(bytes, with_key);
	for (uint64_t number = 1; number < 8; number++) /* a start makes two again of one that it finds alone */
		volume_remove(volume, segment_id(SEGMENT_SUPERBLOCK, number));
	put(1, one_later ? original : bytes);
	put(2, bytes);
	try_open(&secrets[0], changed, with_key);
	try_open(&secrets[1], changed, with_key);
	return 0;
}
