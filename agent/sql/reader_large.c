/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that are too long to be read as one. FreeTDS holds a row whole, and a second connection would see another
 * snapshot; so the stream is ended, the pieces are fetched by the row's key, and reading goes on after that key.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/reader_rows.h"
#include "agent/table/bytes.h"

#define PIECES_PER_QUERY 4

struct large_row {
	struct value *key; /* in the order of layout.order; bytes are in `bytes` */
	uint8_t *bytes;
	uint64_t *sizes; /* per column of the layout; 0: not large */
};

bool reader_has_large(const struct table_reader *table)
{
	const struct select_plan *plan = &table->plan;

	for (size_t i = 0; plan->large_count && i < plan->layout->layout.column_count; i++)
		if (plan->extra[i] && plan->layout->columns[i].type != COLUMN_VARIANT && table->values[plan->extra[i]].data)
			return true;
	return false;
}

static void free_row(struct large_row *row)
{
	free(row->key);
	free(row->bytes);
	free(row->sizes);
}

/* The values belong to FreeTDS and go with the query: what names the row is kept. */
static int keep_row(struct table_reader *table, struct large_row *row)
{
	const struct catalogue_layout *layout = &table->layout;
	size_t size = 0;
	uint8_t *at;

	for (size_t i = 0; i < layout->order_count; i++)
		size += table->values[layout->order[i]].size;
	row->key = calloc(layout->order_count + 1, sizeof *row->key);
	row->sizes = calloc(layout->layout.column_count + 1, sizeof *row->sizes);
	row->bytes = at = malloc(size + 1);
	if (!row->key || !row->sizes || !row->bytes)
		return -ENOMEM;
	for (size_t i = 0; i < layout->order_count; i++) {
		const struct value *value = &table->values[layout->order[i]];
		row->key[i] = (struct value){ value->data ? at : NULL, value->size };
		if (value->data && value->size)
			memcpy(at, value->data, value->size);
		at += value->size;
	}
	for (size_t i = 0; i < layout->layout.column_count; i++) {
		const struct value *large = &table->values[table->plan.extra[i]];
		if (table->plan.extra[i] && layout->columns[i].type != COLUMN_VARIANT && large->data && large->size == 8)
			row->sizes[i] = get64(large->data);
	}
	return 0;
}

static struct statement_key row_key(const struct table_reader *table, const struct large_row *row)
{
	return (struct statement_key){ .table = table->table,
		.layout = &table->layout,
		.values = row->key,
		.database_code_page = table->reader->catalogue->database.code_page };
}

static int cannot_name(struct table_reader *table)
{
	char name[CATALOGUE_NAME_SIZE];

	catalogue_table_name(table->table, name, sizeof name);
	return sql_error_set(table->reader->error, SQL_ERROR_UNSUPPORTED, name,
		"A value in it is longer than %" PRIu64
		" bytes and must be read in pieces, but %s, so its row cannot be named. Give the table a primary key.",
		table->plan.value_limit,
		table->layout.unique ? "its key is of a type that no literal can express" : "it has no unique key");
}

/* The statement so far, WHERE the row is named, sent. */
static int query_by_key(struct table_reader *table, const struct large_row *row)
{
	struct statement_key key = row_key(table, row);

	statement_add(&table->statement, " WHERE ");
	if (!statement_key_equal(&table->statement, &key))
		return cannot_name(table);
	statement_add(&table->statement, " OPTION (MAXDOP 1)");
	if (!statement_text(&table->statement))
		return reader_failed(table->reader->error, -ENOMEM, table->table);
	return session_query(table->reader->session, REQUEST_ROWS, statement_text(&table->statement), table->reader->error);
}

static int gone(struct table_reader *table)
{
	char name[CATALOGUE_NAME_SIZE];

	catalogue_table_name(table->table, name, sizeof name);
	return sql_error_set(table->reader->error, SQL_ERROR_RETRY, name, "A long value changed while it was read");
}

