/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By difference: a plan from two lists of chunks, and its execution against a table that is held here, row by row. The
 * reference is the naive one: after the change the rows are the wanted ones, whatever was edited.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/restore/replay.h"
#include "agent/sql/message.h"
#include "agent/store/chunker.h"
#include "storage/memory.h"
#include "tests/support/catalogue_sample.h"
#include "tests/support/sample.h"
#include "tests/support/table_rows.h"

#define ROWS_MAX 6000
#define TEXT_MAX 5000

/* (room ascending, no descending and NULL) is the key; the text is `size` bytes that begin with `version`. */
struct line {
	int32_t room;
	bool null;
	int64_t no;
	uint32_t version, size;
};

struct lines {
	size_t count;
	struct line at[ROWS_MAX];
};

struct bench {
	struct volume *volume;
	struct repository *repository;
	struct rowgroup_params params;
	struct job_context context;
	struct job_report report;
	struct catalogue *catalogue;
	struct catalogue_layout layout;
	struct stored_snapshot wanted;
	struct capture present;
	struct snapshot_reader *safety;
	struct plan plan;
	struct story story;
	struct sql_error error;
	bool stop;
};

/* What is on the "server": the fake worker below changes it. */
static struct lines table;
static struct {
	struct bench *bench;
	bool loading;
	size_t deletes, delete_calls, empties, largest_delete;
	uint64_t loaded;
	struct line waiting[8192]; /* rows of the present chunk, whose texts may still come */
	size_t waiting_count, waiting_at;
	uint64_t text_left;
} server;

/* ---- the order of the server ---- */

static int compare(const struct line *a, const struct line *b)
{
	if (a->room != b->room)
		return a->room < b->room ? -1 : 1;
	if (a->null || b->null)
		return a->null - b->null; /* the lowest value comes last where the column descends */
	return a->no == b->no ? 0 : a->no > b->no ? -1 : 1;
}

static int compare_lines(const void *a, const void *b)
{
	return compare(a, b);
}

static void put_text(const struct line *line, uint8_t *text)
{
	for (uint32_t i = 0; i < line->size; i++)
		text[i] = (uint8_t)(i < 4 ? line->version >> 8 * i : line->version * 31 + i * 7);
}

/* ---- the fake worker ---- */

static void take_line(const struct line *line)
{
	for (size_t i = 0; i < table.count; i++)
		if (!compare(&table.at[i], line))
			fail_msg("a row was inserted that is there: room %d, no %lld", line->room, (long long)line->no);
	assert_true(table.count < ROWS_MAX);
	table.at[table.count++] = *line;
	server.loaded++;
}

static struct line key_line(const struct value *values)
{
	struct line line = { .null = !values[1].data };

	memcpy(&line.room, values[0].data, 4);
	if (!line.null)
		memcpy(&line.no, values[1].data, 8);
	return line;
}

/* Deletes one range; returns how many rows that were. */
static size_t delete_range(const struct worker_range *range)
{
	struct unpacker first = { .bytes = range->first, .size = range->first_size };
	struct unpacker last = { .bytes = range->last, .size = range->last_size };
	struct value a[2], b[2];
	size_t kept = 0, before = table.count;

	unpack_key(&first, a, 2);
	unpack_key(&last, b, 2);
	assert_false(first.failed || last.failed);
	struct line from = key_line(a), to = key_line(b);
	for (size_t i = 0; i < before; i++)
		if (compare(&table.at[i], &from) < 0 || compare(&table.at[i], &to) > 0)
			table.at[kept++] = table.at[i];
	table.count = kept;
	server.deletes++;
	if (range->rows > server.largest_delete)
		server.largest_delete = range->rows;
	return before - kept;
}

int worker_delete(
	struct worker *worker, uint32_t index, const struct worker_range *ranges, size_t count, struct sql_error *error)
{
	(void)worker;
	assert_int_equal(index, 0);
	assert_int_equal(server.loaded, 0); /* no insertion comes before a deletion */
	assert_in_range(count, 1, WORKER_RANGES_MAX);
	server.delete_calls++;
	for (size_t i = 0; i < count; i++) {
		size_t gone = delete_range(&ranges[i]);
		if (gone != ranges[i].rows)
			return sql_error_set(error, SQL_ERROR_DIFFERS, "t", "%zu for %zu", gone, (size_t)ranges[i].rows);
	}
	return 0;
}

