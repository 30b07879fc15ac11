/* SPDX-License-Identifier: Apache-2.0 */
/* String functions, on WTF-8; positions and lengths are in UTF-16 code units, from 1. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_convert.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct span {
	const char *data;
	size_t size;
};

static struct span span(sqlite3_value *value)
{
	const char *data = text_argument(value);

	return (struct span){ data, (size_t)sqlite3_value_bytes(value) };
}

static void result(sqlite3_context *context, const char *data, size_t size)
{
	sqlite3_result_text64(context, data ? data : "", size, SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void len(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);

	if (any_null(count, v))
		return;
	while (s.size && s.data[s.size - 1] == ' ')
		s.size--;
	sqlite3_result_int64(context, (int64_t)wtf8_units(s.data, s.size));
}

static void datalength(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct sql_type type = type_unpack(sqlite3_value_int64(v[1]));

	if (any_null(count, v))
		return;
	if (type_is_unicode(type) || type.kind == K_XML)
		sqlite3_result_int64(context, (int64_t)wtf8_units(text_argument(v[0]), (size_t)sqlite3_value_bytes(v[0])) * 2);
	else if (type_is_character(type))
		sqlite3_result_int64(context,
			(int64_t)page_size(
				collation_get(type.collation)->page, text_argument(v[0]), (size_t)sqlite3_value_bytes(v[0])));
	else if (sqlite3_value_type(v[0]) == SQLITE_BLOB && type.kind != K_DECIMAL && type.kind != K_NUMERIC &&
		type.kind != K_DATETIMEOFFSET)
		sqlite3_result_int64(context, sqlite3_value_bytes(v[0]));
	else
		sqlite3_result_int64(context, type.length);
}

/* substring(text, start, length) */
static void substring(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);
	int64_t start = sqlite3_value_int64(v[1]), length = sqlite3_value_int64(v[2]);

	if (any_null(count, v))
		return;
	if (length < 0) {
		session_raise_text(function_session(context), 537, 16, 2,
			"Invalid length parameter passed to the LEFT or SUBSTRING"
			" function.");
		function_fail(context);
		return;
	}
	if (start < 1) {
		length += start - 1;
		start = 1;
	}
	if (length <= 0) {
		result(context, "", 0);
		return;
	}
	size_t from = wtf8_offset(s.data, s.size, (size_t)start - 1);

	result(context, s.data + from, wtf8_offset(s.data + from, s.size - from, (size_t)length));
}

static void subbin(sqlite3_context *context, int count, sqlite3_value **v)
{
	const char *data = sqlite3_value_blob(v[0]);
	int64_t size = sqlite3_value_bytes(v[0]), start = sqlite3_value_int64(v[1]), length = sqlite3_value_int64(v[2]);

	if (any_null(count, v))
		return;
	if (start < 1) {
		length += start - 1;
		start = 1;
	}
	if (start > size || length <= 0)
		length = 0;
	else if (length > size - start + 1)
		length = size - start + 1;
	sqlite3_result_blob64(context, length ? data + start - 1 : "", (sqlite3_uint64)length, SQLITE_TRANSIENT);
}

static void bincat(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct bytes out = { 0 };

	if (any_null(count, v))
		return;
	for (int i = 0; i < 2; i++)
		bytes_add(&out, sqlite3_value_blob(v[i]), (size_t)sqlite3_value_bytes(v[i]));
	sqlite3_result_blob64(context, out.data, out.size, SQLITE_TRANSIENT);
	bytes_free(&out);
}

static void left(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);
	int64_t length = sqlite3_value_int64(v[1]);

	if (!any_null(count, v))
		result(context, s.data, wtf8_offset(s.data, s.size, length < 0 ? 0 : (size_t)length));
}

static void right(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);
	int64_t length = sqlite3_value_int64(v[1]);
	size_t units = wtf8_units(s.data, s.size);

	if (any_null(count, v))
		return;
	size_t skip = length < 0      ? s.size
		: (size_t)length >= units ? 0
								  : wtf8_offset(s.data, s.size, units - (size_t)length);

	result(context, s.data + skip, s.size - skip);
}

static void map(sqlite3_context *context, sqlite3_value *value, uint32_t (*rule)(uint32_t))
{
	struct span s = span(value);
	struct bytes out = { 0 };
	char one[4];

	if (sqlite3_value_type(value) == SQLITE_NULL)
		return;
	for (size_t at = 0; at < s.size;) {
		size_t size = wtf8_put(one, rule(wtf8_next(s.data, s.size, &at)));

		bytes_add(&out, one, size);
	}
	result(context, out.data, out.size);
	bytes_free(&out);
}

static void upper(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	map(context, v[0], char_upper);
}

static void lower(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	map(context, v[0], char_lower);
}

