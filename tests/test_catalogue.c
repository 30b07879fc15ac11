/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/sql/catalogue.h"
#include "agent/sql/catalogue_fields.h"
#include "agent/sql/catalogue_queries.h"
#include "tests/support/catalogue_sample.h"

/* ---- every field, filled with something that is its own ---- */

static uint32_t counter;

static void fill_record(struct catalogue *catalogue, const struct catalogue_record *record, char *item);

static void fill_list(struct catalogue *catalogue, const struct catalogue_field *field, char *item)
{
	const uint32_t count = 3;
	char *items = catalogue_allocate(catalogue, count * field->record->size);

	for (uint32_t i = 0; i < count; i++) {
		catalogue_record_init(field->record, items + i * field->record->size);
		/* The first of each list stays at its defaults. */
		if (i)
			fill_record(catalogue, field->record, items + i * field->record->size);
	}
	memcpy(item + field->offset, &items, sizeof items);
	memcpy(item + field->count_offset, &count, sizeof count);
}

static void fill_string(struct catalogue *catalogue, char *at)
{
	char text[64];
	const char *string;

	snprintf(text, sizeof text, "text %u \xed\xa0\x80 ]'", ++counter);
	string = catalogue_string(catalogue, text, counter % 7 == 3 ? 0 : strlen(text));
	memcpy(at, &string, sizeof string);
}

static void fill_record(struct catalogue *catalogue, const struct catalogue_record *record, char *item)
{
	for (size_t i = 0; i < record->field_count; i++) {
		const struct catalogue_field *field = &record->fields[i];
		char *at = item + field->offset;
		if (field->kind == FIELD_BOOL)
			*(bool *)at = ++counter % 2;
		else if (field->kind == FIELD_INT)
			*(int32_t *)(void *)at = (int32_t)(++counter * 2654435761u);
		else if (field->kind == FIELD_LONG)
			*(int64_t *)(void *)at = -(int64_t)(++counter * UINT64_C(0x123456789));
		else if (field->kind == FIELD_LIST)
			fill_list(catalogue, field, at - field->offset);
		else if (field->kind == FIELD_RECORD)
			fill_record(catalogue, field->record, at);
		else
			fill_string(catalogue, at);
	}
}

static bool same_record(const struct catalogue_record *record, const char *a, const char *b);

static bool same_list(const struct catalogue_field *field, const char *a, const char *b)
{
	const char *items[2];
	uint32_t counts[2];

	memcpy(&items[0], a + field->offset, sizeof items[0]);
	memcpy(&items[1], b + field->offset, sizeof items[1]);
	memcpy(&counts[0], a + field->count_offset, sizeof counts[0]);
	memcpy(&counts[1], b + field->count_offset, sizeof counts[1]);
	if (counts[0] != counts[1])
		return false;
	for (uint32_t i = 0; i < counts[0]; i++)
		if (!same_record(field->record, items[0] + i * field->record->size, items[1] + i * field->record->size))
			return false;
	return true;
}

static bool same_string(const char *a, const char *b)
{
	const char *strings[2];

	memcpy(&strings[0], a, sizeof strings[0]);
	memcpy(&strings[1], b, sizeof strings[1]);
	return strings[0] && strings[1] ? !strcmp(strings[0], strings[1]) : strings[0] == strings[1];
}

static bool same_record(const struct catalogue_record *record, const char *a, const char *b)
{
	for (size_t i = 0; i < record->field_count; i++) {
		const struct catalogue_field *field = &record->fields[i];
		static const size_t sizes[] = { sizeof(bool), 4, 8 };
		bool same;
		if (field->kind == FIELD_LIST)
			same = same_list(field, a, b);
		else if (field->kind == FIELD_RECORD)
			same = same_record(field->record, a + field->offset, b + field->offset);
		else if (field->kind <= FIELD_LONG)
			same = !memcmp(a + field->offset, b + field->offset, sizes[field->kind]);
		else
			same = same_string(a + field->offset, b + field->offset);
		if (!same)
			return false;
	}
	return true;
}

static struct catalogue *full_catalogue(void)
{
	struct catalogue *catalogue;

