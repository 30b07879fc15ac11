/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/snapshot/name_set.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "agent/table/bytes.h"

#define TAKEN UINT64_C(1)

int name_set_open(struct name_set *set, size_t names)
{
	size_t slots = 16;

	while (slots / 4 * 3 < names)
		slots *= 2;
	set->slots = calloc(slots, sizeof *set->slots);
	set->mask = slots - 1;
	return set->slots ? 0 : -ENOMEM;
}

void name_set_close(struct name_set *set)
{
	free(set->slots);
	set->slots = NULL;
}

static uint64_t short_name(const struct chunk_name *name)
{
	uint64_t bits = get64(name->bytes) & ~TAKEN;

	return bits ? bits : 2;
}

/* Its slot, or the empty one where it would go: there is always an empty one. */
static uint64_t *find(const struct name_set *set, uint64_t bits)
{
	size_t at = (size_t)(bits >> 20) & set->mask;

	while (set->slots[at] && (set->slots[at] & ~TAKEN) != bits)
		at = (at + 1) & set->mask;
	return &set->slots[at];
}

bool name_set_add(struct name_set *set, const struct chunk_name *name)
{
	uint64_t bits = short_name(name), *slot = find(set, bits);

	if (*slot)
		return false;
	*slot = bits;
	return true;
}

bool name_set_take(struct name_set *set, const struct chunk_name *name)
{
	uint64_t *slot = find(set, short_name(name));

	if (!*slot || (*slot & TAKEN))
		return false;
	*slot |= TAKEN;
	return true;
}

bool name_set_taken(const struct name_set *set, const struct chunk_name *name)
{
	return *find(set, short_name(name)) & TAKEN;
}
