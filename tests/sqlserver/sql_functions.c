/* SPDX-License-Identifier: Apache-2.0 */
/* The functions that translated expressions are made of: conversion, arithmetic, aggregates, row helpers. */
#include "tests/sqlserver/sql_functions.h"
#include "tests/sqlserver/sql_catalogue.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_compile.h"
#include "tests/sqlserver/sql_convert.h"
#include "tests/sqlserver/sql_date.h"

#include <math.h>
#include <mbedtls/md.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct session *function_session(sqlite3_context *context)
{
	return sqlite3_user_data(context);
}

void function_fail(sqlite3_context *context)
{
	sqlite3_result_error(context, "raised", -1);
}

bool any_null(int count, sqlite3_value **values)
{
	for (int i = 0; i < count; i++)
		if (sqlite3_value_type(values[i]) == SQLITE_NULL)
			return true;
	return false;
}

const char *text_argument(sqlite3_value *value)
{
	const char *text = (const char *)sqlite3_value_text(value);

	return text ? text : "";
}

static void raise_conversion(struct session *session, const struct conversion *c, struct value in, int error)
{
	struct bytes text = { 0 };
	const char *from = kind_info(c->from.kind)->name, *to = kind_info(c->to.kind)->name;

	if (in.storage == STORE_TEXT)
		bytes_add(&text, in.data, in.size > 200 ? 200 : in.size);
	else
		convert_to_text(in, c->from, 0, &text);
	const char *shown = text.data ? text.data : "";

	switch (error) {
	case 245:
		session_raise(session, 245, from, shown, to);
		break;
	case 248:
		session_raise(session, 248, from, shown);
		break;
	case 220:
		session_raise(session, 220, to, shown);
		break;
	case 517:
		session_raise(session, 517, to);
		break;
	case 8152:
		if (session->engine->version >= 15)
			session_raise(session, 2628, "?", "?", shown);
		else
			session_raise(session, 8152);
		break;
	default:
		session_raise(session, error, from, to);
		break;
	}
	bytes_free(&text);
}

/* cv(value, from, to, style, flags): flags 1 assign, 2 try */
static void cv(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct session *session = function_session(context);
	int flags = sqlite3_value_int(v[4]);
	struct conversion c = { .from = type_unpack(sqlite3_value_int64(v[1])),
		.to = type_unpack(sqlite3_value_int64(v[2])),
		.style = sqlite3_value_int(v[3]),
		.assign = flags & 1,
		.order = session->date_format,
		.scratch = session->convert_scratch };
	struct value in = value_of_argument(v[0]), out;

	(void)count;
	if (in.storage == STORE_NULL)
		return;
	memset(&session->convert_scratch, 0, sizeof(session->convert_scratch));
	int error = convert_value(&c, in, &out);

	if (!error) {
		value_result(context, out);
	} else if (!(flags & 2)) {
		raise_conversion(session, &c, in, error);
		function_fail(context);
	}
	session->convert_scratch = c.scratch;
}

static void utf16(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct session *session = function_session(context);

	(void)count;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		return;
	const char *text = (const char *)sqlite3_value_text(v[0]);
	size_t size = (size_t)sqlite3_value_bytes(v[0]);

	wtf8_to_utf16(&session->convert_scratch, text, size);
	sqlite3_result_blob64(context, session->convert_scratch.data, session->convert_scratch.size, SQLITE_TRANSIENT);
}

static int integer_arithmetic(int op, int64_t a, int64_t b, struct sql_type type, int64_t *out)
{
	static const int64_t low[] = { [K_BIT] = 0,
		[K_TINYINT] = 0,
		[K_SMALLINT] = -32768,
		[K_INT] = INT32_MIN,
		[K_BIGINT] = INT64_MIN,
		[K_SMALLMONEY] = INT32_MIN,
		[K_MONEY] = INT64_MIN };
	static const int64_t high[] = { [K_BIT] = 1,
		[K_TINYINT] = 255,
		[K_SMALLINT] = 32767,
		[K_INT] = INT32_MAX,
		[K_BIGINT] = INT64_MAX,
		[K_SMALLMONEY] = INT32_MAX,
		[K_MONEY] = INT64_MAX };
	bool overflow = false, money = type.kind == K_MONEY || type.kind == K_SMALLMONEY;

	switch (op) {
	case '+':
		overflow = __builtin_add_overflow(a, b, out);
		break;
	case '-':
		overflow = __builtin_sub_overflow(a, b, out);
		break;
	case '*':
		if (money) {
			wide_int product = decimal_rescale((wide_int)a * b, 8, 4);

			*out = (int64_t)product;
			overflow = product != *out;
		} else {
			overflow = __builtin_mul_overflow(a, b, out);
		}
		break;
	case '/':
	case '%':
		if (!b)
			return 8134;
		if (a == INT64_MIN && b == -1)
			return 8115;
		*out = op == '%' ? a % b : money ? (int64_t)((wide_int)a * 10000 / b) : a / b;
		break;
	default:
		*out = a ^ b;
		break;
	}
	return overflow || *out < low[type.kind] || *out > high[type.kind] ? 8115 : 0;
}

