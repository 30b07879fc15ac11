/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes are those that were tried by hand against a server that speaks TDS 7.4. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "agent/sql/bulk.h"
#include "tests/support/catalogue_sample.h"

#define COLLATION "\x09\x04\xd0\x00\x34"

struct output {
	uint8_t bytes[100000];
	size_t size, calls;
};

static int collect(void *arg, const void *bytes, size_t size)
{
	struct output *output = arg;

	assert_true(size <= sizeof output->bytes - output->size);
	memcpy(output->bytes + output->size, bytes, size);
	output->size += size;
	output->calls++;
	return 0;
}

static struct output output;
static struct bulk bulk;

static void start(void)
{
	output.size = output.calls = 0;
	bulk_init(&bulk, collect, &output);
}

static void assert_written(const void *bytes, size_t size)
{
	assert_int_equal(bulk_flush(&bulk), 0);
	assert_int_equal(output.size, size);
	assert_memory_equal(output.bytes, bytes, size);
}
#define assert_bytes(literal) assert_written(literal, sizeof(literal) - 1)

static struct bulk_column column_of(const struct column_sample *sample, const void *info, size_t size, uint16_t flags)
{
	struct catalogue *catalogue;
	struct bulk_column column;

	assert_int_equal(catalogue_new(&catalogue), 0);
	struct catalogue_table *table = sample_table(catalogue, "dbo", "t", sample, 1);
	assert_int_equal(bulk_column(&column, &table->columns[0], info, size, flags), 0);
	catalogue_free(catalogue);
	return column;
}

struct value_case {
	struct column_sample column;
	const char *info;
	size_t info_size;
	const char *value;
	size_t value_size;
	const char *wire;
	size_t wire_size;
};

#define CASE(type, length, precision, scale, info, value, wire)                                                \
	{                                                                                                          \
		{ "c", type, length, precision, scale, true }, info, sizeof(info) - 1, value, sizeof(value) - 1, wire, \
			sizeof(wire) - 1                                                                                   \
	}

static void values_are_written_as_the_server_reads_them(void **state)
{
	static const struct value_case cases[] = { CASE("int", 4, 10, 0, "\x26\x04", "\x2a\0\0\0", "\x04\x2a\0\0\0"),
		CASE("int", 4, 10, 0, "\x38", "\x2a\0\0\0", "\x2a\0\0\0"),
		CASE("bigint", 8, 19, 0, "\x26\x08", "\1\2\3\4\5\6\7\x08", "\x08\1\2\3\4\5\6\7\x08"),
		CASE("bit", 1, 1, 0, "\x68\x01", "\1", "\1\1"), CASE("tinyint", 1, 3, 0, "\x30", "\xff", "\xff"),
		CASE("real", 4, 24, 0, "\x6d\x04", "\0\0\x80\x3f", "\4\0\0\x80\x3f"),
		CASE("float", 8, 53, 0, "\x3e", "\0\0\0\0\0\0\xf0\x3f", "\0\0\0\0\0\0\xf0\x3f"),
		CASE("money", 8, 19, 4, "\x6e\x08", "\1\2\3\4\5\6\7\x08", "\x08\5\6\7\x08\1\2\3\4"),
		CASE("smallmoney", 4, 10, 4, "\x6e\x04", "\1\2\3\4", "\x04\1\2\3\4"),
		CASE("decimal", 17, 38, 3, "\x6a\x11\x26\x03", "\1\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80",
			"\x11\1\x05\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80"),
		CASE("numeric", 5, 9, 2, "\x6c\x05\x09\x02", "\0\x7b\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", "\x05\0\x7b\0\0\0"),
		CASE("date", 3, 10, 0, "\x28", "\xda\xb9\x37", "\3\xda\xb9\x37"),
		CASE("time", 5, 16, 7, "\x29\x07", "\xff\xbf\x69\x2a\xc9", "\5\xff\xbf\x69\x2a\xc9"),
		CASE("time", 3, 8, 0, "\x29\x00", "\x80\x96\x98\0\0", "\3\1\0\0"),
		CASE("datetime2", 8, 27, 7, "\x2a\x07", "\1\2\3\4\5\6\7\x08", "\x08\1\2\3\4\5\6\7\x08"),
		CASE("datetime2", 7, 23, 3, "\x2a\x03", "\x10\x27\0\0\0\6\7\x08", "\x07\1\0\0\0\6\7\x08"),
		CASE("datetimeoffset", 10, 34, 7, "\x2b\x07", "\1\2\3\4\5\6\7\x08\xc4\xff", "\x0a\1\2\3\4\5\6\7\x08\xc4\xff"),
		CASE("datetime", 8, 23, 3, "\x6f\x08", "\1\2\3\4\5\6\7\x08", "\x08\1\2\3\4\5\6\7\x08"),
		CASE("smalldatetime", 4, 16, 0, "\x3a", "\1\2\3\4", "\1\2\3\4"),
		CASE("uniqueidentifier", 16, 0, 0, "\x24\x10", "0123456789abcdef",
			"\x10"
			"0123456789abcdef"),
		CASE("varchar", 5, 0, 0, "\xa7\x05\0" COLLATION, "\x80\xe9", "\2\0\x80\xe9"),
		CASE("nvarchar", 10, 0, 0, "\xe7\x0a\0" COLLATION, "a\0\0\xd8", "\4\0a\0\0\xd8"),
		CASE("nchar", 4, 0, 0, "\xef\x04\0" COLLATION, "a\0 \0", "\4\0a\0 \0"),
		CASE("varbinary", 5, 0, 0, "\xa5\x05\0", "\0\xff", "\2\0\0\xff"),
		CASE("varbinary", -1, 0, 0, "\xa5\xff\xff", "abc", "\xfe\xff\xff\xff\xff\xff\xff\xff\3\0\0\0abc\0\0\0\0"),
		CASE("nvarchar", -1, 0, 0, "\xe7\xff\xff" COLLATION, "", "\xfe\xff\xff\xff\xff\xff\xff\xff\0\0\0\0"),
		CASE("nvarchar", 10, 0, 0, "\xe7\x0a\0" COLLATION, "", "\0\0"),
		CASE("xml", -1, 0, 0, "\xe7\xff\xff" COLLATION, "<\0", "\xfe\xff\xff\xff\xff\xff\xff\xff\2\0\0\0<\0\0\0\0\0"),
		CASE("image", 16, 0, 0, "\x22\0\0\0\x80\1\1\0a\0", "x", "\xfe\xff\xff\xff\xff\xff\xff\xff\1\0\0\0x\0\0\0\0"),
		CASE("sql_variant", 8016, 0, 0, "\xa5\x40\x1f", "\x38\0\x2a\0\0\0", "\6\0\0\0\x38\0\x2a\0\0\0") };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bulk_column column = column_of(&cases[i].column, cases[i].info, cases[i].info_size, 9);
		struct value value = { cases[i].value, cases[i].value_size };
		start();
		assert_int_equal(bulk_value(&bulk, &column, &value), 0);
		assert_written(cases[i].wire, cases[i].wire_size);
	}
}

