/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/column_write.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/table/bytes.h"

#define SLOTS 1024
#define LENGTH_MAX 4 /* bytes of the varint that says how long a section is */
#define BESIDE_MAX 4 /* bytes that say beside which column it is */

int column_writer_create(struct column_writer *writer, size_t max_rows, size_t max_bytes)
{
	*writer = (struct column_writer){
		.cells = malloc(max_rows * sizeof(*writer->cells)),
		.integers = malloc(max_rows * sizeof(*writer->integers)),
		.indexes = malloc(max_rows),
		.slots = malloc(SLOTS * sizeof(*writer->slots)),
		.table = malloc(TABLE_ENTRIES_MAX * sizeof(*writer->table)),
		.large = malloc(max_rows * sizeof(*writer->large)),
	};
	if (!writer->cells || !writer->integers || !writer->indexes || !writer->slots || !writer->table || !writer->large)
		return -ENOMEM;
	return column_beside_create(&writer->beside, max_rows, max_bytes);
}

void column_writer_free(struct column_writer *writer)
{
	free(writer->cells);
	free(writer->integers);
	free(writer->indexes);
	free(writer->slots);
	free(writer->table);
	free(writer->large);
	column_beside_free(&writer->beside);
}

void column_writer_start(struct column_writer *writer, size_t rows)
{
	writer->rows = rows;
	writer->column = 0;
	writer->second = false;
	writer->beside.near_bytes = 0;
}

static uint8_t *start_bitmap(uint8_t *out, size_t bits)
{
	memset(out, 0, (bits + 7) / 8);
	return out + (bits + 7) / 8;
}

/* Writes the bitmap of NULLs where there are any, and leaves only the others in cells. */
static uint8_t *write_nulls(struct column_writer *writer, unsigned int *flags, uint8_t *out)
{
	size_t present = 0;
	uint8_t *end = start_bitmap(out, writer->rows);

	for (size_t i = 0; i < writer->rows; i++) {
		if (writer->cells[i].state == CELL_NULL)
			bit_set(out, i);
		else if (present++ != i)
			writer->cells[present - 1] = writer->cells[i];
	}
	writer->present = present;
	if (present == writer->rows)
		return out;
	*flags |= SECTION_NULLS;
	return end;
}

static uint8_t *write_references(const struct column_writer *writer, uint8_t *out)
{
	for (size_t i = 0; i < writer->large_count; i++) {
		struct large_ref ref = row_buffer_large(&writer->large[i]);

		memcpy(out, ref.hash, LARGE_HASH_SIZE);
		out = varint_put(out + LARGE_HASH_SIZE, ref.size);
	}
	return out;
}

/* The same for values that left their rows, with their references behind the bitmap. */
static uint8_t *write_large(struct column_writer *writer, unsigned int *flags, uint8_t *out)
{
	size_t all = writer->present, present = 0;
	uint8_t *end = start_bitmap(out, all);

	writer->large_count = 0;
	for (size_t i = 0; i < all; i++) {
		if (writer->cells[i].state == CELL_LARGE) {
			bit_set(out, i);
			writer->large[writer->large_count++] = writer->cells[i];
		} else if (present++ != i) {
			writer->cells[present - 1] = writer->cells[i];
		}
	}
	writer->present = present;
	if (!writer->large_count)
		return out;
	*flags |= SECTION_LARGE;
	return write_references(writer, end);
}

static bool all_same(const struct column_writer *writer)
{
	const struct cell *first = &writer->cells[0];

	for (size_t i = 1; i < writer->present; i++) {
		const struct cell *cell = &writer->cells[i];

		if (cell->size != first->size || cell->state != first->state || memcmp(cell->bytes, first->bytes, first->size))
			return false;
	}
	return writer->present > 0;
}

static uint8_t *write_same(const struct column_writer *writer, uint8_t *out)
{
	memcpy(out, writer->cells[0].bytes, writer->cells[0].size);
	return out + writer->cells[0].size;
}

