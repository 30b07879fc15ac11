/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/table/utf.h"

#include <stdbool.h>

#include "agent/table/bytes.h"

/* Four UTF-16 code units at once are ASCII where none of these bits is set. */
#define NOT_ASCII_UTF16 0xff80ff80ff80ff80
#define NOT_ASCII_UTF8 0x80808080u

static uint32_t unit_at(const uint8_t *p)
{
	return (uint32_t)(p[0] | p[1] << 8);
}

static bool is_high(uint32_t unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(uint32_t unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

ssize_t utf8_size(const uint8_t *utf16, size_t size)
{
	size_t total = 0, i = 0;

	if (size % 2)
		return -1;
	while (i < size) {
		if (size - i >= 8 && !(get64(utf16 + i) & NOT_ASCII_UTF16)) {
			total += 4;
			i += 8;
			continue;
		}
		uint32_t unit = unit_at(utf16 + i);

		i += 2;
		if (is_high(unit)) {
			if (i == size || !is_low(unit_at(utf16 + i)))
				return -1;
			i += 2;
			total += 4;
		} else if (is_low(unit)) {
			return -1;
		} else {
			total += unit < 0x80 ? 1 : unit < 0x800 ? 2 : 3;
		}
	}
	return (ssize_t)total;
}

static uint8_t *put_character(uint8_t *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (uint8_t)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (uint8_t)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*out++ = (uint8_t)(0xe0 | c >> 12);
		} else {
			*out++ = (uint8_t)(0xf0 | c >> 18);
			*out++ = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		}
		*out++ = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (uint8_t)(0x80 | (c & 0x3f));
	return out;
}

uint8_t *utf8_put(uint8_t *out, const uint8_t *utf16, size_t size)
{
	size_t i = 0;

	while (i < size) {
		if (size - i >= 8) {
			uint64_t four = get64(utf16 + i);

			if (!(four & NOT_ASCII_UTF16)) {
				four = (four | four >> 8) & 0x0000ffff0000ffff;
				put_number(out, four | four >> 16, 4);
				out += 4;
				i += 8;
				continue;
			}
		}
		uint32_t c = unit_at(utf16 + i);

		i += 2;
		if (is_high(c)) {
			c = 0x10000 + ((c - 0xd800) << 10) + (unit_at(utf16 + i) - 0xdc00);
			i += 2;
		}
		out = put_character(out, c);
	}
	return out;
}

/* Reads one character of more than one byte. Returns its length, or 0 where it is not well formed. */
static size_t get_character(const uint8_t *p, size_t size, uint32_t *character)
{
	size_t length = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (p[0] < 0xc2 || p[0] > 0xf4 || size < length)
		return 0;

	uint32_t c = p[0] & (0x7fu >> length);

	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	*character = c;
	return c < smallest[length] || c > 0x10ffff || is_high(c) || is_low(c) ? 0 : length;
}

static uint8_t *put_unit(uint8_t *out, uint32_t unit)
{
	out[0] = (uint8_t)unit;
	out[1] = (uint8_t)(unit >> 8);
	return out + 2;
}

static uint64_t widen(uint64_t four)
{
	four = (four | four << 16) & 0x0000ffff0000ffff;
	return (four | four << 8) & 0x00ff00ff00ff00ff;
}

ssize_t utf16_put(uint8_t *out, const uint8_t *utf8, size_t size)
{
	const uint8_t *start = out;
	size_t i = 0;

	while (i < size) {
		uint32_t c = utf8[i];
		uint64_t four;

		if (size - i >= 4 && !((four = get_number(utf8 + i, 4)) & NOT_ASCII_UTF8)) {
			put64(out, widen(four));
			out += 8;
			i += 4;
			continue;
		}
		if (c < 0x80) {
			i++;
		} else {
			size_t length = get_character(utf8 + i, size - i, &c);

			if (!length)
				return -1;
			i += length;
		}
		if (c >= 0x10000) {
			out = put_unit(out, 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		out = put_unit(out, c);
	}
	return out - start;
}
