/* SPDX-License-Identifier: Apache-2.0 */
/* One table on its way into row groups; shared by reader_table.c and reader_large.c. */
#ifndef AGENT_SQL_READER_ROWS_H
#define AGENT_SQL_READER_ROWS_H

#include "agent/sql/reader.h"
#include "agent/sql/select.h"
#include "agent/sql/variant.h"

struct table_reader {
	struct reader *reader;
	const struct catalogue_table *table;
	uint32_t index;
	struct catalogue_layout layout;
	struct select_plan plan;
	struct statement statement;
	struct rowgroup_writer *writer;
	struct value *values; /* plan.result_count */
	uint8_t *variants;    /* VARIANT_BODY_MAX for each sql_variant column */
	size_t variant_count;
	struct variant_collations *collations;
	uint32_t rows_since_told;
};

/* Puts the row in `values` into the row group. */
int reader_take_row(struct table_reader *table);

/* True where a value of the row in `values` is longer than the plan's limit. */
bool reader_has_large(const struct table_reader *table);
/*
 * The query has just delivered such a row: ends it, fetches the long values in pieces and the row by its key, and
 * starts the query for the rows after it.
 */
int reader_take_large(struct table_reader *table);

#endif