	counter = 0;
	assert_int_equal(catalogue_new(&catalogue), 0);
	fill_record(catalogue, &catalogue_record_root, (char *)catalogue);
	return catalogue;
}

static void every_field_comes_back(void **state)
{
	struct catalogue *catalogue = full_catalogue(), *back;
	uint8_t *bytes, *again;
	size_t size, again_size;

	(void)state;
	assert_int_equal(catalogue_encode(catalogue, &bytes, &size), 0);
	assert_int_equal(catalogue_decode(&back, bytes, size), 0);
	assert_true(same_record(&catalogue_record_root, (const char *)catalogue, (const char *)back));
	assert_int_equal(catalogue_encode(back, &again, &again_size), 0);
	assert_int_equal(again_size, size);
	assert_memory_equal(again, bytes, size);
	free(bytes);
	free(again);
	catalogue_free(back);
	catalogue_free(catalogue);
}

static void null_and_empty_are_not_the_same(void **state)
{
	static const struct column_sample column = { "id", "int", 4, 10, 0, false };
	struct catalogue *catalogue, *back;
	uint8_t *bytes;
	size_t size;

	(void)state;
	assert_int_equal(catalogue_new(&catalogue), 0);
	sample_table(catalogue, "dbo", "never", &column, 1);
	sample_table(catalogue, "dbo", "used", &column, 1)->columns[0].identity_last = "";
	assert_int_equal(catalogue_encode(catalogue, &bytes, &size), 0);
	assert_int_equal(catalogue_decode(&back, bytes, size), 0);
	assert_null(back->tables[0].columns[0].identity_last);
	assert_string_equal(back->tables[1].columns[0].identity_last, "");
	free(bytes);
	catalogue_free(back);
	catalogue_free(catalogue);
}

static void cut_bytes_are_no_catalogue(void **state)
{
	struct catalogue *catalogue = full_catalogue(), *back;
	uint8_t *bytes;
	size_t size, accepted = 0;

	(void)state;
	assert_int_equal(catalogue_encode(catalogue, &bytes, &size), 0);
	for (size_t cut = 0; cut < size; cut++) {
		/* A copy of its own size, so that a sanitizer sees every byte too far. */
		uint8_t *part = malloc(cut + 1);
		memcpy(part, bytes, cut);
		if (catalogue_decode(&back, part, cut) == 0) {
			catalogue_free(back);
			accepted++;
		}
		free(part);
	}
	/* Only between two fields of the root, where what is missing may never have been there. */
	assert_in_range(accepted, 1, catalogue_record_root.field_count);
	free(bytes);
	catalogue_free(catalogue);
}

static void flipped_bytes_never_crash_and_never_come_back_the_same(void **state)
{
	struct catalogue *catalogue = full_catalogue(), *back;
	uint8_t *bytes;
	size_t size;

	(void)state;
	assert_int_equal(catalogue_encode(catalogue, &bytes, &size), 0);
	for (size_t i = 0; i < size; i += 3) {
		bytes[i] ^= (uint8_t)(1u << i % 8);
		if (catalogue_decode(&back, bytes, size) == 0) {
			assert_false(same_record(&catalogue_record_root, (const char *)catalogue, (const char *)back));
			catalogue_free(back);
		}
		bytes[i] ^= (uint8_t)(1u << i % 8);
	}
	free(bytes);
	catalogue_free(catalogue);
}

static void fields_of_later_versions_are_skipped(void **state)
{
	struct catalogue *catalogue, *back;
	uint8_t *bytes, more[64];
	size_t size;

	(void)state;
	assert_int_equal(catalogue_new(&catalogue), 0);
	assert_int_equal(catalogue_encode(catalogue, &bytes, &size), 0);
	assert_true(size + 9 <= sizeof more);
	memcpy(more, bytes, size);
	memcpy(more + size,
		"\xe8\x03\x03\x00\x00\x00"
		"new",
		9);
	assert_int_equal(catalogue_decode(&back, more, size + 9), 0);
	catalogue_free(back);
	free(bytes);
	catalogue_free(catalogue);
}

