/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/bytes.h"
#include "agent/table/column_write.h"
#include "agent/table/integer.h"

#define PLANES_LEAST 32 /* numbers: of fewer their bytes have nothing to tell each other */

/* Differences wrap around modulo 2^64, so every pair of integers has one. */
static uint64_t difference(int64_t a, int64_t b)
{
	return (uint64_t)a - (uint64_t)b;
}

static uint64_t magnitude(uint64_t difference)
{
	return difference >> 63 ? 0 - difference : difference;
}

/* The greatest common divisor, quick where `unit` divides already. */
static uint64_t common_unit(uint64_t unit, uint64_t n)
{
	while (n) {
		uint64_t rest = unit % n;

		unit = n;
		n = rest;
	}
	return unit;
}

static uint64_t find_unit(const int64_t *integers, size_t count)
{
	uint64_t unit = 0;

	for (size_t i = 1; i < count && unit != 1; i++) {
		uint64_t step = magnitude(difference(integers[i], integers[i - 1]));

		if (!unit || step % unit)
			unit = common_unit(unit, step);
	}
	return unit ? unit : 1;
}

static uint64_t zigzag_steps(uint64_t difference, uint64_t unit)
{
	uint64_t steps = unit == 1 ? magnitude(difference) : magnitude(difference) / unit;

	return zigzag(difference >> 63 ? 0 - steps : steps);
}

static uint64_t offset_steps(int64_t integer, const struct integer_forms *forms)
{
	uint64_t offset = difference(integer, forms->smallest);

	return forms->unit == 1 ? offset : offset / forms->unit;
}

static uint64_t delta_steps(const int64_t *integers, size_t i, const struct integer_forms *forms)
{
	return zigzag_steps(difference(integers[i], integers[i - 1]), forms->unit);
}

/*
 * Planes, where they are a quarter longer at most: in varints what the top bits say is spread over random bytes, which
 * costs deflate more than that. Never where the values themselves are not longer, or where single bytes gain nothing.
 */
static void choose_planes(struct integer_form *form, size_t head, size_t count, uint64_t all, size_t values)
{
	unsigned int width = (unsigned int)(71 - __builtin_clzll(all | 1)) / 8;
	size_t planes = head + 1 + count * width;

	form->bytes += head;
	if (count < PLANES_LEAST || planes >= values || planes * 4 > form->bytes * 5 ||
		(width == 1 && planes >= form->bytes))
		return;
	form->width = width;
	if (planes < form->bytes)
		form->bytes = planes;
}

static void measure(const int64_t *integers, size_t count, size_t values, struct integer_forms *forms)
{
	size_t head = varint_size(forms->unit);
	uint64_t deltas = 0, offsets = 0;

	forms->deltas = forms->offsets = (struct integer_form){ .bytes = 0 };
	for (size_t i = 0; i < count; i++) {
		uint64_t offset = offset_steps(integers[i], forms), delta = i ? delta_steps(integers, i, forms) : 0;

		forms->offsets.bytes += varint_size(offset);
		forms->deltas.bytes += i ? varint_size(delta) : 0;
		offsets |= offset;
		deltas |= delta;
	}
	choose_planes(&forms->deltas, head + varint_size(zigzag((uint64_t)integers[0])), count - 1, deltas, values);
	choose_planes(&forms->offsets, head + varint_size(zigzag((uint64_t)forms->smallest)), count, offsets, values);
}

bool column_integers_find(struct column_writer *writer, const struct column_plan *plan, struct integer_forms *forms)
{
	if (!integer_type(plan->type))
		return false;
	for (size_t i = 0; i < writer->present; i++)
		if (!integer_from_value(plan->type, writer->cells[i].bytes, &writer->integers[i]))
			return false;
	forms->smallest = writer->integers[0];
	for (size_t i = 1; i < writer->present; i++)
		if (writer->integers[i] < forms->smallest)
			forms->smallest = writer->integers[i];
	forms->unit = find_unit(writer->integers, writer->present);
	measure(writer->integers, writer->present, writer->present * plan->width, forms);
	return true;
}

/* Which number comes at i: of all of them, or of those behind the first. */
static uint64_t number_at(
	const struct column_writer *writer, const struct integer_forms *forms, enum section_form form, size_t i)
{
	return form == FORM_OFFSETS ? offset_steps(writer->integers[i], forms)
								: delta_steps(writer->integers, i + 1, forms);
}

static uint8_t *write_number_planes(const struct column_writer *writer, const struct integer_forms *forms,
	enum section_form form, size_t count, uint8_t *out)
{
	unsigned int width = form == FORM_OFFSETS ? forms->offsets.width : forms->deltas.width;

	*out++ = (uint8_t)width;
	for (size_t i = 0; i < count; i++) {
		uint64_t number = number_at(writer, forms, form, i);

		for (size_t plane = 0; plane < width; plane++)
			out[plane * count + i] = (uint8_t)(number >> 8 * plane);
	}
	return out + count * width;
}

uint8_t *column_integers_write(
	const struct column_writer *writer, const struct integer_forms *forms, enum section_form form, uint8_t *out)
{
	bool offsets = form == FORM_OFFSETS;
	size_t count = writer->present - !offsets;

	out = varint_put(out, forms->unit);
	out = varint_put(out, zigzag((uint64_t)(offsets ? forms->smallest : writer->integers[0])));
	if (offsets ? forms->offsets.width : forms->deltas.width)
		return write_number_planes(writer, forms, form, count, out);
	for (size_t i = 0; i < count; i++)
		out = varint_put(out, number_at(writer, forms, form, i));
	return out;
}
