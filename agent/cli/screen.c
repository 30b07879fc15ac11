/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/screen.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "agent/cli/progress.h"
#include "agent/cli/screen_private.h"
#include "agent/cli/text.h"

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

void screen_colour(const struct screen *screen, const char *code)
{
	if (screen->terminal)
		fputs(code, screen->out);
}

void screen_put(const struct screen *screen, const char *code, const char *text)
{
	char clean[2048];
	text_clean(clean, sizeof(clean), text, 0);
	screen_colour(screen, code);
	fputs(clean, screen->out);
	if (*code)
		screen_colour(screen, PLAIN);
}

void screen_column(const struct screen *screen, const char *text, int width)
{
	char clean[256];
	size_t wide = (size_t)abs(width), cells = text_clean(clean, sizeof(clean), text, wide);
	int pad = (int)(wide - cells);
	if (width < 0)
		fprintf(screen->out, "%*s%s  ", pad, "", clean);
	else
		fprintf(screen->out, "%s%*s  ", clean, pad, "");
}

bool screen_begins(const struct screen *screen, const char *type)
{
	return strcmp(screen->last, type) != 0;
}

void screen_remedy(const struct screen *screen, const char *indent, const char *remedy)
{
	if (!*remedy)
		return;
	fprintf(screen->out, "%s%s ", indent, screen->utf8 ? "→" : "->");
	screen_put(screen, "", remedy);
	fputc('\n', screen->out);
}

void screen_pair(const struct screen *screen, const char *label, const char *value)
{
	if (!*value)
		return;
	fprintf(screen->out, "  %-16s", label);
	screen_put(screen, "", value);
	fputc('\n', screen->out);
}

void screen_name(const struct block_fields *fields, char *name, size_t size)
{
	const char *server = text_get(fields, "Server"), *database = text_get(fields, "Database");
	snprintf(name, size, "%.63s%s%.120s", server, *server && *database ? "/" : "", database);
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
	return strcmp(text_get(fields, "Durable"), "no") == 0;
}

static void show_snapshot(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], name[200];
	if (screen_begins(screen, "snapshot")) {
		screen_colour(screen, BOLD);
		fprintf(screen->out, "%-8s  %-16s  %-24s  %-6s  %11s  %9s  %9s  %6s  %-8s  %s", "id", "when", "server/database",
			"class", "rows", "size", "added", "ratio", "verified", "stays");
		screen_colour(screen, PLAIN);
		fputc('\n', screen->out);
	}
	bool readable = block_get_flag(fields, "Readable");
	screen_name(fields, name, sizeof(name));
	screen_column(screen, text_get(fields, "Id"), 8);
	screen_column(screen, text_time(a, text_number(fields, "Time")), 16);
	screen_column(screen, name, 24);
	screen_column(screen, text_get(fields, "Class"), 6);
	screen_column(screen, readable ? text_count(a, text_number(fields, "Rows")) : "?", -11);
	screen_column(screen, text_size(a, text_number(fields, "Bytes")), -9);
	screen_column(screen, text_size(a, text_number(fields, "Stored-Bytes")), -9);
	screen_column(screen, text_ratio(a, text_number(fields, "Bytes"), text_number(fields, "Stored-Bytes")), -6);
	screen_column(screen, quality(fields), 8);
	fprintf(screen->out, "%s%s%s", text_get(fields, "Kept-Because"), is_at_risk(fields) ? ", at risk" : "",
		block_get_flag(fields, "Foreign") ? ", foreign" : "");
	if (*text_get(fields, "Volumes"))
		fprintf(screen->out, "; on %s", text_get(fields, "Volumes"));
	fputc('\n', screen->out);
}

