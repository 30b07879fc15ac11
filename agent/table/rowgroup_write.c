/* SPDX-License-Identifier: Apache-2.0 */
/* The writer of row groups: takes rows into a buffer, asks where they are cut, and encodes what was cut off. */
#include <errno.h>
#include <stdlib.h>

#include "agent/table/bytes.h"
#include "agent/table/column_write.h"
#include "agent/table/row_hash.h"

#define INLINE_LEAST 64 /* a value at most this long never leaves its row */

struct rowgroup_writer {
	const struct layout *layout;
	const struct rowgroup_params *params;
	rowgroup_emit *emit;
	void *arg;
	int error; /* of the first call that failed: no call does anything after it */

	struct row_keys keys;
	struct column_plan *plans;
	struct large_values large;
	struct value *values; /* of a row some of whose values came in pieces */
	struct row_buffer buffer;
	struct boundary_rule rule;
	struct siphash leading; /* state of the boundary hash after the leading key value of the row before */
	struct row_group group; /* of that row; rows 0: there was none */

	struct column_writer column;
	uint8_t *chunk;
	struct table_digest digest;
};

static int allocate(struct rowgroup_writer *writer)
{
	const struct layout *layout = writer->layout;
	int error = column_plan_create(&writer->plans, layout);

	if (!error)
		error = large_create(
			&writer->large, writer->params, writer->keys.large, layout->column_count, writer->emit, writer->arg);
	if (!error)
		error = row_buffer_create(&writer->buffer, writer->plans, layout, writer->params);
	if (!error)
		error = column_writer_create(&writer->column, writer->params->max_rows, writer->params->max_bytes);
	if (error)
		return error;
	writer->values = calloc(layout->column_count, sizeof(*writer->values));
	writer->chunk = malloc(rowgroup_chunk_max(layout, writer->params));
	return writer->values && writer->chunk ? 0 : -ENOMEM;
}

int rowgroup_create(struct rowgroup_writer **result, const struct layout *layout, const struct rowgroup_params *params,
	rowgroup_emit *emit, void *arg)
{
	if (!rowgroup_params_valid(params))
		return -EINVAL;

	struct rowgroup_writer *writer = calloc(1, sizeof(*writer));

	if (!writer)
		return -ENOMEM;
	writer->layout = layout;
	writer->params = params;
	writer->emit = emit;
	writer->arg = arg;
	row_keys_derive(&writer->keys, params->seed);

	int error = allocate(writer);

	if (error) {
		rowgroup_free(writer);
		return error;
	}
	boundary_rule_init(&writer->rule, params, writer->buffer.run_max);
	*result = writer;
	return 0;
}

void rowgroup_free(struct rowgroup_writer *writer)
{
	if (!writer)
		return;
	free(writer->plans);
	large_free(&writer->large);
	row_buffer_free(&writer->buffer);
	column_writer_free(&writer->column);
	free(writer->values);
	free(writer->chunk);
	free(writer);
}

/* ---- chunks ---- */

static uint8_t *encode_columns(struct rowgroup_writer *writer, size_t first, size_t rows, uint8_t *out)
{
	struct column_writer *column = &writer->column;

	row_buffer_rewind(&writer->buffer, first, rows);
	column_writer_start(column, rows);
	for (size_t i = 0; i < writer->layout->column_count; i++) {
		row_buffer_column(&writer->buffer, &writer->plans[i], first, rows, column->cells);
		out = column_write(column, &writer->plans[i], out);
	}
	return out;
}

static void sum_digests(const struct rowgroup_writer *writer, size_t first, size_t rows, struct table_digest *digest)
{
	*digest = (struct table_digest){ .rows = 0 };
	for (size_t i = first; i < first + rows; i++)
		table_digest_add_row(digest, writer->buffer.digests[i].bytes);
}

static int hand_out(struct rowgroup_writer *writer, size_t first, size_t rows)
{
	uint8_t *out = writer->chunk;
	struct table_digest digest;

	sum_digests(writer, first, rows, &digest);
	*out++ = ROWGROUP_FORMAT;
	out = varint_put(out, writer->layout->column_count);
	out = varint_put(out, rows);
	memcpy(out, digest.sum, sizeof(digest.sum));
	out = encode_columns(writer, first, rows, out + sizeof(digest.sum));
	if (writer->column.second)
		writer->chunk[0] = ROWGROUP_FORMAT_2;
	table_digest_add(&writer->digest, &digest);
	return writer->emit(writer->arg, CHUNK_ROWS, writer->chunk, (size_t)(out - writer->chunk), (uint32_t)rows);
}

