/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks that are not what the writer wrote: damaged, cut, or made to hurt. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/rowgroup_hostile.h"
#include "tests/support/table_rows.h"

#define CORPUS "tests/fuzz/corpus/fuzz_rowgroup"

/* Chunks of each layout, with rows of every kind; rows chunks only. */
static void make_chunks(unsigned int number, size_t count, size_t size_max, struct chunk_list *list)
{
	struct column columns[HOSTILE_COLUMNS];
	struct layout layout;
	struct table_digest digest;

	hostile_layout(number, columns, &layout);

	struct row **rows = number == 3 ? rows_beside(1, count, size_max / 4)
									: rows_random(number + 1, &layout, count, size_max);

	rows_write(&layout, &hostile_params, rows, count, list, &digest);
	rows_free(rows, count);
}

/* What lies at the very end of an allocation of its own: one byte too far is seen by a sanitizer. */
static int read_copy(unsigned int number, const uint8_t *bytes, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct table_digest digest;

	assert_non_null(copy);
	memcpy(copy, bytes, size);

	int error = hostile_read(number, copy, size, &digest);

	free(copy);
	return error;
}

static void flip_every_byte(unsigned int number, const struct chunk *chunk, bool derived)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff, 0x10 };

	for (size_t i = 0; i < chunk->size; i++) {
		for (size_t f = 0; f < sizeof(flips); f++) {
			chunk->bytes[i] ^= flips[f];

			int error = read_copy(number, chunk->bytes, chunk->size);

			if (error != -EBADMSG && !(derived && error == 0))
				fail_msg("layout %u, byte %zu of %zu, flip %02x: %d", number, i, chunk->size, flips[f], error);
			chunk->bytes[i] ^= flips[f];
		}
	}
	assert_int_equal(read_copy(number, chunk->bytes, chunk->size), 0);
}

/* Layout 0 has a rowversion, which is in no digest: damage there is found by the chunk's name alone. */
static void every_flipped_byte_is_found(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < HOSTILE_LAYOUTS; number++) {
		struct chunk_list list;

		make_chunks(number, 12, 700, &list);
		for (size_t i = 0; i < list.count; i++)
			if (list.chunks[i].kind == CHUNK_ROWS)
				flip_every_byte(number, &list.chunks[i], number == 0);
		chunk_list_free(&list);
	}
}

static void every_cut_and_every_longer_chunk_is_refused(void **state)
{
	(void)state;
	for (unsigned int number = 0; number < HOSTILE_LAYOUTS; number++) {
		struct chunk_list list;

		make_chunks(number, 12, 700, &list);
		for (size_t i = 0; i < list.count; i++) {
			const struct chunk *chunk = &list.chunks[i];
			uint8_t *longer = calloc(1, chunk->size + 1);

			if (chunk->kind == CHUNK_ROWS) {
				assert_non_null(longer);
				memcpy(longer, chunk->bytes, chunk->size);
				assert_int_equal(read_copy(number, longer, chunk->size + 1), -EBADMSG);
				for (size_t size = 0; size < chunk->size; size++)
					assert_int_equal(read_copy(number, chunk->bytes, size), -EBADMSG);
			}
			free(longer);
		}
		chunk_list_free(&list);
	}
}

static void random_damage_never_reads_beyond_the_end(void **state)
{
	struct random random = { 99 };

	(void)state;
	for (unsigned int number = 0; number < HOSTILE_LAYOUTS; number++) {
		struct chunk_list list;

		make_chunks(number, 60, 200, &list);
		for (int round = 0; round < 4000; round++) {
			const struct chunk *chunk = &list.chunks[random_below(&random, list.count)];
			uint8_t copy[20000];

			assert_true(chunk->size <= sizeof(copy));
			memcpy(copy, chunk->bytes, chunk->size);
			for (uint64_t n = 1 + random_below(&random, 4); n > 0; n--)
				copy[random_below(&random, chunk->size)] = (uint8_t)random_next(&random);
			read_copy(number, copy, chunk->size);
		}
		chunk_list_free(&list);
	}
}

static void a_chunk_of_another_layout_is_refused(void **state)
{
	struct chunk_list list;

	(void)state;
	make_chunks(1, 20, 100, &list);
	for (size_t i = 0; i < list.count; i++) {
		assert_int_equal(read_copy(0, list.chunks[i].bytes, list.chunks[i].size), -EBADMSG);
		assert_int_equal(read_copy(2, list.chunks[i].bytes, list.chunks[i].size), -EBADMSG);
	}
	chunk_list_free(&list);
}

