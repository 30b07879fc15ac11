/* SPDX-License-Identifier: Apache-2.0 */
/* Values that leave their rows: whole or in pieces, because they are large or because the row is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/table_rows.h"

/* Writes one row whose columns 1 and 2 come in pieces of `step` bytes (0: whole). */
static void write_large(size_t size, size_t step, struct chunk_list *list, struct table_digest *digest)
{
	static uint8_t bytes[5000];
	struct rowgroup_writer *writer;
	struct value values[] = { { "\1\0\0\0", 4 }, { bytes, size }, { bytes, size }, { "end", 3 } };

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * i >> 3);
	*list = (struct chunk_list){ 0 };
	assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &table_rows_small, chunk_list_emit, list), 0);
	for (uint16_t column = 1; column <= 2 && step; column++) {
		assert_int_equal(rowgroup_value(writer, column, bytes, 0), 0);
		for (size_t at = 0; at < size; at += step)
			assert_int_equal(rowgroup_value(writer, column, bytes + at, size - at < step ? size - at : step), 0);
		values[column] = (struct value){ 0 };
	}
	assert_int_equal(rowgroup_row(writer, values), 0);
	assert_int_equal(rowgroup_finish(writer, digest), 0);
	rowgroup_free(writer);
	values[1] = values[2] = (struct value){ bytes, size };

	struct row *row = row_copy(values, 4);

	rows_expect(&table_rows_layout, &table_rows_small, &row, 1, list, digest);
	free(row);
}

static void a_value_is_the_same_whole_or_in_pieces(void **state)
{
	static const size_t sizes[] = { 0, 2, 100, 510, 512, 514, 998, 1000, 1002, 2000, 4444 };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		struct chunk_list whole, pieces;
		struct table_digest digest, again;

		write_large(sizes[s], 0, &whole, &digest);
		assert_int_equal(whole.count, sizes[s] <= 512 ? 1 : 1 + 2 * ((sizes[s] + 999) / 1000));
		for (size_t step = 1; step <= 1000; step += 37) {
			write_large(sizes[s], step, &pieces, &again);
			assert_true(chunk_list_equal(&whole, &pieces));
			assert_true(table_digest_equal(&digest, &again));
			chunk_list_free(&pieces);
		}
		chunk_list_free(&whole);
	}
}

static void large_values_in_every_row_come_back(void **state)
{
	struct row **rows = rows_random(9, &table_rows_layout, 300, 3000);

	(void)state;
	rows_round_trip(&table_rows_layout, &table_rows_small, rows, 300);
	rows_free(rows, 300);
}

static void a_whole_large_value_may_not_precede_one_in_pieces(void **state)
{
	static const uint8_t bytes[2000];
	struct value values[] = { { "\1\0\0\0", 4 }, { bytes, 2000 }, { NULL, 0 }, { "end", 3 } };
	struct rowgroup_writer *writer;
	struct chunk_list list = { 0 };

	(void)state;
	assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &table_rows_small, chunk_list_emit, &list), 0);
	assert_int_equal(rowgroup_value(writer, 2, bytes, 1000), 0);
	assert_int_equal(rowgroup_row(writer, values), -EINVAL);
	assert_int_equal(rowgroup_row(writer, values), -EINVAL);
	rowgroup_free(writer);

	assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &table_rows_small, chunk_list_emit, &list), 0);
	assert_int_equal(rowgroup_value(writer, 2, bytes, 1000), 0);
	assert_int_equal(rowgroup_value(writer, 1, bytes, 1000), -EINVAL);
	rowgroup_free(writer);
	chunk_list_free(&list);
}

/* More short values in pieces than one row could hold, in many rows. */
static void short_values_in_pieces_do_not_pile_up(void **state)
{
	struct rowgroup_writer *writer;
	struct chunk_list list = { 0 };
	struct table_digest digest;
	uint8_t bytes[500] = { 0 };

	(void)state;
	assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &table_rows_small, chunk_list_emit, &list), 0);
	for (size_t i = 0; i < 100; i++) {
		assert_int_equal(rowgroup_value(writer, 2, bytes, sizeof(bytes)), 0);
		assert_int_equal(rowgroup_row(writer, (struct value[4]){ { NULL, 0 } }), 0);
	}
	assert_int_equal(rowgroup_finish(writer, &digest), 0);
	assert_int_equal(digest.rows, 100);
	rowgroup_free(writer);
	chunk_list_free(&list);
}

