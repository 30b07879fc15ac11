/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/dangling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_BITS ((uint32_t)1 << 21)
#define PROBES 4
#define PAIRS_MAX 16 /* SQL Server's limit of columns in a foreign key */

struct watched_key {
	const struct catalogue_foreign_key *key;
	uint32_t child, parent; /* indices of tables */
	uint8_t *filter;
	uint64_t rows;
	/* Ordinals in the layout of the table that is being read; -1: not in its rows. */
	int child_columns[PAIRS_MAX], parent_columns[PAIRS_MAX];
};

struct dangling {
	const struct catalogue *catalogue;
	uint32_t *order, *position; /* position: of each table in order */
	struct watched_key keys[DANGLING_KEYS_MAX];
	size_t count;
	uint32_t table;
};

/* ---- the order ---- */

static bool is_waiting(const struct dangling *dangling, int32_t object_id, uint32_t self)
{
	for (uint32_t i = 0; i < dangling->catalogue->table_count; i++)
		if (dangling->catalogue->tables[i].object_id == object_id)
			return i != self && dangling->position[i] == UINT32_MAX;
	return false;
}

static bool may_be_read(const struct dangling *dangling, uint32_t table)
{
	const struct catalogue_table *at = &dangling->catalogue->tables[table];

	for (uint32_t i = 0; i < at->foreign_key_count; i++)
		if (is_waiting(dangling, at->foreign_keys[i].referenced_id, table))
			return false;
	return true;
}

static void place(struct dangling *dangling, uint32_t table, uint32_t at)
{
	dangling->order[at] = table;
	dangling->position[table] = at;
}

/* Parents first; where all that are left refer to each other, the first of them goes. */
static void sort(struct dangling *dangling)
{
	uint32_t count = dangling->catalogue->table_count;

	for (uint32_t at = 0; at < count; at++) {
		uint32_t found = UINT32_MAX, any = UINT32_MAX;
		for (uint32_t i = count; i-- > 0;) {
			if (dangling->position[i] != UINT32_MAX)
				continue;
			any = i;
			if (may_be_read(dangling, i))
				found = i;
		}
		place(dangling, found != UINT32_MAX ? found : any, at);
	}
}

/* ---- the keys ---- */

/* Columns of one fixed size: there equal values are equal bytes. */
static bool comparable(
	const struct catalogue_table *child, const struct catalogue_table *parent, const struct catalogue_foreign_key *key)
{
	for (uint32_t i = 0; i < key->pair_count; i++) {
		const struct catalogue_column *a = catalogue_column_by_id(child, key->pairs[i].column_id);
		const struct catalogue_column *b = catalogue_column_by_id(parent, key->pairs[i].referenced_column_id);
		if (!a || !b || catalogue_column_type(a) != catalogue_column_type(b) || a->scale != b->scale ||
			!column_type_size(catalogue_column_type(a)) || catalogue_column_type(a) == COLUMN_FLOAT ||
			catalogue_column_type(a) == COLUMN_REAL)
			return false;
	}
	return key->pair_count > 0 && key->pair_count <= PAIRS_MAX;
}

static int watch_key(struct dangling *dangling, uint32_t child, const struct catalogue_foreign_key *key)
{
	const struct catalogue_table *tables = dangling->catalogue->tables;
	const struct catalogue_table *parent = catalogue_table_by_id(dangling->catalogue, key->referenced_id);
	uint32_t index = parent ? (uint32_t)(parent - tables) : 0;

	if (!parent || dangling->count == DANGLING_KEYS_MAX || dangling->position[index] >= dangling->position[child] ||
		!comparable(&tables[child], parent, key))
		return 0;
	dangling->keys[dangling->count] =
		(struct watched_key){ .key = key, .child = child, .parent = index, .filter = calloc(1, FILTER_BITS / 8) };
	return dangling->keys[dangling->count++].filter ? 0 : -ENOMEM;
}