/* ---- made to hurt ---- */

struct crafted {
	const char *why;
	unsigned int number;
	const char *rows; /* the varint */
	size_t rows_size;
	const char *sections;
	size_t size;
};

#define ONE "\1", 1
#define BYTES(text) text, sizeof(text) - 1

static const struct crafted bad[] = { { "no rows", 2, "\0", 1, BYTES("\0") },
	{ "more rows than a chunk may have", 2, BYTES("\x81\x02"), BYTES("\0") },
	{ "rows as an endless varint", 2, BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), BYTES("\0") },
	{ "rows as a varint that is too long", 2, BYTES("\x81\x00"), BYTES("\0") }, { "no section", 2, ONE, BYTES("") },
	{ "a section too many", 2, ONE, BYTES("\0\0") }, { "a section longer than the chunk", 2, ONE, BYTES("\x27\x7f\0") },
	{ "a section of 2^64 - 1 bytes", 2, ONE, BYTES("\x27\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\0") },
	{ "flags on a column of NULLs", 2, ONE, BYTES("\x08") }, { "planes of text", 2, ONE, BYTES("\x02\x01\0") },
	{ "integers of text", 2, ONE, BYTES("\x03\x02\x01\0") }, { "UTF-8 and mixed at once", 2, ONE, BYTES("\x67\x01\0") },
	{ "mixed text without a size each", 2, ONE, BYTES("\x47\x01\0") },
	{ "even text with ends", 2, ONE, BYTES("\xa7\x01\0") },
	{ "a bitmap of NULLs without a NULL", 2, ONE, BYTES("\x2f\x02\0\0") },
	{ "a bitmap of nothing but NULLs", 2, ONE, BYTES("\x2f\x01\1") },
	{ "a bitmap with bits beyond the rows", 2, "\2", 1,
		BYTES("\x2f\x03\x05"
			  "a\0") },
	{ "a bitmap of large values without one", 2, ONE, BYTES("\x37\x02\0\0") },
	{ "a large value of no bytes", 2, ONE,
		BYTES("\x16\x13\x01"
			  "0123456789abcdef\0\0") },
	{ "a large value of 2^40 bytes", 2, ONE,
		BYTES("\x16\x18\x01"
			  "0123456789abcdef\x80\x80\x80\x80\x80\x20\0") },
	{ "half a hash", 2, ONE,
		BYTES("\x16\x09\x01"
			  "01234567") },
	{ "one value for none", 2, ONE,
		BYTES("\x11\x12\x01"
			  "0123456789abcdef\1") },
	{ "a table without entries", 2, ONE, BYTES("\x25\x02\0\0") },
	{ "a table of 300 entries", 2, ONE, BYTES("\x25\x03\xac\x02\0") },
	{ "an index beyond the table", 2, ONE, BYTES("\x25\x06\x01\x01\0\0a\x01") },
	{ "an entry that ends beyond the table", 2, ONE, BYTES("\x25\x06\x01\x02\0\0a\0") },
	{ "an entry that ends before it starts", 2, ONE, BYTES("\x25\x0a\x02\x01\0\0\0\0\0a\x01\x01") },
	{ "an entry that ends before it starts, among good ones", 2, ONE,
		BYTES("\x25\x0d\x03\x02\0\0\x01\0\0\x02\0\0ab\x01") },
	{ "an entry that no one counts", 2, ONE, BYTES("\x25\x07\x01\x01\0\0ab\0") },
	{ "lengths longer than the section", 2, ONE, BYTES("\x26\x02\x05\0") },
	{ "lengths that are left over", 2, ONE,
		BYTES("\x26\x04\x02\x01\x01"
			  "a") },
	{ "bytes that are left over", 2, ONE,
		BYTES("\x26\x04\x01\x01"
			  "ab") },
	{ "a value longer than the section", 2, ONE,
		BYTES("\x26\x03\x01\x02"
			  "a") },
	{ "even values longer than the section", 2, "\2", 1,
		BYTES("\xa6\x03\x02"
			  "abc") },
	{ "UTF-16 of one byte", 2, ONE,
		BYTES("\x06\x03\x01\x01"
			  "a") },
	{ "text without its end", 2, ONE,
		BYTES("\x27\x02"
			  "ab") },
	{ "two texts where one should be", 2, ONE,
		BYTES("\x27\x04"
			  "a\0b\0") },
	{ "UTF-8 of a surrogate", 2, ONE, BYTES("\x27\x04\xed\xa0\x80\0") },
	{ "integers counted in nothing", 1, ONE, BYTES("\x03\x02\0\0\0\0\0") },
	{ "an integer that int does not have", 1, ONE, BYTES("\x03\x06\x01\x80\x80\x80\x80\x20\0\0\0") },
	{ "an integer too many", 1, ONE, BYTES("\x03\x03\x01\x02\x02\0\0\0") },
	{ "an int of three bytes", 1, ONE,
		BYTES("\x01\x03"
			  "abc\0\0\0") },
	{ "ints in even lengths", 1, ONE,
		BYTES("\x86\x05\x04"
			  "abcd\0\0\0") } };

