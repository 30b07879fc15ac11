/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sqlserver/sql_arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 16384u

struct arena_block {
	struct arena_block *next;
	size_t used, room;
	_Alignas(16) char data[];
};

static struct arena_block *add_block(struct arena *arena, size_t size)
{
	size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
	struct arena_block *block = calloc(1, sizeof(*block) + room);

	if (!block)
		abort();
	block->room = room;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size = (size + 15u) & ~(size_t)15;
	struct arena_block *block = arena->blocks;

	if (!block || block->room - block->used < size)
		block = add_block(arena, size);
	void *memory = block->data + block->used;

	block->used += size;
	return memory;
}

char *arena_copy(struct arena *arena, const void *data, size_t size)
{
	char *copy = arena_alloc(arena, size + 1);

	if (size)
		memcpy(copy, data, size);
	return copy;
}

char *arena_string(struct arena *arena, const char *string)
{
	return arena_copy(arena, string, strlen(string));
}

char *arena_vformat(struct arena *arena, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	int size = vsnprintf(NULL, 0, format, again);

	va_end(again);
	char *string = arena_alloc(arena, (size_t)size + 1);

	vsnprintf(string, (size_t)size + 1, format, arguments);
	return string;
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	char *string = arena_vformat(arena, format, arguments);

	va_end(arguments);
	return string;
}

void arena_free(struct arena *arena)
{
	while (arena->blocks) {
		struct arena_block *block = arena->blocks;

		arena->blocks = block->next;
		free(block);
	}
}

void text_add_n(struct text *text, const void *data, size_t size)
{
	if (text->size + size + 1 > text->room) {
		size_t room = (text->size + size + 1) * 2 + 64;
		char *grown = arena_alloc(text->arena, room);

		if (text->size)
			memcpy(grown, text->data, text->size);
		text->data = grown;
		text->room = room;
	}
	if (size)
		memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void text_add(struct text *text, const char *string)
{
	text_add_n(text, string, strlen(string));
}

void text_format(struct text *text, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	const char *string = arena_vformat(text->arena, format, arguments);

	va_end(arguments);
	text_add(text, string);
}

const char *text_done(struct text *text)
{
	return text->data ? text->data : "";
}
