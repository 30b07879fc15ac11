/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nights with their history in a repository: two tables are backed up night after night, and attackers, accidents and
 * usual work change them in between.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/backup/suspect.h"
#include "agent/job/story.h"
#include "agent/snapshot/stored.h"
#include "agent/upkeep/keep.h"
#include "storage/memory.h"
#include "tests/support/catalogue_sample.h"
#include "tests/support/fake_engine.h"
#include "tests/support/sample.h"
#include "tests/support/table_rows.h"

#define ROWS_MAX 120000
#define BODY_MAX 60000

/* A row is its key and what its body is made from. */
struct line {
	int32_t id;
	uint32_t version;
	uint32_t size;
	bool noise; /* does not compress */
};

static struct table_lines {
	const char *name;
	struct line at[ROWS_MAX];
	size_t count;
	bool dropped;
	uint64_t told; /* rows that its record tells of, where they are not those that it has; 0 */
} tables[2];

static struct volume *volume;
static struct repository *repository;
static struct catalogue *catalogue;
static struct rowgroup_params params;
static struct config config;
static struct server_config server;
static struct job_context context;
static struct job_report report;
static struct job_progress progress;
static bool stopped;
static char why[SUSPECT_WHY_SIZE];
static uint64_t night_id;

static const struct column_sample columns[] = { { "id", "int", 4, 10, 0, false },
	{ "body", "varbinary", -1, 0, 0, true } };

static bool stop(void *engine)
{
	(void)engine;
	return stopped;
}

static void fill(struct table_lines *table, size_t count, uint32_t size)
{
	table->count = count;
	table->dropped = false;
	table->told = 0;
	for (size_t i = 0; i < count; i++)
		table->at[i] = (struct line){ .id = (int32_t)i, .version = (uint32_t)i, .size = size };
}

static int set_up(void **state)
{
	static const struct memory_geometry geometry = { .size = 256u << 20, .segment_size = 4u << 20, .write_unit = 1 };
	(void)state;
	stopped = false;
	params = rowgroup_params_default;
	config.suspect = (struct suspect_policy){ 20, 50, 50, true };
	server = (struct server_config){ .name = "s", .profile = PROFILE_ANY };
	assert_int_equal(memory_volume_open(&volume, &geometry), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
	context = fake_engine_context(repository, &config);
	context.rowgroup = &params;
	context.stop = stop;
	tables[0].name = "tblChat";
	tables[1].name = "tblADUpdates";
	fill(&tables[0], 4000, 200);
	fill(&tables[1], 300, 100);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	repository_close(repository);
	memory_volume_close(volume);
	return 0;
}

/* ---- a night ---- */

static void put_body(const struct line *line, uint8_t *body)
{
	struct random random = { line->version * UINT64_C(2654435761) + 1 };
	uint64_t bits = 0;
	for (uint32_t i = 0; i < line->size; i++) {
		bits = i % 8 ? bits >> 8 : random_next(&random);
		body[i] = line->noise ? (uint8_t)bits : (uint8_t)("etaoin shrdlu  e"[bits & 15]);
	}
}

static int to_watcher(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows)
{
	const struct worker_watcher *watcher = arg;
	return watcher->chunk(watcher->arg, kind, rows, bytes, size);
}

static void read_table(struct table_lines *table, uint32_t index, struct worker_watcher *watcher)
{
	static uint8_t body[BODY_MAX];
	struct catalogue_layout layout;
	struct rowgroup_writer *writer;
	struct table_digest digest;
	assert_int_equal(watcher->table(watcher->arg, index), 0);
	assert_int_equal(catalogue_layout(&layout, &catalogue->tables[index]), 0);
	assert_int_equal(rowgroup_create(&writer, &layout.layout, &params, to_watcher, watcher), 0);
	for (size_t i = 0; i < table->count; i++) {
		put_body(&table->at[i], body);
		const struct value values[2] = { { &table->at[i].id, 4 }, { body, table->at[i].size } };
		assert_int_equal(rowgroup_row(writer, values), 0);
	}
	assert_int_equal(rowgroup_finish(writer, &digest), 0);
	rowgroup_free(writer);
	catalogue_layout_free(&layout);
	digest.rows = table->told ? table->told : digest.rows;
	assert_int_equal(watcher->table_end(watcher->arg, index, &digest), 0);
}

static void read_database(struct capture *capture)
{
	struct worker_watcher watcher = capture_watcher(capture);
	uint8_t *bytes;
	size_t size;
	assert_int_equal(catalogue_new(&catalogue), 0);
	catalogue->database.name = "mgc";
	catalogue->database.code_page = 1252;
	for (size_t i = 0; i < 2; i++)
		if (!tables[i].dropped)
			sample_index(
				catalogue, sample_table(catalogue, "dbo", tables[i].name, columns, 2), 1, true, (const int[]){ 1, 0 });
	assert_int_equal(catalogue_encode(catalogue, &bytes, &size), 0);
	assert_int_equal(watcher.catalogue(watcher.arg, bytes, size), 0);
	uint32_t index = 0;
	for (size_t i = 0; i < 2; i++)
		if (!tables[i].dropped)
			read_table(&tables[i], index++, &watcher);
	free(bytes);
	catalogue_free(catalogue);
}

/* As a backup does it, up to the rows. */
static enum suspect_verdict night(void)
{
	static uint8_t bytes[ABOUT_SIZE_MAX];
	static struct snapshot_about about;
	struct snapshot_writer *writer;
	struct snapshot_info info;
	struct capture capture;
	uint64_t stored;
	about = (struct snapshot_about){ .broker = "A" };
	assert_int_equal(snapshot_begin(repository, SNAPSHOT_BACKUP, "s/mgc", &writer), 0);
	capture_init(&capture, &context, &progress, &report, writer);
	read_database(&capture);
	assert_int_equal(capture_finish(&capture), 0);
	about.rows = capture.rows;
	struct suspect_night look = {
		.subject = "s/mgc", .server = &server, .database = "mgc", .capture = &capture, .about = &about
	};
	assert_int_equal(snapshot_new(writer, &about.new_bytes, &about.new_stored), 0);
	snapshot_progress(writer, &look.bytes, &stored);
	why[0] = '\0';
	enum suspect_verdict verdict = suspect_look(&context, &look, why, sizeof(why));
	if (verdict != SUSPECT_NOT)
		snapshot_mark_suspect(writer);
	int size = snapshot_about_encode(&about, bytes, sizeof(bytes));
	assert_int_equal(snapshot_commit(writer, bytes, (size_t)size, false, &info), 0);
	capture_free(&capture);
	night_id = info.id;
	return verdict;
}

static void usual_nights(unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(night(), SUSPECT_NOT);
		tables[0].at[tables[0].count - 1].version++;
	}
}