/* The same in good, to see that it is what is said of them that makes the others bad. */
static const struct crafted good[] = { { "a NULL", 2, ONE, BYTES("\0") },
	{ "as many rows as a chunk may have", 2, BYTES("\x80\x02"), BYTES("\0") },
	{ "as many values as a chunk may have", 0, BYTES("\x80\x02"),
		BYTES("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	{ "one text", 2, ONE,
		BYTES("\x27\x02"
			  "a\0") },
	{ "a NULL and a text", 2, "\2", 1,
		BYTES("\x2f\x03\x01"
			  "a\0") },
	{ "a large value", 2, ONE,
		BYTES("\x16\x13\x01"
			  "0123456789abcdef\1\0") },
	{ "an index", 2, ONE, BYTES("\x25\x06\x01\x01\0\0a\0") },
	{ "lengths", 2, ONE,
		BYTES("\x26\x03\x01\x01"
			  "a") },
	{ "even lengths", 2, "\2", 1,
		BYTES("\xa6\x03\x01"
			  "ab") },
	{ "mixed text", 2, "\2", 1,
		BYTES("\x46\x06\x02\x02\x05"
			  "a\x00\xd8") },
	{ "UTF-16", 2, ONE, BYTES("\x06\x04\x01\x02\x00\xd8") }, { "an integer", 1, ONE, BYTES("\x03\x02\x01\x02\0\0\0") },
	{ "an int", 1, ONE,
		BYTES("\x01\x04"
			  "abcd\0\0\0") } };

static int read_crafted(const struct crafted *c, uint8_t format)
{
	static const uint8_t columns[HOSTILE_LAYOUTS] = { HOSTILE_COLUMNS, 4, 1, 5 };
	size_t size = 2 + c->rows_size + 16 + c->size;
	uint8_t *chunk = calloc(1, size);

	assert_non_null(chunk);
	chunk[0] = format;
	chunk[1] = columns[c->number];
	memcpy(chunk + 2, c->rows, c->rows_size);
	memcpy(chunk + size - c->size, c->sections, c->size);

	int error = hostile_read(c->number, chunk, size, NULL);

	free(chunk);
	return error;
}

static void crafted_chunks_are_refused_for_what_is_wrong_with_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (read_crafted(&bad[i], 1) != -EBADMSG || read_crafted(&bad[i], 2) != -EBADMSG)
			fail_msg("taken: %s", bad[i].why);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (read_crafted(&good[i], 1) || read_crafted(&good[i], 2))
			fail_msg("refused: %s", good[i].why);
		assert_int_equal(read_crafted(&good[i], 3), -EBADMSG);
	}
}

/* ---- the second format ---- */

#define NUMBER "\x01\x04\1\0\0\0"
#define NUMBER_AND_TEXT \
	NUMBER "\x21\x08"   \
		   "abcdefgh"

