/* SPDX-License-Identifier: Apache-2.0 */
/* Is there room for what a restore writes, and may each table that it changes be changed? */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/job/story.h"
#include "agent/restore/preflight.h"

#define PAGE 8192.0
#define EXPRESS_ENGINE 4
#define EXPRESS_LIMIT (INT64_C(10240) << 20) /* of all data files of a database */
#define ENDLESS (INT64_C(1) << 60)
#define SURELY 0.75  /* of an estimate: pages may have been emptier than they will be */
#define LOG_LIKELY 2 /* each row once, and once more for the way back */

/* Bytes: least is what it surely takes, likely what is to be expected. */
struct need {
	double least, likely;
};

struct judging {
	const struct preflight_case *about;
	const struct preflight_rows *rows; /* NULL: there is no plan yet, and only what is certain is said */
	struct preflight_judgement *judgement;
};

/* ---- what is there ---- */

static bool is_chosen(const struct preflight_file *file, enum preflight_file_kind kind, const char *group)
{
	return file->kind == kind && (!group || !strcmp(file->group, group));
}

/* A file whose use is unknown counts as empty. */
static int64_t inside(const struct preflight_file *file)
{
	return file->read_only || file->used > file->size ? 0 : file->size - (file->used > 0 ? file->used : 0);
}

static int64_t may_grow(const struct preflight_file *file)
{
	if (file->read_only)
		return 0;
	return file->limit == PREFLIGHT_NO_LIMIT ? ENDLESS : file->limit - file->size;
}

static bool same_volume(const struct preflight_file *a, const struct preflight_file *b)
{
	return a == b || (a->volume[0] && !strcmp(a->volume, b->volume));
}

/* How far the chosen files on this file's volume may grow together; each volume counts once, with its first file. */
static int64_t volume_growth(
	const struct preflight_facts *facts, uint32_t first, enum preflight_file_kind kind, const char *group)
{
	const struct preflight_file *file = &facts->files[first];
	int64_t growth = 0;

	for (uint32_t i = 0; i < facts->file_count; i++) {
		if (!is_chosen(&facts->files[i], kind, group) || !same_volume(&facts->files[i], file))
			continue;
		if (i < first)
			return 0;
		growth += may_grow(&facts->files[i]);
		growth = growth > ENDLESS ? ENDLESS : growth;
	}
	return file->free >= 0 && growth > file->free ? file->free : growth;
}

/* Inside the files, and what they may grow by. */
static int64_t room_in(const struct preflight_facts *facts, enum preflight_file_kind kind, const char *group)
{
	int64_t room = 0;

	for (uint32_t i = 0; i < facts->file_count; i++) {
		if (!is_chosen(&facts->files[i], kind, group))
			continue;
		room += inside(&facts->files[i]) + volume_growth(facts, i, kind, group);
		room = room > ENDLESS ? ENDLESS : room;
	}
	return room;
}

static int64_t express_room(const struct preflight_facts *facts)
{
	int64_t room = 0, size = 0;

	for (uint32_t i = 0; i < facts->file_count; i++) {
		const struct preflight_file *file = &facts->files[i];
		if (file->kind != PREFLIGHT_DATA)
			continue;
		size += file->size;
		room += inside(file);
	}
	return room + (size < EXPRESS_LIMIT ? EXPRESS_LIMIT - size : 0);
}

/* What is used of the log is free again at the next checkpoint, where nothing but that is waited for. */
static int64_t log_room(const struct preflight_case *about)
{
	const struct preflight_facts *facts = about->facts;
	int64_t room = room_in(facts, PREFLIGHT_LOG, NULL);
	bool truncates = about->present->database.recovery_model == 3 &&
		(!strcmp(facts->log_reuse_wait, "NOTHING") || !strcmp(facts->log_reuse_wait, "CHECKPOINT"));

	for (uint32_t i = 0; truncates && i < facts->file_count; i++)
		if (facts->files[i].kind == PREFLIGHT_LOG && facts->files[i].used > 0)
			room += facts->files[i].used;
	return room > ENDLESS ? ENDLESS : room;
}

/* ---- what is needed ---- */

static double row_size(const struct catalogue_table *table, int64_t pages)
{
	return table->rows > 0 && pages > 0 ? (double)pages * PAGE / (double)table->rows : 0;
}

/* The two pictures of a table, before and after, tell what its rows take; one may be empty, or full of holes. */
static struct need rows_need(double a, double b, uint64_t rows)
{
	double low = a > 0 && (b <= 0 || a < b) ? a : b, high = a > b ? a : b;

	return (struct need){ low * (double)rows * SURELY, high * (double)rows };
}

static void add_need(struct need *sum, struct need more)
{
	sum->least += more.least;
	sum->likely += more.likely;
}

struct tables {
	const struct catalogue_table *wanted, *present;
	struct preflight_rows rows;
};

/* Without a plan: so many must come or go at least, by what both catalogues count. */
static struct preflight_rows least_rows(const struct tables *tables)
{
	struct preflight_rows rows = { 0 };

