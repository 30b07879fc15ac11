/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/state_set.h"

#include <stdlib.h>
#include <string.h>

static uint64_t hash(const uint8_t *key, size_t size)
{
	uint64_t h = 14695981039346656037u;
	for (size_t i = 0; i < size; i++)
		h = (h ^ key[i]) * 1099511628211u;
	return h ^ h >> 29;
}

static uint32_t *find_slot(const struct state_set *set, const void *key)
{
	size_t mask = 2 * set->room - 1;
	size_t at = hash(key, set->key_size) & mask;
	while (set->slots[at] && memcmp(state_set_key(set, set->slots[at] - 1), key, set->key_size) != 0)
		at = (at + 1) & mask;
	return &set->slots[at];
}

static void grow(struct state_set *set)
{
	set->room = set->room ? 2 * set->room : 1024;
	set->keys = realloc(set->keys, set->room * set->key_size);
	free(set->slots);
	set->slots = calloc(2 * set->room, sizeof(*set->slots));
	if (!set->keys || !set->slots)
		abort();
	for (size_t i = 0; i < set->count; i++)
		*find_slot(set, state_set_key(set, (uint32_t)i)) = (uint32_t)i + 1;
}

void state_set_init(struct state_set *set, size_t key_size)
{
	*set = (struct state_set){ .key_size = key_size };
}

uint32_t state_set_add(struct state_set *set, const void *key, bool *added)
{
	if (set->count == set->room)
		grow(set);
	uint32_t *slot = find_slot(set, key);
	*added = *slot == 0;
	if (*added) {
		memcpy(set->keys + set->count * set->key_size, key, set->key_size);
		*slot = (uint32_t)++set->count;
	}
	return *slot - 1;
}

const void *state_set_key(const struct state_set *set, uint32_t number)
{
	return set->keys + number * set->key_size;
}

void state_set_free(struct state_set *set)
{
	free(set->keys);
	free(set->slots);
	*set = (struct state_set){ 0 };
}