static void pieces_without_their_row_are_refused(void **state)
{
	struct rowgroup_writer *writer;
	struct table_digest digest;
	struct chunk_list list = { 0 };

	(void)state;
	assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &table_rows_small, chunk_list_emit, &list), 0);
	assert_int_equal(rowgroup_value(writer, 2, "abc", 3), 0);
	assert_int_equal(rowgroup_finish(writer, &digest), -EINVAL);
	rowgroup_free(writer);
	chunk_list_free(&list);
}

/* ---- wide rows ---- */

#define WIDE 60

static size_t values_of(const struct chunk_list *list)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->chunks[i].kind == CHUNK_VALUE;
	return count;
}

/* Three rows of values of three sizes, and of two large ones each if asked for. Returns how many pieces left them. */
static size_t write_wide(size_t size, bool large, struct chunk_list *list)
{
	struct column columns[WIDE];
	struct layout layout = { columns, WIDE, NULL, 0 };
	struct value values[WIDE];
	static uint8_t bytes[WIDE][1500];
	struct row *rows[3];
	struct table_digest digest;

	for (size_t r = 0; r < 3; r++) {
		for (size_t i = 0; i < WIDE; i++) {
			columns[i] = (struct column){ COLUMN_VARBINARY, false };
			memset(bytes[i], (int)(r * WIDE + i), sizeof(bytes[i]));
			values[i] = (struct value){ bytes[i], i % 30 == 20 && large ? 1500 : size * (1 + i % 3) };
		}
		rows[r] = row_copy(values, WIDE);
	}
	rows_write(&layout, &table_rows_small, rows, 3, list, &digest);
	rows_expect(&layout, &table_rows_small, rows, 3, list, &digest);
	for (size_t r = 0; r < 3; r++)
		free(rows[r]);
	return values_of(list);
}

static void a_row_of_many_middling_values_sheds_some(void **state)
{
	struct chunk_list list;

	(void)state;
	assert_int_equal(write_wide(50, false, &list), 0); /* 50, 100 and 150 bytes: all fit */
	chunk_list_free(&list);
	assert_int_equal(write_wide(80, false, &list), 3 * WIDE * 2 / 3); /* those of more than 128 bytes have to go */
	chunk_list_free(&list);
	assert_int_equal(write_wide(170, false, &list), 3 * WIDE * 2 / 3); /* those of more than 256, and no others */
	chunk_list_free(&list);
	/* Two values of two pieces go first, though there are columns before them whose values go, too. */
	assert_int_equal(write_wide(170, true, &list), 3 * (2 * 2 + WIDE * 2 / 3 - 2));
	chunk_list_free(&list);
}

/* Writes a row of `count` values of `size` bytes each; 0 is NULL. */
static int write_many(size_t count, size_t size, const struct rowgroup_params *params)
{
	static struct column columns[LAYOUT_COLUMNS_MAX];
	static struct value values[LAYOUT_COLUMNS_MAX];
	struct layout layout = { columns, count, NULL, 0 };
	struct rowgroup_writer *writer;
	struct chunk_list list = { 0 };

	for (size_t i = 0; i < count; i++) {
		columns[i] = (struct column){ size == 8 ? COLUMN_BIGINT : COLUMN_VARCHAR, false };
		values[i] = (struct value){ size ? "abcdefghijklmnopqrstuvwxyz" : NULL, size };
	}
	assert_int_equal(rowgroup_create(&writer, &layout, params, chunk_list_emit, &list), 0);

	int error = rowgroup_row(writer, values);

	rowgroup_free(writer);
	assert_int_equal(list.count, 0);
	return error;
}

static void a_row_that_no_chunk_can_hold_is_refused(void **state)
{
	(void)state;
	assert_int_equal(write_many(300, 8, &table_rows_small), 0);
	assert_int_equal(write_many(3000, 8, &table_rows_small), -E2BIG);
	assert_int_equal(write_many(3000, 26, &table_rows_small), -E2BIG);
	assert_int_equal(write_many(LAYOUT_COLUMNS_MAX, 0, &table_rows_small), -E2BIG);
	assert_int_equal(write_many(LAYOUT_COLUMNS_MAX, 0, &rowgroup_params_default), 0);
	assert_int_equal(write_many(LAYOUT_COLUMNS_MAX, 8, &rowgroup_params_default), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_the_same_whole_or_in_pieces),
		cmocka_unit_test(large_values_in_every_row_come_back),
		cmocka_unit_test(a_whole_large_value_may_not_precede_one_in_pieces),
		cmocka_unit_test(short_values_in_pieces_do_not_pile_up),
		cmocka_unit_test(pieces_without_their_row_are_refused),
		cmocka_unit_test(a_row_of_many_middling_values_sheds_some),
		cmocka_unit_test(a_row_that_no_chunk_can_hold_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
