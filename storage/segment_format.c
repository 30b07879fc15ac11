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
 * Head: 0 magic, 8 version, 12 strips (1 without parity, 0: the trailer says), 14 parity strips, 16 number, 24 repository,
 * 40 strip size (0: the trailer says), 44 zeros, 60 CRC32C.
 */
void segment_head_put(uint8_t *to, const uint8_t repository[16], uint64_t number, bool parity)
{
	memset(to, 0, SEGMENT_HEAD_SIZE);
	memcpy(to, head_magic, 8);
	put32(to + 8, 1);
	put16(to + 12, !parity);
	put16(to + 14, parity);
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

/*
 * Trailer: 0 repository, 16 number, 24 contents: offset, 28 count, 32 CRC32C, 36 size, 40 zeros. With parity: 40 data,
 * 44 strip, 48 unit, 52 CRC32C of the checksums, 56 zeros. Its last 16 bytes: magic, version, CRC32C.
 */
void segment_trailer_put(uint8_t *to, const uint8_t repository[16], const struct segment_contents *contents)
{
	bool parity = contents->parity.strip;
	uint32_t size = parity ? SEGMENT_RECORD_SIZE : SEGMENT_TRAILER_SIZE;
	memset(to, 0, size);
	memcpy(to, repository, 16);
	put64(to + 16, contents->number);
	put32(to + 24, contents->offset);
	put32(to + 28, contents->count);
	put32(to + 32, contents->crc);
	put32(to + 36, contents->size);
	if (parity) {
		put32(to + 40, contents->parity.data);
		put32(to + 44, contents->parity.strip);
		put32(to + 48, contents->parity.unit);
		put32(to + 52, contents->table_crc);
	}
	memcpy(to + size - 16, trailer_magic, 8);
	put32(to + size - 8, parity ? 2 : 1);
	put32(to + size - 4, crc32c(0, to, size - 4));
}

static int get_parity(struct segment_contents *contents, const uint8_t *from)
{
	struct parity_layout *parity = &contents->parity;
	*parity = (struct parity_layout){ .data = get32(from + 40), .strip = get32(from + 44), .unit = get32(from + 48) };
	contents->table_crc = get32(from + 52);
	if (!parity->unit || parity->unit > PARITY_UNIT_MAX || !parity->strip || parity->data % parity->unit ||
		parity->strip % parity->unit)
		return -EBADMSG;
	uint64_t units = (uint64_t)parity->data / parity->unit + parity->strip / parity->unit;
	uint64_t rest = (uint64_t)parity->data + parity->strip;
	if (units > PARITY_UNITS_MAX || rest > contents->size)
		return -EBADMSG;
	rest = contents->size - rest;
	parity->table = (uint32_t)(rest / 2);
	return rest % 2 || parity->table < SEGMENT_RECORD_SIZE + 4 * units ? -EBADMSG : 0;
}

int segment_trailer_get(
	struct segment_contents *contents, const uint8_t repository[16], const uint8_t *from, uint32_t size)
{
	if (size < SEGMENT_TRAILER_SIZE || memcmp(from + size - 16, trailer_magic, 8) != 0)
		return -EBADMSG;
	uint32_t version = get32(from + size - 8);
	uint32_t own = version == 1 ? SEGMENT_TRAILER_SIZE : SEGMENT_RECORD_SIZE;
	if (version < 1 || version > 2 || size < own)
		return -EBADMSG;
	from += size - own;
	if (get32(from + own - 4) != crc32c(0, from, own - 4) || memcmp(from, repository, 16) != 0)
		return -EBADMSG;
	*contents = (struct segment_contents){
		.number = get64(from + 16),
		.offset = get32(from + 24),
		.count = get32(from + 28),
		.crc = get32(from + 32),
		.size = get32(from + 36),
	};
	int error = version == 2 ? get_parity(contents, from) : 0;
	if (error)
		return error;
	uint64_t end = (uint64_t)contents->offset + (uint64_t)contents->count * CHUNK_HEAD_SIZE;
	uint64_t room = version == 2 ? contents->parity.data : (uint64_t)contents->size - SEGMENT_TRAILER_SIZE;
	if (contents->count > SEGMENT_CHUNKS_MAX || contents->offset < SEGMENT_HEAD_SIZE ||
		contents->size < SEGMENT_TRAILER_SIZE || end > room)
		return -EBADMSG;
	return 0;
}
