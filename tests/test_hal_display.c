/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "hal/display.h"

struct counting_display {
	struct display display;
	int shown;
};

static int counting_show(struct display *display, const struct display_text *text)
{
	(void)text;
	((struct counting_display *)(void *)display)->shown++;
	return 0;
}

static const struct display_ops counting_ops = { .show = counting_show };

static const struct {
	const char *text;
	int cells;
	const char *fitted;
} texts[] = {
	{ "", 20, "" },
	{ "mgc", 20, "mgc" },
	{ "mgc", 3, "mgc" },
	{ "mgccomp", 6, "mgcco…" },
	{ "mgccomp", 1, "…" },
	{ "mgccomp", 0, "" },
	{ "été à Noël", 20, "été à Noël" },
	{ "été à Noël", 4, "été…" },
	{ "\xe6\x97\xa5\xe6\x9c\xac", 20, "??" }, /* two cells each on many displays */
	{ "a\xf0\x9f\x98\x80z", 20, "a?z" },      /* emoji */
	{ "e\xcc\x81", 20, "e?" },                /* combining acute */
	{ "a\nb\x7f", 20, "a?b?" },
	{ "\xff\xc3", 20, "??" },              /* no UTF-8 */
	{ "\xc0\x80\xed\xa0\x80", 20, "???" }, /* overlong, surrogate */
	{ "a\xe2\x80\x8b\xe2\x80\xae"
	  "b",
		20, "a??b" }, /* zero width, right to left */
	{ "████████████████████", 20, "████████████████████" },
	{ "█████████████████████", 20, "███████████████████…" },
};

static void what_is_fitted_is_cut_in_cells_and_has_no_odd_widths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		char line[DISPLAY_LINE_SIZE];
		display_fit(line, sizeof(line), texts[i].text, texts[i].cells);
		assert_string_equal(line, texts[i].fitted);
		assert_in_range(display_cells(line), 0, texts[i].cells);
	}
}

static void what_is_fitted_is_never_longer_than_its_buffer_and_never_half_a_character(void **state)
{
	(void)state;
	for (size_t size = 1; size < 40; size++)
		for (int cells = 0; cells < 12; cells++) {
			char line[48];
			memset(line, 'X', sizeof(line));
			display_fit(line, size, "é█a日é█ab█é", cells);
			assert_true(strnlen(line, size) < size);
			assert_in_range(display_cells(line), 0, cells);
			assert_int_equal(line[size], 'X');
		}
}

static void every_pair_of_bytes_is_fitted_to_something_that_can_be_shown(void **state)
{
	(void)state;
	for (int a = 1; a < 256; a++)
		for (int b = 1; b < 256; b++) {
			const char text[] = { (char)a, (char)b, '\xa9', 'z', '\0' };
			char line[DISPLAY_LINE_SIZE];
			display_fit(line, sizeof(line), text, DISPLAY_CELLS);
			assert_in_range(display_cells(line), 1, 4);
		}
}

static void a_display_is_shown_only_what_fits_it(void **state)
{
	(void)state;
	struct counting_display counting = { .display = { &counting_ops } };
	struct display_text text = { { "All is well", "Backup 5 h ago" } };
	assert_int_equal(display_show(&counting.display, &text), 0);
	strcpy(text.line[1], "123456789012345678901");
	assert_int_equal(display_show(&counting.display, &text), -EINVAL);
	strcpy(text.line[1], "tab\there");
	assert_int_equal(display_show(&counting.display, &text), -EINVAL);
	memset(text.line[1], 'x', DISPLAY_LINE_SIZE);
	assert_int_equal(display_show(&counting.display, &text), -EINVAL);
	assert_int_equal(counting.shown, 1);
}

static void a_board_without_a_display_shows_nothing_and_is_content(void **state)
{
	(void)state;
	struct display_text text = { { "All is well", "" } };
	assert_int_equal(display_show(NULL, &text), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_fitted_is_cut_in_cells_and_has_no_odd_widths),
		cmocka_unit_test(what_is_fitted_is_never_longer_than_its_buffer_and_never_half_a_character),
		cmocka_unit_test(every_pair_of_bytes_is_fitted_to_something_that_can_be_shown),
		cmocka_unit_test(a_display_is_shown_only_what_fits_it),
		cmocka_unit_test(a_board_without_a_display_shows_nothing_and_is_content),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
