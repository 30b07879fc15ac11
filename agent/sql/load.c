/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/bulk.h"
#include "agent/sql/reader.h"
#include "agent/sql/stage.h"

struct load {
	struct session *session;
	const struct catalogue_table *table;
	const struct rowgroup_params *params;
	struct catalogue_layout layout;
	struct bulk_target target;   /* the table, or the staging table before it */
	struct bulk_column *columns; /* per column of the layout; derived ones are not used */
	struct bulk_column *sent;    /* those that are sent, in order */
	size_t sent_count;
	struct rowgroup_value *row; /* that is being written */
	struct statement statement;
	struct bulk bulk;
	struct sql_error *error; /* of the call that runs */
	bool in_batch;
	uint64_t batch_rows, batch_bytes;
	uint64_t rows, counted; /* sent; as the server counted */

	/* The rows chunk that is being written: kept, since its long values come after it. */
	uint8_t *chunk;
	size_t chunk_capacity;
	struct rowgroup_reader *reader;
	size_t column;        /* of `row` that comes next */
	uint32_t pieces_left; /* of the long value that is being written; 0: none is */
	uint64_t bytes_left;
};

static int damaged(struct load *load, const char *why)
{
	char name[CATALOGUE_NAME_SIZE];

	catalogue_table_name(load->table, name, sizeof name);
	return sql_error_set(load->error, SQL_ERROR_SNAPSHOT, name, "A chunk of the snapshot is damaged: %s", why);
}

static int failed(struct load *load, int result)
{
	/* What the session refused has told its reason already. */
	if (load->error->kind != SQL_OK)
		return result;
	return result == -EINVAL ? damaged(load, "a value is none of its column's type")
							 : reader_failed(load->error, result, load->table);
}

static int write_bytes(void *arg, const void *bytes, size_t size)
{
	struct load *load = arg;

	return session_bulk_write(load->session, bytes, size, load->error);
}

/* ---- opening ---- */

static int describe(struct load *load)
{
	size_t result_column = 0;

	for (size_t i = 0; i < load->layout.layout.column_count; i++) {
		const struct catalogue_column *column = &load->table->columns[load->layout.source[i]];
		const void *info = NULL;
		uint16_t flags = 0;
		size_t size;
		if (load->layout.columns[i].derived)
			continue;
		size = session_type_info(load->session, result_column, &info, &flags);
		if (bulk_column(&load->columns[i], column, info, size, flags) < 0)
			return sql_error_set(load->error, SQL_ERROR_UNSUPPORTED, column->name,
				"The server describes the column as no type that can be loaded");
		load->sent[result_column++] = load->columns[i];
	}
	return 0;
}

static int ask_types(struct load *load)
{
	struct value *values = calloc(load->sent_count + 1, sizeof *values);
	int result;

	if (!values)
		return reader_failed(load->error, -ENOMEM, load->table);
	bulk_describe(&load->statement, &load->target);
	result = statement_text(&load->statement)
		? session_query(load->session, REQUEST_CATALOGUE, statement_text(&load->statement), load->error)
		: reader_failed(load->error, -ENOMEM, load->table);
	if (result == 0)
		result = describe(load);
	if (result == 0)
		result = session_next(load->session, values, load->sent_count, load->error);
	free(values);
	return result;
}

static int allocate(struct load *load)
{
	size_t count;
	int result = catalogue_layout(&load->layout, load->table);

	if (result < 0)
		return result;
	count = load->layout.layout.column_count;
	load->columns = calloc(count + 1, sizeof *load->columns);
	load->sent = calloc(count + 1, sizeof *load->sent);
	load->row = calloc(count + 1, sizeof *load->row);
	if (!load->columns || !load->sent || !load->row)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		load->sent_count += !load->layout.columns[i].derived;
	return 0;
}

/* Rows with xml are parsed by a statement of ours, and so come to rest before it. */
static int choose_target(struct load *load)
{
	load->target = (struct bulk_target){ .table = load->table, .layout = &load->layout };
	if (!stage_needed(load->table, &load->layout))
		return 0;
	load->target.instead = STAGE_NAME;
	return stage_create(load->session, &load->target, load->error);
}

int load_open(struct load **opened, struct session *session, const struct catalogue_table *table,
	const struct rowgroup_params *params, struct sql_error *error)
{
	struct load *load = calloc(1, sizeof *load);
	int result;

	if (!load)
		return reader_failed(error, -ENOMEM, table);
	*load = (struct load){ .session = session, .table = table, .params = params, .error = error };
	bulk_init(&load->bulk, write_bytes, load);
	result = allocate(load);
	if (result == 0 && !load->sent_count)
		result = sql_error_set(error, SQL_ERROR_UNSUPPORTED, table->name, "No column of it can be written");
	result = result < 0 ? reader_failed(error, result, table) : choose_target(load);
	if (result == 0)
		result = ask_types(load);
	if (result == 0) {
		statement_reset(&load->statement);
		bulk_statement(&load->statement, &load->target);
		if (!statement_text(&load->statement))
			result = reader_failed(error, -ENOMEM, table);
	}
	if (result < 0) {
		load_free(load);
		return result;
	}
	*opened = load;
	return 0;
}

void load_free(struct load *load)
{
	if (!load)
		return;
	rowgroup_reader_free(load->reader);
	catalogue_layout_free(&load->layout);
	statement_free(&load->statement);
	free(load->columns);
	free(load->sent);
	free(load->row);
	free(load->chunk);
	free(load);
}

/* ---- batches ---- */

