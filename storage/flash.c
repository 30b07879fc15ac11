/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/flash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/flash_private.h"

/* ---- sync ---- */

static int sync_open(struct flash_volume *v, struct open_segment *open)
{
	int error = open->condemned ? -EIO : flash_finish_strip(v, open, LEB_LAST);
	if (!error)
		flash_forget_open(v, open);
	return error;
}

/*
 * The strip that was written last before this life may have been cut just before its end, and only seem whole. Its bytes
 * are read well: its tail was begun after they were on the medium. Written anew they last.
 */
static int settle(struct flash_volume *v, uint32_t number)
{
	struct flash_leb *leb = &v->lebs[number];
	uint8_t *bytes = malloc(v->flash->size);
	if (!bytes)
		return -ENOMEM;
	struct leb_head head = flash_make_head(v, LEB_STRIP, leb->id, leb->birth);
	head.flags = leb->flags | LEB_SETTLED;
	head.length = leb->length;
	head.strip = leb->strip;
	leb_head_put(bytes, &head, v->flash);
	head.tail = true;
	leb_head_put(bytes + v->head_size + leb->length, &head, v->flash);
	int error = flash_read(v->flash, number, v->head_size, bytes + v->head_size, leb->length);
	if (!error)
		error = flash_change(v->flash, number, bytes, 2 * v->head_size + leb->length);
	free(bytes);
	if (error)
		return error;
	leb->order = head.order;
	leb->flags = (uint8_t)head.flags;
	v->suspect = NO_LEB;
	return 0;
}

static int sync_earlier(struct flash_volume *v, uint32_t first, uint32_t count)
{
	if (!flash_is_complete(v, first, count))
		return -EBADMSG;
	for (uint32_t i = first; i < first + count; i++) {
		int error = flash_check_whole(v, v->strips[i]);
		if (!error && v->strips[i] == v->suspect)
			error = settle(v, v->strips[i]);
		if (error)
			return error;
	}
	return 0;
}

static int flash_volume_sync(struct volume *volume, uint64_t id)
{
	struct flash_volume *v = flash_volume_of(volume);
	struct open_segment *open = flash_find_open(v, id);
	uint32_t first, count = flash_find(v, id, &first);
	if (open)
		return sync_open(v, open);
	return count ? sync_earlier(v, first, count) : -ENOENT;
}

/* ---- remove ---- */

/* What cannot be emptied now is, before anything is written next. The tombstone keeps it dead until then. */
static void empty(struct flash_volume *v, uint32_t leb)
{
	bool emptied = !flash_change(v->flash, leb, NULL, 0);
	v->lebs[leb] = (struct flash_leb){ .state = emptied ? LEB_FRESH : LEB_DEAD };
	if (v->suspect == leb)
		v->suspect = NO_LEB;
}

static int bury(struct flash_volume *v, uint32_t first, uint32_t count)
{
	uint32_t last = v->strips[first + count - 1];
	int error = flash_prepare(v);
	struct leb_head tombstone = flash_make_head(v, LEB_REMOVED, v->lebs[last].id, v->lebs[last].birth);
	if (!error)
		error = flash_put_alone(v, last, &tombstone);
	if (error)
		return error;
	for (uint32_t i = first; i < first + count - 1; i++)
		empty(v, v->strips[i]);
	v->lebs[last] = (struct flash_leb){ .state = LEB_SPENT };
	if (v->suspect == last)
		v->suspect = NO_LEB;
	memmove(v->strips + first, v->strips + first + count, (v->strip_count - first - count) * sizeof *v->strips);
	v->strip_count -= count;
	return 0;
}

static int flash_volume_remove(struct volume *volume, uint64_t id)
{
	struct flash_volume *v = flash_volume_of(volume);
	struct open_segment *open = flash_find_open(v, id);
	uint32_t first, count = flash_find(v, id, &first);
	if (!open && !count)
		return -ENOENT;
	if (open)
		flash_forget_open(v, open);
	return count ? bury(v, first, count) : 0;
}

/* ---- list and stat ---- */

