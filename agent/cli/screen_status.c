/* SPDX-License-Identifier: Apache-2.0 */
/* How the box is, and what opens its stores, as a person reads it. */
#include <stdlib.h>
#include <string.h>

#include "agent/cli/progress.h"
#include "agent/cli/screen_private.h"
#include "agent/cli/text.h"

/* Of the status: what runs, on a line of its own. */
static void show_work(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT];
	fprintf(screen->out, "  %-16sjob %s, %s: ", "doing", text_get(fields, "Job"), text_get(fields, "Kind"));
	screen_put(screen, "",
		strcmp(text_get(fields, "State"), "running") ? text_get(fields, "State")
													 : text_phase(text_get(fields, "Phase")));
	if (*text_get(fields, "Database"))
		fputc(' ', screen->out);
	screen_put(screen, "", text_get(fields, "Database"));
	if (text_number(fields, "Expected"))
		fprintf(screen->out, ", %s of %s", text_count(a, text_number(fields, "Done")),
			text_count(b, text_number(fields, "Expected")));
	fputc('\n', screen->out);
}

void screen_progress(struct screen *screen, const struct block_fields *fields)
{
	if (strcmp(screen->last, "status") == 0)
		show_work(screen, fields);
	else
		progress_show(screen, fields);
}

/* "key file, passphrase, 2 recovery keys" */
static void opened_by(const struct block_fields *fields, char *text, size_t size)
{
	static const struct {
		const char *key, *one, *many;
	} kinds[] = {
		{ "Key-Files", "key file", "key files" },
		{ "Passphrases", "passphrase", "passphrases" },
		{ "Recovery-Keys", "recovery key", "recovery keys" },
	};
	size_t used = 0;
	text[0] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]) && used < size; i++) {
		unsigned long long count = text_number(fields, kinds[i].key);
		const char *comma = used ? ", " : "";
		if (count == 1)
			used += (size_t)snprintf(text + used, size - used, "%s%s", comma, kinds[i].one);
		else if (count)
			used += (size_t)snprintf(text + used, size - used, "%s%llu %s", comma, count, kinds[i].many);
	}
}

void screen_status(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT], line[200];
	uint64_t next = text_number(fields, "Next-Backup");
	screen->now = text_number(fields, "Now");
	if (strcmp(text_get(fields, "State"), "busy") != 0)
		screen_pair(screen, "doing", "nothing");
	snprintf(line, sizeof(line), "%s (%s)", text_time(a, next), text_ago(b, next, screen->now));
	screen_pair(screen, "next backup", next ? line : "none is scheduled");
	snprintf(line, sizeof(line), "%s free of %s", text_size(a, text_number(fields, "Volume-Free")),
		text_size(b, text_number(fields, "Volume-Size")));
	screen_pair(screen, "volume", text_get(fields, "Volume"));
	screen_pair(screen, "", line);
	if (text_get(fields, "Max-Erase-Count")[0]) {
		snprintf(line, sizeof(line), "%s bad blocks, the most worn was erased %s times", text_get(fields, "Bad-Blocks"),
			text_get(fields, "Max-Erase-Count"));
		screen_pair(screen, "flash", line);
	}
	screen_pair(screen, "store", text_get(fields, "Store"));
	if (text_number(fields, "Healed-Reads")) {
		snprintf(line, sizeof(line), "%s reads healed since the start, %s segments to be written anew",
			text_get(fields, "Healed-Reads"), text_get(fields, "Wounded-Segments"));
		screen_pair(screen, "parity", line);
	}
	opened_by(fields, line, sizeof(line));
	screen_pair(screen, "opened by", line);
	if (text_number(fields, "Unconfirmed-Keys"))
		screen_pair(
			screen, "warning", "a new recovery key was not confirmed: coffret recovery-key --confirm, or --renew");
	screen_pair(screen, "snapshots", text_get(fields, "Snapshot-Count"));
	if (text_number(fields, "Damaged-Count")) {
		snprintf(line, sizeof(line), "%s damaged: coffret list shows which, coffret verify ID --data what is hit",
			text_number(fields, "Damaged-Count") == 1 ? "a snapshot is" : "some snapshots are");
		screen_pair(screen, "warning", line);
	}
	if (text_number(fields, "Suspect-Count"))
		screen_pair(screen, "warning", "a backup is suspect: look at it, then coffret accept ID or coffret remove ID");
	if (text_number(fields, "Time-Held-Back") >= 86400) {
		snprintf(line, sizeof(line), "%s; coffret count-time, if it was really off",
			text_duration(a, text_number(fields, "Time-Held-Back") * 1000));
		screen_pair(screen, "off, not counted", line);
	}
	if (strcmp(text_get(fields, "Mode"), "append-only") == 0)
		screen_pair(screen, "mode", "append-only: no snapshot is ever removed");
	if (text_number(fields, "Room") < text_number(fields, "Room-For-Base")) {
		snprintf(line, sizeof(line), "a whole new copy of the largest database would take %s, and there is room for %s",
			text_size(a, text_number(fields, "Room-For-Base")), text_size(b, text_number(fields, "Room")));
		screen_pair(screen, "warning", line);
	}
	if (!block_get_flag(fields, "Durable"))
		screen_pair(screen, "warning", "this volume cannot promise that a power cut loses nothing");
	if (block_get_flag(fields, "Read-Only"))
		screen_pair(screen, "warning", "the store is read-only");
}

