/* SPDX-License-Identifier: Apache-2.0 */
/* What goes in comes out: values of every type, digests, errors. Large values: test_large.c; cuts: test_boundary.c. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/table_rows.h"

static const uint16_t first_column = 0;

/* ---- round trips ---- */

static void every_type_comes_back_bit_for_bit(void **state)
{
	(void)state;
	for (int type = COLUMN_BIT; type <= COLUMN_UDT; type++) {
		for (size_t count = 1; count <= 243; count *= 3) {
			const struct column column = { (enum column_type)type, false };
			const struct layout layout = { &column, 1, &first_column, count % 2 };
			struct row **rows = rows_random(count + (uint64_t)type, &layout, count, 1500);

			rows_round_trip(&layout, &table_rows_small, rows, count);
			rows_free(rows, count);
		}
	}
}

static void tables_of_many_shapes_come_back(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 60; seed++) {
		struct random random = { seed };
		struct column columns[12];
		uint16_t key[] = { (uint16_t)random_below(&random, 3), 3 };
		struct layout layout = { columns, 4 + random_below(&random, 9), key, random_below(&random, 3) };

		for (size_t i = 0; i < layout.column_count; i++)
			columns[i] = (struct column){ (enum column_type)(1 + random_below(&random, COLUMN_UDT)),
				random_below(&random, 10) == 0 };

		struct row **rows = rows_random(seed, &layout, 400, 900);

		rows_round_trip(&layout, &table_rows_small, rows, 400);
		rows_free(rows, 400);
	}
}

/* One value in each of many rows makes each form of a section: the same, few, even, ordered, scattered ones. */
static void values_with_a_pattern_come_back(void **state)
{
	static const enum column_type types[] = { COLUMN_BIGINT, COLUMN_DECIMAL, COLUMN_DATETIME2, COLUMN_FLOAT,
		COLUMN_NVARCHAR, COLUMN_VARCHAR, COLUMN_CHAR };

	(void)state;
	for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++) {
		for (uint64_t pattern = 0; pattern < 6; pattern++) {
			const struct column column = { types[t], false };
			const struct layout layout = { &column, 1, NULL, 0 };
			struct row *rows[200];
			struct random random = { pattern + 1 };

			for (uint64_t i = 0; i < 200; i++) {
				uint64_t n[] = { 7, i, i % 5, random_below(&random, 50), random_next(&random), i * 1000000 };
				uint8_t bytes[17] = { (uint8_t)(types[t] == COLUMN_DECIMAL) };
				size_t width = column_type_size(types[t]);
				struct value value = { bytes, width ? width : pattern == 5 && i % 2 ? 8u : 6u };

				memcpy(bytes + (width == 17), &n[pattern], 5);
				rows[i] = row_copy(&value, 1);
			}
			rows_round_trip(&layout, &table_rows_small, rows, 200);
			for (size_t i = 0; i < 200; i++)
				free(rows[i]);
		}
	}
}

/* Values that look alike once some are UTF-8 and some are not: of one length, or the very same bytes. */
static void text_of_two_kinds_is_not_mistaken(void **state)
{
	static const struct value even[] = { { "a\0b\0", 4 }, { "\x00\xd8", 2 } };
	static const struct value alike[] = { { "A\0\x00\x06\0\0", 6 }, { "A\xd8\x80\0", 4 } };
	const struct column column = { COLUMN_NVARCHAR, false };
	const struct layout layout = { &column, 1, NULL, 0 };

	(void)state;
	for (size_t count = 2; count <= 40; count += 19) {
		struct row *rows[40], *others[40];

		for (size_t i = 0; i < count; i++) {
			rows[i] = row_copy(&even[i % 2], 1);
			others[i] = row_copy(&alike[i % 2], 1);
		}
		rows_round_trip(&layout, &table_rows_small, rows, count);
		rows_round_trip(&layout, &table_rows_small, others, count);
		for (size_t i = 0; i < count; i++) {
			free(rows[i]);
			free(others[i]);
		}
	}
}

