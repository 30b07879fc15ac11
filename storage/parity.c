/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XOR is taken with the period of the longest strip. A strip of half the size has the parity that its two halves have
 * together, so the strip of a segment can be chosen when its length is known.
 */
#include "storage/parity.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"

#define UNIT 4096u
#define UNIT_MIN 256u /* of a volume of very small segments */

static uint32_t smallest_strip(uint32_t least, uint32_t size)
{
	uint32_t strip = least;
	while (strip * (uint64_t)PARITY_STRIPS_MAX < size)
		strip *= 2;
	return strip;
}

/* What fails at once on the medium: a page of flash, 4 KiB of a disk. A strip must be whole units. */
static uint32_t unit_of(const struct volume *volume)
{
	uint32_t write_unit = volume->write_unit;
	if (!volume->strip_size) {
		uint32_t unit = smallest_strip(UNIT_MIN, volume->segment_size);
		return round_up32(unit < UNIT ? unit : UNIT, write_unit);
	}
	if (write_unit >= UNIT_MIN)
		return write_unit;
	uint32_t unit = UNIT / write_unit * write_unit;
	while (volume->strip_size % unit)
		unit -= write_unit;
	return unit;
}

struct parity_layout parity_layout_for(const struct volume *volume, uint32_t used)
{
	struct parity_layout layout = { .unit = unit_of(volume) };
	layout.data = round_up32(used, layout.unit);
	layout.strip = smallest_strip(volume->strip_size ? volume->strip_size : layout.unit, layout.data);
	layout.table = round_up32(SEGMENT_RECORD_SIZE + 4 * parity_units(&layout), volume->write_unit);
	return layout;
}

uint64_t parity_layout_size(const struct parity_layout *layout)
{
	return (uint64_t)layout->data + layout->strip + 2 * (uint64_t)layout->table;
}

uint32_t parity_units(const struct parity_layout *layout)
{
	return layout->data / layout->unit + layout->strip / layout->unit;
}

/* A unit and its parity are a strip or more apart: the parity of the first unit is not first in its strip. */
static uint32_t first_stripe(const struct parity_layout *layout)
{
	uint32_t stripes = layout->strip / layout->unit;
	return stripes ? (layout->data + layout->table) / layout->unit % stripes : 0;
}

uint32_t parity_place(const struct parity_layout *layout, uint32_t unit)
{
	uint32_t stripes = layout->strip / layout->unit;
	return (unit % stripes + stripes - first_stripe(layout)) % stripes;
}

void parity_xor(uint8_t *to, const uint8_t *from, size_t size)
{
	for (; size >= 8; to += 8, from += 8, size -= 8) {
		uint64_t a, b;
		memcpy(&a, to, 8);
		memcpy(&b, from, 8);
		a ^= b;
		memcpy(to, &a, 8);
	}
	while (size--)
		*to++ ^= *from++;
}

/* ---- writing ---- */

int parity_writer_create(struct parity_writer *writer, const struct volume *volume)
{
	struct parity_layout longest = parity_layout_for(volume, volume->segment_size);
	*writer = (struct parity_writer){ .unit = longest.unit, .strip_max = longest.strip };
	writer->strip = malloc(longest.strip);
	writer->checksums = malloc(4 * (size_t)parity_units(&longest));
	if (writer->strip && writer->checksums)
		return 0;
	parity_writer_destroy(writer);
	return -ENOMEM;
}

void parity_writer_destroy(struct parity_writer *writer)
{
	free(writer->strip);
	free(writer->checksums);
	*writer = (struct parity_writer){ .unit = 0 };
}

void parity_writer_start(struct parity_writer *writer)
{
	writer->position = writer->crc = 0;
	memset(writer->strip, 0, writer->strip_max);
}

void parity_writer_add(struct parity_writer *writer, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	while (size) {
		uint32_t room = writer->unit - writer->position % writer->unit;
		uint32_t step = size < room ? (uint32_t)size : room;
		parity_xor(writer->strip + writer->position % writer->strip_max, from, step);
		writer->crc = crc32c(writer->crc, from, step);
		writer->position += step;
		if (step == room) {
			put32(writer->checksums + 4 * (size_t)(writer->position / writer->unit - 1), writer->crc);
			writer->crc = 0;
		}
		from += step;
		size -= step;
	}
}

uint32_t parity_writer_finish(struct parity_writer *writer, const struct parity_layout *layout)
{
	for (uint32_t size = writer->strip_max; size > layout->strip; size /= 2)
		parity_xor(writer->strip, writer->strip + size / 2, size / 2);
	uint32_t units = layout->strip / layout->unit, first = first_stripe(layout);
	uint8_t *checksum = writer->checksums + 4 * (size_t)(layout->data / layout->unit);
	for (uint32_t i = 0; i < units; i++, checksum += 4)
		put32(checksum, crc32c(0, writer->strip + (size_t)((first + i) % units) * layout->unit, layout->unit));
	return first * layout->unit;
}