int worker_empty(struct worker *worker, uint32_t index, uint64_t rows, struct sql_error *error)
{
	(void)worker;
	(void)error;
	assert_int_equal(index, 0);
	assert_int_equal(server.loaded, 0);
	assert_int_equal(rows, table.count);
	table.count = 0;
	server.empties++;
	return 0;
}

int worker_replace_begin(struct worker *worker, uint32_t index, struct sql_error *error)
{
	(void)worker;
	(void)error;
	assert_int_equal(index, 0);
	server.loading = true;
	server.waiting_count = server.waiting_at = 0;
	return 0;
}

/* Rows whose text is here are taken; one whose text is in pieces waits for them. */
static void take_waiting(void)
{
	while (server.waiting_at < server.waiting_count && !server.text_left) {
		struct line *line = &server.waiting[server.waiting_at];
		if (line->version == UINT32_MAX) {
			server.text_left = line->size;
			return;
		}
		take_line(line);
		server.waiting_at++;
	}
}

static void take_rows(const void *bytes, size_t size, uint32_t rows)
{
	struct bench *bench = server.bench;
	struct rowgroup_value values[3];
	struct rowgroup_reader *reader;
	struct table_digest digest;

	assert_int_equal(server.waiting_at, server.waiting_count); /* no value of the chunk before is missing */
	server.waiting_at = server.waiting_count = 0;
	assert_int_equal(rowgroup_open(&reader, &bench->layout.layout, &bench->params, bytes, size), 0);
	while (rowgroup_next(reader, values) == 1) {
		const struct value key[2] = { values[0].value, values[1].value };
		struct line line = key_line(key);
		line.size = (uint32_t)(values[2].large ? values[2].size : values[2].value.size);
		line.version = UINT32_MAX;
		if (!values[2].large)
			memcpy(&line.version, values[2].value.data, 4);
		server.waiting[server.waiting_count++] = line;
	}
	assert_int_equal(server.waiting_count, rows);
	assert_int_equal(rowgroup_digest(reader, &digest), 0);
	rowgroup_reader_free(reader);
	take_waiting();
}

static void take_piece(const uint8_t *bytes, size_t size)
{
	struct line *line = &server.waiting[server.waiting_at];
	uint8_t text[TEXT_MAX];

	if (server.text_left == 0 || size > server.text_left)
		fail_msg("a piece came that no row waits for");
	if (server.text_left == line->size)
		memcpy(&line->version, bytes, 4);
	put_text(line, text);
	assert_memory_equal(text + (line->size - server.text_left), bytes, size);
	server.text_left -= size;
	if (!server.text_left) {
		take_line(line);
		server.waiting_at++;
		take_waiting();
	}
}

int worker_replace_chunk(
	struct worker *worker, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size, struct sql_error *error)
{
	(void)worker;
	(void)error;
	assert_true(server.loading);
	if (kind == CHUNK_ROWS)
		take_rows(bytes, size, rows);
	else
		take_piece(bytes, size);
	return 0;
}

int worker_replace_end(struct worker *worker, uint64_t *rows, struct sql_error *error)
{
	(void)worker;
	(void)error;
	assert_int_equal(server.waiting_at, server.waiting_count);
	server.loading = false;
	*rows = server.loaded;
	return 0;
}

/* ---- snapshots ---- */

static bool stop(void *engine)
{
	return ((struct bench *)engine)->stop;
}

static void progress(void *engine, const struct job_progress *told)
{
	(void)engine;
	(void)told;
}

static const struct column_sample columns[] = { { "room", "int", 4, 10, 0, false }, { "no", "bigint", 8, 19, 0, true },
	{ "text", "varbinary", -1, 0, 0, true } };

