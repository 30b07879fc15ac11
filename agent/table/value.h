/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Column types and values, the currency between SQL Server and the store.
 *
 * A value is a run of bytes in one canonical form a type, the same whether it was read by a query, kept in a row group
 * or is about to be written by a bulk load; it is what SQL Server calls the value, bit for bit, and nothing is ever
 * converted. A value borrows its bytes.
 */
#ifndef AGENT_TABLE_VALUE_H
#define AGENT_TABLE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Stored in snapshots: a number keeps its meaning for ever. */
enum column_type {
	COLUMN_BIT = 1,               /* 1 byte, 0 or 1 */
	COLUMN_TINYINT = 2,           /* 1 byte */
	COLUMN_SMALLINT = 3,          /* 2 bytes, like every integer below little-endian, two's complement */
	COLUMN_INT = 4,               /* 4 bytes */
	COLUMN_BIGINT = 5,            /* 8 bytes */
	COLUMN_REAL = 6,              /* 4 bytes, IEEE 754 little-endian, NaN payloads included */
	COLUMN_FLOAT = 7,             /* 8 bytes */
	COLUMN_DECIMAL = 8,           /* 17 bytes: sign (1 = positive), 16 bytes magnitude, little-endian */
	COLUMN_SMALLMONEY = 9,        /* 4 bytes, in 1/10000 */
	COLUMN_MONEY = 10,            /* 8 bytes, in 1/10000 */
	COLUMN_DATE = 11,             /* 3 bytes: days since 0001-01-01 */
	COLUMN_SMALLDATETIME = 12,    /* 4 bytes: u16 days since 1900-01-01, u16 minutes */
	COLUMN_DATETIME = 13,         /* 8 bytes: i32 days since 1900-01-01, u32 1/300 s */
	COLUMN_TIME = 14,             /* 5 bytes: 100 ns, whatever the scale */
	COLUMN_DATETIME2 = 15,        /* 8 bytes: time, then date */
	COLUMN_DATETIMEOFFSET = 16,   /* 10 bytes: time and date in UTC, i16 offset in minutes */
	COLUMN_UNIQUEIDENTIFIER = 17, /* 16 bytes as SQL Server sends them */
	COLUMN_CHAR = 18,             /* bytes of the column's code page, padded as the server pads */
	COLUMN_VARCHAR = 19,          /* bytes of the column's code page */
	COLUMN_TEXT = 20,
	COLUMN_NCHAR = 21, /* UTF-16LE code units, lone surrogates included; an even number of bytes */
	COLUMN_NVARCHAR = 22,
	COLUMN_NTEXT = 23,
	COLUMN_XML = 24,    /* UTF-16LE text as the server renders it */
	COLUMN_BINARY = 25, /* raw bytes */
	COLUMN_VARBINARY = 26,
	COLUMN_IMAGE = 27,
	COLUMN_ROWVERSION = 28, /* 8 bytes; kept for reading, never written, left out of digests */
	COLUMN_VARIANT = 29,    /* TDS: base type, length of properties, properties, data */
	COLUMN_UDT = 30,        /* hierarchyid, geography, geometry, CLR types: the bytes of CAST AS varbinary(max) */
};

/* data == NULL is NULL; an empty value is a data that is not NULL with size 0. */
struct value {
	const void *data;
	size_t size; /* bytes */
};

/* The size that every value of the type has, or 0 where sizes differ. */
size_t column_type_size(enum column_type type);
/* True for the types of UTF-16LE text. */
bool column_type_is_utf16(enum column_type type);
/* False for a number that no version of the format has used. */
bool column_type_is_known(int type);

/* One column as a row group sees it. */
struct column {
	enum column_type type;
	bool derived; /* computed or rowversion: kept for reading, in no digest, in no boundary, never loaded */
};

/* The shape of a table's rows. Owned by whoever made it; every function below borrows it. */
struct layout {
	const struct column *columns;
	size_t column_count; /* at most LAYOUT_COLUMNS_MAX */
	const uint16_t *key; /* ordinals of the columns that the rows are sorted by, leading column first */
	size_t key_count;    /* 0: a heap without a unique index; rows come in no order */
};

#define LAYOUT_COLUMNS_MAX 30000 /* a wide table with sparse columns */

#endif
