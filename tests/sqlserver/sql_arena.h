/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory that lives as long as a batch or a statement, and text that grows in it.
 * Nothing here returns NULL: a test server that runs out of memory aborts.
 */
#ifndef TESTS_SQLSERVER_SQL_ARENA_H
#define TESTS_SQLSERVER_SQL_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
};

/* Zeroed memory, aligned for any type. */
void *arena_alloc(struct arena *arena, size_t size);
/* A copy of size bytes with a NUL after them. */
char *arena_copy(struct arena *arena, const void *data, size_t size);
char *arena_string(struct arena *arena, const char *string);
char *arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *arena_vformat(struct arena *arena, const char *format, va_list arguments);
void arena_free(struct arena *arena);

/* A text under construction; .data is always NUL-terminated once something was added. */
struct text {
	struct arena *arena;
	char *data;
	size_t size, room;
};

void text_add_n(struct text *text, const void *data, size_t size);
void text_add(struct text *text, const char *string);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The finished text, "" if nothing was added. */
const char *text_done(struct text *text);

#endif
