/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/progress.h"

#include <string.h>

#include "agent/cli/text.h"

/* A narrow terminal has a shorter bar, so that what is left to wait still fits in. */
enum { BAR_CELLS = 20, NARROW_CELLS = 10, NARROW = 100, RATE_AFTER_MS = 1000, LINE_SIZE = 1024 };

static void add_bar(char *out, size_t cells, bool utf8, double done)
{
	size_t filled = (size_t)((double)cells * done), at = 0;
	for (size_t i = 0; i < cells; i++) {
		const char *mark = i < filled ? (utf8 ? "█" : "#") : (utf8 ? "░" : ".");
		memcpy(out + at, mark, strlen(mark));
		at += strlen(mark);
	}
	out[at] = '\0';
}

/* "1 200 000 rows/s, 12 s to go": once the phase has run for a second. */
static void add_rate(char *out, size_t size, uint64_t done, uint64_t expected, uint64_t ms)
{
	char a[CLI_TEXT], b[CLI_TEXT];
	out[0] = '\0';
	if (ms < RATE_AFTER_MS || done == 0)
		return;
	double rate = (double)done * 1000 / (double)ms;
	if (expected > done)
		snprintf(out, size, "  %s/s  %s to go", text_count(a, (uint64_t)rate),
			text_duration(b, (uint64_t)((double)(expected - done) * 1000 / rate)));
	else
		snprintf(out, size, "  %s/s", text_count(a, (uint64_t)rate));
}

size_t progress_line(char *line, size_t size, int width, bool utf8, const struct block_fields *fields)
{
	char whole[LINE_SIZE], bar[BAR_CELLS * 4 + 1], a[CLI_TEXT], b[CLI_TEXT], rate[128];
	uint64_t done = text_number(fields, "Done"), expected = text_number(fields, "Expected"),
			 ms = text_number(fields, "Phase-Ms");
	const char *stopping = strcmp(text_get(fields, "State"), "stopping") == 0 ? "STOPPING, " : "";
	if (done > expected && expected > 0)
		expected = done;
	int used = snprintf(whole, sizeof(whole), "%.60s  %s%.40s", text_get(fields, "Database"), stopping,
		text_phase(text_get(fields, "Phase")));
	add_rate(rate, sizeof(rate), done, expected, ms);
	if (expected > 0) {
		add_bar(bar, width < NARROW ? NARROW_CELLS : BAR_CELLS, utf8, (double)done / (double)expected);
		used += snprintf(whole + used, sizeof(whole) - (size_t)used, "  %s %3d %%  %s of %s%s", bar,
			(int)((double)done * 100 / (double)expected), text_count(a, done), text_count(b, expected), rate);
	} else if (done > 0) {
		used += snprintf(whole + used, sizeof(whole) - (size_t)used, "  %s%s", text_count(a, done), rate);
	}
	if (*text_get(fields, "Object"))
		snprintf(whole + used, sizeof(whole) - (size_t)used, "  %.120s", text_get(fields, "Object"));
	text_clean(line, size, whole, width > 1 ? (size_t)width - 1 : 1);
	return strlen(line);
}

void progress_clear(struct screen *screen)
{
	if (screen->bar_shown)
		fputs("\r\033[K", screen->out);
	screen->bar_shown = false;
}

static void show_plain(struct screen *screen, const struct block_fields *fields)
{
	char clean[200];
	const char *phase = strcmp(text_get(fields, "State"), "stopping") == 0 ? "stopping"
		: strcmp(text_get(fields, "State"), "queued") == 0                 ? "waiting"
																		   : text_phase(text_get(fields, "Phase"));
	const char *database = text_get(fields, "Database");
	bool nothing_yet = strcmp(phase, "waiting") == 0 && strcmp(text_get(fields, "State"), "queued") != 0;
	if (nothing_yet ||
		(strncmp(screen->phase, phase, sizeof(screen->phase) - 1) == 0 &&
			strncmp(screen->database, database, sizeof(screen->database) - 1) == 0))
		return;
	snprintf(screen->phase, sizeof(screen->phase), "%s", phase);
	snprintf(screen->database, sizeof(screen->database), "%s", database);
	text_clean(clean, sizeof(clean), database, 100);
	fprintf(screen->out, "%s%s%.60s\n", clean, *clean ? ": " : "", phase);
}

void progress_show(struct screen *screen, const struct block_fields *fields)
{
	char line[LINE_SIZE];
	if (!screen->terminal) {
		show_plain(screen, fields);
		return;
	}
	progress_line(line, sizeof(line), screen->width, screen->utf8, fields);
	fprintf(screen->out, "\r%s\033[K", line);
	screen->bar_shown = true;
}
