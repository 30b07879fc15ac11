/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/snapshot/row_set.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/table/bytes.h"

#define TAKEN UINT64_C(1)

int row_set_open(struct row_set *set, size_t rows)
{
	size_t slots = 16;

	while (slots / 4 * 3 < rows)
		slots *= 2;
	*set = (struct row_set){ .capacity = rows, .mask = slots - 1 };
	set->slots = calloc(slots, sizeof *set->slots);
	set->places = malloc((rows + 1) * sizeof *set->places);
	if (set->slots && set->places)
		return 0;
	row_set_close(set);
	return -ENOMEM;
}

void row_set_close(struct row_set *set)
{
	free(set->slots);
	free(set->places);
	set->slots = NULL;
	set->places = NULL;
	set->count = set->capacity = 0;
}

/* Slot by slot: most runs are short, and the set is large. */
void row_set_clear(struct row_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		set->slots[set->places[i]] = 0;
	set->count = 0;
}

static uint64_t short_digest(const uint8_t *digest)
{
	uint64_t bits = get64(digest) & ~TAKEN;

	return bits ? bits : 2;
}

/* The first slot from the digest's own on that is empty or holds exactly this. */
static size_t find(const struct row_set *set, uint64_t bits, uint64_t wanted)
{
	size_t at = (size_t)(bits >> 20) & set->mask;

	while (set->slots[at] && set->slots[at] != wanted)
		at = (at + 1) & set->mask;
	return at;
}

bool row_set_add(struct row_set *set, const uint8_t *digest)
{
	uint64_t bits = short_digest(digest);
	size_t at;

	if (set->count == set->capacity)
		return false;
	at = find(set, bits, 0);
	set->slots[at] = bits;
	set->places[set->count++] = (uint32_t)at;
	return true;
}

bool row_set_take(struct row_set *set, const uint8_t *digest)
{
	uint64_t bits = short_digest(digest);
	size_t at = find(set, bits, bits);

	if (!set->slots[at])
		return false;
	set->slots[at] |= TAKEN;
	return true;
}

bool row_set_taken(const struct row_set *set, size_t i)
{
	return set->slots[set->places[i]] & TAKEN;
}

size_t row_set_runs(const struct row_set *set)
{
	size_t runs = 0;

	for (size_t i = 0; i < set->count; i++)
		runs += !row_set_taken(set, i) && (i == 0 || row_set_taken(set, i - 1));
	return runs;
}