static void show_contents(struct screen *screen, const struct block_fields *fields)
{
	static const struct {
		const char *key, *one, *many;
	} kinds[] = {
		{ "Schemas", "schema", "schemas" },
		{ "Views", "view", "views" },
		{ "Procedures", "procedure", "procedures" },
		{ "Functions", "function", "functions" },
		{ "Triggers", "trigger", "triggers" },
		{ "Indexes", "index", "indexes" },
		{ "Foreign-Keys", "foreign key", "foreign keys" },
		{ "Checks", "check", "checks" },
		{ "Sequences", "sequence", "sequences" },
		{ "Types", "type", "types" },
		{ "Synonyms", "synonym", "synonyms" },
	};
	char line[512] = "", a[CLI_TEXT];
	fputc('\n', screen->out);
	screen_pair(screen, "host", text_get(fields, "Host"));
	screen_pair(screen, "server version", text_get(fields, "Server-Version"));
	screen_pair(screen, "edition", text_get(fields, "Edition"));
	screen_pair(screen, "collation", text_get(fields, "Collation"));
	screen_pair(screen, "read", text_time(a, text_number(fields, "Finished")));
	screen_pair(screen, "before restoring", text_get(fields, "Restoring"));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint64_t count = text_number(fields, kinds[i].key);
		size_t used = strlen(line);
		if (count > 0)
			snprintf(line + used, sizeof(line) - used, "%s%" PRIu64 " %s", used ? ", " : "", count,
				count == 1 ? kinds[i].one : kinds[i].many);
	}
	screen_pair(screen, "objects", line);
	fputc('\n', screen->out);
}

static void show_table(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT];
	if (screen_begins(screen, "table")) {
		screen_colour(screen, BOLD);
		fprintf(screen->out, "%-44s  %13s  %9s  %7s  %s", "table", "rows", "size", "chunks", "digest");
		screen_colour(screen, PLAIN);
		fputc('\n', screen->out);
	}
	screen_column(screen, text_get(fields, "Name"), 44);
	screen_column(screen, text_count(a, text_number(fields, "Rows")), -13);
	screen_column(screen, text_size(a, text_number(fields, "Bytes")), -9);
	screen_column(screen, text_count(a, text_number(fields, "Chunks")), -7);
	fprintf(screen->out, "%.32s\n", text_get(fields, "Digest"));
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

/* Not the first of many that it came across. */
static bool about_snapshot(const struct block_fields *fields)
{
	static const char *const kinds[] = { "pin", "unpin", "remove", "copy", "accept" };
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(text_get(fields, "Kind"), kinds[i]) == 0)
			return true;
	return false;
}

static void show_job(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], name[200];
	screen_name(fields, name, sizeof(name));
	uint64_t when = text_number(fields, "Ended");
	fprintf(screen->out, "%5s  ", text_get(fields, "Job"));
	screen_column(screen, text_time(a, when ? when : text_number(fields, "Asked")), 16);
	screen_column(screen, text_get(fields, "Kind"), 7);
	screen_colour(screen, state_colour(text_get(fields, "State")));
	screen_column(screen, text_get(fields, "State"), 9);
	screen_colour(screen, PLAIN);
	screen_column(screen, *name ? name : about_snapshot(fields) ? text_get(fields, "Snapshot") : "all", 20);
	fprintf(screen->out, "by %s\n", text_get(fields, "Who"));
	if (*text_get(fields, "Sentence")) {
		fputs("       ", screen->out);
		screen_put(screen, "", text_get(fields, "Sentence"));
		fputc('\n', screen->out);
	}
	screen_remedy(screen, "       ", text_get(fields, "Remedy"));
}

static void show_accepted(struct screen *screen, const struct block_fields *fields)
{
	uint64_t ahead = text_number(fields, "Ahead");
	if (ahead > 0)
		fprintf(screen->out, "Job %s waits: %" PRIu64 " before it.\n", text_get(fields, "Job"), ahead);
	else
		fprintf(screen->out, "Job %s.\n", text_get(fields, "Job"));
}

