/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What writer and reader of row groups share: the numbers of FORMAT.md, and a layout made ready for both.
 */
#ifndef AGENT_TABLE_FORMAT_H
#define AGENT_TABLE_FORMAT_H

#include "agent/table/rowgroup.h"

#define ROWGROUP_FORMAT 1       /* first byte of a rows chunk */
#define ROWGROUP_FORMAT_2 2     /* of one with a section that is beside another column, or has planes of integers */
#define TABLE_ENTRIES_MAX 256   /* an index is one byte */
#define TABLE_END_SIZE 3        /* bytes of an entry's end in a table */
#define TABLE_END_RAW 0x800000u /* this entry is UTF-16LE in a column that holds UTF-8 too */
#define LARGE_HASH_SIZE 16
#define VALUE_SIZE_MAX ((uint64_t)1 << 40) /* SQL Server ends at 2^31 */

/* The first byte of a column's section: a form and flags. */
enum section_form {
	FORM_NULLS = 0,   /* no value at all: the section ends here */
	FORM_SAME = 1,    /* one value, as often as there are values */
	FORM_PLANES = 2,  /* values of one width: all first bytes, all second bytes … */
	FORM_DELTAS = 3,  /* integers: the first, then differences */
	FORM_OFFSETS = 4, /* integers: the smallest, then how far each is above it */
	FORM_TABLE = 5,   /* distinct values, then one byte a value that says which */
	FORM_BYTES = 6,   /* values of any size: lengths, then bytes */
	FORM_ENDED = 7,   /* values of any size without a zero byte, each ended by one: deflates better than lengths */
	FORM_MASK = 0x07,
};

/* In front of a section: its values are put together from what is kept in it and the values of a column before it. */
#define SECTION_BESIDE 0x80

enum section_flag {
	SECTION_NULLS = 0x08, /* a bitmap says which rows are NULL */
	SECTION_LARGE = 0x10, /* a bitmap says which values left for value chunks */
	SECTION_UTF8 = 0x20,  /* UTF-16 text is kept as UTF-8 */
	SECTION_MIXED = 0x40, /* each value of text says how it is kept */
	SECTION_EVEN = 0x80,  /* FORM_BYTES: all values are of one length. FORM_DELTAS, FORM_OFFSETS: planes, not varints */
};

/* A value that left its row. */
struct large_ref {
	uint64_t size;                 /* bytes */
	uint8_t hash[LARGE_HASH_SIZE]; /* keyed, of its bytes */
};

/* A column as the codec wants to know it. */
struct column_plan {
	enum column_type type;
	uint8_t width; /* bytes of every value, 0 where sizes differ */
	bool utf16;
	bool derived;
};

/* True where every field makes sense together with the others. */
bool rowgroup_params_valid(const struct rowgroup_params *params);
/* Checks the layout and allocates one plan a column. -EINVAL or -ENOMEM. The caller frees it. */
int column_plan_create(struct column_plan **plans, const struct layout *layout);
/* Bytes that a rows chunk of this layout never exceeds. */
size_t rowgroup_chunk_max(const struct layout *layout, const struct rowgroup_params *params);
/* Value chunks of a value of `size` bytes. */
uint64_t large_pieces(uint64_t size, uint32_t piece_size);

#endif
