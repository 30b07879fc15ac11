/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_text.h"

#include <locale.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

void bytes_reserve(struct bytes *bytes, size_t room)
{
	if (bytes->room >= room + 1)
		return;
	bytes->room = (room + 1) * 2 + 64;
	bytes->data = realloc(bytes->data, bytes->room);
	if (!bytes->data)
		abort();
}

void bytes_add(struct bytes *bytes, const void *data, size_t size)
{
	bytes_reserve(bytes, bytes->size + size);
	if (size)
		memcpy(bytes->data + bytes->size, data, size);
	bytes->size += size;
	bytes->data[bytes->size] = '\0';
}

void bytes_free(struct bytes *bytes)
{
	free(bytes->data);
	memset(bytes, 0, sizeof(*bytes));
}

size_t wtf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

uint32_t wtf8_next(const char *wtf8, size_t size, size_t *at)
{
	const unsigned char *p = (const unsigned char *)wtf8 + *at;
	size_t left = size - *at;

	if (p[0] < 0x80 || left < 2) {
		*at += 1;
		return p[0];
	}
	if (p[0] < 0xe0) {
		*at += 2;
		return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	}
	if (p[0] < 0xf0 && left >= 3) {
		*at += 3;
		return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	}
	if (left >= 4) {
		*at += 4;
		return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
	}
	*at += 1;
	return p[0];
}

void utf16_to_wtf8(struct bytes *out, const void *utf16, size_t size)
{
	const unsigned char *p = utf16, *end = p + (size & ~(size_t)1);

	bytes_reserve(out, size / 2 * 3);
	char *to = out->data;

	while (p < end) {
		uint32_t c = (uint32_t)(p[0] | p[1] << 8);

		p += 2;
		if (c < 0x80) {
			*to++ = (char)c;
			continue;
		}
		if (c >= 0xd800 && c < 0xdc00 && p < end && (p[1] & 0xfc) == 0xdc) {
			c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)(p[0] | p[1] << 8) - 0xdc00);
			p += 2;
		}
		to += wtf8_put(to, c);
	}
	out->size = (size_t)(to - out->data);
	*to = '\0';
}

void wtf8_to_utf16(struct bytes *out, const char *wtf8, size_t size)
{
	bytes_reserve(out, size * 2);
	char *to = out->data;
	size_t at = 0;

	while (at < size) {
		if ((unsigned char)wtf8[at] < 0x80) {
			*to++ = wtf8[at++];
			*to++ = 0;
			continue;
		}
		uint32_t c = wtf8_next(wtf8, size, &at);

		if (c >= 0x10000) {
			uint32_t high = 0xd800 + ((c - 0x10000) >> 10);

			*to++ = (char)high;
			*to++ = (char)(high >> 8);
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		*to++ = (char)c;
		*to++ = (char)(c >> 8);
	}
	out->size = (size_t)(to - out->data);
	*to = '\0';
}

size_t wtf8_units(const char *wtf8, size_t size)
{
	size_t units = 0;

	for (size_t i = 0; i < size; i++) {
		unsigned char b = (unsigned char)wtf8[i];

		units += (size_t)((b & 0xc0) != 0x80) + (size_t)(b >= 0xf0);
	}
	return units;
}

size_t wtf8_offset(const char *wtf8, size_t size, size_t units)
{
	size_t at = 0;

	while (at < size && units) {
		size_t before = at;
		size_t width = wtf8_next(wtf8, size, &at) >= 0x10000 ? 2 : 1;

		if (width > units)
			return before;
		units -= width;
	}
	return at;
}

static locale_t unicode_locale;
static pthread_once_t locale_once = PTHREAD_ONCE_INIT;

static void make_locale(void)
{
	unicode_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

uint32_t char_lower(uint32_t c)
{
	if (c < 0x80)
		return c >= 'A' && c <= 'Z' ? c + 32 : c;
	pthread_once(&locale_once, make_locale);
	return unicode_locale ? (uint32_t)towlower_l((wint_t)c, unicode_locale) : c;
}

uint32_t char_upper(uint32_t c)
{
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? c - 32 : c;
	pthread_once(&locale_once, make_locale);
	return unicode_locale ? (uint32_t)towupper_l((wint_t)c, unicode_locale) : c;
}

bool name_equal(const char *a, const char *b)
{
	size_t size_a = strlen(a), size_b = strlen(b), i = 0, j = 0;

	while (i < size_a && j < size_b)
		if (char_lower(wtf8_next(a, size_a, &i)) != char_lower(wtf8_next(b, size_b, &j)))
			return false;
	return i == size_a && j == size_b;
}