static void tags_must_ascend(void **state)
{
	/* A root with the list of schemas twice. */
	static const uint8_t twice[] = { 'C', 'F', 'C', 'T', 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0 };
	struct catalogue *back;

	(void)state;
	assert_int_equal(catalogue_decode(&back, twice, sizeof twice - 6), 0);
	catalogue_free(back);
	assert_int_equal(catalogue_decode(&back, twice, sizeof twice), -EBADMSG);
}

static void a_list_that_would_fill_memory_is_refused(void **state)
{
	/* Empty items cost four bytes each here and hundreds there. */
	size_t count = CATALOGUE_BYTES_MAX / 4 - 16, size = 8 + 6 + 4 * count;
	uint8_t *bytes = calloc(1, size);
	struct catalogue *back;

	(void)state;
	memcpy(bytes, "CFCT\1\0\0\0\3\0", 10);
	for (int i = 0; i < 4; i++)
		bytes[10 + i] = (uint8_t)(4 * count >> 8 * i);
	assert_int_equal(catalogue_decode(&back, bytes, size), -ENOMEM);
	free(bytes);
}

/* ---- layouts ---- */

static const struct column_sample chat[] = { { "room", "int", 4, 10, 0, false }, { "no", "bigint", 8, 19, 0, false },
	{ "guid", "uniqueidentifier", 16, 0, 0, true }, { "text", "nvarchar", -1, 0, 0, true },
	{ "version", "timestamp", 8, 0, 0, false } };

static struct catalogue_table *chat_table(struct catalogue **catalogue)
{
	assert_int_equal(catalogue_new(catalogue), 0);
	return sample_table(*catalogue, "dbo", "tblChat", chat, 5);
}

static void assert_order(const struct catalogue_table *table, bool unique, const int *expected)
{
	struct catalogue_layout layout;
	size_t count = 0;

	assert_int_equal(catalogue_layout(&layout, table), 0);
	for (; expected[count]; count++) {
		assert_true(count < layout.order_count);
		assert_int_equal(layout.order[count] + 1, abs(expected[count]));
		assert_int_equal(layout.descending[count], expected[count] < 0);
	}
	assert_int_equal(layout.order_count, count);
	assert_int_equal(layout.unique, unique);
	assert_int_equal(layout.layout.key_count, unique ? count : 0);
	catalogue_layout_free(&layout);
}

static void a_unique_clustered_key_is_the_order(void **state)
{
	struct catalogue *catalogue;
	struct catalogue_table *table = chat_table(&catalogue);

	(void)state;
	sample_index(catalogue, table, 1, true, (const int[]){ 2, -1, 0 });
	sample_index(catalogue, table, 2, true, (const int[]){ 1, 0 });
	assert_order(table, true, (const int[]){ 2, -1, 0 });
	catalogue_free(catalogue);
}

static void a_clustered_key_that_is_not_unique_gets_a_tie_break(void **state)
{
	struct catalogue *catalogue;
	struct catalogue_table *table = chat_table(&catalogue);

	(void)state;
	sample_index(catalogue, table, 1, false, (const int[]){ 1, 0 });
	assert_order(table, false, (const int[]){ 1, 0 });
	sample_index(catalogue, table, 2, true, (const int[]){ 2, 1, 0 });
	assert_order(table, true, (const int[]){ 1, 2, 0 });
	catalogue_free(catalogue);
}

static void a_heap_takes_its_narrowest_unique_index_without_null(void **state)
{
	struct catalogue *catalogue;
	struct catalogue_table *table = chat_table(&catalogue);

	(void)state;
	assert_order(table, false, (const int[]){ 0 });
	sample_index(catalogue, table, 2, true, (const int[]){ 3, 0 });
	assert_order(table, true, (const int[]){ 3, 0 });
	sample_index(catalogue, table, 2, true, (const int[]){ 1, 2, 0 });
	assert_order(table, true, (const int[]){ 1, 2, 0 });
	sample_index(catalogue, table, 2, true, (const int[]){ -2, 0 });
	assert_order(table, true, (const int[]){ -2, 0 });
	catalogue_free(catalogue);
}

