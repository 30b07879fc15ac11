/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/sha256.h"

#include <pthread.h>
#include <string.h>

#define BLOCK 64

static bool quick;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>

/* FIPS 180-4, section 4.2.2. */
static const uint32_t constants[64] __attribute__((aligned(16))) = { 0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5,
	0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74,
	0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
	0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351,
	0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f,
	0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2 };

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

/* The state in the order that the instructions want: words a b e f and c d g h, the first in the highest place. */
struct lanes {
	__m128i abef, cdgh;
};

TARGET static struct lanes load(const uint32_t state[8])
{
	__m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)state), 0xb1);
	__m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(const void *)(state + 4)), 0x1b);

	return (struct lanes){ _mm_alignr_epi8(badc, hgfe, 8), _mm_blend_epi16(hgfe, badc, 0xf0) };
}

TARGET static void store(const struct lanes *lanes, uint32_t state[8])
{
	__m128i feba = _mm_shuffle_epi32(lanes->abef, 0x1b), dchg = _mm_shuffle_epi32(lanes->cdgh, 0xb1);

	_mm_storeu_si128((__m128i *)(void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

/* The next four words of the message schedule, in the place of the first. */
TARGET static __m128i schedule(const __m128i words[4], int i)
{
	__m128i before = words[(i + 3) % 4];
	__m128i sum = _mm_add_epi32(
		_mm_sha256msg1_epu32(words[i % 4], words[(i + 1) % 4]), _mm_alignr_epi8(before, words[(i + 2) % 4], 4));

	return _mm_sha256msg2_epu32(sum, before);
}

/* Four rounds at a time. */
TARGET static struct lanes rounds(struct lanes lanes, const uint8_t block[BLOCK])
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i words[4];

	for (int i = 0; i < 4; i++)
		words[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)block + i), big_endian);
#pragma GCC unroll 16
	for (int i = 0; i < 16; i++) {
		if (i >= 4)
			words[i % 4] = schedule(words, i);

		__m128i sum = _mm_add_epi32(words[i % 4], _mm_load_si128((const __m128i *)(const void *)constants + i));

		lanes.cdgh = _mm_sha256rnds2_epu32(lanes.cdgh, lanes.abef, sum);
		lanes.abef = _mm_sha256rnds2_epu32(lanes.abef, lanes.cdgh, _mm_shuffle_epi32(sum, 0x0e));
	}
	return lanes;
}

TARGET static void by_cpu(uint32_t state[8], const uint8_t *at, size_t blocks)
{
	struct lanes lanes = load(state);

	for (; blocks; blocks--, at += BLOCK) {
		struct lanes after = rounds(lanes, at);

		lanes.abef = _mm_add_epi32(lanes.abef, after.abef);
		lanes.cdgh = _mm_add_epi32(lanes.cdgh, after.cdgh);
	}
	store(&lanes, state);
}

static bool has_instructions(void)
{
	unsigned int a, b, c, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA) && __builtin_cpu_supports("sse4.1") &&
		__builtin_cpu_supports("ssse3");
}
#else
static bool has_instructions(void)
{
	return false;
}

static void by_cpu(uint32_t state[8], const uint8_t *at, size_t blocks)
{
	(void)state;
	(void)at;
	(void)blocks;
}
#endif

static void prepare(void)
{
	mbedtls_sha256_context hash;
	uint8_t block[BLOCK];

	for (unsigned int i = 0; i < sizeof(block); i++)
		block[i] = (uint8_t)(i * 7 + 1);
	mbedtls_sha256_init(&hash);
	if (has_instructions() && !mbedtls_sha256_starts_ret(&hash, 0)) {
		uint32_t state[8];

		memcpy(state, hash.state, sizeof(state));
		by_cpu(state, block, 1);
		quick = !mbedtls_sha256_update_ret(&hash, block, BLOCK) && !memcmp(state, hash.state, sizeof(state));
	}
	mbedtls_sha256_free(&hash);
}

bool sha256_is_quick(void)
{
	pthread_once(&once, prepare);
	return quick;
}

int sha256_update(mbedtls_sha256_context *hash, const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	/* Whole blocks between those that mbedTLS has begun to fill. It counts bytes in two words. */
	if (sha256_is_quick() && hash->total[0] % BLOCK == 0) {
		size_t blocks = size / BLOCK;
		uint64_t total = ((uint64_t)hash->total[1] << 32 | hash->total[0]) + blocks * BLOCK;

		by_cpu(hash->state, at, blocks);
		hash->total[0] = (uint32_t)total;
		hash->total[1] = (uint32_t)(total >> 32);
		at += blocks * BLOCK;
		size -= blocks * BLOCK;
	}
	return mbedtls_sha256_update_ret(hash, at, size);
}