static void make_bench(struct bench *bench)
{
	static const struct memory_geometry geometry = { .size = 256u << 20, .segment_size = 4u << 20, .write_unit = 1 };

	memset(bench, 0, sizeof *bench);
	memset(&server, 0, sizeof server);
	server.bench = bench;
	assert_int_equal(memory_volume_open(&bench->volume, &geometry), 0);
	assert_int_equal(sample_open(&bench->repository, bench->volume), 0);
	bench->params = table_rows_small;
	bench->context = (struct job_context){
		.repository = bench->repository, .rowgroup = &bench->params, .engine = bench, .stop = stop, .progress = progress
	};
	assert_int_equal(catalogue_new(&bench->catalogue), 0);
	bench->catalogue->database.name = "mgc";
	bench->catalogue->database.code_page = 1252;
	sample_index(
		bench->catalogue, sample_table(bench->catalogue, "dbo", "t", columns, 3), 1, true, (const int[]){ 1, -2, 0 });
	assert_int_equal(catalogue_layout(&bench->layout, &bench->catalogue->tables[0]), 0);
}

static void end_plan(struct bench *bench)
{
	if (bench->safety)
		snapshot_close(bench->safety);
	bench->safety = NULL;
	plan_close(&bench->plan);
	stored_close(&bench->wanted);
	capture_free(&bench->present);
}

static void free_bench(struct bench *bench)
{
	end_plan(bench);
	catalogue_layout_free(&bench->layout);
	catalogue_free(bench->catalogue);
	repository_close(bench->repository);
	memory_volume_close(bench->volume);
}

static int to_watcher(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows)
{
	const struct worker_watcher *watcher = arg;

	return watcher->chunk(watcher->arg, kind, rows, bytes, size);
}

/* What a worker would report of these rows. */
static void read_lines(struct bench *bench, struct lines *lines, struct worker_watcher *watcher)
{
	struct rowgroup_writer *writer;
	struct table_digest digest;
	uint8_t *bytes, text[TEXT_MAX];
	size_t size;

	qsort(lines->at, lines->count, sizeof lines->at[0], compare_lines);
	assert_int_equal(catalogue_encode(bench->catalogue, &bytes, &size), 0);
	assert_int_equal(watcher->catalogue(watcher->arg, bytes, size), 0);
	assert_int_equal(watcher->table(watcher->arg, 0), 0);
	assert_int_equal(rowgroup_create(&writer, &bench->layout.layout, &bench->params, to_watcher, watcher), 0);
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = &lines->at[i];
		put_text(line, text);
		const struct value values[3] = { { &line->room, 4 }, { line->null ? NULL : &line->no, line->null ? 0 : 8 },
			{ text, line->size } };
		assert_int_equal(rowgroup_row(writer, values), 0);
	}
	assert_int_equal(rowgroup_finish(writer, &digest), 0);
	rowgroup_free(writer);
	assert_int_equal(watcher->table_end(watcher->arg, 0, &digest), 0);
	free(bytes);
}

/* Seals a snapshot of the rows; the capture is the caller's. */
static uint64_t seal(struct bench *bench, struct lines *lines, struct capture *capture)
{
	static uint8_t about[ABOUT_SIZE_MAX];
	static const struct snapshot_about nothing;
	struct snapshot_writer *writer;
	struct worker_watcher watcher;
	struct snapshot_info info;
	int size = snapshot_about_encode(&nothing, about, sizeof about);

	assert_int_equal(snapshot_begin(bench->repository, SNAPSHOT_BACKUP, "s/mgc", &writer), 0);
	capture_init(capture, &bench->context, &bench->story.progress, &bench->report, writer);
	watcher = capture_watcher(capture);
	read_lines(bench, lines, &watcher);
	assert_int_equal(capture_finish(capture), 0);
	capture->writer = NULL;
	assert_int_equal(snapshot_commit(writer, about, (size_t)size, false, &info), 0);
	return info.id;
}

/* Both snapshots, and the plan from one to the other. */
static void plan_change(struct bench *bench, struct lines *wanted, struct lines *present)
{
	struct capture unused;
	uint64_t id;

	story_begin(&bench->story, &bench->context, NULL, "mgc", &bench->report);
	id = seal(bench, wanted, &unused);
	capture_free(&unused);
	assert_int_equal(stored_open(&bench->wanted, bench->repository, id), 0);
	id = seal(bench, present, &bench->present);
	assert_int_equal(snapshot_open(bench->repository, id, &bench->safety), 0);
	assert_int_equal(plan_open(&bench->plan, &bench->context, &bench->wanted, &bench->present), 0);
	assert_int_equal(plan_compare(&bench->plan), 0);
	assert_int_equal(plan_count(&bench->plan, bench->safety), 0);
	plan_decide(&bench->plan);
}

