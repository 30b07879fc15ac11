/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/table_rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <mbedtls/sha256.h>

const struct rowgroup_params table_rows_small = {
	.seed = { 1, 2, 3 },
	.rare_rows = 64,
	.frequent_rows = 8,
	.group_rows = 8,
	.max_rows = 256,
	.max_bytes = 16 * 1024,
	.inline_limit = 512,
	.piece_size = 1000,
};

static const struct column columns[] = { { COLUMN_INT, false }, { COLUMN_NVARCHAR, false }, { COLUMN_VARBINARY, false },
	{ COLUMN_VARCHAR, false } };
static const uint16_t key[] = { 0 };
const struct layout table_rows_layout = { columns, 4, key, 1 };

uint64_t random_next(struct random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state * 0x2545f4914f6cdd1d;
}

uint64_t random_below(struct random *random, uint64_t limit)
{
	return (random_next(random) >> 16) % limit;
}

static void *allocate(size_t size)
{
	void *p = malloc(size ? size : 1);

	assert_non_null(p);
	return p;
}

struct row *row_copy(const struct value *values, size_t count)
{
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++)
		bytes += values[i].data ? values[i].size : 0;

	struct row *row = allocate(sizeof(*row) + count * sizeof(*values) + bytes);
	uint8_t *at = (uint8_t *)(row->values + count);

	row->count = count;
	for (size_t i = 0; i < count; i++) {
		row->values[i] = (struct value){ values[i].data ? at : NULL, values[i].data ? values[i].size : 0 };
		if (values[i].data && values[i].size)
			memcpy(at, values[i].data, values[i].size);
		at += row->values[i].size;
	}
	return row;
}

void rows_free(struct row **rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(rows[i]);
	free(rows);
}

bool value_equal(const struct value *a, const struct value *b)
{
	if (!a->data || !b->data)
		return !a->data && !b->data;
	return a->size == b->size && !memcmp(a->data, b->data, a->size);
}

/* ---- made-up values ---- */

static void fill(struct random *random, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)random_next(random);
}

/* All zeros, all ones, a small number, a sign alone, or anything. */
static void fill_fixed(struct random *random, uint8_t *bytes, size_t size)
{
	switch (random_below(random, 6)) {
	case 0:
		memset(bytes, 0, size);
		break;
	case 1:
		memset(bytes, 0xff, size);
		break;
	case 2:
		fill(random, bytes, size);
		break;
	case 3:
		memset(bytes, 0, size);
		bytes[size - 1] = 0x80;
		break;
	default:
		memset(bytes, 0, size);
		bytes[size > 8 ? 1 : 0] = (uint8_t)random_below(random, 100);
		bytes[size > 8 ? 0 : size - 1] = (uint8_t)random_below(random, 2);
	}
}

static void put_unit(uint8_t *bytes, uint64_t unit)
{
	bytes[0] = (uint8_t)unit;
	bytes[1] = (uint8_t)(unit >> 8);
}

/* UTF-16 of one mood: ASCII, Latin, Chinese, pairs, or any units at all, lone surrogates among them. */
static size_t fill_text(struct random *random, uint8_t *bytes, size_t size)
{
	uint64_t mood = random_below(random, 16);

	size -= size % 4;
	for (size_t i = 0; i < size; i += 2) {
		if (mood == 0)
			put_unit(bytes + i, random_next(random) & 0xffff);
		else if (mood == 1)
			put_unit(bytes + i, (i % 4 ? 0xdc00 : 0xd800) + random_below(random, 1024));
		else if (mood == 2)
			put_unit(bytes + i, 0x4e00 + random_below(random, 5000));
		else if (mood < 5)
			put_unit(bytes + i, random_below(random, 0x180));
		else
			put_unit(bytes + i, 'a' + random_below(random, 26));
	}
	return size;
}

static size_t random_size(struct random *random, size_t size_max)
{
	uint64_t limits[] = { 1, 3, 30, 300, size_max + 1 };
	uint64_t limit = limits[random_below(random, random_below(random, 20) ? 4 : 5)];

	return random_below(random, limit < size_max + 1 ? limit : size_max + 1);
}

static size_t fill_value(struct random *random, enum column_type type, uint8_t *bytes, size_t size_max)
{
	size_t size = column_type_size(type);

	if (size) {
		fill_fixed(random, bytes, size);
		return size;
	}
	size = random_size(random, size_max);
	if (column_type_is_utf16(type))
		return fill_text(random, bytes, size);
	if (random_below(random, 2))
		memset(bytes, 'a' + (int)random_below(random, 4), size);
	else
		fill(random, bytes, size);
	return size;
}

struct row *row_random(struct random *random, const struct layout *layout, size_t size_max)
{
	struct value *values = allocate(layout->column_count * sizeof(*values));
	uint8_t **bytes = allocate(layout->column_count * sizeof(*bytes));

