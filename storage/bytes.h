/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian numbers on the medium, at any address. No struct is ever laid over bytes. */
#ifndef STORAGE_BYTES_H
#define STORAGE_BYTES_H

#include <stddef.h>
#include <stdint.h>

static inline void put16(uint8_t *to, uint16_t value)
{
	to[0] = (uint8_t)value;
	to[1] = (uint8_t)(value >> 8);
}

static inline void put32(uint8_t *to, uint32_t value)
{
	put16(to, (uint16_t)value);
	put16(to + 2, (uint16_t)(value >> 16));
}

static inline void put64(uint8_t *to, uint64_t value)
{
	put32(to, (uint32_t)value);
	put32(to + 4, (uint32_t)(value >> 32));
}

static inline uint16_t get16(const uint8_t *from)
{
	return (uint16_t)(from[0] | from[1] << 8);
}

static inline uint32_t get32(const uint8_t *from)
{
	return get16(from) | (uint32_t)get16(from + 2) << 16;
}

static inline uint64_t get64(const uint8_t *from)
{
	return get32(from) | (uint64_t)get32(from + 4) << 32;
}

/* `unit` need not be a power of two. */
static inline uint32_t round_up32(uint32_t value, uint32_t unit)
{
	return (value + unit - 1) / unit * unit;
}

#ifndef container_of
#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#endif

#endif
