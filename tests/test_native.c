/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "agent/sql/native.h"

static void expect(int type, const void *native, size_t native_size, const void *canonical, size_t size)
{
	uint8_t scratch[NATIVE_SCRATCH];
	struct value value = { NULL, 0 };

	assert_int_equal(native_to_value(type, native, native_size, scratch, &value), 0);
	assert_int_equal(value.size, size);
	assert_non_null(value.data);
	assert_memory_equal(value.data, canonical, size);
}

static void refuse(int type, const void *native, size_t size)
{
	uint8_t scratch[NATIVE_SCRATCH];
	struct value value;

	assert_int_equal(native_to_value(type, native, size, scratch, &value), -EPROTO);
}

static void integers_floats_and_bytes_are_as_they_are(void **state)
{
	(void)state;
	static const struct {
		int type;
		size_t size;
	} fixed[] = {
		{ NATIVE_BIT, 1 },
		{ NATIVE_TINYINT, 1 },
		{ NATIVE_SMALLINT, 2 },
		{ NATIVE_INT, 4 },
		{ NATIVE_BIGINT, 8 },
		{ NATIVE_REAL, 4 },
		{ NATIVE_FLOAT, 8 },
		{ NATIVE_SMALLMONEY, 4 },
		{ NATIVE_SMALLDATETIME, 4 },
		{ NATIVE_DATETIME, 8 },
		{ NATIVE_GUID, 16 },
	};
	const uint8_t bytes[17] = { 0xff, 0, 1, 0x80, 0x7f, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		expect(fixed[i].type, bytes, fixed[i].size, bytes, fixed[i].size);
		refuse(fixed[i].type, bytes, fixed[i].size + 1);
		refuse(fixed[i].type, bytes, fixed[i].size - 1);
	}
	for (size_t size = 0; size <= sizeof(bytes); size++)
		expect(NATIVE_VARBINARY, bytes, size, bytes, size);
}

static void money_is_one_number(void **state)
{
	(void)state;
	const struct {
		int32_t high;
		uint32_t low;
	} one = { 0, 10000 }, minus = { -1, 0xffffffff }, least = { INT32_MIN, 0 };

	expect(NATIVE_MONEY, &one, 8, "\x10\x27\0\0\0\0\0\0", 8);
	expect(NATIVE_MONEY, &minus, 8, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
	expect(NATIVE_MONEY, &least, 8, "\0\0\0\0\0\0\0\x80", 8);
	refuse(NATIVE_MONEY, &one, 4);
}

static void a_decimal_is_sign_and_little_endian_magnitude_at_every_precision(void **state)
{
	(void)state;
	/* Bytes of magnitude at each precision, as FreeTDS and TDS have them. */
	/* clang-format off */
	static const uint8_t sizes[39] = {
		0, 1, 1, 2, 2, 3, 3, 3, 4, 4, 5, 5, 5, 6, 6, 7, 7, 8, 8, 8, 9, 9, 10, 10, 10, 11, 11, 12, 12, 13, 13, 13, 14, 14,
		15, 15, 15, 16, 16,
	};
	/* clang-format on */

	for (uint8_t precision = 1; precision <= 38; precision++) {
		uint8_t native[35] = { precision, 0, 1 }, canonical[17] = { 0 };
		size_t size = sizes[precision];

		for (size_t i = 0; i < size; i++) {
			native[3 + i] = (uint8_t)(0xa0 + i);
			canonical[1 + size - 1 - i] = (uint8_t)(0xa0 + i);
		}
		expect(NATIVE_NUMERIC, native, sizeof(native), canonical, 17);
		native[2] = 0;
		canonical[0] = 1;
		expect(NATIVE_DECIMAL, native, sizeof(native), canonical, 17);
		refuse(NATIVE_DECIMAL, native, 3 + size - 1);
	}
	refuse(NATIVE_NUMERIC, "\0\0\0\0", 4);
	refuse(NATIVE_NUMERIC, "\x27\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 24);
}

struct all {
	uint64_t ticks;
	int32_t days;
	int16_t offset;
	uint16_t bits;
};

static void dates_count_from_the_year_1_and_keep_every_tick(void **state)
{
	(void)state;
	const struct all first = { 0, -693595, 0, 0 }, last = { 863999999999ull, 2958463, 840, 0 };

	expect(NATIVE_DATE, &first, 16, "\0\0\0", 3);
	expect(NATIVE_DATE, &last, 16, "\xda\xb9\x37", 3);
	expect(NATIVE_TIME, &last, 16, "\xff\xbf\x69\x2a\xc9", 5);
	expect(NATIVE_DATETIME2, &last, 16, "\xff\xbf\x69\x2a\xc9\xda\xb9\x37", 8);
	expect(NATIVE_DATETIMEOFFSET, &last, 16, "\xff\xbf\x69\x2a\xc9\xda\xb9\x37\x48\x03", 10);

	const struct all west = { 1, 0, -840, 0 };

	expect(NATIVE_DATETIMEOFFSET, &west, 16, "\1\0\0\0\0\x5b\x95\x0a\xb8\xfc", 10);
}

static void dates_and_times_that_do_not_exist_are_refused(void **state)
{
	(void)state;
	const struct all before = { 0, -693596, 0, 0 }, after = { 0, 2958464, 0, 0 }, late = { 864000000000ull, 0, 0, 0 },
					 far = { 0, 0, 841, 0 };

	refuse(NATIVE_DATE, &before, 16);
	refuse(NATIVE_DATETIME2, &after, 16);
	refuse(NATIVE_TIME, &late, 16);
	refuse(NATIVE_DATETIMEOFFSET, &far, 16);
	refuse(NATIVE_DATE, &before, 13);
}

static void what_has_no_canonical_form_is_said_to_have_none(void **state)
{
	(void)state;
	const int unknown[] = { 0, 98 /* sql_variant */, 240 /* CLR */, 255, -1 };

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		assert_false(native_type_is_known(unknown[i]));
		refuse(unknown[i], "12345678", 8);
	}
	assert_true(native_type_is_known(NATIVE_DATETIME2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_floats_and_bytes_are_as_they_are),
		cmocka_unit_test(money_is_one_number),
		cmocka_unit_test(a_decimal_is_sign_and_little_endian_magnitude_at_every_precision),
		cmocka_unit_test(dates_count_from_the_year_1_and_keep_every_tick),
		cmocka_unit_test(dates_and_times_that_do_not_exist_are_refused),
		cmocka_unit_test(what_has_no_canonical_form_is_said_to_have_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
