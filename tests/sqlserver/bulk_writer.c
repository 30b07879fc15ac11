/* SPDX-License-Identifier: Apache-2.0 */
#include "bulk_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chat_text.h"

#define ROW_CAPACITY (256u * 1024)

/* ---- a sink that keeps numbers and says errors ---- */

struct number_sink {
	struct result_sink sink;
	int64_t *numbers;
	size_t count, rows;
	bool failed;
};

static struct number_sink *of(struct result_sink *sink)
{
	return (struct number_sink *)((char *)sink - offsetof(struct number_sink, sink));
}

static int ignore_columns(struct result_sink *sink, const struct result_column *columns, size_t count)
{
	(void)sink;
	(void)columns;
	(void)count;
	return 0;
}

static int64_t number_of(const struct result_value *value)
{
	const uint8_t *bytes = value->data;
	uint64_t number = 0;

	for (size_t i = 0; bytes && i < value->size && i < 8; i++)
		number |= (uint64_t)bytes[i] << 8 * i;
	return value->size == 4 ? (int32_t)number : (int64_t)number;
}

static int keep_numbers(struct result_sink *sink, const struct result_value *values, size_t count)
{
	struct number_sink *numbers = of(sink);

	for (size_t i = 0; i < count; i++)
		if (numbers->rows * count + i < numbers->count)
			numbers->numbers[numbers->rows * count + i] = number_of(&values[i]);
	numbers->rows++;
	return 0;
}

static int ignore_done(
	struct result_sink *sink, enum result_end end, uint16_t command, bool counted, uint64_t rows, bool error, bool more)
{
	(void)end;
	(void)command;
	(void)counted;
	(void)rows;
	(void)more;
	of(sink)->failed |= error;
	return 0;
}

static int say_message(struct result_sink *sink, int32_t number, uint8_t state, uint8_t severity, const char *text,
	const char *procedure, int32_t line)
{
	(void)state;
	(void)procedure;
	if (severity <= 10)
		return 0;
	of(sink)->failed = true;
	fprintf(stderr, "message %d, line %d: %s\n", (int)number, (int)line, text);
	return 0;
}

static int ignore_database(struct result_sink *sink, const char *name)
{
	(void)sink;
	(void)name;
	return 0;
}

static int ignore_transaction(struct result_sink *sink, uint8_t kind, uint64_t descriptor)
{
	(void)sink;
	(void)kind;
	(void)descriptor;
	return 0;
}

static int ignore_status(struct result_sink *sink, int32_t status)
{
	(void)sink;
	(void)status;
	return 0;
}

static int ignore_output(
	struct result_sink *sink, const char *name, const struct result_column *type, const struct result_value *value)
{
	(void)sink;
	(void)name;
	(void)type;
	(void)value;
	return 0;
}

static struct number_sink number_sink(int64_t *numbers, size_t count)
{
	return (struct number_sink){ .numbers = numbers,
		.count = count,
		.sink = { .columns = ignore_columns,
			.row = keep_numbers,
			.done = ignore_done,
			.message = say_message,
			.database_changed = ignore_database,
			.transaction_changed = ignore_transaction,
			.return_status = ignore_status,
			.output = ignore_output } };
}

int bulk_run(struct session *session, const char *sql, int64_t *numbers, size_t count, size_t *rows)
{
	struct number_sink sink = number_sink(numbers, count);
	size_t length = strlen(sql);
	uint8_t *text = malloc(2 * length + 2);
	int result;

	if (!text)
		return -ENOMEM;
	result = session_execute(session, text, chat_utf16(sql, text, 2 * length + 2), &sink.sink);
	free(text);
	if (rows)
		*rows = sink.rows;
	if (result == 0 && sink.failed) {
		fprintf(stderr, "in: %.300s\n", sql);
		result = -EIO;
	}
	return result;
}

/* ---- columns ---- */

static void set_column(struct result_column *column, enum tds_type type, uint32_t length)
{
	static const uint8_t collation[5] = { 0x09, 0x04, 0xd0, 0x00, 0x34 };

	column->type = type;
	column->length = length;
	column->nullable = true;
	memcpy(column->collation, collation, sizeof collation);
}

