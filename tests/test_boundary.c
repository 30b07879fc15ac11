/* SPDX-License-Identifier: Apache-2.0 */
/* Where rows are cut: what the writer does in one pass equals what the rule says of the whole list of rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/table/boundary.h"
#include "agent/table/siphash.h"
#include "tests/support/table_rows.h"

static const struct column columns[] = { { COLUMN_INT, false }, { COLUMN_BIGINT, false }, { COLUMN_NVARCHAR, false } };
static const uint16_t key[] = { 0, 1 };
static const struct layout pair_key = { columns, 3, key, 2 };
static const struct layout single_key = { columns, 3, key + 1, 1 };
static const struct layout heap = { columns, 3, NULL, 0 };

/* ---- a table that can be edited ---- */

#define ROWS_MAX 6000

struct table {
	struct row *rows[ROWS_MAX];
	size_t count;
	struct random random;
};

static struct row *make_row(struct random *random, int32_t room, int64_t id)
{
	uint8_t text[160];
	size_t size = 2 * random_below(random, 80);

	memset(text, 0, sizeof(text));
	for (size_t i = 0; i < size; i += 2)
		text[i] = (uint8_t)('a' + random_below(random, 26));
	return row_copy((struct value[]){ { &room, 4 }, { &id, 8 }, { text, size } }, 3);
}

/* Rooms of very different sizes, ids with gaps. */
static void table_fill(struct table *table, uint64_t seed, size_t count)
{
	int32_t room = 0;

	table->random.state = seed;
	table->count = count;
	for (size_t i = 0; i < count; i++) {
		room += random_below(&table->random, 1 + (uint64_t)(room % 7) * (uint64_t)(room % 7) * 30) == 0;
		table->rows[i] = make_row(&table->random, room, (int64_t)i * 100);
	}
}

static void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i]);
	table->count = 0;
}

static int32_t room_at(const struct table *table, size_t i)
{
	int32_t room;

	memcpy(&room, table->rows[i]->values[0].data, sizeof(room));
	return room;
}

static int64_t id_at(const struct table *table, size_t i)
{
	int64_t id;

	memcpy(&id, table->rows[i]->values[1].data, sizeof(id));
	return id;
}

static void table_insert(struct table *table, size_t at)
{
	memmove(table->rows + at + 1, table->rows + at, (table->count - at) * sizeof(*table->rows));
	table->count++;
	table->rows[at] = make_row(&table->random, room_at(table, at ? at - 1 : 1),
		(at ? id_at(table, at - 1) : 0) + 1 + (int64_t)random_below(&table->random, 3));
}

static void table_remove(struct table *table, size_t at)
{
	free(table->rows[at]);
	memmove(table->rows + at, table->rows + at + 1, (table->count - at - 1) * sizeof(*table->rows));
	table->count--;
}

static void table_replace(struct table *table, size_t at)
{
	struct row *row = make_row(&table->random, room_at(table, at), id_at(table, at));

	free(table->rows[at]);
	table->rows[at] = row;
}

/* ---- the reference: the rule as FORMAT.md says it, over the whole list ---- */

struct reference {
	const struct rowgroup_params *params;
	uint64_t hashes[ROWS_MAX];
	size_t sizes[ROWS_MAX];
	bool ends_run[ROWS_MAX]; /* before the row */
	struct row *const *rows;
	size_t ends[ROWS_MAX]; /* where chunks end */
	size_t count;
};

static void derive(uint8_t out[16], const struct rowgroup_params *params, const char *purpose)
{
	struct siphash hash;

	siphash_begin(&hash, params->seed);
	siphash_update(&hash, purpose, 16);
	siphash_end(&hash, out);
}

static void add_value(struct siphash *hash, size_t ordinal, const struct value *value)
{
	static const uint8_t zeros[8];
	uint8_t head[8] = { (uint8_t)value->size, (uint8_t)(value->size >> 8), 0, 0, 0, 1, (uint8_t)ordinal, 0 };

	siphash_update(hash, head, 8);
	siphash_update(hash, value->data, value->size);
	siphash_update(hash, zeros, (8 - value->size % 8) % 8);
}

static uint64_t hash_columns(
	const uint8_t secret[16], const struct row *row, const uint16_t *ordinals, size_t count, uint8_t out[16])
{
	struct siphash hash;
	uint64_t number = 0;

	siphash_begin(&hash, secret);
	for (size_t i = 0; i < count; i++)
		add_value(&hash, ordinals[i], &row->values[ordinals[i]]);
	siphash_end(&hash, out);
	for (size_t i = 8; i-- > 0;)
		number = number << 8 | out[i];
	return number;
}