static int hand_out_pieces(struct rowgroup_writer *writer, size_t rows)
{
	const struct row_mark *marks = writer->buffer.marks;
	uint64_t scale = writer->rule.rare;
	int error = 0;

	for (size_t first = 0, n; first < rows && !error; first += n) {
		size_t start = first ? marks[first - 1].end : 0;

		n = boundary_piece(&writer->rule, marks + first, rows - first, start, &scale);
		error = hand_out(writer, first, n);
	}
	return error;
}

/* ---- boundaries ---- */

/* Asks about the new row until it decides nothing more: it may be too much even for what stays behind after a cut. */
static int settle(struct rowgroup_writer *writer)
{
	struct row_buffer *buffer = &writer->buffer;
	int error = 0;

	while (buffer->count && !error) {
		size_t rows;
		enum cut cut = boundary_check(&writer->rule, buffer->marks, buffer->count, &rows);

		if (cut == CUT_NONE)
			break;
		error = cut == CUT_OPEN ? hand_out_pieces(writer, rows) : hand_out(writer, 0, rows);
		row_buffer_drop(buffer, rows);
	}
	return error;
}

/* ---- rows ---- */

static void hash_row(struct rowgroup_writer *writer, const struct value *values, uint8_t digest[16])
{
	struct siphash hash;

	siphash_begin(&hash, writer->keys.digest);
	for (size_t i = 0; i < writer->layout->column_count; i++)
		if (!writer->plans[i].derived)
			row_hash_add(&hash, i, &values[i], large_find(&writer->large, i));
	siphash_end(&hash, digest);
}

static uint64_t hash_number(const struct siphash *state)
{
	struct siphash hash = *state;
	uint8_t out[16];

	siphash_end(&hash, out);
	return get64(out);
}

/*
 * Counts the row that was appended last into its group, whose leading key value the hash has taken in. True where it is
 * another group than before, which ends its run.
 */
static bool count_group(struct rowgroup_writer *writer, const struct siphash *hash)
{
	const struct row_mark *mark = &writer->buffer.marks[writer->buffer.count - 1];
	struct siphash *leading = &writer->leading;
	struct row_group *group = &writer->group;
	bool same = leading->v0 == hash->v0 && leading->v1 == hash->v1 && leading->v2 == hash->v2 &&
		leading->v3 == hash->v3;
	bool ends = false;

	if (group->rows && !same) {
		group->hash = hash_number(leading);
		ends = boundary_group_ends(&writer->rule, group);
		*group = (struct row_group){ .rows = 0 };
	}
	*leading = *hash;
	group->rows++;
	group->bytes += mark->end - (writer->buffer.count > 1 ? mark[-1].end : 0);
	return ends;
}

static void mark_row(
	struct rowgroup_writer *writer, const struct value *values, const uint8_t digest[16], struct row_mark *mark)
{
	struct siphash hash;

	mark->ends_run = false;
	siphash_begin(&hash, writer->keys.boundary);
	for (size_t i = 0; i < writer->layout->key_count; i++) {
		uint16_t column = writer->layout->key[i];

		row_hash_add(&hash, column, &values[column], large_find(&writer->large, column));
		/* Groups are those of a key of several columns. */
		if (i == 0 && writer->layout->key_count > 1)
			mark->ends_run = count_group(writer, &hash);
	}
	if (!writer->layout->key_count)
		siphash_update(&hash, digest, 16);
	mark->hash = hash_number(&hash);
}

/* Takes out every value of more than `limit` bytes that is still in the row. */
static int take_large(struct rowgroup_writer *writer, const struct value *values, size_t limit)
{
	struct large_values *large = &writer->large;

	for (size_t i = 0; i < writer->layout->column_count; i++) {
		if (writer->plans[i].width || !values[i].data || values[i].size <= limit || large_find(large, i))
			continue;

		int error = large_take(large, (uint16_t)i, &values[i]);

		if (error)
			return error;
	}
	return 0;
}

/* The row's size if no value of more than `limit` bytes stayed in it. */
static size_t measure_row(const struct rowgroup_writer *writer, const struct value *values, size_t limit)
{
	size_t size = (writer->layout->column_count + 3) / 4;

	for (size_t i = 0; i < writer->layout->column_count; i++) {
		bool leaves = !writer->plans[i].width && values[i].data && values[i].size > limit;

		size += leaves || large_find(&writer->large, i) ? 1 + CELL_LARGE_SIZE
														: row_buffer_measure(&writer->plans[i], &values[i]);
	}
	return size;
}

