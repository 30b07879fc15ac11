/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments that are needed in part, those that parity had to heal, and many that are small: what is needed is copied into
 * a new segment, each chunk checked against its full name; the new one is sealed, synced and read back; then the index,
 * then the root, and only then the old one goes. After a cut between any two both are there, and the next mount believes
 * the newer where the root does.
 *
 * The lock is held for one new segment at a time. Whoever makes a snapshot or marks anew in between ends it: what had no
 * mark may be needed then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/repository_internal.h"

#define USUAL_PERCENT 50  /* a segment is worth it where at most so much of it is needed */
#define URGENT_PERCENT 90 /* where less than an eighth of the volume is free */
/*
 * A night leaves a small segment, and years of nights thousands of them, each with its erase blocks, its place in every
 * listing and two reads of every mount. Where there are so many that fill no more than a third, they become few; what
 * they become is merged again until it is larger, so that a chunk is copied a few times in its life.
 */
#define SMALL_PART 3
#define SMALL_COUNT 8

struct victim {
	struct segment_file file;
	uint32_t live, all; /* chunks: that are needed, that the index has */
	bool wounded;
	bool whole; /* all that is needed of it is in newer segments */
};

struct move {
	struct chunk_name name;
	struct place from, to;
};

struct compact {
	struct repository *repository;
	const struct compact_limits *limits;
	struct compact_result *result;
	uint64_t marks, writers; /* of the repository, when it was marked */
	struct victim *victims;
	size_t count, capacity, next;
	uint32_t move_count; /* into the segment that is being written */
	struct move moves[SEGMENT_CHUNKS_MAX];
	bool spent, full;
	uint8_t *walk, *stored, *bytes;
};

/* ---- choosing ---- */

static int note_segment(void *arg, uint64_t id, uint32_t size)
{
	struct compact *c = arg;
	if (id >> 56 != SEGMENT_DATA)
		return 0;
	if (c->count == c->capacity) {
		size_t capacity = c->capacity * 2 + 64;
		struct victim *larger = realloc(c->victims, capacity * sizeof *larger);
		if (!larger)
			return -ENOMEM;
		c->victims = larger;
		c->capacity = capacity;
	}
	c->victims[c->count++] = (struct victim){
		.file = { id, size },
		.wounded = heal_is_wounded(&c->repository->chunks.healer, id),
	};
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;
	return x->file.number < y->file.number ? -1 : x->file.number > y->file.number;
}

/* The emptiest first: they cost least and give most. */
static int by_share(const void *a, const void *b)
{
	const struct victim *x = a, *y = b;
	uint64_t p = (uint64_t)x->live * y->all, q = (uint64_t)y->live * x->all;
	return p < q ? -1 : p > q ? 1 : by_number(a, b);
}

static void count_chunk(void *arg, const struct place *place, bool marked)
{
	struct compact *c = arg;
	struct victim key = { .file = { .number = place->segment } };
	struct victim *victim = bsearch(&key, c->victims, c->count, sizeof key, by_number);
	if (!victim)
		return;
	victim->all++;
	victim->live += marked || c->limits->wounded_only;
}

/* What nothing is needed of is left to repository_clean: there is nothing to write anew. */
static bool is_worth_it(struct compact *c, const struct victim *victim, uint64_t percent)
{
	if (!victim->live)
		heal_forget(&c->repository->chunks.healer, victim->file.number);
	if (victim->wounded || c->limits->wounded_only)
		return victim->wounded && victim->live;
	return victim->live && victim->live * UINT64_C(100) <= victim->all * percent;
}

static bool is_small(const struct compact *c, const struct victim *victim)
{
	return victim->live && victim->file.size <= c->repository->volume->segment_size / SMALL_PART;
}

static bool are_many_small(const struct compact *c)
{
	unsigned count = 0;
	for (size_t i = 0; i < c->count; i++)
		count += is_small(c, &c->victims[i]);
	return count >= SMALL_COUNT;
}