static void expect_lines(const struct lines *wanted)
{
	qsort(table.at, table.count, sizeof table.at[0], compare_lines);
	assert_int_equal(table.count, wanted->count);
	for (size_t i = 0; i < wanted->count; i++)
		if (compare(&table.at[i], &wanted->at[i]) || table.at[i].version != wanted->at[i].version ||
			table.at[i].size != wanted->at[i].size)
			fail_msg("row %zu differs", i);
}

/* Rows of `a` that `b` does not have: both are in order. */
static size_t rows_without(const struct lines *a, const struct lines *b)
{
	size_t alone = 0;

	for (size_t i = 0, j = 0; i < a->count; i++) {
		const struct line *line = &a->at[i];
		while (j < b->count && compare(&b->at[j], line) < 0)
			j++;
		alone += j == b->count || compare(&b->at[j], line) || b->at[j].version != line->version ||
			b->at[j].size != line->size;
	}
	return alone;
}

/* By rows, what goes and comes is what differs and not a row more. */
static void expect_exact(const struct plan_table *planned, const struct lines *wanted, const struct lines *present)
{
	if (planned->whole || !planned->by_rows)
		return;
	assert_int_equal(planned->deleted, rows_without(present, wanted));
	assert_int_equal(planned->inserted, rows_without(wanted, present));
	assert_int_equal(planned->kept + planned->deleted, present->count);
}

/* Carries the plan out. */
static void change(struct bench *bench, struct lines *wanted, struct lines *present)
{
	static uint8_t buffer[CHUNK_SIZE_MAX];

	table = *present;
	server.deletes = server.delete_calls = server.empties = server.largest_delete = server.loaded = 0;
	for (size_t i = 0; i < bench->plan.count; i++) {
		struct replay replay = { .story = &bench->story,
			.plan = &bench->plan,
			.table = &bench->plan.tables[i],
			.safety = bench->safety,
			.buffer = buffer,
			.error = &bench->error };
		int result = replay_table(&replay);
		if (result < 0)
			fail_msg("error %d, %s", result, bench->error.detail);
		expect_exact(&bench->plan.tables[i], wanted, present);
		if (!replay.whole || bench->plan.tables[i].whole) {
			assert_int_equal(replay.deleted, bench->plan.tables[i].deleted);
			assert_int_equal(replay.inserted, bench->plan.tables[i].inserted);
		}
	}
	expect_lines(wanted);
}

/* ---- edits ---- */

static uint32_t some_size(struct random *random)
{
	return (
		uint32_t)(random_below(random, 40) ? 4 + random_below(random, 60) : 500 + random_below(random, TEXT_MAX - 500));
}

static void fill(struct lines *lines, struct random *random, size_t rooms, size_t most)
{
	lines->count = 0;
	for (size_t room = 0; room < rooms; room++) {
		size_t count = 1 + random_below(random, most);
		for (size_t i = 0; i < count && lines->count < ROWS_MAX / 2; i++)
			lines->at[lines->count++] = (struct line){ .room = (int32_t)(room * 3) - 20,
				.null = i == 3,
				.no = (int64_t)(i * 2) - 7,
				.version = (uint32_t)random_below(random, 1000),
				.size = some_size(random) };
	}
}

static void drop(struct lines *lines, size_t first, size_t count)
{
	if (first + count > lines->count)
		count = lines->count - first;
	memmove(&lines->at[first], &lines->at[first + count], (lines->count - first - count) * sizeof lines->at[0]);
	lines->count -= count;
}

static bool has(const struct lines *lines, const struct line *line)
{
	for (size_t i = 0; i < lines->count; i++)
		if (!compare(&lines->at[i], line))
			return true;
	return false;
}

