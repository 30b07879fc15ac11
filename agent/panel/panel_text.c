/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/panel/panel_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPANDED_SIZE 256

const struct panel_texts *const panel_languages[] = { &panel_texts_en, &panel_texts_fr, NULL };

const struct panel_texts *panel_texts_find(const char *language)
{
	if (!language || !*language)
		return panel_languages[0];
	for (int i = 0; panel_languages[i]; i++) {
		size_t length = strlen(panel_languages[i]->language);
		bool same = strncmp(language, panel_languages[i]->language, length) == 0;
		if (same && (language[length] == '\0' || strchr("_-.", language[length])))
			return panel_languages[i];
	}
	return NULL;
}

struct expansion {
	const struct panel_texts *texts;
	const struct panel_values *values;
	int room; /* cells that {name} or {bar} may take */
	char *out;
	size_t size;
};

static void put_name(const struct expansion *e)
{
	const char *name = e->values->name && *e->values->name ? e->values->name : "…";
	char others[16] = "";
	if (e->values->others > 0)
		snprintf(others, sizeof(others), " +%u", e->values->others < 99 ? e->values->others : 99);
	int room = e->room - (int)strlen(others);
	display_fit(e->out, e->size, name, room > 0 ? room : 0);
	if (room > 0)
		strncat(e->out, others, e->size - strlen(e->out) - 1);
}

static void put_date(const struct expansion *e)
{
	const struct panel_date *date = &e->values->date;
	if (date->month < 1 || date->month > PANEL_MONTHS)
		snprintf(e->out, e->size, "%s", e->texts->unknown_date);
	else
		snprintf(
			e->out, e->size, "%d %s %02d:%02d", date->day, e->texts->month[date->month - 1], date->hour, date->minute);
}

static void put_age(const struct expansion *e)
{
	int hours = e->values->hours;
	if (hours < 0)
		snprintf(e->out, e->size, "?");
	else if (hours == 0)
		snprintf(e->out, e->size, "<1 %s", e->texts->hours);
	else if (hours < 48)
		snprintf(e->out, e->size, "%d %s", hours, e->texts->hours);
	else
		snprintf(e->out, e->size, "%d %s", hours / 24 < 999 ? hours / 24 : 999, e->texts->days);
}

static void put_seconds(const struct expansion *e)
{
	snprintf(e->out, e->size, "%d", e->values->seconds);
}

static void put_eta(const struct expansion *e)
{
	int s = e->values->eta_seconds;
	if (s >= 0 && s < 100)
		snprintf(e->out, e->size, "%ds", s);
	else if (s >= 0 && s < 100 * 60)
		snprintf(e->out, e->size, "%dm", (s + 59) / 60 < 99 ? (s + 59) / 60 : 99);
	else if (s >= 0)
		snprintf(e->out, e->size, "%dh", s / 3600 < 99 ? s / 3600 : 99);
}

static void put_percent(const struct expansion *e)
{
	if (e->values->percent >= 0)
		snprintf(e->out, e->size, "%d%%", e->values->percent < 100 ? e->values->percent : 100);
}

static void put_bar(const struct expansion *e)
{
	static const char full[] = "█", empty[] = "·";
	int filled = e->values->bar_full > 0 ? (int)((int64_t)e->room * e->values->bar / e->values->bar_full) : 0;
	for (int i = 0; i < e->room; i++) {
		size_t used = strlen(e->out);
		snprintf(e->out + used, e->size - used, "%s", i < filled ? full : empty);
	}
}

static void put_phase(const struct expansion *e)
{
	int phase = e->values->phase;
	if (phase >= 0 && phase < PANEL_PHASES)
		snprintf(e->out, e->size, "%s", e->texts->phase[phase]);
}

static const struct place {
	const char *name;
	void (*put)(const struct expansion *expansion);
} places[] = {
	{ "{name}", put_name },
	{ "{date}", put_date },
	{ "{age}", put_age },
	{ "{s}", put_seconds },
	{ "{eta}", put_eta },
	{ "{percent}", put_percent },
	{ "{bar}", put_bar },
	{ "{phase}", put_phase },
};

static const struct place *find_place(const char *text)
{
	for (size_t i = 0; *text == '{' && i < sizeof(places) / sizeof(places[0]); i++)
		if (strncmp(text, places[i].name, strlen(places[i].name)) == 0)
			return &places[i];
	return NULL;
}

/* Fills every place of the template; {name} and {bar} take at most `room` cells. */
static void expand(struct expansion e, const char *template, int room)
{
	e.room = room;
	*e.out = '\0';
	while (*template && e.size > 1) {
		const struct place *place = find_place(template);
		if (place) {
			place->put(&e);
			template += strlen(place->name);
		} else {
			e.out[0] = *template ++;
			e.out[1] = '\0';
		}
		size_t used = strlen(e.out);
		e.out += used;
		e.size -= used;
	}
}

/* Blanks that empty places left: none at the end, no two in a row. */
static void squeeze(char *text)
{
	char *to = text;
	for (const char *from = text; *from; from++)
		if (*from != ' ' || (to > text && to[-1] != ' '))
			*to++ = *from;
	if (to > text && to[-1] == ' ')
		to--;
	*to = '\0';
}

void panel_text_format(char line[DISPLAY_LINE_SIZE], const struct panel_texts *texts, enum panel_text text,
	const struct panel_values *values)
{
	char expanded[EXPANDED_SIZE];
	struct expansion e = { .texts = texts, .values = values, .out = expanded, .size = sizeof(expanded) };
	expand(e, texts->text[text], 0);
	int fixed = display_cells(expanded);
	expand(e, texts->text[text], fixed >= 0 && fixed < DISPLAY_CELLS ? DISPLAY_CELLS - fixed : 0);
	squeeze(expanded);
	display_fit(line, DISPLAY_LINE_SIZE, expanded, DISPLAY_CELLS);
}