static int take_bytes(struct table_reader *table, uint16_t column, const struct value *value)
{
	const uint8_t *at = value->data;
	size_t left = value->size, piece = table->reader->params->piece_size;
	int result = 0;

	while (result == 0 && left) {
		size_t size = left < piece ? left : piece;
		result = rowgroup_value(table->writer, column, at, size);
		at += size;
		left -= size;
	}
	table->reader->bytes += value->size;
	return result < 0 ? reader_failed(table->reader->error, result, table->table) : 0;
}

/* One query's worth of a value. */
static int take_part(
	struct table_reader *table, const struct large_row *row, uint16_t column, uint64_t offset, uint64_t size)
{
	struct session *session = table->reader->session;
	struct sql_error *error = table->reader->error;
	struct value value;
	int result;

	statement_reset(&table->statement);
	select_piece(&table->statement, &table->plan, column, offset, size);
	result = query_by_key(table, row);
	if (result < 0)
		return result;
	result = session_next(session, &value, 1, error);
	if (result < 0)
		return result;
	if (result == 0 || !value.data || value.size != size)
		return gone(table);
	result = take_bytes(table, column, &value);
	if (result < 0)
		return result;
	result = session_next(session, &value, 1, error);
	return result == 1 ? gone(table) : result;
}

static int take_values(struct table_reader *table, const struct large_row *row)
{
	uint64_t part = (uint64_t)table->reader->params->piece_size * PIECES_PER_QUERY;
	int result = 0;

	for (size_t i = 0; i < table->layout.layout.column_count; i++)
		for (uint64_t offset = 0; result == 0 && offset < row->sizes[i]; offset += part) {
			uint64_t left = row->sizes[i] - offset;
			result = take_part(table, row, (uint16_t)i, offset, left < part ? left : part);
		}
	return result;
}

/* The row again, by itself: its long values were taken, the others are here now. */
static int take_rest(struct table_reader *table, const struct large_row *row)
{
	struct session *session = table->reader->session;
	int result;

	statement_reset(&table->statement);
	select_rows(&table->statement, &table->plan);
	result = query_by_key(table, row);
	if (result < 0)
		return result;
	result = session_next(session, table->values, table->plan.result_count, table->reader->error);
	if (result <= 0)
		return result < 0 ? result : gone(table);
	for (size_t i = 0; i < table->layout.layout.column_count; i++) {
		const struct value *large = &table->values[table->plan.extra[i]];
		if (row->sizes[i] && (!large->data || get64(large->data) != row->sizes[i]))
			return gone(table);
	}
	result = reader_take_row(table);
	if (result < 0)
		return result;
	result = session_next(session, table->values, table->plan.result_count, table->reader->error);
	return result == 1 ? gone(table) : result;
}

static int go_on_after(struct table_reader *table, const struct large_row *row)
{
	struct statement_key key = row_key(table, row);

	statement_reset(&table->statement);
	select_rows(&table->statement, &table->plan);
	statement_add(&table->statement, " WHERE ");
	if (!statement_key_after(&table->statement, &key))
		return cannot_name(table);
	statement_order(&table->statement, table->table, &table->layout);
	statement_add(&table->statement, " OPTION (MAXDOP 1)");
	if (!statement_text(&table->statement))
		return reader_failed(table->reader->error, -ENOMEM, table->table);
	return session_query(table->reader->session, REQUEST_ROWS, statement_text(&table->statement), table->reader->error);
}

int reader_take_large(struct table_reader *table)
{
	struct large_row row = { 0 };
	int result;

	if (!table->layout.unique)
		return cannot_name(table);
	result = keep_row(table, &row);
	result = result < 0 ? reader_failed(table->reader->error, result, table->table)
						: session_cancel(table->reader->session, table->reader->error);
	if (result == 0)
		result = take_values(table, &row);
	if (result == 0)
		result = take_rest(table, &row);
	if (result == 0)
		result = go_on_after(table, &row);
	free_row(&row);
	return result;
}