static int choose(struct compact *c)
{
	struct repository *r = c->repository;
	struct volume_stat stat;
	int error = volume_stat(r->volume, &stat);
	if (!error)
		error = volume_list(r->volume, note_segment, c);
	if (error || !c->count)
		return error;
	uint64_t percent = stat.free < stat.size / 8 ? URGENT_PERCENT : USUAL_PERCENT;
	qsort(c->victims, c->count, sizeof *c->victims, by_number);
	index_each(&r->chunks.index, count_chunk, c);
	bool merge = !c->limits->wounded_only && are_many_small(c);
	size_t chosen = 0;
	for (size_t i = 0; i < c->count; i++)
		if (is_worth_it(c, &c->victims[i], percent) || (merge && is_small(c, &c->victims[i])))
			c->victims[chosen++] = c->victims[i];
	c->count = chosen;
	if (chosen)
		qsort(c->victims, chosen, sizeof *c->victims, by_share);
	return 0;
}

/* ---- copying ---- */

/* What the roots need is left for them, whatever happens. */
static int check_room(const struct repository *r)
{
	struct volume_stat stat;
	int error = volume_stat(r->volume, &stat);
	uint64_t needed = r->volume->segment_size + roots_room(&r->roots, &r->place);
	return error ? error : stat.free < needed ? -ENOSPC : 0;
}

static int append(struct compact *c, const struct place *from, const struct chunk_head *head)
{
	struct segment_writer *segments = &c->repository->chunks.segments;
	struct move *move = &c->moves[c->move_count];
	int error = segments->open ? 0 : check_room(c->repository);
	*move = (struct move){ .name = head->name, .from = *from };
	if (!error)
		error = segment_append(segments, head, c->stored, &move->to.offset);
	if (error)
		return error;
	move->to.segment = segments->current;
	c->move_count++;
	c->result->copied += head->stored_size;
	return 0;
}

/*
 * Without marks nobody knows what is needed: all that can be read. What this life does not know, since it could not be read
 * at mount, may be known to the next: its segment stays.
 */
static bool is_needed(struct compact *c, const struct chunk_name *name, const struct place *place)
{
	const struct index *index = &c->repository->chunks.index;
	size_t cursor = SIZE_MAX;
	struct place other;
	if (!c->limits->wounded_only)
		return index_is_marked(index, name, place);
	bool here = index_has(index, name, place);
	c->victims[c->next].whole &= here || index_next(index, name, &cursor, &other);
	return here;
}

static int copy_chunk(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	struct compact *c = arg;
	struct victim *victim = &c->victims[c->next];
	struct place from = { .segment = number, .offset = offset };
	if (!is_needed(c, &head->name, &from))
		return 0;
	int error = chunk_stored(&c->repository->chunks, &from, head, c->stored, c->bytes);
	/* A damaged chunk may go with its segment where another copy is whole; else the segment stays. */
	if (heal_is_damage(error)) {
		victim->whole &= chunk_replaced(&c->repository->chunks, &head->name, &from, c->bytes);
		return 0;
	}
	c->full = !error && segment_is_full(&c->repository->chunks.segments, head->stored_size);
	return error ? error : c->full ? 1 : append(c, &from, head);
}

/* 0, also where it must be gone through again when what was copied so far has moved (c->full), or an error. */
static int copy_victim(struct compact *c)
{
	struct repository *r = c->repository;
	struct victim *victim = &c->victims[c->next];
	victim->whole = true;
	c->full = false;
	int error = segment_walk(&r->chunks.healer, &victim->file, c->walk, copy_chunk, c);
	if (error == 1)
		return 0;
	if (heal_is_damage(error))
		victim->whole = false;
	return heal_is_damage(error) ? 0 : error;
}

/* ---- the new segment in place of the old ones ---- */

static int check_copy(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head)
{
	struct compact *c = arg;
	struct place place = { .segment = number, .offset = offset };
	return chunk_check(&c->repository->chunks, &place, head, c->bytes, CHUNK_SIZE_MAX);
}