static uint64_t hash_row(const struct rowgroup_params *params, const struct layout *layout, const struct row *row)
{
	static const uint16_t all[] = { 0, 1, 2 };
	uint8_t boundary[16], digest[16], out[16];
	struct siphash hash;

	derive(boundary, params, "coffret boundary");
	if (layout->key_count)
		return hash_columns(boundary, row, layout->key, layout->key_count, out);
	derive(digest, params, "coffret digest  ");
	hash_columns(digest, row, all, 3, out);
	siphash_begin(&hash, boundary);
	siphash_update(&hash, out, 16);
	siphash_end(&hash, out);

	uint64_t number = 0;

	for (size_t i = 8; i-- > 0;)
		number = number << 8 | out[i];
	return number;
}

/* A byte and the value for a number; size, twice shifted, as a varint and ASCII for text; two bits for each column. */
static size_t row_size(const struct row *row)
{
	size_t text = row->values[2].size / 2;

	return 1 + 4 + 1 + 8 + (text < 32 ? 1u : 2u) + text + 1;
}

static size_t pieces_from(struct reference *r, size_t first, size_t end, uint64_t scale)
{
	uint64_t finest = UINT64_MAX / r->params->frequent_rows;
	size_t least = r->params->frequent_rows / 8 ? r->params->frequent_rows / 8 : 1, bytes = 0;

	for (size_t i = first + 1; i < end; i++) {
		bytes += row_size(r->rows[i - 1]);
		if (i >= first + least && r->hashes[i - 1] <= scale && bytes >= r->params->least_bytes) {
			r->ends[r->count++] = i;
			return pieces_from(r, i, end, scale);
		}
	}
	if (scale < finest)
		return pieces_from(r, first, end, scale <= finest / 8 && scale * 8 <= finest ? scale * 8 : finest);
	if (first < end)
		r->ends[r->count++] = end;
	return end;
}

/* Cuts off the run that begins at `first`; returns where it ends. */
static size_t cut_run(struct reference *r, size_t first, size_t total)
{
	size_t bytes = 0, least = r->params->group_rows, limit = r->params->max_bytes - 10 * 3 - 64;
	uint64_t rare = UINT64_MAX / r->params->rare_rows;

	for (size_t i = first; i < total; i++) {
		size_t before = i - first, best = i - 1;

		if (before && r->ends_run[i])
			return pieces_from(r, first, i, rare);
		bytes += row_size(r->rows[i]);
		if (before && (before == r->params->max_rows || bytes > limit)) {
			for (size_t j = i; j-- > first + (before + 1) / 2;)
				best = r->hashes[j] < r->hashes[best] ? j : best;
			return r->ends[r->count++] = best + 1;
		}
		if (r->hashes[i] <= rare && before + 1 >= least && bytes >= r->params->least_bytes)
			return r->ends[r->count++] = i + 1;
	}
	return pieces_from(r, first, total, rare);
}

/* Of the group from `first` to before `end`, which is not the last one. */
static bool group_ends_run(const struct reference *r, size_t first, size_t end)
{
	static const uint16_t leading[] = { 0 };
	uint8_t boundary[16], out[16];
	size_t bytes = 0, rows = end - first, k = 1;

	for (size_t i = first; i < end; i++)
		bytes += row_size(r->rows[i]);
	while (k * rows < r->params->group_rows || k * bytes < r->params->least_bytes)
		k++;
	derive(boundary, r->params, "coffret boundary");
	return hash_columns(boundary, r->rows[first], leading, 1, out) <= UINT64_MAX / k;
}

static void reference_cut(
	struct reference *r, const struct layout *layout, const struct rowgroup_params *params, const struct table *table)
{
	r->params = params;
	r->rows = table->rows;
	r->count = 0;
	for (size_t i = 0, group = 0; i < table->count; i++) {
		bool begins = layout->key_count > 1 && i && room_at(table, i) != room_at(table, i - 1);

		r->hashes[i] = hash_row(params, layout, table->rows[i]);
		r->ends_run[i] = begins && group_ends_run(r, group, i);
		group = begins ? i : group;
	}
	for (size_t first = 0; first < table->count;)
		first = cut_run(r, first, table->count);
}

static void expect_reference(const struct layout *layout, const struct rowgroup_params *params, struct table *table)
{
	static struct reference reference;
	struct chunk_list list;
	struct table_digest digest;
	size_t row = 0;

	reference_cut(&reference, layout, params, table);
	rows_write(layout, params, table->rows, table->count, &list, &digest);
	rows_expect(layout, params, table->rows, table->count, &list, &digest);
	assert_int_equal(list.count, reference.count);
	for (size_t i = 0; i < list.count; i++) {
		row += list.chunks[i].rows;
		assert_int_equal(row, reference.ends[i]);
	}
	chunk_list_free(&list);
}