static void null_is_written_in_each_type_s_own_way(void **state)
{
	static const struct value_case cases[] = { CASE("int", 4, 10, 0, "\x26\x04", "", "\0"),
		CASE("decimal", 9, 10, 3, "\x6a\x09\x0a\x03", "", "\0"), CASE("date", 3, 10, 0, "\x28", "", "\0"),
		CASE("uniqueidentifier", 16, 0, 0, "\x24\x10", "", "\0"),
		CASE("nvarchar", 10, 0, 0, "\xe7\x0a\0" COLLATION, "", "\xff\xff"),
		CASE("binary", 10, 0, 0, "\xad\x0a\0", "", "\xff\xff"),
		CASE("nvarchar", -1, 0, 0, "\xe7\xff\xff" COLLATION, "", "\xff\xff\xff\xff\xff\xff\xff\xff"),
		CASE("text", 16, 0, 0, "\x23\xff\xff\xff\x7f" COLLATION "\1\1\0a\0", "", "\xff\xff\xff\xff\xff\xff\xff\xff"),
		CASE("sql_variant", 8016, 0, 0, "\xa5\x40\x1f", "", "\0\0\0\0") };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bulk_column column = column_of(&cases[i].column, cases[i].info, cases[i].info_size, 9);
		start();
		assert_int_equal(bulk_value(&bulk, &column, &(struct value){ NULL, 0 }), 0);
		assert_written(cases[i].wire, cases[i].wire_size);
	}
}

static void what_is_no_value_of_the_column_is_refused(void **state)
{
	static const struct value_case cases[] = { CASE("int", 4, 10, 0, "\x26\x04", "\1\2\3", ""),
		CASE("int", 4, 10, 0, "\x26\x04", "\1\2\3\4\5", ""),
		CASE("numeric", 5, 9, 2, "\x6c\x05\x09\x02", "\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0", ""),
		CASE("time", 3, 8, 0, "\x29\x00", "\x81\x96\x98\0\0", "") };
	struct bulk_column fixed = column_of(&cases[0].column, "\x38", 1, 8);

	(void)state;
	start();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct bulk_column column = column_of(&cases[i].column, cases[i].info, cases[i].info_size, 9);
		assert_int_equal(bulk_value(&bulk, &column, &(struct value){ cases[i].value, cases[i].value_size }), -EINVAL);
	}
	assert_int_equal(bulk_value(&bulk, &fixed, &(struct value){ NULL, 0 }), -EINVAL);
	assert_int_equal(bulk_long_begin(&bulk, &fixed, 4), -EINVAL);
}

