/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/column_read.h"

#include <errno.h>

#include "agent/table/bytes.h"
#include "agent/table/integer.h"
#include "agent/table/utf.h"

static size_t left(const uint8_t *at, const uint8_t *end)
{
	return (size_t)(end - at);
}

/* ---- opening ---- */

/* Takes a bitmap of `bits` bits. Both kinds of bits occur in a bitmap of NULLs; the bits that fill up a byte are 0. */
static const uint8_t *take_bitmap(const uint8_t **at, const uint8_t *end, uint32_t bits, uint32_t *set)
{
	const uint8_t *bitmap = *at;
	size_t size = (bits + 7) / 8;

	if (left(*at, end) < size || (bits % 8 && bitmap[size - 1] >> bits % 8))
		return NULL;
	*set = 0;
	for (size_t i = 0; i < size; i++)
		*set += (uint32_t)__builtin_popcount(bitmap[i]);
	*at += size;
	return bitmap;
}

static bool take_reference(const uint8_t **at, const uint8_t *end, struct large_ref *ref)
{
	if (left(*at, end) < LARGE_HASH_SIZE)
		return false;
	memcpy(ref->hash, *at, LARGE_HASH_SIZE);
	*at += LARGE_HASH_SIZE;
	return varint_get(at, end, &ref->size) && ref->size && ref->size < VALUE_SIZE_MAX;
}

static int open_nulls(struct column_cursor *cursor, const uint8_t **at, const uint8_t *end)
{
	uint32_t nulls;

	cursor->present = cursor->rows;
	if (!(cursor->flags & SECTION_NULLS))
		return 0;
	cursor->nulls = take_bitmap(at, end, cursor->rows, &nulls);
	if (!cursor->nulls || !nulls || nulls == cursor->rows)
		return -EBADMSG;
	cursor->present -= nulls;
	return 0;
}

static int open_large(struct column_cursor *cursor, const uint8_t **at, const uint8_t *end, uint32_t piece_size)
{
	uint32_t large;

	cursor->inlined = cursor->present;
	if (!(cursor->flags & SECTION_LARGE))
		return 0;
	cursor->larges = take_bitmap(at, end, cursor->present, &large);
	if (!cursor->larges || !large)
		return -EBADMSG;
	cursor->inlined -= large;
	cursor->references = *at;
	for (uint32_t i = 0; i < large; i++) {
		struct large_ref ref;

		if (!take_reference(at, end, &ref))
			return -EBADMSG;
		cursor->pieces += large_pieces(ref.size, piece_size);
	}
	return 0;
}

/* Numbers in planes: those behind the first integer of deltas, all of offsets. */
static int open_number_planes(struct column_cursor *cursor)
{
	uint32_t numbers = cursor->inlined - ((cursor->flags & FORM_MASK) == FORM_DELTAS);

	if (cursor->at == cursor->end)
		return -EBADMSG;
	cursor->planes = *cursor->at++;
	if (!cursor->planes || cursor->planes > 8 || left(cursor->at, cursor->end) != (size_t)numbers * cursor->planes)
		return -EBADMSG;
	cursor->bytes = cursor->at;
	cursor->at = cursor->end;
	return 0;
}

/* The first integer of deltas, or the smallest of offsets. */
static int open_integers(struct column_cursor *cursor, const struct column_plan *plan)
{
	if (!integer_type(plan->type) || !varint_get(&cursor->at, cursor->end, &cursor->unit) || !cursor->unit ||
		!cursor->inlined || !varint_get(&cursor->at, cursor->end, &cursor->base))
		return -EBADMSG;
	cursor->base = unzigzag(cursor->base);
	return cursor->flags & SECTION_EVEN ? open_number_planes(cursor) : 0;
}

/* The end of an entry; a flag in it only where text is mixed. */
static uint32_t table_end(const struct column_cursor *cursor, size_t entry)
{
	uint32_t end = (uint32_t)get_number(cursor->ends + entry * TABLE_END_SIZE, TABLE_END_SIZE);

	return cursor->flags & SECTION_MIXED ? end & ~TABLE_END_RAW : end;
}

