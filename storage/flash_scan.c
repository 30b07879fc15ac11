/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a flash volume: one look at the head of every LEB says which segments there are. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/crypto.h"
#include "storage/flash_private.h"

#define LIFE \
	(UINT64_C(1) << 20) /* each life counts on from there: what could not be read may have had a higher order */
#define LIVES (UINT64_C(1) << 20)
#define ORDER_MAX (UINT64_MAX / 2)

struct scan {
	struct flash_volume *v;
	uint32_t mapped, known;
	uint64_t highest;
};

static bool is_blank(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (bytes[i] != 0xff)
			return false;
	return true;
}

static int note_head(struct scan *scan, uint32_t leb, const struct leb_head *head)
{
	struct flash_volume *v = scan->v;
	if (head->tail || head->strip >= v->volume.segment_size / v->payload || head->order > ORDER_MAX)
		return -EBADMSG;
	if (!scan->known++)
		memcpy(v->id, head->volume, 16);
	else if (memcmp(v->id, head->volume, 16) != 0)
		return -EXDEV; /* LEBs of two volumes: nobody can say which of them is meant */
	v->lebs[leb] = (struct flash_leb){
		.id = head->id,
		.order = head->order,
		.birth = head->birth,
		.length = head->length,
		.strip = (uint16_t)head->strip,
		.kind = (uint8_t)head->kind,
		.flags = (uint8_t)head->flags,
		.state = head->kind == LEB_STRIP ? LEB_IN_USE
			: head->kind == LEB_LABEL    ? LEB_TAKEN
										 : LEB_SPENT,
	};
	v->labelled |= head->kind == LEB_LABEL;
	if (head->order >= scan->highest) {
		bool hit = head->kind == LEB_STRIP && !(head->flags & LEB_SETTLED);
		scan->highest = head->order;
		v->suspect = hit ? leb : NO_LEB;
	}
	return 0;
}

static int look(struct scan *scan, uint32_t leb)
{
	struct flash_volume *v = scan->v;
	uint8_t bytes[LEB_HEAD_SIZE];
	struct leb_head head;
	int mapped = flash_is_mapped(v->flash, leb);
	if (mapped <= 0)
		return mapped;
	scan->mapped++;
	v->lebs[leb].state = LEB_UNREADABLE;
	int error = flash_read(v->flash, leb, 0, bytes, sizeof bytes);
	if (error == -EBADMSG) /* often it helps; were it the newest root, what only that knows would be dropped */
		error = flash_read(v->flash, leb, 0, bytes, sizeof bytes);
	if (!error && is_blank(bytes, sizeof bytes)) {
		v->lebs[leb].state = LEB_SPENT;
		return 0;
	}
	if (!error)
		error = leb_head_get(&head, bytes, v->flash);
	if (!error)
		error = note_head(scan, leb, &head);
	return error == -EBADMSG ? 0 : error;
}

/* ---- which of them count ---- */

struct entry {
	uint32_t leb;
	const struct flash_leb *is;
};

/* By segment; in one, its newest writing first, and of that a removal before the strips, and these in order. */
static int by_segment(const void *a, const void *b)
{
	const struct flash_leb *x = ((const struct entry *)a)->is, *y = ((const struct entry *)b)->is;
	if (x->id != y->id)
		return x->id < y->id ? -1 : 1;
	if (x->birth != y->birth)
		return x->birth > y->birth ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind == LEB_REMOVED ? -1 : 1;
	if (x->strip != y->strip)
		return x->strip < y->strip ? -1 : 1;
	return x->order > y->order ? -1 : x->order < y->order;
}

static void keep_newest(struct flash_volume *v, const struct entry *entries, uint32_t count)
{
	const struct flash_leb *first = NULL, *before = NULL;
	for (uint32_t i = 0; i < count; i++) {
		const struct flash_leb *is = entries[i].is;
		if (!first || first->id != is->id)
			first = is, before = NULL;
		if (is->kind != LEB_STRIP)
			continue;
		bool counts = first->kind == LEB_STRIP && is->birth == first->birth && !(before && before->strip == is->strip);
		if (counts)
			v->strips[v->strip_count++] = entries[i].leb;
		else
			v->lebs[entries[i].leb].state = LEB_DEAD;
		before = counts ? is : before;
	}
}

static int resolve(struct flash_volume *v)
{
	struct entry *entries = malloc(v->flash->count * sizeof *entries);
	uint32_t count = 0;
	if (!entries)
		return -ENOMEM;
	for (uint32_t leb = 0; leb < v->flash->count; leb++)
		if (v->lebs[leb].kind == LEB_STRIP || v->lebs[leb].kind == LEB_REMOVED)
			entries[count++] = (struct entry){ leb, &v->lebs[leb] };
	if (count)
		qsort(entries, count, sizeof *entries, by_segment);
	keep_newest(v, entries, count);
	free(entries);
	return 0;
}

int flash_scan(struct flash_volume *v)
{
	struct scan scan = { .v = v };
	v->suspect = NO_LEB;
	for (uint32_t leb = 0; leb < v->flash->count; leb++) {
		int error = look(&scan, leb);
		if (error)
			return error;
	}
	/* Only who wants to do harm writes one so high: what counts on from it would soon not be valid. */
	if ((scan.mapped && !scan.known) || scan.highest > ORDER_MAX - LIVES * LIFE)
		return -EXDEV;
	v->order = scan.highest + LIFE;
	return scan.known ? resolve(v) : crypto_random(v->id, sizeof v->id);
}