static void a_description_of_another_type_is_refused(void **state)
{
	static const struct column_sample sample = { "c", "int", 4, 10, 0, true };
	static const struct {
		const char *info;
		size_t size;
	} wrong[] = { { "\x26\x08", 2 }, { "\x26", 1 }, { "", 0 }, { "\x7f", 1 }, { "\x99\1\2\3", 4 },
		{ "\xa7\1\0\1\2\3\4", 7 }, { "\x6a\x05\x09", 3 }, { "\x2a\x08", 2 } };
	struct catalogue *catalogue;
	struct bulk_column column;

	(void)state;
	assert_int_equal(catalogue_new(&catalogue), 0);
	struct catalogue_table *table = sample_table(catalogue, "dbo", "t", &sample, 1);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
		assert_int_equal(bulk_column(&column, &table->columns[0], wrong[i].info, wrong[i].size, 9), -EPROTO);
	catalogue_free(catalogue);
}

static void metadata_carries_each_column_s_own_collation(void **state)
{
	static const struct column_sample samples[] = { { "id", "int", 4, 10, 0, false },
		{ "t\xc3\xa9", "varchar", 5, 0, 0, true }, { "x", "xml", -1, 0, 0, true }, { "old", "ntext", 16, 0, 0, true },
		{ "b", "text", 16, 0, 0, true } };
	struct bulk_column columns[5];

	(void)state;
	columns[0] = column_of(&samples[0], "\x38", 1, 0x18);
	columns[1] = column_of(&samples[1], "\xa7\x05\0\x19\x04\xd0\0\xcc", 8, 9);
	columns[2] = column_of(&samples[2], "\xe7\xff\xff" COLLATION, 8, 1);
	columns[3] = column_of(&samples[3], "\x63\xff\xff\xff\x7f\x0c\x04\xd0\0\x35\1\1\0a\0", 15, 9);
	columns[4] = column_of(&samples[4], "\x23\xff\xff\xff\x7f\x19\x04\xd0\0\xcc\1\1\0a\0", 15, 9);
	start();
	assert_int_equal(bulk_metadata(&bulk, columns, 5), 0);
	assert_int_equal(bulk_row(&bulk), 0);
	assert_bytes("\x81\5\0"
				 "\0\0\0\0\x18\0\x38\2i\0d\0"
				 "\0\0\0\0\x09\0\xa7\x05\0\x19\x04\xd0\0\xcc\2t\0\xe9\0"
				 "\0\0\0\0\x09\0\xe7\xff\xff" COLLATION "\1x\0"
				 "\0\0\0\0\x09\0\xe7\xff\xff\x0c\x04\xd0\0\x35\3o\0l\0d\0"
				 "\0\0\0\0\x09\0\xa7\xff\xff\x19\x04\xd0\0\xcc\1b\0"
				 "\xd1");
}

static void long_values_come_in_pieces_larger_than_the_buffer_too(void **state)
{
	static const struct column_sample sample = { "c", "varbinary", -1, 0, 0, true };
	struct bulk_column column = column_of(&sample, "\xa5\xff\xff", 3, 9);
	uint8_t *piece = malloc(BULK_BUFFER_SIZE + 1);

	(void)state;
	memset(piece, 'p', BULK_BUFFER_SIZE + 1);
	start();
	assert_int_equal(bulk_long_begin(&bulk, &column, BULK_BUFFER_SIZE + 3), 0);
	assert_int_equal(bulk_long_piece(&bulk, &column, "ab", 2), 0);
	assert_int_equal(bulk_long_piece(&bulk, &column, piece, BULK_BUFFER_SIZE + 1), 0);
	assert_int_equal(bulk_long_piece(&bulk, &column, "", 0), -EINVAL);
	assert_int_equal(bulk_long_end(&bulk, &column), 0);
	assert_int_equal(bulk_flush(&bulk), 0);
	assert_int_equal(output.size, 8 + 6 + 4 + BULK_BUFFER_SIZE + 1 + 4);
	assert_memory_equal(output.bytes, "\xfe\xff\xff\xff\xff\xff\xff\xff\2\0\0\0ab\1\x80\0\0pp", 20);
	assert_memory_equal(output.bytes + output.size - 5, "p\0\0\0\0", 5);
	free(piece);
}

