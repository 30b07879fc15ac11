/* SPDX-License-Identifier: Apache-2.0 */
/* Two lists side by side: what is found to differ is what differs, whatever was done to the rows in between. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/snapshot/row_diff.h"
#include "storage/memory.h"
#include "tests/support/sample.h"
#include "tests/support/table_rows.h"

#define ROWS_MAX 3000

static const struct column columns[] = { { COLUMN_INT, false }, { COLUMN_VARBINARY, false },
	{ COLUMN_ROWVERSION, true } };
static const uint16_t key[] = { 0 };
static const struct layout keyed = { columns, 3, key, 1 };
static const struct layout heap = { columns, 3, NULL, 0 };

struct line {
	uint32_t key, version;
	uint64_t server; /* what the server makes: differs for nobody */
};

struct lines {
	size_t count;
	struct line at[ROWS_MAX];
};

struct world {
	struct volume *volume;
	struct repository *repository;
	struct rowgroup_params params;
	const struct layout *layout;
	struct lines a, b; /* the present ones, the wanted ones */
	struct snapshot_reader *present, *wanted;
};

static struct world world;

static void make_world(const struct layout *layout)
{
	static const struct memory_geometry geometry = { .size = 64u << 20, .segment_size = 4u << 20, .write_unit = 1 };

	memset(&world, 0, sizeof world);
	world.layout = layout;
	world.params = table_rows_small;
	assert_int_equal(memory_volume_open(&world.volume, &geometry), 0);
	assert_int_equal(sample_open(&world.repository, world.volume), 0);
}

static void close_lists(void)
{
	snapshot_close(world.present);
	snapshot_close(world.wanted);
}

static void free_world(void)
{
	repository_close(world.repository);
	memory_volume_close(world.volume);
}

/* ---- lists ---- */

/* Every thirtieth is large. */
static size_t line_bytes(const struct line *line, uint8_t bytes[1500])
{
	size_t size = line->key % 30 ? 12 + line->key % 40 : 1300;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i < 4 ? line->version >> 8 * i : i + line->version);
	return size;
}

static int put_chunk(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows)
{
	return snapshot_put(arg, (uint8_t)kind, rows, bytes, size);
}

static struct snapshot_reader *store(const struct lines *lines)
{
	struct snapshot_writer *writer;
	struct rowgroup_writer *rows;
	struct snapshot_reader *reader;
	struct snapshot_info info;
	struct table_digest digest;
	uint8_t bytes[1500];

	assert_int_equal(snapshot_begin(world.repository, SNAPSHOT_BACKUP, "x", &writer), 0);
	assert_int_equal(snapshot_stream_begin(writer, "t"), 0);
	assert_int_equal(rowgroup_create(&rows, world.layout, &world.params, put_chunk, writer), 0);
	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = &lines->at[i];
		const struct value values[] = { { &line->key, 4 }, { bytes, line_bytes(line, bytes) }, { &line->server, 8 } };
		assert_int_equal(rowgroup_row(rows, values), 0);
	}
	assert_int_equal(rowgroup_finish(rows, &digest), 0);
	rowgroup_free(rows);
	assert_int_equal(snapshot_stream_end(writer, NULL, 0), 0);
	assert_int_equal(snapshot_commit(writer, NULL, 0, false, &info), 0);
	assert_int_equal(snapshot_open(world.repository, info.id, &reader), 0);
	return reader;
}

static void open_diff(struct row_diff *diff, bool told, uint64_t limit)
{
	const struct row_diff_lists lists = { .present = told ? NULL : world.present, .wanted = world.wanted };

	assert_int_equal(row_diff_open(diff, world.repository, &lists, world.layout, &world.params), 0);
	diff->limit = limit;
}

/* ---- what is found ---- */

/* Rows that are in chunks of both, and rows of other chunks that are in both; ranges of present rows that are not. */
struct found {
	uint64_t in_chunks, in_rows, present, wanted, ranges;
	uint64_t largest, in_largest; /* present run: its rows, and those of them that are in both */
	int result;
};

