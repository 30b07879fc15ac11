/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "agent/sql/select.h"
#include "agent/sql/statement.h"
#include "tests/support/catalogue_sample.h"

static void assert_text(struct statement *statement, const char *expected)
{
	assert_string_equal(statement_text(statement), expected);
	statement_reset(statement);
}

static void names_are_bracketed_and_escaped(void **state)
{
	struct statement statement = { 0 };

	(void)state;
	statement_names(&statement, "we]ird", "a.b'c[\xf0\x9f\x99\x82");
	assert_text(&statement, "[we]]ird].[a.b'c[\xf0\x9f\x99\x82]");
	statement_name(&statement, "]]");
	assert_text(&statement, "[]]]]]");
	statement_string(&statement, "O'Hara; DROP TABLE x --");
	assert_text(&statement, "N'O''Hara; DROP TABLE x --'");
	statement_free(&statement);
}

static void long_statements_grow(void **state)
{
	struct statement statement = { 0 };

	(void)state;
	for (int i = 0; i < 10000; i++)
		statement_add(&statement, "%04d", i);
	assert_int_equal(statement.size, 40000);
	assert_memory_equal(statement_text(&statement) + 39996, "9999", 5);
	statement_free(&statement);
}

struct literal_case {
	struct column_sample column;
	const void *bytes;
	size_t size;
	const char *expected;
};

static void literals_say_the_value_exactly(void **state)
{
	static const struct literal_case cases[] = {
		{ { "c", "int", 4, 10, 0, true }, "\x00\x00\x00\x80", 4, "CAST(-2147483648 AS int)" },
		{ { "c", "bigint", 8, 19, 0, true }, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8,
			"CAST(9223372036854775807 AS bigint)" },
		{ { "c", "tinyint", 1, 3, 0, true }, "\xff", 1, "CAST(255 AS tinyint)" },
		{ { "c", "smallint", 2, 5, 0, true }, "\xfe\xff", 2, "CAST(-2 AS smallint)" },
		{ { "c", "money", 8, 19, 4, true }, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, "CAST(-0.0001 AS money)" },
		{ { "c", "smallmoney", 4, 10, 4, true }, "\x39\x30\x00\x00", 4, "CAST(1.2345 AS smallmoney)" },
		{ { "c", "decimal", 9, 10, 3, true }, "\x00\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17,
			"CAST(-0.005 AS decimal(10, 3))" },
		{ { "c", "numeric", 17, 38, 0, true }, "\x01\xff\xff\xff\xff\x3f\x22\x8a\x09\x7a\xc4\x86\x5a\xa8\x4c\x3b\x4b",
			17, "CAST(99999999999999999999999999999999999999 AS decimal(38, 0))" },
		{ { "c", "date", 3, 10, 0, true }, "\x00\x00\x00", 3, "CAST('0001-01-01' AS date)" },
		{ { "c", "date", 3, 10, 0, true }, "\xda\xb9\x37", 3, "CAST('9999-12-31' AS date)" },
		{ { "c", "date", 3, 10, 0, true }, "\x11\xda\x0a", 3, "CAST('1948-02-29' AS date)" },
		{ { "c", "datetime", 8, 23, 3, true }, "\x00\x00\x00\x00\x02\x00\x00\x00", 8,
			"CAST('1900-01-01T00:00:00.007' AS datetime)" },
		{ { "c", "datetime", 8, 23, 3, true }, "\x46\x2e\xff\xff\xff\x81\x8b\x01", 8,
			"CAST('1753-01-01T23:59:59.997' AS datetime)" },
		{ { "c", "smalldatetime", 4, 16, 0, true }, "\xff\xff\x9f\x05", 4,
			"CAST('2079-06-06T23:59:00' AS smalldatetime)" },
		{ { "c", "datetime2", 8, 27, 7, true }, "\xff\xbf\x69\x2a\xc9\xda\xb9\x37", 8,
			"CAST('9999-12-31T23:59:59.9999999' AS datetime2(7))" },
		{ { "c", "time", 5, 16, 7, true }, "\x01\x00\x00\x00\x00", 5, "CAST('00:00:00.0000001' AS time(7))" },
		{ { "c", "datetimeoffset", 10, 34, 7, true }, "\x00\x00\x00\x00\x00\x01\x00\x00\xc4\xff", 10,
			"CAST('0001-01-01T23:00:00.0000000-01:00' AS datetimeoffset(7))" },
		{ { "c", "uniqueidentifier", 16, 0, 0, true },
			"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f", 16,
			"CAST('03020100-0504-0706-0809-0A0B0C0D0E0F' AS uniqueidentifier)" },
		{ { "c", "nvarchar", 20, 0, 0, true }, "a\x00\x00\xd8", 4, "CAST(0x610000D8 AS nvarchar(2))" },
		{ { "c", "nvarchar", 20, 0, 0, true }, "", 0, "CAST(0x AS nvarchar(1))" },
		{ { "c", "varchar", 20, 0, 0, true }, "\x80\xe9", 2, "CAST(0x80E9 AS varchar(2))" },
		{ { "c", "varbinary", 20, 0, 0, true }, "\x00\xff", 2, "0x00FF" },
		{ { "c", "hierarchyid", 892, 0, 0, true }, "\x58", 1, "CAST(0x58 AS hierarchyid)" },
		{ { "c", "float", 8, 53, 0, true }, "\x9a\x99\x99\x99\x99\x99\xb9\x3f", 8,
			"CAST(1.00000000000000006e-01 AS float)" },
		{ { "c", "int", 4, 10, 0, true }, NULL, 0, "NULL" },
	};
	struct statement statement = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct catalogue *catalogue;
		assert_int_equal(catalogue_new(&catalogue), 0);
		struct catalogue_table *table = sample_table(catalogue, "dbo", "t", &cases[i].column, 1);
		struct value value = { cases[i].bytes, cases[i].size };
		assert_true(statement_literal(&statement, &table->columns[0], &value, 1252));
		assert_text(&statement, cases[i].expected);
		catalogue_free(catalogue);
	}
	statement_free(&statement);
}

