/* SPDX-License-Identifier: Apache-2.0 */
/* Where deflate blocks end: where the bytes change, and never so that bytes are lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "storage/deflate_block.h"

#define PIECE 256

static uint8_t bytes[64 * 1024];

static void letters(uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		bytes[i] = (uint8_t)('a' + i * 7 % 26);
}

static void numbers(uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++)
		bytes[i] = (uint8_t)(i * 2654435761u >> 24);
}

static void ends_where_bytes_change(void **state)
{
	(void)state;
	for (uint32_t change = PIECE; change < 20000; change += 777) {
		letters(0, change);
		numbers(change, sizeof bytes);
		uint32_t end = deflate_block(bytes, sizeof bytes);
		assert_true(end > change - PIECE && end <= change + PIECE);
		numbers(0, change);
		letters(change, sizeof bytes);
		end = deflate_block(bytes, sizeof bytes);
		assert_true(end > change - PIECE && end <= change + PIECE);
	}
}

static void goes_on_where_nothing_changes(void **state)
{
	(void)state;
	letters(0, sizeof bytes);
	assert_int_equal(deflate_block(bytes, sizeof bytes), sizeof bytes);
	numbers(0, sizeof bytes);
	assert_int_equal(deflate_block(bytes, sizeof bytes), sizeof bytes);
	memset(bytes, 0xff, sizeof bytes); /* every counter of a piece as high as it goes */
	assert_int_equal(deflate_block(bytes, sizeof bytes), sizeof bytes);
}

static void leaves_no_short_end(void **state)
{
	(void)state;
	letters(0, 4 * PIECE);
	for (uint32_t rest = 0; rest < PIECE; rest++) {
		memset(bytes + 4 * PIECE, 0, rest);
		assert_int_equal(deflate_block(bytes, 4 * PIECE + rest), 4 * PIECE + rest);
	}
	for (uint32_t size = 1; size < 2 * PIECE; size++)
		assert_int_equal(deflate_block(bytes, size), size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ends_where_bytes_change),
		cmocka_unit_test(goes_on_where_nothing_changes),
		cmocka_unit_test(leaves_no_short_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
