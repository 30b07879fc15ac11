/* SPDX-License-Identifier: Apache-2.0 */
/* One table: its rows in order, into row groups, and their chunks to the keeper. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/net/clock.h"
#include "agent/sql/message.h"
#include "agent/sql/reader_rows.h"
#include "agent/table/bytes.h"

#define TELL_MS 200
#define ROWS_BETWEEN_LOOKS 256

int reader_failed(struct sql_error *error, int result, const struct catalogue_table *table)
{
	char name[CATALOGUE_NAME_SIZE] = "";

	if (table)
		catalogue_table_name(table, name, sizeof name);
	switch (result) {
	case -ENOMEM:
		return sql_error_set(error, SQL_ERROR_MEMORY, name, "The worker has no memory left");
	case -E2BIG:
		return sql_error_set(error, SQL_ERROR_ROW_TOO_LARGE, name, "A value is larger than a snapshot can hold");
	case -EPIPE:
	case -EPROTO:
		return sql_error_set(error, SQL_ERROR_WORKER, name, "The connection between agent and worker broke");
	case -EBADMSG:
		return sql_error_set(error, SQL_ERROR_SNAPSHOT, name, "A chunk of the snapshot is damaged");
	default:
		return sql_error_set(error, SQL_ERROR_WORKER, name, "%s", strerror(-result));
	}
}

void reader_blame(struct sql_error *error, const struct catalogue_table *table)
{
	if (error->kind == SQL_ERROR_DAMAGED && !error->object[0])
		catalogue_table_name(table, error->object, sizeof error->object);
}

static int tell_progress(struct table_reader *table)
{
	struct reader *reader = table->reader;
	uint8_t bytes[32];
	struct packer packer = { .bytes = bytes, .capacity = sizeof bytes };

	pack_u8(&packer, (uint8_t)reader->phase);
	pack_u32(&packer, table->index);
	pack_u64(&packer, reader->rows);
	pack_u64(&packer, reader->bytes);
	reader->told_ms = net_now_ms();
	return message_send(reader->uplink->socket, MESSAGE_PROGRESS, bytes, packer.size);
}

/* So many bytes should have taken so long. */
static void keep_rate(struct reader *reader)
{
	uint64_t wanted_ms =
		reader->read_kib_per_second ? reader->bytes * 1000 / ((uint64_t)reader->read_kib_per_second * 1024) : 0;

	while ((int64_t)wanted_ms > net_now_ms() - reader->started_ms && !uplink_stop(reader->uplink))
		poll(NULL, 0, 20);
}

static int look_up(struct table_reader *table)
{
	struct reader *reader = table->reader;

	table->rows_since_told = 0;
	keep_rate(reader);
	return net_now_ms() - reader->told_ms < TELL_MS ? 0 : tell_progress(table);
}

static int assemble_variants(struct table_reader *table)
{
	uint8_t *body = table->variants;

	for (size_t i = 0; i < table->layout.layout.column_count; i++) {
		int size;
		if (table->layout.columns[i].type != COLUMN_VARIANT)
			continue;
		size = variant_body(body, &table->values[i], &table->values[table->plan.extra[i]], table->collations);
		if (size < 0) {
			char name[CATALOGUE_NAME_SIZE];
			catalogue_table_name(table->table, name, sizeof name);
			return sql_error_set(table->reader->error, SQL_ERROR_UNSUPPORTED, name,
				"A sql_variant in it has a base type or a collation that this version does not know");
		}
		table->values[i] = (struct value){ size ? body : NULL, (size_t)size };
		body += VARIANT_BODY_MAX;
	}
	return 0;
}

static int row_too_large(struct table_reader *table)
{
	char name[CATALOGUE_NAME_SIZE];

	catalogue_table_name(table->table, name, sizeof name);
	return sql_error_set(table->reader->error, SQL_ERROR_ROW_TOO_LARGE, name,
		"A row of %zu columns does not fit into half a chunk of %" PRIu32 " bytes, its long values apart",
		table->layout.layout.column_count, table->reader->params->max_bytes);
}

