/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/crypto.h"

#include <errno.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/platform_util.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "storage/sha256.h"

struct sealer {
	mbedtls_gcm_context gcm;
};

/* Only lack of memory can go wrong below with arguments of ours. */
static int translate(int mbedtls)
{
	if (!mbedtls)
		return 0;
	return mbedtls == MBEDTLS_ERR_MD_ALLOC_FAILED || mbedtls == MBEDTLS_ERR_CIPHER_ALLOC_FAILED ? -ENOMEM : -EINVAL;
}

int crypto_random(void *bytes, size_t size)
{
	for (uint8_t *to = bytes; size;) {
		ssize_t n = getrandom(to, size, 0);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			to += n;
			size -= (size_t)n;
		}
	}
	return 0;
}

void crypto_wipe(void *bytes, size_t size)
{
	mbedtls_platform_zeroize(bytes, size);
}

bool crypto_equal(const void *a, const void *b, size_t size)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t differ = 0;
	for (size_t i = 0; i < size; i++)
		differ = (uint8_t)(differ | (x[i] ^ y[i]));
	return !differ;
}

int crypto_sha256(const void *bytes, size_t size, uint8_t digest[32])
{
	mbedtls_sha256_context hash;
	mbedtls_sha256_init(&hash);
	int error = mbedtls_sha256_starts_ret(&hash, 0);
	error = error ? error : sha256_update(&hash, bytes, size);
	error = error ? error : mbedtls_sha256_finish_ret(&hash, digest);
	mbedtls_sha256_free(&hash);
	return translate(error);
}

/*
 * HMAC and HKDF by hand over mbedTLS's SHA-256: its own allocate, and a key or a name must not fail for lack of memory.
 * message and then `last`, one byte, where it is not negative.
 */
static int hmac(const uint8_t *key, size_t key_size, const void *message, size_t size, int last, uint8_t mac[32])
{
	uint8_t inner[64] = { 0 }, outer[64], byte = (uint8_t)last;
	mbedtls_sha256_context hash;
	memcpy(inner, key, key_size);
	for (size_t i = 0; i < sizeof inner; i++) {
		outer[i] = inner[i] ^ 0x5c;
		inner[i] ^= 0x36;
	}
	mbedtls_sha256_init(&hash);
	int error = mbedtls_sha256_starts_ret(&hash, 0);
	error = error ? error : sha256_update(&hash, inner, sizeof inner);
	error = error ? error : sha256_update(&hash, message, size);
	error = error || last < 0 ? error : sha256_update(&hash, &byte, 1);
	error = error ? error : mbedtls_sha256_finish_ret(&hash, mac);
	error = error ? error : mbedtls_sha256_starts_ret(&hash, 0);
	error = error ? error : sha256_update(&hash, outer, sizeof outer);
	error = error ? error : sha256_update(&hash, mac, 32);
	error = error ? error : mbedtls_sha256_finish_ret(&hash, mac);
	mbedtls_sha256_free(&hash);
	crypto_wipe(inner, sizeof inner);
	crypto_wipe(outer, sizeof outer);
	return translate(error);
}

int crypto_hmac(const uint8_t key[CRYPTO_KEY_SIZE], const void *bytes, size_t size, uint8_t mac[32])
{
	return hmac(key, CRYPTO_KEY_SIZE, bytes, size, -1, mac);
}

/* RFC 5869: extract, then one block of expand. */
int crypto_derive(
	const void *secret, size_t secret_size, const uint8_t salt[16], const char *purpose, uint8_t key[CRYPTO_KEY_SIZE])
{
	uint8_t pseudorandom[32];
	int error = hmac(salt, 16, secret, secret_size, -1, pseudorandom);
	if (!error)
		error = hmac(pseudorandom, sizeof pseudorandom, purpose, strlen(purpose), 1, key);
	crypto_wipe(pseudorandom, sizeof pseudorandom);
	return error;
}

int crypto_passphrase(
	const void *passphrase, size_t size, const uint8_t salt[16], uint32_t iterations, uint8_t key[CRYPTO_KEY_SIZE])
{
	mbedtls_md_context_t context;
	mbedtls_md_init(&context);
	int error = mbedtls_md_setup(&context, mbedtls_md_info_from_type(MBEDTLS_MD_SHA512), 1);
	if (!error)
		error = mbedtls_pkcs5_pbkdf2_hmac(&context, passphrase, size, salt, 16, iterations, CRYPTO_KEY_SIZE, key);
	mbedtls_md_free(&context);
	return translate(error);
}

int sealer_create(struct sealer **sealer, const uint8_t key[CRYPTO_KEY_SIZE])
{
	struct sealer *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	mbedtls_gcm_init(&s->gcm);
	int error = translate(mbedtls_gcm_setkey(&s->gcm, MBEDTLS_CIPHER_ID_AES, key, CRYPTO_KEY_SIZE * 8));
	if (error) {
		sealer_free(s);
		return error;
	}
	*sealer = s;
	return 0;
}

int sealer_seal(struct sealer *sealer, const struct sealed *s)
{
	return translate(mbedtls_gcm_crypt_and_tag(&sealer->gcm, MBEDTLS_GCM_ENCRYPT, s->size, s->nonce, CRYPTO_NONCE_SIZE,
		s->ad, s->ad_size, s->bytes, s->bytes, CRYPTO_TAG_SIZE, s->tag));
}

int sealer_open(struct sealer *sealer, const struct sealed *s)
{
	int error = mbedtls_gcm_auth_decrypt(&sealer->gcm, s->size, s->nonce, CRYPTO_NONCE_SIZE, s->ad, s->ad_size, s->tag,
		CRYPTO_TAG_SIZE, s->bytes, s->bytes);
	return error == MBEDTLS_ERR_GCM_AUTH_FAILED ? -EBADMSG : translate(error);
}

void sealer_free(struct sealer *sealer)
{
	if (!sealer)
		return;
	mbedtls_gcm_free(&sealer->gcm);
	free(sealer);
}
