/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 0 magic | 8 version | 12 place: 0 head, 1 tail | 13 kind | 14 flags | 16 volume id | 32 order | 40 birth | 48 segment id |
 * 56 length | 60 strip | 64 LEB size | 68 unit | 72 zeros | 124 CRC32C
 */
#include <errno.h>
#include <string.h>

#include "storage/crc32c.h"
#include "storage/flash_private.h"

static const uint8_t magic[8] = "CofFlash";

void leb_head_put(uint8_t *to, const struct leb_head *head, const struct flash *flash)
{
	memset(to, 0, round_up32(LEB_HEAD_SIZE, flash->unit));
	memcpy(to, magic, sizeof magic);
	put32(to + 8, 1);
	to[12] = head->tail;
	to[13] = (uint8_t)head->kind;
	put16(to + 14, head->flags);
	memcpy(to + 16, head->volume, 16);
	put64(to + 32, head->order);
	put64(to + 40, head->birth);
	put64(to + 48, head->id);
	put32(to + 56, head->length);
	put32(to + 60, head->strip);
	put32(to + 64, flash->size);
	put32(to + 68, flash->unit);
	put32(to + 124, crc32c(0, to, 124));
}

int leb_head_get(struct leb_head *head, const uint8_t from[LEB_HEAD_SIZE], const struct flash *flash)
{
	if (memcmp(from, magic, 8) != 0 || get32(from + 124) != crc32c(0, from, 124))
		return -EBADMSG;
	if (get32(from + 8) != 1 || from[13] < LEB_LABEL || from[13] > LEB_REMOVED)
		return -EPROTONOSUPPORT;
	if (get32(from + 64) != flash->size || get32(from + 68) != flash->unit)
		return -EXDEV;
	*head = (struct leb_head){
		.kind = from[13],
		.tail = from[12],
		.flags = get16(from + 14),
		.order = get64(from + 32),
		.birth = get64(from + 40),
		.id = get64(from + 48),
		.length = get32(from + 56),
		.strip = get32(from + 60),
	};
	memcpy(head->volume, from + 16, 16);
	uint32_t room = flash->size - 2 * round_up32(LEB_HEAD_SIZE, flash->unit);
	bool sane = head->length <= room && head->length % flash->unit == 0 && head->strip < FLASH_STRIPS_MAX &&
		(head->flags & LEB_LAST || head->kind != LEB_STRIP || head->length == room);
	return sane ? 0 : -EBADMSG;
}
