/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/catalogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/sql/catalogue_fields.h"

/* Decoded structs are a few times larger than their encoding; a hostile one may not be many times larger. */
#define ARENA_BYTES_MAX (4 * CATALOGUE_BYTES_MAX)
#define BLOCK_SIZE ((size_t)16 * 1024)

struct block {
	struct block *next;
	_Alignas(8) uint8_t bytes[];
};

struct catalogue_arena {
	struct block *blocks;
	uint8_t *at;
	size_t left, total;
};

int catalogue_new(struct catalogue **made)
{
	struct catalogue *catalogue = calloc(1, sizeof *catalogue);

	if (!catalogue)
		return -ENOMEM;
	catalogue->arena = calloc(1, sizeof *catalogue->arena);
	if (!catalogue->arena) {
		free(catalogue);
		return -ENOMEM;
	}
	catalogue_record_init(&catalogue_record_root, catalogue);
	*made = catalogue;
	return 0;
}

void catalogue_free(struct catalogue *catalogue)
{
	if (!catalogue)
		return;
	for (struct block *block = catalogue->arena->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(catalogue->arena);
	free(catalogue);
}

static bool add_block(struct catalogue_arena *arena, size_t size)
{
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct block *block;

	if (room > ARENA_BYTES_MAX - arena->total)
		return false;
	block = calloc(1, sizeof *block + room);
	if (!block)
		return false;
	block->next = arena->blocks;
	arena->blocks = block;
	arena->at = block->bytes;
	arena->left = room;
	arena->total += room;
	return true;
}

void *catalogue_allocate(struct catalogue *catalogue, size_t size)
{
	struct catalogue_arena *arena = catalogue->arena;
	void *at;

	if (size > ARENA_BYTES_MAX)
		return NULL;
	size = (size + 8) & ~(size_t)7; /* nothing has an address, too */
	if (size > arena->left && !add_block(arena, size))
		return NULL;
	at = arena->at;
	arena->at += size;
	arena->left -= size;
	return at;
}

const char *catalogue_string(struct catalogue *catalogue, const void *bytes, size_t size)
{
	char *copy;

	if (!size)
		return "";
	copy = catalogue_allocate(catalogue, size + 1);
	if (copy)
		memcpy(copy, bytes, size);
	return copy;
}

int catalogue_find_table(const struct catalogue *catalogue, const char *schema, const char *name)
{
	for (uint32_t i = 0; i < catalogue->table_count; i++)
		if (!strcmp(catalogue->tables[i].name, name) && !strcmp(catalogue->tables[i].schema, schema))
			return (int)i;
	return -1;
}

const struct catalogue_table *catalogue_table_by_id(const struct catalogue *catalogue, int32_t object_id)
{
	for (uint32_t i = 0; i < catalogue->table_count; i++)
		if (catalogue->tables[i].object_id == object_id)
			return &catalogue->tables[i];
	return NULL;
}

const struct catalogue_column *catalogue_column_by_id(const struct catalogue_table *table, int32_t column_id)
{
	for (uint32_t i = 0; i < table->column_count; i++)
		if (table->columns[i].column_id == column_id)
			return &table->columns[i];
	return NULL;
}

/* Never cuts within a UTF-8 character. */
static void cut(char *text, size_t size)
{
	size_t end = size - 4;

	while (end && ((unsigned char)text[end] & 0xc0) == 0x80)
		end--;
	memcpy(text + end, "...", 4);
}

void catalogue_table_name(const struct catalogue_table *table, char *name, size_t size)
{
	int length = snprintf(name, size, "[%s].[%s]", table->schema, table->name);

	if (length >= 0 && (size_t)length >= size && size > 4)
		cut(name, size);
}

uint64_t catalogue_rows(const struct catalogue *catalogue)
{
	uint64_t rows = 0;

	for (uint32_t i = 0; i < catalogue->table_count; i++)
		if (catalogue->tables[i].rows > 0)
			rows += (uint64_t)catalogue->tables[i].rows;
	return rows;
}

uint64_t catalogue_table_bytes(const struct catalogue_table *table)
{
	return table->pages > 0 ? (uint64_t)table->pages * 8192 : 0;
}

uint64_t catalogue_bytes(const struct catalogue *catalogue)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < catalogue->table_count; i++)
		bytes += catalogue_table_bytes(&catalogue->tables[i]);
	return bytes;
}

static bool listed_as(const struct catalogue_table *table, const char *entry)
{
	size_t schema = strlen(table->schema), name = strlen(table->name);

	if (!strcasecmp(table->schema, "dbo") && !strcasecmp(entry, table->name))
		return true;
	if (!strncasecmp(entry, table->schema, schema) && entry[schema] == '.' &&
		!strcasecmp(entry + schema + 1, table->name))
		return true;
	return strlen(entry) == schema + name + 5 && entry[0] == '[' && !strncasecmp(entry + 1, table->schema, schema) &&
		!strncmp(entry + 1 + schema, "].[", 3) && !strncasecmp(entry + schema + 4, table->name, name) &&
		entry[schema + name + 4] == ']';
}

bool catalogue_table_listed(const struct catalogue_table *table, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (listed_as(table, list[i]))
			return true;
	return false;
}
