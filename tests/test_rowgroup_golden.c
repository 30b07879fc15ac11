/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Golden vectors: the same rows make the same chunks on every architecture and in every version. Where the format is
 * meant to change, COFFRET_GOLDEN=write writes tests/golden/rowgroup_*.txt anew.
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

static void add_names(
	const char *what, const struct layout *layout, const struct rowgroup_params *params, size_t count, size_t size_max)
{
	struct row **rows = rows_random(count, layout, count, size_max);
	struct chunk_list list;
	struct table_digest digest;

	rows_write(layout, params, rows, count, &list, &digest);
	print_names(what, &list, &digest);
	chunk_list_free(&list);
	rows_free(rows, count);
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
	compare("tests/golden/rowgroup_names.txt");
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
			struct row **rows = rows_random(count, &layout, count, 20);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chunks_have_the_names_that_they_always_had),
		cmocka_unit_test(small_chunks_have_the_bytes_that_they_always_had),
	};

	return cmocka_run_group_tests(tests, make_text, free_text);
}
