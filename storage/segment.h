/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments: chunk records one after the other, a table of contents, a trailer. Written front to back by one process
 * life, sealed and synced, or dropped. FORMAT.md has the bytes. Nothing here knows a key.
 */
#ifndef STORAGE_SEGMENT_H
#define STORAGE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/name.h"
#include "storage/parity.h"
#include "storage/volume.h"

/* The highest byte of an id says what it is, the rest is a number that only grows. */
enum segment_kind { SEGMENT_DATA = 0, SEGMENT_SUPERBLOCK = 1, SEGMENT_ROOT = 2, SEGMENT_STATE = 3 };
#define SEGMENT_NUMBER_MASK ((UINT64_C(1) << 56) - 1)

static inline uint64_t segment_id(enum segment_kind kind, uint64_t number)
{
	return (uint64_t)kind << 56 | (number & SEGMENT_NUMBER_MASK);
}

#define CHUNK_HEAD_SIZE 88
#define SEGMENT_HEAD_SIZE 64
#define SEGMENT_TRAILER_SIZE 64
#define SEGMENT_CHUNKS_MAX 2048
#define SEGMENT_STRAYS_MAX 16

enum chunk_codec { CODEC_NONE = 0, CODEC_DEFLATE = 1 };
enum chunk_cipher { CIPHER_AES_256_GCM = 1 };

/* What is known of a chunk without a key. */
struct chunk_head {
	enum chunk_codec codec;
	enum chunk_cipher cipher;
	uint32_t stored_size; /* of the sealed bytes that follow */
	struct chunk_name name;
	uint8_t nonce[12], tag[16];
	uint32_t key_epoch;
	uint8_t dictionary[8]; /* the first bytes of the name of the chunk it was deflated with; zero: none */
	uint32_t crc;          /* CRC32C of the sealed bytes */
};

void chunk_head_put(uint8_t to[CHUNK_HEAD_SIZE], const struct chunk_head *head);
/* -EBADMSG: not a chunk record; -EPROTONOSUPPORT: a later version's, and critical. */
int chunk_head_get(struct chunk_head *head, const uint8_t from[CHUNK_HEAD_SIZE]);
/* The same of the first 84 bytes, which a chunk's entry in the contents has, too; their checksum is not looked at. */
int chunk_head_get_common(struct chunk_head *head, const uint8_t *from);

/* ---- writing ---- */

struct segment_writer {
	struct volume *volume;
	uint8_t repository[16];
	uint64_t next;    /* the number of the next segment */
	uint64_t current; /* the one that is being written, where `open` */
	bool open;
	uint64_t sealed;      /* the one that was sealed last, 0: none, */
	uint32_t sealed_size; /* and its size */
	bool condemned;       /* a write or a sync of it failed */
	uint32_t size;        /* of the current one so far, the buffered end counted in */
	uint32_t flushed;     /* of that, on the volume */
	uint32_t count;       /* chunks in it */
	uint32_t buffer_size;
	uint8_t *buffer;
	uint8_t *contents; /* SEGMENT_CHUNKS_MAX entries, CHUNK_HEAD_SIZE each */
	bool with_parity;
	struct parity_writer parity;
	/* Numbers that no root may count, though they are below the next: what lies there is not whole. Emptied by roots. */
	uint64_t strays[SEGMENT_STRAYS_MAX];
	unsigned stray_count;
};

int segment_writer_create(
	struct segment_writer *writer, struct volume *volume, const uint8_t repository[16], bool with_parity);
void segment_writer_destroy(struct segment_writer *writer);
/* Bytes of a segment that chunks and contents may take: the rest is for parity. */
uint32_t segment_capacity(const struct segment_writer *writer);
/* True where the open segment cannot take a chunk of so many sealed bytes and must be sealed first. */
bool segment_is_full(const struct segment_writer *writer, uint32_t stored_size);
/*
 * Appends a chunk; starts a segment where none is open. -E2BIG: no segment could hold it. Any error of the volume
 * condemns the segment: nothing but segment_discard may follow. -EIO also where too many strays wait for a root.
 */
int segment_append(struct segment_writer *writer, const struct chunk_head *head, const void *stored, uint32_t *offset);
/* Writes contents and trailer and syncs: the segment is durable on return. Nothing where none is open. */
int segment_seal(struct segment_writer *writer);
/* The open segment is removed; one that cannot be is a stray. */
void segment_discard(struct segment_writer *writer);
/* A stray: removed or not, should it be there in another life it counts for nothing. */
void segment_disown(struct segment_writer *writer, uint64_t number);
/* Entry number `i` of the open segment. */
void segment_entry(const struct segment_writer *writer, uint32_t i, struct chunk_head *head, uint32_t *offset);
/* Reads bytes of any segment, the buffered end of the open one too. */
int segment_read(struct segment_writer *writer, uint64_t number, uint32_t offset, void *bytes, uint32_t size);

/* ---- finding what is in one: segment_walk.c ---- */

struct healer;

typedef int segment_found(void *arg, uint64_t number, uint32_t offset, const struct chunk_head *head);

/* A buffer for segment_walk: this many bytes. */
#define SEGMENT_WALK_SIZE (SEGMENT_CHUNKS_MAX * CHUNK_HEAD_SIZE + SEGMENT_RECORD_SIZE + 4096)

struct segment_file {
	uint64_t number;
	uint32_t size;
};

/*
 * Calls found for each chunk. At most two reads where the segment is whole; what is damaged and can be healed is. -EBADMSG:
 * it is not sealed, not of this repository, or damaged at its end.
 */
int segment_walk(
	struct healer *healer, const struct segment_file *file, uint8_t *buffer, segment_found *found, void *arg);
/*
 * For a segment that segment_walk refuses: goes from chunk to chunk by the headers, up to the first that is damaged.
 * Many small reads.
 */
int segment_scan(struct healer *healer, const struct segment_file *file, segment_found *found, void *arg);

#endif
