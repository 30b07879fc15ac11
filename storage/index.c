/* SPDX-License-Identifier: Apache-2.0 */
/* Open addressing, linear probing, two thirds full at most; a removal shifts back what follows, so no tombstones. */
#include "storage/index.h"

#include <errno.h>
#include <stdlib.h>

#include "storage/bytes.h"

struct index_slot {
	uint64_t prefix;
	uint64_t where; /* 0: empty; else damaged << 63 | marked << 62 | segment << 28 | offset */
};

#define DAMAGED (UINT64_C(1) << 63)
#define MARKED (UINT64_C(1) << 62)

static uint64_t prefix_of(const struct chunk_name *name)
{
	return get64(name->bytes);
}

static uint64_t pack(const struct place *place)
{
	return (place->damaged ? DAMAGED : 0) | place->segment << 28 | place->offset;
}

static struct place unpack(uint64_t where)
{
	return (struct place){
		.segment = (where & ~(DAMAGED | MARKED)) >> 28, .offset = where & PLACE_OFFSET_MAX, .damaged = where & DAMAGED
	};
}

/* The prefix is uniform, so its high bits, scaled, are a slot: any count of slots will do. */
static size_t home_of(const struct index *index, uint64_t prefix)
{
	return (size_t)((unsigned __int128)prefix * index->slot_count >> 64);
}

static size_t after(const struct index *index, size_t slot)
{
	return slot + 1 == index->slot_count ? 0 : slot + 1;
}

/* All of it is used from the start: memory is the same for ten rows and for ten million, and does not run out later. */
static void touch(volatile char *bytes, size_t size)
{
	for (size_t at = 0; at < size; at += 4096)
		bytes[at] = 0;
}

int index_create(struct index *index, size_t capacity)
{
	if (!capacity || capacity > SIZE_MAX / 64)
		return -EINVAL;
	*index = (struct index){ .slot_count = capacity + capacity / 2, .capacity = capacity };
	if (index->slot_count == capacity)
		index->slot_count++; /* a search ends at an empty slot: one must be there */
	index->slots = calloc(index->slot_count, sizeof *index->slots);
	if (!index->slots)
		return -ENOMEM;
	touch((volatile char *)index->slots, index->slot_count * sizeof *index->slots);
	return 0;
}

void index_destroy(struct index *index)
{
	free(index->slots);
	*index = (struct index){ 0 };
}

int index_insert(struct index *index, const struct chunk_name *name, const struct place *place)
{
	if (index->used == index->capacity)
		return -ENOSPC;
	uint64_t prefix = prefix_of(name);
	size_t slot = home_of(index, prefix);
	while (index->slots[slot].where)
		slot = after(index, slot);
	index->slots[slot] = (struct index_slot){ prefix, pack(place) };
	index->used++;
	return 0;
}

bool index_next(const struct index *index, const struct chunk_name *name, size_t *cursor, struct place *place)
{
	uint64_t prefix = prefix_of(name);
	size_t slot = *cursor == SIZE_MAX ? home_of(index, prefix) : after(index, *cursor);
	for (; index->slots[slot].where; slot = after(index, slot)) {
		if (index->slots[slot].prefix != prefix)
			continue;
		*cursor = slot;
		*place = unpack(index->slots[slot].where);
		return true;
	}
	return false;
}

static bool find(const struct index *index, const struct chunk_name *name, const struct place *place, size_t *slot)
{
	struct place candidate;
	*slot = SIZE_MAX;
	while (index_next(index, name, slot, &candidate))
		if (candidate.segment == place->segment && candidate.offset == place->offset)
			return true;
	return false;
}

/* May the entry whose home is `home` move from `from` back into the hole, that is, is the hole not before its home? */
static bool may_fill(const struct index *index, size_t hole, size_t from, size_t home)
{
	size_t count = index->slot_count;
	return (from + count - home) % count >= (from + count - hole) % count;
}

static void remove_slot(struct index *index, size_t hole)
{
	for (size_t slot = after(index, hole); index->slots[slot].where; slot = after(index, slot)) {
		if (!may_fill(index, hole, slot, home_of(index, index->slots[slot].prefix)))
			continue;
		index->slots[hole] = index->slots[slot];
		hole = slot;
	}
	index->slots[hole] = (struct index_slot){ 0 };
	index->used--;
}

bool index_remove(struct index *index, const struct chunk_name *name, const struct place *place)
{
	size_t slot;
	bool found = find(index, name, place, &slot);
	if (found)
		remove_slot(index, slot);
	return found;
}

void index_mark_damaged(struct index *index, const struct chunk_name *name, const struct place *place)
{
	size_t slot;
	if (find(index, name, place, &slot))
		index->slots[slot].where |= DAMAGED;
}

/* ---- marks ---- */

void index_unmark_all(struct index *index)
{
	for (size_t slot = 0; slot < index->slot_count; slot++)
		index->slots[slot].where &= ~MARKED;
}

bool index_mark(struct index *index, const struct chunk_name *name, bool *fresh)
{
	size_t slot = SIZE_MAX;
	struct place place;
	bool found = false;
	*fresh = false;
	for (; index_next(index, name, &slot, &place); found = true) {
		*fresh |= !(index->slots[slot].where & MARKED);
		index->slots[slot].where |= MARKED;
	}
	return found;
}

bool index_has(const struct index *index, const struct chunk_name *name, const struct place *place)
{
	size_t slot;
	return find(index, name, place, &slot);
}

bool index_is_marked(const struct index *index, const struct chunk_name *name, const struct place *place)
{
	size_t slot;
	return find(index, name, place, &slot) && index->slots[slot].where & MARKED;
}

void index_each(const struct index *index, void (*each)(void *arg, const struct place *place, bool marked), void *arg)
{
	for (size_t slot = 0; slot < index->slot_count; slot++) {
		struct place place = unpack(index->slots[slot].where);
		if (index->slots[slot].where)
			each(arg, &place, index->slots[slot].where & MARKED);
	}
}

void index_move(struct index *index, const struct chunk_name *name, const struct place *from, const struct place *to)
{
	size_t slot;
	if (find(index, name, from, &slot))
		index->slots[slot].where = pack(to) | (index->slots[slot].where & MARKED);
}

void index_remove_where(struct index *index, bool (*dead)(void *arg, const struct place *place), void *arg)
{
	for (size_t slot = 0; slot < index->slot_count;) {
		uint64_t where = index->slots[slot].where;
		struct place place = unpack(where);
		if (where && !(where & MARKED) && dead(arg, &place))
			remove_slot(index, slot); /* another may have moved here: look at this slot again */
		else
			slot++;
	}
}
