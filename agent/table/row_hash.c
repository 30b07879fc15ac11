/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/row_hash.h"

#include "agent/table/bytes.h"

enum { STATE_NULL = 0, STATE_INLINE = 1, STATE_LARGE = 2 };

static void derive(uint8_t key[16], const uint8_t seed[16], const char purpose[16])
{
	struct siphash hash;

	siphash_begin(&hash, seed);
	siphash_update(&hash, purpose, 16);
	siphash_end(&hash, key);
}

void row_keys_derive(struct row_keys *keys, const uint8_t seed[16])
{
	derive(keys->boundary, seed, "coffret boundary");
	derive(keys->digest, seed, "coffret digest  ");
	derive(keys->large, seed, "coffret large   ");
}

static uint64_t head(size_t ordinal, uint64_t state, uint64_t size)
{
	return (uint64_t)ordinal << 48 | state << 40 | size;
}

static void add_bytes(struct siphash *hash, const uint8_t *bytes, size_t size)
{
	size_t tail = size & 7;

	for (const uint8_t *end = bytes + size - tail; bytes < end; bytes += 8)
		siphash_word(hash, get64(bytes));
	if (!tail)
		return;
	/* The last bytes, read together with some that went before where there are any: one load instead of a loop. */
	siphash_word(hash, size >= 8 ? get64(bytes + tail - 8) >> (64 - 8 * tail) : get_number(bytes, tail));
}

void row_hash_add(struct siphash *hash, size_t ordinal, const struct value *value, const struct large_ref *large)
{
	if (large) {
		siphash_word(hash, head(ordinal, STATE_LARGE, large->size));
		siphash_word(hash, get64(large->hash));
		siphash_word(hash, get64(large->hash + 8));
	} else if (!value->data) {
		siphash_word(hash, head(ordinal, STATE_NULL, 0));
	} else {
		siphash_word(hash, head(ordinal, STATE_INLINE, value->size));
		add_bytes(hash, value->data, value->size);
	}
}

static void add128(uint8_t sum[16], const uint8_t more[16])
{
	uint64_t low = get64(sum), high = get64(sum + 8), total = low + get64(more);

	put64(sum, total);
	put64(sum + 8, high + get64(more + 8) + (total < low));
}

void table_digest_add_row(struct table_digest *sum, const uint8_t row[16])
{
	add128(sum->sum, row);
	sum->rows++;
}

void table_digest_add(struct table_digest *sum, const struct table_digest *more)
{
	add128(sum->sum, more->sum);
	sum->rows += more->rows;
}

bool table_digest_equal(const struct table_digest *a, const struct table_digest *b)
{
	return a->rows == b->rows && !memcmp(a->sum, b->sum, sizeof(a->sum));
}
