/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_text.h"

#include <stdbool.h>
#include <string.h>

#include "bytes.h"

static bool is_high_surrogate(uint32_t unit)
{
	return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low_surrogate(uint32_t unit)
{
	return unit >= 0xdc00 && unit < 0xe000;
}

/* One code point from UTF-8 (surrogates allowed); U+FFFD and one byte further where it is not. */
static uint32_t decode_utf8(const uint8_t **at)
{
	const uint8_t *p = *at;
	size_t more = p[0] < 0x80         ? 0
		: p[0] >= 0xf0 && p[0] < 0xf5 ? 3
		: p[0] >= 0xe0 && p[0] < 0xf0 ? 2
		: p[0] >= 0xc2 && p[0] < 0xe0 ? 1
									  : 4;
	uint32_t point = more == 0 ? p[0] : p[0] & (0x3fu >> more);

	*at = p + 1;
	if (more == 4)
		return 0xfffd;
	for (size_t i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		point = point << 6 | (p[i] & 0x3fu);
	}
	*at = p + 1 + more;
	return point;
}

size_t utf16_from_utf8(uint8_t *to, size_t capacity, const char *from)
{
	const uint8_t *at = (const uint8_t *)from;
	size_t size = 0;

	while (*at) {
		uint32_t point = decode_utf8(&at);

		if (point >= 0x10000) {
			if (size + 4 > capacity)
				break;
			put16le(to + size, (uint16_t)(0xd7c0 + (point >> 10)));
			put16le(to + size + 2, (uint16_t)(0xdc00 + (point & 0x3ff)));
			size += 4;
		} else {
			if (size + 2 > capacity)
				break;
			put16le(to + size, (uint16_t)point);
			size += 2;
		}
	}
	return size;
}

static size_t encode_utf8(uint8_t out[4], uint32_t point)
{
	if (point < 0x80) {
		out[0] = (uint8_t)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (uint8_t)(0xc0 | point >> 6);
		out[1] = (uint8_t)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (uint8_t)(0xe0 | point >> 12);
		out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (point & 0x3f));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | point >> 18);
	out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (point & 0x3f));
	return 4;
}

size_t utf8_from_utf16(char *to, size_t capacity, const uint8_t *from, size_t units)
{
	size_t size = 0;

	if (capacity == 0)
		return 0;
	for (size_t i = 0; i < units; i++) {
		uint32_t point = get16le(from + 2 * i);
		uint8_t bytes[4];

		if (is_high_surrogate(point) && i + 1 < units && is_low_surrogate(get16le(from + 2 * i + 2)))
			point = 0x10000 + ((point - 0xd800) << 10) + (get16le(from + 2 * ++i) - 0xdc00u);
		size_t n = encode_utf8(bytes, point);
		if (size + n >= capacity)
			break;
		memcpy(to + size, bytes, n);
		size += n;
	}
	to[size] = 0;
	return size;
}
