/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people type: words by frequency, phrases that come back, links, other scripts, now and then something broken.
 * A function of the random state alone.
 */
#ifndef TESTS_SQLSERVER_CHAT_TEXT_H
#define TESTS_SQLSERVER_CHAT_TEXT_H

#include <stddef.h>
#include <stdint.h>

/* SplitMix64. */
uint64_t chat_random(uint64_t *state);
/* 0 to below - 1. */
uint32_t chat_below(uint64_t *state, uint32_t below);

/* One message as UTF-16LE; returns its bytes. `room` gives rooms habits of their own. */
size_t chat_message(uint64_t *state, uint32_t room, uint8_t *out, size_t capacity);
/* The rich text copy of a message, in code page 1252; returns its bytes. */
size_t chat_rtf(uint64_t *state, const uint8_t *message, size_t size, uint8_t *out, size_t capacity);
/* A short name of the kind, number n: "room", "person", "category". */
void chat_name(const char *kind, uint32_t n, char *out, size_t capacity);
/* UTF-8 to UTF-16LE; returns bytes. */
size_t chat_utf16(const char *text, uint8_t *out, size_t capacity);

#endif