static void edit(struct lines *lines, struct random *random)
{
	size_t first = lines->count ? random_below(random, lines->count) : 0;
	struct line line = { .room = (int32_t)random_below(random, 200) - 40,
		.null = !random_below(random, 20),
		.no = (int64_t)random_below(random, 300) - 30,
		.version = 5000,
		.size = some_size(random) };

	switch (random_below(random, 4)) {
	case 0:
		drop(lines, first, random_below(random, 8) ? 1 + random_below(random, 5) : random_below(random, 400));
		break;
	case 1:
		if (lines->count)
			lines->at[first].version += 10000;
		break;
	case 2:
		if (lines->count)
			lines->at[first].size = some_size(random);
		break;
	default:
		if (lines->count < ROWS_MAX && !has(lines, &line))
			lines->at[lines->count++] = line;
	}
	qsort(lines->at, lines->count, sizeof lines->at[0], compare_lines);
}

static void after_any_edits_the_rows_are_the_wanted_ones(void **state)
{
	struct lines *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	size_t ranges = 0, wholes = 0, most = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct random random = { seed * 77 };
		struct bench bench;
		make_bench(&bench);
		fill(a, &random, 1 + random_below(&random, 40), 1 + random_below(&random, 150));
		*b = *a;
		for (uint64_t edits = random_below(&random, 12) + 1; edits; edits--)
			edit(b, &random);
		for (int back = 0; back < 2; back++) {
			plan_change(&bench, back ? b : a, back ? a : b);
			change(&bench, back ? b : a, back ? a : b);
			ranges += server.deletes;
			wholes += server.empties;
			most = server.largest_delete > most ? server.largest_delete : most;
			end_plan(&bench);
		}
		free_bench(&bench);
	}
	/* What is tested was there: many ranges, long ones, and tables that were replaced whole. */
	assert_true(ranges > 400 && wholes > 0 && most > 200);
	free(a);
	free(b);
}

static void equal_lists_need_nothing(void **state)
{
	struct lines *a = calloc(1, sizeof *a);
	struct random random = { 5 };
	struct bench bench;

	(void)state;
	make_bench(&bench);
	fill(a, &random, 20, 50);
	plan_change(&bench, a, a);
	assert_int_equal(bench.plan.count, 0);
	assert_false(plan_values_differ(&bench.plan));
	free_bench(&bench);
	free(a);
}

static void a_lost_room_costs_a_room(void **state)
{
	struct lines *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	struct bench bench;

	(void)state;
	make_bench(&bench);
	for (int i = 0; i < 3000; i++)
		a->at[a->count++] = (struct line){ .room = i / 30, .no = 30 - i % 30, .version = (uint32_t)i, .size = 40 };
	*b = *a;
	drop(b, 1500, 30);
	plan_change(&bench, a, b);
	assert_int_equal(bench.plan.count, 1);
	assert_false(bench.plan.tables[0].whole);
	assert_int_equal(bench.plan.tables[0].deleted, 0);
	assert_int_equal(bench.plan.tables[0].inserted, 30);
	change(&bench, a, b);
	assert_int_equal(server.deletes + server.empties, 0);
	end_plan(&bench);
	/* And the other way round: a room too many is one range. */
	plan_change(&bench, b, a);
	assert_int_equal(bench.plan.tables[0].deleted, 30);
	assert_int_equal(bench.plan.tables[0].inserted, 0);
	change(&bench, b, a);
	assert_int_equal(server.deletes, 1);
	free_bench(&bench);
	free(a);
	free(b);
}

/* Every `step`-th of the first `count` rows is another. */
static void spoil(struct lines *lines, size_t count, size_t step)
{
	for (size_t i = 0; i < count; i += step)
		lines->at[i].version += 10000;
}

static void a_row_that_was_updated_is_one_row(void **state)
{
	struct lines *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	struct bench bench;

	(void)state;
	for (uint32_t size = 40; size <= TEXT_MAX; size += TEXT_MAX - 40) {
		make_bench(&bench);
		a->count = 0;
		for (int i = 0; i < 300; i++)
			a->at[a->count++] =
				(struct line){ .room = i / 30, .no = 30 - i % 30, .version = (uint32_t)i, .size = i % 7 ? 50 : size };
		for (size_t row = 0; row < 300; row += 49) { /* a large one, where some are */
			*b = *a;
			b->at[row].version += 10000;
			plan_change(&bench, a, b);
			assert_int_equal(bench.plan.tables[0].deleted, 1);
			assert_int_equal(bench.plan.tables[0].inserted, 1);
			change(&bench, a, b);
			assert_int_equal(server.deletes, 1);
			end_plan(&bench);
		}
		free_bench(&bench);
	}
	free(a);
	free(b);
}

