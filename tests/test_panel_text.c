/* SPDX-License-Identifier: Apache-2.0 */
/* Every line that the panel can say, in every language: it is there, and it fits with the widest values. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/panel/panel_text.h"

#define NAME_CELLS_MIN 8 /* what is left of a database's name on the fullest line */

static struct panel_values widest(const char *name)
{
	return (struct panel_values){ .name = name,
		.date = { 1, 28, 23, 59 },
		.hours = 999 * 24,
		.seconds = 20,
		.eta_seconds = 99 * 3600,
		.percent = 100,
		.bar = 1,
		.bar_full = 2,
		.phase = 0 };
}

static void every_line_is_there_in_every_language(void **state)
{
	(void)state;
	for (int l = 0; panel_languages[l]; l++) {
		const struct panel_texts *texts = panel_languages[l];
		for (int t = 0; t < PANEL_TEXT_COUNT; t++)
			assert_true(texts->text[t] && *texts->text[t]);
		for (int m = 0; m < PANEL_MONTHS; m++)
			assert_in_range(display_cells(texts->month[m]), 1, 5);
		for (int p = 0; p < PANEL_PHASES; p++)
			assert_in_range(display_cells(texts->phase[p]), 1, 10);
		assert_in_range(display_cells(texts->unknown_date), 1, 12);
	}
}

/* Nothing may be cut but a name: the line ends as its template ends, and every month and phase is tried. */
static void every_line_fits_with_the_widest_values(void **state)
{
	(void)state;
	for (int l = 0; panel_languages[l]; l++)
		for (int t = 0; t < PANEL_TEXT_COUNT; t++)
			for (int turn = 0; turn < PANEL_PHASES; turn++) {
				char line[DISPLAY_LINE_SIZE];
				struct panel_values values = widest("x");
				values.phase = turn;
				values.date.month = turn % PANEL_MONTHS + 1;
				panel_text_format(line, panel_languages[l], t, &values);
				assert_in_range(display_cells(line), 1, DISPLAY_CELLS);
				if (strstr(line, "…") || strchr(line, '{'))
					fail_msg(
						"%s: \"%s\" gives \"%s\"", panel_languages[l]->language, panel_languages[l]->text[t], line);
			}
}

static void every_line_with_a_name_leaves_room_for_one(void **state)
{
	(void)state;
	for (int l = 0; panel_languages[l]; l++)
		for (int t = 0; t < PANEL_TEXT_COUNT; t++) {
			char line[DISPLAY_LINE_SIZE], name[] = "nnnnnnnn";
			struct panel_values values = widest(name);
			panel_text_format(line, panel_languages[l], t, &values);
			if (strstr(panel_languages[l]->text[t], "{name}") && !strstr(line, name))
				fail_msg("%s: \"%s\" has no room for %d cells", panel_languages[l]->language,
					panel_languages[l]->text[t], NAME_CELLS_MIN);
		}
}

static const struct {
	enum panel_text text;
	struct panel_values values;
	const char *line;
} lines[] = {
	{ TEXT_HINT, { .name = "mgc" }, "RESTORE mgc?" },
	{ TEXT_HINT, { .name = "SkypeForBusinessArchive" }, "RESTORE SkypeForBu…?" },
	{ TEXT_HINT, { .name = "mgc", .others = 2 }, "RESTORE mgc +2?" },
	{ TEXT_HINT, { .name = "SkypeForBusinessArchive", .others = 12 }, "RESTORE SkypeF… +12?" },
	{ TEXT_HINT, { .name = "" }, "RESTORE …?" },
	{ TEXT_HINT, { .name = NULL }, "RESTORE …?" },
	{ TEXT_HINT, { .name = "a\tb\xf0\x9f\x98\x80" }, "RESTORE a?b??" },
	{ TEXT_RELEASE_DATE, { .date = { 11, 20, 2, 5 } }, "from 20 Nov 02:05" },
	{ TEXT_RELEASE_DATE, { .date = { 0, 0, 0, 0 } }, "from unknown date" },
	{ TEXT_RELEASE_DATE, { .date = { 13, 1, 0, 0 } }, "from unknown date" },
	{ TEXT_HEALTHY_2, { .hours = 0 }, "Backup <1 h ago" },
	{ TEXT_HEALTHY_2, { .hours = 47 }, "Backup 47 h ago" },
	{ TEXT_HEALTHY_2, { .hours = 48 }, "Backup 2 days ago" },
	{ TEXT_HEALTHY_2, { .hours = 2000000000 }, "Backup 999 days ago" },
	{ TEXT_HEALTHY_2, { .hours = -1 }, "Backup ? ago" },
	{ TEXT_RUN_BACKUP_2, { .phase = 4, .percent = 45, .eta_seconds = 61 }, "Reading 45% 61s" },
	{ TEXT_RUN_BACKUP_2, { .phase = 4, .percent = -1, .eta_seconds = 700 }, "Reading 12m" },
	{ TEXT_RUN_BACKUP_2, { .phase = 4, .percent = 100, .eta_seconds = -1 }, "Reading 100%" },
	{ TEXT_RUN_BACKUP_2, { .phase = 4, .percent = 5, .eta_seconds = 7200 }, "Reading 5% 2h" },
	{ TEXT_RUN_BACKUP_2, { .phase = 99, .percent = -1, .eta_seconds = -1 }, "" },
	{ TEXT_STOP_2, { .bar = 0, .bar_full = 3000 }, "····················" },
	{ TEXT_STOP_2, { .bar = 3000, .bar_full = 3000 }, "████████████████████" },
	{ TEXT_STOP_2, { .bar = 3000, .bar_full = 0 }, "····················" },
};

static void places_are_filled_as_a_person_would_write_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[DISPLAY_LINE_SIZE];
		panel_text_format(line, &panel_texts_en, lines[i].text, &lines[i].values);
		assert_string_equal(line, lines[i].line);
	}
}

static void languages_are_found_by_what_people_call_them(void **state)
{
	(void)state;
	assert_ptr_equal(panel_texts_find(NULL), &panel_texts_en);
	assert_ptr_equal(panel_texts_find(""), &panel_texts_en);
	assert_ptr_equal(panel_texts_find("en_GB.UTF-8"), &panel_texts_en);
	assert_ptr_equal(panel_texts_find("fr"), &panel_texts_fr);
	assert_ptr_equal(panel_texts_find("fr-CA"), &panel_texts_fr);
	assert_null(panel_texts_find("frisian"));
	assert_null(panel_texts_find("de"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_is_there_in_every_language),
		cmocka_unit_test(every_line_fits_with_the_widest_values),
		cmocka_unit_test(every_line_with_a_name_leaves_room_for_one),
		cmocka_unit_test(places_are_filled_as_a_person_would_write_them),
		cmocka_unit_test(languages_are_found_by_what_people_call_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
