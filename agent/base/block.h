/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A block: lines of `Key: value`, ended by an empty line. It is what the command and the daemon say to each other
 * (API.md), and what the small records on the medium are written in.
 *
 * A key is a letter and then letters, digits and '-', at most 40 bytes; it may come once. In a value, '\\' stands as
 * "\\\\", a line feed as "\\n" and any other control byte as "\\xNN"; all other bytes stand for themselves. A block is at
 * most BLOCK_SIZE bytes as it travels, the empty line included, and has at most BLOCK_FIELDS_MAX fields.
 */
#ifndef AGENT_BASE_BLOCK_H
#define AGENT_BASE_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCK_SIZE 8192
#define BLOCK_FIELDS_MAX 64
#define BLOCK_KEY_MAX 40

/* A block that is being written: the bytes as they travel. */
struct block {
	size_t size;
	bool overflow; /* something did not fit: block_end returns -EMSGSIZE */
	char bytes[BLOCK_SIZE];
};

/* A block as it was read. Keys and values are NUL-terminated, unescaped, in `bytes`. */
struct block_fields {
	size_t count;
	const char *keys[BLOCK_FIELDS_MAX];
	const char *values[BLOCK_FIELDS_MAX];
	char bytes[BLOCK_SIZE];
};

void block_begin(struct block *block, const char *type); /* type NULL: none; else the first field, "Block" */
void block_add(struct block *block, const char *key, const char *value);
void block_addf(struct block *block, const char *key, const char *format, ...) __attribute__((format(printf, 3, 4)));
void block_add_number(struct block *block, const char *key, uint64_t value);
void block_add_flag(struct block *block, const char *key, bool value); /* "yes" or "no" */
/* Lower-case hex digits; at most 32 bytes. */
void block_add_hex(struct block *block, const char *key, const uint8_t *bytes, size_t size);
/* Adds the empty line. -EMSGSIZE where it did not fit; the block is then of no use. */
int block_end(struct block *block);

/*
 * How many bytes the first block in `bytes` takes, its empty line included; 0 while it has not come whole; -EMSGSIZE
 * where it is longer than BLOCK_SIZE.
 */
int block_length(const char *bytes, size_t size);
/* Takes one whole block apart. -EBADMSG where it is none: hostile bytes are welcome. */
int block_parse(struct block_fields *fields, const char *bytes, size_t size);

/* NULL where the key did not come. Case counts. */
const char *block_get(const struct block_fields *fields, const char *key);
/* Decimal. 0 and *value, -ENOENT where the key did not come, -EINVAL where it is no number of at most `max`. */
int block_get_number(const struct block_fields *fields, const char *key, uint64_t max, uint64_t *value);
/* As block_get_number; exactly `size` bytes. */
int block_get_hex(const struct block_fields *fields, const char *key, uint8_t *bytes, size_t size);
bool block_get_flag(const struct block_fields *fields, const char *key); /* "yes" */

#endif