/* Many ranges travel together; where they are too many for their rows, chunks go as they are, or the table whole. */
static void rows_that_are_scattered_cost_few_ways_to_the_server(void **state)
{
	static const struct {
		size_t spoilt, step;
		bool whole, by_rows;
		size_t deletes; /* 0: fewer than a hundred */
	} cases[] = { { 3000, 30, false, true, 100 }, { 3000, 10, false, true, 300 }, { 1200, 3, false, false, 0 },
		{ 3000, 3, true, false, 0 } };
	struct lines *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	struct bench bench;

	(void)state;
	for (int i = 0; i < 3000; i++)
		a->at[a->count++] = (struct line){ .room = i / 30, .no = 30 - i % 30, .version = (uint32_t)i, .size = 40 };
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		make_bench(&bench);
		*b = *a;
		spoil(b, cases[i].spoilt, cases[i].step);
		plan_change(&bench, a, b);
		assert_int_equal(bench.plan.tables[0].whole, cases[i].whole);
		assert_int_equal(bench.plan.tables[0].by_rows, cases[i].by_rows);
		change(&bench, a, b);
		if (cases[i].deletes)
			assert_int_equal(server.deletes, cases[i].deletes);
		assert_true(cases[i].deletes || server.deletes < 100);
		assert_true(server.delete_calls <= server.deletes / 100 + 1);
		free_bench(&bench);
	}
	free(a);
	free(b);
}

/* ---- ways ---- */

static void expect_way(struct bench *bench, const char *why)
{
	assert_int_equal(bench->plan.count, 1);
	if (!why != !bench->plan.tables[0].why || (why && !strstr(bench->plan.tables[0].why, why)))
		fail_msg("%s where %s was expected", bench->plan.tables[0].why ? bench->plan.tables[0].why : "by range",
			why ? why : "by range");
}

static void a_table_goes_whole_only_where_that_is_better_or_the_only_way(void **state)
{
	struct lines *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	struct bench bench;

	(void)state;
	for (int i = 0; i < 2000; i++)
		a->at[a->count++] = (struct line){ .room = i / 20, .no = 20 - i % 20, .version = 1, .size = 40 };
	for (int kind = 0; kind < 7; kind++) {
		static const char *const whys[] = { "most of it", NULL, NULL, "nothing of it", "no unique key", "no literal",
			"safety" };
		make_bench(&bench);
		struct catalogue_table *t = &bench.catalogue->tables[0];
		*b = *a;
		for (size_t i = 0; i < b->count; i++)
			b->at[i].version += kind == 3 || (kind <= 1 ? i < 1500 : i < 300);
		if (kind == 1) {
			/* Another table's foreign key, even one that is off, forbids TRUNCATE: ranges cost less then. */
			static struct catalogue_foreign_key key;
			struct catalogue_table *other = sample_table(bench.catalogue, "dbo", "u", columns, 3);
			t = &bench.catalogue->tables[0];
			key = (struct catalogue_foreign_key){ .table_id = other->object_id,
				.referenced_id = t->object_id,
				.name = "FK",
				.referenced_schema = "dbo",
				.referenced_table = "t",
				.disabled = true };
			other->foreign_keys = &key;
			other->foreign_key_count = 1;
		}
		if (kind == 4)
			t->indexes[0].unique = false;
		if (kind == 5)
			t->columns[0].type = "sql_variant";
		if (kind == 4 || kind == 5) {
			struct catalogue_layout layout = bench.layout;
			assert_int_equal(catalogue_layout(&bench.layout, t), 0);
			catalogue_layout_free(&layout);
		}
		plan_change(&bench, a, b);
		if (kind == 6) {
			bench.plan.counted = false;
			plan_decide(&bench.plan);
		}
		expect_way(&bench, whys[kind]);
		if (kind != 5)
			change(&bench, a, b);
		if (bench.plan.tables[0].whole) {
			assert_int_equal(bench.plan.tables[0].deleted, 2000);
			assert_int_equal(bench.plan.tables[0].kept, 0);
		}
		free_bench(&bench);
	}
	free(a);
	free(b);
}

