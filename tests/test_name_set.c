/* SPDX-License-Identifier: Apache-2.0 */
/* A set of names against the naive one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "agent/snapshot/name_set.h"
#include "tests/support/table_rows.h"

#define NAMES 3000

static struct chunk_name name_of(uint64_t number)
{
	struct random random = { number * 2654435761u + 1 };
	struct chunk_name name = { { 0 } };

	for (size_t i = 0; i < sizeof name.bytes; i++)
		name.bytes[i] = (uint8_t)random_next(&random);
	return name;
}

static void a_name_is_there_once_and_taken_once(void **state)
{
	struct name_set set;

	(void)state;
	for (size_t count = 0; count <= NAMES; count = count * 3 + 1) {
		assert_int_equal(name_set_open(&set, count), 0);
		for (size_t i = 0; i < count; i++) {
			struct chunk_name name = name_of(i);
			assert_true(name_set_add(&set, &name));
			assert_false(name_set_add(&set, &name));
		}
		for (size_t i = 0; i < 2 * count + 1; i++) {
			struct chunk_name name = name_of(i);
			assert_false(name_set_taken(&set, &name));
			assert_int_equal(name_set_take(&set, &name), i < count);
			assert_int_equal(name_set_taken(&set, &name), i < count);
			assert_false(name_set_take(&set, &name));
		}
		name_set_close(&set);
	}
}

static void names_that_look_like_an_empty_slot_are_names(void **state)
{
	struct name_set set;
	struct chunk_name zero = { { 0 } }, other = { { 4 } };

	(void)state;
	assert_int_equal(name_set_open(&set, 2), 0);
	assert_false(name_set_take(&set, &zero));
	assert_true(name_set_add(&set, &zero));
	assert_true(name_set_add(&set, &other));
	assert_true(name_set_take(&set, &zero));
	assert_false(name_set_taken(&set, &other));
	name_set_close(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_there_once_and_taken_once),
		cmocka_unit_test(names_that_look_like_an_empty_slot_are_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
