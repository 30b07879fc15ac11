/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_convert_text.h"
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_date.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void trim(const char **text, size_t *size)
{
	while (*size && (**text == ' ' || **text == '\t' || **text == '\n' || **text == '\r')) {
		++*text;
		--*size;
	}
	while (*size && ((*text)[*size - 1] == ' ' || (*text)[*size - 1] == '\n' || (*text)[*size - 1] == '\r'))
		--*size;
}

bool parse_exact(const char *p, size_t size, bool money, wide_int *number, unsigned *scale)
{
	bool negative = false, point = false;
	unsigned digits = 0;

	trim(&p, &size);
	*number = 0;
	*scale = 0;
	const char *end = p + size;

	if (p == end)
		return true; /* '' is 0 for integers */
	if (*p == '-' || *p == '+')
		negative = *p++ == '-';
	if (money && p < end && *p == '$')
		p++;
	for (; p < end; p++) {
		if (*p == '.' && !point) {
			point = true;
		} else if (*p >= '0' && *p <= '9' && digits < 38) {
			*number = *number * 10 + (*p - '0');
			digits += *number != 0;
			*scale += point;
		} else if (!(money && *p == ',')) {
			return false;
		}
	}
	if (negative)
		*number = -*number;
	return true;
}

bool parse_real(const char *text, size_t size, double *out)
{
	char copy[400], *end;

	trim(&text, &size);
	if (size >= sizeof(copy))
		return false;
	memcpy(copy, text, size);
	copy[size] = '\0';
	if (strpbrk(copy, "xXnNiI"))
		return false;
	*out = size ? strtod(copy, &end) : 0;
	return !size || (!*end && end != copy);
}

bool parse_truth(const char *text, size_t size, struct value *out)
{
	trim(&text, &size);
	bool yes = size == 4 && !strncasecmp(text, "true", 4);

	if (!yes && (size != 5 || strncasecmp(text, "false", 5)))
		return false;
	*out = value_int(yes);
	return true;
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
}

int parse_guid(const char *p, size_t size, struct bytes *scratch, struct value *out)
{
	static const uint8_t wire_at[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	char wire[16], storage[16];

	trim(&p, &size);
	if (size && *p == '{') {
		p++;
		size--;
	}
	if (size < 36)
		return 8169;
	for (int i = 0, at = 0; i < 16; i++, at += 2) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (p[at++] != '-')
				return 8169;
		if (hex(p[at]) < 0 || hex(p[at + 1]) < 0)
			return 8169;
		wire[wire_at[i]] = (char)(hex(p[at]) << 4 | hex(p[at + 1]));
	}
	guid_to_storage(storage, wire);
	scratch->size = 0;
	bytes_add(scratch, storage, 16);
	*out = value_blob(scratch->data, 16);
	return 0;
}

void format_decimal(wide_int number, unsigned scale, struct bytes *out)
{
	char digits[64];
	int at = 63, written = 0;
	unsigned __int128 magnitude = number < 0 ? (unsigned __int128)-number : (unsigned __int128)number;

	do {
		if (scale && written == (int)scale)
			digits[--at] = '.';
		digits[--at] = (char)('0' + (int)(magnitude % 10));
		magnitude /= 10;
		written++;
	} while (magnitude || written <= (int)scale);
	if (number < 0)
		digits[--at] = '-';
	out->size = 0;
	bytes_add(out, digits + at, (size_t)(63 - at));
}

