/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over what lies on the volume, segment by segment: damage is known before anybody needs what it hit. */
#include <errno.h>
#include <stdlib.h>

#include "storage/repository_internal.h"

struct scrub {
	struct repository *repository;
	struct scrub_result *result;
	uint64_t above; /* numbers up to here were read before */
	struct segment_file *list;
	size_t count, capacity;
	uint8_t *walk, *bytes;
};

static int note_segment(void *arg, uint64_t id, uint32_t size)
{
	struct scrub *scrub = arg;
	if (id >> 56 != SEGMENT_DATA || id <= scrub->above)
		return 0;
	if (scrub->count == scrub->capacity) {
		size_t capacity = scrub->capacity * 2 + 64;
		struct segment_file *larger = realloc(scrub->list, capacity * sizeof *larger);
		if (!larger)
			return -ENOMEM;
		scrub->list = larger;
		scrub->capacity = capacity;
	}
	scrub->list[scrub->count++] = (struct segment_file){ id, size };
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct segment_file *x = a, *y = b;
	return x->number < y->number ? -1 : x->number > y->number;
}

/* What the index does not have at this place nobody reads. */
static int check_chunk(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	struct scrub *scrub = arg;
	struct chunk_store *store = &scrub->repository->chunks;
	struct place place = { .segment = number, .offset = offset };
	if (!index_has(&store->index, &head->name, &place))
		return 0;
	int error = chunk_check(store, &place, head, scrub->bytes, CHUNK_SIZE_MAX);
	if (!heal_is_damage(error))
		return error;
	scrub->result->damaged += !chunk_replaced(store, &head->name, &place, scrub->bytes);
	return 0;
}

/* Removed since they were listed. */
static bool is_gone(const struct repository *r, uint64_t number)
{
	uint8_t byte;
	return volume_read(r->volume, segment_id(SEGMENT_DATA, number), 0, &byte, 1) == -ENOENT;
}

static int check_segment(struct scrub *scrub, const struct segment_file *file)
{
	struct repository *r = scrub->repository;
	struct heal_result units;
	if (is_gone(r, file->number))
		return 0;
	int error = heal_check(&r->chunks.healer, file->number, &units);
	if (error && !heal_is_damage(error))
		return error;
	if (!error)
		scrub->result->healed += units.bad - units.lost;
	error = segment_walk(&r->chunks.healer, file, scrub->walk, check_chunk, scrub);
	if (!heal_is_damage(error))
		return error;
	/* Its end is damaged: what a mount would still find in it. */
	scrub->result->damaged++;
	chunk_suspect(&r->chunks, file->number);
	error = segment_scan(&r->chunks.healer, file, check_chunk, scrub);
	return heal_is_damage(error) ? 0 : error;
}

static bool is_open(const struct repository *r, uint64_t number)
{
	const struct segment_writer *segments = &r->chunks.segments;
	return segments->open && segments->current == number;
}

static int check_all(struct scrub *scrub, uint64_t *position, const struct scrub_limits *limits)
{
	struct repository *r = scrub->repository;
	size_t i = 0;
	int error = 0;
	for (; i < scrub->count && i < limits->segments_max && !error; i++) {
		if (limits->stop && limits->stop(limits->arg))
			return 0;
		unsigned damaged = scrub->result->damaged;
		repository_lock(r); /* for one segment at a time: others may ask meanwhile */
		error = is_open(r, scrub->list[i].number) ? 0 : check_segment(scrub, &scrub->list[i]);
		if (!error && scrub->result->damaged == damaged)
			chunk_trust(&r->chunks, scrub->list[i].number);
		repository_unlock(r);
		if (!error)
			*position = scrub->list[i].number;
		scrub->result->segments += !error;
	}
	scrub->result->ended = !error && i == scrub->count;
	return error;
}

int repository_scrub(
	struct repository *repository, uint64_t *position, const struct scrub_limits *limits, struct scrub_result *result)
{
	struct scrub scrub = { .repository = repository, .result = result, .above = *position };
	*result = (struct scrub_result){ .segments = 0 };
	scrub.walk = malloc(SEGMENT_WALK_SIZE);
	scrub.bytes = malloc(CHUNK_SIZE_MAX);
	int error = scrub.walk && scrub.bytes ? 0 : -ENOMEM;
	repository_lock(repository);
	if (!error)
		error = volume_list(repository->volume, note_segment, &scrub);
	repository->chunks.walked_from_start |= !*position;
	repository_unlock(repository);
	if (!error && scrub.count)
		qsort(scrub.list, scrub.count, sizeof *scrub.list, by_number);
	if (!error)
		error = check_all(&scrub, position, limits);
	repository_lock(repository);
	if (result->ended)
		chunk_walk_ended(&repository->chunks);
	repository_unlock(repository);
	if (result->ended)
		*position = 0;
	free(scrub.list);
	free(scrub.walk);
	free(scrub.bytes);
	return error;
}

void repository_set_checked(struct repository *repository, bool checked)
{
	repository_lock(repository);
	repository->checked = checked;
	repository_unlock(repository);
}
