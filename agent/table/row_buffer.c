/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/row_buffer.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/table/bytes.h"
#include "agent/table/utf.h"

/* What columns cost a chunk whatever the rows; never more than half of it. */
static size_t run_limit(const struct layout *layout, const struct rowgroup_params *params)
{
	size_t heads = layout->column_count * 10 + 64;

	return params->max_bytes - (heads < params->max_bytes / 2 ? heads : params->max_bytes / 2);
}

int row_buffer_create(struct row_buffer *buffer, const struct column_plan *plans, const struct layout *layout,
	const struct rowgroup_params *params)
{
	size_t rows = (size_t)params->max_rows + 1, limit = run_limit(layout, params);

	*buffer = (struct row_buffer){
		.plans = plans, .column_count = layout->column_count, .row_max = limit / 2, .run_max = limit
	};
	buffer->bytes = malloc(limit + limit / 2);
	buffer->marks = malloc(rows * sizeof(*buffer->marks));
	buffer->digests = malloc(rows * sizeof(*buffer->digests));
	buffer->cursors = malloc(rows * sizeof(*buffer->cursors));
	return buffer->bytes && buffer->marks && buffer->digests && buffer->cursors ? 0 : -ENOMEM;
}

void row_buffer_free(struct row_buffer *buffer)
{
	free(buffer->bytes);
	free(buffer->marks);
	free(buffer->digests);
	free(buffer->cursors);
}

static uint64_t tag(size_t size, enum cell_state state)
{
	return (uint64_t)size << 2 | (uint64_t)state;
}

/* The functions below return where the next value goes, or NULL where this one does not fit before `end`. */

static uint8_t *put_fixed(uint8_t *out, const uint8_t *end, const struct value *value, size_t width)
{
	if ((size_t)(end - out) < (value->data ? width + 1 : 1))
		return NULL;
	*out++ = value->data != NULL;
	if (!value->data)
		return out;
	/* Known sizes become single instructions. */
	switch (width) {
	case 4:
		memcpy(out, value->data, 4);
		break;
	case 8:
		memcpy(out, value->data, 8);
		break;
	default:
		memcpy(out, value->data, width);
	}
	return out + width;
}

static uint8_t *put_large(uint8_t *out, const uint8_t *end, const struct large_ref *ref)
{
	if (end - out < 1 + CELL_LARGE_SIZE)
		return NULL;
	*out++ = CELL_LARGE;
	put64(out, ref->size);
	memcpy(out + 8, ref->hash, LARGE_HASH_SIZE);
	return out + CELL_LARGE_SIZE;
}

static uint8_t *put_bytes(uint8_t *out, const uint8_t *end, const struct value *value)
{
	uint64_t t = tag(value->size, CELL_BYTES);

	if ((size_t)(end - out) < varint_size(t) + value->size)
		return NULL;
	out = varint_put(out, t);
	memcpy(out, value->data, value->size);
	return out + value->size;
}

static uint8_t *put_text(uint8_t *out, const uint8_t *end, const struct value *value)
{
	ssize_t size = utf8_size(value->data, value->size);

	if (size < 0)
		return put_bytes(out, end, value);

	uint64_t t = tag((size_t)size, CELL_UTF8);

	if ((size_t)(end - out) < varint_size(t) + (size_t)size)
		return NULL;
	return utf8_put(varint_put(out, t), value->data, value->size);
}

static uint8_t *put_value(uint8_t *out, const uint8_t *end, const struct column_plan *plan, const struct value *value)
{
	if (plan->width)
		return put_fixed(out, end, value, plan->width);
	if (!value->data) {
		if (out == end)
			return NULL;
		*out++ = CELL_NULL;
		return out;
	}
	return plan->utf16 ? put_text(out, end, value) : put_bytes(out, end, value);
}