/* As they come from a row that was too wide to keep them in it. */
static void shorter_values_in_pieces_are_as_if_they_were_whole(void **state)
{
	static const struct column_sample character = { "c", "varchar", 8000, 0, 0, true };
	static const struct column_sample any = { "v", "sql_variant", 8016, 0, 0, true };
	struct bulk_column text = column_of(&character, "\xa7\x40\x1f\x19\x04\xd0\0\xcc", 8, 9);
	struct bulk_column variant = column_of(&any, "\x62\x49\x1f\0\0", 5, 9);

	(void)state;
	start();
	assert_int_equal(bulk_long_begin(&bulk, &text, 3), 0);
	assert_int_equal(bulk_long_piece(&bulk, &text, "ab", 2), 0);
	assert_int_equal(bulk_long_piece(&bulk, &text, "c", 1), 0);
	assert_int_equal(bulk_long_end(&bulk, &text), 0);
	assert_int_equal(bulk_long_begin(&bulk, &variant, 6), 0);
	assert_int_equal(bulk_long_piece(&bulk, &variant, "\x38\0\1\2\3\4", 6), 0);
	assert_int_equal(bulk_long_end(&bulk, &variant), 0);
	assert_bytes("\3\0abc\6\0\0\0\x38\0\1\2\3\4");
	assert_int_equal(bulk_long_begin(&bulk, &text, 8001), -EINVAL);
	assert_int_equal(bulk_long_begin(&bulk, &variant, 8017), -EINVAL);
}

static void the_statement_declares_types_collations_and_order(void **state)
{
	static const struct column_sample samples[] = { { "id]", "int", 4, 10, 0, false },
		{ "v", "timestamp", 8, 0, 0, false }, { "d", "decimal", 9, 10, 3, true }, { "t", "datetime2", 8, 27, 5, true },
		{ "n", "nvarchar", 40, 0, 0, true }, { "m", "varchar", -1, 0, 0, true }, { "x", "xml", -1, 0, 0, true },
		{ "o", "text", 16, 0, 0, true }, { "g", "geography", -1, 0, 0, true }, { "b", "binary", 7, 0, 0, true } };
	struct catalogue *catalogue;
	struct catalogue_layout layout;
	struct statement statement = { 0 };

	(void)state;
	assert_int_equal(catalogue_new(&catalogue), 0);
	struct catalogue_table *table = sample_table(catalogue, "a", "b", samples, 10);
	sample_index(catalogue, table, 1, false, (const int[]){ -4, 0 });
	sample_index(catalogue, table, 2, true, (const int[]){ 1, 0 });
	assert_int_equal(catalogue_layout(&layout, table), 0);
	bulk_statement(&statement, &(struct bulk_target){ .table = table, .layout = &layout });
	assert_string_equal(statement_text(&statement),
		"INSERT BULK [a].[b] ([id]]] int, [d] decimal(10, 3), [t] datetime2(5), "
		"[n] nvarchar(20) COLLATE Latin1_General_CI_AS, [m] varchar(max) COLLATE Latin1_General_CI_AS, [x] nvarchar(max), "
		"[o] varchar(max) COLLATE Latin1_General_CI_AS, [g] varbinary(max), [b] binary(7)) "
		"WITH (KEEP_NULLS, TABLOCK, ORDER ([t] DESC))");
	/* What is sent as bytes has no order that could be promised. */
	statement_reset(&statement);
	layout.order[0] = 8; /* g */
	bulk_statement(&statement, &(struct bulk_target){ .table = table, .layout = &layout });
	assert_non_null(strstr(statement_text(&statement), "WITH (KEEP_NULLS, TABLOCK)"));
	/* A table of another name is a heap: nothing to be in order for. */
	statement_reset(&statement);
	bulk_statement(&statement, &(struct bulk_target){ .table = table, .layout = &layout, .instead = "#other" });
	assert_memory_equal(statement_text(&statement), "INSERT BULK #other ([id]]] int, ", 32);
	assert_non_null(strstr(statement_text(&statement), "WITH (KEEP_NULLS, TABLOCK)"));
	catalogue_layout_free(&layout);
	catalogue_free(catalogue);
	statement_free(&statement);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(values_are_written_as_the_server_reads_them),
		cmocka_unit_test(null_is_written_in_each_type_s_own_way),
		cmocka_unit_test(what_is_no_value_of_the_column_is_refused),
		cmocka_unit_test(a_description_of_another_type_is_refused),
		cmocka_unit_test(metadata_carries_each_column_s_own_collation),
		cmocka_unit_test(long_values_come_in_pieces_larger_than_the_buffer_too),
		cmocka_unit_test(shorter_values_in_pieces_are_as_if_they_were_whole),
		cmocka_unit_test(the_statement_declares_types_collations_and_order) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