static const struct layout *const layouts[] = { &pair_key, &single_key, &heap };

/* Limits of rows, of bytes, neither, both; and groups of one row at least. */
static struct rowgroup_params params_variant(int variant)
{
	struct rowgroup_params params = table_rows_small;

	if (variant == 1)
		params.max_rows = 40;
	if (variant == 2)
		params.max_bytes = 4096;
	if (variant == 3)
		params = rowgroup_params_default;
	if (variant == 4)
		params.group_rows = params.frequent_rows = 1;
	if (variant == 5)
		params.least_bytes = 700;
	params.seed[0] = 0x5a;
	return params;
}

static void one_pass_equals_the_rule_over_the_whole_list(void **state)
{
	static struct table table;

	(void)state;
	for (int variant = 0; variant < 6; variant++) {
		struct rowgroup_params params = params_variant(variant);

		for (size_t l = 0; l < 3; l++) {
			table_fill(&table, (uint64_t)variant * 3 + l + 1, 5000);
			expect_reference(layouts[l], &params, &table);
			table_clear(&table);
		}
	}
}

static void short_tables_equal_the_rule_too(void **state)
{
	static struct table table;
	struct rowgroup_params params = params_variant(0);

	(void)state;
	for (size_t count = 0; count < 200; count++) {
		table_fill(&table, count + 1, count);
		expect_reference(&pair_key, &params, &table);
		table_clear(&table);
	}
}

static void edits_anywhere_equal_the_rule(void **state)
{
	static struct table table;
	struct rowgroup_params params = params_variant(0);

	(void)state;
	table_fill(&table, 77, 1500);
	for (int edit = 0; edit < 120; edit++) {
		size_t at = random_below(&table.random, table.count - 1);

		if (edit % 3 == 0)
			table_insert(&table, at);
		else if (edit % 3 == 1)
			table_remove(&table, at);
		else
			table_replace(&table, at);
		expect_reference(layouts[edit % 2 ? 0 : 2], &params, &table);
	}
	table_clear(&table);
}

/* ---- few new chunks ---- */

/* Applies one edit; returns how many chunks are new. */
static size_t new_chunks(
	const struct layout *layout, struct table *table, size_t at, void (*edit)(struct table *table, size_t at))
{
	struct rowgroup_params params = params_variant(0);
	struct chunk_list before, after;
	struct table_digest digest;
	size_t bytes, count;

	rows_write(layout, &params, table->rows, table->count, &before, &digest);
	edit(table, at);
	rows_write(layout, &params, table->rows, table->count, &after, &digest);
	count = chunk_list_new(&after, &before, &bytes);
	chunk_list_free(&before);
	chunk_list_free(&after);
	return count;
}

static void one_edit_makes_few_new_chunks(void **state)
{
	static struct table table;
	void (*const edits[])(struct table *, size_t) = { table_insert, table_remove, table_replace };
	size_t most = 0, sum = 0, tries = 0;

	(void)state;
	for (size_t l = 0; l < 3; l++) {
		table_fill(&table, l + 5, 4000);
		for (size_t at = 3; at < 3990; at += 131, tries++) {
			size_t n = new_chunks(layouts[l], &table, at, edits[tries % 3]);

			most = n > most ? n : most;
			sum += n;
		}
		table_clear(&table);
	}
	/* A replaced row is one chunk; a boundary row that comes or goes can join or split runs, and move a few after it. */
	assert_true(sum < 3 * tries);
	assert_true(most < 30);
}

static void a_replaced_row_that_keeps_its_key_makes_one_new_chunk(void **state)
{
	static struct table table;
	struct rowgroup_params params = params_variant(3);

	(void)state;
	table_fill(&table, 9, 4000);
	for (size_t at = 0; at < 4000; at += 397) {
		struct chunk_list before, after;
		struct table_digest digest;
		size_t bytes;

		rows_write(&pair_key, &params, table.rows, table.count, &before, &digest);
		table_replace(&table, at);
		rows_write(&pair_key, &params, table.rows, table.count, &after, &digest);
		assert_int_equal(chunk_list_new(&after, &before, &bytes), 1);
		chunk_list_free(&before);
		chunk_list_free(&after);
	}
	table_clear(&table);
}

/* Rooms of so many messages each. */
static void table_fill_rooms(struct table *table, size_t rooms, size_t messages)
{
	table->random.state = 17 * messages;
	table->count = rooms * messages;
	for (size_t i = 0; i < table->count; i++)
		table->rows[i] = make_row(&table->random, (int32_t)(i / messages), (int64_t)i);
}