static void count_hunk(struct row_diff *diff, struct found *found)
{
	struct chunk_entry entry;

	while ((found->result = row_diff_wanted(diff, &entry)) == 1) {
		uint32_t there = 0;
		for (uint32_t i = 0; diff->there_count && i < entry.count; i++)
			there += diff->there[i];
		assert_int_equal(there, diff->there_count);
		found->wanted += entry.count;
	}
	found->present += diff->present_rows;
	found->in_rows += diff->both;
	found->in_chunks += diff->common.count;
	found->ranges += row_diff_ranges(diff);
	if (diff->present_rows > found->largest) {
		found->largest = diff->present_rows;
		found->in_largest = diff->both;
	}
}

static struct found find(uint64_t limit)
{
	struct found found = { 0 };
	struct row_diff diff;

	open_diff(&diff, false, limit);
	while (found.result == 0 && (found.result = row_diff_hunk(&diff)) == 1)
		count_hunk(&diff, &found);
	row_diff_close(&diff);
	return found;
}

/* The same, with the present chunks told as they come by. */
static struct found find_told(uint64_t limit)
{
	static uint8_t buffer[CHUNK_SIZE_MAX];
	struct found found = { 0 };
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	struct row_diff diff;

	open_diff(&diff, true, limit);
	assert_int_equal(stream_open(world.present, 0, &cursor), 0);
	row_diff_begin(&diff);
	while (found.result == 0 && row_diff_next_rows(cursor, &entry) == 1) {
		if (row_diff_is_common(&diff, &entry)) {
			count_hunk(&diff, &found);
			row_diff_begin(&diff);
			continue;
		}
		assert_int_equal(chunk_read(world.repository, &entry, buffer), 0);
		assert_int_equal(row_diff_add(&diff, &entry, buffer), 0);
	}
	if (found.result == 0)
		count_hunk(&diff, &found);
	stream_close(cursor);
	row_diff_close(&diff);
	return found;
}

/* ---- the naive way ---- */

static bool same(const struct line *a, const struct line *b)
{
	return a->key == b->key && a->version == b->version;
}

/* Both are in the order of keys. Counts equal ones, and runs of the present ones that have no equal. */
static void compare_naively(uint64_t *both, uint64_t *ranges)
{
	bool in_range = false;

	*both = *ranges = 0;
	for (size_t i = 0, j = 0; i < world.a.count; i++) {
		bool equal;
		while (j < world.b.count && world.b.at[j].key < world.a.at[i].key)
			j++;
		equal = j < world.b.count && same(&world.a.at[i], &world.b.at[j]);
		*both += equal;
		*ranges += !equal && !in_range;
		in_range = !equal;
	}
}

static void fill(struct random *random, size_t count)
{
	world.a.count = count;
	for (size_t i = 0; i < count; i++)
		world.a.at[i] = (struct line){ .key = (uint32_t)i * 2, .version = (uint32_t)random_below(random, 1000) };
	world.b = world.a;
}

static void edit(struct lines *lines, struct random *random)
{
	size_t at = random_below(random, lines->count), most = lines->count - at, n = random_below(random, 300);

	switch (random_below(random, 4)) {
	case 0:
		n = n < most ? n : most;
		if (n == lines->count)
			return;
		memmove(&lines->at[at], &lines->at[at + n], (lines->count - at - n) * sizeof lines->at[0]);
		lines->count -= n;
		return;
	case 1:
		lines->at[at].version += 1000;
		return;
	case 2:
		lines->at[at].server++;
		return;
	default:
		if (lines->at[at].key % 2 || lines->count == ROWS_MAX ||
			(most > 1 && lines->at[at + 1].key == lines->at[at].key + 1))
			return;
		memmove(&lines->at[at + 1], &lines->at[at], most * sizeof lines->at[0]);
		lines->count++;
		lines->at[at + 1].key++;
	}
}