static void parse_type(struct result_column *column, const char *type)
{
	static const struct {
		const char *name;
		enum tds_type type;
		uint32_t length;
		uint8_t scale;
	} types[] = {
		{ "int", TDS_INTN, 4, 0 },
		{ "bigint", TDS_INTN, 8, 0 },
		{ "smallint", TDS_INTN, 2, 0 },
		{ "bit", TDS_BITN, 1, 0 },
		{ "datetime", TDS_DATETIMN, 8, 0 },
		{ "smalldatetime", TDS_DATETIMN, 4, 0 },
		{ "image", TDS_IMAGE, 0x7fffffff, 0 },
		{ "datetime2", TDS_DATETIME2, 8, 7 },
		{ "uniqueidentifier", TDS_GUID, 16, 0 },
		{ "nvarchar(max)", TDS_NVARCHAR, TDS_MAX_LENGTH, 0 },
		{ "varchar(max)", TDS_BIGVARCHAR, TDS_MAX_LENGTH, 0 },
	};
	unsigned length;

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(type, types[i].name) == 0) {
			set_column(column, types[i].type, types[i].length);
			column->scale = types[i].scale;
			return;
		}
	if (sscanf(type, "nvarchar(%u)", &length) == 1)
		set_column(column, TDS_NVARCHAR, 2 * length);
}

static void parse_columns(struct bulk_writer *writer, const char *columns)
{
	char text[2000], *rest = text;

	snprintf(text, sizeof text, "%s", columns);
	for (char *one = strsep(&rest, ","); one && writer->count < BULK_WRITER_COLUMNS; one = strsep(&rest, ",")) {
		struct result_column *column = &writer->columns[writer->count++];
		char type[64];
		if (sscanf(one, " %513s %63s", column->name, type) == 2)
			parse_type(column, type);
	}
}

/* ---- rows ---- */

void bulk_writer_begin(struct bulk_writer *writer, struct session *session, const char *table, const char *columns)
{
	char sql[3000], *at = sql + snprintf(sql, sizeof sql, "INSERT BULK %s (", table);

	memset(writer, 0, sizeof *writer);
	writer->session = session;
	writer->capacity = ROW_CAPACITY;
	writer->bytes = malloc(writer->capacity);
	parse_columns(writer, columns);
	/* Names are bracketed, since one of them is a reserved word. */
	for (const char *from = columns; *from; from++) {
		bool name = from == columns || (from[-1] == ' ' && from[-2] == ',');
		if (name)
			*at++ = '[';
		if (*from == ' ' && from[-1] != ',')
			*at++ = ']';
		*at++ = *from;
	}
	snprintf(at, (size_t)(sql + sizeof sql - at), ") WITH (KEEP_NULLS, TABLOCK)");
	writer->error = writer->bytes ? bulk_run(session, sql, NULL, 0, NULL) : -ENOMEM;
	if (writer->error == 0)
		writer->error = session_bulk_begin(session, writer->columns, writer->count);
}

void bulk_put_null(struct bulk_writer *writer)
{
	if (writer->at < writer->count)
		writer->values[writer->at++] = (struct result_value){ NULL, 0 };
}

void bulk_put_bytes(struct bulk_writer *writer, const void *bytes, size_t size)
{
	if (writer->at == writer->count || writer->used + size + 1 > writer->capacity) {
		writer->error = writer->error ? writer->error : -E2BIG;
		return;
	}
	memcpy(writer->bytes + writer->used, bytes, size);
	writer->values[writer->at++] = (struct result_value){ writer->bytes + writer->used, size };
	writer->used += size + 1;
}

void bulk_put_number(struct bulk_writer *writer, int64_t value)
{
	uint8_t bytes[8];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)((uint64_t)value >> 8 * i);
	bulk_put_bytes(writer, bytes, writer->at < writer->count ? writer->columns[writer->at].length : 0);
}

void bulk_put_text(struct bulk_writer *writer, const char *utf8)
{
	uint8_t text[2048];

	bulk_put_bytes(writer, text, chat_utf16(utf8, text, sizeof text));
}

void bulk_writer_row(struct bulk_writer *writer)
{
	if (!writer->error && writer->at != writer->count)
		writer->error = -EINVAL;
	if (!writer->error)
		writer->error = session_bulk_row(writer->session, writer->values, writer->count);
	writer->at = writer->used = 0;
}

int bulk_writer_end(struct bulk_writer *writer)
{
	struct number_sink sink = number_sink(NULL, 0);
	int result = writer->error;

	free(writer->bytes);
	writer->bytes = NULL;
	if (session_expects_bulk(writer->session)) {
		int ended = session_bulk_end(writer->session, result == 0, &sink.sink);
		result = result ? result : ended;
	}
	return result ? result : sink.failed ? -EIO : 0;
}
