/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/large.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int large_create(struct large_values *large, const struct rowgroup_params *params, const uint8_t key[16],
	size_t column_count, rowgroup_emit *emit, void *arg)
{
	*large = (struct large_values){ .params = params, .key = key, .emit = emit, .arg = arg };
	large->entries = calloc(column_count, sizeof(*large->entries));
	large->columns = calloc(2 * column_count, sizeof(*large->columns)); /* kept, and taken after all: twice */
	large->piece = malloc(params->piece_size);
	large->kept = malloc(params->max_bytes);
	return large->entries && large->columns && large->piece && large->kept ? 0 : -ENOMEM;
}

void large_free(struct large_values *large)
{
	free(large->entries);
	free(large->columns);
	free(large->piece);
	free(large->kept);
}

static int hand_out(struct large_values *large, const void *bytes, size_t size)
{
	return large->emit(large->arg, CHUNK_VALUE, bytes, size, 0);
}

static struct large_entry *begin(struct large_values *large, uint16_t column)
{
	struct large_entry *entry = &large->entries[column];

	large->columns[large->count++] = column;
	*entry = (struct large_entry){ .state = LARGE_SENT };
	siphash_begin(&large->hash, large->key);
	return entry;
}

/* A piece is longer than any short value: where one is full, the value is not short. */
static int add_bytes(struct large_values *large, const uint8_t *bytes, size_t size)
{
	size_t piece_size = large->params->piece_size;
	int error = 0;

	while (size && !error) {
		size_t room = piece_size - large->filled, n = size < room ? size : room;

		memcpy(large->piece + large->filled, bytes, n);
		large->filled += n;
		bytes += n;
		size -= n;
		if (large->filled == piece_size) {
			error = hand_out(large, large->piece, piece_size);
			large->filled = 0;
		}
	}
	return error;
}

static int keep(struct large_values *large, struct large_entry *entry)
{
	size_t size = large->filled;

	large->filled = 0;
	if (size > large->params->max_bytes - large->kept_size)
		return -EINVAL;
	entry->state = LARGE_KEPT;
	entry->kept = large->kept + large->kept_size;
	memcpy(large->kept + large->kept_size, large->piece, size);
	large->kept_size += size;
	return 0;
}

int large_stream_end(struct large_values *large)
{
	if (!large->streaming)
		return 0;

	struct large_entry *entry = &large->entries[large->columns[large->count - 1]];
	size_t filled = large->filled;

	large->streaming = false;
	siphash_end(&large->hash, entry->ref.hash);
	if (entry->ref.size <= large->params->inline_limit)
		return keep(large, entry);
	large->filled = 0;
	return filled ? hand_out(large, large->piece, filled) : 0;
}

int large_stream(struct large_values *large, uint16_t column, const void *bytes, size_t size)
{
	struct large_entry *entry = &large->entries[column];

	if (!large->streaming || large->columns[large->count - 1] != column) {
		if (large->count && large->columns[large->count - 1] >= column)
			return -EINVAL;

		int error = large_stream_end(large);

		if (error)
			return error;
		begin(large, column);
		large->streaming = true;
	}
	if (size > VALUE_SIZE_MAX - 1 - entry->ref.size)
		return -E2BIG;
	entry->ref.size += size;
	siphash_update(&large->hash, bytes, size);
	return add_bytes(large, bytes, size);
}

int large_take(struct large_values *large, uint16_t column, const struct value *value)
{
	struct large_entry *entry = begin(large, column);
	size_t piece_size = large->params->piece_size;
	const uint8_t *bytes = value->data;
	int error = 0;

	if (value->size >= VALUE_SIZE_MAX)
		return -E2BIG;
	entry->ref.size = value->size;
	siphash_update(&large->hash, bytes, value->size);
	siphash_end(&large->hash, entry->ref.hash);
	for (size_t at = 0; at < value->size && !error; at += piece_size)
		error = hand_out(large, bytes + at, value->size - at < piece_size ? value->size - at : piece_size);
	return error;
}

void large_refer(struct large_values *large, uint16_t column, uint64_t size, const uint8_t hash[LARGE_HASH_SIZE])
{
	struct large_entry *entry = begin(large, column);

	entry->ref.size = size;
	memcpy(entry->ref.hash, hash, LARGE_HASH_SIZE);
}

void large_forget(struct large_values *large)
{
	for (size_t i = 0; i < large->count; i++)
		large->entries[large->columns[i]].state = LARGE_NOT;
	large->count = 0;
	large->kept_size = 0;
}
