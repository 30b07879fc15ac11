/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/deflate_block.h"

#include <stdbool.h>
#include <stdlib.h>

#define PIECE 256u /* bytes that are looked at together */
#define KINDS \
	8 /* of bytes: by their three highest bits, which tell digits, capitals, letters, small and large numbers */

/* Two words of eight counters, a byte each: no counter goes beyond half a piece. */
static void count(const uint8_t *piece, uint32_t counts[KINDS])
{
	uint64_t first = 0, second = 0;

	for (uint32_t i = 0; i < PIECE / 2; i++) {
		first += UINT64_C(1) << (piece[i] >> 5) * 8;
		second += UINT64_C(1) << (piece[PIECE / 2 + i] >> 5) * 8;
	}
	for (uint32_t kind = 0; kind < KINDS; kind++)
		counts[kind] = (uint32_t)(first >> kind * 8 & 0xff) + (uint32_t)(second >> kind * 8 & 0xff);
}

/* The shares of the kinds differ by six tenths, summed up over all kinds; they could by two. */
static bool differs(const uint32_t block[KINDS], uint32_t size, const uint32_t piece[KINDS])
{
	uint64_t difference = 0;

	for (int kind = 0; kind < KINDS; kind++)
		difference += (uint64_t)llabs((long long)piece[kind] * size - (long long)block[kind] * PIECE);
	return difference * 10 > UINT64_C(6) * size * PIECE;
}

uint32_t deflate_block(const uint8_t *bytes, uint32_t size)
{
	uint32_t block[KINDS] = { 0 }, piece[KINDS];

	/* A rest of less than a piece is no block: the codes of one cost up to a hundred bytes. */
	for (uint32_t at = 0; size - at >= PIECE; at += PIECE) {
		count(bytes + at, piece);
		if (at && differs(block, at, piece))
			return at;
		for (int kind = 0; kind < KINDS; kind++)
			block[kind] += piece[kind];
	}
	return size;
}
