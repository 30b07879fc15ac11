/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/display.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Blocks of Unicode in which every character is one cell wide on every display that we know, and printable. */
static const struct {
	uint32_t first, last;
} narrow[] = {
	{ 0x20, 0x7e },
	{ 0xa0, 0xac },
	{ 0xae, 0x2ff },
	{ 0x370, 0x377 },
	{ 0x37a, 0x37f },
	{ 0x384, 0x38a },
	{ 0x38c, 0x38c },
	{ 0x38e, 0x3a1 },
	{ 0x3a3, 0x482 },
	{ 0x48a, 0x52f },
	{ 0x1e00, 0x1eff },
	{ 0x2010, 0x2015 },
	{ 0x2018, 0x2027 },
	{ 0x2030, 0x2044 },
	{ 0x20a0, 0x20bf },
	{ 0x2190, 0x21ff },
	{ 0x2500, 0x259f },
	{ 0x25a0, 0x25ef },
};

static bool fits_one_cell(uint32_t character)
{
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		if (character >= narrow[i].first && character <= narrow[i].last)
			return true;
	return false;
}

static bool continues(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * Length in bytes of the character at text and, in *known, whether it takes one cell. Malformed bytes are one unknown
 * character each, as are whole characters of other widths.
 */
static size_t next_character(const char *text, bool *known)
{
	const unsigned char *b = (const unsigned char *)text;
	*known = false;
	if (b[0] < 0x80) {
		*known = fits_one_cell(b[0]);
		return 1;
	}
	if (b[0] >= 0xc2 && b[0] < 0xe0 && continues(b[1])) {
		*known = fits_one_cell((b[0] & 0x1fu) << 6 | (b[1] & 0x3fu));
		return 2;
	}
	if (b[0] >= 0xe0 && b[0] < 0xf0 && continues(b[1]) && continues(b[2])) {
		uint32_t character = (b[0] & 0xfu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);
		*known = character >= 0x800 && fits_one_cell(character);
		return 3;
	}
	if (b[0] >= 0xf0 && b[0] < 0xf5 && continues(b[1]) && continues(b[2]) && continues(b[3]))
		return 4;
	return 1;
}

int display_cells(const char *text)
{
	int cells = 0;
	while (*text) {
		bool known;
		text += next_character(text, &known);
		if (!known)
			return -EILSEQ;
		cells++;
	}
	return cells;
}

/* Where the character after `cells` of them begins; the end of the text where it is shorter. */
static const char *skip_cells(const char *text, int cells)
{
	bool known;
	for (int i = 0; i < cells && *text; i++)
		text += next_character(text, &known);
	return text;
}

void display_fit(char *to, size_t size, const char *text, int cells)
{
	static const char ellipsis[] = "…";
	bool cut = *skip_cells(text, cells) != '\0';
	int room = cut ? cells - 1 : cells;
	size_t tail = cut ? sizeof(ellipsis) : 1, used = 0;
	for (int i = 0; i < room && *text; i++) {
		bool known;
		size_t length = next_character(text, &known);
		const char *from = known ? text : "?";
		size_t taken = known ? length : 1;
		if (used + taken + tail > size)
			break;
		memcpy(to + used, from, taken);
		used += taken;
		text += length;
	}
	if (cut && cells > 0 && used + tail <= size) {
		memcpy(to + used, ellipsis, sizeof(ellipsis) - 1);
		used += sizeof(ellipsis) - 1;
	}
	if (size > 0)
		to[used] = '\0';
}

int display_show(struct display *display, const struct display_text *text)
{
	for (int i = 0; i < DISPLAY_LINES; i++) {
		if (!memchr(text->line[i], '\0', DISPLAY_LINE_SIZE))
			return -EINVAL;
		int cells = display_cells(text->line[i]);
		if (cells < 0 || cells > DISPLAY_CELLS)
			return -EINVAL;
	}
	return display ? display->ops->show(display, text) : 0;
}