	if (tables->wanted->rows < 0 || tables->present->rows < 0)
		return rows;
	if (tables->wanted->rows > tables->present->rows)
		rows.inserted = (uint64_t)(tables->wanted->rows - tables->present->rows);
	else
		rows.deleted = (uint64_t)(tables->present->rows - tables->wanted->rows);
	return rows;
}

static bool get_tables(const struct judging *judging, uint32_t index, struct tables *tables)
{
	const struct preflight_case *about = judging->about;
	const struct catalogue_table *wanted = &about->wanted->tables[index];
	int there = catalogue_find_table(about->present, wanted->schema, wanted->name);

	if (there < 0)
		return false;
	*tables = (struct tables){ .wanted = wanted, .present = &about->present->tables[there] };
	tables->rows = judging->rows ? judging->rows[index] : least_rows(tables);
	return true;
}

static struct need table_need(const struct tables *tables, uint64_t rows)
{
	return rows_need(
		row_size(tables->wanted, tables->wanted->pages), row_size(tables->present, tables->present->pages), rows);
}

static int64_t group_pages(const struct catalogue_table *table, const char *group)
{
	int64_t pages = 0;

	for (uint32_t i = 0; i < table->index_count; i++)
		if (table->indexes[i].pages > 0 && !strcmp(table->indexes[i].data_space, group))
			pages += table->indexes[i].pages;
	return pages;
}

static struct need group_need(const struct tables *tables, const char *group)
{
	return rows_need(row_size(tables->wanted, group_pages(tables->wanted, group)),
		row_size(tables->present, group_pages(tables->present, group)), tables->rows.inserted);
}

/* ---- judging ---- */

/* Before there is a plan, what might be needed is not worth a word. */
static void tell_fit(const struct judging *judging, const char *what, struct need need, int64_t room)
{
	char likely[32], there[32];

	if (!judging->rows || need.likely <= 0)
		return;
	story_size((uint64_t)need.likely, likely);
	story_size((uint64_t)(room > 0 ? room : 0), there);
	if (need.likely > (double)room)
		preflight_tell(judging->judgement, PREFLIGHT_WARNS,
			"The restore may need %s %s until it commits, and there is %s: if it does not suffice, nothing is changed.",
			likely, what, there);
	else if (room < ENDLESS)
		preflight_tell(judging->judgement, PREFLIGHT_TELLS, "Needs up to %s %s; there is %s.", likely, what, there);
	else
		preflight_tell(
			judging->judgement, PREFLIGHT_TELLS, "Needs up to %s %s; it may grow without a limit.", likely, what);
}

/* NULL where it fits, or may fit; else the refusal, for its remedy. */
static struct preflight_verdict *judge_fit(
	const struct judging *judging, const char *object, const char *what, struct need need, int64_t room)
{
	char likely[32], there[32];

	if (need.least <= (double)room) {
		tell_fit(judging, what, need, room);
		return NULL;
	}
	return preflight_refuse(judging->judgement, SQL_ERROR_ROOM, object,
		"The restore needs about %s %s until it commits, and there is %s", story_size((uint64_t)need.likely, likely),
		what, story_size((uint64_t)(room > 0 ? room : 0), there));
}

static void set_remedy(struct preflight_verdict *verdict, const char *text)
{
	if (verdict)
		snprintf(verdict->remedy, sizeof verdict->remedy, "%s", text);
}

static bool is_first_of_group(const struct preflight_facts *facts, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (is_chosen(&facts->files[i], PREFLIGHT_DATA, facts->files[index].group))
			return false;
	return true;
}

/* A filegroup may be full while others have room. Only that is told: the sum is told already. */
static void judge_group(const struct judging *judging, const char *group)
{
	const struct judging certain = { judging->about, NULL, judging->judgement };
	int64_t room = room_in(judging->about->facts, PREFLIGHT_DATA, group);
	struct need need = { 0 };
	struct tables tables;

	for (uint32_t i = 0; i < judging->about->wanted->table_count; i++)
		if (get_tables(judging, i, &tables))
			add_need(&need, group_need(&tables, group));
	set_remedy(judge_fit(&certain, group, "in the files of this filegroup", need, room),
		"Let a file of the filegroup grow, or add one: ALTER DATABASE ... ADD FILE ... TO FILEGROUP ...");
}

static void judge_groups(const struct judging *judging)
{
	const struct preflight_facts *facts = judging->about->facts;

	for (uint32_t i = 0; i < facts->file_count; i++)
		if (facts->files[i].kind == PREFLIGHT_DATA && is_first_of_group(facts, i))
			judge_group(judging, facts->files[i].group);
}

static void judge_data(const struct judging *judging, struct need need)
{
	const struct catalogue_database *database = &judging->about->present->database;
	int64_t room = room_in(judging->about->facts, PREFLIGHT_DATA, NULL), express = express_room(judging->about->facts);
	struct preflight_verdict *refused;

	if (database->engine_edition == EXPRESS_ENGINE && express < room) {
		set_remedy(judge_fit(judging, database->name,
					   "in data files (Express: all of a database's together end at 10 240 MB)", need, express),
			"Delete in the database what is not needed, or restore it on an edition without the limit.");
		return;
	}
	refused = judge_fit(judging, database->name, "in data files", need, room);
	set_remedy(refused,
		"Let a data file grow: ALTER DATABASE ... MODIFY FILE (NAME = ..., MAXSIZE = UNLIMITED, FILEGROWTH = 256MB); its "
		"volume must have the room.");
	if (!refused)
		judge_groups(judging);
}