static void what_is_found_is_what_differs(void **state)
{
	uint64_t looked_into = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 80; seed++) {
		struct random random = { seed * 7919 };
		uint64_t both, ranges;
		make_world(&keyed);
		fill(&random, 1 + random_below(&random, 2000));
		for (uint64_t edits = random_below(&random, 15); edits; edits--)
			edit(random_below(&random, 2) ? &world.a : &world.b, &random);
		world.present = store(&world.a);
		world.wanted = store(&world.b);
		compare_naively(&both, &ranges);
		for (int told = 0; told < 2; told++) {
			struct found found = told ? find_told(10000) : find(10000);
			assert_int_equal(found.result, 0);
			if (found.in_chunks + found.in_rows != both || found.ranges != ranges)
				fail_msg("seed %d, told %d: %d + %d in both, not %d; %d ranges, not %d", (int)seed, told,
					(int)found.in_chunks, (int)found.in_rows, (int)both, (int)found.ranges, (int)ranges);
			assert_int_equal(found.in_chunks + found.present, world.a.count);
			assert_int_equal(found.in_chunks + found.wanted, world.b.count);
			looked_into += found.in_rows;
		}
		close_lists();
		free_world();
	}
	assert_true(looked_into > 2000);
}

/* A longer run is not looked into, whole; any other is, whatever stood before it. */
static void a_run_over_the_limit_is_not_looked_into(void **state)
{
	struct random random = { 4 };
	struct found all, found;

	(void)state;
	make_world(&keyed);
	fill(&random, 2500);
	for (size_t i = 100; i < 900; i += 50)
		world.a.at[i].version += 1000; /* a long run */
	world.a.at[2000].version += 1000;  /* a short one */
	world.present = store(&world.a);
	world.wanted = store(&world.b);
	all = find(10000);
	assert_int_equal(all.in_chunks + all.in_rows, 2500 - 17);
	assert_int_equal(all.ranges, 17);
	for (int told = 0; told < 2; told++) {
		found = told ? find_told(all.largest) : find(all.largest);
		assert_memory_equal(&found, &all, sizeof found);
		found = told ? find_told(all.largest - 1) : find(all.largest - 1);
		assert_int_equal(found.in_chunks, all.in_chunks);
		assert_true(all.in_largest > 0 && found.in_rows > 0);
		assert_int_equal(found.in_rows, all.in_rows - all.in_largest);
		assert_true(found.ranges < all.ranges);
		found = told ? find_told(0) : find(0);
		assert_int_equal(found.in_chunks, all.in_chunks);
		assert_int_equal(found.in_rows, 0);
	}
	close_lists();
	free_world();
}

/* Each of equal rows counts: two here and three there are two in both. */
static void equal_rows_are_as_many_as_they_are(void **state)
{
	(void)state;
	for (int more = 0; more < 2; more++) {
		struct lines *few, *many;
		struct found found;
		make_world(&heap);
		few = more ? &world.b : &world.a;
		many = more ? &world.a : &world.b;
		for (uint32_t i = 0; i < 5; i++)
			many->at[many->count++] = (struct line){ .key = i < 3 ? 7 : i, .version = 1 };
		for (uint32_t i = 0; i < 4; i++)
			few->at[few->count++] = (struct line){ .key = i < 2 ? 7 : i + 1, .version = 1 };
		world.present = store(&world.a);
		world.wanted = store(&world.b);
		found = find(100);
		assert_int_equal(found.result, 0);
		assert_int_equal(found.in_chunks, 0);
		assert_int_equal(found.in_rows, 4);
		assert_int_equal(found.ranges, more);
		close_lists();
		free_world();
	}
}

static void lists_in_different_orders_are_told_apart(void **state)
{
	struct random random = { 4 };

	(void)state;
	make_world(&keyed);
	fill(&random, 2000);
	for (size_t i = 0; i < 1000; i++) {
		struct line line = world.b.at[i];
		world.b.at[i] = world.b.at[1000 + i];
		world.b.at[1000 + i] = line;
	}
	world.present = store(&world.a);
	world.wanted = store(&world.b);
	assert_int_equal(find(10000).result, -EILSEQ);
	assert_int_equal(find_told(10000).result, -EILSEQ);
	close_lists();
	free_world();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_found_is_what_differs),
		cmocka_unit_test(a_run_over_the_limit_is_not_looked_into),
		cmocka_unit_test(equal_rows_are_as_many_as_they_are),
		cmocka_unit_test(lists_in_different_orders_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
