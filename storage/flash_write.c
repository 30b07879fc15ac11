/* SPDX-License-Identifier: Apache-2.0 */
/* LEBs are lent to open segments, filled in memory, and written in one go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/flash_private.h"

/* ---- taking and giving back LEBs ---- */

/* The tombstone of a segment must outlive its strips. */
static int bury_dead(struct flash_volume *v)
{
	for (uint32_t leb = 0; leb < v->flash->count; leb++) {
		int error = v->lebs[leb].state == LEB_DEAD ? flash_change(v->flash, leb, NULL, 0) : 0;
		if (error)
			return error;
		if (v->lebs[leb].state == LEB_DEAD)
			v->lebs[leb] = (struct flash_leb){ .state = LEB_FRESH };
	}
	return 0;
}

static int take(struct flash_volume *v, uint32_t *taken)
{
	uint32_t last = NO_LEB, count = v->flash->count;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t leb = (v->next + i) % count;
		if (v->lebs[leb].state == LEB_UNREADABLE && last == NO_LEB)
			last = leb;
		if (v->lebs[leb].state < LEB_UNREADABLE) {
			last = leb;
			break;
		}
	}
	if (last == NO_LEB)
		return -ENOSPC;
	*taken = last;
	v->next = last + 1;
	return 0;
}

struct leb_head flash_make_head(struct flash_volume *v, enum leb_kind kind, uint64_t id, uint64_t birth)
{
	struct leb_head head = { .kind = kind, .order = ++v->order, .birth = birth, .id = id };
	memcpy(head.volume, v->id, 16);
	return head;
}

/* A LEB that holds nothing but this head, atomically. */
int flash_put_alone(struct flash_volume *v, uint32_t leb, const struct leb_head *head)
{
	uint8_t *bytes = malloc(v->head_size);
	if (!bytes)
		return -ENOMEM;
	leb_head_put(bytes, head, v->flash);
	int error = flash_change(v->flash, leb, bytes, v->head_size);
	free(bytes);
	return error;
}

/* From the first label on, a volume with torn LEBs is still known to be ours. */
static int put_label(struct flash_volume *v)
{
	uint32_t leb;
	int error = take(v, &leb);
	struct leb_head head = flash_make_head(v, LEB_LABEL, 0, 0);
	if (!error)
		error = flash_put_alone(v, leb, &head);
	if (error)
		return error;
	v->lebs[leb] = (struct flash_leb){ .state = LEB_TAKEN };
	v->labelled = true;
	return 0;
}

/* Before this life changes anything. */
int flash_prepare(struct flash_volume *v)
{
	int error = bury_dead(v);
	return error || v->labelled ? error : put_label(v);
}

/* ---- writing ---- */

static int begin_strip(struct flash_volume *v, struct open_segment *open, uint32_t strip)
{
	uint32_t leb;
	int error = flash_prepare(v);
	if (!error)
		error = take(v, &leb);
	if (error)
		return error;
	open->leb = leb;
	open->was = v->lebs[leb].state;
	v->lebs[leb] = (struct flash_leb){ .state = LEB_TAKEN };
	open->strip = strip;
	open->filled = 0;
	return 0;
}

static int start(struct flash_volume *v, uint64_t id, struct open_segment **started)
{
	uint32_t first;
	struct open_segment *open = v->segments;
	if (flash_find_open(v, id) || flash_find(v, id, &first))
		return -EEXIST;
	while (open < v->segments + VOLUME_OPEN_MAX && open->open)
		open++;
	if (open == v->segments + VOLUME_OPEN_MAX)
		return -EINVAL;
	*open = (struct open_segment){ .id = id, .birth = ++v->order, .leb = NO_LEB };
	open->buffer = malloc(v->flash->size);
	int error = open->buffer ? begin_strip(v, open, 0) : -ENOMEM;
	if (error) {
		free(open->buffer);
		open->buffer = NULL;
		return error;
	}
	open->open = true;
	*started = open;
	return 0;
}

static int write_strip(struct flash_volume *v, struct open_segment *open, uint16_t flags)
{
	struct leb_head head = flash_make_head(v, LEB_STRIP, open->id, open->birth);
	head.flags = flags;
	head.length = open->filled;
	head.strip = open->strip;
	leb_head_put(open->buffer, &head, v->flash);
	head.tail = true;
	leb_head_put(open->buffer + v->head_size + open->filled, &head, v->flash);
	int error = open->was < LEB_SPENT ? 0 : flash_unmap(v->flash, open->leb);
	open->was = LEB_SPENT;
	return error ? error : flash_write(v->flash, open->leb, 0, open->buffer, 2 * v->head_size + open->filled);
}

int flash_finish_strip(struct flash_volume *v, struct open_segment *open, uint16_t flags)
{
	int error = write_strip(v, open, flags);
	if (error) {
		v->lebs[open->leb].state = LEB_SPENT;
		open->leb = NO_LEB;
		open->condemned = true;
		return error;
	}
	v->lebs[open->leb] = (struct flash_leb){
		.id = open->id,
		.order = v->order,
		.birth = open->birth,
		.length = open->filled,
		.strip = (uint16_t)open->strip,
		.state = LEB_IN_USE,
		.kind = LEB_STRIP,
		.flags = (uint8_t)flags,
		.whole = WHOLE_YES,
	};
	flash_insert(v, open->leb);
	open->leb = NO_LEB;
	return 0;
}

static int append(struct flash_volume *v, struct open_segment *open, const uint8_t *bytes, uint32_t size)
{
	while (size) {
		if (open->filled == v->payload) {
			int error = flash_finish_strip(v, open, 0);
			if (!error)
				error = begin_strip(v, open, open->strip + 1);
			if (error) {
				open->condemned = true;
				return error;
			}
		}
		uint32_t room = v->payload - open->filled, step = size < room ? size : room;
		memcpy(open->buffer + v->head_size + open->filled, bytes, step);
		open->filled += step;
		open->end += step;
		bytes += step;
		size -= step;
	}
	return 0;
}

int flash_volume_write(struct volume *volume, uint64_t id, uint32_t offset, const void *bytes, uint32_t size)
{
	struct flash_volume *v = flash_volume_of(volume);
	struct open_segment *open = flash_find_open(v, id);
	if (offset == 0) {
		int error = start(v, id, &open);
		if (error)
			return error;
	}
	if (!open || offset != open->end)
		return -EINVAL;
	return open->condemned ? -EIO : append(v, open, bytes, size);
}

void flash_forget_open(struct flash_volume *v, struct open_segment *open)
{
	if (open->leb != NO_LEB)
		v->lebs[open->leb].state = open->was;
	free(open->buffer);
	*open = (struct open_segment){ .open = false };
}
