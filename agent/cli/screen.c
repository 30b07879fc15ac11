/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/screen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/cli/progress.h"
#include "agent/cli/text.h"

#define GREEN "\033[32m"
#define RED "\033[31m"
#define YELLOW "\033[33m"
#define DIM "\033[2m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"

static bool speaks_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return strstr(value, "UTF-8") || strstr(value, "utf8") || strstr(value, "UTF8");
	}
	return false;
}

void screen_init(struct screen *screen, FILE *out)
{
	struct winsize size;
	memset(screen, 0, sizeof(*screen));
	screen->out = out;
	screen->terminal = isatty(fileno(out));
	screen->utf8 = speaks_utf8();
	screen->width = screen->terminal && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col
																									   : 80;
}

/* ---- pieces ---- */

static const char *get(const struct block_fields *fields, const char *key)
{
	const char *value = block_get(fields, key);
	return value ? value : "";
}

static uint64_t number(const struct block_fields *fields, const char *key)
{
	uint64_t value = 0;
	return block_get_number(fields, key, UINT64_MAX, &value) == 0 ? value : 0;
}

static void colour(const struct screen *screen, const char *code)
{
	if (screen->terminal)
		fputs(code, screen->out);
}

static void put(const struct screen *screen, const char *code, const char *text)
{
	char clean[2048];
	text_clean(clean, sizeof(clean), text, 0);
	colour(screen, code);
	fputs(clean, screen->out);
	if (*code)
		colour(screen, PLAIN);
}

/* One column of a table: right-aligned where the width is negative. */
static void column(const struct screen *screen, const char *text, int width)
{
	char clean[256];
	size_t wide = (size_t)abs(width), cells = text_clean(clean, sizeof(clean), text, wide);
	int pad = (int)(wide - cells);
	if (width < 0)
		fprintf(screen->out, "%*s%s  ", pad, "", clean);
	else
		fprintf(screen->out, "%s%*s  ", clean, pad, "");
}

static bool begins(const struct screen *screen, const char *type)
{
	return strcmp(screen->last, type) != 0;
}

static void remedy_line(const struct screen *screen, const char *indent, const char *remedy)
{
	if (!*remedy)
		return;
	fprintf(screen->out, "%s%s ", indent, screen->utf8 ? "→" : "->");
	put(screen, "", remedy);
	fputc('\n', screen->out);
}

/* ---- snapshots ---- */

static const char *quality(const struct block_fields *fields)
{
	if (block_get_flag(fields, "Damaged"))
		return "DAMAGED";
	if (block_get_flag(fields, "Suspect"))
		return "SUSPECT";
	return block_get_flag(fields, "Verified") ? "yes" : "no";
}

static bool is_at_risk(const struct block_fields *fields)
{
	return strcmp(get(fields, "Durable"), "no") == 0;
}

static void name_of(const struct block_fields *fields, char *name, size_t size)
{
	const char *server = get(fields, "Server"), *database = get(fields, "Database");
	snprintf(name, size, "%.63s%s%.120s", server, *server && *database ? "/" : "", database);
}

static void show_snapshot(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], name[200];
	if (begins(screen, "snapshot")) {
		colour(screen, BOLD);
		fprintf(screen->out, "%-8s  %-16s  %-24s  %-6s  %11s  %9s  %9s  %6s  %-8s  %s", "id", "when", "server/database",
			"class", "rows", "size", "added", "ratio", "verified", "stays");
		colour(screen, PLAIN);
		fputc('\n', screen->out);
	}
	bool readable = block_get_flag(fields, "Readable");
	name_of(fields, name, sizeof(name));
	column(screen, get(fields, "Id"), 8);
	column(screen, text_time(a, number(fields, "Time")), 16);
	column(screen, name, 24);
	column(screen, get(fields, "Class"), 6);
	column(screen, readable ? text_count(a, number(fields, "Rows")) : "?", -11);
	column(screen, text_size(a, number(fields, "Bytes")), -9);
	column(screen, text_size(a, number(fields, "Stored-Bytes")), -9);
	column(screen, text_ratio(a, number(fields, "Bytes"), number(fields, "Stored-Bytes")), -6);
	column(screen, quality(fields), 8);
	fprintf(screen->out, "%s%s%s", get(fields, "Kept-Because"), is_at_risk(fields) ? ", at risk" : "",
		block_get_flag(fields, "Foreign") ? ", foreign" : "");
	if (*get(fields, "Volumes"))
		fprintf(screen->out, "; on %s", get(fields, "Volumes"));
	fputc('\n', screen->out);
}

