/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cryptography of the medium, in one room: HMAC-SHA-256 for names, AES-256-GCM for what is sealed, HKDF-SHA-256 for
 * subkeys, PBKDF2-SHA-512 for passphrases, the kernel for randomness. Functions return 0 or a negative errno; -EBADMSG:
 * a tag does not fit. No key outlives crypto_wipe or sealer_free.
 */
#ifndef STORAGE_CRYPTO_H
#define STORAGE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRYPTO_KEY_SIZE 32
#define CRYPTO_NONCE_SIZE 12
#define CRYPTO_TAG_SIZE 16

int crypto_random(void *bytes, size_t size);
void crypto_wipe(void *bytes, size_t size);
/* In constant time. */
bool crypto_equal(const void *a, const void *b, size_t size);
int crypto_sha256(const void *bytes, size_t size, uint8_t digest[32]);
int crypto_hmac(const uint8_t key[CRYPTO_KEY_SIZE], const void *bytes, size_t size, uint8_t mac[32]);
/* HKDF-SHA-256 with a salt of 16 bytes. The purpose is a word of ours, different for every use. */
int crypto_derive(
	const void *secret, size_t secret_size, const uint8_t salt[16], const char *purpose, uint8_t key[CRYPTO_KEY_SIZE]);
int crypto_passphrase(
	const void *passphrase, size_t size, const uint8_t salt[16], uint32_t iterations, uint8_t key[CRYPTO_KEY_SIZE]);

/* AES-256-GCM with one key. One thread at a time. */
struct sealer;

struct sealed {
	const void *ad; /* what is authenticated beside the bytes */
	size_t ad_size;
	void *bytes; /* sealed or opened in place; size 0 is allowed */
	size_t size;
	uint8_t *nonce; /* CRYPTO_NONCE_SIZE, never used twice with one key */
	uint8_t *tag;   /* CRYPTO_TAG_SIZE, written by seal, checked by open */
};

int sealer_create(struct sealer **sealer, const uint8_t key[CRYPTO_KEY_SIZE]);
int sealer_seal(struct sealer *sealer, const struct sealed *sealed);
/* -EBADMSG: the bytes are then worthless. */
int sealer_open(struct sealer *sealer, const struct sealed *sealed);
void sealer_free(struct sealer *sealer);

#endif
