/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/index.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/bytes.h"

static struct chunk_name name_of(uint64_t prefix)
{
	struct chunk_name name = { { 0 } };
	put64(name.bytes, prefix);
	return name;
}

static bool holds(const struct index *index, uint64_t prefix, uint64_t segment)
{
	struct chunk_name name = name_of(prefix);
	struct place place;
	size_t cursor = SIZE_MAX;
	while (index_next(index, &name, &cursor, &place))
		if (place.segment == segment)
			return true;
	return false;
}

static uint64_t random_state = 88172645463325252u;
static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Against a plain list, through many insertions and removals; prefixes crowd together, so that probing is long. */
static void it_holds_what_a_list_holds(void **state)
{
	(void)state;
	enum { N = 200 };
	uint64_t prefixes[N], segments[N];
	unsigned count = 0;
	struct index index;
	assert_int_equal(index_create(&index, N), 0);
	for (unsigned step = 1; step <= 20000; step++) {
		if (count < N && next_random() % 2) {
			prefixes[count] = next_random() % 4 ? UINT64_MAX - next_random() % 50 : next_random();
			segments[count] = step;
			struct chunk_name name = name_of(prefixes[count]);
			struct place place = { .segment = step, .offset = 64 };
			assert_int_equal(index_insert(&index, &name, &place), 0);
			count++;
		} else if (count) {
			unsigned i = (unsigned)(next_random() % count);
			struct chunk_name name = name_of(prefixes[i]);
			struct place place = { .segment = segments[i], .offset = 64 };
			assert_true(index_remove(&index, &name, &place));
			assert_false(index_remove(&index, &name, &place));
			count--;
			prefixes[i] = prefixes[count];
			segments[i] = segments[count];
		}
		assert_int_equal(index.used, count);
		if (step % 16 == 0)
			for (unsigned i = 0; i < count; i++)
				assert_true(holds(&index, prefixes[i], segments[i]));
	}
	index_destroy(&index);
}

static void it_is_full_at_its_capacity_and_not_before(void **state)
{
	(void)state;
	for (size_t capacity = 1; capacity < 20; capacity++) {
		struct index index;
		struct place place = { .segment = PLACE_SEGMENT_MAX, .offset = PLACE_OFFSET_MAX };
		assert_int_equal(index_create(&index, capacity), 0);
		for (size_t i = 0; i <= capacity; i++) {
			struct chunk_name name = name_of(next_random());
			assert_int_equal(index_insert(&index, &name, &place), i < capacity ? 0 : -ENOSPC);
			assert_int_equal(holds(&index, get64(name.bytes), PLACE_SEGMENT_MAX), i < capacity);
		}
		index_destroy(&index);
	}
}

static void a_chunk_costs_at_most_24_bytes(void **state)
{
	(void)state;
	struct index index;
	assert_int_equal(index_create(&index, 1000), 0);
	assert_true(index.slot_count * 16 <= 1000 * 24);
	index_destroy(&index);
}

static void damage_and_marks_stay_with_their_entry(void **state)
{
	(void)state;
	struct index index;
	struct chunk_name a = name_of(5), b = name_of(5), absent = name_of(6);
	struct place first = { .segment = 1, .offset = 64 }, second = { .segment = 2, .offset = 64 }, got;
	bool fresh;
	size_t cursor = SIZE_MAX;
	assert_int_equal(index_create(&index, 10), 0);
	assert_int_equal(index_insert(&index, &a, &first), 0);
	assert_int_equal(index_insert(&index, &b, &second), 0);
	index_mark_damaged(&index, &b, &second);
	assert_true(index_mark(&index, &a, &fresh) && fresh);
	assert_true(index_mark(&index, &a, &fresh) && !fresh);
	assert_false(index_mark(&index, &absent, &fresh));
	assert_true(index_remove(&index, &a, &first)); /* the second one moves into its slot */
	assert_true(index_next(&index, &b, &cursor, &got));
	assert_true(got.segment == 2 && got.offset == 64 && got.damaged);
	assert_true(index_mark(&index, &b, &fresh) && !fresh);
	index_unmark_all(&index);
	assert_true(index_mark(&index, &b, &fresh) && fresh);
	index_destroy(&index);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_holds_what_a_list_holds),
		cmocka_unit_test(it_is_full_at_its_capacity_and_not_before),
		cmocka_unit_test(a_chunk_costs_at_most_24_bytes),
		cmocka_unit_test(damage_and_marks_stay_with_their_entry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
