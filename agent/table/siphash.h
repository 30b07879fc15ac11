/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SipHash-2-4 with 128 bits of output: a keyed hash that is fast on short input, by Aumasson and Bernstein (2012).
 *
 * The struct is the caller's; nothing is allocated and nothing fails. Not for secrets that someone may guess at
 * leisure: what needs a MAC of 256 bits has one elsewhere.
 */
#ifndef AGENT_TABLE_SIPHASH_H
#define AGENT_TABLE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

struct siphash {
	uint64_t v0, v1, v2, v3;
	uint64_t tail;   /* bytes that do not fill a word yet, little-endian */
	uint64_t length; /* bytes so far */
};

void siphash_begin(struct siphash *hash, const uint8_t key[16]);
/* Any split of the same bytes gives the same hash; size 0 is nothing. */
void siphash_update(struct siphash *hash, const void *bytes, size_t size);
void siphash_end(struct siphash *hash, uint8_t out[16]);

static inline uint64_t siphash_rotate(uint64_t v, int n)
{
	return v << n | v >> (64 - n);
}

static inline void siphash_round(struct siphash *h)
{
	h->v0 += h->v1;
	h->v2 += h->v3;
	h->v1 = siphash_rotate(h->v1, 13) ^ h->v0;
	h->v3 = siphash_rotate(h->v3, 16) ^ h->v2;
	h->v0 = siphash_rotate(h->v0, 32) + h->v3;
	h->v2 += h->v1;
	h->v1 = siphash_rotate(h->v1, 17) ^ h->v2;
	h->v3 = siphash_rotate(h->v3, 21) ^ h->v0;
	h->v2 = siphash_rotate(h->v2, 32);
}

/* Eight bytes at once, as a little-endian number; only while what came before is a multiple of eight bytes. */
static inline void siphash_word(struct siphash *h, uint64_t word)
{
	h->v3 ^= word;
	siphash_round(h);
	siphash_round(h);
	h->v0 ^= word;
	h->length += 8;
}

#endif