static void trim(sqlite3_context *context, sqlite3_value *value, bool start, bool end)
{
	struct span s = span(value);

	if (sqlite3_value_type(value) == SQLITE_NULL)
		return;
	while (end && s.size && s.data[s.size - 1] == ' ')
		s.size--;
	while (start && s.size && *s.data == ' ') {
		s.data++;
		s.size--;
	}
	result(context, s.data, s.size);
}

static void ltrim(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	trim(context, v[0], true, false);
}

static void rtrim(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	trim(context, v[0], false, true);
}

static void trim_both(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	if (function_session(context)->engine->version < 14) { /* TRIM came with 2017 */
		session_raise(function_session(context), 195, "TRIM");
		function_fail(context);
		return;
	}
	trim(context, v[0], true, true);
}

static void reverse(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);
	char *out = malloc(s.size + 1);

	if (!any_null(count, v) && out) {
		for (size_t at = 0, before = 0; at < s.size; before = at) {
			wtf8_next(s.data, s.size, &at);
			memcpy(out + s.size - at, s.data + before, at - before);
		}
		result(context, out, s.size);
	}
	free(out);
}

/* Offset of `needle` in s from `from` on, under a collation; -1 if it is not there. Also how long the match is. */
static int64_t find(struct span s, size_t from, struct span needle, const struct collation *collation, size_t *length)
{
	for (size_t at = from; at <= s.size;) {
		size_t i = at, again = 0, k = 0;

		for (i = at; k < needle.size && i < s.size; again = k) {
			uint32_t x = wtf8_next(s.data, s.size, &i), y = wtf8_next(needle.data, needle.size, &k);

			if (collation_fold(collation, x) != collation_fold(collation, y)) {
				k = again;
				break;
			}
		}
		if (k == needle.size) {
			*length = i - at;
			return (int64_t)at;
		}
		if (at >= s.size)
			break;
		wtf8_next(s.data, s.size, &at);
	}
	return -1;
}

static const struct collation *last_collation(int count, sqlite3_value **v)
{
	return collation_get((uint16_t)sqlite3_value_int(v[count - 1]));
}

static void charindex(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span needle = span(v[0]), s = span(v[1]);
	int64_t start = count > 3 ? sqlite3_value_int64(v[2]) : 1;
	size_t length;

	if (any_null(count, v))
		return;
	size_t from = wtf8_offset(s.data, s.size, start > 1 ? (size_t)start - 1 : 0);
	int64_t at = needle.size ? find(s, from, needle, last_collation(count, v), &length) : -1;

	sqlite3_result_int64(context, at < 0 ? 0 : (int64_t)wtf8_units(s.data, (size_t)at) + 1);
}

static void replace(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]), needle = span(v[1]), with = span(v[2]);
	struct bytes out = { 0 };
	size_t from = 0, length = 0;

	if (any_null(count, v))
		return;
	bytes_reserve(&out, s.size);
	for (int64_t at; needle.size && (at = find(s, from, needle, last_collation(count, v), &length)) >= 0;) {
		bytes_add(&out, s.data + from, (size_t)at - from);
		bytes_add(&out, with.data, with.size);
		from = (size_t)at + length;
	}
	bytes_add(&out, s.data + from, s.size - from);
	result(context, out.data, out.size);
	bytes_free(&out);
}

static void stuff(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]), with = span(v[3]);
	int64_t start = sqlite3_value_int64(v[1]), length = sqlite3_value_int64(v[2]);
	struct bytes out = { 0 };

	(void)count;
	if (any_null(3, v) || start < 1 || length < 0 || (size_t)start > wtf8_units(s.data, s.size))
		return;
	size_t from = wtf8_offset(s.data, s.size, (size_t)start - 1);
	size_t cut = wtf8_offset(s.data + from, s.size - from, (size_t)length);

	bytes_add(&out, s.data, from);
	bytes_add(&out, with.data, with.size);
	bytes_add(&out, s.data + from + cut, s.size - from - cut);
	result(context, out.data, out.size);
	bytes_free(&out);
}

static void replicate(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);
	struct bytes out = { 0 };
	int64_t times = sqlite3_value_int64(v[1]);

	if (any_null(count, v) || times < 0)
		return;
	bytes_reserve(&out, s.size);
	while (times-- && out.size < 1u << 30)
		bytes_add(&out, s.data, s.size);
	result(context, out.data, out.size);
	bytes_free(&out);
}

static void space(sqlite3_context *context, int count, sqlite3_value **v)
{
	char blanks[8000];
	int64_t n = sqlite3_value_int64(v[0]);

	memset(blanks, ' ', sizeof(blanks));
	if (!any_null(count, v) && n >= 0)
		result(context, blanks, n > 8000 ? 8000 : (size_t)n);
}

static void unicode(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);
	size_t at = 0;

	if (!any_null(count, v) && s.size)
		sqlite3_result_int64(context, wtf8_next(s.data, s.size, &at));
}