static void expect_percent(int low, int high)
{
	int percent = suspect_count_rows(&context, night_id);
	if (percent < low || percent > high)
		fail_msg("%d %% is not between %d and %d", percent, low, high);
}

/* ---- what is new ---- */

static void a_few_rows_from_all_over_are_few_though_each_chunk_is_new(void **state)
{
	(void)state;
	usual_nights(2);
	for (size_t i = 0; i < tables[0].count; i += 50)
		tables[0].at[i].version += 100000;
	for (size_t i = 0; i < tables[1].count; i += 50)
		tables[1].at[i].version += 100000;
	assert_int_equal(night(), SUSPECT_BY_CHUNKS);
	expect_percent(1, 4);
}

static void rows_that_are_all_other_ones_are_all_new(void **state)
{
	(void)state;
	usual_nights(2);
	for (size_t i = 0; i < tables[0].count; i++)
		tables[0].at[i].version += 100000;
	assert_int_equal(night(), SUSPECT_BY_CHUNKS);
	expect_percent(90, 100);
}

static void a_flood_of_rows_is_new(void **state)
{
	(void)state;
	usual_nights(2);
	fill(&tables[0], 12000, 200);
	assert_int_equal(night(), SUSPECT_BY_CHUNKS);
	expect_percent(55, 75);
}

static void large_values_count_by_their_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < 40; i++)
		tables[0].at[i * 100].size = BODY_MAX; /* 2.4 MB of them, 0.8 MB of other rows */
	usual_nights(2);
	for (size_t i = 0; i < 40; i++)
		tables[0].at[i * 100].version += 100000;
	assert_int_equal(night(), SUSPECT_BY_CHUNKS);
	expect_percent(65, 85);
}

static void of_many_rows_a_sample_tells(void **state)
{
	(void)state;
	fill(&tables[0], ROWS_MAX, 20);
	usual_nights(1);
	for (size_t i = 0; i < tables[0].count; i += 10)
		tables[0].at[i].version += 500000;
	assert_int_equal(night(), SUSPECT_BY_CHUNKS);
	expect_percent(8, 12);
}