static void show_pair(const struct screen *screen, const char *label, const char *value)
{
	if (!*value)
		return;
	fprintf(screen->out, "  %-16s", label);
	put(screen, "", value);
	fputc('\n', screen->out);
}

static void show_contents(struct screen *screen, const struct block_fields *fields)
{
	static const char *const kinds[] = { "Schemas", "Views", "Procedures", "Functions", "Triggers", "Indexes",
		"Foreign-Keys", "Checks", "Sequences", "Types", "Synonyms" };
	char line[512] = "", a[CLI_TEXT];
	fputc('\n', screen->out);
	show_pair(screen, "host", get(fields, "Host"));
	show_pair(screen, "server version", get(fields, "Server-Version"));
	show_pair(screen, "edition", get(fields, "Edition"));
	show_pair(screen, "collation", get(fields, "Collation"));
	show_pair(screen, "read", text_time(a, number(fields, "Finished")));
	show_pair(screen, "before restoring", get(fields, "Restoring"));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint64_t count = number(fields, kinds[i]);
		size_t used = strlen(line);
		if (count > 0)
			snprintf(line + used, sizeof(line) - used, "%s%" PRIu64 " %s", used ? ", " : "", count, kinds[i]);
	}
	show_pair(screen, "objects", line);
	fputc('\n', screen->out);
}

static void show_table(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT];
	if (begins(screen, "table")) {
		colour(screen, BOLD);
		fprintf(screen->out, "%-44s  %13s  %9s  %7s  %s", "table", "rows", "size", "chunks", "digest");
		colour(screen, PLAIN);
		fputc('\n', screen->out);
	}
	column(screen, get(fields, "Name"), 44);
	column(screen, text_count(a, number(fields, "Rows")), -13);
	column(screen, text_size(a, number(fields, "Bytes")), -9);
	column(screen, text_count(a, number(fields, "Chunks")), -7);
	fprintf(screen->out, "%.32s\n", get(fields, "Digest"));
}

/* ---- jobs ---- */

static const char *state_colour(const char *state)
{
	if (strcmp(state, "done") == 0 || strcmp(state, "ok") == 0)
		return GREEN;
	if (strcmp(state, "failed") == 0 || strcmp(state, "unknown") == 0 || strcmp(state, "damaged") == 0)
		return RED;
	return YELLOW;
}

static void show_job(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], name[200];
	name_of(fields, name, sizeof(name));
	uint64_t when = number(fields, "Ended");
	fprintf(screen->out, "%5s  ", get(fields, "Job"));
	column(screen, text_time(a, when ? when : number(fields, "Asked")), 16);
	column(screen, get(fields, "Kind"), 7);
	colour(screen, state_colour(get(fields, "State")));
	column(screen, get(fields, "State"), 9);
	colour(screen, PLAIN);
	column(screen, *name ? name : "all", 20);
	fprintf(screen->out, "by %s\n", get(fields, "Who"));
	if (*get(fields, "Sentence")) {
		fputs("       ", screen->out);
		put(screen, "", get(fields, "Sentence"));
		fputc('\n', screen->out);
	}
	remedy_line(screen, "       ", get(fields, "Remedy"));
}

static void show_accepted(struct screen *screen, const struct block_fields *fields)
{
	uint64_t ahead = number(fields, "Ahead");
	if (ahead > 0)
		fprintf(screen->out, "Job %s waits: %" PRIu64 " before it.\n", get(fields, "Job"), ahead);
	else
		fprintf(screen->out, "Job %s.\n", get(fields, "Job"));
}

static void show_outcome(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT];
	const char *state = get(fields, "State");
	bool done = strcmp(state, "done") == 0;
	colour(screen, state_colour(state));
	fputs(!screen->utf8 ? state : done ? "✓" : "✗", screen->out);
	colour(screen, PLAIN);
	fputs(screen->utf8 ? " " : ": ", screen->out);
	put(screen, "", get(fields, "Sentence"));
	fprintf(screen->out, " (%s)\n", text_duration(a, number(fields, "Milliseconds")));
	remedy_line(screen, "  ", get(fields, "Remedy"));
	if (*get(fields, "Snapshot"))
		fprintf(screen->out, "  snapshot %s%s%s\n", get(fields, "Snapshot"), *get(fields, "Volume") ? " on " : "",
			get(fields, "Volume"));
	if (*get(fields, "Safety"))
		fprintf(screen->out, "  safety snapshot %s\n", get(fields, "Safety"));
}

