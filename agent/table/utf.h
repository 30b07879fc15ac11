/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-16LE to UTF-8 and back, strictly: only what comes back bit for bit goes through. Both sides are runs of bytes
 * with no alignment and no terminator; U+0000 is a character like another.
 */
#ifndef AGENT_TABLE_UTF_H
#define AGENT_TABLE_UTF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Bytes of UTF-8 that `size` bytes of UTF-16LE need; -1 where they are not well formed (odd size, lone surrogate). */
ssize_t utf8_size(const uint8_t *utf16, size_t size);
/* Writes what utf8_size counted. Returns the end of it. */
uint8_t *utf8_put(uint8_t *out, const uint8_t *utf16, size_t size);
/* Writes at most 2 * size bytes. Returns how many, or -1 for UTF-8 that utf8_put would not have written. */
ssize_t utf16_put(uint8_t *out, const uint8_t *utf8, size_t size);

#endif