static unsigned scale_of(struct sql_type type)
{
	return type_is_exact(type) ? type.scale : 0;
}

static int decimal_arithmetic(
	int op, struct value a, struct value b, struct sql_type ta, struct sql_type tb, struct sql_type type, wide_int *out)
{
	wide_int x = decimal_of(a), y = decimal_of(b);
	unsigned sx = scale_of(ta), sy = scale_of(tb), s = sx > sy ? sx : sy;

	if (op == '*') {
		if (__builtin_mul_overflow(x, y, out))
			return 8115;
		*out = decimal_rescale(*out, sx + sy, type.scale);
	} else if (op == '/') {
		if (!y)
			return 8134;
		int shift = (int)type.scale - (int)sx + (int)sy;

		if (shift > 0 && __builtin_mul_overflow(x, power_of_ten((unsigned)shift), &x)) {
			*out = (wide_int)((long double)decimal_of(a) / (long double)y * (long double)power_of_ten((unsigned)shift));
			return 0;
		}
		*out = shift < 0 ? x / y / power_of_ten((unsigned)-shift) : x / y;
	} else {
		x = decimal_rescale(x, sx, s);
		y = decimal_rescale(y, sy, s);
		if (op == '%' && !y)
			return 8134;
		*out = decimal_rescale(op == '+' ? x + y : op == '-' ? x - y : x % y, s, type.scale);
	}
	return *out >= power_of_ten(type.precision) || *out <= -power_of_ten(type.precision) ? 8115 : 0;
}

static int real_arithmetic(int op, double a, double b, double *out)
{
	if ((op == '/' || op == '%') && b == 0)
		return 8134;
	*out = op == '+' ? a + b : op == '-' ? a - b : op == '*' ? a * b : op == '/' ? a / b : fmod(a, b);
	return isfinite(*out) ? 0 : 8115;
}

static double number(struct value v)
{
	return v.storage == STORE_REAL ? v.r : (double)v.i;
}

/* arith(op, a, b, type a, type b, result type) */
static void arith(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct session *session = function_session(context);
	struct sql_type ta = type_unpack(sqlite3_value_int64(v[3])), tb = type_unpack(sqlite3_value_int64(v[4])),
					type = type_unpack(sqlite3_value_int64(v[5]));
	struct value a = value_of_argument(v[1]), b = value_of_argument(v[2]), out = value_null();
	int op = sqlite3_value_int(v[0]), error;
	wide_int wide;
	char keep[16];

	(void)count;
	if (a.storage == STORE_NULL || b.storage == STORE_NULL)
		return;
	if (type.kind == K_DECIMAL || type.kind == K_NUMERIC) {
		error = decimal_arithmetic(op, a, b, ta, tb, type, &wide);
		out = error ? out : value_decimal(wide, keep);
	} else if (type.kind == K_REAL || type.kind == K_FLOAT) {
		out = value_real(0);
		error = real_arithmetic(op, number(a), number(b), &out.r);
	} else {
		out = value_int(0);
		error = integer_arithmetic(op, a.i, b.i, type, &out.i);
	}
	if (error) {
		if (error == 8134)
			session_raise(session, 8134);
		else
			session_raise(session, 8115, "expression", kind_info(type.kind)->name);
		function_fail(context);
		return;
	}
	value_result(context, out);
}

static void dto_utc(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	if (sqlite3_value_type(v[0]) == SQLITE_BLOB)
		sqlite3_result_blob(context, sqlite3_value_blob(v[0]), 8, SQLITE_TRANSIENT);
}

static void getvar(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	value_result(context, ((struct variable *)(intptr_t)sqlite3_value_int64(v[0]))->value);
}

static void xml_escape(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct bytes out = { 0 };

	(void)count;
	if (sqlite3_value_type(v[0]) == SQLITE_NULL)
		return;
	for (const char *c = text_argument(v[0]), *end = c + sqlite3_value_bytes(v[0]); c < end; c++) {
		const char *entity = *c == '&' ? "&amp;"
			: *c == '<'                ? "&lt;"
			: *c == '>'                ? "&gt;"
			: *c == '\r'               ? "&#x0D;"
									   : NULL;

		bytes_add(&out, entity ? entity : c, entity ? strlen(entity) : 1);
	}
	sqlite3_result_text64(context, out.data ? out.data : "", out.size, SQLITE_TRANSIENT, SQLITE_UTF8);
	bytes_free(&out);
}

static void hashbytes(sqlite3_context *context, int count, sqlite3_value **v)
{
	static const struct {
		const char *name;
		mbedtls_md_type_t type;
	} algorithms[] = { { "MD5", MBEDTLS_MD_MD5 }, { "SHA", MBEDTLS_MD_SHA1 }, { "SHA1", MBEDTLS_MD_SHA1 },
		{ "SHA2_256", MBEDTLS_MD_SHA256 }, { "SHA2_512", MBEDTLS_MD_SHA512 } };
	struct session *session = function_session(context);
	unsigned char digest[64];

	if (any_null(count, v))
		return;
	if (sqlite3_value_bytes(v[1]) > 8000 && session->engine->version < 13) {
		session_raise(session, 8152);
		function_fail(context);
		return;
	}
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++) {
		const mbedtls_md_info_t *info = mbedtls_md_info_from_type(algorithms[i].type);

		if (strcasecmp(algorithms[i].name, text_argument(v[0])) || !info)
			continue;
		const unsigned char *data = sqlite3_value_blob(v[1]);

		mbedtls_md(info, data ? data : digest, (size_t)sqlite3_value_bytes(v[1]), digest);
		sqlite3_result_blob(context, digest, mbedtls_md_get_size(info), SQLITE_TRANSIENT);
	}
}