/* Where there are several. */
void screen_volume(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT], keys[80];
	const char *state = text_get(fields, "State");
	bool away = strcmp(state, "away") == 0;
	if (screen_begins(screen, "volume"))
		fputc('\n', screen->out);
	fputs("  ", screen->out);
	screen_column(screen, text_get(fields, "Name"), 14);
	screen_put(screen, "", text_get(fields, "Path"));
	if (!away)
		fprintf(screen->out, ": %s free of %s, %s snapshot%s%s", text_size(a, text_number(fields, "Volume-Free")),
			text_size(b, text_number(fields, "Volume-Size")), text_get(fields, "Snapshot-Count"),
			text_number(fields, "Snapshot-Count") == 1 ? "" : "s",
			block_get_flag(fields, "Durable") ? "" : ", copies only: it may forget");
	fputc('\n', screen->out);
	opened_by(fields, keys, sizeof(keys));
	if (keys[0])
		fprintf(screen->out, "%18sopened by %s\n", "", keys);
	if (strcmp(state, "foreign") == 0)
		fprintf(
			screen->out, "%18sanother box's: it is only read; coffret take-over %s\n", "", text_get(fields, "Name"));
	if (*text_get(fields, "Sentence")) {
		fprintf(screen->out, "%18s", "");
		screen_put(screen, YELLOW, text_get(fields, "Sentence"));
		fputc('\n', screen->out);
		screen_remedy(screen, "                  ", text_get(fields, "Remedy"));
	}
}

void screen_database(struct screen *screen, const struct block_fields *fields)
{
	char a[CLI_TEXT], b[CLI_TEXT], c[CLI_TEXT], name[200];
	if (screen_begins(screen, "database"))
		fputc('\n', screen->out);
	screen_name(fields, name, sizeof(name));
	fputs("  ", screen->out);
	screen_column(screen, name, 28);
	if (*text_get(fields, "Newest"))
		fprintf(screen->out, "last backup %s (%s), %s rows, %.8s%s", text_time(a, text_number(fields, "Time")),
			text_ago(b, text_number(fields, "Time"), screen->now), text_count(c, text_number(fields, "Rows")),
			text_get(fields, "Newest"), block_get_flag(fields, "Verified") ? "" : ", not verified");
	else
		screen_put(screen, YELLOW, "no backup yet");
	if (*text_get(fields, "Undo"))
		fprintf(screen->out, "; a restore can be undone");
	fputc('\n', screen->out);
	if (*text_get(fields, "Unknown-Job")) {
		fputs("    ", screen->out);
		screen_put(screen, RED, "it is not known yet how the last restore ended");
		fprintf(screen->out, " (job %s): the server is asked again until it tells\n", text_get(fields, "Unknown-Job"));
	}
	if (block_get_flag(fields, "Password-Dropped"))
		fprintf(screen->out,
			"    its server was changed in the configuration: write the password files anew, or "
			"coffret trust %s\n",
			text_get(fields, "Server"));
}

void screen_recovery_key(struct screen *screen, const struct block_fields *fields)
{
	fprintf(screen->out,
		"New recovery key, shown this once. Write it down and keep it away from the box:\n\n    %s\n\n"
		"With it and the disk alone, everything can be read.\n",
		text_get(fields, "Recovery-Key"));
}