static size_t bytes_of(const struct chunk_list *list, unsigned int *second)
{
	size_t bytes = 0;

	for (size_t i = 0; i < list->count; i++) {
		bytes += list->chunks[i].size;
		*second += list->chunks[i].kind == CHUNK_ROWS && list->chunks[i].bytes[0] == 2;
	}
	return bytes;
}

/* Rich text and quotes cost little beside the text that they repeat; and all of it comes back. */
static void text_beside_text_comes_back_and_is_short(void **state)
{
	struct layout alone = table_beside_layout;
	struct table_digest digest;

	(void)state;
	alone.column_count = 2;
	for (size_t size = 16; size <= 2048; size *= 2) {
		struct row **rows = rows_beside(size, 400, size);
		struct chunk_list all, first;
		unsigned int second = 0, none = 0;

		rows_round_trip(&table_beside_layout, &table_rows_small, rows, 400);
		rows_write(&table_beside_layout, &rowgroup_params_default, rows, 400, &all, &digest);
		rows_expect(&table_beside_layout, &rowgroup_params_default, rows, 400, &all, &digest);
		for (size_t i = 0; i < 400; i++)
			rows[i]->count = 2;
		rows_write(&alone, &rowgroup_params_default, rows, 400, &first, &digest);
		if (size >= 256)
			assert_true(bytes_of(&all, &second) < bytes_of(&first, &none) * 2);
		assert_true(size < 256 || second);
		assert_int_equal(none, 0);
		chunk_list_free(&all);
		chunk_list_free(&first);
		rows_free(rows, 400);
	}
}

/* A copy goes on where the one before did though it is short; what has nothing in common with text is not beside it. */
static void short_text_is_beside_text_where_longer_is(void **state)
{
	static const char *const texts[] = { "a text that is longer", "a", "", "ok" };
	struct row *rows[200];
	struct chunk_list list;
	struct table_digest digest;
	unsigned int second = 0;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		char text[80] = "", rich[120];

		for (size_t c = 0; texts[i % 4][c]; c++)
			text[2 * c] = texts[i % 4][c];
		snprintf(rich, sizeof(rich), "<p>%s %u</p>", texts[i % 4], i);
		rows[i] = row_copy((const struct value[]){ { &i, 4 }, { text, 2 * strlen(texts[i % 4]) },
							   { rich, strlen(rich) }, { NULL, 0 }, { NULL, 0 } },
			5);
	}
	rows_round_trip(&table_beside_layout, &table_rows_small, rows, 200);
	rows_write(&table_beside_layout, &rowgroup_params_default, rows, 200, &list, &digest);
	assert_true(bytes_of(&list, &second) < 200 * 28);
	for (size_t i = 0; i < 200; i++)
		free(rows[i]);
	chunk_list_free(&list);
}

/* What is left of a column that is beside another may be most of all: it is still not for others to copy from. */
static void text_is_never_beside_text_that_is_beside_other_text(void **state)
{
	struct random random = { 5 };
	struct row *rows[100];

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		char first[200] = "", second[351], third[702] = "";

		for (size_t c = 0; c < 100; c++)
			first[2 * c] = second[c] = (char)('a' + random_below(&random, 26));
		for (size_t c = 100; c < 350; c++)
			second[c] = (char)('a' + random_below(&random, 26));
		for (size_t c = 0; c < 350; c++)
			third[2 * c] = second[c];
		rows[i] = row_copy(
			(const struct value[]){ { &i, 4 }, { first, 200 }, { second, 350 }, { third, 700 }, { NULL, 0 } }, 5);
	}
	rows_round_trip(&table_beside_layout, &rowgroup_params_default, rows, 100);
	for (size_t i = 0; i < 100; i++)
		free(rows[i]);
}

