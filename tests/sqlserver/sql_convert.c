/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_convert.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_convert_text.h"
#include "tests/sqlserver/sql_date.h"

#include <math.h>
#include <string.h>

enum group { G_NONE, G_INTEGER, G_EXACT, G_REAL, G_DATE, G_GUID, G_TEXT, G_BINARY, G_XML, G_VARIANT, G_UDT };

static enum group group_of(struct sql_type type)
{
	if (type.kind == K_NONE)
		return G_NONE;
	if (type_is_integer(type))
		return G_INTEGER;
	if (type_is_exact(type))
		return G_EXACT;
	if (type_is_number(type))
		return G_REAL;
	if (type_is_date(type))
		return G_DATE;
	if (type.kind == K_GUID)
		return G_GUID;
	if (type_is_character(type))
		return G_TEXT;
	if (type_is_binary(type))
		return G_BINARY;
	return type.kind == K_XML ? G_XML : type.kind == K_VARIANT ? G_VARIANT : G_UDT;
}

static bool old_large(struct sql_type type)
{
	return type.kind == K_TEXT || type.kind == K_NTEXT || type.kind == K_IMAGE;
}

/* text and ntext go only to and from characters, image only to and from binary. */
static bool old_large_allowed(struct sql_type from, struct sql_type to)
{
	if (from.kind == K_IMAGE || to.kind == K_IMAGE) {
		struct sql_type other = from.kind == K_IMAGE ? to : from;

		return type_is_binary(other) || (to.kind == K_IMAGE && type_is_character(other) && !type_is_unicode(other));
	}
	return (type_is_character(from) || from.kind == K_XML) && (type_is_character(to) || to.kind == K_XML);
}

int convert_allowed(struct sql_type from, struct sql_type to)
{
	enum group a = group_of(from), b = group_of(to);

	if (a == G_NONE || b == G_NONE || from.kind == to.kind)
		return 0;
	if (old_large(from) || old_large(to))
		return old_large_allowed(from, to) ? 0 : 529;
	if (a == G_VARIANT || b == G_VARIANT)
		return type_is_large(from) || type_is_large(to) || from.kind == K_TIMESTAMP || to.kind == K_TIMESTAMP ? 529 : 0;
	if (a == G_XML)
		return b == G_TEXT || b == G_BINARY ? 0 : 529;
	if (b == G_XML)
		return a == G_TEXT || a == G_BINARY ? 0 : 529;
	if (a == G_UDT || b == G_UDT)
		return a == G_TEXT || b == G_TEXT || a == G_BINARY || b == G_BINARY ? 0 : 529;
	if (a == G_GUID || b == G_GUID)
		return a == G_TEXT || b == G_TEXT || a == G_BINARY || b == G_BINARY ? 0 : 529;
	if (a == G_DATE || b == G_DATE) {
		bool old_a = from.kind == K_DATETIME || from.kind == K_SMALLDATETIME;
		bool old_b = to.kind == K_DATETIME || to.kind == K_SMALLDATETIME;

		if (a != b && (a <= G_REAL || b <= G_REAL))
			return (a == G_DATE ? old_a : old_b) ? 0 : 529;
		if (a == G_DATE && b == G_DATE)
			return (from.kind == K_DATE && to.kind == K_TIME) || (from.kind == K_TIME && to.kind == K_DATE) ? 529 : 0;
	}
	return 0;
}

bool convert_is_free(struct sql_type from, struct sql_type to)
{
	if (from.kind == to.kind && type_equal(from, to))
		return true;
	if (type_is_integer(from) && type_is_integer(to))
		return to.kind >= from.kind && !(to.kind == K_BIT) && !(from.kind == K_NONE);
	if (type_is_unicode(to) && type_is_character(from) && to.kind != K_NCHAR)
		return type_is_large(to) ||
			(!type_is_large(from) && from.length * (type_is_unicode(from) ? 1u : 2u) <= to.length);
	if (type_is_character(from) && !type_is_unicode(from) && (to.kind == K_VARCHAR || to.kind == K_TEXT))
		return collation_get(from.collation)->page == collation_get(to.collation)->page &&
			(type_is_large(to) || (!type_is_large(from) && from.length <= to.length));
	if (type_is_binary(from) && (to.kind == K_VARBINARY || to.kind == K_IMAGE))
		return type_is_large(to) || (!type_is_large(from) && from.length <= to.length);
	if ((from.kind == K_REAL || from.kind == K_FLOAT) && to.kind == K_FLOAT)
		return true;
	if (from.kind >= K_HIERARCHYID && to.kind == K_VARBINARY)
		return type_is_large(to);
	return false;
}

