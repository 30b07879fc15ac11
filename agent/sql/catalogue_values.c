/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/catalogue_values.h"

#include <stdlib.h>
#include <string.h>

#include "agent/sql/catalogue_read.h"
#include "agent/table/bytes.h"

static size_t put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 63));
		out[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 63));
	out[2] = (char)(0x80 | (c >> 6 & 63));
	out[3] = (char)(0x80 | (c & 63));
	return 4;
}

size_t catalogue_utf8(char *out, const void *utf16, size_t size)
{
	const uint8_t *at = utf16;
	size_t written = 0;

	for (size_t i = 0; i + 2 <= size; i += 2) {
		uint32_t c = (uint32_t)get_number(at + i, 2);
		uint32_t low = i + 4 <= size ? (uint32_t)get_number(at + i + 2, 2) : 0;
		if (c >= 0xd800 && c < 0xdc00 && low >= 0xdc00 && low < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			i += 2;
		}
		written += put_utf8(out + written, c);
	}
	return written;
}

int64_t catalogue_number(const struct value *value)
{
	uint64_t number;

	if (!value->data || !value->size || value->size > 8)
		return 0;
	number = get_number(value->data, value->size);
	if (value->size == 2 || value->size == 4) {
		unsigned int unused = (unsigned int)(64 - 8 * value->size);
		return (int64_t)(number << unused) >> unused;
	}
	return (int64_t)number;
}

const char *catalogue_text(struct catalogue *catalogue, const struct value *value)
{
	char *text, *fitted;
	size_t size;

	if (!value->size)
		return "";
	text = malloc(value->size / 2 * 3 + 3);
	if (!text)
		return NULL;
	size = catalogue_utf8(text, value->data, value->size);
	/* A definition may hold U+0000, a string here may not: it ends there for SQL Server's own tools, too. */
	fitted = memchr(text, 0, size);
	if (fitted)
		size = (size_t)(fitted - text);
	const char *string = catalogue_string(catalogue, text, size);
	free(text);
	return string;
}

/* ---- single values ---- */

static int read_one(
	struct session *session, enum request_kind kind, const char *sql, struct value *value, struct sql_error *error)
{
	int result = session_query(session, kind, sql, error);

	return result < 0 ? result : session_next(session, value, 1, error);
}

/* Reads the result to its end, so that a late error is not lost. */
static int finish_one(struct session *session, struct sql_error *error)
{
	struct value value;
	int result;

	do
		result = session_next(session, &value, 1, error);
	while (result == 1);
	return result;
}

static int read_text(
	struct session *session, enum request_kind kind, const char *sql, char *text, size_t size, struct sql_error *error)
{
	struct value value = { 0 };
	int result = read_one(session, kind, sql, &value, error);

	*text = 0;
	if (result <= 0)
		return result;
	if (value.data) {
		/* Whole characters only: at most three bytes a unit. */
		size_t bytes = value.size / 2 <= (size - 1) / 3 ? value.size : (size - 1) / 3 * 2;
		text[catalogue_utf8(text, value.data, bytes)] = 0;
	}
	return finish_one(session, error);
}

int catalogue_read_text(struct session *session, const char *sql, char *text, size_t size, struct sql_error *error)
{
	return read_text(session, REQUEST_CATALOGUE, sql, text, size, error);
}

int catalogue_scan_text(struct session *session, const char *sql, char *text, size_t size, struct sql_error *error)
{
	return read_text(session, REQUEST_ROWS, sql, text, size, error);
}

int catalogue_read_number(
	struct session *session, const char *sql, int64_t *number, bool *there, struct sql_error *error)
{
	struct value value = { 0 };
	int result = read_one(session, REQUEST_CATALOGUE, sql, &value, error);

	*number = 0;
	*there = false;
	if (result <= 0)
		return result;
	*there = value.data != NULL;
	*number = catalogue_number(&value);
	return finish_one(session, error);
}

int catalogue_count(struct session *session, const char *sql, int64_t *count, struct sql_error *error)
{
	struct value value = { 0 };
	int result = sql ? session_query(session, REQUEST_CHANGE, sql, error)
					 : sql_error_set(error, SQL_ERROR_MEMORY, NULL, "The worker has no memory left");

	*count = -1;
	while (result == 0 && (result = session_next(session, &value, 1, error)) == 1) {
		*count = value.data ? catalogue_number(&value) : -1;
		result = 0;
	}
	return result;
}