static void text_of_another_code_page_has_no_literal(void **state)
{
	static const struct column_sample column = { "c", "varchar", 20, 0, 0, false };
	struct statement statement = { 0 };
	struct catalogue *catalogue;
	struct value value = { "\xcf", 1 };

	(void)state;
	assert_int_equal(catalogue_new(&catalogue), 0);
	struct catalogue_table *table = sample_table(catalogue, "dbo", "t", &column, 1);
	table->columns[0].code_page = 1251;
	assert_false(statement_literal(&statement, &table->columns[0], &value, 1252));
	assert_int_equal(statement.size, 0);
	catalogue_free(catalogue);
	statement_free(&statement);
}

/* ---- keys ---- */

struct world {
	struct catalogue *catalogue;
	struct catalogue_table *table;
	struct catalogue_layout layout;
	struct statement statement;
};

static void make_world(struct world *world, bool nullable, const int *keys)
{
	const struct column_sample columns[] = {
		{ "room", "int", 4, 10, 0, nullable },
		{ "no", "bigint", 8, 19, 0, nullable },
		{ "text", "nvarchar", -1, 0, 0, true },
	};

	memset(world, 0, sizeof *world);
	assert_int_equal(catalogue_new(&world->catalogue), 0);
	world->table = sample_table(world->catalogue, "dbo", "Chat", columns, 3);
	sample_index(world->catalogue, world->table, 1, true, keys);
	assert_int_equal(catalogue_layout(&world->layout, world->table), 0);
}

static void free_world(struct world *world)
{
	catalogue_layout_free(&world->layout);
	catalogue_free(world->catalogue);
	statement_free(&world->statement);
}

static void rows_after_a_composite_key_follow_its_directions(void **state)
{
	struct world world;
	const struct value values[] = { { "\x07\0\0\0", 4 }, { "\x09\0\0\0\0\0\0\0", 8 } };

	(void)state;
	make_world(&world, false, (const int[]){ 1, -2, 0 });
	const struct statement_key key = { world.table, &world.layout, values, 1252 };
	assert_true(statement_key_after(&world.statement, &key));
	assert_text(&world.statement,
		"([room] >= CAST(7 AS int)) AND ((([room] > CAST(7 AS int))) OR "
		"([room] = CAST(7 AS int) AND ([no] < CAST(9 AS bigint))))");
	assert_true(statement_key_equal(&world.statement, &key));
	assert_text(&world.statement, "[room] = CAST(7 AS int) AND [no] = CAST(9 AS bigint)");
	statement_order(&world.statement, world.table, &world.layout);
	assert_text(&world.statement, " ORDER BY [room], [no] DESC");
	free_world(&world);
}