static int fit_integer(int64_t i, struct sql_type to, struct value *out)
{
	static const struct {
		int64_t low, high;
	} ranges[K_COUNT] = { [K_TINYINT] = { 0, 255 },
		[K_SMALLINT] = { -32768, 32767 },
		[K_INT] = { INT32_MIN, INT32_MAX },
		[K_BIGINT] = { INT64_MIN, INT64_MAX } };

	*out = value_int(to.kind == K_BIT ? i != 0 : i);
	if (to.kind == K_BIT || (i >= ranges[to.kind].low && i <= ranges[to.kind].high))
		return 0;
	return to.kind == K_TINYINT || to.kind == K_SMALLINT ? 220 : 8115;
}

static unsigned scale_of(struct sql_type type)
{
	return type_is_exact(type) ? type.scale : 0;
}

/* A number in units of 10^-scale to any number type. */
static int from_exact(wide_int number, unsigned scale, struct conversion *c, struct value *out)
{
	struct sql_type to = c->to;
	char keep[16];

	if (to.kind == K_REAL || to.kind == K_FLOAT) {
		*out = value_real((double)((long double)number / (long double)power_of_ten(scale)));
		return 0;
	}
	if (type_is_integer(to)) {
		number /= power_of_ten(scale); /* towards zero, as the server does */
		if (number > INT64_MAX || number < INT64_MIN)
			return 8115;
		return fit_integer((int64_t)number, to, out);
	}
	if (scale_of(to) > scale &&
		(number > power_of_ten(38 - (to.scale - scale)) || number < -power_of_ten(38 - (to.scale - scale))))
		return 8115;
	number = decimal_rescale(number, scale, to.scale);
	wide_int limit = to.kind == K_MONEY ? (wide_int)INT64_MAX
		: to.kind == K_SMALLMONEY       ? (wide_int)INT32_MAX
										: power_of_ten(to.precision) - 1;

	if (number > limit || number < -limit - (to.kind == K_MONEY || to.kind == K_SMALLMONEY))
		return 8115;
	if (to.kind == K_MONEY || to.kind == K_SMALLMONEY) {
		*out = value_int((int64_t)number);
		return 0;
	}
	value_decimal(number, keep);
	c->scratch.size = 0;
	bytes_add(&c->scratch, keep, 16);
	*out = value_blob(c->scratch.data, 16);
	return 0;
}

static int from_real(double r, struct conversion *c, struct value *out)
{
	struct sql_type to = c->to;

	if (to.kind == K_REAL)
		r = (double)(float)r;
	if (to.kind == K_REAL || to.kind == K_FLOAT) {
		*out = value_real(r);
		return isfinite(r) ? 0 : 8115;
	}
	if (type_is_integer(to)) {
		if (to.kind == K_BIT) {
			*out = value_int(r != 0);
			return 0;
		}
		if (!(r > -9.3e18 && r < 9.223372036854775e18))
			return 8115;
		return fit_integer((int64_t)r, to, out);
	}
	long double scaled = roundl((long double)r * (long double)power_of_ten(to.scale));

	if (!(scaled > -1e38L && scaled < 1e38L))
		return 8115;
	return from_exact((wide_int)scaled, to.scale, c, out);
}

static int number_to_number(struct conversion *c, struct value in, struct value *out)
{
	if (in.storage == STORE_REAL)
		return from_real(in.r, c, out);
	return from_exact(decimal_of(in), scale_of(c->from), c, out);
}

static int text_to_number(struct conversion *c, struct value in, struct value *out)
{
	wide_int number;
	unsigned scale;
	double r;

	if (c->to.kind == K_REAL || c->to.kind == K_FLOAT) {
		if (!parse_real(in.data, in.size, &r))
			return 8114;
		return from_real(r, c, out);
	}
	if (c->to.kind == K_BIT && parse_truth(in.data, in.size, out))
		return 0;
	if (!parse_exact(in.data, in.size, c->to.kind == K_MONEY || c->to.kind == K_SMALLMONEY, &number, &scale))
		return type_is_integer(c->to) ? 245 : c->to.kind == K_MONEY || c->to.kind == K_SMALLMONEY ? 235 : 8114;
	if (type_is_integer(c->to) && scale)
		return 245;
	int error = from_exact(number, scale, c, out);

	return error == 8115 && c->to.kind == K_INT ? 248 : error;
}

static int number_to_date(struct conversion *c, struct value in, struct value *out)
{
	double days = in.storage == STORE_REAL
		? in.r
		: (double)((long double)decimal_of(in) / (long double)power_of_ten(scale_of(c->from)));
	double whole = floor(days);

	if (!(days > -60000 && days < 3000000))
		return 8115;
	return moment_value((struct moment){ DAYS_TO_1900 + (int64_t)whole, (int64_t)((days - whole) * TICKS_PER_DAY), 0 },
		c->to, &c->scratch, out);
}

static int date_to_number(struct conversion *c, struct value in, struct value *out)
{
	struct moment m = moment_of(in, c->from);

	return from_real((double)(m.days - DAYS_TO_1900) + (double)m.ticks / TICKS_PER_DAY, c, out);
}