static void a_what_if_counts_what_a_restore_would(void **state)
{
	struct lines *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	struct random random = { 99 };
	struct bench bench;

	(void)state;
	make_bench(&bench);
	fill(a, &random, 30, 100);
	*b = *a;
	for (int i = 0; i < 10; i++)
		edit(b, &random);
	plan_change(&bench, a, b);
	assert_false(bench.plan.tables[0].whole);

	struct capture capture;
	struct worker_watcher under, watcher;
	struct plan plan;
	capture_init(&capture, &bench.context, &bench.story.progress, &bench.report, NULL);
	under = capture_watcher(&capture);
	assert_int_equal(plan_open(&plan, &bench.context, &bench.wanted, &capture), 0);
	watcher = plan_watcher(&plan, &under);
	read_lines(&bench, b, &watcher);
	assert_int_equal(plan_compare(&plan), 0);
	plan_decide(&plan);
	assert_int_equal(plan.count, 1);
	assert_memory_equal(&plan.tables[0], &bench.plan.tables[0], sizeof plan.tables[0]);
	plan_close(&plan);
	capture_free(&capture);
	free_bench(&bench);
	free(a);
	free(b);
}

static void identities_and_sequences_alone_are_a_difference(void **state)
{
	struct lines *a = calloc(1, sizeof *a);
	struct bench bench;

	(void)state;
	make_bench(&bench);
	a->at[a->count++] = (struct line){ .room = 1, .no = 1, .version = 1, .size = 40 };
	plan_change(&bench, a, a);
	struct catalogue_column *column = &bench.present.catalogue->tables[0].columns[0];
	struct catalogue_column *then_column = &bench.wanted.catalogue->tables[0].columns[0];
	column->identity = then_column->identity = true;
	column->identity_seed = column->identity_increment = then_column->identity_seed = then_column->identity_increment =
		"1";
	column->identity_last = "7";
	assert_true(plan_values_differ(&bench.plan));
	then_column->identity_last = "7";
	assert_false(plan_values_differ(&bench.plan));
	struct catalogue_sequence now = { .schema = "dbo",
		.name = "s",
		.start = "1",
		.increment = "1",
		.minimum = "1",
		.maximum = "99",
		.current = "5",
		.last_used = "5" },
							  then = now;
	bench.present.catalogue->sequences = &now;
	bench.wanted.catalogue->sequences = &then;
	bench.present.catalogue->sequence_count = bench.wanted.catalogue->sequence_count = 1;
	assert_false(plan_values_differ(&bench.plan));
	now.current = now.last_used = "9";
	assert_true(plan_values_differ(&bench.plan));
	free_bench(&bench);
	free(a);
}

static void a_cancel_is_heeded_between_chunks(void **state)
{
	struct lines *a = calloc(1, sizeof *a), *b = calloc(1, sizeof *b);
	static uint8_t buffer[CHUNK_SIZE_MAX];
	struct random random = { 3 };
	struct bench bench;

	(void)state;
	make_bench(&bench);
	fill(a, &random, 30, 50);
	*b = *a;
	drop(b, 10, 40);
	plan_change(&bench, a, b);
	bench.stop = true;
	struct replay replay = { .story = &bench.story,
		.plan = &bench.plan,
		.table = &bench.plan.tables[0],
		.safety = bench.safety,
		.buffer = buffer,
		.error = &bench.error };
	table = *b;
	assert_true(replay_table(&replay) < 0);
	assert_int_equal(bench.error.kind, SQL_ERROR_CANCELLED);
	free_bench(&bench);
	free(a);
	free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(after_any_edits_the_rows_are_the_wanted_ones),
		cmocka_unit_test(equal_lists_need_nothing), cmocka_unit_test(a_lost_room_costs_a_room),
		cmocka_unit_test(a_row_that_was_updated_is_one_row),
		cmocka_unit_test(rows_that_are_scattered_cost_few_ways_to_the_server),
		cmocka_unit_test(a_table_goes_whole_only_where_that_is_better_or_the_only_way),
		cmocka_unit_test(a_what_if_counts_what_a_restore_would),
		cmocka_unit_test(identities_and_sequences_alone_are_a_difference),
		cmocka_unit_test(a_cancel_is_heeded_between_chunks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
