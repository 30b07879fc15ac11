/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_probe.h"
#include "tests/sqlserver/sql_convert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct probe *of(struct result_sink *sink)
{
	return (struct probe *)((char *)sink - offsetof(struct probe, sink));
}

static void add(struct probe *p, const char *format, ...)
{
	size_t size = strlen(p->text);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(p->text + size, sizeof(p->text) - size, format, arguments);
	va_end(arguments);
}

static int columns(struct result_sink *sink, const struct result_column *c, size_t count)
{
	struct probe *p = of(sink);

	p->column_count = count < 64 ? count : 64;
	memcpy(p->columns, c, p->column_count * sizeof(*c));
	return 0;
}

static void add_value(struct probe *p, const struct result_column *column, const struct result_value *wire)
{
	struct sql_type type = type_from_column(column);
	struct bytes scratch = { 0 }, text = { 0 };
	struct value value;

	if (!wire->data) {
		add(p, "NULL");
	} else if (value_from_wire(wire, type, &scratch, &value)) {
		add(p, "?");
	} else if (type_is_binary(type) || type.kind == K_VARIANT) {
		for (size_t i = 0; i < wire->size; i++)
			add(p, "%02x", ((const unsigned char *)wire->data)[i]);
	} else if (value.storage == STORE_TEXT) {
		add(p, "%.*s", (int)value.size, value.data);
	} else {
		convert_to_text(value, type, 121, &text);
		add(p, "%s", text.data);
	}
	bytes_free(&scratch);
	bytes_free(&text);
}

static int row(struct result_sink *sink, const struct result_value *values, size_t count)
{
	struct probe *p = of(sink);

	for (size_t i = 0; i < count && i < p->column_count; i++) {
		add(p, i ? "|" : "");
		add_value(p, &p->columns[i], &values[i]);
	}
	add(p, "\n");
	return 0;
}

static int done(
	struct result_sink *sink, enum result_end end, uint16_t command, bool counted, uint64_t rows, bool error, bool more)
{
	(void)end, (void)command, (void)error, (void)more;
	if (counted)
		of(sink)->rows = rows;
	return 0;
}

static int message(struct result_sink *sink, int32_t number, uint8_t state, uint8_t severity, const char *text,
	const char *procedure, int32_t line)
{
	struct probe *p = of(sink);

	(void)state, (void)procedure, (void)line;
	if (severity > 10) {
		snprintf(p->error, sizeof(p->error), "%s", text);
		add(p, "!%d\n", number);
	} else if (number != 5701 && number != 7998) {
		add(p, "-%s\n", text);
	}
	return 0;
}

static int database_changed(struct result_sink *sink, const char *name)
{
	(void)sink, (void)name;
	return 0;
}

static int transaction_changed(struct result_sink *sink, uint8_t kind, uint64_t descriptor)
{
	(void)sink, (void)kind, (void)descriptor;
	return 0;
}

void probe_open(struct probe *probe, struct engine *engine, const char *login, const char *database)
{
	int32_t error;

	memset(probe, 0, sizeof(*probe));
	probe->sink = (struct result_sink){ .columns = columns,
		.row = row,
		.done = done,
		.message = message,
		.database_changed = database_changed,
		.transaction_changed = transaction_changed };
	if (session_login_trusted(&probe->session, engine, login, database, "host", "probe", &error)) {
		fprintf(stderr, "login %s to %s: error %d\n", login, database, (int)error);
		abort();
	}
	session_set_odbc(probe->session, true);
}

void probe_close(struct probe *probe)
{
	session_close(probe->session);
}

static const char *finish(struct probe *probe)
{
	size_t size = strlen(probe->text);

	if (size && probe->text[size - 1] == '\n')
		probe->text[size - 1] = '\0';
	return probe->text;
}

const char *probe_run(struct probe *probe, const char *sql)
{
	struct bytes batch = { 0 };

	probe->text[0] = probe->error[0] = '\0';
	probe->rows = 0;
	wtf8_to_utf16(&batch, sql, strlen(sql));
	session_execute(probe->session, batch.data, batch.size, &probe->sink);
	bytes_free(&batch);
	return finish(probe);
}

const char *probe_bulk(struct probe *probe, const char *statement, const char *const *names, size_t columns_count,
	const int32_t *cells, size_t rows)
{
	struct result_column described[8] = { { .nullable = true } };

	if (*probe_run(probe, statement) || !session_expects_bulk(probe->session) || columns_count > 8)
		return probe->text;
	for (size_t i = 0; i < columns_count; i++) {
		described[i] = (struct result_column){ .type = TDS_INTN, .length = 4, .nullable = true };
		snprintf(described[i].name, sizeof(described[i].name), "%s", names[i]);
	}
	session_bulk_begin(probe->session, described, columns_count);
	for (size_t at = 0; at < rows; at++) {
		struct result_value values[8];

		for (size_t i = 0; i < columns_count; i++) {
			const int32_t *cell = &cells[at * columns_count + i];

			values[i] = (struct result_value){ *cell == -1 ? NULL : cell, 4 };
		}
		session_bulk_row(probe->session, values, columns_count);
	}
	session_bulk_end(probe->session, true, &probe->sink);
	return finish(probe);
}

int32_t probe_login(struct engine *engine, const char *login, const char *password, const char *database)
{
	struct session *session;
	int32_t error;

	if (!session_login(&session, engine, login, password, database, "", "", &error))
		session_close(session);
	return error;
}