	for (size_t i = 0; i < layout->column_count; i++) {
		bytes[i] = allocate(size_max + 17);
		values[i] = (struct value){ bytes[i], 0 };
		if (random_below(random, 8) == 0)
			values[i].data = NULL;
		else
			values[i].size = fill_value(random, layout->columns[i].type, bytes[i], size_max);
	}

	struct row *row = row_copy(values, layout->column_count);

	for (size_t i = 0; i < layout->column_count; i++)
		free(bytes[i]);
	free(bytes);
	free(values);
	return row;
}

struct row **rows_random(uint64_t seed, const struct layout *layout, size_t count, size_t size_max)
{
	struct random random = { seed };
	struct row **rows = allocate(count * sizeof(*rows));

	for (size_t i = 0; i < count; i++)
		rows[i] = row_random(&random, layout, size_max);
	return rows;
}

/* ---- text beside text ---- */

static const struct column beside_columns[] = { { COLUMN_INT, false }, { COLUMN_NVARCHAR, false },
	{ COLUMN_VARCHAR, false }, { COLUMN_NVARCHAR, false }, { COLUMN_VARCHAR, false } };
const struct layout table_beside_layout = { beside_columns, 5, key, 1 };

/* A head, each character as itself or as the number of its unit, and an end: as clients make rich text. */
static size_t rich_text(const uint8_t *text, size_t size, uint8_t *out)
{
	size_t at = (size_t)sprintf((char *)out, "{\\rtf1\\ansi\\f0\\fs20 ");

	for (size_t i = 0; i < size; i += 2) {
		unsigned int unit = text[i] | (unsigned int)text[i + 1] << 8;

		if (unit < 0x80)
			out[at++] = (uint8_t)unit;
		else
			at += (size_t)sprintf((char *)out + at, "\\u%u?", unit);
	}
	out[at++] = '}';
	return at;
}

/* Most of it words; now and then a unit of any kind. */
static size_t plain_text(struct random *random, uint8_t *out, size_t size_max)
{
	size_t size = random_below(random, 8) ? random_below(random, size_max) : random_below(random, 9);

	size -= size % 2;
	for (size_t i = 0; i < size; i += 2)
		put_unit(out + i, random_below(random, 40) ? 'a' + random_below(random, 26) : random_next(random));
	return size;
}

static size_t quoted_text(const uint8_t *text, size_t size, uint8_t *out)
{
	static const char before[] = "<\0p\0>\0", between[] = "<\0b\0r\0>\0";
	size_t half = size / 4 * 2;

	memcpy(out, before, 6);
	memcpy(out + 6, text + half, size - half);
	memcpy(out + 6 + size - half, between, 8);
	memcpy(out + 14 + size - half, text, half);
	return 14 + size;
}

struct row **rows_beside(uint64_t seed, size_t count, size_t size_max)
{
	struct random random = { seed };
	struct row **rows = allocate(count * sizeof(*rows));
	uint8_t *text = allocate(size_max), *rich = allocate(size_max * 8 + 64), *quoted = allocate(size_max + 64);

	for (size_t i = 0; i < count; i++) {
		uint8_t number[4], other[40];
		size_t size = plain_text(&random, text, size_max), rich_size = rich_text(text, size, rich);
		size_t quoted_size = quoted_text(text, size, quoted);
		uint64_t absent = random_below(&random, 24);

		put_unit(number, i);
		put_unit(number + 2, i >> 16);
		fill(&random, other, sizeof(other));

		const struct value values[] = { { number, 4 }, { absent == 0 ? NULL : text, size },
			{ absent < 3 ? NULL : rich, rich_size }, { absent == 3 ? NULL : quoted, quoted_size }, { other, absent } };

		rows[i] = row_copy(values, 5);
	}
	free(text);
	free(rich);
	free(quoted);
	return rows;
}

/* ---- chunks ---- */

int chunk_list_emit(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows)
{
	struct chunk_list *list = arg;

	if (list->count == list->room) {
		list->room = list->room * 2 + 64;
		list->chunks = realloc(list->chunks, list->room * sizeof(*list->chunks));
		assert_non_null(list->chunks);
	}

	struct chunk *chunk = &list->chunks[list->count++];

	*chunk = (struct chunk){ .kind = kind, .rows = rows, .size = size, .bytes = allocate(size) };
	memcpy(chunk->bytes, bytes, size);
	return mbedtls_sha256_ret(bytes, size, chunk->name, 0);
}

void chunk_list_free(struct chunk_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->chunks[i].bytes);
	free(list->chunks);
	*list = (struct chunk_list){ 0 };
}

static bool chunk_equal(const struct chunk *a, const struct chunk *b)
{
	return a->kind == b->kind && a->rows == b->rows && a->size == b->size && !memcmp(a->name, b->name, 32);
}

