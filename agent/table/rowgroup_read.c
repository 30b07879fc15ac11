/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of row groups: one cursor a column, all moved on together, and the digest of what they gave. */
#include <errno.h>
#include <stdlib.h>

#include "agent/table/bytes.h"
#include "agent/table/column_read.h"
#include "agent/table/row_hash.h"

struct rowgroup_reader {
	const struct layout *layout;
	const struct rowgroup_params *params;
	struct row_keys keys;
	struct column_plan *plans;
	struct column_cursor *cursors;
	uint8_t *scratch; /* text of one row: at most twice the bytes of the chunk, and what is put together */
	size_t beside;    /* what may still be put together */
	unsigned int format;
	uint32_t rows, row;
	uint64_t pieces; /* value chunks of the whole chunk */
	uint32_t next_piece;
	uint8_t sum[16]; /* as the writer counted */
	struct table_digest digest;
	uint8_t hash[16]; /* of the row that came last */
	bool done;        /* every row was read, and nothing is left over */
	int error;        /* of the first call that failed */
};

static int read_head(struct rowgroup_reader *reader, const uint8_t **at, const uint8_t *end)
{
	uint64_t columns, rows;

	if (*at == end)
		return -EBADMSG;
	reader->format = *(*at)++;
	if (reader->format != ROWGROUP_FORMAT && reader->format != ROWGROUP_FORMAT_2)
		return -EBADMSG;
	if (!varint_get(at, end, &columns) || columns != reader->layout->column_count)
		return -EBADMSG;
	/* A column of one repeated value takes few bytes: without a limit a short chunk could keep its reader busy. */
	if (!varint_get(at, end, &rows) || !rows || rows > reader->params->max_rows ||
		rows * columns > reader->params->max_bytes)
		return -EBADMSG;
	reader->rows = (uint32_t)rows;
	if ((size_t)(end - *at) < sizeof(reader->sum))
		return -EBADMSG;
	memcpy(reader->sum, *at, sizeof(reader->sum));
	*at += sizeof(reader->sum);
	return 0;
}

/* Text of one row, in UTF-8 where it is put together, and in UTF-16. */
static int make_scratch(struct rowgroup_reader *reader, size_t size, bool together)
{
	reader->beside = together ? reader->params->max_bytes : 0;
	reader->scratch = malloc(2 * size + 3 * reader->beside + 1);
	return reader->scratch ? 0 : -ENOMEM;
}

static int read_sections(struct rowgroup_reader *reader, const uint8_t *at, const uint8_t *end)
{
	size_t size = (size_t)(end - at);
	int error = read_head(reader, &at, end);
	const struct column_frame frame = { reader->format, reader->rows, reader->params->piece_size };
	bool together = false;

	for (size_t i = 0; i < reader->layout->column_count && !error; i++) {
		struct column_cursor *cursor = &reader->cursors[i];

		cursor->column = (uint32_t)i;
		error = column_open(cursor, &reader->plans[i], &frame, &at, end);
		reader->pieces += cursor->pieces;
		together = together || cursor->back;
	}
	if (!error)
		error = make_scratch(reader, size, together);
	if (error)
		return error;
	return at == end && reader->pieces <= UINT32_MAX ? 0 : -EBADMSG;
}

static int allocate(struct rowgroup_reader *reader)
{
	int error = column_plan_create(&reader->plans, reader->layout);

	if (error)
		return error;
	reader->cursors = calloc(reader->layout->column_count, sizeof(*reader->cursors));
	return reader->cursors ? 0 : -ENOMEM;
}

int rowgroup_open(struct rowgroup_reader **result, const struct layout *layout, const struct rowgroup_params *params,
	const void *bytes, size_t size)
{
	if (!rowgroup_params_valid(params))
		return -EINVAL;
	if (size > rowgroup_chunk_max(layout, params))
		return -EBADMSG;

	struct rowgroup_reader *reader = calloc(1, sizeof(*reader));

	if (!reader)
		return -ENOMEM;
	reader->layout = layout;
	reader->params = params;
	row_keys_derive(&reader->keys, params->seed);

	int error = allocate(reader);

	if (!error)
		error = read_sections(reader, bytes, (const uint8_t *)bytes + size);
	if (error) {
		rowgroup_reader_free(reader);
		return error;
	}
	*result = reader;
	return 0;
}