static void binary_checksum(sqlite3_context *context, int count, sqlite3_value **v)
{
	uint32_t sum = 0;

	for (int i = 0; i < count; i++) {
		const unsigned char *p = sqlite3_value_blob(v[i]);

		for (int k = 0; k < sqlite3_value_bytes(v[i]); k++)
			sum = (sum << 4 | sum >> 28) ^ p[k];
	}
	sqlite3_result_int(context, (int32_t)sum);
}

static void variant_property(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct bytes scratch = { 0 };
	struct value inner;
	const char *property = text_argument(v[1]);

	if (any_null(count, v))
		return;
	struct sql_type type = variant_open(value_of_argument(v[0]), &scratch, &inner);

	if (!strcasecmp(property, "BaseType"))
		sqlite3_result_text(context, kind_info(type.kind)->name, -1, SQLITE_STATIC);
	else if (!strcasecmp(property, "Precision"))
		sqlite3_result_int(context, type.precision);
	else if (!strcasecmp(property, "Scale"))
		sqlite3_result_int(context, type.scale);
	else if (!strcasecmp(property, "MaxLength"))
		sqlite3_result_int(context, type.length);
	else if (!strcasecmp(property, "TotalBytes"))
		sqlite3_result_int(context, sqlite3_value_bytes(v[0]));
	else if (!strcasecmp(property, "Collation") && type_is_character(type))
		sqlite3_result_text(context, collation_get(type.collation)->name, -1, SQLITE_STATIC);
	bytes_free(&scratch);
}

static void next_identity(sqlite3_context *context, int count, sqlite3_value **v)
{
	(void)count;
	sqlite3_result_int64(
		context, identity_next(function_session(context), sqlite3_value_int(v[0]), sqlite3_value_int(v[1])));
}

static void next_version(sqlite3_context *context, int count, sqlite3_value **v)
{
	struct engine *engine = function_session(context)->engine;
	char bytes[8];

	(void)count;
	(void)v;
	uint64_t version = __atomic_add_fetch(&engine->row_version, 1, __ATOMIC_RELAXED) + 2000;

	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(version >> (56 - 8 * i));
	sqlite3_result_blob(context, bytes, 8, SQLITE_TRANSIENT);
}

int functions_add(struct session *session, const struct function_entry *entries, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (sqlite3_create_function_v2(session->db, entries[i].name, entries[i].arguments,
				SQLITE_UTF8 | (entries[i].changes ? 0 : SQLITE_DETERMINISTIC), session, entries[i].run, NULL, NULL,
				NULL))
			return -5;
	return 0;
}

static int compare(void *data, int size_a, const void *a, int size_b, const void *b)
{
	return collation_compare(data, false, a, (size_t)size_a, b, (size_t)size_b);
}

static int compare_by_page(void *data, int size_a, const void *a, int size_b, const void *b)
{
	return collation_compare(data, true, a, (size_t)size_a, b, (size_t)size_b);
}

static void collation_needed(void *unused, sqlite3 *db, int encoding, const char *name)
{
	char plain[64];
	size_t size = strlen(name);
	bool page = size > 2 && !strcmp(name + size - 2, "/v");

	(void)unused;
	(void)encoding;
	snprintf(plain, sizeof(plain), "%.*s", (int)(page ? size - 2 : size), name);
	uint16_t number = !strcmp(name, "N") ? COLLATION_DEFAULT : collation_find(plain, 16);

	if (number)
		sqlite3_create_collation(
			db, name, SQLITE_UTF8, (void *)(uintptr_t)collation_get(number), page ? compare_by_page : compare);
}

int functions_register(struct session *session)
{
	static const struct function_entry entries[] = { { "cv", 5, cv, false }, { "utf16", 1, utf16, false },
		{ "arith", 6, arith, false }, { "dto_utc", 1, dto_utc, false }, { "getvar", 1, getvar, true },
		{ "xml_escape", 1, xml_escape, false }, { "hashbytes", 2, hashbytes, false },
		{ "binary_checksum", -1, binary_checksum, false }, { "variant_property", 2, variant_property, false },
		{ "next_identity", 2, next_identity, true }, { "next_version", 0, next_version, true } };

	if (sqlite3_collation_needed(session->db, NULL, collation_needed) ||
		functions_add(session, entries, sizeof(entries) / sizeof(*entries)) || functions_register_aggregates(session))
		return -5;
	if (functions_register_strings(session) || functions_register_dates(session) || functions_register_meta(session))
		return -5;
	return views_register(session);
}
