/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/segment_format.h"

#include <errno.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/segment.h"

static const uint8_t head_magic[8] = "CofSegHd";
static const uint8_t trailer_magic[8] = "CofSegEn";

/*
 * Head: 0 magic, 8 version, 12 strips and parity strips (1, 0: no parity), 16 number, 24 repository, 40 strip size
 * (0: the whole segment), 44 zeros, 60 CRC32C.
 */
void segment_head_put(uint8_t *to, const uint8_t repository[16], uint64_t number)
{
	memset(to, 0, SEGMENT_HEAD_SIZE);
	memcpy(to, head_magic, 8);
	put32(to + 8, 1);
	put16(to + 12, 1);
	put64(to + 16, number);
	memcpy(to + 24, repository, 16);
	put32(to + 60, crc32c(0, to, 60));
}

int segment_head_get(const uint8_t *from, const uint8_t repository[16], uint64_t number)
{
	bool ours = !memcmp(from, head_magic, 8) && get32(from + 60) == crc32c(0, from, 60) && get32(from + 8) == 1 &&
		get64(from + 16) == number && !memcmp(from + 24, repository, 16);
	return ours ? 0 : -EBADMSG;
}

/* Trailer: 0 repository, 16 number, 24 contents: offset, 28 count, 32 CRC32C, 36 size, 40 zeros, 48 magic, 56 version,
 * 60 CRC32C. */
void segment_trailer_put(uint8_t *to, const uint8_t repository[16], const struct segment_contents *contents)
{
	memset(to, 0, SEGMENT_TRAILER_SIZE);
	memcpy(to, repository, 16);
	put64(to + 16, contents->number);
	put32(to + 24, contents->offset);
	put32(to + 28, contents->count);
	put32(to + 32, contents->crc);
	put32(to + 36, contents->size);
	memcpy(to + 48, trailer_magic, 8);
	put32(to + 56, 1);
	put32(to + 60, crc32c(0, to, 60));
}

int segment_trailer_get(struct segment_contents *contents, const uint8_t repository[16], const uint8_t *from)
{
	if (memcmp(from + 48, trailer_magic, 8) != 0 || get32(from + 60) != crc32c(0, from, 60) || get32(from + 56) != 1 ||
		memcmp(from, repository, 16) != 0)
		return -EBADMSG;
	*contents = (struct segment_contents){
		.number = get64(from + 16),
		.offset = get32(from + 24),
		.count = get32(from + 28),
		.crc = get32(from + 32),
		.size = get32(from + 36),
	};
	uint64_t end = (uint64_t)contents->offset + (uint64_t)contents->count * CHUNK_HEAD_SIZE + SEGMENT_TRAILER_SIZE;
	if (contents->count > SEGMENT_CHUNKS_MAX || contents->offset < SEGMENT_HEAD_SIZE || end > contents->size)
		return -EBADMSG;
	return 0;
}