static int text_to_date(struct conversion *c, struct value in, struct value *out)
{
	struct moment m;
	const char *order = c->style == 103 || c->style == 104 ? "dmy" : c->style == 101 ? "mdy" : c->order;

	if (!moment_parse(in.data, in.size, order ? order : "mdy", &m))
		return 241;
	return moment_value(m, c->to, &c->scratch, out);
}

static int to_variant(struct conversion *c, struct value in, struct value *out)
{
	variant_make(in, c->from, &c->scratch);
	*out = value_blob(c->scratch.data, c->scratch.size);
	return 0;
}

static int from_variant(struct conversion *c, struct value in, struct value *out)
{
	struct bytes keep = { 0 };
	struct value inner;
	struct conversion next = *c;

	next.from = variant_open(in, &keep, &inner);
	if (!next.from.kind) {
		bytes_free(&keep);
		return 8114;
	}
	int error = convert_allowed(next.from, next.to);

	if (!error)
		error = convert_value(&next, inner, out);
	c->scratch = next.scratch;
	if (!error && out->data && out->data != c->scratch.data) { /* points into keep */
		c->scratch.size = 0;
		bytes_add(&c->scratch, out->data, out->size);
		out->data = c->scratch.data;
	}
	bytes_free(&keep);
	return error;
}

static int to_text(struct conversion *c, struct value in, struct value *out)
{
	int error = convert_to_text(in, c->from, c->style, &c->scratch);

	*out = value_text(c->scratch.data, c->scratch.size);
	if (!error && !type_is_large(c->to) && !type_is_exact(c->from) && type_is_number(c->from)) {
		unsigned room = c->to.length / (type_is_unicode(c->to) ? 2u : 1u);

		if (c->scratch.size > room) {
			*out = value_text("*", 1);
			return type_is_integer(c->from) ? 0 : 8115;
		}
	}
	if (!error && type_is_exact(c->from) && c->scratch.size > c->to.length / (type_is_unicode(c->to) ? 2u : 1u))
		return 8115;
	return error;
}

static bool blank(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	return true;
}

/* How far it is to the next `until`, that included; to the end where there is none. */
static size_t run_length(struct value in, size_t from, char until)
{
	const char *found = memchr(in.data + from, until, in.size - from);

	return found ? (size_t)(found - in.data) + 1 - from : in.size - from;
}

/*
 * Parsing drops text between two tags that is white space and nothing else, unless style 1 (or 3) says to keep it.
 * CDATA, comments and xml:space are not looked for: the stand-in knows xml as text.
 */
static int parse_xml(struct conversion *c, struct value in, struct value *out)
{
	*out = in;
	if (c->style & 1 || !in.size)
		return 0;
	c->scratch.size = 0;
	for (size_t at = 0; at < in.size;) {
		size_t text = run_length(in, at, '<');

		text -= in.data[at + text - 1] == '<';
		if (!blank(in.data + at, text))
			bytes_add(&c->scratch, in.data + at, text);
		at += text;
		size_t tag = at < in.size ? run_length(in, at, '>') : 0;

		bytes_add(&c->scratch, in.data + at, tag);
		at += tag;
	}
	*out = value_text(c->scratch.data, c->scratch.size);
	return 0;
}

static int dispatch(struct conversion *c, struct value in, struct value *out)
{
	enum group a = group_of(c->from), b = group_of(c->to);

	if (a == G_VARIANT)
		return from_variant(c, in, out);
	if (b == G_VARIANT)
		return to_variant(c, in, out);
	if (b == G_BINARY || a == G_BINARY || a == G_UDT || b == G_UDT)
		return convert_binary(c, in, out);
	if (a <= G_REAL && b <= G_REAL)
		return number_to_number(c, in, out);
	if (b == G_XML)
		return parse_xml(c, in, out);
	if (b == G_TEXT) {
		*out = in;
		return a == G_TEXT || a == G_XML ? 0 : to_text(c, in, out);
	}
	if (a == G_DATE && b == G_DATE)
		return moment_value(moment_of(in, c->from), c->to, &c->scratch, out);
	if (b == G_DATE)
		return a == G_TEXT ? text_to_date(c, in, out) : number_to_date(c, in, out);
	if (a == G_DATE)
		return date_to_number(c, in, out);
	if (b == G_GUID)
		return parse_guid(in.data, in.size, &c->scratch, out);
	return text_to_number(c, in, out);
}

int convert_value(struct conversion *c, struct value in, struct value *out)
{
	*out = in;
	if (in.storage == STORE_NULL || !c->to.kind || !c->from.kind)
		return 0;
	if (c->from.kind == c->to.kind && !type_is_number(c->to) && !type_is_date(c->to))
		return convert_fit(c, out);
	int error = dispatch(c, in, out);

	return error ? error : convert_fit(c, out);
}
