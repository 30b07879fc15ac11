/* SPDX-License-Identifier: Apache-2.0 */
/* Integers in memory: TDS is little-endian but for packet headers, PRELOGIN and NTLM's odd neighbours (big-endian). */
#ifndef TESTS_SQLSERVER_BYTES_H
#define TESTS_SQLSERVER_BYTES_H

#include <stdint.h>

static inline uint16_t get16le(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static inline uint32_t get32le(const uint8_t *at)
{
	return (uint32_t)get16le(at) | (uint32_t)get16le(at + 2) << 16;
}

static inline uint64_t get64le(const uint8_t *at)
{
	return (uint64_t)get32le(at) | (uint64_t)get32le(at + 4) << 32;
}

static inline uint16_t get16be(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline void put16le(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

static inline void put32le(uint8_t *at, uint32_t value)
{
	put16le(at, (uint16_t)value);
	put16le(at + 2, (uint16_t)(value >> 16));
}

static inline void put64le(uint8_t *at, uint64_t value)
{
	put32le(at, (uint32_t)value);
	put32le(at + 4, (uint32_t)(value >> 32));
}

static inline void put16be(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

#endif
