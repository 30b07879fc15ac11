/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bulk stream of TDS (packet type 0x07): COLMETADATA and rows, from values in canonical form. What it writes goes
 * through a small buffer to a sink; DONE and packets are the session's.
 *
 * A column's TYPE_INFO is the server's own answer to a SELECT TOP (0), so that its collation is the column's; only xml,
 * CLR types and the old text types are written as (max) types, which the server converts, and sql_variant, which
 * FreeTDS could not take as a result, is described by us.
 * Functions return 0 or a negative errno; -EINVAL: a value that is none of its type; the sink's own.
 */
#ifndef AGENT_SQL_BULK_H
#define AGENT_SQL_BULK_H

#include "agent/sql/statement.h"

#define BULK_TYPE_INFO_MAX 16
#define BULK_BUFFER_SIZE 32768

struct bulk_column {
	enum column_type type;
	uint16_t flags;                        /* of COLMETADATA, as the server told */
	uint8_t type_info[BULK_TYPE_INFO_MAX]; /* from the token on, as it will be written */
	size_t type_info_size;
	bool fixed;   /* a type without NULL: its values have no length */
	bool plp;     /* (max): pieces */
	uint8_t size; /* wire bytes of a value where all have the same; decimal: by precision */
	uint8_t scale;
	uint8_t name[256]; /* UTF-16LE */
	size_t name_size;
};

/* Where rows go: the table itself, or `instead`, a table that has its columns in types that bulk_type names. */
struct bulk_target {
	const struct catalogue_table *table;
	const struct catalogue_layout *layout;
	const char *instead; /* as T-SQL has it; NULL: the table */
};

/* "SELECT TOP (0) ... FROM [s].[t]": its results' TYPE_INFO describe the columns of the layout that are not derived. */
void bulk_describe(struct statement *statement, const struct bulk_target *target);
/* Fills a column in from its result's TYPE_INFO. -EPROTO: that is none of this type. */
int bulk_column(
	struct bulk_column *column, const struct catalogue_column *of, const void *info, size_t info_size, uint16_t flags);

typedef int bulk_sink(void *arg, const void *bytes, size_t size);

struct bulk {
	bulk_sink *sink;
	void *arg;
	size_t size;
	uint8_t buffer[BULK_BUFFER_SIZE];
};

void bulk_init(struct bulk *bulk, bulk_sink *sink, void *arg);
int bulk_metadata(struct bulk *bulk, const struct bulk_column *columns, size_t count);
/*
 * A row: its start, then each column's value, or a long value as begin, pieces (none empty, `size` bytes in all), end.
 * Not only values of (max) columns are long: of a wide row shorter ones are kept apart, too.
 */
int bulk_row(struct bulk *bulk);
int bulk_value(struct bulk *bulk, const struct bulk_column *column, const struct value *value);
int bulk_long_begin(struct bulk *bulk, const struct bulk_column *column, uint64_t size);
int bulk_long_piece(struct bulk *bulk, const struct bulk_column *column, const void *bytes, size_t size);
int bulk_long_end(struct bulk *bulk, const struct bulk_column *column);
/* Hands what is buffered to the sink. */
int bulk_flush(struct bulk *bulk);

/*
 * "INSERT BULK [s].[t] ([c] type COLLATE x, ...) WITH (KEEP_NULLS, TABLOCK, ORDER (...))" for the columns of the layout
 * that are not derived. No order where they go to another table.
 */
void bulk_statement(struct statement *statement, const struct bulk_target *target);
/* "type COLLATE x": what INSERT BULK calls a column's type, and a staging table's column has. */
void bulk_type(struct statement *statement, const struct catalogue_column *column);

#endif