static void null_is_the_lowest_key(void **state)
{
	struct world world;
	const struct value values[] = { { NULL, 0 }, { "\x09\0\0\0\0\0\0\0", 8 } };

	(void)state;
	make_world(&world, true, (const int[]){ 1, -2, 0 });
	const struct statement_key key = { world.table, &world.layout, values, 1252 };
	assert_true(statement_key_after(&world.statement, &key));
	assert_text(&world.statement,
		"(([room] IS NOT NULL) OR "
		"([room] IS NULL AND ([no] < CAST(9 AS bigint) OR [no] IS NULL)))");
	free_world(&world);
	make_world(&world, true, (const int[]){ -1, 0 });
	const struct statement_key last = { world.table, &world.layout, values, 1252 };
	assert_true(statement_key_after(&world.statement, &last));
	assert_text(&world.statement, "1 = 0");
	free_world(&world);
}

struct range_case {
	bool nullable;
	int keys[3];
	int first[2], last[2]; /* -1: NULL */
	const char *text;
};

static void a_run_of_rows_is_bounded_on_both_sides_as_the_server_compares(void **state)
{
	static const struct range_case cases[] = {
		{ false, { 1, 0 }, { 3, 0 }, { 7, 0 }, "([room] >= CAST(3 AS int)) AND ([room] <= CAST(7 AS int))" },
		{ false, { 1, 0 }, { 3, 0 }, { 3, 0 }, "[room] = CAST(3 AS int)" },
		{ false, { -1, 0 }, { 7, 0 }, { 3, 0 }, "([room] <= CAST(7 AS int)) AND ([room] >= CAST(3 AS int))" },
		/* NULL is the first in an ascending order: the lower bound lets all through, the upper lets it in. */
		{ true, { 1, 0 }, { -1, 0 }, { 7, 0 }, "1 = 1 AND ([room] <= CAST(7 AS int) OR [room] IS NULL)" },
		{ true, { 1, 0 }, { 3, 0 }, { 7, 0 },
			"([room] >= CAST(3 AS int)) AND ([room] <= CAST(7 AS int) OR [room] IS NULL)" },
		{ true, { -1, 0 }, { 7, 0 }, { -1, 0 }, "([room] <= CAST(7 AS int) OR [room] IS NULL) AND 1 = 1" },
		{ true, { -1, 0 }, { -1, 0 }, { -1, 0 }, "[room] IS NULL" },
		/* Inside of one room, and over several. */
		{ false, { 1, -2, 0 }, { 3, 9 }, { 3, 2 },
			"[room] = CAST(3 AS int) AND ([no] <= CAST(9 AS bigint)) AND ([no] >= CAST(2 AS bigint))" },
		{ false, { 1, 2, 0 }, { 3, 9 }, { 4, 2 },
			"([room] >= CAST(3 AS int)) AND ((([room] > CAST(3 AS int))) OR ([room] = CAST(3 AS int) AND ([no] >= CAST(9 AS "
			"bigint)))) AND ([room] <= CAST(4 AS int)) AND ((([room] < CAST(4 AS int))) OR ([room] = CAST(4 AS int) AND ([no] <= "
			"CAST(2 AS bigint))))" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct range_case *c = &cases[i];
		int64_t bytes[4] = { c->first[0], c->first[1], c->last[0], c->last[1] };
		struct value values[4];
		struct world world;
		for (int k = 0; k < 4; k++)
			values[k] = bytes[k] == -1 ? (struct value){ NULL, 0 } : (struct value){ &bytes[k], k % 2 ? 8 : 4 };
		make_world(&world, c->nullable, c->keys);
		const struct statement_key first = { world.table, &world.layout, values, 1252 };
		const struct statement_key last = { world.table, &world.layout, values + 2, 1252 };
		assert_true(statement_key_range(&world.statement, &first, &last));
		assert_text(&world.statement, c->text);
		free_world(&world);
	}
}

static void whether_a_key_can_always_be_written_is_known_beforehand(void **state)
{
	static const struct {
		const char *type;
		int32_t code_page;
		bool always;
	} cases[] = { { "int", 0, true }, { "float", 0, true }, { "decimal", 0, true }, { "datetimeoffset", 0, true },
		{ "uniqueidentifier", 0, true }, { "nvarchar", 1252, true }, { "nvarchar", 1251, true },
		{ "varchar", 1252, true }, { "varchar", 1251, false }, { "char", 65001, false }, { "varbinary", 0, true },
		{ "hierarchyid", 0, true }, { "sql_variant", 0, false }, { "xml", 0, false }, { "geometry", 0, false } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct catalogue_column column = { .name = "c", .type = cases[i].type, .code_page = cases[i].code_page };
		if (statement_literal_always(&column, 1252) != cases[i].always)
			fail_msg("%s of code page %d", cases[i].type, (int)cases[i].code_page);
	}
}

static void large_values_are_read_up_to_the_limit_and_in_pieces_beyond(void **state)
{
	struct world world;
	struct select_plan plan;

	(void)state;
	make_world(&world, false, (const int[]){ 1, 2, 0 });
	assert_int_equal(select_plan(&plan, world.table, &world.layout, 64), 0);
	assert_int_equal(plan.result_count, 4);
	assert_int_equal(plan.extra[2], 3);
	select_rows(&world.statement, &plan);
	assert_text(&world.statement,
		"SELECT [room], [no], CASE WHEN DATALENGTH([text]) <= 65536 THEN "
		"CAST([text] AS varbinary(max)) END, CASE WHEN DATALENGTH([text]) > 65536 THEN CAST(DATALENGTH([text]) AS bigint) "
		"END FROM [dbo].[Chat]");
	select_piece(&world.statement, &plan, 2, 1000, 500);
	assert_text(&world.statement, "SELECT SUBSTRING(CAST([text] AS varbinary(max)), 1001, 500) FROM [dbo].[Chat]");
	select_plan_free(&plan);
	free_world(&world);
}

static void the_limit_is_divided_among_large_columns(void **state)
{
	static const struct column_sample columns[] = {
		{ "a", "text", 16, 0, 0, true },
		{ "b", "xml", -1, 0, 0, true },
		{ "c", "char", 3, 0, 0, true },
	};
	struct catalogue *catalogue;
	struct catalogue_layout layout;
	struct select_plan plan;
	struct statement statement = { 0 };

	(void)state;
	assert_int_equal(catalogue_new(&catalogue), 0);
	struct catalogue_table *table = sample_table(catalogue, "dbo", "t", columns, 3);
	assert_int_equal(catalogue_layout(&layout, table), 0);
	assert_int_equal(select_plan(&plan, table, &layout, 64), 0);
	assert_int_equal(plan.value_limit, 32768);
	select_rows(&statement, &plan);
	assert_non_null(strstr(statement_text(&statement), "CAST(CAST([a] AS varchar(max)) AS varbinary(max))"));
	assert_non_null(strstr(statement_text(&statement), "DATALENGTH(CAST([b] AS nvarchar(max)))"));
	assert_non_null(strstr(statement_text(&statement), "CAST([c] AS varbinary(3))"));
	select_plan_free(&plan);
	catalogue_layout_free(&layout);
	catalogue_free(catalogue);
	statement_free(&statement);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_bracketed_and_escaped),
		cmocka_unit_test(long_statements_grow),
		cmocka_unit_test(literals_say_the_value_exactly),
		cmocka_unit_test(text_of_another_code_page_has_no_literal),
		cmocka_unit_test(rows_after_a_composite_key_follow_its_directions),
		cmocka_unit_test(null_is_the_lowest_key),
		cmocka_unit_test(a_run_of_rows_is_bounded_on_both_sides_as_the_server_compares),
		cmocka_unit_test(whether_a_key_can_always_be_written_is_known_beforehand),
		cmocka_unit_test(large_values_are_read_up_to_the_limit_and_in_pieces_beyond),
		cmocka_unit_test(the_limit_is_divided_among_large_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
