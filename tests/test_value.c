/* SPDX-License-Identifier: Apache-2.0 */
/* Types, their integers, and UTF-16 as UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/table/integer.h"
#include "agent/table/utf.h"
#include "agent/table/value.h"
#include "tests/support/table_rows.h"

static void sizes_are_those_that_the_header_promises(void **state)
{
	static const uint8_t sizes[] = { 0, 1, 1, 2, 4, 8, 4, 8, 17, 4, 8, 3, 4, 8, 5, 8, 10, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 8, 0, 0 };

	(void)state;
	for (int type = 0; type <= COLUMN_UDT; type++)
		assert_int_equal(column_type_size((enum column_type)type), sizes[type]);
}

static void numbers_that_no_version_used_are_unknown(void **state)
{
	(void)state;
	assert_false(column_type_is_known(0));
	assert_false(column_type_is_known(-1));
	assert_false(column_type_is_known(31));
	assert_false(column_type_is_known(256 + COLUMN_INT));
	for (int type = COLUMN_BIT; type <= COLUMN_UDT; type++)
		assert_true(column_type_is_known(type));
	assert_int_equal(column_type_size((enum column_type)31), 0);
}

static void only_n_types_and_xml_are_utf16(void **state)
{
	(void)state;
	for (int type = 0; type <= COLUMN_UDT; type++)
		assert_int_equal(column_type_is_utf16((enum column_type)type), type >= COLUMN_NCHAR && type <= COLUMN_XML);
}

/* ---- integers ---- */

struct integer_case {
	enum column_type type;
	uint8_t bytes[17];
	int64_t integer;
};