static void ascii(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);
	struct bytes out = { 0 };

	if (any_null(count, v) || !s.size)
		return;
	wtf8_to_page(&out, collation_get(function_session(context)->database->collation)->page, s.data, s.size);
	sqlite3_result_int64(context, (unsigned char)out.data[0]);
	bytes_free(&out);
}

static void make_char(sqlite3_context *context, int count, sqlite3_value **v)
{
	int64_t code = sqlite3_value_int64(v[0]);
	unsigned char byte = (unsigned char)code;
	struct bytes out = { 0 };

	if (any_null(count, v) || code < 0 || code > 255)
		return;
	page_to_wtf8(&out, collation_get(function_session(context)->database->collation)->page, &byte, 1);
	result(context, out.data, out.size);
	bytes_free(&out);
}

static void make_nchar(sqlite3_context *context, int count, sqlite3_value **v)
{
	int64_t code = sqlite3_value_int64(v[0]);
	char out[4];

	if (!any_null(count, v) && code >= 0 && code <= 65535)
		result(context, out, wtf8_put(out, (uint32_t)code));
}

static void quotename(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct span s = span(v[0]);
	char open = count > 1 && *text_argument(v[1]) ? *text_argument(v[1]) : '[';
	char close = open == '[' ? ']' : open == '(' ? ')' : open == '<' ? '>' : open == '{' ? '}' : open;
	struct bytes out = { 0 };

	if (any_null(count, v) || wtf8_units(s.data, s.size) > 128)
		return;
	if (open == ']')
		open = '[';
	bytes_add(&out, &open, 1);
	for (size_t i = 0; i < s.size; i++) {
		bytes_add(&out, s.data + i, 1);
		if (s.data[i] == close)
			bytes_add(&out, &close, 1);
	}
	bytes_add(&out, &close, 1);
	result(context, out.data, out.size);
	bytes_free(&out);
}

static void str(sqlite3_context *context, int count, sqlite3_value **v)
{
	int length = count > 1 ? sqlite3_value_int(v[1]) : 10, decimals = count > 2 ? sqlite3_value_int(v[2]) : 0;
	char out[400];

	if (any_null(count, v) || length < 1 || length > 300 || decimals < 0 || decimals > 16)
		return;
	int size = snprintf(out, sizeof(out), "%*.*f", length, decimals, sqlite3_value_double(v[0]));

	if (size > length)
		memset(out, '*', (size_t)length);
	result(context, out, (size_t)length);
}

static void isnumeric(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct conversion c = { .from = type_nvarchar(4000, 1), .to = type_simple(K_FLOAT) };
	struct value out;

	(void)count;
	sqlite3_result_int(context,
		sqlite3_value_type(v[0]) != SQLITE_NULL && sqlite3_value_bytes(v[0]) &&
			!convert_value(&c, value_of_argument(v[0]), &out));
	bytes_free(&c.scratch);
}

static void isdate(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct conversion c = { .from = type_nvarchar(4000, 1), .to = type_simple(K_DATETIME) };
	struct value out;

	(void)count;
	sqlite3_result_int(context,
		sqlite3_value_type(v[0]) != SQLITE_NULL && sqlite3_value_bytes(v[0]) &&
			!convert_value(&c, value_of_argument(v[0]), &out));
	bytes_free(&c.scratch);
}

int functions_register_strings(struct session *session)
{
	static const struct function_entry entries[] = {
		{ "f_len", 1, len, 0 },
		{ "f_datalength", 2, datalength, 0 },
		{ "substring", 3, substring, 0 },
		{ "subbin", 3, subbin, 0 },
		{ "bincat", 2, bincat, 0 },
		{ "f_left", 2, left, 0 },
		{ "f_right", 2, right, 0 },
		{ "f_upper", 1, upper, 0 },
		{ "f_lower", 1, lower, 0 },
		{ "f_ltrim", 1, ltrim, 0 },
		{ "f_rtrim", 1, rtrim, 0 },
		{ "f_trim", 1, trim_both, 0 },
		{ "f_reverse", 1, reverse, 0 },
		{ "f_charindex", -1, charindex, 0 },
		{ "f_replace", 4, replace, 0 },
		{ "f_stuff", 4, stuff, 0 },
		{ "f_replicate", 2, replicate, 0 },
		{ "f_space", 1, space, 0 },
		{ "f_unicode", 1, unicode, 0 },
		{ "f_ascii", 1, ascii, 0 },
		{ "f_char", 1, make_char, 0 },
		{ "f_nchar", 1, make_nchar, 0 },
		{ "f_quotename", -1, quotename, 0 },
		{ "f_str", -1, str, 0 },
		{ "f_isnumeric", 1, isnumeric, 0 },
		{ "f_isdate", 1, isdate, 0 },
	};

	return functions_add(session, entries, sizeof(entries) / sizeof(*entries)) || functions_register_likes(session) ? -5
																													: 0;
}
