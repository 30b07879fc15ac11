/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "agent/table/bytes.h"
#include "agent/table/column_write.h"

#define SLOTS 1024

/* A quick hash of the size and both ends: equal ones are compared anyway, and there are few distinct values. */
static size_t slot_of(const struct cell *cell)
{
	size_t n = cell->size < 8 ? cell->size : 8;
	uint64_t h = get_number(cell->bytes, n) ^ get_number(cell->bytes + cell->size - n, n) << 7 ^ cell->size;

	return (size_t)(h * 0x9e3779b97f4a7c15 >> 54);
}

static bool same(const struct cell *a, const struct cell *b)
{
	return a->size == b->size && a->state == b->state && !memcmp(a->bytes, b->bytes, a->size);
}

/* Returns the entry's number, or -1 where the table is full. */
static int find_or_add(struct column_writer *writer, const struct cell *cell)
{
	for (size_t slot = slot_of(cell);; slot = (slot + 1) % SLOTS) {
		if (!writer->slots[slot]) {
			if (writer->table_size == TABLE_ENTRIES_MAX)
				return -1;
			writer->table[writer->table_size++] = cell;
			writer->slots[slot] = (uint16_t)writer->table_size;
			return (int)writer->table_size - 1;
		}
		if (same(writer->table[writer->slots[slot] - 1], cell))
			return writer->slots[slot] - 1;
	}
}

bool column_table_find(struct column_writer *writer)
{
	memset(writer->slots, 0, SLOTS * sizeof(*writer->slots));
	writer->table_size = 0;
	for (size_t i = 0; i < writer->present; i++) {
		int entry = find_or_add(writer, &writer->cells[i]);

		if (entry < 0)
			return false;
		writer->indexes[i] = (uint8_t)entry;
	}
	return true;
}

size_t column_table_bytes(const struct column_writer *writer, const struct column_plan *plan)
{
	size_t bytes = varint_size(writer->table_size) + writer->present;

	for (size_t i = 0; i < writer->table_size; i++)
		bytes += writer->table[i]->size + (plan->width ? 0 : TABLE_END_SIZE);
	return bytes;
}

uint8_t *column_table_write(const struct column_writer *writer, const struct column_plan *plan, uint8_t *out)
{
	uint32_t end = 0;

	out = varint_put(out, writer->table_size);
	for (size_t i = 0; i < writer->table_size && !plan->width; i++) {
		const struct cell *cell = writer->table[i];

		end += cell->size;
		put_number(out, end | (plan->utf16 && cell->state == CELL_BYTES ? TABLE_END_RAW : 0), TABLE_END_SIZE);
		out += TABLE_END_SIZE;
	}
	for (size_t i = 0; i < writer->table_size; i++) {
		memcpy(out, writer->table[i]->bytes, writer->table[i]->size);
		out += writer->table[i]->size;
	}
	memcpy(out, writer->indexes, writer->present);
	return out + writer->present;
}