/* What is remembered is bounded by what was made room for, whatever the chunks hold; what is not remembered looks new. */
static void of_rows_that_are_more_than_a_record_tells_no_more_are_remembered(void **state)
{
	(void)state;
	tables[0].told = 100;
	usual_nights(1);
	for (size_t i = 0; i < tables[0].count; i += 10)
		tables[0].at[i].version += 500000;
	alarm(60); /* a set that is full is looked through for ever */
	assert_int_equal(night(), SUSPECT_BY_CHUNKS);
	expect_percent(90, 100);
	alarm(0);
}

static void a_look_at_rows_stops_as_asked_and_needs_a_night_before(void **state)
{
	(void)state;
	assert_int_equal(night(), SUSPECT_NOT);
	assert_int_equal(suspect_count_rows(&context, night_id), -ENOENT);
	tables[0].at[0].version += 7;
	assert_int_equal(night(), SUSPECT_NOT);
	stopped = true;
	assert_int_equal(suspect_count_rows(&context, night_id), -ECANCELED);
}

static void encrypted_rows_are_suspect_even_a_few_a_night(void **state)
{
	(void)state;
	usual_nights(2);
	for (size_t i = 500; i < 2100; i++)
		tables[0].at[i].noise = true;
	assert_int_equal(night(), SUSPECT_SURELY);
	assert_non_null(strstr(why, "encrypted"));
}

/* ---- what is gone ---- */

static void a_small_table_that_is_emptied_is_named(void **state)
{
	(void)state;
	fill(&tables[1], 10, 100);
	usual_nights(2);
	fill(&tables[1], 0, 100);
	assert_int_equal(night(), SUSPECT_SURELY);
	assert_non_null(strstr(why, "dbo.tblADUpdates has 0 rows, and had 10"));
	fill(&tables[1], 1, 100); /* of so few, one that stays is no reason */
	assert_int_equal(night(), SUSPECT_AFTER);
}

static void half_of_a_table_is_the_limit(void **state)
{
	(void)state;
	usual_nights(2);
	fill(&tables[1], 151, 100);
	assert_int_equal(night(), SUSPECT_NOT);
	fill(&tables[1], 75, 100);
	assert_int_equal(night(), SUSPECT_SURELY);
	assert_non_null(strstr(why, "has 75 rows, and had 151"));
	config.suspect.table_rows_lost = 0;
	assert_int_equal(night(), SUSPECT_AFTER);
}

static void a_table_that_is_dropped_is_gone(void **state)
{
	(void)state;
	usual_nights(1);
	tables[1].dropped = true;
	assert_int_equal(night(), SUSPECT_SURELY);
	assert_non_null(strstr(why, "dbo.tblADUpdates has 0 rows, and had 300"));
}

static void what_empties_itself_now_and_then_is_no_reason(void **state)
{
	(void)state;
	assert_int_equal(night(), SUSPECT_NOT);
	fill(&tables[1], 0, 100);
	assert_int_equal(night(), SUSPECT_SURELY); /* the first time it is */
	assert_int_equal(snapshot_set_flags(repository, night_id, 0, SNAPSHOT_SUSPECT), 0);
	for (int turn = 0; turn < 3; turn++) {
		fill(&tables[1], 300, 100);
		assert_int_equal(night(), SUSPECT_NOT);
		fill(&tables[1], 0, 100);
		assert_int_equal(night(), SUSPECT_NOT);
	}
	fill(&tables[1], 300, 100);
	usual_nights(SUSPECT_TABLE_NIGHTS);
	fill(&tables[1], 0, 100);
	assert_int_equal(night(), SUSPECT_SURELY);
}

static void tables_of_passing_state_may_be_empty(void **state)
{
	(void)state;
	server.profile = PROFILE_PERSISTENT_CHAT;
	usual_nights(1);
	fill(&tables[1], 0, 100);
	assert_int_equal(night(), SUSPECT_NOT);
}

/* ---- after one that waits ---- */

static bool settle(enum suspect_verdict verdict)
{
	struct snapshot_info info;
	bool stays = suspect_settle(&context, night_id, verdict, why, sizeof(why));
	assert_int_equal(snapshot_find(repository, night_id, &info), 0);
	assert_int_equal((info.flags & SNAPSHOT_SUSPECT) != 0, stays);
	return stays;
}