static void filtered_disabled_and_server_made_keys_are_no_keys(void **state)
{
	struct catalogue *catalogue;
	struct catalogue_table *table = chat_table(&catalogue);

	(void)state;
	sample_index(catalogue, table, 2, true, (const int[]){ 1, 0 })->filter = "([room]>(1))";
	sample_index(catalogue, table, 2, true, (const int[]){ 1, 0 })->disabled = true;
	sample_index(catalogue, table, 2, true, (const int[]){ 5, 0 });
	assert_order(table, false, (const int[]){ 0 });
	catalogue_free(catalogue);
}

static void what_the_server_makes_is_derived_or_left_out(void **state)
{
	struct catalogue *catalogue;
	struct catalogue_table *table = chat_table(&catalogue);
	struct catalogue_layout layout;

	(void)state;
	table->columns[1].computed = true;
	table->columns[2].computed = table->columns[2].persisted = true;
	table->columns[3].column_set = true;
	assert_int_equal(catalogue_layout(&layout, table), 0);
	assert_int_equal(layout.layout.column_count, 3);
	assert_int_equal(layout.source[1], 2);
	assert_false(layout.columns[0].derived);
	assert_true(layout.columns[1].derived);
	assert_true(layout.columns[2].derived);
	catalogue_layout_free(&layout);
	catalogue_free(catalogue);
}

static void tables_are_listed_by_any_of_their_names(void **state)
{
	struct catalogue *catalogue;
	struct catalogue_table *table = chat_table(&catalogue);
	static const char *const forms[] = { "tblChat", "dbo.tblChat", "[dbo].[tblChat]", "DBO.TBLCHAT" };
	static const char *const others[] = { "tblChats", "x.tblChat", "[dbo].[tblChat", "dbo.", "" };

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_true(catalogue_table_listed(table, &forms[i], 1));
	assert_false(catalogue_table_listed(table, others, 5));
	table->schema = "x";
	assert_false(catalogue_table_listed(table, forms, 4));
	catalogue_free(catalogue);
}

static void long_names_are_cut_between_characters(void **state)
{
	struct catalogue *catalogue;
	struct catalogue_table *table = chat_table(&catalogue);
	char name[20];

	(void)state;
	table->name = "\xf0\x9f\x99\x82\xf0\x9f\x99\x82\xf0\x9f\x99\x82";
	catalogue_table_name(table, name, sizeof name);
	assert_string_equal(name, "[dbo].[\xf0\x9f\x99\x82\xf0\x9f\x99\x82...");
	catalogue_free(catalogue);
}

/* ---- comparing ---- */

struct pair_of {
	struct catalogue *wanted, *present;
	struct catalogue_table *a, *b;
	char object[300], difference[300];
};

static void make_pair(struct pair_of *pair)
{
	static const int key[] = { 1, 2, 0 };

	pair->a = chat_table(&pair->wanted);
	pair->b = chat_table(&pair->present);
	sample_index(pair->wanted, pair->a, 1, true, key);
	sample_index(pair->present, pair->b, 1, true, key);
}

static bool pair_fits(struct pair_of *pair)
{
	return catalogue_fits(
		pair->wanted, pair->present, pair->object, sizeof pair->object, pair->difference, sizeof pair->difference);
}

static void free_pair(struct pair_of *pair)
{
	catalogue_free(pair->wanted);
	catalogue_free(pair->present);
}

