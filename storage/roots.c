/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/roots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/segment.h"

#define COPY_UNIT 512u                   /* each of the two copies of a record is padded to this, or to a write unit */
#define ROOT_FILE_MAX (4u * 1024 * 1024) /* of both copies */
#define ENTRY_SIZE_MAX 264u

void roots_free(struct roots *roots)
{
	free(roots->snapshots);
	*roots = (struct roots){ 0 };
}

static uint32_t copy_size(const struct roots_place *place, size_t record)
{
	uint32_t unit = round_up32(COPY_UNIT, place->volume->write_unit);
	return round_up32((uint32_t)record, unit);
}

static uint32_t file_size_max(const struct roots_place *place)
{
	return place->volume->segment_size < ROOT_FILE_MAX ? place->volume->segment_size : ROOT_FILE_MAX;
}

/* One record, and one snapshot more in it: before the second is written one of the older goes. Or there is none. */
uint64_t roots_room(const struct roots *roots, const struct roots_place *place)
{
	uint32_t block = place->volume->strip_size ? place->volume->strip_size : 1;
	uint32_t one = round_up32(2 * copy_size(place, root_record_size(roots) + ENTRY_SIZE_MAX), block);
	return place->alone ? 2 * (uint64_t)one : one;
}

int roots_reserve(struct roots *roots, const struct roots_place *place)
{
	if (2 * copy_size(place, root_record_size(roots) + ENTRY_SIZE_MAX) > file_size_max(place))
		return -ENOSPC;
	if (roots->count < roots->capacity)
		return 0;
	uint32_t capacity = roots->count * 2 + 8;
	struct root_snapshot *larger = realloc(roots->snapshots, capacity * sizeof *larger);
	if (!larger)
		return -ENOMEM;
	roots->snapshots = larger;
	roots->capacity = capacity;
	return 0;
}

/* ---- holes ---- */

void roots_add_hole(struct roots *roots, uint64_t first, uint64_t end)
{
	struct segment_hole *last = roots->hole_count ? &roots->holes[roots->hole_count - 1] : NULL;
	if (last && last->end == first) {
		last->end = end;
		return;
	}
	if (roots->hole_count == SEGMENT_HOLES_MAX)
		memmove(roots->holes, roots->holes + 1, --roots->hole_count * sizeof *roots->holes);
	roots->holes[roots->hole_count++] = (struct segment_hole){ first, end };
}

static bool holds_any(const struct segment_hole *hole, const uint64_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i] >= hole->first && numbers[i] < hole->end)
			return true;
	return false;
}

void roots_forget_holes(struct roots *roots, const uint64_t *found, size_t count)
{
	uint32_t kept = 0;
	if (roots->hole_count < SEGMENT_HOLES_MAX / 2)
		return;
	for (uint32_t i = 0; i < roots->hole_count; i++)
		if (holds_any(&roots->holes[i], found, count))
			roots->holes[kept++] = roots->holes[i];
	roots->hole_count = kept;
}

/* ---- loading ---- */

struct found_root {
	uint64_t number;
	uint32_t size;
};

#define FOUND_MAX 64 /* two are usual; more are left only by cuts and failing removals */

struct found_roots {
	struct found_root list[FOUND_MAX]; /* newest first */
	unsigned count;
};

static int note_root(void *arg, uint64_t id, uint32_t size)
{
	struct found_roots *found = arg;
	if (id >> 56 != SEGMENT_ROOT)
		return 0;
	struct found_root root = { id & SEGMENT_NUMBER_MASK, size };
	unsigned i = found->count < FOUND_MAX ? found->count++ : FOUND_MAX;
	for (; i > 0 && found->list[i - 1].number < root.number; i--)
		if (i < FOUND_MAX)
			found->list[i] = found->list[i - 1];
	if (i < FOUND_MAX)
		found->list[i] = root;
	return 0;
}

/* One of the two copies in its segment. */
static int load_copy(
	struct roots *roots, const struct roots_place *place, const struct found_root *root, uint32_t at, uint32_t size)
{
	uint8_t *bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	int error = volume_read(place->volume, segment_id(SEGMENT_ROOT, root->number), at, bytes, size);
	if (!error)
		error = root_record_get(roots, place, root->number, bytes, size);
	free(bytes);
	return error;
}

/* The first of the two that is whole. One that cannot be read now may be whole tomorrow: then the error is that. */
static int load_one(struct roots *roots, const struct roots_place *place, const struct found_root *root)
{
	uint32_t half = root->size / 2;
	if (!half || root->size > ROOT_FILE_MAX)
		return -EBADMSG;
	int error = load_copy(roots, place, root, 0, half);
	if (error != -EBADMSG && error != -EIO)
		return error;
	int second = load_copy(roots, place, root, half, root->size - half);
	return second == -EBADMSG ? error : second;
}