int reader_take_row(struct table_reader *table)
{
	struct reader *reader = table->reader;
	int result = table->variant_count ? assemble_variants(table) : 0;

	if (result < 0)
		return result;
	if (reader->dangling)
		dangling_row(reader->dangling, table->values);
	result = rowgroup_row(table->writer, table->values);
	reader->rows++;
	for (size_t i = 0; i < table->layout.layout.column_count; i++)
		reader->bytes += table->values[i].size;
	if (result == -E2BIG)
		return row_too_large(table);
	if (result == 0 && ++table->rows_since_told == ROWS_BETWEEN_LOOKS)
		result = look_up(table);
	return result < 0 ? reader_failed(reader->error, result, table->table) : 0;
}

static int emit(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows)
{
	struct table_reader *table = arg;
	uint8_t head[5];

	if (!table->reader->with_chunks)
		return 0;
	head[0] = (uint8_t)kind;
	put_number(head + 1, rows, 4);
	return message_send2(table->reader->uplink->socket, MESSAGE_CHUNK, head, sizeof head, bytes, size);
}

/* ---- collations of sql_variant values: their five bytes are only to be had from a result of theirs ---- */

static int resolve_collation(struct table_reader *table, const char *name)
{
	struct session *session = table->reader->session;
	struct variant_collations *known = table->collations;
	const void *type;
	struct value value;
	uint16_t flags;
	int result;

	if (known->count == VARIANT_COLLATIONS_MAX)
		return sql_error_set(table->reader->error, SQL_ERROR_UNSUPPORTED, table->table->name,
			"Its sql_variant values have more than %d collations", VARIANT_COLLATIONS_MAX);
	statement_reset(&table->statement);
	statement_add(&table->statement, "SELECT TOP (0) CAST(N'' AS nvarchar(1)) COLLATE %s AS a", name);
	result = session_query(session, REQUEST_CATALOGUE, statement_text(&table->statement), table->reader->error);
	if (result < 0)
		return result;
	if (session_type_info(session, 0, &type, &flags) >= 8) {
		memcpy(known->list[known->count].bytes, (const uint8_t *)type + 3, 5);
		memcpy(known->list[known->count].name, name, strlen(name) + 1);
		known->count++;
	}
	result = session_next(session, &value, 1, table->reader->error);
	return result == 1 ? session_cancel(session, table->reader->error) : result;
}