static void judge_log(const struct judging *judging, struct need need)
{
	set_remedy(judge_fit(judging, judging->about->present->database.name, "in the log", need, log_room(judging->about)),
		"Back the log up if it waits for that (LOG_BACKUP), or let it grow: ALTER DATABASE ... MODIFY FILE (NAME = ..., "
		"MAXSIZE = UNLIMITED, FILEGROWTH = 256MB).");
}

static bool is_seen(const struct preflight_facts *facts, enum preflight_file_kind kind)
{
	for (uint32_t i = 0; i < facts->file_count; i++)
		if (facts->files[i].kind == kind)
			return true;
	return false;
}

static void judge_tempdb(const struct judging *judging, double deleted, double largest)
{
	const struct catalogue_database *database = &judging->about->present->database;
	bool versions = database->snapshot_isolation == 1 || database->read_committed_snapshot;
	int64_t room = room_in(judging->about->facts, PREFLIGHT_TEMPDB, NULL);
	double likely = (versions ? deleted : 0) + largest;
	char needed[32], there[32];

	if (!judging->rows || !is_seen(judging->about->facts, PREFLIGHT_TEMPDB) || likely <= (double)room)
		return;
	preflight_tell(judging->judgement, PREFLIGHT_WARNS,
		"tempdb may need %s for %ssorting, and there is %s: if it does not suffice, nothing is changed.",
		story_size((uint64_t)likely, needed), versions ? "row versions and " : "", story_size((uint64_t)room, there));
}

static void judge_room(const struct judging *judging)
{
	struct need deleted = { 0 }, inserted = { 0 };
	struct tables tables;
	double largest = 0;

	for (uint32_t i = 0; i < judging->about->wanted->table_count; i++) {
		struct need more;
		if (!get_tables(judging, i, &tables))
			continue;
		add_need(&deleted, table_need(&tables, tables.rows.deleted));
		more = table_need(&tables, tables.rows.inserted);
		add_need(&inserted, more);
		largest = more.likely > largest ? more.likely : largest;
	}
	judging->judgement->topic = PREFLIGHT_ON_DATA;
	judge_data(judging, inserted);
	judging->judgement->topic = PREFLIGHT_ON_LOG;
	judge_log(
		judging, (struct need){ deleted.least + inserted.least, (deleted.likely + inserted.likely) * LOG_LIKELY });
	judging->judgement->topic = PREFLIGHT_ON_TEMPDB;
	judge_tempdb(judging, deleted.likely, largest);
}

/* ---- tables that may not be changed ---- */

static bool in_read_only_group(const struct preflight_facts *facts, const struct catalogue_table *table)
{
	for (uint32_t i = 0; i < facts->file_count; i++)
		for (uint32_t j = 0; facts->files[i].read_only && j < table->index_count; j++)
			if (is_chosen(&facts->files[i], PREFLIGHT_DATA, table->indexes[j].data_space))
				return true;
	return false;
}

/* NULL, or why its rows may not be replaced. */
static const char *forbidden(const struct preflight_case *about, const struct catalogue_table *table)
{
	const struct catalogue_refusal *refusal = catalogue_refused(table, true);

	if (refusal)
		return refusal->text;
	return in_read_only_group(about->facts, table) ? "it, or an index of it, is in a read-only filegroup" : NULL;
}

static void judge_tables(const struct judging *judging)
{
	const struct preflight_rows *rows = judging->rows;
	struct tables tables;
	char name[CATALOGUE_NAME_SIZE];

	for (uint32_t i = 0; i < judging->about->wanted->table_count; i++) {
		const char *why;
		if (!get_tables(judging, i, &tables) || (rows && !rows[i].deleted && !rows[i].inserted))
			continue;
		why = forbidden(judging->about, tables.present);
		if (!why)
			continue;
		catalogue_table_name(tables.present, name, sizeof name);
		if (rows)
			preflight_refuse(
				judging->judgement, SQL_ERROR_UNSUPPORTED, name, "It differs and cannot be replaced: %s", why);
		else
			preflight_tell(judging->judgement, PREFLIGHT_WARNS,
				"%.150s cannot be replaced: %s. A restore is refused if rows of it differ.", name, why);
	}
}

void preflight_judge_tables(
	const struct preflight_case *about, const struct preflight_rows *rows, struct preflight_judgement *judgement)
{
	const struct judging judging = { about, rows, judgement };

	judgement->topic = PREFLIGHT_ON_TABLES;
	judge_tables(&judging);
}

void preflight_judge_room(
	const struct preflight_case *about, const struct preflight_rows *rows, struct preflight_judgement *judgement)
{
	const struct judging judging = { about, rows, judgement };

	judge_room(&judging);
}
