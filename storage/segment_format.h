/* SPDX-License-Identifier: Apache-2.0 */
/* Head and trailer of a segment, for the files that read and write segments. FORMAT.md, "Data segments". */
#ifndef STORAGE_SEGMENT_FORMAT_H
#define STORAGE_SEGMENT_FORMAT_H

#include <stdint.h>

#include "storage/parity.h"

#define RECORD_CHUNK 1
#define RECORD_CRITICAL 0x01           /* whoever does not know the type must not go on */
#define SEGMENT_TAIL_SIZE (16u * 1024) /* the first read of a mount: trailer and, of short segments, the contents */

struct segment_contents {
	uint64_t number;
	uint32_t offset; /* where the contents begin */
	uint32_t count, crc;
	uint32_t size; /* of the whole segment */
	struct parity_layout parity;
	uint32_t table_crc; /* of the checksums in the tables of parity */
};

void segment_head_put(uint8_t *to, const uint8_t repository[16], uint64_t number, bool parity);
int segment_head_get(const uint8_t *from, const uint8_t repository[16], uint64_t number);
/* SEGMENT_TRAILER_SIZE without parity, SEGMENT_RECORD_SIZE with it. */
void segment_trailer_put(uint8_t *to, const uint8_t repository[16], const struct segment_contents *contents);
/*
 * The trailer that ends at the end of `size` bytes. -EBADMSG where there is none or anything is out of range: what it
 * returns can be used unchecked.
 */
int segment_trailer_get(
	struct segment_contents *contents, const uint8_t repository[16], const uint8_t *from, uint32_t size);

#endif