static int begin_batch(struct load *load)
{
	int result = session_bulk_begin(load->session, statement_text(&load->statement), load->error);

	if (result < 0)
		return result;
	load->in_batch = true;
	load->batch_rows = load->batch_bytes = 0;
	return bulk_metadata(&load->bulk, load->sent, load->sent_count);
}

static int end_batch(struct load *load)
{
	char name[CATALOGUE_NAME_SIZE];
	uint64_t counted = 0;
	int result = bulk_flush(&load->bulk);

	load->in_batch = false;
	if (result == 0)
		result = session_bulk_end(load->session, &counted, load->error);
	if (result < 0)
		return failed(load, result);
	load->counted += counted;
	if (counted == load->batch_rows)
		return load->target.instead ? stage_move(load->session, &load->target, counted, load->error) : 0;
	catalogue_table_name(load->table, name, sizeof name);
	return sql_error_set(load->error, SQL_ERROR_DIFFERS, name,
		"%" PRIu64 " rows were sent and the server counted %" PRIu64, load->batch_rows, counted);
}

/* ---- rows ---- */

/* 1: the row is written; 0: it waits for the pieces of a long value. */
static int write_columns(struct load *load)
{
	for (; load->column < load->layout.layout.column_count; load->column++) {
		const struct bulk_column *column = &load->columns[load->column];
		const struct rowgroup_value *value = &load->row[load->column];
		int result;
		if (load->layout.columns[load->column].derived) {
			/* Not loaded; where one is long, its pieces come by all the same. */
			load->pieces_left = value->large ? value->pieces : 0;
		} else if (value->large) {
			result = bulk_long_begin(&load->bulk, column, value->size);
			if (result < 0)
				return result;
			load->pieces_left = value->pieces;
			load->bytes_left = value->size;
			if (!value->pieces)
				return -EBADMSG;
		} else {
			result = bulk_value(&load->bulk, column, &value->value);
			if (result < 0)
				return result;
			load->batch_bytes += value->value.size;
		}
		if (load->pieces_left)
			return 0;
	}
	load->rows++;
	load->batch_rows++;
	return 1;
}

static int finish_chunk(struct load *load)
{
	struct table_digest digest;
	int result = rowgroup_digest(load->reader, &digest);

	rowgroup_reader_free(load->reader);
	load->reader = NULL;
	if (result == 0 && (load->batch_rows >= LOAD_BATCH_ROWS || load->batch_bytes >= LOAD_BATCH_BYTES))
		result = end_batch(load);
	return result;
}

/* Rows on, until the chunk ends or pieces are needed. */
static int write_rows(struct load *load, bool in_row)
{
	int result = in_row ? write_columns(load) : 1;

	while (result == 1) {
		result = rowgroup_next(load->reader, load->row);
		if (result == 0)
			return finish_chunk(load);
		load->column = 0;
		if (result == 1)
			result = bulk_row(&load->bulk);
		if (result == 0)
			result = write_columns(load);
	}
	return result;
}

static int take_rows(struct load *load, const void *bytes, size_t size)
{
	int result;

	if (load->reader)
		return damaged(load, "a value is missing");
	if (size > load->chunk_capacity) {
		uint8_t *more = realloc(load->chunk, size);
		if (!more)
			return -ENOMEM;
		load->chunk = more;
		load->chunk_capacity = size;
	}
	memcpy(load->chunk, bytes, size);
	result = rowgroup_open(&load->reader, &load->layout.layout, load->params, load->chunk, size);
	if (result == 0 && !load->in_batch)
		result = begin_batch(load);
	return result < 0 ? result : write_rows(load, false);
}

static int take_piece(struct load *load, const void *bytes, size_t size)
{
	bool derived;
	int result = 0;

	if (!load->reader || !load->pieces_left)
		return damaged(load, "a value that no row refers to");
	derived = load->layout.columns[load->column].derived;
	if (!derived && (!size || size > load->bytes_left))
		return damaged(load, "a value is longer than its row says");
	if (!derived)
		result = bulk_long_piece(&load->bulk, &load->columns[load->column], bytes, size);
	if (result < 0)
		return result;
	load->batch_bytes += size;
	load->bytes_left -= derived ? 0 : size;
	if (--load->pieces_left)
		return 0;
	if (!derived && load->bytes_left)
		return damaged(load, "a value is shorter than its row says");
	if (!derived)
		result = bulk_long_end(&load->bulk, &load->columns[load->column]);
	load->column++;
	return result < 0 ? result : write_rows(load, true);
}

int load_chunk(struct load *load, enum chunk_kind kind, const void *bytes, size_t size, struct sql_error *error)
{
	int result;

	load->error = error;
	if (kind == CHUNK_ROWS)
		result = take_rows(load, bytes, size);
	else if (kind == CHUNK_VALUE)
		result = take_piece(load, bytes, size);
	else
		return damaged(load, "it is of no kind that is known");
	return result < 0 ? failed(load, result) : 0;
}

int load_end(struct load *load, uint64_t *rows, struct sql_error *error)
{
	load->error = error;
	if (load->reader)
		return damaged(load, "a value is missing");
	if (load->in_batch) {
		int result = end_batch(load);
		if (result < 0)
			return result;
	}
	*rows = load->counted;
	return load->target.instead ? stage_drop(load->session, error) : 0;
}

int load_abandon(struct load *load, struct sql_error *error)
{
	load->error = error;
	if (!load->in_batch)
		return 0;
	if (load->reader)
		return sql_error_set(error, SQL_ERROR_LOST, "",
			"The load was given up in the middle of a row; the server undoes it "
			"when the connection ends");
	return end_batch(load);
}