static int flash_volume_list(struct volume *volume, int (*found)(void *arg, uint64_t id, uint32_t size), void *arg)
{
	struct flash_volume *v = flash_volume_of(volume);
	uint32_t count, first;
	int result = 0;
	for (size_t i = 0; i < VOLUME_OPEN_MAX && !result; i++)
		if (v->segments[i].open)
			result = found(arg, v->segments[i].id, v->segments[i].end);
	for (uint32_t at = 0; at < v->strip_count && !result; at = first + count) {
		uint64_t id = v->lebs[v->strips[at]].id;
		count = flash_find(v, id, &first);
		if (!flash_find_open(v, id))
			result = found(arg, id, flash_size_of(v, first, count));
	}
	return result;
}

static bool flash_volume_is_damaged(struct volume *volume, uint64_t id)
{
	struct flash_volume *v = flash_volume_of(volume);
	uint32_t first, count = flash_find(v, id, &first);
	return count && !flash_find_open(v, id) && !flash_is_complete(v, first, count);
}

static int flash_volume_stat(struct volume *volume, struct volume_stat *stat)
{
	struct flash_volume *v = flash_volume_of(volume);
	struct flash_stat flash;
	int error = flash_stat(v->flash, &flash);
	uint32_t free_lebs = 0;
	for (uint32_t leb = 0; leb < v->flash->count; leb++)
		free_lebs += v->lebs[leb].state <= LEB_DEAD;
	free_lebs -= !v->labelled && free_lebs;
	stat->size = (uint64_t)(v->flash->count - 1) * v->payload;
	stat->free = (uint64_t)free_lebs * v->payload;
	stat->bad_blocks = flash.bad_blocks;
	stat->max_erase_count = flash.max_erase_count;
	stat->durable = true;
	stat->read_only = flash.read_only;
	return error;
}

static const struct volume_ops flash_volume_ops = {
	.write = flash_volume_write,
	.sync = flash_volume_sync,
	.read = flash_volume_read,
	.remove = flash_volume_remove,
	.list = flash_volume_list,
	.stat = flash_volume_stat,
	.is_damaged = flash_volume_is_damaged,
};

/* ---- opening ---- */

static int set_geometry(struct flash_volume *v, uint32_t strips)
{
	const struct flash *flash = v->flash;
	v->head_size = round_up32(LEB_HEAD_SIZE, flash->unit);
	if (flash->size < 2 * v->head_size + flash->unit || flash->count < 2 || strips > FLASH_STRIPS_MAX)
		return -EINVAL;
	v->payload = flash->size - 2 * v->head_size;
	/* One of them is for parity, which should not be as much as what it protects. */
	uint32_t enough = (FLASH_SEGMENT_SIZE + v->payload - 1) / v->payload + 1;
	enough = enough < FLASH_STRIPS_MIN ? FLASH_STRIPS_MIN : enough;
	strips = strips ? strips : enough < FLASH_STRIPS_MAX ? enough : FLASH_STRIPS_MAX;
	if (strips > UINT32_MAX / v->payload)
		return -EINVAL;
	v->volume = (struct volume){ &flash_volume_ops, strips * v->payload, flash->unit, v->payload };
	return 0;
}

int flash_volume_open(struct volume **volume, struct flash *flash, uint32_t strips)
{
	struct flash_volume *v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->flash = flash;
	int error = set_geometry(v, strips);
	if (!error) {
		v->lebs = calloc(flash->count, sizeof *v->lebs);
		v->strips = calloc(flash->count, sizeof *v->strips);
		error = v->lebs && v->strips ? flash_scan(v) : -ENOMEM;
	}
	if (error) {
		flash_volume_close(&v->volume);
		return error;
	}
	*volume = &v->volume;
	return 0;
}

void flash_volume_close(struct volume *volume)
{
	if (!volume)
		return;
	struct flash_volume *v = flash_volume_of(volume);
	for (size_t i = 0; i < VOLUME_OPEN_MAX; i++)
		free(v->segments[i].buffer);
	free(v->lebs);
	free(v->strips);
	free(v);
}
