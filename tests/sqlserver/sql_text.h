/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters: WTF-8 (UTF-8 that may hold lone surrogates), UTF-16LE and code pages.
 *
 * Inside the engine every character value is WTF-8. A byte that its code page cannot decode travels as the lone
 * surrogate U+DC80 + (byte - 0x80), so any byte string survives decode and encode unchanged.
 */
#ifndef TESTS_SQLSERVER_SQL_TEXT_H
#define TESTS_SQLSERVER_SQL_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A byte buffer that is reused; .data is NUL-terminated after each call below. Zero it first, free it last. */
struct bytes {
	char *data;
	size_t size, room;
};

void bytes_reserve(struct bytes *bytes, size_t room);
void bytes_add(struct bytes *bytes, const void *data, size_t size);
void bytes_free(struct bytes *bytes);

/* Each replaces the content of `out`. An odd last byte of UTF-16 is dropped. */
void utf16_to_wtf8(struct bytes *out, const void *utf16, size_t size);
void wtf8_to_utf16(struct bytes *out, const char *wtf8, size_t size);
/* page 65001 is UTF-8. What the page has no character for becomes '?'. */
void page_to_wtf8(struct bytes *out, unsigned page, const void *data, size_t size);
void wtf8_to_page(struct bytes *out, unsigned page, const char *wtf8, size_t size);

/* UTF-16 code units in a WTF-8 text. */
size_t wtf8_units(const char *wtf8, size_t size);
/* Byte offset of the given code unit; the size where the text is shorter. A cut pair is cut before its character. */
size_t wtf8_offset(const char *wtf8, size_t size, size_t units);
/* Bytes that the text takes in the code page. */
size_t page_size(unsigned page, const char *wtf8, size_t size);
/* Decodes one character and moves *at; a bad byte counts as itself. */
uint32_t wtf8_next(const char *wtf8, size_t size, size_t *at);
/* Writes one code point, at most 4 bytes. */
size_t wtf8_put(char *out, uint32_t c);

uint32_t char_lower(uint32_t c);
uint32_t char_upper(uint32_t c);
/* Identifier comparison: case-insensitive, whole strings. */
bool name_equal(const char *a, const char *b);

#endif