static uint8_t *write_planes(const struct column_writer *writer, size_t width, uint8_t *out)
{
	for (size_t plane = 0; plane < width; plane++)
		for (size_t i = 0; i < writer->present; i++)
			*out++ = writer->cells[i].bytes[plane];
	return out;
}

static uint8_t *write_fixed(
	struct column_writer *writer, const struct column_plan *plan, unsigned int *flags, uint8_t *out)
{
	size_t least = writer->present * plan->width;
	enum section_form form = FORM_PLANES;
	struct integer_forms forms;
	const struct integer_form *integers = NULL;

	if (column_integers_find(writer, plan, &forms)) {
		integers = forms.deltas.bytes <= forms.offsets.bytes ? &forms.deltas : &forms.offsets;
		if (integers->bytes < least) {
			least = integers->bytes;
			form = integers == &forms.deltas ? FORM_DELTAS : FORM_OFFSETS;
		}
	}
	if (column_table_find(writer) && column_table_bytes(writer, plan) < least)
		form = FORM_TABLE;
	*flags |= form;
	if (form == FORM_TABLE)
		return column_table_write(writer, plan, out);
	if (form == FORM_PLANES)
		return write_planes(writer, plan->width, out);
	if (integers->width) {
		*flags |= SECTION_EVEN;
		writer->second = true;
	}
	return column_integers_write(writer, &forms, form, out);
}

/* How text is kept, where it is text: the flags of a section. */
static unsigned int text_flags(const struct column_writer *writer, const struct column_plan *plan)
{
	size_t utf8 = 0;

	if (!plan->utf16)
		return 0;
	for (size_t i = 0; i < writer->present; i++)
		utf8 += writer->cells[i].state == CELL_UTF8;
	return utf8 == 0 ? 0 : utf8 == writer->present ? SECTION_UTF8 : SECTION_MIXED;
}

static uint64_t length_of(const struct cell *cell, unsigned int flags)
{
	return flags & SECTION_MIXED ? (uint64_t)cell->size << 1 | (cell->state == CELL_BYTES) : cell->size;
}

/* How values of any size are written: the form, a flag, and the bytes that they take. */
struct bytes_form {
	unsigned int form;
	size_t lengths, size;
};

static bool all_even(const struct column_writer *writer)
{
	for (size_t i = 1; i < writer->present; i++)
		if (writer->cells[i].size != writer->cells[0].size)
			return false;
	return writer->present > 0;
}

static bool any_zero(const struct column_writer *writer)
{
	for (size_t i = 0; i < writer->present; i++)
		if (memchr(writer->cells[i].bytes, 0, writer->cells[i].size))
			return true;
	return writer->present == 0;
}

static struct bytes_form choose_bytes(const struct column_writer *writer, unsigned int flags)
{
	struct bytes_form form = { .form = FORM_BYTES };
	size_t bytes = 0;

	for (size_t i = 0; i < writer->present; i++) {
		form.lengths += varint_size(length_of(&writer->cells[i], flags));
		bytes += writer->cells[i].size;
	}
	if (!(flags & SECTION_MIXED) && all_even(writer)) {
		form.form = FORM_BYTES | SECTION_EVEN;
		form.size = bytes + varint_size(writer->cells[0].size);
	} else if (!(flags & SECTION_MIXED) && !any_zero(writer)) {
		form.form = FORM_ENDED;
		form.size = bytes + writer->present;
	} else {
		form.size = bytes + form.lengths + varint_size(form.lengths);
	}
	return form;
}

static uint8_t *write_bytes(
	const struct column_writer *writer, const struct bytes_form *form, unsigned int flags, uint8_t *out)
{
	if (form->form & SECTION_EVEN) {
		out = varint_put(out, writer->cells[0].size);
	} else if (form->form == FORM_BYTES) {
		out = varint_put(out, form->lengths);
		for (size_t i = 0; i < writer->present; i++)
			out = varint_put(out, length_of(&writer->cells[i], flags));
	}
	for (size_t i = 0; i < writer->present; i++) {
		memcpy(out, writer->cells[i].bytes, writer->cells[i].size);
		out += writer->cells[i].size;
		if (form->form == FORM_ENDED)
			*out++ = 0;
	}
	return out;
}

