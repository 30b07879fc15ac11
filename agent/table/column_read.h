/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One column of a chunk, read value by value. The bytes are hostile: nothing is believed before it was compared with
 * the end of the section, and a section is whole only if it was used up to the last byte.
 */
#ifndef AGENT_TABLE_COLUMN_READ_H
#define AGENT_TABLE_COLUMN_READ_H

#include "agent/table/format.h"

/* A value as its section keeps it. */
struct kept {
	const uint8_t *bytes; /* NULL: there is none inside */
	size_t size;
	bool utf8; /* of UTF-16 text */
};

/* Where what is not in the chunk as it is gets written, and how much that may still become. */
struct column_room {
	uint8_t *at;
	size_t beside; /* bytes of values that are put together, of the whole chunk */
};

struct column_cursor {
	unsigned int flags;
	uint32_t column;                  /* its number, filled in by the caller */
	bool sized;                       /* all values of its type have one size */
	uint32_t back;                    /* not 0: values are put together from those of the column so many before */
	struct kept kept;                 /* the last value, if its size may differ from others */
	const uint8_t *steps, *steps_end; /* by which they are put together */
	uint32_t rows, row;               /* all, and read so far */
	uint32_t present, inlined;        /* values that are not NULL; those of them that are in the section itself */
	uint32_t present_read, inlined_read;
	const uint8_t *nulls, *larges;    /* bitmaps or NULL */
	const uint8_t *references;        /* the next one, up to `body` */
	const uint8_t *at, *end;          /* what is read in order: integers, lengths or indexes */
	const uint8_t *bytes, *bytes_end; /* the values themselves, or the entries of a table */
	const uint8_t *ends;              /* of table entries of any size */
	size_t entries;
	uint64_t unit, base;    /* of integers: what steps are counted in, and from where */
	uint32_t planes;        /* of integers: bytes of each number, 0: varints */
	size_t even;            /* SECTION_EVEN: the length */
	uint64_t pieces;        /* value chunks of all large values */
	struct large_ref large; /* the last large value */
	uint8_t fixed[17];      /* the last value that had to be put together */
};

/* What all sections of a chunk have in common. */
struct column_frame {
	unsigned int format; /* of the chunk */
	uint32_t rows, piece_size;
};

/* Reads the section at *at and moves behind it. The cursors of the columns before it lie before it. -EBADMSG. */
int column_open(struct column_cursor *cursor, const struct column_plan *plan, const struct column_frame *frame,
	const uint8_t **at, const uint8_t *end);
/* column_put.c: the value `kept` of a section that is beside another, put together. -EBADMSG. */
int column_put_together(struct column_cursor *cursor, struct column_room *room);

enum column_got { COLUMN_GOT_VALUE = 0, COLUMN_GOT_LARGE = 1 };
/*
 * The next row's value (COLUMN_GOT_VALUE) or cursor->large (COLUMN_GOT_LARGE); -EBADMSG. The columns before it have been
 * read up to the same row. Text that was UTF-8 is written to the room, which moves on by at most twice the bytes of the
 * section, and by three times those of values that are put together; a value is valid until the next call.
 */
int column_next(
	struct column_cursor *cursor, const struct column_plan *plan, struct value *value, struct column_room *room);
/* After the last row: true where nothing is left over. */
bool column_used_up(const struct column_cursor *cursor);

#endif