/* Numbers whose low bits are anything: in planes, from the values of each integer type that are long enough. */
static void numbers_in_planes_come_back(void **state)
{
	static const enum column_type types[] = { COLUMN_INT, COLUMN_BIGINT, COLUMN_MONEY, COLUMN_DECIMAL, COLUMN_DATETIME2,
		COLUMN_ROWVERSION, COLUMN_SMALLINT };

	(void)state;
	for (size_t t = 0; t < sizeof(types) / sizeof(*types); t++) {
		for (unsigned int step = 0; step < 40; step += 3) {
			const struct column column = { types[t], false };
			const struct layout layout = { &column, 1, NULL, 0 };
			struct random random = { step + 1 };
			struct chunk_list list;
			struct table_digest digest;
			struct row *rows[200];
			unsigned int second = 0;
			size_t width = column_type_size(types[t]);

			for (uint64_t i = 0; i < 200; i++) {
				uint64_t n = (i << step) + random_below(&random, UINT64_C(1) << (step < 24 ? step : 24));
				uint8_t bytes[17] = { (uint8_t)(types[t] == COLUMN_DECIMAL) };

				for (size_t b = 0; b < width - (width == 17) && b < (types[t] == COLUMN_DATETIME2 ? 4 : 8); b++)
					bytes[b + (width == 17)] = (uint8_t)(n >> 8 * b);
				rows[i] = row_copy(&(struct value){ bytes, width }, 1);
			}
			rows_round_trip(&layout, &table_rows_small, rows, 200);
			rows_write(&layout, &rowgroup_params_default, rows, 200, &list, &digest);
			bytes_of(&list, &second);
			if (types[t] == COLUMN_BIGINT && step > 18 && step < 36)
				assert_true(second > 0);
			chunk_list_free(&list);
			for (size_t i = 0; i < 200; i++)
				free(rows[i]);
		}
	}
}

static void thirty_thousand_columns_come_back(void **state)
{
	static struct column columns[LAYOUT_COLUMNS_MAX];
	static struct value values[LAYOUT_COLUMNS_MAX];
	struct rowgroup_params params = rowgroup_params_default;
	struct layout layout = { columns, LAYOUT_COLUMNS_MAX, &first_column, 1 };
	struct row *rows[40];

	(void)state;
	for (size_t i = 0; i < LAYOUT_COLUMNS_MAX; i++)
		columns[i].type = i % 3 ? COLUMN_INT : COLUMN_NVARCHAR;
	for (size_t r = 0; r < 40; r++) {
		memset(values, 0, sizeof(values));
		for (size_t i = r; i < LAYOUT_COLUMNS_MAX; i += 37)
			values[i] = (struct value){ "abcdefgh", 4 };
		rows[r] = row_copy(values, LAYOUT_COLUMNS_MAX);
	}
	rows_round_trip(&layout, &params, rows, 40);
	for (size_t r = 0; r < 40; r++)
		free(rows[r]);
}

static void no_rows_make_no_chunk(void **state)
{
	struct chunk_list list;
	struct table_digest digest, none = { .rows = 0 };

	(void)state;
	rows_write(&table_rows_layout, &table_rows_small, NULL, 0, &list, &digest);
	assert_int_equal(list.count, 0);
	assert_true(table_digest_equal(&digest, &none));
	chunk_list_free(&list);
}

static void no_chunk_is_longer_than_the_limit(void **state)
{
	struct row **rows = rows_random(5, &table_rows_layout, 3000, 512);
	struct chunk_list list;
	struct table_digest digest;

	(void)state;
	rows_write(&table_rows_layout, &table_rows_small, rows, 3000, &list, &digest);
	for (size_t i = 0; i < list.count; i++) {
		assert_true(list.chunks[i].size <= table_rows_small.max_bytes);
		assert_true(list.chunks[i].rows <= table_rows_small.max_rows);
	}
	chunk_list_free(&list);
	rows_free(rows, 3000);
}

/* ---- digests ---- */

static struct table_digest digest_of(const struct layout *layout, struct row *const *rows, size_t count)
{
	struct chunk_list list;
	struct table_digest digest;