static void show_change(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT], c[CLI_TEXT];
	bool whole = strcmp(get(fields, "Way"), "whole") == 0;
	fputs("  ", screen->out);
	column(screen, get(fields, "Table"), 32);
	fprintf(screen->out, " -%s +%s rows", text_count(a, number(fields, "Deleted")),
		text_count(b, number(fields, "Inserted")));
	if (whole)
		fprintf(screen->out, ", the whole table: ");
	else
		fprintf(screen->out, ", %s stay", text_count(c, number(fields, "Kept")));
	put(screen, "", get(fields, "Why"));
	fputc('\n', screen->out);
}

static void show_note(struct screen *screen, const struct block_fields *fields)
{
	put(screen, YELLOW, "note: ");
	put(screen, "", get(fields, "Text"));
	fputc('\n', screen->out);
}

/* ---- status ---- */

/* Of the status: what runs, on a line of its own. */
static void show_work(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT];
	fprintf(screen->out, "  %-16sjob %s, %s: ", "doing", get(fields, "Job"), get(fields, "Kind"));
	put(screen, "", strcmp(get(fields, "State"), "running") ? get(fields, "State") : text_phase(get(fields, "Phase")));
	fputc(' ', screen->out);
	put(screen, "", get(fields, "Database"));
	if (number(fields, "Expected"))
		fprintf(screen->out, ", %s of %s", text_count(a, number(fields, "Done")),
			text_count(b, number(fields, "Expected")));
	fputc('\n', screen->out);
}

static void show_progress(struct screen *screen, const struct block_fields *fields)
{
	if (strcmp(screen->last, "status") == 0)
		show_work(screen, fields);
	else
		progress_show(screen, fields);
}

static void show_status(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT], line[200];
	uint64_t next = number(fields, "Next-Backup");
	screen->now = number(fields, "Now");
	if (strcmp(get(fields, "State"), "busy") != 0)
		show_pair(screen, "doing", "nothing");
	snprintf(line, sizeof(line), "%s (%s)", text_time(a, next), text_ago(b, next, screen->now));
	show_pair(screen, "next backup", next ? line : "none is scheduled");
	snprintf(line, sizeof(line), "%s free of %s", text_size(a, number(fields, "Volume-Free")),
		text_size(b, number(fields, "Volume-Size")));
	show_pair(screen, "volume", get(fields, "Volume"));
	show_pair(screen, "", line);
	if (get(fields, "Max-Erase-Count")[0]) {
		snprintf(line, sizeof(line), "%s bad blocks, the most worn was erased %s times", get(fields, "Bad-Blocks"),
			get(fields, "Max-Erase-Count"));
		show_pair(screen, "flash", line);
	}
	show_pair(screen, "store", get(fields, "Store"));
	if (number(fields, "Healed-Reads")) {
		snprintf(line, sizeof(line), "%s reads healed since the start, %s segments to be written anew",
			get(fields, "Healed-Reads"), get(fields, "Wounded-Segments"));
		show_pair(screen, "parity", line);
	}
	show_pair(screen, "snapshots", get(fields, "Snapshot-Count"));
	if (number(fields, "Damaged-Count")) {
		snprintf(line, sizeof(line), "%s damaged: coffret list shows which, coffret verify ID --data what is hit",
			number(fields, "Damaged-Count") == 1 ? "a snapshot is" : "some snapshots are");
		show_pair(screen, "warning", line);
	}
	if (number(fields, "Suspect-Count"))
		show_pair(screen, "warning", "a backup is suspect: look at it, then coffret accept ID or coffret remove ID");
	if (number(fields, "Time-Held-Back") >= 86400) {
		snprintf(line, sizeof(line), "%s; coffret count-time, if it was really off",
			text_duration(a, number(fields, "Time-Held-Back") * 1000));
		show_pair(screen, "off, not counted", line);
	}
	if (strcmp(get(fields, "Mode"), "append-only") == 0)
		show_pair(screen, "mode", "append-only: no snapshot is ever removed");
	if (number(fields, "Room") < number(fields, "Room-For-Base")) {
		snprintf(line, sizeof(line), "a whole new copy of the largest database would take %s, and there is room for %s",
			text_size(a, number(fields, "Room-For-Base")), text_size(b, number(fields, "Room")));
		show_pair(screen, "warning", line);
	}
	if (!block_get_flag(fields, "Durable"))
		show_pair(screen, "warning", "this volume cannot promise that a power cut loses nothing");
	if (block_get_flag(fields, "Read-Only"))
		show_pair(screen, "warning", "the store is read-only");
}

