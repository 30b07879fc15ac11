/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A display of two lines of twenty cells. Text is UTF-8; every character takes exactly one cell.
 *
 * Characters that may take another width on some display (combining marks, wide scripts, controls, emoji) are not shown:
 * display_fit writes '?' for each. A driver whose display lacks a letter shows its nearest one (é as e).
 */
#ifndef HAL_DISPLAY_H
#define HAL_DISPLAY_H

#include <stddef.h>

#define DISPLAY_LINES 2
#define DISPLAY_CELLS 20
#define DISPLAY_LINE_SIZE (DISPLAY_CELLS * 3 + 1) /* no character that we show takes more than three bytes */

struct display_text {
	char line[DISPLAY_LINES][DISPLAY_LINE_SIZE];
};

struct display;

struct display_ops {
	int (*show)(struct display *display, const struct display_text *text);
};

struct display {
	const struct display_ops *ops;
};

/*
 * Shows both lines at once; shorter ones are filled with blanks. 0, -EINVAL where a line is not what display_fit makes,
 * -EIO. A display that is NULL shows nothing and returns 0.
 */
int display_show(struct display *display, const struct display_text *text);

/* Cells that a text takes; -EILSEQ where it holds anything that does not take exactly one. */
int display_cells(const char *text);

/*
 * Writes text into `to`, at most `cells` wide and `size` bytes long with its NUL; what is cut ends in "…". Any bytes are
 * good for text: what cannot be shown becomes '?'.
 */
void display_fit(char *to, size_t size, const char *text, int cells);

#endif