/* A row of many values, none of them large, that is too long all the same: halve what may stay until it fits. */
static int append_wide(struct rowgroup_writer *writer, const struct value *values)
{
	size_t limit = writer->params->inline_limit;

	do
		limit /= 2;
	while (limit > INLINE_LEAST && measure_row(writer, values, limit) > writer->buffer.row_max);

	int error = take_large(writer, values, limit);

	return error ? error : row_buffer_append(&writer->buffer, values, &writer->large);
}

/* The values with those put in that came in pieces and stay. Whole large values may not precede one in pieces. */
static int gather_values(struct rowgroup_writer *writer, const struct value **values)
{
	const struct large_values *large = &writer->large;

	if (!large->count)
		return 0;
	memcpy(writer->values, *values, writer->layout->column_count * sizeof(**values));
	for (size_t i = 0; i < large->count; i++) {
		const struct large_entry *entry = &large->entries[large->columns[i]];

		writer->values[large->columns[i]] =
			entry->state == LARGE_KEPT ? (struct value){ entry->kept, (size_t)entry->ref.size } : (struct value){ 0 };
	}
	for (size_t i = 0; i < large->columns[large->count - 1]; i++)
		if (writer->values[i].data && !writer->plans[i].width && writer->values[i].size > writer->params->inline_limit)
			return -EINVAL;
	*values = writer->values;
	return 0;
}

static int add_row(struct rowgroup_writer *writer, const struct value *values)
{
	struct row_buffer *buffer = &writer->buffer;
	int error = large_stream_end(&writer->large);

	if (!error)
		error = gather_values(writer, &values);
	if (!error)
		error = take_large(writer, values, writer->params->inline_limit);
	if (!error)
		error = row_buffer_append(buffer, values, &writer->large);
	if (error == -E2BIG)
		error = append_wide(writer, values);
	if (error)
		return error;

	uint8_t *digest = buffer->digests[buffer->count - 1].bytes;

	hash_row(writer, values, digest);
	mark_row(writer, values, digest, &buffer->marks[buffer->count - 1]);
	if (writer->large.count)
		large_forget(&writer->large);
	return settle(writer);
}

int rowgroup_row(struct rowgroup_writer *writer, const struct value *values)
{
	if (!writer->error)
		writer->error = add_row(writer, values);
	return writer->error;
}

/* ---- rows of another chunk ---- */

static int add_again(struct rowgroup_writer *writer, const struct rowgroup_value *values)
{
	static const struct value kept_apart;
	struct row_buffer *buffer = &writer->buffer;
	int error;

	if (buffer->count == writer->params->max_rows)
		return -E2BIG;
	for (size_t i = 0; i < writer->layout->column_count; i++) {
		writer->values[i] = values[i].large ? kept_apart : values[i].value;
		if (values[i].large)
			large_refer(&writer->large, (uint16_t)i, values[i].size, values[i].hash);
	}
	error = buffer->used > buffer->run_max ? -E2BIG : row_buffer_append(buffer, writer->values, &writer->large);
	if (!error)
		hash_row(writer, writer->values, buffer->digests[buffer->count - 1].bytes);
	large_forget(&writer->large);
	return error;
}

int rowgroup_again(struct rowgroup_writer *writer, const struct rowgroup_value *values)
{
	if (!writer->error)
		writer->error = add_again(writer, values);
	return writer->error;
}

int rowgroup_cut(struct rowgroup_writer *writer)
{
	struct row_buffer *buffer = &writer->buffer;

	if (writer->error || !buffer->count)
		return writer->error;
	writer->error = hand_out(writer, 0, buffer->count);
	row_buffer_drop(buffer, buffer->count);
	return writer->error;
}

int rowgroup_value(struct rowgroup_writer *writer, uint16_t column, const void *bytes, size_t size)
{
	if (writer->error)
		return writer->error;
	if (column >= writer->layout->column_count || writer->plans[column].width || size > writer->params->piece_size)
		writer->error = -EINVAL;
	else
		writer->error = large_stream(&writer->large, column, bytes, size);
	return writer->error;
}

int rowgroup_finish(struct rowgroup_writer *writer, struct table_digest *digest)
{
	if (!writer->error && writer->large.count)
		writer->error = -EINVAL; /* pieces of a row that never came */
	if (!writer->error)
		writer->error = hand_out_pieces(writer, writer->buffer.count);
	if (writer->error)
		return writer->error;
	*digest = writer->digest;
	writer->error = -EINVAL; /* for whatever comes after the end */
	return 0;
}