/* For the values that are in writer->cells now; what it says of a table is true until it is asked again. */
static struct bytes_form choose_variable(
	struct column_writer *writer, const struct column_plan *plan, unsigned int flags)
{
	if (all_same(writer))
		return (struct bytes_form){ .form = FORM_SAME, .size = writer->cells[0].size };

	struct bytes_form form = choose_bytes(writer, flags);

	if (column_table_find(writer) && column_table_bytes(writer, plan) < form.size)
		form = (struct bytes_form){ .form = FORM_TABLE, .size = column_table_bytes(writer, plan) };
	return form;
}

/* Beside another column where that takes at most three quarters: then what is kept of the values is in writer->cells. */
static bool put_beside(
	struct column_writer *writer, const struct column_plan *plan, unsigned int flags, struct bytes_form *form)
{
	const struct beside *beside = &writer->beside;

	if (!beside->near_bytes || form->form == FORM_SAME || !column_beside_split(writer))
		return false;
	column_beside_swap(writer);

	struct bytes_form kept = choose_variable(writer, plan, flags);
	size_t size = varint_size(beside->steps_size) + beside->steps_size + kept.size;
	bool pays = size * 4 <= form->size * 3;

	if (!pays) {
		column_beside_swap(writer);
		kept = choose_variable(writer, plan, flags);
	}
	*form = kept;
	return pays;
}

static uint8_t *write_steps(struct column_writer *writer, uint8_t *out)
{
	const struct beside *beside = &writer->beside;

	writer->back = writer->column - beside->near_column;
	writer->second = true;
	out = varint_put(out, beside->steps_size);
	memcpy(out, beside->steps, beside->steps_size);
	return out + beside->steps_size;
}

static uint8_t *write_variable(
	struct column_writer *writer, const struct column_plan *plan, unsigned int *flags, uint8_t *out)
{
	*flags |= text_flags(writer, plan);

	struct bytes_form form = choose_variable(writer, plan, *flags);

	if (put_beside(writer, plan, *flags, &form))
		out = write_steps(writer, out);
	else
		column_beside_offer(writer);
	*flags |= form.form;
	switch (form.form) {
	case FORM_SAME:
		return write_same(writer, out);
	case FORM_TABLE:
		return column_table_write(writer, plan, out);
	default:
		return write_bytes(writer, &form, *flags, out);
	}
}

/* Puts the length, of a size that is known only now, between the first bytes and the body. */
static uint8_t *close_section(
	const struct column_writer *writer, uint8_t *section, const uint8_t *body, const uint8_t *end, unsigned int flags)
{
	size_t size = (size_t)(end - body);

	if (writer->back) {
		*section++ = SECTION_BESIDE;
		section = varint_put(section, writer->back);
	}
	*section++ = (uint8_t)flags;
	section = varint_put(section, size);
	memmove(section, body, size);
	return section + size;
}

static uint8_t *write_section(struct column_writer *writer, const struct column_plan *plan, uint8_t *section)
{
	uint8_t *body = section + BESIDE_MAX + 1 + LENGTH_MAX, *out;
	unsigned int flags = 0;

	writer->back = 0;
	out = write_nulls(writer, &flags, body);
	if (!writer->present) {
		*section = FORM_NULLS;
		return section + 1;
	}
	if (!plan->width) {
		out = write_large(writer, &flags, out);
		out = write_variable(writer, plan, &flags, out);
	} else if (all_same(writer)) {
		flags |= FORM_SAME;
		out = write_same(writer, out);
	} else {
		out = write_fixed(writer, plan, &flags, out);
	}
	return close_section(writer, section, body, out, flags);
}

uint8_t *column_write(struct column_writer *writer, const struct column_plan *plan, uint8_t *out)
{
	out = write_section(writer, plan, out);
	writer->column++;
	return out;
}
