/* SPDX-License-Identifier: Apache-2.0 */
/* What the good nights before had: the newest of them, the most rows, and the tables that have lost most of theirs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/backup/suspect.h"
#include "agent/config/profile.h"

#define TABLE_ROWS_MIN 100 /* below, a table is only looked at when it is empty now */
#define TABLE_ROWS_LEAST 10

/* ---- the nights ---- */

struct nights {
	struct snapshot_info list[SUSPECT_NIGHTS]; /* newest first */
	size_t count;
	bool waiting; /* a suspect one is newer */
};

static int find_nights(struct repository *repository, const char *subject, struct nights *nights)
{
	int count = snapshot_list(repository, NULL, 0);
	struct snapshot_info *list = calloc((size_t)count + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	int now = snapshot_list(repository, list, (size_t)count);
	bool accepted = false;
	*nights = (struct nights){ .count = 0 };
	for (int i = now < count ? now : count; i-- > 0 && nights->count < SUSPECT_NIGHTS && !accepted;) {
		if (list[i].class != SNAPSHOT_BACKUP || strcmp(list[i].subject, subject) != 0)
			continue;
		if (list[i].flags & SNAPSHOT_SUSPECT) {
			nights->waiting |= nights->count == 0;
			continue;
		}
		if (!(list[i].flags & SNAPSHOT_DAMAGED))
			nights->list[nights->count++] = list[i];
		accepted = list[i].flags & SNAPSHOT_ACCEPTED;
	}
	free(list);
	return nights->count ? 0 : -ENOENT;
}

static int read_about(struct repository *repository, uint64_t id, struct snapshot_about *about)
{
	struct snapshot_reader *reader;
	const void *bytes;
	size_t size;
	int error = snapshot_open(repository, id, &reader);
	if (error)
		return error;
	error = snapshot_about(reader, &bytes, &size);
	if (!error)
		error = snapshot_about_decode(about, bytes, size);
	snapshot_close(reader);
	return error;
}

static uint64_t find_most_rows(struct repository *repository, const struct nights *nights, uint64_t most)
{
	static struct snapshot_about about; /* large; one job at a time */
	for (size_t i = 1; i < nights->count; i++)
		if (read_about(repository, nights->list[i].id, &about) == 0 && about.rows > most)
			most = about.rows;
	return most;
}

/* ---- the tables ---- */

struct tables {
	const struct suspect_night *night;
	uint32_t percent; /* of a table's rows that may not go */
	struct table_loss *losses;
	size_t count, capacity;
};

static bool is_lost(const struct tables *tables, uint64_t had, uint64_t has)
{
	if (has >= had || had < (has ? TABLE_ROWS_MIN : TABLE_ROWS_LEAST))
		return false;
	return (had - has) * 100 >= had * tables->percent;
}

/* Tables of passing state come and go. */
static bool is_passing(const struct suspect_night *night, const char *table)
{
	return profile_volatile_reason(night->server->profile, night->database, table) != NULL;
}

/* Rows that a table has now; false where it was left out, and nobody knows. */
static bool has_now(const struct capture *capture, const struct table_about *about, uint64_t *rows)
{
	int table = catalogue_find_table(capture->catalogue, about->schema, about->table);
	*rows = table < 0 ? 0 : capture->tables[table].digest.rows;
	return table < 0 || capture->tables[table].seen;
}

static int note_loss(struct tables *tables, const struct table_about *about)
{
	struct table_loss loss = { .had = about->digest.rows };
	snprintf(loss.table, sizeof(loss.table), "%s.%s", about->schema, about->table);
	if (!has_now(tables->night->capture, about, &loss.has) || !is_lost(tables, loss.had, loss.has) ||
		is_passing(tables->night, loss.table))
		return 0;
	if (tables->count == tables->capacity) {
		size_t capacity = tables->capacity * 2 + 8;
		struct table_loss *larger = realloc(tables->losses, capacity * sizeof(*larger));
		if (!larger)
			return -ENOMEM;
		tables->losses = larger;
		tables->capacity = capacity;
	}
	tables->losses[tables->count++] = loss;
	return 0;
}

/* What a table had on an older night: where it had no more than now, it is no loss. */
static int look_back(struct tables *tables, const struct table_about *about)
{
	char name[2 * DATABASE_NAME_SIZE];
	snprintf(name, sizeof(name), "%s.%s", about->schema, about->table);
	for (size_t i = 0; i < tables->count; i++) {
		struct table_loss *loss = &tables->losses[i];
		if (strcmp(loss->table, name) == 0 && !is_lost(tables, about->digest.rows, loss->has))
			loss->had = loss->has;
	}
	return 0;
}

static int each_table(struct repository *repository, uint64_t id, struct tables *tables,
	int (*look)(struct tables *tables, const struct table_about *about))
{
	static struct table_about about; /* one job at a time */
	struct snapshot_reader *reader;
	struct stream_info info;
	int error = snapshot_open(repository, id, &reader);
	if (error)
		return error;
	for (size_t i = 0; i < snapshot_stream_count(reader) && !error; i++) {
		error = snapshot_stream_info(reader, i, &info);
		if (!error && strcmp(info.name, CATALOGUE_STREAM) != 0)
			error = table_about_decode(&about, info.about, info.about_size);
		if (!error && strcmp(info.name, CATALOGUE_STREAM) != 0)
			error = look(tables, &about);
	}
	snapshot_close(reader);
	return error;
}

/* A night that cannot be read any more says nothing. */
static void find_loss(const struct job_context *context, const struct suspect_night *night, const struct nights *nights,
	struct table_loss *loss)
{
	struct tables tables = { .night = night, .percent = context->config->suspect.table_rows_lost };
	*loss = (struct table_loss){ .had = 0 };
	if (!tables.percent || each_table(context->repository, nights->list[0].id, &tables, note_loss) < 0)
		tables.count = 0;
	for (size_t i = 1; i < nights->count && i < SUSPECT_TABLE_NIGHTS && tables.count; i++)
		each_table(context->repository, nights->list[i].id, &tables, look_back);
	for (size_t i = 0; i < tables.count; i++)
		if (tables.losses[i].had - tables.losses[i].has > loss->had - loss->has)
			*loss = tables.losses[i];
	free(tables.losses);
}

int suspect_history_read(const struct job_context *context, const struct suspect_night *night,
	struct suspect_history *history, struct snapshot_about *last)
{
	struct nights nights;
	int error = find_nights(context->repository, night->subject, &nights);
	if (!error)
		error = read_about(context->repository, nights.list[0].id, last);
	if (error)
		return error;
	history->waiting = nights.waiting;
	history->last = (struct night){ last, nights.list[0].bytes };
	history->most_rows = find_most_rows(context->repository, &nights, last->rows);
	find_loss(context, night, &nights, &history->loss);
	return 0;
}
