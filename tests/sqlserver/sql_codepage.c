/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code pages, as tables that iconv fills once: Windows decodes the bytes that iconv calls undefined in a single-byte
 * page to the C1 control of the same number, and so do we; a bad byte of a double-byte page becomes U+DC80 + n.
 */
#include "tests/sqlserver/sql_text.h"

#include <iconv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct page {
	unsigned number;
	bool wide; /* has double-byte characters */
	bool lead[256];
	uint16_t single[256]; /* byte -> UTF-16 unit */
	uint16_t *pair;       /* lead << 8 | trail -> unit, 0 if none; wide pages only */
	uint16_t back[65536]; /* unit -> byte, or lead << 8 | trail; 0 if none (but U+0000) */
};

#define UTF8_PAGE 65001u
static struct page *pages[24];
static pthread_mutex_t pages_mutex = PTHREAD_MUTEX_INITIALIZER;

static uint16_t decode(iconv_t cd, const unsigned char *from, size_t size)
{
	unsigned char out[4] = { 0 };
	char in[2] = { (char)from[0], size > 1 ? (char)from[1] : 0 };
	char *in_at = in, *out_at = (char *)out;
	size_t in_left = size, out_left = sizeof(out);

	iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &in_at, &in_left, &out_at, &out_left) == (size_t)-1 || in_left || out_left != 2)
		return 0;
	return (uint16_t)(out[0] | out[1] << 8);
}

static void fill_pairs(struct page *page, iconv_t cd)
{
	page->pair = calloc(65536, sizeof(*page->pair));
	if (!page->pair)
		abort();
	for (unsigned code = 0x8140; code < 0xff00; code++) {
		const unsigned char bytes[2] = { (unsigned char)(code >> 8), (unsigned char)code };

		if (page->single[bytes[0]] && page->single[bytes[0]] < 0xdc00)
			continue;
		uint16_t unit = decode(cd, bytes, 2);

		if (!unit)
			continue;
		page->pair[code] = unit;
		page->lead[bytes[0]] = true;
		if (!page->back[unit])
			page->back[unit] = (uint16_t)code;
	}
}

static struct page *make_page(unsigned number)
{
	struct page *page = calloc(1, sizeof(*page));
	char name[16];

	snprintf(name, sizeof(name), "CP%u", number);
	iconv_t cd = iconv_open("UTF-16LE", name);

	if (!page || cd == (iconv_t)-1)
		abort();
	page->number = number;
	page->wide = number == 932 || number == 936 || number == 949 || number == 950;
	for (unsigned byte = 0; byte < 256; byte++) {
		const unsigned char one = (unsigned char)byte;
		uint16_t unit = decode(cd, &one, 1);

		if (!unit && byte)
			unit = (uint16_t)(page->wide ? 0xdc00 + byte : byte);
		page->single[byte] = unit;
		page->back[unit] = (uint16_t)byte;
	}
	if (page->wide)
		fill_pairs(page, cd);
	iconv_close(cd);
	return page;
}

static const struct page *find_page(unsigned number)
{
	static _Thread_local const struct page *last;

	if (last && last->number == number)
		return last;
	pthread_mutex_lock(&pages_mutex);
	unsigned i = 0;

	while (i < 23 && pages[i] && pages[i]->number != number)
		i++;
	if (!pages[i])
		pages[i] = make_page(number);
	last = pages[i];
	pthread_mutex_unlock(&pages_mutex);
	return last;
}

static bool utf8_sequence(const unsigned char *p, size_t left, size_t *size)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	if (!n || n > left)
		return false;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return false;
	if (n == 3 && ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] >= 0xa0)))
		return false;
	if (n == 4 && ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] >= 0x90)))
		return false;
	*size = n;
	return true;
}

static void utf8_to_wtf8(struct bytes *out, const unsigned char *p, size_t size)
{
	bytes_reserve(out, size * 3);
	char *to = out->data;

	for (size_t i = 0, n; i < size; i += n) {
		if (utf8_sequence(p + i, size - i, &n)) {
			memcpy(to, p + i, n);
			to += n;
		} else {
			to += wtf8_put(to, 0xdc00u + p[i]);
			n = 1;
		}
	}
	out->size = (size_t)(to - out->data);
	*to = '\0';
}

void page_to_wtf8(struct bytes *out, unsigned number, const void *data, size_t size)
{
	const unsigned char *p = data;

	if (number == UTF8_PAGE) {
		utf8_to_wtf8(out, p, size);
		return;
	}
	const struct page *page = find_page(number);

	bytes_reserve(out, size * 3);
	char *to = out->data;

	for (size_t i = 0; i < size; i++) {
		uint16_t unit = page->single[p[i]];

		if (page->lead[p[i]] && i + 1 < size && page->pair[p[i] << 8 | p[i + 1]]) {
			unit = page->pair[p[i] << 8 | p[i + 1]];
			i++;
		}
		to += wtf8_put(to, unit);
	}
	out->size = (size_t)(to - out->data);
	*to = '\0';
}

/* The bytes of one character; returns how many. */
static size_t encode(const struct page *page, uint32_t c, char *out)
{
	if (c >= 0xdc80 && c <= 0xdcff && (!page || page->wide)) {
		out[0] = (char)(c - 0xdc00);
		return 1;
	}
	if (!page && c >= 0xd800 && c < 0xe000) { /* UTF-8 has no lone surrogates: the replacement character */
		memcpy(out, "\xef\xbf\xbd", 3);
		return 3;
	}
	if (!page)
		return wtf8_put(out, c);
	if (c >= 0x10000) { /* two code units, two question marks: as the server does */
		out[0] = out[1] = '?';
		return 2;
	}
	uint16_t code = page->back[c];

	if (code > 0xff) {
		out[0] = (char)(code >> 8);
		out[1] = (char)code;
		return 2;
	}
	out[0] = code || !c ? (char)code : '?';
	return 1;
}

void wtf8_to_page(struct bytes *out, unsigned number, const char *wtf8, size_t size)
{
	const struct page *page = number == UTF8_PAGE ? NULL : find_page(number);

	bytes_reserve(out, size * 2 + 4);
	char *to = out->data;
	size_t at = 0;

	while (at < size) {
		if ((unsigned char)wtf8[at] < 0x80)
			*to++ = wtf8[at++];
		else
			to += encode(page, wtf8_next(wtf8, size, &at), to);
	}
	out->size = (size_t)(to - out->data);
	*to = '\0';
}

size_t page_size(unsigned number, const char *wtf8, size_t size)
{
	const struct page *page = number == UTF8_PAGE ? NULL : find_page(number);
	size_t at = 0, total = 0;
	char scratch[4];

	while (at < size) {
		if ((unsigned char)wtf8[at] < 0x80) {
			at++;
			total++;
		} else {
			total += encode(page, wtf8_next(wtf8, size, &at), scratch);
		}
	}
	return total;
}
