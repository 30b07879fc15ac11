/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks in, the bulk stream out: rows that a writer of row groups made, on their way back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/sql/load.h"
#include "tests/support/catalogue_sample.h"
#include "tests/support/fake_session.h"
#include "tests/support/table_rows.h"

static const struct column_sample samples[] = {
	{ "id", "int", 4, 10, 0, false },
	{ "v", "timestamp", 8, 0, 0, false },
	{ "a", "varbinary", -1, 0, 0, true },
	{ "n", "int", 4, 10, 0, true },
};
static const struct fake_type types[] = { { "\x38", 1, 8 }, { "\xa5\xff\xff", 3, 9 }, { "\x26\x04", 2, 9 } };

struct world {
	struct catalogue *catalogue;
	struct catalogue_table *table;
	struct catalogue_layout layout;
	struct rowgroup_params params;
	struct rowgroup_writer *writer;
	struct chunk_list chunks;
	struct load *load;
	struct sql_error error;
};

static void make_world(struct world *world)
{
	memset(world, 0, sizeof *world);
	assert_int_equal(catalogue_new(&world->catalogue), 0);
	world->table = sample_table(world->catalogue, "dbo", "t", samples, 4);
	sample_index(world->catalogue, world->table, 1, true, (const int[]){ 1, 0 });
	assert_int_equal(catalogue_layout(&world->layout, world->table), 0);
	world->params = rowgroup_params_default;
	world->params.inline_limit = 64;
	world->params.piece_size = 1024;
	assert_int_equal(
		rowgroup_create(&world->writer, &world->layout.layout, &world->params, chunk_list_emit, &world->chunks), 0);
	fake_session_types(NULL, 0);
}

static void add_row(struct world *world, uint32_t id, const void *bytes, size_t size)
{
	const struct value values[] = { { &id, 4 }, { "version!", 8 }, { bytes, size }, { NULL, 0 } };

	assert_int_equal(rowgroup_row(world->writer, values), 0);
}

static void finish(struct world *world)
{
	struct table_digest digest;

	assert_int_equal(rowgroup_finish(world->writer, &digest), 0);
}

static struct session *open_load(struct world *world)
{
	struct session *session = fake_session(13, NULL);

	fake_session_types(types, 3);
	assert_int_equal(load_open(&world->load, session, world->table, &world->params, &world->error), 0);
	return session;
}

static int send_one(struct world *world, const struct chunk *chunk)
{
	return load_chunk(world->load, chunk->kind, chunk->bytes, chunk->size, &world->error);
}

/* As the keeper sends them: a rows chunk, then the value chunks before it. */
static int send_all(struct world *world)
{
	size_t values = 0;

	for (size_t i = 0; i < world->chunks.count; i++) {
		int result = 0;
		if (world->chunks.chunks[i].kind != CHUNK_ROWS)
			continue;
		result = send_one(world, &world->chunks.chunks[i]);
		for (; result == 0 && values < i; values++)
			if (world->chunks.chunks[values].kind == CHUNK_VALUE)
				result = send_one(world, &world->chunks.chunks[values]);
		if (result < 0)
			return result;
	}
	return 0;
}

static void free_world(struct world *world)
{
	load_free(world->load);
	rowgroup_free(world->writer);
	chunk_list_free(&world->chunks);
	catalogue_layout_free(&world->layout);
	catalogue_free(world->catalogue);
}

static void rows_go_out_without_what_the_server_makes(void **state)
{
	static const char expected[] = "\x81\3\0"
								   "\0\0\0\0\x08\0\x38\2i\0d\0"
								   "\0\0\0\0\x09\0\xa5\xff\xff\1a\0"
								   "\0\0\0\0\x09\0\x26\x04\1n\0"
								   "\xd1"
								   "\1\0\0\0"
								   "\xfe\xff\xff\xff\xff\xff\xff\xff\2\0\0\0hi\0\0\0\0"
								   "\0"
								   "\xd1"
								   "\2\0\0\0"
								   "\xff\xff\xff\xff\xff\xff\xff\xff"
								   "\0";
	struct world world;
	const uint8_t *bulk;
	size_t size;
	uint64_t rows;

	(void)state;
	make_world(&world);
	add_row(&world, 1, "hi", 2);
	add_row(&world, 2, NULL, 0);
	finish(&world);
	open_load(&world);
	fake_session_count(2);
	assert_int_equal(send_all(&world), 0);
	assert_int_equal(load_end(world.load, &rows, &world.error), 0);
	assert_int_equal(rows, 2);
	bulk = fake_session_bulk(&size);
	assert_int_equal(size, sizeof expected - 1);
	assert_memory_equal(bulk, expected, size);
	assert_non_null(strstr(fake_session_said(), "SELECT TOP (0) [id], [a], [n] FROM [dbo].[t]"));
	assert_non_null(strstr(fake_session_said(), "ORDER ([id] ASC))"));
	free_world(&world);
}