/* Whatever its size and place, the first room and the last one too: what shares a run with it is cut anew, no more. */
static void a_lost_room_moves_no_cut_but_its_own(void **state)
{
	static const size_t sizes[] = { 1, 2, 9, 30, 31, 40, 150 };
	static struct table table;
	struct rowgroup_params params = rowgroup_params_default;

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		size_t messages = sizes[s], rooms = ROWS_MAX / 2 / messages, tries = 0, chunks = 0, most = 0;

		for (size_t place = 0; place <= 29; place++) {
			size_t room = place * (rooms - 1) / 29;
			struct chunk_list before, after;
			struct table_digest digest;
			size_t bytes, n;

			table_fill_rooms(&table, rooms, messages);
			rows_write(&pair_key, &params, table.rows, table.count, &before, &digest);
			for (size_t i = 0; i < messages; i++)
				table_remove(&table, room * messages);
			rows_write(&pair_key, &params, table.rows, table.count, &after, &digest);
			n = chunk_list_new(&after, &before, &bytes);
			chunks += n;
			most = n > most ? n : most;
			tries++;
			chunk_list_free(&before);
			chunk_list_free(&after);
			table_clear(&table);
		}
		/* One run is cut anew, or two that have become one. */
		if (chunks > 2 * tries || most > 8)
			fail_msg("rooms of %zu: %zu new chunks in %zu tries, %zu at most", messages, chunks, tries, most);
	}
}

/* Without any rare boundary every cut is forced; a row put in at the front must not move all cuts behind it. */
static void forced_cuts_meet_again(void **state)
{
	static struct table table;
	struct rowgroup_params params = params_variant(1);
	struct chunk_list before, after;
	struct table_digest digest;
	size_t bytes;

	(void)state;
	params.rare_rows = 1u << 31;
	table_fill(&table, 21, 5000);
	rows_write(&single_key, &params, table.rows, table.count, &before, &digest);
	table_insert(&table, 10);
	rows_write(&single_key, &params, table.rows, table.count, &after, &digest);
	assert_true(before.count > 120);
	assert_true(chunk_list_new(&after, &before, &bytes) < 20);
	chunk_list_free(&before);
	chunk_list_free(&after);
	table_clear(&table);
}

static void rows_that_are_appended_rewrite_the_end_alone(void **state)
{
	static struct table table;
	struct rowgroup_params params = rowgroup_params_default;
	size_t rewritten = 0;

	(void)state;
	table_fill(&table, 4, 1500);
	for (int night = 0; night < 60; night++) {
		struct chunk_list before, after;
		struct table_digest digest;
		size_t bytes;

		rows_write(&single_key, &params, table.rows, table.count, &before, &digest);
		for (int i = 0; i < 10; i++)
			table_insert(&table, table.count);
		rows_write(&single_key, &params, table.rows, table.count, &after, &digest);
		chunk_list_new(&after, &before, &bytes);
		rewritten += bytes;
		chunk_list_free(&before);
		chunk_list_free(&after);
	}
	/* 600 rows of about 45 bytes were appended, ten at a time. Each is written with its neighbours, then once a scale. */
	assert_true(rewritten < 600 * 45 * 20);
	table_clear(&table);
}

/* A heap may hold the same row many times; if its hash happens to be a boundary, all of them are. */
static void equal_rows_do_not_become_chunks_of_one_row(void **state)
{
	static struct table table;
	struct rowgroup_params params = params_variant(0);
	struct chunk_list list;
	struct table_digest digest;

	(void)state;
	params.rare_rows = params.frequent_rows; /* so that one of a few dozen rows is one */
	for (uint64_t seed = 1; seed < 40; seed++) {
		table.random.state = seed;
		table.count = 400;
		for (size_t i = 0; i < 400; i++) {
			struct random same = { seed };

			table.rows[i] = make_row(&same, 1, 1);
		}
		expect_reference(&heap, &params, &table);
		rows_write(&heap, &params, table.rows, 400, &list, &digest);
		assert_true(list.count <= 400 / params.group_rows + params.group_rows);
		chunk_list_free(&list);
		table_clear(&table);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_pass_equals_the_rule_over_the_whole_list),
		cmocka_unit_test(short_tables_equal_the_rule_too),
		cmocka_unit_test(edits_anywhere_equal_the_rule),
		cmocka_unit_test(one_edit_makes_few_new_chunks),
		cmocka_unit_test(a_replaced_row_that_keeps_its_key_makes_one_new_chunk),
		cmocka_unit_test(a_lost_room_moves_no_cut_but_its_own),
		cmocka_unit_test(forced_cuts_meet_again),
		cmocka_unit_test(rows_that_are_appended_rewrite_the_end_alone),
		cmocka_unit_test(equal_rows_do_not_become_chunks_of_one_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