/* Entries follow each other and fill the place between ends and indexes. */
static bool table_valid(const struct column_cursor *cursor, const struct column_plan *plan)
{
	size_t size = left(cursor->bytes, cursor->bytes_end), start = 0;

	if (plan->width)
		return size == cursor->entries * plan->width;
	for (size_t i = 0; i < cursor->entries; i++) {
		size_t end = table_end(cursor, i);

		if (end < start)
			return false;
		start = end;
	}
	return start == size;
}

static int open_table(struct column_cursor *cursor, const struct column_plan *plan)
{
	uint64_t entries;
	size_t fixed;

	if (!varint_get(&cursor->at, cursor->end, &entries) || !entries || entries > TABLE_ENTRIES_MAX)
		return -EBADMSG;
	cursor->entries = (size_t)entries;
	cursor->ends = cursor->at;
	fixed = cursor->entries * (plan->width ? plan->width : TABLE_END_SIZE) + cursor->inlined;
	if (left(cursor->at, cursor->end) < fixed)
		return -EBADMSG;
	cursor->bytes = cursor->at + (plan->width ? 0 : cursor->entries * TABLE_END_SIZE);
	cursor->at = cursor->bytes_end = cursor->end - cursor->inlined;
	return table_valid(cursor, plan) ? 0 : -EBADMSG;
}

static int open_bytes(struct column_cursor *cursor)
{
	uint64_t lengths;

	if (!varint_get(&cursor->at, cursor->end, &lengths))
		return -EBADMSG;
	cursor->bytes_end = cursor->end;
	if (cursor->flags & SECTION_EVEN) {
		if (lengths > left(cursor->at, cursor->end) || cursor->flags & SECTION_MIXED)
			return -EBADMSG;
		cursor->even = (size_t)lengths;
		cursor->bytes = cursor->at;
		cursor->at = cursor->end;
		return 0;
	}
	if (lengths > left(cursor->at, cursor->end))
		return -EBADMSG;
	cursor->end = cursor->bytes = cursor->at + lengths;
	return 0;
}

static int open_body(struct column_cursor *cursor, const struct column_plan *plan)
{
	size_t size = left(cursor->at, cursor->end);

	switch (cursor->flags & FORM_MASK) {
	case FORM_SAME:
		cursor->bytes = cursor->at;
		cursor->bytes_end = cursor->at = cursor->end;
		return cursor->inlined && (!plan->width || size == plan->width) ? 0 : -EBADMSG;
	case FORM_PLANES:
		cursor->bytes = cursor->at;
		cursor->at = cursor->end;
		return plan->width && size == (size_t)plan->width * cursor->inlined ? 0 : -EBADMSG;
	case FORM_DELTAS:
	case FORM_OFFSETS:
		return open_integers(cursor, plan);
	case FORM_TABLE:
		return open_table(cursor, plan);
	case FORM_BYTES:
		return plan->width ? -EBADMSG : open_bytes(cursor);
	case FORM_ENDED:
		cursor->bytes = cursor->at;
		cursor->bytes_end = cursor->at = cursor->end;
		return plan->width ? -EBADMSG : 0;
	default:
		return -EBADMSG;
	}
}

static bool is_integers(unsigned int form)
{
	return form == FORM_DELTAS || form == FORM_OFFSETS;
}

/* Flags that the type or the form does not have are refused, so that none of them is silently without meaning. */
static bool flags_valid(unsigned int flags, const struct column_plan *plan, unsigned int format)
{
	unsigned int form = flags & FORM_MASK, text = flags & (SECTION_UTF8 | SECTION_MIXED);

	if (form == FORM_NULLS)
		return flags == FORM_NULLS;
	if (plan->width && flags & SECTION_LARGE)
		return false;
	if (text && (!plan->utf16 || text == (SECTION_UTF8 | SECTION_MIXED)))
		return false;
	if (flags & SECTION_EVEN && form != FORM_BYTES && (format == ROWGROUP_FORMAT || !is_integers(form)))
		return false;
	return !(flags & SECTION_MIXED) || form == FORM_TABLE || form == FORM_BYTES;
}

