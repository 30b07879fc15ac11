/* SPDX-License-Identifier: Apache-2.0 */
/* The table of strips, and reading what they hold. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/flash_private.h"

/* ---- the table of strips ---- */

/* Where the first strip of this segment that is not before `strip` is, or would be. */
static uint32_t find(const struct flash_volume *v, uint64_t id, uint32_t strip)
{
	uint32_t low = 0, high = v->strip_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct flash_leb *leb = &v->lebs[v->strips[middle]];
		if (leb->id < id || (leb->id == id && leb->strip < strip))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* How many of its strips there are, from *first on. */
uint32_t flash_find(const struct flash_volume *v, uint64_t id, uint32_t *first)
{
	uint32_t end = *first = find(v, id, 0);
	while (end < v->strip_count && v->lebs[v->strips[end]].id == id)
		end++;
	return end - *first;
}

void flash_insert(struct flash_volume *v, uint32_t leb)
{
	uint32_t at = find(v, v->lebs[leb].id, v->lebs[leb].strip);
	memmove(v->strips + at + 1, v->strips + at, (v->strip_count - at) * sizeof *v->strips);
	v->strips[at] = leb;
	v->strip_count++;
}

/* Of a segment that is not open: up to the end of the last strip that is there. */
uint32_t flash_size_of(const struct flash_volume *v, uint32_t first, uint32_t count)
{
	const struct flash_leb *last = &v->lebs[v->strips[first + count - 1]];
	return last->strip * v->payload + last->length;
}

bool flash_is_complete(const struct flash_volume *v, uint32_t first, uint32_t count)
{
	const struct flash_leb *last = &v->lebs[v->strips[first + count - 1]];
	return last->flags & LEB_LAST && last->strip == count - 1;
}

struct open_segment *flash_find_open(struct flash_volume *v, uint64_t id)
{
	for (size_t i = 0; i < VOLUME_OPEN_MAX; i++)
		if (v->segments[i].open && v->segments[i].id == id)
			return &v->segments[i];
	return NULL;
}

/* ---- reading ---- */

/* Reading again often helps, and a unit at a time finds the bad one only where it is wanted. */
static int read_patiently(struct flash_volume *v, uint32_t leb, uint32_t offset, void *bytes, uint32_t size)
{
	int error = flash_read(v->flash, leb, offset, bytes, size);
	if (error != -EBADMSG)
		return error;
	uint8_t *bad = calloc(1, size / v->flash->unit / 8 + 2);
	if (!bad)
		return -ENOMEM;
	int count = flash_read_units(v->flash, leb, offset, bytes, size, bad);
	free(bad);
	return count > 0 ? -EBADMSG : count;
}

/* A strip is whole where its tail is there, and says what the head says. */
int flash_check_whole(struct flash_volume *v, uint32_t number)
{
	struct flash_leb *leb = &v->lebs[number];
	uint8_t bytes[LEB_HEAD_SIZE];
	struct leb_head tail;
	if (leb->whole != WHOLE_UNKNOWN)
		return leb->whole == WHOLE_YES ? 0 : -EBADMSG;
	int error = read_patiently(v, number, v->head_size + leb->length, bytes, sizeof bytes);
	if (!error)
		error = leb_head_get(&tail, bytes, v->flash);
	if (error && error != -EBADMSG)
		return error;
	bool whole = !error && tail.tail && tail.kind == LEB_STRIP && tail.order == leb->order && tail.id == leb->id &&
		tail.strip == leb->strip && tail.length == leb->length && !memcmp(tail.volume, v->id, 16);
	leb->whole = whole ? WHOLE_YES : WHOLE_NO;
	return whole ? 0 : -EBADMSG;
}

static int read_strip(struct flash_volume *v, uint64_t id, uint32_t strip, uint32_t offset, void *bytes, uint32_t size)
{
	uint32_t at = find(v, id, strip);
	if (at == v->strip_count || v->lebs[v->strips[at]].id != id || v->lebs[v->strips[at]].strip != strip)
		return -EBADMSG; /* it was there: a later one is */
	int error = flash_check_whole(v, v->strips[at]);
	return error ? error : read_patiently(v, v->strips[at], v->head_size + offset, bytes, size);
}

int flash_volume_read(struct volume *volume, uint64_t id, uint32_t offset, void *bytes, uint32_t size)
{
	struct flash_volume *v = flash_volume_of(volume);
	const struct open_segment *open = flash_find_open(v, id);
	uint32_t first, count = flash_find(v, id, &first);
	if (!open && !count)
		return -ENOENT;
	uint32_t end = open ? open->end : flash_size_of(v, first, count);
	if (offset > end || size > end - offset)
		return -ERANGE;
	for (uint8_t *to = bytes; size;) {
		uint32_t strip = offset / v->payload, inside = offset % v->payload;
		uint32_t step = v->payload - inside < size ? v->payload - inside : size;
		int error = 0;
		if (open && strip == open->strip)
			memcpy(to, open->buffer + v->head_size + inside, step);
		else
			error = read_strip(v, id, strip, inside, to, step);
		if (error)
			return error;
		to += step;
		offset += step;
		size -= step;
	}
	return 0;
}