static void show_outcome(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT];
	const char *state = text_get(fields, "State");
	bool done = strcmp(state, "done") == 0;
	screen_colour(screen, state_colour(state));
	fputs(!screen->utf8 ? state : done ? "✓" : "✗", screen->out);
	screen_colour(screen, PLAIN);
	fputs(screen->utf8 ? " " : ": ", screen->out);
	screen_put(screen, "", text_get(fields, "Sentence"));
	fprintf(screen->out, " (%s)\n", text_duration(a, text_number(fields, "Milliseconds")));
	screen_remedy(screen, "  ", text_get(fields, "Remedy"));
	if (*text_get(fields, "Snapshot"))
		fprintf(screen->out, "  snapshot %s%s%s\n", text_get(fields, "Snapshot"),
			*text_get(fields, "Volume") ? " on " : "", text_get(fields, "Volume"));
	else if (*text_get(fields, "Volume"))
		fprintf(screen->out, "  on %s\n", text_get(fields, "Volume"));
	if (*text_get(fields, "Safety"))
		fprintf(screen->out, "  safety snapshot %s\n", text_get(fields, "Safety"));
}

static void show_change(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT], c[CLI_TEXT];
	bool whole = strcmp(text_get(fields, "Way"), "whole") == 0;
	fputs("  ", screen->out);
	screen_column(screen, text_get(fields, "Table"), 32);
	fprintf(screen->out, " -%s +%s rows", text_count(a, text_number(fields, "Deleted")),
		text_count(b, text_number(fields, "Inserted")));
	if (whole)
		fprintf(screen->out, ", the whole table: ");
	else
		fprintf(screen->out, ", %s stay", text_count(c, text_number(fields, "Kept")));
	screen_put(screen, "", text_get(fields, "Why"));
	fputc('\n', screen->out);
}

static void show_note(struct screen *screen, const struct block_fields *fields)
{
	screen_put(screen, YELLOW, "note: ");
	screen_put(screen, "", text_get(fields, "Text"));
	fputc('\n', screen->out);
}

/* ---- check ---- */

static void show_finding(struct screen *screen, const struct block_fields *fields)
{
	const char *result = text_get(fields, "Result");
	if (strcmp(screen->server, text_get(fields, "Server")) ||
		strcmp(screen->finding_database, text_get(fields, "Database")) ||
		strcmp(screen->login, text_get(fields, "Login"))) {
		snprintf(screen->server, sizeof(screen->server), "%s", text_get(fields, "Server"));
		snprintf(screen->finding_database, sizeof(screen->finding_database), "%s", text_get(fields, "Database"));
		snprintf(screen->login, sizeof(screen->login), "%s", text_get(fields, "Login"));
		fprintf(screen->out, "%s/%s, %s login\n", screen->server, screen->finding_database, screen->login);
	}
	fputs("  ", screen->out);
	screen_colour(screen, state_colour(result));
	screen_column(screen, result, 7);
	screen_colour(screen, PLAIN);
	screen_column(screen, text_get(fields, "Step"), 14);
	screen_put(screen, "", text_get(fields, "Detail"));
	fputc('\n', screen->out);
	screen_remedy(screen, "           ", text_get(fields, "Remedy"));
}

/* ---- the end ---- */

static void show_end(struct screen *screen, const struct block_fields *fields)
{
	bool told = strcmp(screen->last, "outcome") == 0 || strcmp(screen->last, "note") == 0 ||
		strcmp(screen->last, "change") == 0;
	bool good = text_number(fields, "Code") == 0;
	if (!*text_get(fields, "Sentence") || told)
		return;
	screen_put(screen, good ? "" : RED, text_get(fields, "Sentence"));
	fputc('\n', screen->out);
	screen_remedy(screen, "", text_get(fields, "Remedy"));
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
		{ "progress", screen_progress },
		{ "outcome", show_outcome },
		{ "change", show_change },
		{ "note", show_note },
		{ "status", screen_status },
		{ "database", screen_database },
		{ "volume", screen_volume },
		{ "finding", show_finding },
		{ "recovery-key", screen_recovery_key },
		{ "end", show_end },
	};
	const char *type = text_get(fields, "Block");
	if (strcmp(type, "progress") != 0)
		progress_clear(screen);
	for (size_t i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		if (strcmp(type, shows[i].type) == 0)
			shows[i].show(screen, fields);
	snprintf(screen->last, sizeof(screen->last), "%s", type);
	fflush(screen->out);
}
