/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Little-endian numbers and varints in byte buffers, the same on every architecture. Nothing here checks room on the
 * way out: the caller has it. On the way in varint_get checks every byte before it is believed.
 */
#ifndef AGENT_TABLE_BYTES_H
#define AGENT_TABLE_BYTES_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VARINT_MAX 10 /* bytes of the longest varint */

static inline uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

static inline void put64(uint8_t *p, uint64_t v)
{
	v = htole64(v);
	memcpy(p, &v, sizeof(v));
}

/* A number of `size` bytes, at most 8. */
static inline uint64_t get_number(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	for (size_t i = 0; i < size; i++)
		v |= (uint64_t)p[i] << 8 * i;
	return v;
}

/* The same as two's complement. */
static inline int64_t get_signed(const uint8_t *p, size_t size)
{
	uint64_t v = get_number(p, size);

	if (size && size < 8 && (p[size - 1] & 0x80))
		v |= UINT64_MAX << 8 * size;
	return (int64_t)v;
}

static inline void put_number(uint8_t *p, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* Signed numbers with small magnitudes become small unsigned ones. */
static inline uint64_t zigzag(uint64_t v)
{
	return v << 1 ^ (0 - (v >> 63));
}

static inline uint64_t unzigzag(uint64_t v)
{
	return v >> 1 ^ (0 - (v & 1));
}

static inline size_t varint_size(uint64_t v)
{
	return (size_t)(63 - __builtin_clzll(v | 1)) / 7 + 1;
}

/* Returns where the next byte goes. */
static inline uint8_t *varint_put(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

/* False where the number is cut off by `end`, is longer than it need be or exceeds 64 bits; *at is then anywhere. */
static inline bool varint_get(const uint8_t **at, const uint8_t *end, uint64_t *value)
{
	uint64_t v = 0;

	for (unsigned int shift = 0; *at < end && shift < 64; shift += 7) {
		uint8_t byte = *(*at)++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if ((byte == 0 && shift) || (shift == 63 && byte > 1))
			return false;
		*value = v;
		return true;
	}
	return false;
}

static inline bool bit_get(const uint8_t *bits, size_t i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static inline void bit_set(uint8_t *bits, size_t i)
{
	bits[i / 8] = (uint8_t)(bits[i / 8] | 1u << i % 8);
}

#endif
