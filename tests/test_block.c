/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/block.h"

static struct block block;
static struct block_fields fields;

static int parse(const char *text)
{
	return block_parse(&fields, text, strlen(text));
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	char every[256];
	for (int i = 1; i < 256; i++)
		every[i - 1] = (char)i;
	every[255] = '\0';
	block_begin(&block, "status");
	block_add(&block, "Every", every);
	block_add(&block, "Empty", "");
	block_add_number(&block, "Big", UINT64_MAX);
	block_add_flag(&block, "Yes", true);
	assert_int_equal(block_end(&block), 0);
	assert_int_equal(block_length(block.bytes, block.size), block.size);
	assert_int_equal(block_parse(&fields, block.bytes, block.size), 0);
	assert_int_equal(fields.count, 5);
	assert_string_equal(block_get(&fields, "Block"), "status");
	assert_string_equal(block_get(&fields, "Every"), every);
	assert_string_equal(block_get(&fields, "Empty"), "");
	uint64_t number;
	assert_int_equal(block_get_number(&fields, "Big", UINT64_MAX, &number), 0);
	assert_true(number == UINT64_MAX);
	assert_true(block_get_flag(&fields, "Yes"));
	assert_null(block_get(&fields, "every"));
}

static void the_end_is_found_where_it_is_and_not_before(void **state)
{
	(void)state;
	const char text[] = "A: 1\nB: 2\n\nC: 3\n\n";
	for (int size = 0; size < 11; size++)
		assert_int_equal(block_length(text, (size_t)size), 0);
	assert_int_equal(block_length(text, 11), 11);
	assert_int_equal(block_length(text, sizeof(text) - 1), 11);
	assert_int_equal(block_length("\nA", 2), 1);
}

static void what_does_not_fit_is_refused_on_both_sides(void **state)
{
	(void)state;
	char long_value[BLOCK_SIZE + 10];
	memset(long_value, 'x', sizeof(long_value));
	assert_int_equal(block_length(long_value, sizeof(long_value)), -EMSGSIZE);
	assert_int_equal(block_length(long_value, BLOCK_SIZE), -EMSGSIZE);
	assert_int_equal(block_length(long_value, BLOCK_SIZE - 1), 0);
	long_value[sizeof(long_value) - 1] = '\0';
	block_begin(&block, NULL);
	block_add(&block, "A", long_value);
	assert_int_equal(block_end(&block), -EMSGSIZE);
	long_value[BLOCK_SIZE - 5] = '\0'; /* "A: ", the value, and two line feeds are exactly BLOCK_SIZE */
	block_begin(&block, NULL);
	block_add(&block, "A", long_value);
	assert_int_equal(block_end(&block), 0);
	assert_int_equal(block.size, BLOCK_SIZE);
	assert_int_equal(block_parse(&fields, block.bytes, block.size), 0);
	long_value[BLOCK_SIZE - 5] = 'x';
	long_value[BLOCK_SIZE - 4] = '\0';
	block_begin(&block, NULL);
	block_add(&block, "A", long_value);
	assert_int_equal(block_end(&block), -EMSGSIZE);
}

static void what_is_no_block_is_refused(void **state)
{
	(void)state;
	static const char *const wrong[] = { "A: 1\n", "A: 1", "", "A:1\n\n", "A 1\n\n", ": 1\n\n", "1A: 1\n\n",
		"A: 1\nA: 2\n\n", "A: \\\n\n", "A: \\q\n\n", "A: \\x0\n\n", "A: \\x00\n\n", "A: \\x41\n\n", "A: \\x0A\n\n",
		"A: \\x80\n\n", "A: a\tb\n\n", "A: a\x7f\n\n", "A b: 1\n\n", "A:\n\n", "A: 1\n\nB: 2\n\n",
		"Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: 1\n\n" };
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (parse(wrong[i]) != -EBADMSG)
			fail_msg("taken for a block: %s", wrong[i]);
	assert_int_equal(parse("\n"), 0);
	assert_int_equal(fields.count, 0);
	assert_int_equal(parse("A: \\\\n\\n\n\n"), 0);
	assert_string_equal(block_get(&fields, "A"), "\\n\n");
	assert_int_equal(block_parse(&fields, "A: \0\n\n", 6), -EBADMSG);
}

static void there_are_at_most_so_many_fields(void **state)
{
	(void)state;
	block_begin(&block, NULL);
	for (int i = 0; i < BLOCK_FIELDS_MAX; i++) {
		char key[8];
		snprintf(key, sizeof(key), "K%d", i);
		block_add(&block, key, "v");
	}
	block_end(&block);
	assert_int_equal(block_parse(&fields, block.bytes, block.size), 0);
	block.size--;
	block_add(&block, "More", "v");
	block_end(&block);
	assert_int_equal(block_parse(&fields, block.bytes, block.size), -EBADMSG);
}

static void numbers_are_decimal_and_bounded(void **state)
{
	(void)state;
	uint64_t number = 7;
	assert_int_equal(parse("A: 18446744073709551616\nB: -1\nC: 12x\nD: \nE: 255\nF: 0\n\n"), 0);
	assert_int_equal(block_get_number(&fields, "A", UINT64_MAX, &number), -EINVAL);
	assert_int_equal(block_get_number(&fields, "B", UINT64_MAX, &number), -EINVAL);
	assert_int_equal(block_get_number(&fields, "C", UINT64_MAX, &number), -EINVAL);
	assert_int_equal(block_get_number(&fields, "D", UINT64_MAX, &number), -EINVAL);
	assert_int_equal(block_get_number(&fields, "E", 254, &number), -EINVAL);
	assert_int_equal(block_get_number(&fields, "Z", 254, &number), -ENOENT);
	assert_int_equal(number, 7);
	assert_int_equal(block_get_number(&fields, "E", 255, &number), 0);
	assert_int_equal(number, 255);
	assert_int_equal(block_get_number(&fields, "F", 0, &number), 0);
	assert_int_equal(number, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(the_end_is_found_where_it_is_and_not_before),
		cmocka_unit_test(what_does_not_fit_is_refused_on_both_sides),
		cmocka_unit_test(what_is_no_block_is_refused),
		cmocka_unit_test(there_are_at_most_so_many_fields),
		cmocka_unit_test(numbers_are_decimal_and_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