/* Where there are several. */
static void show_volume(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT];
	const char *state = get(fields, "State");
	bool away = strcmp(state, "away") == 0;
	if (begins(screen, "volume"))
		fputc('\n', screen->out);
	fputs("  ", screen->out);
	column(screen, get(fields, "Name"), 14);
	put(screen, "", get(fields, "Path"));
	if (!away)
		fprintf(screen->out, ": %s free of %s, %s snapshots%s", text_size(a, number(fields, "Volume-Free")),
			text_size(b, number(fields, "Volume-Size")), get(fields, "Snapshot-Count"),
			block_get_flag(fields, "Durable") ? "" : ", copies only: it may forget");
	fputc('\n', screen->out);
	if (strcmp(state, "foreign") == 0)
		fprintf(screen->out, "%18sanother box's: it is only read; coffret take-over %s\n", "", get(fields, "Name"));
	if (*get(fields, "Sentence")) {
		fprintf(screen->out, "%18s", "");
		put(screen, YELLOW, get(fields, "Sentence"));
		fputc('\n', screen->out);
		remedy_line(screen, "                  ", get(fields, "Remedy"));
	}
}

static void show_database(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT], name[200];
	if (begins(screen, "database"))
		fputc('\n', screen->out);
	name_of(fields, name, sizeof(name));
	fputs("  ", screen->out);
	column(screen, name, 28);
	if (*get(fields, "Newest"))
		fprintf(screen->out, "last backup %s (%s), %s rows, %.8s%s", text_time(a, number(fields, "Time")),
			text_ago(b, number(fields, "Time"), screen->now), get(fields, "Rows"), get(fields, "Newest"),
			block_get_flag(fields, "Verified") ? "" : ", not verified");
	else
		put(screen, YELLOW, "no backup yet");
	if (*get(fields, "Undo"))
		fprintf(screen->out, "; a restore can be undone");
	fputc('\n', screen->out);
	if (*get(fields, "Unknown-Job")) {
		fputs("    ", screen->out);
		put(screen, RED, "it is not known yet how the last restore ended");
		fprintf(screen->out, " (job %s): the server is asked again until it tells\n", get(fields, "Unknown-Job"));
	}
	if (block_get_flag(fields, "Password-Dropped"))
		fprintf(screen->out,
			"    its server was changed in the configuration: write the password files anew, or "
			"coffret trust %s\n",
			get(fields, "Server"));
}

/* ---- check ---- */

static void show_finding(struct screen *screen, const struct block_fields *fields)
{
	const char *result = get(fields, "Result");
	if (strcmp(screen->server, get(fields, "Server")) || strcmp(screen->finding_database, get(fields, "Database")) ||
		strcmp(screen->login, get(fields, "Login"))) {
		snprintf(screen->server, sizeof(screen->server), "%s", get(fields, "Server"));
		snprintf(screen->finding_database, sizeof(screen->finding_database), "%s", get(fields, "Database"));
		snprintf(screen->login, sizeof(screen->login), "%s", get(fields, "Login"));
		fprintf(screen->out, "%s/%s, %s login\n", screen->server, screen->finding_database, screen->login);
	}
	fputs("  ", screen->out);
	colour(screen, state_colour(result));
	column(screen, result, 7);
	colour(screen, PLAIN);
	column(screen, get(fields, "Step"), 14);
	put(screen, "", get(fields, "Detail"));
	fputc('\n', screen->out);
	remedy_line(screen, "           ", get(fields, "Remedy"));
}

/* ---- the end ---- */

static void show_end(struct screen *screen, const struct block_fields *fields)
{
	bool told = strcmp(screen->last, "outcome") == 0 || strcmp(screen->last, "note") == 0 ||
		strcmp(screen->last, "change") == 0;
	bool good = number(fields, "Code") == 0;
	if (!*get(fields, "Sentence") || told)
		return;
	put(screen, good ? "" : RED, get(fields, "Sentence"));
	fputc('\n', screen->out);
	remedy_line(screen, "", get(fields, "Remedy"));
}

void screen_block(struct screen *screen, const struct block_fields *fields)
{
	static const struct {
		const char *type;
		void (*show)(struct screen *screen, const struct block_fields *fields);
	} shows[] = {
		{ "snapshot", show_snapshot },
		{ "contents", show_contents },
		{ "table", show_table },
		{ "job", show_job },
		{ "accepted", show_accepted },
		{ "progress", show_progress },
		{ "outcome", show_outcome },
		{ "change", show_change },
		{ "note", show_note },
		{ "status", show_status },
		{ "database", show_database },
		{ "volume", show_volume },
		{ "finding", show_finding },
		{ "end", show_end },
	};
	const char *type = get(fields, "Block");
	if (strcmp(type, "progress") != 0)
		progress_clear(screen);
	for (size_t i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		if (strcmp(type, shows[i].type) == 0)
			shows[i].show(screen, fields);
	snprintf(screen->last, sizeof(screen->last), "%s", type);
	fflush(screen->out);
}