static void long_values_are_streamed_piece_by_piece_within_their_row(void **state)
{
	struct world world;
	const uint8_t *bulk, *at;
	uint8_t value[2500];
	size_t size;
	uint64_t rows;

	(void)state;
	memset(value, 'v', sizeof value);
	make_world(&world);
	add_row(&world, 1, value, sizeof value);
	add_row(&world, 2, "x", 1);
	add_row(&world, 3, value, 1025);
	finish(&world);
	open_load(&world);
	fake_session_count(3);
	assert_int_equal(send_all(&world), 0);
	assert_int_equal(load_end(world.load, &rows, &world.error), 0);
	bulk = fake_session_bulk(&size);
	at = memmem(bulk, size, "\xd1\1\0\0\0", 5);
	assert_non_null(at);
	assert_memory_equal(at + 5 + 8, "\0\4\0\0vv", 6);
	at += 5 + 8 + (4 + 1024) * 2;
	assert_memory_equal(at, "\xc4\1\0\0vv", 6);
	at += 4 + 452;
	assert_memory_equal(at,
		"\0\0\0\0"
		"\0"
		"\xd1\2\0\0\0",
		10);
	assert_memory_equal(bulk + size - 4 - 1 - 4 - 1, "\1\0\0\0v\0\0\0\0\0", 10);
	free_world(&world);
}

static void a_piece_that_is_missing_short_or_too_many_is_damage(void **state)
{
	uint8_t value[2500] = { 0 };

	(void)state;
	for (int wrong = 0; wrong < 5; wrong++) {
		struct world world;
		const struct chunk *rows, *piece;
		uint64_t count;
		int result;
		make_world(&world);
		add_row(&world, 1, value, sizeof value);
		finish(&world);
		assert_int_equal(world.chunks.count, 4);
		rows = &world.chunks.chunks[3];
		piece = &world.chunks.chunks[0];
		open_load(&world);
		result = wrong == 0 ? send_one(&world, piece) : send_one(&world, rows);
		if (wrong == 1)
			result = send_one(&world, rows);
		for (int i = 0; wrong >= 2 && result == 0 && i < (wrong == 2 ? 2 : 3); i++)
			result = load_chunk(world.load, CHUNK_VALUE, world.chunks.chunks[i].bytes,
				world.chunks.chunks[i].size - (wrong == 3 && i == 2), &world.error);
		if (wrong == 2)
			result = load_end(world.load, &count, &world.error);
		if (wrong == 4)
			result = send_one(&world, piece);
		assert_int_equal(result, -EIO);
		assert_int_equal(world.error.kind, SQL_ERROR_SNAPSHOT);
		assert_string_equal(world.error.object, "[dbo].[t]");
		free_world(&world);
	}
}

static void a_server_that_counts_other_rows_is_found_out(void **state)
{
	struct world world;
	uint64_t rows;

	(void)state;
	make_world(&world);
	add_row(&world, 1, "hi", 2);
	finish(&world);
	open_load(&world);
	fake_session_count(2);
	assert_int_equal(send_all(&world), 0);
	assert_int_equal(load_end(world.load, &rows, &world.error), -EIO);
	assert_int_equal(world.error.kind, SQL_ERROR_DIFFERS);
	free_world(&world);
}

static void no_rows_are_no_load(void **state)
{
	struct world world;
	uint64_t rows = 1;

	(void)state;
	make_world(&world);
	finish(&world);
	open_load(&world);
	assert_int_equal(send_all(&world), 0);
	assert_int_equal(load_end(world.load, &rows, &world.error), 0);
	assert_int_equal(rows, 0);
	assert_null(strstr(fake_session_said(), "INSERT BULK"));
	free_world(&world);
}

static void many_rows_go_in_several_loads(void **state)
{
	const uint32_t many = 2 * LOAD_BATCH_ROWS + 20000;
	struct world world;
	size_t loads;

	(void)state;
	make_world(&world);
	for (uint32_t i = 0; i < many; i++)
		add_row(&world, i, NULL, 0);
	finish(&world);
	/* The fake's buffer is for bytes to look at; here they are too many, so a batch is measured chunk by chunk. */
	open_load(&world);
	for (size_t i = 0; i < world.chunks.count; i++) {
		size_t before = fake_session_bulk_loads();
		fake_session_count(0);
		assert_int_equal(world.chunks.chunks[i].kind, CHUNK_ROWS);
		if (send_one(&world, &world.chunks.chunks[i]) < 0)
			break;
		assert_int_equal(fake_session_bulk_loads(), before);
	}
	/* The first batch ended after LOAD_BATCH_ROWS: the fake counted none of them. */
	loads = fake_session_bulk_loads();
	assert_int_equal(loads, 1);
	assert_int_equal(world.error.kind, SQL_ERROR_DIFFERS);
	assert_non_null(strstr(world.error.detail, "rows were sent"));
	free_world(&world);
}

static void a_load_between_rows_can_be_given_up(void **state)
{
	struct world world;
	uint8_t value[2500] = { 0 };

	(void)state;
	make_world(&world);
	add_row(&world, 1, "hi", 2);
	finish(&world);
	open_load(&world);
	fake_session_count(1);
	assert_int_equal(send_all(&world), 0);
	assert_int_equal(load_abandon(world.load, &world.error), 0);
	assert_int_equal(fake_session_bulk_loads(), 1);
	free_world(&world);

	make_world(&world);
	add_row(&world, 1, value, sizeof value);
	finish(&world);
	open_load(&world);
	assert_int_equal(send_one(&world, &world.chunks.chunks[3]), 0);
	assert_int_equal(load_abandon(world.load, &world.error), -EIO);
	assert_int_equal(fake_session_bulk_loads(), 0);
	free_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_go_out_without_what_the_server_makes),
		cmocka_unit_test(long_values_are_streamed_piece_by_piece_within_their_row),
		cmocka_unit_test(a_piece_that_is_missing_short_or_too_many_is_damage),
		cmocka_unit_test(a_server_that_counts_other_rows_is_found_out),
		cmocka_unit_test(no_rows_are_no_load),
		cmocka_unit_test(many_rows_go_in_several_loads),
		cmocka_unit_test(a_load_between_rows_can_be_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
