/* SPDX-License-Identifier: Apache-2.0 */
/* Against the vectors of the standards, so that nobody needs to believe us. */
#include "storage/crypto.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/crc32c.h"
#include "storage/sha256.h"

static void from_hex(const char *hex, uint8_t *bytes)
{
	for (; *hex; hex += 2) {
		unsigned value;
		sscanf(hex, "%2x", &value);
		*bytes++ = (uint8_t)value;
	}
}

/* Computed with Python's hmac and hashlib from the definitions in RFC 2104, 5869 and 8018. */
static void keys_and_names_are_what_the_standards_say(void **state)
{
	(void)state;
	uint8_t key[32], salt[16], got[32], expected[32];
	for (uint8_t i = 0; i < 32; i++)
		key[i] = i;
	for (uint8_t i = 0; i < 16; i++)
		salt[i] = (uint8_t)(0xf0 + i);
	from_hex("099805f4ac310786968565c098db515cc50862b420ae31e20238312344bed36a", expected);
	assert_int_equal(crypto_hmac(key, "what do ya want for nothing?", 28, got), 0);
	assert_memory_equal(got, expected, 32);
	from_hex("23731e61127b90fd273028b7a8953b3cd2b3924359f82588754b10ef158e0602", expected);
	assert_int_equal(crypto_derive(key, sizeof key, salt, "a purpose", got), 0);
	assert_memory_equal(got, expected, 32);
	from_hex("20cab7fc23a33af17d571d43f804e8f940c2db64d60c262d0c857fbefa3c1096", expected);
	assert_int_equal(crypto_passphrase("passphrase", 10, salt, 1000, got), 0);
	assert_memory_equal(got, expected, 32);
	from_hex("d38b42096d80f45f826b44a9d5607de72496a415d3f4a1a8c88e3bb9da8dc1cb", expected);
	assert_int_equal(crypto_hmac(key, "", 0, got), 0);
	assert_memory_equal(got, expected, 32);
}

/* NIST's test case 14 and 16 of the GCM specification: AES-256. */
static void sealing_is_aes_256_gcm(void **state)
{
	(void)state;
	uint8_t key[32] = { 0 }, nonce[12] = { 0 }, tag[16], bytes[16] = { 0 }, expected[16], expected_tag[16];
	struct sealer *sealer;
	struct sealed sealed = { "", 0, bytes, sizeof bytes, nonce, tag };
	from_hex("cea7403d4d606b6e074ec5d3baf39d18", expected);
	from_hex("d0d1c8a799996bf0265b98b5d48ab919", expected_tag);
	assert_int_equal(sealer_create(&sealer, key), 0);
	assert_int_equal(sealer_seal(sealer, &sealed), 0);
	assert_memory_equal(bytes, expected, 16);
	assert_memory_equal(tag, expected_tag, 16);
	assert_int_equal(sealer_open(sealer, &sealed), 0);
	sealer_free(sealer);
}

static void whatever_is_changed_does_not_open(void **state)
{
	(void)state;
	uint8_t key[32] = { 1 }, nonce[12] = { 2 }, tag[16], bytes[20] = "twenty bytes of text", ad[3] = "abc";
	uint8_t *parts[] = { nonce, tag, bytes, ad };
	struct sealer *sealer;
	struct sealed sealed = { ad, sizeof ad, bytes, sizeof bytes, nonce, tag };
	assert_int_equal(sealer_create(&sealer, key), 0);
	assert_int_equal(sealer_seal(sealer, &sealed), 0);
	uint8_t kept[20];
	memcpy(kept, bytes, sizeof kept);
	for (size_t i = 0; i < 4; i++) {
		parts[i][2] ^= 0x40;
		assert_int_equal(sealer_open(sealer, &sealed), -EBADMSG);
		memcpy(bytes, kept, sizeof kept);
		parts[i][2] ^= i == 2 ? 0 : 0x40;
	}
	assert_int_equal(sealer_open(sealer, &sealed), 0);
	assert_memory_equal(bytes, "twenty bytes of text", 20);
	sealer_free(sealer);
}

static void random_bytes_differ(void **state)
{
	(void)state;
	uint8_t a[32] = { 0 }, b[32] = { 0 };
	assert_int_equal(crypto_random(a, sizeof a), 0);
	assert_int_equal(crypto_random(b, sizeof b), 0);
	assert_false(crypto_equal(a, b, sizeof a));
	assert_true(crypto_equal(a, a, sizeof a));
	a[31] ^= 1;
	memcpy(b, a, sizeof b);
	b[31] ^= 0x80;
	assert_false(crypto_equal(a, b, sizeof a));
}

static void expect_sha256(const uint8_t *bytes, size_t size, size_t cut)
{
	uint8_t got[32], expected[32];
	mbedtls_sha256_context hash;
	assert_int_equal(mbedtls_sha256_ret(bytes, size, expected, 0), 0);
	mbedtls_sha256_init(&hash);
	assert_int_equal(mbedtls_sha256_starts_ret(&hash, 0), 0);
	assert_int_equal(sha256_update(&hash, bytes, cut), 0);
	assert_int_equal(sha256_update(&hash, bytes + cut, size - cut), 0);
	assert_int_equal(mbedtls_sha256_finish_ret(&hash, got), 0);
	assert_memory_equal(got, expected, 32);
	mbedtls_sha256_free(&hash);
	assert_int_equal(crypto_sha256(bytes, size, got), 0);
	assert_memory_equal(got, expected, 32);
}

/* FIPS 180-4's example of two blocks, then every length around blocks, in every two parts, and one that is long. */
static void sha256_by_the_cpu_is_that_of_mbedtls(void **state)
{
	(void)state;
	static uint8_t bytes[100000];
	uint8_t got[32], expected[32];
	from_hex("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", expected);
	assert_int_equal(crypto_sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, got), 0);
	assert_memory_equal(got, expected, 32);
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (uint8_t)(i * i >> 5);
	for (size_t size = 0; size < 200; size++)
		for (size_t cut = 0; cut <= size; cut++)
			expect_sha256(bytes + size % 16, size, cut);
	expect_sha256(bytes + 1, sizeof bytes - 1, 64000);
	print_message("SHA-256 by %s\n", sha256_is_quick() ? "the CPU" : "mbedTLS alone");
}

/* RFC 3720, B.4. */
static void crc32c_is_castagnolis(void **state)
{
	(void)state;
	uint8_t bytes[32] = { 0 };
	assert_int_equal(crc32c(0, bytes, 32), 0x8a9136aa);
	memset(bytes, 0xff, 32);
	assert_int_equal(crc32c(0, bytes, 32), 0x62a8ab43);
	for (uint8_t i = 0; i < 32; i++)
		bytes[i] = i;
	assert_int_equal(crc32c(0, bytes, 32), 0x46dd794e);
	for (size_t cut = 0; cut <= 32; cut++)
		assert_int_equal(crc32c(crc32c(0, bytes, cut), bytes + cut, 32 - cut), 0x46dd794e);
	assert_int_equal(crc32c(0, "", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_names_are_what_the_standards_say),
		cmocka_unit_test(sealing_is_aes_256_gcm),
		cmocka_unit_test(whatever_is_changed_does_not_open),
		cmocka_unit_test(random_bytes_differ),
		cmocka_unit_test(sha256_by_the_cpu_is_that_of_mbedtls),
		cmocka_unit_test(crc32c_is_castagnolis),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