static void format_guid(const char *storage, char out[40])
{
	char w[16];

	guid_from_storage(w, storage);
	const unsigned char *g = (const unsigned char *)w;

	snprintf(out, 40, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", g[3], g[2], g[1], g[0],
		g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

static void format_real(double r, struct sql_type type, int style, char out[64])
{
	int digits = style == 3 ? 17 : style == 2 ? 16 : style == 1 ? 8 : 6;

	if (type.kind == K_REAL && style >= 2)
		digits = style == 3 ? 9 : 8;
	if (style == 1 || style == 2) {
		snprintf(out, 64, "%.*e", digits - 1, r);
		return;
	}
	snprintf(out, 64, "%.*g", digits, r);
	char *e = strchr(out, 'e');

	if (e && strlen(e) == 4) { /* three digits of exponent, as the server writes them */
		memmove(e + 3, e + 2, 3);
		e[2] = '0';
	}
}

int convert_to_text(struct value in, struct sql_type from, int style, struct bytes *out)
{
	char buffer[64] = "";

	if (type_is_date(from))
		moment_format(moment_of(in, from), from, style, buffer);
	else if (from.kind == K_GUID)
		format_guid(in.data, buffer);
	else if (in.storage == STORE_REAL)
		format_real(in.r, from, style, buffer);
	else if (from.kind == K_MONEY || from.kind == K_SMALLMONEY)
		format_decimal(style == 2 ? in.i : decimal_rescale(in.i, 4, 2), style == 2 ? 4 : 2, out);
	else if (from.kind == K_DECIMAL || from.kind == K_NUMERIC)
		format_decimal(decimal_of(in), from.scale, out);
	else
		snprintf(buffer, sizeof(buffer), "%lld", (long long)in.i);
	if (*buffer) {
		out->size = 0;
		bytes_add(out, buffer, strlen(buffer));
	}
	return 0;
}

static int fit_text(struct conversion *c, struct value *v)
{
	unsigned page = collation_get(c->to.collation)->page;
	bool fixed = c->to.kind == K_CHAR || c->to.kind == K_NCHAR, unicode = type_is_unicode(c->to);
	bool same_page = unicode ||
		(type_is_character(c->from) && !type_is_unicode(c->from) && collation_get(c->from.collation)->page == page);
	struct bytes bytes = { 0 };

	if (!same_page) { /* what the page lacks becomes a question mark */
		wtf8_to_page(&bytes, page, v->data, v->size);
		struct bytes back = { 0 };

		page_to_wtf8(&back, page, bytes.data, bytes.size);
		bytes_free(&bytes);
		bytes_free(&c->scratch);
		c->scratch = back;
		*v = value_text(back.data, back.size);
	}
	if (type_is_large(c->to))
		return 0;
	size_t room = unicode ? c->to.length / 2u : c->to.length;
	size_t used = v->size <= room && !fixed ? 0
		: unicode                           ? wtf8_units(v->data, v->size)
											: page_size(page, v->data, v->size);

	if (used > room) {
		size_t cut = unicode ? wtf8_offset(v->data, v->size, room) : room;

		if (!unicode) {
			cut = 0;
			for (size_t at = 0, spent; at < v->size; cut = at) {
				size_t before = at;

				wtf8_next(v->data, v->size, &at);
				spent = page_size(page, v->data, at);
				if (spent > room) {
					cut = before;
					break;
				}
			}
		}
		for (size_t i = cut; c->assign && i < v->size; i++)
			if (v->data[i] != ' ')
				return 8152;
		v->size = cut;
	} else if (fixed && used < room) {
		bytes_add(&bytes, v->data, v->size);
		while (used++ < room)
			bytes_add(&bytes, " ", 1);
		bytes_free(&c->scratch);
		c->scratch = bytes;
		*v = value_text(bytes.data, bytes.size);
	}
	return 0;
}

static int fit_binary(struct conversion *c, struct value *v)
{
	if (type_is_large(c->to))
		return 0;
	if (v->size > c->to.length) {
		if (c->assign)
			return 8152;
		v->size = c->to.length;
	} else if ((c->to.kind == K_BINARY || c->to.kind == K_TIMESTAMP) && v->size < c->to.length) {
		struct bytes bytes = { 0 };

		bytes_add(&bytes, v->data, v->size);
		while (bytes.size < c->to.length)
			bytes_add(&bytes, "", 1);
		bytes_free(&c->scratch);
		c->scratch = bytes;
		*v = value_blob(bytes.data, bytes.size);
	}
	return 0;
}

int convert_fit(struct conversion *c, struct value *v)
{
	if (v->storage == STORE_NULL)
		return 0;
	if (type_is_character(c->to))
		return fit_text(c, v);
	return type_is_binary(c->to) ? fit_binary(c, v) : 0;
}