static bool say_the_same(const struct roots *a, const struct roots *b)
{
	return a->next_segment == b->next_segment && a->next_sequence == b->next_sequence && a->box_time == b->box_time &&
		a->hole_count == b->hole_count && !memcmp(a->holes, b->holes, a->hole_count * sizeof *a->holes) &&
		a->count == b->count && (!a->count || !memcmp(a->snapshots, b->snapshots, a->count * sizeof *a->snapshots));
}

/* Whether the record before the one in use says the same; lack of memory is taken for no. */
static int find_second(const struct roots *roots, const struct roots_place *place, const struct found_root *before)
{
	struct roots other = { 0 };
	int error = load_one(&other, place, before);
	if (!error && !say_the_same(roots, &other))
		error = -ENOENT;
	roots_free(&other);
	return error;
}

int roots_load(struct roots *roots, struct roots_place *place)
{
	struct found_roots found = { .count = 0 };
	unsigned i = 0;
	int error = volume_list(place->volume, note_root, &found);
	if (error)
		return error;
	if (!found.count)
		return -ENOENT;
	place->last = found.list[0].number;
	do
		error = load_one(roots, place, &found.list[i++]);
	while (error == -EBADMSG && i < found.count);
	place->uncertain = i > 1;
	if (!error)
		place->alone = i < found.count ? find_second(roots, place, &found.list[i]) : -ENOENT;
	return error;
}

/* ---- storing ---- */

static int write_file(struct roots_place *place, uint64_t number, const uint8_t *bytes, uint32_t size)
{
	uint64_t id = segment_id(SEGMENT_ROOT, number);
	int error = volume_write(place->volume, id, 0, bytes, size);
	return error ? error : volume_sync(place->volume, id);
}

/* Those before `keep`, as many as there are. What cannot be removed now will be the next time. */
static void remove_older(struct roots_place *place, uint64_t keep)
{
	struct found_roots found = { .count = 0 };
	if (volume_list(place->volume, note_root, &found))
		return;
	for (unsigned i = 0; i < found.count; i++)
		if (found.list[i].number < keep)
			volume_remove(place->volume, segment_id(SEGMENT_ROOT, found.list[i].number));
}

static int write_or_make_room(struct roots *roots, struct roots_place *place, const uint8_t *bytes, uint32_t size)
{
	uint64_t number = place->last;
	int error = write_file(place, number, bytes, size);
	if (error)
		volume_remove(place->volume, segment_id(SEGMENT_ROOT, number));
	if (error == -ENOSPC)
		remove_older(place, roots->number);
	return error;
}

static int store_once(struct roots *roots, struct roots_place *place)
{
	size_t record = root_record_size(roots);
	uint32_t copy = copy_size(place, record);
	if (2 * copy > file_size_max(place))
		return -ENOSPC;
	if (place->last >= SEGMENT_NUMBER_MASK)
		return -EOVERFLOW;
	uint8_t *bytes = calloc(2, copy);
	if (!bytes)
		return -ENOMEM;
	place->last++;
	int error = root_record_put(bytes, record, roots, place, place->last);
	memcpy(bytes + copy, bytes, copy);
	uint8_t digest[32];
	if (!error)
		error = crypto_sha256(bytes, record, digest);
	if (!error)
		error = write_or_make_room(roots, place, bytes, 2 * copy);
	if (!error)
		memcpy(roots->digest, digest, sizeof digest);
	free(bytes);
	return error;
}

/* One record more on the volume; those before `keep` go. */
static int store_one(struct roots *roots, struct roots_place *place, uint64_t keep)
{
	int error = store_once(roots, place);
	if (error == -ENOSPC)
		error = store_once(roots, place); /* the spare of the record in use is gone now: try in its room */
	if (error)
		return error;
	roots->number = place->last;
	remove_older(place, keep ? keep : roots->number);
	return 0;
}

void roots_store_second(struct roots *roots, struct roots_place *place)
{
	if (place->alone)
		place->alone = store_one(roots, place, roots->number);
}

int roots_store(struct roots *roots, struct roots_place *place)
{
	int error = store_one(roots, place, roots->number);
	place->uncertain = error != 0;
	if (error)
		return error;
	place->alone = -ENOENT;
	roots_store_second(roots, place); /* this record is durable without it */
	return 0;
}
