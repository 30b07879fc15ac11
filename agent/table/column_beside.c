/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that repeat much of another column's value in their row, as rich text does its plain text: what they copy is
 * written as steps, what is left of them is kept. deflate cannot do it, the other column is out of its window's reach.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/table/bytes.h"
#include "agent/table/column_write.h"

#define COPY_LEAST 8   /* bytes, but where a value continues where the one before did */
#define COPIES_MAX 64  /* of one value */
#define STEPS_MAX 1024 /* bytes of the steps of one value: a number, and three for each copy, none above 2^32 */
#define SAMPLE 32      /* values after which it must have been worth it */
#define HASH_BITS 12

/* One value, what it may copy from, and where both are. */
struct side {
	const uint8_t *bytes, *near;
	size_t size, near_size;
	size_t at, near_at; /* what is behind the last copy */
	uint8_t *steps;     /* of its copies */
	unsigned int copies;
	bool hashed;
};

static size_t hash_at(const uint8_t *bytes)
{
	return (size_t)(get64(bytes) * 0x9e3779b97f4a7c15 >> (64 - HASH_BITS));
}

/* Where each run of COPY_LEAST bytes was seen last. What other rows left there does no harm: bytes are compared. */
static void hash_near(struct side *side, uint32_t *places)
{
	for (size_t i = 0; i + COPY_LEAST <= side->near_size; i++)
		places[hash_at(side->near + i)] = (uint32_t)i;
	side->hashed = true;
}

static size_t common(const struct side *side, size_t at, size_t near_at)
{
	size_t most = side->size - at, n = 0;

	if (most > side->near_size - near_at)
		most = side->near_size - near_at;
	while (n < most && side->bytes[at + n] == side->near[near_at + n])
		n++;
	return n;
}

/* Takes a copy down: the bytes before it that are kept, how far it is from the last one, and its length, 0 to the end. */
static void add_copy(struct side *side, struct beside *beside, size_t at, size_t near_at, size_t size)
{
	size_t kept = at - side->at;

	memcpy(beside->kept + beside->kept_size, side->bytes + side->at, kept);
	beside->kept_size += kept;
	side->steps = varint_put(side->steps, kept);
	side->steps = varint_put(side->steps, zigzag((uint64_t)near_at - side->near_at));
	side->steps = varint_put(side->steps, near_at + size == side->near_size ? 0 : size);
	side->at = at + size;
	side->near_at = near_at + size;
	side->copies++;
}

/* The next run of COPY_LEAST bytes or more that is in both. */
static bool find_copy(struct side *side, struct beside *beside)
{
	if (!side->hashed)
		hash_near(side, beside->places);
	for (size_t at = side->at; at + COPY_LEAST <= side->size; at++) {
		size_t near_at = beside->places[hash_at(side->bytes + at)];
		size_t size = near_at < side->near_size ? common(side, at, near_at) : 0;

		if (size < COPY_LEAST)
			continue;
		add_copy(side, beside, at, near_at, size);
		return true;
	}
	return false;
}

/* The whole of the other value, as far into this one as it was in the value before. */
static void copy_as_before(struct side *side, struct beside *beside, size_t before)
{
	if (before < side->size && common(side, before, 0) == side->near_size)
		add_copy(side, beside, before, 0, side->near_size);
}

/* What is kept of the value behind its last copy, and its steps. */
static void end_split(struct side *side, struct beside *beside, const uint8_t *copies)
{
	size_t kept = side->size - side->at, steps = (size_t)(side->steps - copies);

	memcpy(beside->kept + beside->kept_size, side->bytes + side->at, kept);
	beside->kept_size += kept;
	beside->steps[beside->steps_size++] = (uint8_t)side->copies;
	memcpy(beside->steps + beside->steps_size, copies, steps);
	beside->steps_size += steps;
}

/* Leaves in the cell what is kept of it. Returns the bytes before the first copy, where there is one, else `before`. */
static size_t split(struct beside *beside, struct cell *cell, size_t before)
{
	const struct cell *near = &beside->near[cell->row];
	uint8_t copies[STEPS_MAX];
	struct side side = { .bytes = cell->bytes, .size = cell->size, .near = near->bytes, .near_size = near->size };
	const uint8_t *start = beside->kept + beside->kept_size, *first = copies;
	uint64_t kept_first = before;

	side.steps = copies;
	if (side.near_size)
		copy_as_before(&side, beside, before);
	while (side.copies < COPIES_MAX && side.near_size >= COPY_LEAST && find_copy(&side, beside))
		;
	end_split(&side, beside, copies);
	cell->bytes = start;
	cell->size = (uint32_t)(beside->kept + beside->kept_size - start);
	if (side.copies)
		varint_get(&first, side.steps, &kept_first);
	return (size_t)kept_first;
}

bool column_beside_split(struct column_writer *writer)
{
	struct beside *beside = &writer->beside;
	size_t before = 0, bytes = 0;

	beside->kept_size = beside->steps_size = 0;
	for (size_t i = 0; i < writer->present; i++) {
		if (beside->steps_size + STEPS_MAX > beside->room)
			return false;
		beside->cells[i] = writer->cells[i];
		bytes += writer->cells[i].size;
		before = split(beside, &beside->cells[i], before);
		if ((i + 1 == writer->present || i + 1 == SAMPLE) && (beside->kept_size + beside->steps_size) * 4 > bytes * 3)
			return false;
	}
	return true;
}

void column_beside_swap(struct column_writer *writer)
{
	struct cell *cells = writer->cells;

	writer->cells = writer->beside.cells;
	writer->beside.cells = cells;
}

void column_beside_offer(struct column_writer *writer)
{
	struct beside *beside = &writer->beside;
	size_t bytes = 0;

	for (size_t i = 0; i < writer->present; i++)
		bytes += writer->cells[i].size;
	if (bytes <= beside->near_bytes)
		return;
	beside->near_bytes = bytes;
	beside->near_column = writer->column;
	memset(beside->near, 0, writer->rows * sizeof(*beside->near));
	for (size_t i = 0; i < writer->present; i++)
		beside->near[writer->cells[i].row] = writer->cells[i];
}

int column_beside_create(struct beside *beside, size_t max_rows, size_t max_bytes)
{
	*beside = (struct beside){
		.near = calloc(max_rows, sizeof(*beside->near)),
		.cells = malloc(max_rows * sizeof(*beside->cells)),
		.kept = malloc(max_bytes),
		.steps = malloc(max_bytes),
		.places = calloc((size_t)1 << HASH_BITS, sizeof(*beside->places)),
		.room = max_bytes,
	};
	return beside->near && beside->cells && beside->kept && beside->steps && beside->places ? 0 : -ENOMEM;
}

void column_beside_free(struct beside *beside)
{
	free(beside->near);
	free(beside->cells);
	free(beside->kept);
	free(beside->steps);
	free(beside->places);
}