size_t row_buffer_measure(const struct column_plan *plan, const struct value *value)
{
	if (!value->data)
		return 1;
	if (plan->width)
		return plan->width + 1u;

	ssize_t size = plan->utf16 ? utf8_size(value->data, value->size) : -1;

	return size < 0 ? varint_size(tag(value->size, CELL_BYTES)) + value->size
					: varint_size(tag((size_t)size, CELL_UTF8)) + (size_t)size;
}

static bool size_valid(const struct column_plan *plan, const struct value *value)
{
	if (!value->data)
		return true;
	return plan->width ? value->size == plan->width : !plan->utf16 || value->size % 2 == 0;
}

int row_buffer_append(struct row_buffer *buffer, const struct value *values, const struct large_values *large)
{
	uint8_t *out = buffer->bytes + buffer->used;
	size_t bitmaps = (buffer->column_count + 3) / 4; /* each value pays for its two bits in those of its column */

	if (bitmaps > buffer->row_max)
		return -E2BIG;

	const uint8_t *end = out + buffer->row_max - bitmaps;

	for (size_t i = 0; i < buffer->column_count; i++) {
		const struct column_plan *plan = &buffer->plans[i];
		const struct large_ref *ref = large_find(large, i);

		if (!ref && !size_valid(plan, &values[i]))
			return -EINVAL;
		out = ref ? put_large(out, end, ref) : put_value(out, end, plan, &values[i]);
		if (!out)
			return -E2BIG;
	}
	buffer->used = (size_t)(out - buffer->bytes) + bitmaps;
	buffer->marks[buffer->count].end = (uint32_t)buffer->used;
	buffer->count++;
	return 0;
}

void row_buffer_drop(struct row_buffer *buffer, size_t rows)
{
	uint32_t start = buffer->marks[rows - 1].end;

	buffer->count -= rows;
	buffer->used -= start;
	memmove(buffer->bytes, buffer->bytes + start, buffer->used);
	memmove(buffer->marks, buffer->marks + rows, buffer->count * sizeof(*buffer->marks));
	memmove(buffer->digests, buffer->digests + rows, buffer->count * sizeof(*buffer->digests));
	for (size_t i = 0; i < buffer->count; i++)
		buffer->marks[i].end -= start;
}

void row_buffer_rewind(struct row_buffer *buffer, size_t first, size_t rows)
{
	for (size_t i = first; i < first + rows; i++)
		buffer->cursors[i] = i ? buffer->marks[i - 1].end : 0;
}

static void get_fixed(const uint8_t **at, size_t width, struct cell *cell)
{
	bool present = *(*at)++;

	*cell = (struct cell){ .bytes = *at, .size = (uint32_t)width, .state = present ? CELL_BYTES : CELL_NULL };
	if (present)
		*at += width;
}

static void get_variable(const uint8_t **at, const uint8_t *end, struct cell *cell)
{
	uint64_t t = 0;

	varint_get(at, end, &t);
	cell->state = (enum cell_state)(t & 3);
	cell->size = cell->state == CELL_LARGE ? CELL_LARGE_SIZE : (uint32_t)(t >> 2);
	cell->bytes = *at;
	*at += cell->size;
}

void row_buffer_column(
	struct row_buffer *buffer, const struct column_plan *plan, size_t first, size_t rows, struct cell *cells)
{
	const uint8_t *end = buffer->bytes + buffer->used;

	for (size_t i = 0; i < rows; i++) {
		const uint8_t *at = buffer->bytes + buffer->cursors[first + i];

		if (plan->width)
			get_fixed(&at, plan->width, &cells[i]);
		else
			get_variable(&at, end, &cells[i]);
		cells[i].row = (uint32_t)i;
		buffer->cursors[first + i] = (uint32_t)(at - buffer->bytes);
	}
}

struct large_ref row_buffer_large(const struct cell *cell)
{
	struct large_ref ref = { .size = get64(cell->bytes) };

	memcpy(ref.hash, cell->bytes + 8, LARGE_HASH_SIZE);
	return ref;
}
