/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, times and foreign text for people. Buffers are CLI_TEXT bytes; each function returns its buffer. */
#ifndef AGENT_CLI_TEXT_H
#define AGENT_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/base/block.h"

#define CLI_TEXT 48

const char *text_count(char *text, uint64_t number);                 /* "1 234 567" */
const char *text_size(char *text, uint64_t bytes);                   /* "12.3 MB" */
const char *text_duration(char *text, uint64_t ms);                  /* "0.4 s", "12 s", "3 min 04 s", "2 h 05 min" */
const char *text_time(char *text, uint64_t instant);                 /* "2026-11-20 22:30", local; "-" for 0 */
const char *text_ago(char *text, uint64_t instant, uint64_t now);    /* "5 min ago", "in 3 h" */
const char *text_ratio(char *text, uint64_t bytes, uint64_t stored); /* "8.1x", "-" */
const char *text_phase(const char *phase);                           /* "read_back" as "reading back" */

const char *text_get(const struct block_fields *fields, const char *key); /* "" where it did not come */
uint64_t text_number(const struct block_fields *fields, const char *key); /* or 0 */

/*
 * Copies text that came from elsewhere (a server's message, a table's name), with whatever could steer a terminal shown
 * as '?', cut at a character to `cells` cells (0: as long as the buffer is). Returns the number of cells.
 */
size_t text_clean(char *out, size_t size, const char *text, size_t cells);

#endif
