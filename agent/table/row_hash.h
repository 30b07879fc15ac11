/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keyed hashes of rows: 64 bits that decide boundaries, 128 bits for digests.
 *
 * What is hashed is a sequence of 64-bit words that two different rows never share: for each value a word of ordinal,
 * state and size, then its bytes, filled up with zeros to a whole word. A value that left the row counts by its size
 * and by the hash of its bytes, which is the same however it came.
 */
#ifndef AGENT_TABLE_ROW_HASH_H
#define AGENT_TABLE_ROW_HASH_H

#include "agent/table/format.h"
#include "agent/table/siphash.h"

/* One secret, three hashes that tell nothing about each other. */
struct row_keys {
	uint8_t boundary[16], digest[16], large[16];
};

void row_keys_derive(struct row_keys *keys, const uint8_t seed[16]);

/* Adds one value: the reference where it has one, the value else. */
void row_hash_add(struct siphash *hash, size_t ordinal, const struct value *value, const struct large_ref *large);

void table_digest_add_row(struct table_digest *sum, const uint8_t row[16]);

#endif
