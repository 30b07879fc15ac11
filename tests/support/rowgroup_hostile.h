/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads bytes of unknown origin as a rows chunk of one of a few layouts, for the fuzz target and for the test that
 * runs its corpus. The first byte chooses the layout, the rest is the chunk.
 */
#ifndef TESTS_SUPPORT_ROWGROUP_HOSTILE_H
#define TESTS_SUPPORT_ROWGROUP_HOSTILE_H

#include <errno.h>
#include <stdlib.h>

#include "agent/table/rowgroup.h"

#define HOSTILE_LAYOUTS 4
#define HOSTILE_COLUMNS COLUMN_UDT

static const struct rowgroup_params hostile_params = { .seed = { 42 },
	.rare_rows = 64,
	.frequent_rows = 8,
	.group_rows = 8,
	.max_rows = 256,
	.max_bytes = 16384,
	.inline_limit = 512,
	.piece_size = 1000 };

/* One column of each type; a chat message; a table of one text column; text beside text. */
static inline void hostile_layout(unsigned int number, struct column columns[HOSTILE_COLUMNS], struct layout *layout)
{
	static const enum column_type chat[] = { COLUMN_INT, COLUMN_BIGINT, COLUMN_DATETIME, COLUMN_NVARCHAR };
	static const enum column_type beside[] = { COLUMN_INT, COLUMN_NVARCHAR, COLUMN_VARCHAR, COLUMN_NVARCHAR,
		COLUMN_VARCHAR };
	static const uint16_t key[] = { 0, 1 };

	*layout = (struct layout){ columns, 1, NULL, 0 };
	columns[0] = (struct column){ COLUMN_NTEXT, false };
	if (number == 1)
		*layout = (struct layout){ columns, 4, key, 2 };
	for (size_t i = 0; i < 4 && number == 1; i++)
		columns[i] = (struct column){ chat[i], false };
	if (number == 3)
		*layout = (struct layout){ columns, 5, key, 1 };
	for (size_t i = 0; i < 5 && number == 3; i++)
		columns[i] = (struct column){ beside[i], false };
	if (number == 0)
		layout->column_count = HOSTILE_COLUMNS;
	for (int i = 0; i < HOSTILE_COLUMNS && number == 0; i++)
		columns[i] = (struct column){ (enum column_type)(i + 1), false };
}

/* Every byte that the reader says is there is touched, so that a sanitizer sees one that is not. */
static inline unsigned int hostile_touch(const struct rowgroup_value *value)
{
	const uint8_t *bytes = value->value.data;
	unsigned int sum = 0;

	for (size_t i = 0; bytes && i < value->value.size; i++)
		sum += bytes[i];
	return value->large ? value->piece + value->pieces : sum;
}

/* 0, and the digest if it is wanted; or -EBADMSG. */
static inline int hostile_read(unsigned int number, const uint8_t *bytes, size_t size, struct table_digest *digest)
{
	struct column columns[HOSTILE_COLUMNS];
	struct rowgroup_value values[HOSTILE_COLUMNS];
	struct layout layout;
	struct rowgroup_reader *reader;
	volatile unsigned int sum = 0; /* volatile: the bytes are really read */
	int error;

	hostile_layout(number % HOSTILE_LAYOUTS, columns, &layout);
	error = rowgroup_open(&reader, &layout, &hostile_params, bytes, size);
	if (error)
		return error;
	while ((error = rowgroup_next(reader, values)) == 1)
		for (size_t i = 0; i < layout.column_count; i++)
			sum += hostile_touch(&values[i]);
	if (!error && digest)
		error = rowgroup_digest(reader, digest);
	(void)sum;
	rowgroup_reader_free(reader);
	return error;
}

#endif
