/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/bytes.h"
#include "agent/table/column_write.h"
#include "agent/table/integer.h"

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

static void measure(const int64_t *integers, size_t count, struct integer_forms *forms)
{
	size_t head = varint_size(forms->unit);

	forms->deltas = head + varint_size(zigzag((uint64_t)integers[0]));
	forms->offsets = head + varint_size(zigzag((uint64_t)forms->smallest));
	for (size_t i = 0; i < count; i++) {
		forms->offsets += varint_size(offset_steps(integers[i], forms));
		if (i)
			forms->deltas += varint_size(zigzag_steps(difference(integers[i], integers[i - 1]), forms->unit));
	}
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
	measure(writer->integers, writer->present, forms);
	return true;
}

uint8_t *column_integers_write(
	const struct column_writer *writer, const struct integer_forms *forms, enum section_form form, uint8_t *out)
{
	const int64_t *integers = writer->integers;

	out = varint_put(out, forms->unit);
	if (form == FORM_OFFSETS) {
		out = varint_put(out, zigzag((uint64_t)forms->smallest));
		for (size_t i = 0; i < writer->present; i++)
			out = varint_put(out, offset_steps(integers[i], forms));
		return out;
	}
	out = varint_put(out, zigzag((uint64_t)integers[0]));
	for (size_t i = 1; i < writer->present; i++)
		out = varint_put(out, zigzag_steps(difference(integers[i], integers[i - 1]), forms->unit));
	return out;
}
