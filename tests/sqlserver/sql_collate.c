/* SPDX-License-Identifier: Apache-2.0 */
/* Comparison of texts under a collation. */
#include "tests/sqlserver/sql_collation.h"
#include "tests/sqlserver/sql_text.h"

#include <string.h>

/* Base letters of U+00C0..U+017F, '\0' where the letter is its own base. */
static const char bases[] =
	"AAAAAA\0CEEEEIIII\0NOOOOO\0OUUUUY\0\0aaaaaa\0ceeeeiiii\0nooooo\0ouuuuy\0y"
	"AaAaAaCcCcCcCcDdDdEeEeEeEeEeGgGgGgGgHhHhIiIiIiIiIi\0\0JjKk\0LlLlLlLlLlNnNnNnn\0\0OoOoOo\0\0RrRrRrSsSsSsSsTtTtTt"
	"UuUuUuUuUuUuWwYyYZzZzZzs";

static uint32_t base_letter(uint32_t c)
{
	if (c < 0xc0 || c > 0x17f || !bases[c - 0xc0])
		return c;
	return (unsigned char)bases[c - 0xc0];
}

static uint32_t narrow(uint32_t c)
{
	return c >= 0xff01 && c <= 0xff5e ? c - 0xfee0 : c == 0x3000 ? ' ' : c;
}

static uint32_t hiragana(uint32_t c)
{
	return c >= 0x30a1 && c <= 0x30f6 ? c - 0x60 : c;
}

uint32_t collation_fold(const struct collation *collation, uint32_t c)
{
	if (collation->binary)
		return c;
	if (collation->ignore_width)
		c = narrow(c);
	if (collation->ignore_kana)
		c = hiragana(c);
	if (collation->ignore_accent)
		c = base_letter(c);
	return collation->ignore_case ? char_lower(c) : c;
}

/* Punctuation, then digits, then letters; letters of all cases together. */
static uint32_t primary(const struct collation *collation, uint32_t c)
{
	c = narrow(c);
	if (collation->ignore_kana)
		c = hiragana(c);
	c = char_lower(base_letter(c));
	if (c >= 'a' && c <= 'z')
		return 0x200 + c;
	if (c >= '0' && c <= '9')
		return 0x180 + c;
	return c < 0x80 ? c : c + 0x400;
}

static int order(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static size_t trimmed(const char *text, size_t size)
{
	while (size && text[size - 1] == ' ')
		size--;
	return size;
}

/* The first difference in accent outweighs the first one in case, wherever they are. */
static int compare_words(const struct collation *collation, const char *a, size_t size_a, const char *b, size_t size_b)
{
	size_t i = 0, j = 0;
	int accents = 0, cases = 0;

	while (i < size_a && j < size_b) {
		uint32_t x = wtf8_next(a, size_a, &i), y = wtf8_next(b, size_b, &j);

		if (x == y)
			continue;
		int first = order(primary(collation, x), primary(collation, y));

		if (first)
			return first;
		if (!accents && !collation->ignore_accent)
			accents = order(char_lower(narrow(x)), char_lower(narrow(y)));
		if (!cases && !collation->ignore_case) /* small letters first, as Windows has it */
			cases = -order(narrow(x), narrow(y));
	}
	if (i < size_a || j < size_b)
		return i < size_a ? 1 : -1;
	return accents ? accents : cases;
}

/* Code units, not code points: U+E000 and above sort after surrogate pairs' first halves. */
static int compare_units(const char *a, size_t size_a, const char *b, size_t size_b)
{
	size_t i = 0, j = 0;

	while (i < size_a && j < size_b) {
		uint32_t x = wtf8_next(a, size_a, &i), y = wtf8_next(b, size_b, &j);

		if (x == y)
			continue;
		uint32_t unit_x = x >= 0x10000 ? 0xd7c0 + (x >> 10) : x, unit_y = y >= 0x10000 ? 0xd7c0 + (y >> 10) : y;

		return unit_x != unit_y ? order(unit_x, unit_y) : order(x, y);
	}
	return i < size_a ? 1 : j < size_b ? -1 : 0;
}

static int compare_bytes(const char *a, size_t size_a, const char *b, size_t size_b)
{
	int first = memcmp(a, b, size_a < size_b ? size_a : size_b);

	return first ? first : order((uint32_t)size_a, (uint32_t)size_b);
}

static int compare_in_page(unsigned page, const char *a, size_t size_a, const char *b, size_t size_b)
{
	struct bytes x = { 0 }, y = { 0 };

	wtf8_to_page(&x, page, a, size_a);
	wtf8_to_page(&y, page, b, size_b);
	int result = compare_bytes(x.data, x.size, y.data, y.size);

	bytes_free(&x);
	bytes_free(&y);
	return result;
}

int collation_compare(
	const struct collation *collation, bool by_page, const char *a, size_t size_a, const char *b, size_t size_b)
{
	size_a = trimmed(a, size_a);
	size_b = trimmed(b, size_b);
	if (size_a == size_b && !memcmp(a, b, size_a))
		return 0;
	if (!collation->binary)
		return compare_words(collation, a, size_a, b, size_b);
	return by_page ? compare_in_page(collation->page, a, size_a, b, size_b) : compare_units(a, size_a, b, size_b);
}
