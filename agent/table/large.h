/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large values on their way out of their rows: cut into pieces of one size, hashed, handed out as value chunks.
 *
 * Knows the values of one row at a time: those that came piece by piece before it, and those that were taken out of
 * it whole. A value that came in pieces and turns out to be short is kept, to go into its row after all.
 */
#ifndef AGENT_TABLE_LARGE_H
#define AGENT_TABLE_LARGE_H

#include "agent/table/format.h"
#include "agent/table/siphash.h"

struct large_values {
	const struct rowgroup_params *params;
	const uint8_t *key; /* of the hash, 16 bytes */
	rowgroup_emit *emit;
	void *arg;

	struct large_entry *entries; /* one a column; those of this row are listed in `columns` */
	uint16_t *columns;
	size_t count;

	bool streaming; /* the last of `columns` is still coming */
	struct siphash hash;
	uint8_t *piece; /* params->piece_size bytes, of which `filled` are waiting to be handed out */
	size_t filled;
	uint8_t *kept; /* params->max_bytes for values that came in pieces and are short */
	size_t kept_size;
};

struct large_entry {
	enum { LARGE_NOT = 0, LARGE_SENT, LARGE_KEPT } state;
	const uint8_t *kept; /* LARGE_KEPT: its ref.size bytes */
	struct large_ref ref;
};

int large_create(struct large_values *large, const struct rowgroup_params *params, const uint8_t key[16],
	size_t column_count, rowgroup_emit *emit, void *arg);
void large_free(struct large_values *large);

/* The next piece of a value. -EINVAL: columns not in ascending order, or too many short values in pieces for a row. */
int large_stream(struct large_values *large, uint16_t column, const void *bytes, size_t size);
/* No more pieces before the row itself. */
int large_stream_end(struct large_values *large);
/* Takes a whole value out of its row. */
int large_take(struct large_values *large, uint16_t column, const struct value *value);
/* A value of a row that was read from a chunk: its value chunks are there, and nothing is handed out. */
void large_refer(struct large_values *large, uint16_t column, uint64_t size, const uint8_t hash[LARGE_HASH_SIZE]);
/* The row is done. */
void large_forget(struct large_values *large);

/* The reference of a value that was handed out, or NULL. */
static inline const struct large_ref *large_find(const struct large_values *large, size_t column)
{
	return large->count && large->entries[column].state == LARGE_SENT ? &large->entries[column].ref : NULL;
}

#endif
