/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: where a chunk lies, by the first 64 bits of its name. At most 24 bytes a chunk, empty slots counted in,
 * allocated once. A hit is a candidate only: the full name on the medium decides, and so several chunks may share a
 * prefix. Nothing here touches the medium.
 */
#ifndef STORAGE_INDEX_H
#define STORAGE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/name.h"

#define PLACE_SEGMENT_MAX ((UINT64_C(1) << 34) - 1)
#define PLACE_OFFSET_MAX ((1u << 28) - 1)

struct place {
	uint64_t segment; /* number */
	uint32_t offset;  /* of the chunk record in it; never 0 */
	bool damaged;     /* still read where nothing better is there, never counted as known */
};

struct index {
	struct index_slot *slots;
	size_t slot_count, used, capacity;
};

/* Allocates for `capacity` chunks; pages are touched as it fills. */
int index_create(struct index *index, size_t capacity);
void index_destroy(struct index *index);
/* -ENOSPC when full. Does not look for one that is there already. */
int index_insert(struct index *index, const struct chunk_name *name, const struct place *place);
/*
 * Candidates one by one: *cursor is SIZE_MAX before the first call. True and a place, or false when there are no more.
 * Inserting or removing ends the walk. While it is valid, *cursor is the number of the slot, below slot_count.
 */
bool index_next(const struct index *index, const struct chunk_name *name, size_t *cursor, struct place *place);
/* Removes the entry of this name at this place; false where there is none. */
bool index_remove(struct index *index, const struct chunk_name *name, const struct place *place);
void index_mark_damaged(struct index *index, const struct chunk_name *name, const struct place *place);

/* ---- marks, for cleaning: they stay with an entry when others come and go ---- */

void index_unmark_all(struct index *index);
/* Marks every candidate. False where there is none. *fresh: one of them was not marked before. */
bool index_mark(struct index *index, const struct chunk_name *name, bool *fresh);
/* There is an entry of this name at this place. */
bool index_has(const struct index *index, const struct chunk_name *name, const struct place *place);
bool index_is_marked(const struct index *index, const struct chunk_name *name, const struct place *place);
void index_each(const struct index *index, void (*each)(void *arg, const struct place *place, bool marked), void *arg);
/* The entry of this name at `from` is at `to` now, not damaged, its mark as it was. Nothing where there is none. */
void index_move(struct index *index, const struct chunk_name *name, const struct place *from, const struct place *to);
/* Removes what has no mark and satisfies `dead`. */
void index_remove_where(struct index *index, bool (*dead)(void *arg, const struct place *place), void *arg);

#endif