static void change_length(struct pair_of *pair)
{
	pair->b->columns[3].max_length = 200;
}
static void change_type(struct pair_of *pair)
{
	pair->b->columns[1].type = "int";
}
static void change_null(struct pair_of *pair)
{
	pair->b->columns[2].nullable = false;
}
static void change_collation(struct pair_of *pair)
{
	pair->b->columns[3].collation = "Latin1_General_BIN2";
}
static void change_scale(struct pair_of *pair)
{
	pair->b->columns[0].scale = 1;
}
static void change_identity(struct pair_of *pair)
{
	pair->b->columns[0].identity = true;
}
static void change_computed(struct pair_of *pair)
{
	pair->b->columns[3].computed = true;
}
static void change_name(struct pair_of *pair)
{
	pair->b->columns[3].name = "words";
}
static void lose_column(struct pair_of *pair)
{
	pair->b->column_count--;
}
static void gain_column(struct pair_of *pair)
{
	pair->a->column_count--;
}
static void lose_table(struct pair_of *pair)
{
	pair->b->name = "tblOther";
}
static void change_key(struct pair_of *pair)
{
	pair->b->indexes[0].columns[1].descending = true;
}
static void lose_key(struct pair_of *pair)
{
	pair->b->index_count = 0;
}
static void change_precision(struct pair_of *pair)
{
	pair->b->columns[0].precision++;
}
static void change_period(struct pair_of *pair)
{
	pair->b->columns[2].generated = 1;
}
static void change_collection(struct pair_of *pair)
{
	pair->b->columns[3].xml_collection = "[dbo].[shape]";
}
static void change_padding(struct pair_of *pair)
{
	pair->a->columns[3].type = pair->b->columns[3].type = "varchar";
	pair->b->columns[3].ansi_padded = false;
}
static void change_clr_type(struct pair_of *pair)
{
	pair->a->columns[3].type = pair->b->columns[3].type = "clr";
	pair->a->columns[3].user_type = "[dbo].[point]";
	pair->b->columns[3].user_type = "[dbo].[line]";
}

static void every_difference_of_shape_is_named(void **state)
{
	static void (*const changes[])(struct pair_of *) = { change_length, change_type, change_null, change_collation,
		change_scale, change_identity, change_computed, change_name, lose_column, gain_column, lose_table, change_key,
		lose_key, change_precision, change_period, change_collection, change_padding, change_clr_type };

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct pair_of pair;
		make_pair(&pair);
		assert_true(pair_fits(&pair));
		changes[i](&pair);
		assert_false(pair_fits(&pair));
		assert_ptr_equal(strstr(pair.object, "[dbo].[tblChat]"), pair.object);
		assert_true(*pair.difference);
		free_pair(&pair);
	}
}

static void what_a_restore_puts_back_may_differ(void **state)
{
	struct pair_of pair;

	(void)state;
	make_pair(&pair);
	pair.b->columns[0].identity_last = "17";
	pair.b->rows = 5;
	pair.b->object_id = 99;
	pair.b->columns[3].default_name = "DF_other";
	pair.b->columns[3].ansi_padded = false; /* of nvarchar: it always keeps them */
	assert_true(pair_fits(&pair));
	free_pair(&pair);
}

static void add_states(struct catalogue *catalogue, struct catalogue_table *table)
{
	table->foreign_keys = catalogue_allocate(catalogue, sizeof *table->foreign_keys);
	table->checks = catalogue_allocate(catalogue, sizeof *table->checks);
	table->triggers = catalogue_allocate(catalogue, sizeof *table->triggers);
	table->foreign_key_count = table->check_count = table->trigger_count = 1;
	catalogue_record_init(&catalogue_record_foreign_key, table->foreign_keys);
	catalogue_record_init(&catalogue_record_check, table->checks);
	catalogue_record_init(&catalogue_record_trigger, table->triggers);
	table->foreign_keys->name = "FK";
	table->checks->name = "CK";
	table->triggers->name = "TR";
}

static void key_off(struct pair_of *pair)
{
	pair->b->foreign_keys->disabled = true;
}
static void key_untrusted(struct pair_of *pair)
{
	pair->b->foreign_keys->not_trusted = true;
}
static void key_not_replicated(struct pair_of *pair)
{
	pair->b->foreign_keys->not_for_replication = true;
}
static void key_gone(struct pair_of *pair)
{
	pair->b->foreign_key_count = 0;
}
static void check_off(struct pair_of *pair)
{
	pair->b->checks->disabled = true;
}
static void check_untrusted(struct pair_of *pair)
{
	pair->b->checks->not_trusted = true;
}
static void check_not_replicated(struct pair_of *pair)
{
	pair->b->checks->not_for_replication = true;
}
static void check_gone(struct pair_of *pair)
{
	pair->b->check_count = 0;
}
static void trigger_off(struct pair_of *pair)
{
	pair->b->triggers->disabled = true;
}
static void trigger_gone(struct pair_of *pair)
{
	pair->b->trigger_count = 0;
}

