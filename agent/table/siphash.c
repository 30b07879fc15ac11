/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/siphash.h"

#include "agent/table/bytes.h"

void siphash_begin(struct siphash *hash, const uint8_t key[16])
{
	uint64_t k0 = get64(key), k1 = get64(key + 8);

	*hash = (struct siphash){
		.v0 = k0 ^ 0x736f6d6570736575,
		.v1 = k1 ^ 0x646f72616e646f6d ^ 0xee, /* 0xee: the variant of 128 bits */
		.v2 = k0 ^ 0x6c7967656e657261,
		.v3 = k1 ^ 0x7465646279746573,
	};
}

static void add_byte(struct siphash *hash, uint8_t byte)
{
	unsigned int filled = hash->length & 7;

	hash->tail |= (uint64_t)byte << 8 * filled;
	if (filled < 7) {
		hash->length++;
		return;
	}
	hash->length -= 7;
	siphash_word(hash, hash->tail);
	hash->tail = 0;
}

void siphash_update(struct siphash *hash, const void *bytes, size_t size)
{
	const uint8_t *p = bytes;

	for (; size && hash->length & 7; size--)
		add_byte(hash, *p++);
	for (; size >= 8; size -= 8, p += 8)
		siphash_word(hash, get64(p));
	for (; size; size--)
		add_byte(hash, *p++);
}

static uint64_t finish_half(struct siphash *hash)
{
	for (int i = 0; i < 4; i++)
		siphash_round(hash);
	return hash->v0 ^ hash->v1 ^ hash->v2 ^ hash->v3;
}

void siphash_end(struct siphash *hash, uint8_t out[16])
{
	siphash_word(hash, hash->tail | hash->length << 56);
	hash->v2 ^= 0xee;
	put64(out, finish_half(hash));
	hash->v1 ^= 0xdd;
	put64(out + 8, finish_half(hash));
}
