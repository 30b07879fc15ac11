/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Row groups: rows in, chunks out, and back. FORMAT.md beside this file has the bytes.
 *
 * The list of chunks is a function of the rows and of the rowgroup_params alone: never of batches, of memory, or of
 * what was stored before. Boundaries fall at several scales. A run ends at a rare boundary (the hash of a row's key),
 * at a limit of rows or bytes, or after a group that is long enough, or chosen among short ones by the hash of its
 * leading key value; a closed run is one chunk. The last, open run of a group (the rows of one leading key value, or of the table) is cut at more frequent
 * boundaries instead, the shorter the nearer they are to its end, so that an append rewrites little. Without a key the
 * hash of the whole row decides.
 *
 * A value of more than `inline_limit` bytes leaves the row for value chunks of its own: pieces of `piece_size` bytes,
 * all full but the last, handed out before the rows chunk that refers to them (by length and keyed hash). So do
 * shorter values, the limit halved until it fits, where a row would be longer than half a chunk.
 *
 * The value chunks of a stream are a queue: rows chunk after rows chunk takes the next rowgroup_pieces of them. They
 * may come long before their rows chunk, and before rows chunks that do not need them: rows wait until it is known
 * where they are cut, large values do not. To read a stream in flat memory, walk it with two cursors: one that skips
 * value chunks, one that skips rows chunks.
 *
 * Functions return 0 or a negative errno. -EBADMSG: the bytes are no row group of this layout. -E2BIG: a row is larger
 * than the limits can hold. An error of a callback is returned as it is.
 */
#ifndef AGENT_TABLE_ROWGROUP_H
#define AGENT_TABLE_ROWGROUP_H

#include "agent/table/value.h"

/* How rows are cut; in the repository's superblock, so that two boxes cut alike. Zero is valid for least_bytes alone. */
struct rowgroup_params {
	uint8_t seed[16];       /* of boundary hashes and of digests: a secret, so that sizes tell nothing of content */
	uint32_t rare_rows;     /* on average a rare boundary every so many rows: 1024 */
	uint32_t frequent_rows; /* at the very end of an open end: 32 */
	uint32_t group_rows;    /* no rare boundary ends a run of fewer rows; a group of so many always ends its run: 32 */
	uint32_t max_rows;      /* of a chunk: 8192 */
	uint32_t max_bytes;     /* of a chunk before compression, twice as many above 10 000 columns: 256 KiB */
	uint32_t inline_limit;  /* bytes of a value kept inside its row, at most max_bytes / 8: 16 KiB */
	uint32_t piece_size;    /* bytes of a value chunk, more than inline_limit: 256 KiB */
	uint32_t least_bytes;   /* the same for bytes, and for those of a piece, at most max_bytes / 8: 2 KiB */
};

extern const struct rowgroup_params rowgroup_params_default; /* seed all zero: the caller fills it */

enum chunk_kind { CHUNK_ROWS = 1, CHUNK_VALUE = 2 };

/* The digest of a set of rows: does not depend on their order. Columns that are derived do not count. */
struct table_digest {
	uint8_t sum[16]; /* of keyed 128-bit row hashes, modulo 2^128, little-endian */
	uint64_t rows;
};

void table_digest_add(struct table_digest *sum, const struct table_digest *more);
bool table_digest_equal(const struct table_digest *a, const struct table_digest *b);

/* ---- writing ---- */

struct rowgroup_writer;
struct rowgroup_value;

/* Takes a chunk. The bytes are the writer's and valid for the call. `rows` is 0 for a value chunk. */
typedef int rowgroup_emit(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows);

/*
 * The layout and params are borrowed until rowgroup_free. Allocates all it will ever need, about seven times
 * params.max_bytes. -EINVAL: params or a layout that make no sense.
 */
int rowgroup_create(struct rowgroup_writer **writer, const struct layout *layout, const struct rowgroup_params *params,
	rowgroup_emit *emit, void *arg);
/*
 * One row, values in column order. A large value that does not come whole is sent before its row, piece by piece, with
 * rowgroup_value; its place in `values` is then ignored. -EINVAL: a size that the type does not have, or a whole large
 * value in a column before one that came in pieces (send that in pieces too: chunks come in the order of columns).
 * After any error only rowgroup_free is of use.
 */
int rowgroup_row(struct rowgroup_writer *writer, const struct value *values);
/*
 * The next bytes, at most piece_size, of a large value of the coming row; columns in ascending order, -EINVAL else.
 * Any split gives the same chunks. A value that ends up short is kept inside its row as if it had come whole.
 */
int rowgroup_value(struct rowgroup_writer *writer, uint16_t column, const void *bytes, size_t size);
/*
 * Some rows of a chunk as a chunk of their own. rowgroup_again takes a row as rowgroup_next gave it: a large value stays
 * a reference, and its value chunks are not handed out again. rowgroup_cut hands out what was taken since the last one
 * as one chunk, or nothing. All must be of one chunk, so that they fit; not between the rows of rowgroup_row.
 */
int rowgroup_again(struct rowgroup_writer *writer, const struct rowgroup_value *values);
int rowgroup_cut(struct rowgroup_writer *writer);
/* Hands out what is still held. No more rows after it. The digest is of all rows. */
int rowgroup_finish(struct rowgroup_writer *writer, struct table_digest *digest);
/* NULL is nothing. */
void rowgroup_free(struct rowgroup_writer *writer);

/* ---- reading ---- */

struct rowgroup_reader;

/* A value as it comes back: whole in `value`, or large: `size` bytes in `pieces` value chunks from `piece` on. */
struct rowgroup_value {
	struct value value;
	bool large;
	uint64_t size;
	const uint8_t *hash; /* of a large one: keyed, 16 bytes */
	uint32_t piece; /* counted from 0 over the value chunks of the stream that no rows chunk before this one took */
	uint32_t pieces;
};

/* Checks every length before it is believed; bytes are hostile until then and borrowed until rowgroup_reader_free. */
int rowgroup_open(struct rowgroup_reader **reader, const struct layout *layout, const struct rowgroup_params *params,
	const void *bytes, size_t size);
uint32_t rowgroup_rows(const struct rowgroup_reader *reader);
uint32_t rowgroup_pieces(const struct rowgroup_reader *reader); /* value chunks that this chunk refers to */
/* 1 and the next row, whose values are valid until the next call; 0 after the last. */
int rowgroup_next(struct rowgroup_reader *reader, struct rowgroup_value *values);
/* The 128-bit hash of the row that came last, which the digest sums up. */
void rowgroup_row_hash(const struct rowgroup_reader *reader, uint8_t hash[16]);
/* After the last row: the digest of the chunk's rows, as the writer counted them. -EBADMSG where a row differs. */
int rowgroup_digest(const struct rowgroup_reader *reader, struct table_digest *digest);
/* NULL is nothing. */
void rowgroup_reader_free(struct rowgroup_reader *reader);

#endif