	rows_write(layout, &table_rows_small, rows, count, &list, &digest);
	chunk_list_free(&list);
	return digest;
}

static void the_digest_does_not_depend_on_order(void **state)
{
	struct row **rows = rows_random(3, &table_rows_layout, 100, 900), *reversed[100];

	(void)state;
	for (size_t i = 0; i < 100; i++)
		reversed[i] = rows[99 - i];

	struct table_digest a = digest_of(&table_rows_layout, rows, 100), b = digest_of(&table_rows_layout, reversed, 100);
	struct table_digest c = digest_of(&table_rows_layout, rows, 60),
						rest = digest_of(&table_rows_layout, rows + 60, 40);

	assert_true(table_digest_equal(&a, &b));
	assert_false(table_digest_equal(&a, &c));
	table_digest_add(&c, &rest);
	assert_true(table_digest_equal(&a, &c));
	rows_free(rows, 100);
}

static void rows_that_differ_have_digests_that_differ(void **state)
{
	static const uint8_t large[600] = { 0 }, other[600] = { [599] = 1 };
	const struct value cases[][4] = {
		{ { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
		{ { NULL, 0 }, { "", 0 }, { NULL, 0 }, { NULL, 0 } },
		{ { NULL, 0 }, { NULL, 0 }, { "", 0 }, { NULL, 0 } },
		{ { NULL, 0 }, { NULL, 0 }, { "\0", 1 }, { NULL, 0 } },
		{ { NULL, 0 }, { NULL, 0 }, { "\0\0", 2 }, { NULL, 0 } },
		{ { "\0\0\0\0", 4 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
		{ { NULL, 0 }, { NULL, 0 }, { "ab", 2 }, { "c", 1 } },
		{ { NULL, 0 }, { NULL, 0 }, { "a", 1 }, { "bc", 2 } },
		{ { NULL, 0 }, { NULL, 0 }, { "abcdefgh", 8 }, { "i", 1 } },
		{ { NULL, 0 }, { NULL, 0 }, { "abcdefg", 7 }, { "hi", 2 } },
		{ { NULL, 0 }, { NULL, 0 }, { large, 600 }, { NULL, 0 } },
		{ { NULL, 0 }, { NULL, 0 }, { large, 598 }, { NULL, 0 } },
		{ { NULL, 0 }, { NULL, 0 }, { other, 600 }, { NULL, 0 } },
		{ { NULL, 0 }, { large, 600 }, { NULL, 0 }, { NULL, 0 } },
	};
	struct table_digest digests[sizeof(cases) / sizeof(*cases)];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct row *row = row_copy(cases[i], 4);

		digests[i] = digest_of(&table_rows_layout, &row, 1);
		free(row);
		for (size_t j = 0; j < i; j++)
			assert_false(table_digest_equal(&digests[i], &digests[j]));
	}
}

static void derived_columns_do_not_count(void **state)
{
	const struct column columns[] = { { COLUMN_INT, false }, { COLUMN_INT, true }, { COLUMN_ROWVERSION, false } };
	const struct layout layout = { columns, 3, NULL, 0 };
	const struct value values[][3] = {
		{ { "1234", 4 }, { "5678", 4 }, { "abcdefgh", 8 } },
		{ { "1234", 4 }, { NULL, 0 }, { "hgfedcba", 8 } },
		{ { "1235", 4 }, { "5678", 4 }, { "abcdefgh", 8 } },
	};
	struct table_digest digests[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct row *row = row_copy(values[i], 3);

		digests[i] = digest_of(&layout, &row, 1);
		free(row);
	}
	assert_true(table_digest_equal(&digests[0], &digests[1]));
	assert_false(table_digest_equal(&digests[0], &digests[2]));
}

static void another_seed_makes_another_digest(void **state)
{
	struct row **rows = rows_random(3, &table_rows_layout, 10, 100);
	struct rowgroup_params params = table_rows_small;
	struct table_digest a = digest_of(&table_rows_layout, rows, 10), b;
	struct chunk_list list;

	(void)state;
	params.seed[15] = 1;
	rows_write(&table_rows_layout, &params, rows, 10, &list, &b);
	assert_false(table_digest_equal(&a, &b));
	chunk_list_free(&list);
	rows_free(rows, 10);
}

/* ---- errors ---- */

static int refuse(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows)
{
	int *calls = arg;

	(void)kind;
	(void)bytes;
	(void)size;
	(void)rows;
	return --*calls < 0 ? -ENOSPC : 0;
}

static void an_error_of_the_callback_ends_the_writer(void **state)
{
	struct row **rows = rows_random(11, &table_rows_layout, 600, 1200);
	int allowed = 0, failures = 0, error;

	(void)state;
	do {
		struct rowgroup_writer *writer;
		struct table_digest digest;
		int calls = allowed++;

		assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &table_rows_small, refuse, &calls), 0);
		error = 0;
		for (size_t i = 0; i < 600 && !error; i++)
			error = rowgroup_row(writer, rows[i]->values);
		error = rowgroup_finish(writer, &digest);
		assert_true(error == 0 || error == -ENOSPC);
		failures += error != 0;
		rowgroup_free(writer);
	} while (error);
	assert_true(failures > 20);
	rows_free(rows, 600);
}

static void a_size_that_the_type_does_not_have_is_refused(void **state)
{
	const struct value wrong[][4] = {
		{ { "123", 3 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
		{ { "12345", 5 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
		{ { "", 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 } },
		{ { "1234", 4 }, { "odd", 3 }, { NULL, 0 }, { NULL, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct chunk_list list = { 0 };
		struct rowgroup_writer *writer;

		assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &table_rows_small, chunk_list_emit, &list), 0);
		assert_int_equal(rowgroup_row(writer, wrong[i]), -EINVAL);
		rowgroup_free(writer);
	}
}

static void params_and_layouts_without_sense_are_refused(void **state)
{
	struct rowgroup_writer *writer;
	struct column column = { COLUMN_INT, false };
	uint16_t key = 1;
	struct layout layout = { &column, 1, &key, 1 };
	struct rowgroup_params params = { .seed = { 1 } };

	(void)state;
	assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &params, refuse, NULL), -EINVAL);
	assert_int_equal(rowgroup_create(&writer, &layout, &table_rows_small, refuse, NULL), -EINVAL);
	layout.key_count = 0;
	column.type = (enum column_type)99;
	assert_int_equal(rowgroup_create(&writer, &layout, &table_rows_small, refuse, NULL), -EINVAL);
	rowgroup_free(NULL);
	rowgroup_reader_free(NULL);
}

/* ---- some rows of a chunk ---- */

/* A chunk of the rows of `chunk` that `some` names; the values that they refer to stay where they are. */
static void write_again(const struct chunk *chunk, const bool *some, struct chunk_list *list)
{
	struct rowgroup_value values[4];
	struct rowgroup_writer *writer;
	struct rowgroup_reader *reader;

	*list = (struct chunk_list){ .count = 0 };
	assert_int_equal(rowgroup_create(&writer, &table_rows_layout, &table_rows_small, chunk_list_emit, list), 0);
	assert_int_equal(rowgroup_open(&reader, &table_rows_layout, &table_rows_small, chunk->bytes, chunk->size), 0);
	for (uint32_t i = 0; rowgroup_next(reader, values) == 1; i++)
		if (some[i])
			assert_int_equal(rowgroup_again(writer, values), 0);
	rowgroup_reader_free(reader);
	assert_int_equal(rowgroup_cut(writer), 0);
	assert_int_equal(rowgroup_cut(writer), 0); /* nothing is left */
	rowgroup_free(writer);
}

/* Those rows of the chunk, and no others, digests and references too. */
static void expect_some(const struct chunk *chunk, const bool *some, const struct chunk *made)
{
	struct rowgroup_value all[4], again[4];
	struct rowgroup_reader *reader, *other;
	struct table_digest digest;
	uint8_t a[16], b[16];

	assert_int_equal(rowgroup_open(&reader, &table_rows_layout, &table_rows_small, chunk->bytes, chunk->size), 0);
	assert_int_equal(rowgroup_open(&other, &table_rows_layout, &table_rows_small, made->bytes, made->size), 0);
	for (uint32_t i = 0; rowgroup_next(reader, all) == 1; i++) {
		if (!some[i])
			continue;
		assert_int_equal(rowgroup_next(other, again), 1);
		rowgroup_row_hash(reader, a);
		rowgroup_row_hash(other, b);
		assert_memory_equal(a, b, 16);
		for (size_t c = 0; c < 4; c++) {
			assert_int_equal(all[c].large, again[c].large);
			if (all[c].large)
				assert_true(all[c].size == again[c].size && all[c].pieces == again[c].pieces);
			else
				assert_true(value_equal(&all[c].value, &again[c].value));
		}
	}
	assert_int_equal(rowgroup_next(other, again), 0);
	assert_int_equal(rowgroup_digest(other, &digest), 0);
	rowgroup_reader_free(reader);
	rowgroup_reader_free(other);
}

static void some_rows_of_a_chunk_are_a_chunk(void **state)
{
	struct random random = { 11 };
	struct row **rows = rows_random(3, &table_rows_layout, 600, 2000);
	struct chunk_list list, made;
	struct table_digest digest;
	bool some[256];
	size_t values = 0;

	(void)state;
	rows_write(&table_rows_layout, &table_rows_small, rows, 600, &list, &digest);
	for (size_t i = 0; i < list.count; i++) {
		const struct chunk *chunk = &list.chunks[i];
		values += chunk->kind == CHUNK_VALUE;
		if (chunk->kind != CHUNK_ROWS)
			continue;
		for (int share = 0; share < 4; share++) {
			size_t count = 0;
			for (uint32_t row = 0; row < chunk->rows; row++)
				count += some[row] = share == 0 || (share < 3 && random_below(&random, 5) < (uint64_t)share * 2);
			write_again(chunk, some, &made);
			assert_int_equal(made.count, count != 0); /* one chunk, no value chunk */
			if (share == 0) {
				assert_int_equal(made.chunks[0].size, chunk->size);
				assert_memory_equal(made.chunks[0].bytes, chunk->bytes, chunk->size);
			}
			if (count) {
				assert_int_equal(made.chunks[0].rows, count);
				expect_some(chunk, some, &made.chunks[0]);
			}
			chunk_list_free(&made);
		}
	}
	assert_true(values > 10);
	chunk_list_free(&list);
	rows_free(rows, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_comes_back_bit_for_bit),
		cmocka_unit_test(tables_of_many_shapes_come_back),
		cmocka_unit_test(values_with_a_pattern_come_back),
		cmocka_unit_test(text_of_two_kinds_is_not_mistaken),
		cmocka_unit_test(text_beside_text_comes_back_and_is_short),
		cmocka_unit_test(short_text_is_beside_text_where_longer_is),
		cmocka_unit_test(text_is_never_beside_text_that_is_beside_other_text),
		cmocka_unit_test(numbers_in_planes_come_back),
		cmocka_unit_test(thirty_thousand_columns_come_back),
		cmocka_unit_test(no_rows_make_no_chunk),
		cmocka_unit_test(no_chunk_is_longer_than_the_limit),
		cmocka_unit_test(the_digest_does_not_depend_on_order),
		cmocka_unit_test(rows_that_differ_have_digests_that_differ),
		cmocka_unit_test(derived_columns_do_not_count),
		cmocka_unit_test(another_seed_makes_another_digest),
		cmocka_unit_test(an_error_of_the_callback_ends_the_writer),
		cmocka_unit_test(a_size_that_the_type_does_not_have_is_refused),
		cmocka_unit_test(params_and_layouts_without_sense_are_refused),
		cmocka_unit_test(some_rows_of_a_chunk_are_a_chunk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