bool chunk_list_equal(const struct chunk_list *a, const struct chunk_list *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (!chunk_equal(&a->chunks[i], &b->chunks[i]))
			return false;
	return true;
}

static bool chunk_list_has(const struct chunk_list *list, const struct chunk *chunk)
{
	for (size_t i = 0; i < list->count; i++)
		if (chunk_equal(&list->chunks[i], chunk))
			return true;
	return false;
}

size_t chunk_list_new(const struct chunk_list *list, const struct chunk_list *old, size_t *bytes)
{
	size_t count = 0;

	*bytes = 0;
	for (size_t i = 0; i < list->count; i++) {
		if (chunk_list_has(old, &list->chunks[i]))
			continue;
		count++;
		*bytes += list->chunks[i].size;
	}
	return count;
}

void rows_write(const struct layout *layout, const struct rowgroup_params *params, struct row *const *rows,
	size_t count, struct chunk_list *list, struct table_digest *digest)
{
	struct rowgroup_writer *writer;

	*list = (struct chunk_list){ 0 };
	assert_int_equal(rowgroup_create(&writer, layout, params, chunk_list_emit, list), 0);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(rowgroup_row(writer, rows[i]->values), 0);
	assert_int_equal(rowgroup_finish(writer, digest), 0);
	rowgroup_free(writer);
}

/* ---- reading ---- */

/* Value chunks are a queue: `next` is the first that no rows chunk took. */
struct piece_queue {
	const struct chunk_list *list;
	size_t next;
};

static const struct chunk *piece_at(const struct piece_queue *queue, uint32_t number)
{
	size_t i = queue->next;

	for (uint32_t skip = number + 1; i < queue->list->count; i++)
		if (queue->list->chunks[i].kind == CHUNK_VALUE && --skip == 0)
			return &queue->list->chunks[i];
	return NULL;
}

static void expect_large(const struct piece_queue *queue, const struct rowgroup_value *got, const struct value *want)
{
	const uint8_t *bytes = want->data;
	size_t at = 0;

	assert_non_null(bytes);
	assert_int_equal(got->size, want->size);
	for (uint32_t i = 0; i < got->pieces; i++) {
		const struct chunk *piece = piece_at(queue, got->piece + i);

		if (!piece) {
			fail_msg("a value chunk is missing");
			return;
		}
		assert_true(piece->size <= want->size - at);
		assert_memory_equal(piece->bytes, bytes + at, piece->size);
		at += piece->size;
	}
	assert_int_equal(at, want->size);
}

static size_t expect_chunk(const struct layout *layout, const struct rowgroup_params *params, struct row *const *rows,
	const struct chunk *chunk, struct piece_queue *queue, struct table_digest *digest)
{
	struct rowgroup_value *got = allocate(layout->column_count * sizeof(*got));
	struct rowgroup_reader *reader;
	struct table_digest part;
	size_t row = 0;

	assert_int_equal(rowgroup_open(&reader, layout, params, chunk->bytes, chunk->size), 0);
	assert_int_equal(rowgroup_rows(reader), chunk->rows);
	for (int error; (error = rowgroup_next(reader, got)) != 0; row++) {
		assert_int_equal(error, 1);
		for (size_t i = 0; i < layout->column_count; i++) {
			if (got[i].large)
				expect_large(queue, &got[i], &rows[row]->values[i]);
			else
				assert_true(value_equal(&got[i].value, &rows[row]->values[i]));
		}
	}
	assert_int_equal(rowgroup_digest(reader, &part), 0);
	table_digest_add(digest, &part);
	for (uint32_t i = rowgroup_pieces(reader); i > 0; queue->next++)
		i -= queue->list->chunks[queue->next].kind == CHUNK_VALUE;
	rowgroup_reader_free(reader);
	free(got);
	return row;
}

void rows_expect(const struct layout *layout, const struct rowgroup_params *params, struct row *const *rows,
	size_t count, const struct chunk_list *list, const struct table_digest *digest)
{
	struct table_digest sum = { .rows = 0 };
	struct piece_queue queue = { .list = list };
	size_t row = 0;

	for (size_t i = 0; i < list->count; i++)
		if (list->chunks[i].kind == CHUNK_ROWS)
			row += expect_chunk(layout, params, rows + row, &list->chunks[i], &queue, &sum);
	assert_int_equal(row, count);
	assert_true(table_digest_equal(&sum, digest));
	assert_null(piece_at(&queue, 0));
}

void rows_round_trip(
	const struct layout *layout, const struct rowgroup_params *params, struct row *const *rows, size_t count)
{
	struct chunk_list list;
	struct table_digest digest;

	rows_write(layout, params, rows, count, &list, &digest);
	assert_int_equal(digest.rows, count);
	rows_expect(layout, params, rows, count, &list, &digest);
	chunk_list_free(&list);
}
