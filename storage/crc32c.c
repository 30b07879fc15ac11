/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/crc32c.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#define POLYNOMIAL 0x82f63b78u /* 0x1edc6f41, bits reversed */

static uint32_t table[256];
static bool hardware;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void prepare(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
		table[i] = crc;
	}
#ifdef __x86_64__
	hardware = __builtin_cpu_supports("sse4.2");
#endif
}

static uint32_t by_table(uint32_t crc, const uint8_t *at, size_t size)
{
	while (size--)
		crc = crc >> 8 ^ table[(crc ^ *at++) & 0xff];
	return crc;
}

#ifdef __x86_64__
__attribute__((target("sse4.2"))) static uint32_t by_hardware(uint32_t crc, const uint8_t *at, size_t size)
{
	for (; size >= 8; at += 8, size -= 8) {
		uint64_t word;
		memcpy(&word, at, 8);
		crc = (uint32_t)__builtin_ia32_crc32di(crc, word);
	}
	while (size--)
		crc = __builtin_ia32_crc32qi(crc, *at++);
	return crc;
}
#else
static uint32_t by_hardware(uint32_t crc, const uint8_t *at, size_t size)
{
	return by_table(crc, at, size);
}
#endif

uint32_t crc32c(uint32_t crc, const void *bytes, size_t size)
{
	pthread_once(&once, prepare);
	return ~(hardware ? by_hardware(~crc, bytes, size) : by_table(~crc, bytes, size));
}