/* Beside which column it is, where it is. */
static int open_beside(struct column_cursor *cursor, unsigned int format, const uint8_t **at, const uint8_t *end)
{
	uint64_t back;

	if (format == ROWGROUP_FORMAT || *at == end || **at != SECTION_BESIDE)
		return 0;
	++*at;
	if (!varint_get(at, end, &back) || !back || back > cursor->column)
		return -EBADMSG;
	cursor->back = (uint32_t)back;
	return (cursor - back)->sized || (cursor - back)->back ? -EBADMSG : 0;
}

static int open_steps(struct column_cursor *cursor)
{
	uint64_t size;

	if (!cursor->back)
		return 0;
	if (!varint_get(&cursor->at, cursor->end, &size) || size > left(cursor->at, cursor->end))
		return -EBADMSG;
	cursor->steps = cursor->at;
	cursor->steps_end = cursor->at += size;
	return 0;
}

static int open_flags(struct column_cursor *cursor, const struct column_plan *plan, unsigned int format,
	const uint8_t **at, const uint8_t *end)
{
	int error = open_beside(cursor, format, at, end);

	if (error || *at == end)
		return -EBADMSG;
	cursor->flags = *(*at)++;
	if (!flags_valid(cursor->flags, plan, format))
		return -EBADMSG;
	return cursor->back && (plan->width || cursor->flags == FORM_NULLS) ? -EBADMSG : 0;
}

int column_open(struct column_cursor *cursor, const struct column_plan *plan, const struct column_frame *frame,
	const uint8_t **at, const uint8_t *end)
{
	uint64_t size;
	int error;

	*cursor = (struct column_cursor){ .rows = frame->rows, .column = cursor->column, .sized = plan->width };
	error = open_flags(cursor, plan, frame->format, at, end);
	if (error || cursor->flags == FORM_NULLS)
		return error;
	if (!varint_get(at, end, &size) || size > left(*at, end))
		return -EBADMSG;
	cursor->at = *at;
	cursor->end = *at = *at + size;
	error = open_nulls(cursor, &cursor->at, cursor->end);
	if (!error)
		error = open_large(cursor, &cursor->at, cursor->end, frame->piece_size);
	if (!error)
		error = open_steps(cursor);
	return error ? error : open_body(cursor, plan);
}

/* ---- values ---- */

static int next_large(struct column_cursor *cursor)
{
	/* Checked when the section was opened. */
	return take_reference(&cursor->references, cursor->end, &cursor->large) ? COLUMN_GOT_LARGE : -EBADMSG;
}

static int next_plane(struct column_cursor *cursor, const struct column_plan *plan, struct value *value)
{
	for (size_t i = 0; i < plan->width; i++)
		cursor->fixed[i] = cursor->bytes[i * cursor->inlined + cursor->inlined_read];
	*value = (struct value){ cursor->fixed, plan->width };
	return 0;
}

/* The next number of an integer: a step or an offset. */
static bool next_number(struct column_cursor *cursor, bool deltas, uint64_t *number)
{
	uint32_t numbers = cursor->inlined - deltas, i = cursor->inlined_read - deltas;

	if (!cursor->planes)
		return varint_get(&cursor->at, cursor->end, number);
	*number = 0;
	for (uint32_t plane = 0; plane < cursor->planes; plane++)
		*number |= (uint64_t)cursor->bytes[(size_t)plane * numbers + i] << 8 * plane;
	return true;
}

static int next_integer(struct column_cursor *cursor, const struct column_plan *plan, struct value *value)
{
	bool deltas = (cursor->flags & FORM_MASK) == FORM_DELTAS, first = deltas && !cursor->inlined_read;
	uint64_t number = 0, integer;

	if (!first && !next_number(cursor, deltas, &number))
		return -EBADMSG;
	if (deltas)
		integer = cursor->base += unzigzag(number) * cursor->unit;
	else
		integer = cursor->base + number * cursor->unit;
	if (!integer_to_value(plan->type, (int64_t)integer, cursor->fixed))
		return -EBADMSG;
	*value = (struct value){ cursor->fixed, plan->width };
	return 0;
}