static void integers_are_in_natural_order(void **state)
{
	static const struct integer_case cases[] = {
		{ COLUMN_BIT, { 1 }, 1 },
		{ COLUMN_TINYINT, { 255 }, 255 },
		{ COLUMN_SMALLINT, { 0xff, 0xff }, -1 },
		{ COLUMN_INT, { 0, 0, 0, 0x80 }, INT32_MIN },
		{ COLUMN_BIGINT, { 0, 0, 0, 0, 0, 0, 0, 0x80 }, INT64_MIN },
		{ COLUMN_SMALLMONEY, { 0x10, 0x27 }, 10000 },
		{ COLUMN_DECIMAL, { 1, 5 }, 5 },
		{ COLUMN_DECIMAL, { 0, 5 }, -5 },
		{ COLUMN_DECIMAL, { 1 }, 0 },
		{ COLUMN_DATE, { 0xda, 0xb9, 0x37 }, 3652058 },
		{ COLUMN_SMALLDATETIME, { 1, 0, 59, 0 }, 1440 + 59 },
		{ COLUMN_DATETIME, { 0xff, 0xff, 0xff, 0xff, 1 }, -25920000 + 1 },
		{ COLUMN_TIME, { 7 }, 7 },
		{ COLUMN_DATETIME2, { 3, 0, 0, 0, 0, 2 }, 2 * 864000000000 + 3 },
		{ COLUMN_ROWVERSION, { 0, 0, 0, 0, 0, 0, 7, 0xd1 }, 2001 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint8_t bytes[17] = { 0 };
		int64_t integer;

		assert_true(integer_from_value(cases[i].type, cases[i].bytes, &integer));
		assert_int_equal(integer, cases[i].integer);
		assert_true(integer_to_value(cases[i].type, integer, bytes));
		assert_memory_equal(bytes, cases[i].bytes, sizeof(bytes));
	}
}

static void bytes_without_an_integer_stay_bytes(void **state)
{
	static const struct integer_case cases[] = {
		{ COLUMN_DECIMAL, { 0 }, 0 },                            /* a negative zero */
		{ COLUMN_DECIMAL, { 2, 1 }, 0 },                         /* no such sign */
		{ COLUMN_DECIMAL, { 1, 0, 0, 0, 0, 0, 0, 0, 0x80 }, 0 }, /* beyond 63 bits */
		{ COLUMN_DECIMAL, { 1, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 0 },
		{ COLUMN_SMALLDATETIME, { 0, 0, 0xa0, 0x05 }, 0 },              /* minute 1440 */
		{ COLUMN_DATETIME, { 0, 0, 0, 0, 0x00, 0x82, 0x8b, 0x01 }, 0 }, /* tick 25 920 000 */
		{ COLUMN_DATETIME2, { 0x00, 0xc0, 0x69, 0x2a, 0xc9 }, 0 },      /* 24:00 */
		{ COLUMN_DATETIME2, { 0, 0, 0, 0, 0, 0xdb, 0xb9, 0x37 }, 0 },   /* 10000-01-01 */
		{ COLUMN_REAL, { 0, 0, 0xc0, 0x7f }, 0 },
		{ COLUMN_UNIQUEIDENTIFIER, { 1 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int64_t integer;

		assert_false(integer_from_value(cases[i].type, cases[i].bytes, &integer));
	}
}

/* Whatever integer a hostile chunk holds: either it is refused, or the value leads back to it. */
static void an_integer_is_refused_or_comes_back(void **state)
{
	struct random random = { 1 };

	(void)state;
	for (int round = 0; round < 200000; round++) {
		enum column_type type = (enum column_type)(1 + random_below(&random, COLUMN_UDT));
		int64_t integer = (int64_t)(random_next(&random) >> random_below(&random, 64)), again;
		uint8_t bytes[17];

		if (random_below(&random, 2))
			integer = (int64_t)(0 - (uint64_t)integer);
		if (!integer_to_value(type, integer, bytes))
			continue;
		assert_true(integer_from_value(type, bytes, &again));
		assert_int_equal(integer, again);
	}
	assert_false(integer_to_value(COLUMN_BIT, 256, (uint8_t[17]){ 0 }));
	assert_false(integer_to_value(COLUMN_INT, (int64_t)INT32_MAX + 1, (uint8_t[17]){ 0 }));
	assert_false(integer_to_value(COLUMN_DECIMAL, INT64_MIN, (uint8_t[17]){ 0 }));
	assert_false(integer_to_value(COLUMN_DATETIME2, INT64_MIN, (uint8_t[17]){ 0 }));
}

/* ---- text ---- */

static void text_case(const char *utf16, size_t size, const char *utf8)
{
	uint8_t out[64], back[128];
	size_t length = strlen(utf8);

	assert_int_equal(utf8_size((const uint8_t *)utf16, size), length);
	assert_ptr_equal(utf8_put(out, (const uint8_t *)utf16, size), out + length);
	assert_memory_equal(out, utf8, length);
	assert_int_equal(utf16_put(back, out, length), size);
	assert_memory_equal(back, utf16, size);
}

static void well_formed_text_goes_through_utf8_and_back(void **state)
{
	(void)state;
	text_case("", 0, "");
	text_case("a\0b\0c\0d\0e\0", 10, "abcde");
	text_case("a\0b\0c\0\x7f\0\x80\0", 10, "abc\x7f\xc2\x80");
	text_case("\xff\x07\x00\x08\xff\xff", 6, "\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf");
	text_case("\x3d\xd8\x00\xde", 4, "\xf0\x9f\x98\x80");
	text_case("\xff\xdb\xff\xdf", 4, "\xf4\x8f\xbf\xbf");
	text_case("\xff\xd7\x00\xe0", 4, "\xed\x9f\xbf\xee\x80\x80");
}

static void lone_surrogates_and_odd_sizes_are_not_well_formed(void **state)
{
	(void)state;
	assert_int_equal(utf8_size((const uint8_t *)"a", 1), -1);
	assert_int_equal(utf8_size((const uint8_t *)"\x00\xd8", 2), -1);
	assert_int_equal(utf8_size((const uint8_t *)"\x00\xd8"
												"a\0",
						 4),
		-1);
	assert_int_equal(utf8_size((const uint8_t *)"\x00\xd8\x00\xd8\x00\xdc", 6), -1);
	assert_int_equal(utf8_size((const uint8_t *)"\x00\xdc", 2), -1);
	assert_int_equal(utf8_size((const uint8_t *)"a\0b\0c\0\xff\xdf", 8), -1);
}

static void utf8_that_we_would_not_write_is_refused(void **state)
{
	static const char *const bad[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf",
		"\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff",
		"abc\xe2\x82", "abcd\xf0\x9f\x98" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		uint8_t out[16];

		assert_int_equal(utf16_put(out, (const uint8_t *)bad[i], strlen(bad[i])), -1);
	}
}

static void random_units_come_back_or_are_not_well_formed(void **state)
{
	struct random random = { 7 };

	(void)state;
	for (int round = 0; round < 100000; round++) {
		uint8_t in[24], out[36], back[48];
		size_t size = 2 * random_below(&random, 13);

		for (size_t i = 0; i < size; i += 2) {
			uint64_t unit = random_below(&random, 3) ? random_below(&random, 0x90) : random_next(&random);

			in[i] = (uint8_t)unit;
			in[i + 1] = (uint8_t)(unit >> 8);
		}

		ssize_t length = utf8_size(in, size);

		if (length < 0)
			continue;
		assert_ptr_equal(utf8_put(out, in, size), out + length);
		assert_int_equal(utf16_put(back, out, (size_t)length), size);
		assert_memory_equal(back, in, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_those_that_the_header_promises),
		cmocka_unit_test(numbers_that_no_version_used_are_unknown),
		cmocka_unit_test(only_n_types_and_xml_are_utf16),
		cmocka_unit_test(integers_are_in_natural_order),
		cmocka_unit_test(bytes_without_an_integer_stay_bytes),
		cmocka_unit_test(an_integer_is_refused_or_comes_back),
		cmocka_unit_test(well_formed_text_goes_through_utf8_and_back),
		cmocka_unit_test(lone_surrogates_and_odd_sizes_are_not_well_formed),
		cmocka_unit_test(utf8_that_we_would_not_write_is_refused),
		cmocka_unit_test(random_units_come_back_or_are_not_well_formed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
