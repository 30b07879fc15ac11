/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/read_back.h"

#include <errno.h>
#include <stdlib.h>

struct read_back_chunk {
	struct chunk_name name;
	uint32_t offset;
};

void read_back_start(struct read_back *back, struct repository *repository)
{
	*back = (struct read_back){ .repository = repository, .last = repository->chunks.segments.sealed };
}

void read_back_end(struct read_back *back)
{
	free(back->chunks);
	free(back->done);
	free(back->walk);
	free(back->buffer);
	*back = (struct read_back){ .repository = back->repository };
}

static int allocate(struct read_back *back)
{
	if (!back->walk)
		back->walk = malloc(SEGMENT_WALK_SIZE);
	if (!back->buffer)
		back->buffer = malloc(CHUNK_SIZE_MAX);
	if (!back->chunks)
		back->chunks = malloc(SEGMENT_CHUNKS_MAX * sizeof *back->chunks);
	return back->walk && back->buffer && back->chunks ? 0 : -ENOMEM;
}

/* ---- one segment ---- */

static int note_chunk(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	struct read_back *back = arg;
	(void)number;
	if (back->count == SEGMENT_CHUNKS_MAX)
		return -EBADMSG;
	back->chunks[back->count++] = (struct read_back_chunk){ head->name, offset };
	return 0;
}

static int begin(struct read_back *back, const struct segment_file *file)
{
	int error = allocate(back);
	back->count = back->at = 0;
	if (!error)
		error = segment_walk(&back->repository->chunks.healer, file, back->walk, note_chunk, back);
	if (!error)
		back->file = *file;
	return error;
}

static int check_next(struct read_back *back)
{
	const struct read_back_chunk *chunk = &back->chunks[back->at++];
	struct place place = { .segment = back->file.number, .offset = chunk->offset };
	struct chunk_head head = { .name = chunk->name };
	return chunk_check(&back->repository->chunks, &place, &head, back->buffer, CHUNK_SIZE_MAX);
}

static int note_done(struct read_back *back)
{
	if (back->done_count == back->done_room) {
		size_t room = back->done_room * 2 + 16;
		uint64_t *larger = realloc(back->done, room * sizeof *larger);
		if (!larger)
			return -ENOMEM;
		back->done = larger;
		back->done_room = room;
	}
	back->done[back->done_count++] = back->file.number;
	return 0;
}

static int end(struct read_back *back)
{
	int error = heal_check_new(&back->repository->chunks.healer, back->file.number);
	if (!error)
		error = note_done(back);
	back->file.number = 0;
	return error;
}

int read_back_step(struct read_back *back)
{
	const struct segment_writer *segments = &back->repository->chunks.segments;
	const struct segment_file sealed = { segments->sealed, segments->sealed_size };
	int error = 0;
	/* One that is passed over, since two were sealed between two steps, is left to the end. */
	if (!back->file.number) {
		if (sealed.number <= back->last)
			return 0;
		back->last = sealed.number;
		error = begin(back, &sealed);
	}
	if (!error && back->at < back->count)
		error = check_next(back);
	return error || back->at < back->count ? error : end(back);
}

/* ---- the rest ---- */

/* The segments that were written for this snapshot: 16 bytes for each 4 MiB. */
struct new_segments {
	uint64_t first;
	struct segment_file *list;
	size_t count, capacity;
};

static int note_new(void *arg, uint64_t id, uint32_t size)
{
	struct new_segments *segments = arg;
	if (id >> 56 != SEGMENT_DATA || id < segments->first)
		return 0;
	if (segments->count == segments->capacity) {
		size_t capacity = segments->capacity * 2 + 16;
		struct segment_file *larger = realloc(segments->list, capacity * sizeof *larger);
		if (!larger)
			return -ENOMEM;
		segments->list = larger;
		segments->capacity = capacity;
	}
	segments->list[segments->count++] = (struct segment_file){ id, size };
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

/* Among the first `count`, which are in order. */
static bool is_done(const struct read_back *back, size_t count, uint64_t number)
{
	return count && bsearch(&number, back->done, count, sizeof number, compare);
}

static int finish_segment(struct read_back *back)
{
	int error = 0;
	while (!error && back->at < back->count)
		error = check_next(back);
	return error ? error : end(back);
}

static int read_segment(struct read_back *back, const struct segment_file *file)
{
	int error = begin(back, file);
	return error ? error : finish_segment(back);
}

static int read_others(struct read_back *back, const struct new_segments *segments)
{
	size_t early = back->done_count;
	int error = 0;
	for (size_t i = 0; !error && i < segments->count; i++) {
		if (is_done(back, early, segments->list[i].number))
			continue;
		repository_lock(back->repository);
		error = read_segment(back, &segments->list[i]);
		repository_unlock(back->repository);
	}
	return error;
}

int read_back_rest(struct read_back *back, uint64_t first)
{
	struct new_segments segments = { .first = first };
	repository_lock(back->repository);
	int error = back->file.number ? finish_segment(back) : 0;
	if (!error)
		error = volume_list(back->repository->volume, note_new, &segments);
	repository_unlock(back->repository);
	if (!error)
		error = read_others(back, &segments);
	free(segments.list);
	return error;
}
