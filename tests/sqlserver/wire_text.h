/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and messages between TDS's UTF-16LE and this program's UTF-8.
 *
 * A lone surrogate becomes the three bytes that UTF-8 would give it (WTF-8) and comes back as itself; any other byte
 * that is not UTF-8 becomes U+FFFD.
 */
#ifndef TESTS_SQLSERVER_WIRE_TEXT_H
#define TESTS_SQLSERVER_WIRE_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* Writes at most `capacity` bytes (always whole code units) to `to`; returns the bytes written. */
size_t utf16_from_utf8(uint8_t *to, size_t capacity, const char *from);

/*
 * Writes `units` code units as NUL-terminated UTF-8, cut between characters where `capacity` bytes are too few.
 * Returns the bytes written without the NUL.
 */
size_t utf8_from_utf16(char *to, size_t capacity, const uint8_t *from, size_t units);

/* Bytes that hold any text of `units` code units, the NUL included. */
static inline size_t utf8_capacity(size_t units)
{
	return units * 3 + 1;
}

#endif