void rowgroup_reader_free(struct rowgroup_reader *reader)
{
	if (!reader)
		return;
	free(reader->plans);
	free(reader->cursors);
	free(reader->scratch);
	free(reader);
}

uint32_t rowgroup_rows(const struct rowgroup_reader *reader)
{
	return reader->rows;
}

uint32_t rowgroup_pieces(const struct rowgroup_reader *reader)
{
	return (uint32_t)reader->pieces;
}

/*
 * Value chunks come in the order in which the writer took values out of a row: first the large ones, then those that
 * had to go because the row was too long; each kind in the order of columns.
 */
struct row_pieces {
	uint32_t large, shed; /* value chunks so far of this row */
};

static void set_large(const struct rowgroup_reader *reader, const struct large_ref *ref, struct rowgroup_value *value,
	struct row_pieces *pieces)
{
	uint32_t *kind = ref->size > reader->params->inline_limit ? &pieces->large : &pieces->shed;

	value->large = true;
	value->size = ref->size;
	value->hash = ref->hash;
	value->piece = reader->next_piece + *kind;
	value->pieces = (uint32_t)large_pieces(ref->size, reader->params->piece_size);
	*kind += value->pieces;
}

static void finish_pieces(
	struct rowgroup_reader *reader, struct rowgroup_value *values, const struct row_pieces *pieces)
{
	for (size_t i = 0; pieces->shed && i < reader->layout->column_count; i++)
		if (values[i].large && values[i].size <= reader->params->inline_limit)
			values[i].piece += pieces->large;
	reader->next_piece += pieces->large + pieces->shed;
}

static int read_row(struct rowgroup_reader *reader, struct rowgroup_value *values)
{
	struct row_pieces pieces = { 0, 0 };
	struct column_room room = { reader->scratch, reader->beside };
	struct siphash hash;

	siphash_begin(&hash, reader->keys.digest);
	for (size_t i = 0; i < reader->layout->column_count; i++) {
		struct column_cursor *cursor = &reader->cursors[i];
		struct rowgroup_value *value = &values[i];
		int got = column_next(cursor, &reader->plans[i], &value->value, &room);

		if (got < 0)
			return got;
		value->large = false;
		if (got == COLUMN_GOT_LARGE)
			set_large(reader, &cursor->large, value, &pieces);
		if (!reader->plans[i].derived)
			row_hash_add(&hash, i, &value->value, value->large ? &cursor->large : NULL);
	}
	siphash_end(&hash, reader->hash);
	reader->beside = room.beside;
	table_digest_add_row(&reader->digest, reader->hash);
	finish_pieces(reader, values, &pieces);
	return 0;
}

static int check_end(struct rowgroup_reader *reader)
{
	for (size_t i = 0; i < reader->layout->column_count; i++)
		if (!column_used_up(&reader->cursors[i]))
			return -EBADMSG;
	reader->done = true;
	return 0;
}

int rowgroup_next(struct rowgroup_reader *reader, struct rowgroup_value *values)
{
	if (reader->error)
		return reader->error;
	if (reader->row == reader->rows)
		return reader->error = check_end(reader);
	reader->error = read_row(reader, values);
	if (reader->error)
		return reader->error;
	reader->row++;
	return 1;
}

void rowgroup_row_hash(const struct rowgroup_reader *reader, uint8_t hash[16])
{
	memcpy(hash, reader->hash, sizeof(reader->hash));
}

int rowgroup_digest(const struct rowgroup_reader *reader, struct table_digest *digest)
{
	if (!reader->done || memcmp(reader->digest.sum, reader->sum, sizeof(reader->sum)))
		return -EBADMSG;
	*digest = reader->digest;
	return 0;
}