static int next_entry(struct column_cursor *cursor, const struct column_plan *plan, struct kept *kept)
{
	size_t entry = *cursor->at++, start, end;

	if (entry >= cursor->entries)
		return -EBADMSG;
	if (plan->width) {
		*kept = (struct kept){ .bytes = cursor->bytes + entry * plan->width, .size = plan->width };
		return 0;
	}
	end = table_end(cursor, entry);
	start = entry ? table_end(cursor, entry - 1) : 0;
	*kept = (struct kept){ cursor->bytes + start, end - start, cursor->flags & SECTION_UTF8 };
	if (cursor->flags & SECTION_MIXED)
		kept->utf8 = !(cursor->ends[entry * TABLE_END_SIZE + 2] & TABLE_END_RAW >> 16);
	return 0;
}

static int next_bytes(struct column_cursor *cursor, struct kept *kept)
{
	uint64_t size = cursor->even;

	kept->utf8 = cursor->flags & SECTION_UTF8;
	if (!(cursor->flags & SECTION_EVEN) && !varint_get(&cursor->at, cursor->end, &size))
		return -EBADMSG;
	if (cursor->flags & SECTION_MIXED) {
		kept->utf8 = !(size & 1);
		size >>= 1;
	}
	if (size > left(cursor->bytes, cursor->bytes_end))
		return -EBADMSG;
	kept->bytes = cursor->bytes;
	kept->size = (size_t)size;
	cursor->bytes += size;
	return 0;
}

static int next_ended(struct column_cursor *cursor, struct kept *kept)
{
	const uint8_t *start = cursor->bytes, *zero = memchr(start, 0, left(start, cursor->bytes_end));

	if (!zero)
		return -EBADMSG;
	cursor->bytes = zero + 1;
	*kept = (struct kept){ start, left(start, zero), cursor->flags & SECTION_UTF8 };
	return 0;
}

static int next_kept(struct column_cursor *cursor, const struct column_plan *plan, struct kept *kept)
{
	switch (cursor->flags & FORM_MASK) {
	case FORM_SAME:
		*kept = (struct kept){ cursor->bytes, left(cursor->bytes, cursor->bytes_end), cursor->flags & SECTION_UTF8 };
		return 0;
	case FORM_TABLE:
		return next_entry(cursor, plan, kept);
	case FORM_BYTES:
		return next_bytes(cursor, kept);
	default:
		return next_ended(cursor, kept);
	}
}

/* UTF-16 that is kept as it is has an even number of bytes. */
static int set_value(const struct column_plan *plan, const struct kept *kept, struct value *value, uint8_t **room)
{
	*value = (struct value){ kept->bytes, kept->size };
	if (!kept->utf8)
		return plan->utf16 && kept->size % 2 ? -EBADMSG : 0;

	ssize_t wide = utf16_put(*room, kept->bytes, kept->size);

	if (wide < 0)
		return -EBADMSG;
	*value = (struct value){ *room, (size_t)wide };
	*room += wide;
	return 0;
}

static int next_value(
	struct column_cursor *cursor, const struct column_plan *plan, struct value *value, struct column_room *room)
{
	unsigned int form = cursor->flags & FORM_MASK;
	int error;

	if (form == FORM_PLANES)
		return next_plane(cursor, plan, value);
	if (is_integers(form))
		return next_integer(cursor, plan, value);
	error = next_kept(cursor, plan, &cursor->kept);
	if (!error && cursor->back)
		error = column_put_together(cursor, room);
	return error ? error : set_value(plan, &cursor->kept, value, &room->at);
}

int column_next(
	struct column_cursor *cursor, const struct column_plan *plan, struct value *value, struct column_room *room)
{
	uint32_t row = cursor->row++;
	int error;

	*value = (struct value){ 0 };
	cursor->kept = (struct kept){ .bytes = NULL };
	if (cursor->flags == FORM_NULLS || (cursor->nulls && bit_get(cursor->nulls, row)))
		return COLUMN_GOT_VALUE;
	if (cursor->larges && bit_get(cursor->larges, cursor->present_read++))
		return next_large(cursor);
	error = next_value(cursor, plan, value, room);
	cursor->inlined_read++;
	return error;
}

bool column_used_up(const struct column_cursor *cursor)
{
	unsigned int form = cursor->flags & FORM_MASK;

	return cursor->at == cursor->end && cursor->steps == cursor->steps_end &&
		((form != FORM_BYTES && form != FORM_ENDED) || cursor->bytes == cursor->bytes_end);
}
