/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "agent/sql/catalogue_fields.h"
#include "agent/sql/dangling.h"
#include "tests/support/catalogue_sample.h"

static const struct column_sample columns[] = { { "id", "int", 4, 10, 0, false }, { "parent", "int", 4, 10, 0, true } };

struct world {
	struct catalogue *catalogue;
	struct catalogue_layout layout;
	struct dangling *dangling;
};

/* Tables a, b, c; references: pairs of child and parent. */
static void make_world(struct world *world, const char *type, const int (*references)[2], size_t count)
{
	struct column_sample own[2] = { columns[0], columns[1] };

	memset(world, 0, sizeof *world);
	own[0].type = own[1].type = type;
	assert_int_equal(catalogue_new(&world->catalogue), 0);
	for (int i = 0; i < 3; i++)
		sample_table(world->catalogue, "dbo", (const char *[]){ "a", "b", "c" }[i], own, 2);
	for (size_t i = 0; i < count; i++) {
		struct catalogue_table *child = &world->catalogue->tables[references[i][0]];
		struct catalogue_pair *pair = catalogue_allocate(world->catalogue, sizeof *pair);
		child->foreign_keys = catalogue_allocate(world->catalogue, sizeof *child->foreign_keys);
		child->foreign_key_count = 1;
		catalogue_record_init(&catalogue_record_foreign_key, child->foreign_keys);
		child->foreign_keys[0].name = "FK";
		child->foreign_keys[0].referenced_id = world->catalogue->tables[references[i][1]].object_id;
		pair->column_id = 2;
		pair->referenced_column_id = 1;
		child->foreign_keys[0].pairs = pair;
		child->foreign_keys[0].pair_count = 1;
	}
	assert_int_equal(catalogue_layout(&world->layout, &world->catalogue->tables[0]), 0);
	assert_int_equal(dangling_create(&world->dangling, world->catalogue), 0);
}

static void free_world(struct world *world)
{
	dangling_free(world->dangling);
	catalogue_layout_free(&world->layout);
	catalogue_free(world->catalogue);
}

static void add(struct world *world, uint32_t id, int64_t parent)
{
	uint32_t number = (uint32_t)parent;
	const struct value values[] = { { &id, 4 }, { parent < 0 ? NULL : &number, parent < 0 ? 0 : 4 } };

	dangling_row(world->dangling, values);
}

static void parents_are_read_before_their_children(void **state)
{
	static const int references[][2] = { { 0, 1 }, { 1, 2 } };
	static const uint32_t expected[] = { 2, 1, 0 };
	struct world world;

	(void)state;
	make_world(&world, "int", references, 2);
	assert_memory_equal(dangling_order(world.dangling), expected, sizeof expected);
	assert_int_equal(dangling_count(world.dangling), 2);
	free_world(&world);
}

static void circles_and_references_to_oneself_are_not_looked_at(void **state)
{
	static const int circle[][2] = { { 0, 1 }, { 1, 0 }, { 2, 2 } };
	bool seen[3] = { false };
	struct world world;

	(void)state;
	make_world(&world, "int", circle, 3);
	for (int i = 0; i < 3; i++)
		seen[dangling_order(world.dangling)[i]] = true;
	assert_true(seen[0] && seen[1] && seen[2]);
	/* Of a circle, the key whose parent happens to come first can be. */
	assert_int_equal(dangling_count(world.dangling), 1);
	free_world(&world);
}

static void keys_with_text_are_not_looked_at(void **state)
{
	static const int references[][2] = { { 0, 1 } };
	struct world world;

	(void)state;
	make_world(&world, "nvarchar", references, 1);
	assert_int_equal(dangling_count(world.dangling), 0);
	free_world(&world);
}

static void only_children_without_their_parent_dangle(void **state)
{
	static const int references[][2] = { { 0, 1 } };
	const struct catalogue_table *table;
	const struct catalogue_foreign_key *key;
	struct world world;

	(void)state;
	make_world(&world, "int", references, 1);
	dangling_table(world.dangling, 1, &world.layout);
	for (uint32_t i = 0; i < 50000; i++)
		add(&world, 2 * i, -1);
	dangling_table(world.dangling, 0, &world.layout);
	for (uint32_t i = 0; i < 50000; i++)
		add(&world, i, 2 * i);
	add(&world, 1, -1);
	assert_int_equal(dangling_rows(world.dangling, 0, &table, &key), 0);
	for (uint32_t i = 0; i < 1000; i++)
		add(&world, i, 2 * i + 1);
	/* Never one too many; at most a few in a thousand too few. */
	assert_in_range(dangling_rows(world.dangling, 0, &table, &key), 990, 1000);
	assert_string_equal(table->name, "a");
	assert_string_equal(key->name, "FK");
	free_world(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parents_are_read_before_their_children),
		cmocka_unit_test(circles_and_references_to_oneself_are_not_looked_at),
		cmocka_unit_test(keys_with_text_are_not_looked_at),
		cmocka_unit_test(only_children_without_their_parent_dangle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
