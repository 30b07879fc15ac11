/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 0 magic | 8 version | 12 size | 16 features: compatible, 24 write, 32 read | 40 generation | 48 repository |
 * 64 writer | 80 name kind | 81 mode | 82 slots | 84 segment size | 88 chunker | 152 family | 168 zeros |
 * 512 slots, 128 each | 1536 zeros | 4060 HMAC-SHA-256 | 4092 CRC32C
 */
#include "storage/superblock.h"

#include <errno.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/crypto.h"

#define SLOTS_OFFSET 512
#define SLOT_SIZE 128
#define MAC_OFFSET (SUPERBLOCK_SIZE - 36)
#define CRC_OFFSET (SUPERBLOCK_SIZE - 4)
#define NAMES_HMAC_SHA_256 1

static const uint8_t magic[8] = "Coffret\n";

static void put_slot(uint8_t *to, const struct key_slot *slot)
{
	to[0] = slot->kind;
	to[1] = slot->unconfirmed;
	put32(to + 4, slot->iterations);
	memcpy(to + 8, slot->salt, 16);
	memcpy(to + 24, slot->nonce, 12);
	memcpy(to + 36, slot->tag, 16);
	memcpy(to + 52, slot->key, 32);
}

static void get_slot(struct key_slot *slot, const uint8_t *from)
{
	slot->kind = from[0];
	slot->unconfirmed = from[1] & 1;
	slot->iterations = get32(from + 4);
	memcpy(slot->salt, from + 8, 16);
	memcpy(slot->nonce, from + 24, 12);
	memcpy(slot->tag, from + 36, 16);
	memcpy(slot->key, from + 52, 32);
}

static int authenticate(
	const uint8_t *from, const struct superblock *superblock, const uint8_t key[32], uint8_t mac[32])
{
	uint8_t subkey[32];
	int error = crypto_derive(key, 32, superblock->repository, "coffret superblock", subkey);
	if (!error)
		error = crypto_hmac(subkey, from, MAC_OFFSET, mac);
	crypto_wipe(subkey, sizeof subkey);
	return error;
}

int superblock_put(uint8_t to[SUPERBLOCK_SIZE], const struct superblock *s, const uint8_t key[32])
{
	memset(to, 0, SUPERBLOCK_SIZE);
	memcpy(to, magic, 8);
	put32(to + 8, SUPERBLOCK_VERSION);
	put32(to + 12, SUPERBLOCK_SIZE);
	put64(to + 16, s->compatible);
	put64(to + 24, s->write);
	put64(to + 32, s->read);
	put64(to + 40, s->generation);
	memcpy(to + 48, s->repository, 16);
	memcpy(to + 64, s->writer, 16);
	to[80] = NAMES_HMAC_SHA_256;
	to[81] = s->append_only;
	put16(to + 82, KEY_SLOTS);
	put32(to + 84, s->segment_size);
	memcpy(to + 88, s->chunker, sizeof s->chunker);
	if (s->read & FEATURE_READ_FAMILY)
		memcpy(to + 152, s->family, 16);
	for (size_t i = 0; i < KEY_SLOTS; i++)
		put_slot(to + SLOTS_OFFSET + i * SLOT_SIZE, &s->slots[i]);
	int error = authenticate(to, s, key, to + MAC_OFFSET);
	put32(to + CRC_OFFSET, crc32c(0, to, CRC_OFFSET));
	return error;
}

int superblock_get(struct superblock *s, const uint8_t from[SUPERBLOCK_SIZE])
{
	memset(s, 0, sizeof *s);
	if (memcmp(from, magic, 8) != 0 || get32(from + CRC_OFFSET) != crc32c(0, from, CRC_OFFSET))
		return -EBADMSG;
	s->compatible = get64(from + 16);
	s->write = get64(from + 24);
	s->read = get64(from + 32);
	s->generation = get64(from + 40);
	memcpy(s->repository, from + 48, 16);
	memcpy(s->writer, from + 64, 16);
	s->append_only = from[81];
	s->segment_size = get32(from + 84);
	memcpy(s->chunker, from + 88, sizeof s->chunker);
	memcpy(s->family, s->read & FEATURE_READ_FAMILY ? from + 152 : from + 48, 16);
	for (size_t i = 0; i < KEY_SLOTS; i++)
		get_slot(&s->slots[i], from + SLOTS_OFFSET + i * SLOT_SIZE);
	bool readable = get32(from + 8) == SUPERBLOCK_VERSION && get32(from + 12) == SUPERBLOCK_SIZE &&
		!(s->read & ~FEATURES_READ) && from[80] == NAMES_HMAC_SHA_256 && from[81] <= 1 && get16(from + 82) == KEY_SLOTS;
	return readable ? 0 : -EPROTONOSUPPORT;
}

int superblock_check(const uint8_t from[SUPERBLOCK_SIZE], const struct superblock *superblock, const uint8_t key[32])
{
	uint8_t mac[32];
	int error = authenticate(from, superblock, key, mac);
	if (error)
		return error;
	return crypto_equal(mac, from + MAC_OFFSET, sizeof mac) ? 0 : -EBADMSG;
}