static const struct crafted bad_second[] = {
	{ "beside itself", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\0\x01\x06\x04\1\0\0\0x\0\0") },
	{ "beside nothing", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\x03\x01\x06\x04\1\0\0\0x\0\0") },
	{ "beside a number", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\x02\x01\x06\x04\1\0\0\0x\0\0") },
	{ "a number beside another", 1, ONE,
		BYTES("\x01\x04"
			  "abcd\x80\1\x01\x0d\x04\1\0\0\0abcdefgh\0\0") },
	{ "beside one that is beside another", 3, ONE,
		BYTES(NUMBER_AND_TEXT "\x80\1\x01\x06\x04\1\0\0\0x\x80\1\x21\x06\x04\1\0\0\0x\0") },
	{ "beside another twice", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x80\1\x01\x06\x04\1\0\0\0x\0\0") },
	{ "NULLs beside another", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\0\0\0") },
	{ "no steps", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x02\0x\0\0") },
	{ "steps longer than the section", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x05\x05\1\0\0\0\0\0") },
	{ "steps that are left over", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x07\x05\1\0\0\0\0x\0\0") },
	{ "half a step", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x05\x03\1\0\0x\0\0") },
	{ "more kept than there is", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x06\x04\1\2\0\0x\0\0") },
	{ "a copy from before the other value", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x06\x04\1\0\1\2x\0\0") },
	{ "a copy from behind it", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x06\x04\1\0\x10\0x\0\0") },
	{ "a copy beyond its end", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x06\x04\1\0\x02\x08x\0\0") },
	{ "a copy of nothing at all", 3, ONE, BYTES(NUMBER "\0\x80\1\x01\x06\x04\1\0\0\0x\0\0") },
	{ "planes of no width", 1, "\3", 1, BYTES("\x83\x03\1\2\0\0\0\0") },
	{ "planes of nine bytes", 1, "\3", 1, BYTES("\x83\x15\1\2\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0") },
	{ "a plane too short", 1, "\3", 1, BYTES("\x83\x04\1\2\1\2\0\0\0") },
	{ "a plane too long", 1, "\3", 1, BYTES("\x84\x07\1\2\1\2\2\2\2\0\0\0") },
	{ "planes without their width", 1, "\3", 1, BYTES("\x83\x02\1\2\0\0\0") },
	{ "planes of an integer that int does not have", 1, "\2", 1, BYTES("\x83\x08\1\2\5\0\0\0\0\x10\0\0\0") },
};

static const struct crafted good_second[] = {
	{ "a value and its end", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x06\x04\1\0\0\0x\0\0") },
	{ "a value beside nothing", 3, ONE, BYTES(NUMBER "\0\x80\1\x01\x03\x01\0x\0\0") },
	{ "the last byte, then the first", 3, ONE, BYTES(NUMBER_AND_TEXT "\x80\1\x01\x09\x07\2\0\x0e\1\1\x0f\1x\0\0") },
	{ "deltas in a plane", 1, "\3", 1, BYTES("\x83\x05\1\2\1\2\2\0\0\0") },
	{ "offsets in planes", 1, "\2", 1, BYTES("\x84\x07\1\2\2\2\2\1\1\0\0\0") },
};

static void sections_of_the_second_format_are_refused_for_what_is_wrong_with_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad_second) / sizeof(*bad_second); i++)
		if (read_crafted(&bad_second[i], 2) != -EBADMSG)
			fail_msg("taken: %s", bad_second[i].why);
	for (size_t i = 0; i < sizeof(good_second) / sizeof(*good_second); i++) {
		if (read_crafted(&good_second[i], 2))
			fail_msg("refused: %s", good_second[i].why);
		assert_int_equal(read_crafted(&good_second[i], 1), -EBADMSG);
	}
}

static uint8_t *put_varint_of_two(uint8_t *at, size_t n)
{
	*at++ = (uint8_t)(n | 0x80);
	*at++ = (uint8_t)(n >> 7);
	return at;
}

/* Three bytes copy eight: without a limit a chunk could become anything. So many copies in the value of each row. */
static int read_copies(uint8_t rows, size_t copies)
{
	static uint8_t chunk[16384] = { 2, 5 };
	uint8_t *at = chunk + 19;
	size_t steps = rows * (2 + 3 * copies);

	chunk[2] = rows;
	memcpy(at, NUMBER_AND_TEXT "\x80\1\x01", sizeof(NUMBER_AND_TEXT) + 2);
	at += sizeof(NUMBER_AND_TEXT) + 2;
	at = put_varint_of_two(at, 2 + steps + 1);
	at = put_varint_of_two(at, steps);
	for (uint8_t row = 0; row < rows; row++) {
		at = put_varint_of_two(at, copies);
		for (size_t i = 0; i < copies; i++, at += 3)
			memcpy(at, i ? "\0\x0f\0" : "\0\0\0", 3);
	}
	memcpy(at, "x\0\0", 3);
	return hostile_read(3, chunk, (size_t)(at + 3 - chunk), NULL);
}

static void values_that_are_put_together_have_a_limit(void **state)
{
	(void)state;
	assert_int_equal(read_copies(1, 2047), 0); /* 8 times 2047 and one: 16 377 bytes */
	assert_int_equal(read_copies(1, 2048), -EBADMSG);
	assert_int_equal(read_copies(2, 1023), 0); /* of all rows together */
	assert_int_equal(read_copies(2, 1024), -EBADMSG);
}

/* Equal values take no room: without a limit of their own a few bytes could keep a reader busy for long. */
static void more_values_than_bytes_in_a_full_chunk_are_refused(void **state)
{
	struct rowgroup_params params = hostile_params;
	struct rowgroup_reader *reader;
	uint8_t chunk[] = { 1, 4, 0x80, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 };

	(void)state;
	params.max_rows = 1u << 20;
	assert_int_equal(rowgroup_open(&reader, &table_rows_layout, &params, chunk, sizeof(chunk)), 0); /* 4 times 4096 */
	rowgroup_reader_free(reader);
	chunk[2]++;
	assert_int_equal(rowgroup_open(&reader, &table_rows_layout, &params, chunk, sizeof(chunk)), -EBADMSG);
}

/* After an error there are no more rows and no digest, however often one asks. */
static void a_reader_that_failed_stays_failed(void **state)
{
	struct chunk_list list;
	struct rowgroup_reader *reader;
	struct rowgroup_value values[4];
	struct table_digest digest;
	int error;

	(void)state;
	struct row **rows = rows_random(1, &table_rows_layout, 5, 50);

	rows_write(&table_rows_layout, &table_rows_small, rows, 5, &list, &digest);
	assert_int_equal(
		rowgroup_open(&reader, &table_rows_layout, &table_rows_small, list.chunks[0].bytes, list.chunks[0].size), 0);
	assert_int_equal(rowgroup_digest(reader, &digest), -EBADMSG); /* not before the last row */
	list.chunks[0].bytes[list.chunks[0].size - 1] ^= 0x55;
	while ((error = rowgroup_next(reader, values)) == 1)
		continue;
	if (error == -EBADMSG)
		assert_int_equal(rowgroup_next(reader, values), -EBADMSG);
	assert_int_equal(rowgroup_digest(reader, &digest), -EBADMSG);
	rowgroup_reader_free(reader);
	chunk_list_free(&list);
	rows_free(rows, 5);
}

/* ---- the corpus ---- */

static void read_corpus_file(const char *name)
{
	char path[300];
	uint8_t bytes[40000];

	snprintf(path, sizeof(path), CORPUS "/%s", name);

	FILE *file = fopen(path, "rb");

	assert_non_null(file);

	size_t size = fread(bytes, 1, sizeof(bytes), file);

	fclose(file);
	if (size)
		assert_int_equal(read_copy(bytes[0], bytes + 1, size - 1), strncmp(name, "good", 4) ? -EBADMSG : 0);
}

static void the_corpus_of_the_fuzzer_does_no_harm(void **state)
{
	DIR *directory = opendir(CORPUS);
	size_t files = 0;

	(void)state;
	assert_non_null(directory);
	for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
		if (entry->d_name[0] == '.')
			continue;
		read_corpus_file(entry->d_name);
		files++;
	}
	closedir(directory);
	assert_true(files >= 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_flipped_byte_is_found),
		cmocka_unit_test(every_cut_and_every_longer_chunk_is_refused),
		cmocka_unit_test(random_damage_never_reads_beyond_the_end),
		cmocka_unit_test(a_chunk_of_another_layout_is_refused),
		cmocka_unit_test(crafted_chunks_are_refused_for_what_is_wrong_with_them),
		cmocka_unit_test(sections_of_the_second_format_are_refused_for_what_is_wrong_with_them),
		cmocka_unit_test(values_that_are_put_together_have_a_limit),
		cmocka_unit_test(more_values_than_bytes_in_a_full_chunk_are_refused),
		cmocka_unit_test(a_reader_that_failed_stays_failed), cmocka_unit_test(the_corpus_of_the_fuzzer_does_no_harm) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
