/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden vectors: the same rows make the same chunks on every architecture and in every version. Where the format is
 * meant to change, COFFRET_GOLDEN=write writes tests/golden/rowgroup_bytes.txt and rowgroup_names.txt anew. What was
 * written before there was the second format, rowgroup_bytes_1.txt, is read for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/rowgroup_hostile.h"
#include "tests/support/table_rows.h"

#define TEXT_MAX 200000

static char *text;
static size_t text_size;

static int make_text(void **state)
{
	(void)state;
	text = malloc(TEXT_MAX);
	return text ? 0 : -1;
}

static int free_text(void **state)
{
	(void)state;
	free(text);
	return 0;
}

static void print_hex(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		text_size += (size_t)snprintf(text + text_size, TEXT_MAX - text_size, "%02x", bytes[i]);
	text_size += (size_t)snprintf(text + text_size, TEXT_MAX - text_size, "\n");
}

static void compare(const char *path)
{
	const char *write = getenv("COFFRET_GOLDEN");
	FILE *file = fopen(path, write ? "wb" : "rb");
	char *golden = malloc(TEXT_MAX);

	assert_non_null(file);
	assert_non_null(golden);
	if (write) {
		assert_int_equal(fwrite(text, 1, text_size, file), text_size);
	} else {
		assert_int_equal(fread(golden, 1, TEXT_MAX, file), text_size);
		assert_memory_equal(golden, text, text_size);
	}
	fclose(file);
	free(golden);
}

static void print_names(const char *what, const struct chunk_list *list, const struct table_digest *digest)
{
	text_size += (size_t)snprintf(text + text_size, TEXT_MAX - text_size, "%s, digest ", what);
	print_hex(digest->sum, sizeof(digest->sum));
	for (size_t i = 0; i < list->count; i++) {
		const struct chunk *chunk = &list->chunks[i];

		text_size += (size_t)snprintf(text + text_size, TEXT_MAX - text_size, "%s rows %u bytes %zu SHA-256 ",
			chunk->kind == CHUNK_ROWS ? "rows " : "value", chunk->rows, chunk->size);
		print_hex(chunk->name, sizeof(chunk->name));
	}
}

static void add_rows(const char *what, const struct layout *layout, const struct rowgroup_params *params,
	struct row **rows, size_t count)
{
	struct chunk_list list;
	struct table_digest digest;

	rows_write(layout, params, rows, count, &list, &digest);
	print_names(what, &list, &digest);
	chunk_list_free(&list);
	rows_free(rows, count);
}

/* Messages whose times have some unpredictable bits. */
static struct row **rows_in_planes(size_t count)
{
	struct random random = { count };
	struct row **rows = malloc(count * sizeof(*rows));

	assert_non_null(rows);
	for (size_t i = 0; i < count; i++) {
		uint8_t room[4] = { (uint8_t)(i / 700) }, number[8] = { 0 }, time[8] = { 0 };
		uint64_t n = i * 40000000 + random_below(&random, 30000000);

		for (size_t b = 0; b < 8; b++)
			number[b] = (uint8_t)(n >> 8 * b);
		for (size_t b = 0; b < 3; b++)
			time[4 + b] = (uint8_t)(random_below(&random, 25920000) >> 8 * b);
		time[6] = time[6] > 100 ? 100 : time[6];
		rows[i] = row_copy((const struct value[]){ { room, 4 }, { number, 8 }, { time, 8 }, { "a\0", 2 } }, 4);
	}
	return rows;
}

static void add_names(
	const char *what, const struct layout *layout, const struct rowgroup_params *params, size_t count, size_t size_max)
{
	add_rows(what, layout, params, rows_random(count, layout, count, size_max), count);
}