int dangling_create(struct dangling **created, const struct catalogue *catalogue)
{
	struct dangling *dangling = calloc(1, sizeof *dangling);
	int result = 0;

	if (!dangling)
		return -ENOMEM;
	dangling->catalogue = catalogue;
	dangling->order = calloc(catalogue->table_count + 1u, sizeof *dangling->order);
	dangling->position = malloc((catalogue->table_count + 1u) * sizeof *dangling->position);
	if (!dangling->order || !dangling->position) {
		dangling_free(dangling);
		return -ENOMEM;
	}
	memset(dangling->position, 0xff, (catalogue->table_count + 1u) * sizeof *dangling->position);
	sort(dangling);
	for (uint32_t i = 0; i < catalogue->table_count; i++)
		for (uint32_t j = 0; result == 0 && j < catalogue->tables[i].foreign_key_count; j++)
			result = watch_key(dangling, i, &catalogue->tables[i].foreign_keys[j]);
	if (result < 0) {
		dangling_free(dangling);
		return result;
	}
	*created = dangling;
	return 0;
}

void dangling_free(struct dangling *dangling)
{
	if (!dangling)
		return;
	for (size_t i = 0; i < dangling->count; i++)
		free(dangling->keys[i].filter);
	free(dangling->order);
	free(dangling->position);
	free(dangling);
}

const uint32_t *dangling_order(const struct dangling *dangling)
{
	return dangling->order;
}

/* ---- rows ---- */

static int ordinal(const struct catalogue_table *table, const struct catalogue_layout *layout, int32_t column_id)
{
	for (size_t i = 0; i < layout->layout.column_count; i++)
		if (table->columns[layout->source[i]].column_id == column_id)
			return (int)i;
	return -1;
}

void dangling_table(struct dangling *dangling, uint32_t table, const struct catalogue_layout *layout)
{
	const struct catalogue_table *at = &dangling->catalogue->tables[table];

	dangling->table = table;
	for (size_t i = 0; i < dangling->count; i++) {
		struct watched_key *key = &dangling->keys[i];
		for (uint32_t j = 0; j < key->key->pair_count; j++) {
			if (key->child == table)
				key->child_columns[j] = ordinal(at, layout, key->key->pairs[j].column_id);
			if (key->parent == table)
				key->parent_columns[j] = ordinal(at, layout, key->key->pairs[j].referenced_column_id);
		}
	}
}

/* 0 where a column is NULL, or not there: such a row refers to nothing. */
static uint64_t hash_key(const struct value *values, const int *columns, uint32_t count)
{
	uint64_t hash = UINT64_C(0x9e3779b97f4a7c15);

	for (uint32_t i = 0; i < count; i++) {
		const struct value *value = columns[i] < 0 ? NULL : &values[columns[i]];
		if (!value || !value->data)
			return 0;
		for (size_t j = 0; j < value->size; j++) {
			hash = (hash ^ ((const uint8_t *)value->data)[j]) * UINT64_C(0xff51afd7ed558ccd);
			hash ^= hash >> 29;
		}
	}
	return hash | 1;
}

static void remember(uint8_t *filter, uint64_t hash)
{
	for (int i = 0; i < PROBES; i++, hash = hash * UINT64_C(0xc4ceb9fe1a85ec53) + 1) {
		uint32_t bit = (uint32_t)(hash >> 40) % FILTER_BITS;
		filter[bit / 8] = (uint8_t)(filter[bit / 8] | 1u << bit % 8);
	}
}

static bool remembers(const uint8_t *filter, uint64_t hash)
{
	for (int i = 0; i < PROBES; i++, hash = hash * UINT64_C(0xc4ceb9fe1a85ec53) + 1) {
		uint32_t bit = (uint32_t)(hash >> 40) % FILTER_BITS;
		if (!(filter[bit / 8] >> bit % 8 & 1))
			return false;
	}
	return true;
}

void dangling_row(struct dangling *dangling, const struct value *values)
{
	for (size_t i = 0; i < dangling->count; i++) {
		struct watched_key *key = &dangling->keys[i];
		uint64_t hash;
		if (key->parent == dangling->table) {
			hash = hash_key(values, key->parent_columns, key->key->pair_count);
			if (hash)
				remember(key->filter, hash);
		} else if (key->child == dangling->table) {
			hash = hash_key(values, key->child_columns, key->key->pair_count);
			key->rows += hash && !remembers(key->filter, hash);
		}
	}
}

size_t dangling_count(const struct dangling *dangling)
{
	return dangling->count;
}

uint64_t dangling_rows(const struct dangling *dangling, size_t i, const struct catalogue_table **table,
	const struct catalogue_foreign_key **key)
{
	*table = &dangling->catalogue->tables[dangling->keys[i].child];
	*key = dangling->keys[i].key;
	return dangling->keys[i].rows;
}