static void every_difference_of_state_is_named(void **state)
{
	static const struct {
		void (*change)(struct pair_of *);
		const char *object;
	} changes[] = { { key_off, "[FK]" }, { key_untrusted, "[FK]" }, { key_not_replicated, "[FK]" },
		{ key_gone, "[FK]" }, { check_off, "[CK]" }, { check_untrusted, "[CK]" }, { check_not_replicated, "[CK]" },
		{ check_gone, "[CK]" }, { trigger_off, "[TR]" }, { trigger_gone, "[TR]" } };

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct pair_of pair;
		make_pair(&pair);
		add_states(pair.wanted, pair.a);
		add_states(pair.present, pair.b);
		assert_true(catalogue_states_equal(
			pair.wanted, pair.present, pair.object, sizeof pair.object, pair.difference, sizeof pair.difference));
		changes[i].change(&pair);
		assert_false(catalogue_states_equal(
			pair.wanted, pair.present, pair.object, sizeof pair.object, pair.difference, sizeof pair.difference));
		assert_non_null(strstr(pair.object, changes[i].object));
		free_pair(&pair);
	}
}

static void features_forbid_what_they_must(void **state)
{
	struct catalogue_table table = { .features = FEATURE_TEMPORAL };

	(void)state;
	assert_null(catalogue_refused(&table, false));
	assert_non_null(catalogue_refused(&table, true));
	table.features = FEATURE_FULLTEXT | FEATURE_CHANGE_TRACKING;
	assert_null(catalogue_refused(&table, true));
	table.features |= FEATURE_ENCRYPTED;
	assert_int_equal(catalogue_refused(&table, false)->feature, FEATURE_ENCRYPTED);
}

/* ---- queries ---- */

static void queries_name_only_what_the_version_knows(void **state)
{
	struct statement statement = { 0 };

	(void)state;
	catalogue_query(&statement, catalogue_query_columns, 11);
	assert_null(strstr(statement_text(&statement), "is_hidden"));
	assert_null(strpbrk(statement_text(&statement), "{}|$"));
	statement_reset(&statement);
	catalogue_query(&statement, catalogue_query_columns, 13);
	assert_non_null(strstr(statement_text(&statement), "c.is_hidden"));
	assert_null(strstr(statement_text(&statement), "graph_type"));
	statement_reset(&statement);
	catalogue_query(&statement, catalogue_query_tables, 16);
	assert_non_null(strstr(statement_text(&statement), "ledger_type"));
	assert_null(strpbrk(statement_text(&statement), "{}|$"));
	statement_reset(&statement);
	catalogue_query(&statement, catalogue_query_database, 15);
	assert_non_null(strstr(statement_text(&statement), ", 15, "));
	statement_free(&statement);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_field_comes_back),
		cmocka_unit_test(null_and_empty_are_not_the_same), cmocka_unit_test(cut_bytes_are_no_catalogue),
		cmocka_unit_test(flipped_bytes_never_crash_and_never_come_back_the_same),
		cmocka_unit_test(fields_of_later_versions_are_skipped), cmocka_unit_test(tags_must_ascend),
		cmocka_unit_test(a_list_that_would_fill_memory_is_refused),
		cmocka_unit_test(a_unique_clustered_key_is_the_order),
		cmocka_unit_test(a_clustered_key_that_is_not_unique_gets_a_tie_break),
		cmocka_unit_test(a_heap_takes_its_narrowest_unique_index_without_null),
		cmocka_unit_test(filtered_disabled_and_server_made_keys_are_no_keys),
		cmocka_unit_test(what_the_server_makes_is_derived_or_left_out),
		cmocka_unit_test(tables_are_listed_by_any_of_their_names),
		cmocka_unit_test(long_names_are_cut_between_characters), cmocka_unit_test(every_difference_of_shape_is_named),
		cmocka_unit_test(what_a_restore_puts_back_may_differ), cmocka_unit_test(every_difference_of_state_is_named),
		cmocka_unit_test(features_forbid_what_they_must), cmocka_unit_test(queries_name_only_what_the_version_knows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