/* Durable and read back; removed again where that failed. */
static int seal(struct compact *c)
{
	struct repository *r = c->repository;
	struct segment_writer *segments = &r->chunks.segments;
	if (!segments->open)
		return 0;
	int error = segment_seal(segments);
	struct segment_file file = { segments->current, segments->size };
	if (!error)
		error = segment_walk(&r->chunks.healer, &file, c->walk, check_copy, c);
	if (!error)
		error = heal_check_new(&r->chunks.healer, file.number);
	if (error && !segments->open) {
		heal_forget(&r->chunks.healer, file.number);
		volume_remove(r->volume, segment_id(SEGMENT_DATA, file.number));
	}
	return error;
}

static int replace(struct compact *c, size_t first)
{
	struct repository *r = c->repository;
	int error = seal(c);
	if (error)
		segment_disown(&r->chunks.segments, r->chunks.segments.current);
	segment_discard(&r->chunks.segments); /* nothing, but after an error */
	if (error)
		return error;
	for (uint32_t i = 0; i < c->move_count; i++)
		index_move(&r->chunks.index, &c->moves[i].name, &c->moves[i].from, &c->moves[i].to);
	error = repository_settle_roots(r);
	for (size_t i = first; i < c->next && !error; i++) {
		const struct victim *victim = &c->victims[i];
		heal_forget(&r->chunks.healer, victim->file.number); /* of what stays, the scrub tells again */
		if (!victim->whole)
			continue;
		chunk_trust(&r->chunks, victim->file.number);
		error = volume_remove(r->volume, segment_id(SEGMENT_DATA, victim->file.number));
		c->result->freed += error ? 0 : victim->file.size;
		c->result->healed += !error && victim->wounded;
	}
	return error;
}

static bool may_copy(struct compact *c)
{
	const struct victim *victim = &c->victims[c->next];
	uint64_t wanted = (uint64_t)victim->file.size * victim->live / victim->all;
	c->spent = c->result->copied + wanted > c->limits->copy_max;
	return !c->spent;
}

/* With the lock: one new segment. */
static int fill_one(struct compact *c)
{
	size_t first = c->next;
	int error = 0;
	c->move_count = 0;
	c->full = false;
	while (!error && c->next < c->count && may_copy(c)) {
		error = copy_victim(c);
		if (error || c->full)
			break;
		c->next++;
	}
	int replaced = replace(c, first);
	return error ? error : replaced;
}

/* ---- all of it ---- */

static bool is_still_true(const struct compact *c)
{
	const struct repository *r = c->repository;
	bool marked = r->marks == c->marks && r->writers == c->writers;
	return !r->writer && (marked || c->limits->wounded_only);
}

static int begin(struct compact *c)
{
	struct repository *r = c->repository;
	uint64_t freed = 0;
	int error = r->read_only ? -EROFS : r->writer ? -EBUSY : 0;
	if (!error && !c->limits->wounded_only)
		error = repository_clean(r, &freed); /* marks, too */
	c->result->freed = freed;
	c->marks = r->marks;
	c->writers = r->writers;
	return error ? error : choose(c);
}

static int run(struct compact *c)
{
	repository_lock(c->repository);
	int error = begin(c);
	repository_unlock(c->repository);
	while (!error && c->next < c->count && !c->spent) {
		if (c->limits->stop && c->limits->stop(c->limits->arg))
			break;
		repository_lock(c->repository);
		error = is_still_true(c) ? fill_one(c) : -EBUSY;
		repository_unlock(c->repository);
	}
	c->result->more = c->next < c->count;
	return error;
}

int repository_compact(
	struct repository *repository, const struct compact_limits *limits, struct compact_result *result)
{
	struct compact *c = calloc(1, sizeof *c);
	*result = (struct compact_result){ .copied = 0 };
	if (!c)
		return -ENOMEM;
	c->repository = repository;
	c->limits = limits;
	c->result = result;
	c->walk = malloc(SEGMENT_WALK_SIZE);
	c->stored = malloc(STORED_SIZE_MAX);
	c->bytes = malloc(CHUNK_SIZE_MAX);
	int error = c->walk && c->stored && c->bytes ? run(c) : -ENOMEM;
	free(c->victims);
	free(c->walk);
	free(c->stored);
	free(c->bytes);
	free(c);
	return error;
}