static bool plain_word(const char *name)
{
	return *name && strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

static int find_collations(struct table_reader *table, const char *column)
{
	struct session *session = table->reader->session;
	char(*names)[128] = calloc(VARIANT_COLLATIONS_MAX, sizeof *names);
	struct value value;
	size_t count = 0;
	int result;

	if (!names)
		return reader_failed(table->reader->error, -ENOMEM, table->table);
	statement_reset(&table->statement);
	statement_add(&table->statement, "SELECT DISTINCT CAST(CAST(SQL_VARIANT_PROPERTY(");
	statement_name(&table->statement, column);
	statement_add(&table->statement, ", 'Collation') AS nvarchar(128)) AS varbinary(256)) FROM ");
	statement_table(&table->statement, table->table);
	result = session_query(session, REQUEST_ROWS, statement_text(&table->statement), table->reader->error);
	while (result == 0 && (result = session_next(session, &value, 1, table->reader->error)) == 1) {
		result = 0;
		if (value.data && value.size / 2 * 3 < sizeof *names && count < VARIANT_COLLATIONS_MAX)
			names[count][catalogue_utf8(names[count], value.data, value.size)] = 0, count++;
	}
	for (size_t i = 0; result == 0 && i < count; i++) {
		bool there = !plain_word(names[i]);
		for (size_t j = 0; j < table->collations->count; j++)
			there |= !strcmp(table->collations->list[j].name, names[i]);
		if (!there)
			result = resolve_collation(table, names[i]);
	}
	free(names);
	return result;
}

static int prepare_variants(struct table_reader *table)
{
	int result = 0;

	for (size_t i = 0; i < table->layout.layout.column_count; i++)
		table->variant_count += table->layout.columns[i].type == COLUMN_VARIANT;
	if (!table->variant_count)
		return 0;
	table->variants = malloc(table->variant_count * VARIANT_BODY_MAX);
	table->collations = calloc(1, sizeof *table->collations);
	if (!table->variants || !table->collations)
		return reader_failed(table->reader->error, -ENOMEM, table->table);
	for (size_t i = 0; result == 0 && i < table->layout.layout.column_count; i++)
		if (table->layout.columns[i].type == COLUMN_VARIANT)
			result = find_collations(table, table->table->columns[table->layout.source[i]].name);
	return result;
}

/* ---- the table ---- */

static int open_table(struct table_reader *table)
{
	struct reader *reader = table->reader;
	int result = catalogue_layout(&table->layout, table->table);

	if (result == 0)
		result = select_plan(&table->plan, table->table, &table->layout, CONFIG_AGENT_SQL_VALUE_LIMIT_KIB);
	if (result == -E2BIG) {
		char name[CATALOGUE_NAME_SIZE];
		catalogue_table_name(table->table, name, sizeof name);
		return sql_error_set(reader->error, SQL_ERROR_UNSUPPORTED, name,
			"It has no columns that can be read, or more "
			"than %d",
			SELECT_COLUMNS_MAX);
	}
	if (result == 0)
		result = rowgroup_create(&table->writer, &table->layout.layout, reader->params, emit, table);
	if (result == 0 && !(table->values = calloc(table->plan.result_count, sizeof *table->values)))
		result = -ENOMEM;
	return result < 0 ? reader_failed(reader->error, result, table->table) : prepare_variants(table);
}

static void close_table(struct table_reader *table)
{
	if (table->writer)
		rowgroup_free(table->writer);
	catalogue_layout_free(&table->layout);
	select_plan_free(&table->plan);
	statement_free(&table->statement);
	free(table->values);
	free(table->variants);
	free(table->collations);
}

static int read_rows(struct table_reader *table)
{
	struct reader *reader = table->reader;
	int result;

	statement_reset(&table->statement);
	select_rows(&table->statement, &table->plan);
	statement_order(&table->statement, table->table, &table->layout);
	statement_add(&table->statement, " OPTION (MAXDOP 1)");
	if (!statement_text(&table->statement))
		return reader_failed(reader->error, -ENOMEM, table->table);
	result = session_query(reader->session, REQUEST_ROWS, statement_text(&table->statement), reader->error);
	while (result == 0) {
		result = session_next(reader->session, table->values, table->plan.result_count, reader->error);
		if (result != 1)
			break;
		result = reader_has_large(table) ? reader_take_large(table) : reader_take_row(table);
	}
	return result;
}

int reader_table(struct reader *reader, uint32_t index, struct table_digest *digest)
{
	struct table_reader table = { .reader = reader, .table = &reader->catalogue->tables[index], .index = index };
	char name[CATALOGUE_NAME_SIZE];
	int result;

	catalogue_table_name(table.table, name, sizeof name);
	snprintf(reader->error->doing, sizeof reader->error->doing, "reading %.150s", name);
	result = open_table(&table);
	if (result == 0 && reader->dangling)
		dangling_table(reader->dangling, index, &table.layout);
	if (result == 0)
		result = tell_progress(&table) < 0 ? reader_failed(reader->error, -EPIPE, table.table) : read_rows(&table);
	if (result == 0) {
		result = rowgroup_finish(table.writer, digest);
		if (result < 0)
			result = reader_failed(reader->error, result, table.table);
	}
	close_table(&table);
	reader_blame(reader->error, table.table);
	return result;
}
