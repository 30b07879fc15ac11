/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One column of a chunk, read value by value. The bytes are hostile: nothing is believed before it was compared with
 * the end of the section, and a section is whole only if it was used up to the last byte.
 */
#ifndef AGENT_TABLE_COLUMN_READ_H
#define AGENT_TABLE_COLUMN_READ_H

#include "agent/table/format.h"

struct column_cursor {
	unsigned int flags;
	uint32_t rows, row;        /* all, and read so far */
	uint32_t present, inlined; /* values that are not NULL; those of them that are in the section itself */
	uint32_t present_read, inlined_read;
	const uint8_t *nulls, *larges;    /* bitmaps or NULL */
	const uint8_t *references;        /* the next one, up to `body` */
	const uint8_t *at, *end;          /* what is read in order: integers, lengths or indexes */
	const uint8_t *bytes, *bytes_end; /* the values themselves, or the entries of a table */
	const uint8_t *ends;              /* of table entries of any size */
	size_t entries;
	uint64_t unit, base;    /* of integers: what steps are counted in, and from where */
	size_t even;            /* SECTION_EVEN: the length */
	uint64_t pieces;        /* value chunks of all large values */
	struct large_ref large; /* the last large value */
	uint8_t fixed[17];      /* the last value that had to be put together */
};

/* Reads the section at *at and moves behind it. -EBADMSG. */
int column_open(struct column_cursor *cursor, const struct column_plan *plan, uint32_t rows, uint32_t piece_size,
	const uint8_t **at, const uint8_t *end);

enum column_got { COLUMN_GOT_VALUE = 0, COLUMN_GOT_LARGE = 1 };
/*
 * The next row's value (COLUMN_GOT_VALUE) or cursor->large (COLUMN_GOT_LARGE); -EBADMSG. Text that was UTF-8 is
 * written to *scratch, which moves on by at most twice the bytes of the section; a value is valid until the next call.
 */
int column_next(struct column_cursor *cursor, const struct column_plan *plan, struct value *value, uint8_t **scratch);
/* After the last row: true where nothing is left over. */
bool column_used_up(const struct column_cursor *cursor);

#endif
