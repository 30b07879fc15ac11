/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "storage/repository_internal.h"

struct mount {
	struct repository *repository;
	uint8_t *buffer;
	uint64_t highest; /* number of a data segment that is there */
	uint64_t *dropped;
	size_t dropped_count, dropped_capacity;
	int fatal; /* an error that ends the mount, met inside a walk */
};

static int index_chunk(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	struct mount *mount = arg;
	struct place place = { .segment = number, .offset = offset };
	mount->fatal = chunk_index(&mount->repository->chunks, &head->name, &place);
	return mount->fatal;
}

/* Part of it is known to be missing, though its end is there and tells all that it holds: whether parity has the rest. */
static int check_damaged(struct mount *mount, uint64_t number)
{
	struct repository *r = mount->repository;
	struct heal_result result;
	if (!volume_is_damaged(r->volume, segment_id(SEGMENT_DATA, number)))
		return 0;
	int error = heal_check(&r->chunks.healer, number, &result);
	if (error && !heal_is_damage(error))
		return error;
	return error || result.lost ? -EBADMSG : 0;
}

static int index_segment(struct mount *mount, const struct segment_file *file)
{
	struct repository *r = mount->repository;
	int error = segment_walk(&r->chunks.healer, file, mount->buffer, index_chunk, mount);
	if (mount->fatal || (error && error != -EBADMSG && error != -EIO))
		return mount->fatal ? mount->fatal : error;
	bool indexed = !error;
	if (!error)
		error = check_damaged(mount, file->number);
	if (error != -EBADMSG && error != -EIO)
		return error;
	/* It was whole once: what can still be found of it counts, and verify names what cannot. */
	r->damaged_segments++;
	chunk_suspect(&r->chunks, file->number);
	if (indexed)
		return 0;
	error = segment_scan(&r->chunks.healer, file, index_chunk, mount);
	if (mount->fatal || (error && error != -EBADMSG && error != -EIO))
		return mount->fatal ? mount->fatal : error;
	return 0;
}

static bool is_acknowledged(const struct roots *roots, uint64_t number)
{
	if (number >= roots->next_segment)
		return false;
	for (uint32_t i = 0; i < roots->hole_count; i++)
		if (number >= roots->holes[i].first && number < roots->holes[i].end)
			return false;
	return true;
}

static int note_dropped(struct mount *mount, uint64_t id)
{
	if (mount->dropped_count == mount->dropped_capacity) {
		size_t capacity = mount->dropped_capacity * 2 + 16;
		uint64_t *larger = realloc(mount->dropped, capacity * sizeof *larger);
		if (!larger)
			return -ENOMEM;
		mount->dropped = larger;
		mount->dropped_capacity = capacity;
	}
	mount->dropped[mount->dropped_count++] = id;
	return 0;
}

static int found_segment(void *arg, uint64_t id, uint32_t size)
{
	struct mount *mount = arg;
	struct segment_file file = { id, size };
	if (id >> 56 != SEGMENT_DATA)
		return 0;
	/* A name that was spoilt to a number beyond all: the next one would be no number any more. */
	if (id > mount->highest && id <= PLACE_SEGMENT_MAX)
		mount->highest = id;
	if (!is_acknowledged(&mount->repository->roots, id))
		return note_dropped(mount, id);
	return index_segment(mount, &file);
}

/*
 * Segments that no root vouches for were never acknowledged, and may be torn in ways that no checksum at their end
 * shows. They go; but where the newest root is damaged it might have vouched for them, so they stay unused until
 * cleaning is asked for.
 */
static void drop(struct mount *mount)
{
	struct repository *r = mount->repository;
	uint64_t first = r->roots.next_segment;
	if (r->read_only)
		return;
	for (size_t i = 0; i < mount->dropped_count && !r->place.uncertain; i++)
		volume_remove(r->volume, mount->dropped[i]);
	roots_forget_holes(&r->roots, mount->dropped, mount->dropped_count);
	if (mount->highest >= first)
		roots_add_hole(&r->roots, first, mount->highest + 1);
	r->chunks.segments.next = mount->highest >= first ? mount->highest + 1 : first;
}

int repository_mount(struct repository *repository)
{
	struct mount mount = { .repository = repository, .buffer = malloc(SEGMENT_WALK_SIZE) };
	if (!mount.buffer)
		return -ENOMEM;
	int error = volume_list(repository->volume, found_segment, &mount);
	if (!error)
		drop(&mount);
	free(mount.buffer);
	free(mount.dropped);
	return error;
}