static void what_is_suspect_stays_so_night_after_night_though_it_is_no_longer_new(void **state)
{
	(void)state;
	usual_nights(2);
	struct table_lines *good = malloc(sizeof(*good));
	assert_non_null(good);
	*good = tables[0];
	for (size_t i = 0; i < 1600; i++)
		tables[0].at[i].noise = true;
	assert_int_equal(night(), SUSPECT_SURELY);
	assert_true(settle(SUSPECT_SURELY));
	for (int i = 0; i < 3; i++) {
		assert_int_equal(night(), SUSPECT_AFTER);
		assert_true(settle(SUSPECT_AFTER));
		assert_non_null(strstr(why, "follows a suspect one"));
	}
	tables[0] = *good; /* somebody put it back, and worked on */
	for (size_t i = 0; i < tables[0].count; i += 100)
		tables[0].at[i].version += 100000;
	free(good);
	assert_int_equal(night(), SUSPECT_AFTER);
	assert_false(settle(SUSPECT_AFTER));
	assert_int_equal(night(), SUSPECT_NOT);
}

static void what_only_its_chunks_speak_against_is_cleared_by_its_rows(void **state)
{
	(void)state;
	usual_nights(2);
	for (size_t i = 0; i < tables[0].count; i += 50)
		tables[0].at[i].version += 100000;
	assert_int_equal(night(), SUSPECT_BY_CHUNKS);
	assert_false(settle(SUSPECT_BY_CHUNKS));
	for (size_t i = 0; i < tables[0].count; i++)
		tables[0].at[i].version += 100000;
	assert_int_equal(night(), SUSPECT_BY_CHUNKS);
	assert_true(settle(SUSPECT_BY_CHUNKS));
	assert_non_null(strstr(why, "is new"));
	stopped = true; /* cancelled, or too much to read */
	assert_true(settle(SUSPECT_BY_CHUNKS));
}

static enum job_state accept(uint64_t id)
{
	struct job_request request = { .kind = JOB_ACCEPT, .snapshot = id };
	memset(&report, 0, sizeof(report));
	return keep_run(&context, &request, &report);
}

static void two_percent_a_night_are_seen_when_they_are_a_fifth_and_once_accepted_not_again(void **state)
{
	(void)state;
	int nights = 0;
	usual_nights(1);
	do {
		tables[0].count = tables[0].count * 98 / 100;
		nights++;
	} while (night() == SUSPECT_NOT && nights < 50);
	if (nights < 9 || nights > 13)
		fail_msg("it took %d nights", nights);
	assert_non_null(strstr(why, "and had 4 300"));
	assert_int_equal(accept(night_id), JOB_DONE);
	for (int i = 0; i < 5; i++) {
		tables[0].count = tables[0].count * 98 / 100;
		assert_int_equal(night(), SUSPECT_NOT);
	}
}

/* What is not caught, so that nobody believes it is. */
static void rows_that_are_replaced_two_percent_a_night_by_text_are_not_seen(void **state)
{
	(void)state;
	usual_nights(1);
	for (size_t at = 0; at < tables[0].count; at += 80) {
		for (size_t i = at; i < at + 80; i++)
			tables[0].at[i].version += 500000;
		assert_int_equal(night(), SUSPECT_NOT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_few_rows_from_all_over_are_few_though_each_chunk_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_that_are_all_other_ones_are_all_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_flood_of_rows_is_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(large_values_count_by_their_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(of_many_rows_a_sample_tells, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			of_rows_that_are_more_than_a_record_tells_no_more_are_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_look_at_rows_stops_as_asked_and_needs_a_night_before, set_up, tear_down),
		cmocka_unit_test_setup_teardown(encrypted_rows_are_suspect_even_a_few_a_night, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_small_table_that_is_emptied_is_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(half_of_a_table_is_the_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_table_that_is_dropped_is_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_empties_itself_now_and_then_is_no_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tables_of_passing_state_may_be_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_suspect_stays_so_night_after_night_though_it_is_no_longer_new, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_only_its_chunks_speak_against_is_cleared_by_its_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			two_percent_a_night_are_seen_when_they_are_a_fifth_and_once_accepted_not_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			rows_that_are_replaced_two_percent_a_night_by_text_are_not_seen, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