static void chunks_have_the_names_that_they_always_had(void **state)
{
	struct rowgroup_params params = rowgroup_params_default, least = hostile_params;
	struct column columns[HOSTILE_COLUMNS];
	struct layout layout;

	(void)state;
	params.seed[7] = 77;
	params.least_bytes = 0; /* as in repositories from before there was such a limit */
	least.least_bytes = hostile_params.max_bytes / 8;
	text_size = 0;
	hostile_layout(0, columns, &layout);
	add_names("every type, small limits", &layout, &hostile_params, 120, 600);
	add_names("every type, default limits", &layout, &params, 500, 30000);
	hostile_layout(1, columns, &layout);
	add_names("a key of two columns, small limits", &layout, &hostile_params, 1000, 100);
	add_names("a key of two columns, a least size", &layout, &least, 1000, 100);
	add_names("one key, default limits", &table_rows_layout, &params, 6000, 100);
	params.least_bytes = rowgroup_params_default.least_bytes;
	add_names("one key, all defaults", &table_rows_layout, &params, 6000, 100);
	add_rows("text beside text, all defaults", &table_beside_layout, &params, rows_beside(7, 3000, 400), 3000);
	hostile_layout(1, columns, &layout);
	add_rows("numbers in planes, all defaults", &layout, &params, rows_in_planes(3000), 3000);
	compare("tests/golden/rowgroup_names.txt");
}

/* The rows of one line or a few of the bytes below. */
static struct row **few_rows(unsigned int number, const struct layout *layout, size_t count)
{
	return number == 3 ? rows_beside(count, count, 60) : rows_random(count, layout, count, 20);
}

/* Few enough bytes to be read beside FORMAT.md. */
static void small_chunks_have_the_bytes_that_they_always_had(void **state)
{
	struct column columns[HOSTILE_COLUMNS];
	struct layout layout;

	(void)state;
	text_size = 0;
	for (unsigned int number = 0; number < HOSTILE_LAYOUTS; number++) {
		hostile_layout(number, columns, &layout);
		for (size_t count = 1; count <= 9; count *= 3) {
			struct row **rows = few_rows(number, &layout, count);
			struct chunk_list list;
			struct table_digest digest;

			rows_write(&layout, &hostile_params, rows, count, &list, &digest);
			for (size_t i = 0; i < list.count; i++)
				print_hex(list.chunks[i].bytes, list.chunks[i].size);
			chunk_list_free(&list);
			rows_free(rows, count);
		}
	}
	compare("tests/golden/rowgroup_bytes.txt");
}

/* Reads a line of the file as a chunk. */
static void take_line(FILE *file, struct chunk_list *list, const struct chunk *like)
{
	static char line[TEXT_MAX];
	static uint8_t bytes[TEXT_MAX / 2];
	size_t size = 0;
	unsigned int byte;

	assert_non_null(fgets(line, sizeof(line), file));
	for (; sscanf(line + 2 * size, "%2x", &byte) == 1; size++)
		bytes[size] = (uint8_t)byte;
	if (like->kind == CHUNK_ROWS)
		assert_int_equal(bytes[0], 1);
	assert_int_equal(chunk_list_emit(list, like->kind, bytes, size, like->rows), 0);
}

static void chunks_of_the_first_format_are_read_as_they_were_written(void **state)
{
	FILE *file = fopen("tests/golden/rowgroup_bytes_1.txt", "rb");
	struct column columns[HOSTILE_COLUMNS];
	struct layout layout;

	(void)state;
	assert_non_null(file);
	for (unsigned int number = 0; number < 3; number++) {
		hostile_layout(number, columns, &layout);
		for (size_t count = 1; count <= 9; count *= 3) {
			struct row **rows = few_rows(number, &layout, count);
			struct chunk_list now, then = { .count = 0 };
			struct table_digest digest;

			rows_write(&layout, &hostile_params, rows, count, &now, &digest);
			for (size_t i = 0; i < now.count; i++)
				take_line(file, &then, &now.chunks[i]);
			rows_expect(&layout, &hostile_params, rows, count, &then, &digest);
			chunk_list_free(&now);
			chunk_list_free(&then);
			rows_free(rows, count);
		}
	}
	assert_int_equal(fgetc(file), EOF);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_have_the_names_that_they_always_had),
		cmocka_unit_test(small_chunks_have_the_bytes_that_they_always_had),
		cmocka_unit_test(chunks_of_the_first_format_are_read_as_they_were_written),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
