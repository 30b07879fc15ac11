/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/crypto.h"

#include <errno.h>
#include <mbedtls/gcm.h>
#include <mbedtls/hkdf.h>
#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>
#include <mbedtls/platform_util.h>
#include <mbedtls/sha256.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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
	return translate(mbedtls_sha256_ret(bytes, size, digest, 0));
}

int crypto_hmac(const uint8_t key[CRYPTO_KEY_SIZE], const void *bytes, size_t size, uint8_t mac[32])
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	return translate(mbedtls_md_hmac(md, key, CRYPTO_KEY_SIZE, bytes, size, mac));
}

int crypto_derive(const void *secret, size_t secret_size, const uint8_t salt[16], const char *purpose,
	uint8_t key[CRYPTO_KEY_SIZE])
{
	const mbedtls_md_info_t *md = mbedtls_md_info_from_type(MBEDTLS_MD_SHA256);
	return translate(mbedtls_hkdf(md, salt, 16, secret, secret_size, (const uint8_t *)purpose, strlen(purpose), key,
		CRYPTO_KEY_SIZE));
}

int crypto_passphrase(const void *passphrase, size_t size, const uint8_t salt[16], uint32_t iterations,
	uint8_t key[CRYPTO_KEY_SIZE])
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
