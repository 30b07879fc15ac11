/* SPDX-License-Identifier: Apache-2.0 */
/* A slot seals the repository's key with a key made from a secret that someone or something keeps. */
#include <errno.h>
#include <string.h>

#include "storage/crc32c.h"
#include "storage/crypto.h"
#include "storage/superblock.h"

#define ITERATIONS_MAX 10000000u /* a hostile medium must not keep us busy for hours */

static int secret_to_key(const struct key_slot *slot, const struct repository_secret *secret, uint8_t key[32])
{
	uint8_t recovery[RECOVERY_KEY_BYTES];
	switch (secret->kind) {
	case SECRET_PASSPHRASE:
		if (!slot->iterations || slot->iterations > ITERATIONS_MAX)
			return -ENOKEY;
		return crypto_passphrase(secret->bytes, secret->size, slot->salt, slot->iterations, key);
	case SECRET_KEY_FILE:
		return crypto_derive(secret->bytes, secret->size, slot->salt, "coffret key file", key);
	case SECRET_RECOVERY:;
		int error = recovery_key_get(recovery, (const char *)secret->bytes, secret->size);
		if (!error)
			error = crypto_derive(recovery, sizeof recovery, slot->salt, "coffret recovery key", key);
		crypto_wipe(recovery, sizeof recovery);
		return error;
	}
	return -EINVAL;
}

/* Which repository and which kind of secret: a slot is worth nothing in another place. */
static void authenticated(const struct key_slot *slot, const uint8_t family[16], uint8_t ad[17])
{
	memcpy(ad, family, 16);
	ad[16] = slot->kind;
}

static int seal_key(struct key_slot *slot, const uint8_t family[16], const uint8_t secret_key[32], bool open)
{
	uint8_t ad[17];
	struct sealer *sealer;
	authenticated(slot, family, ad);
	struct sealed sealed = { ad, sizeof ad, slot->key, sizeof slot->key, slot->nonce, slot->tag };
	int error = sealer_create(&sealer, secret_key);
	if (error)
		return error;
	error = open ? sealer_open(sealer, &sealed) : sealer_seal(sealer, &sealed);
	sealer_free(sealer);
	return error;
}

int key_slot_fill(struct key_slot *slot, const uint8_t family[16], const uint8_t key[32],
	const struct repository_secret *secret, uint32_t iterations)
{
	uint8_t secret_key[32];
	*slot = (struct key_slot){ .kind = (uint8_t)(1 + secret->kind) };
	slot->iterations = secret->kind == SECRET_PASSPHRASE ? iterations : 0;
	memcpy(slot->key, key, sizeof slot->key);
	int error = crypto_random(slot->salt, sizeof slot->salt);
	if (!error)
		error = crypto_random(slot->nonce, sizeof slot->nonce);
	if (!error)
		error = secret_to_key(slot, secret, secret_key);
	if (!error)
		error = seal_key(slot, family, secret_key, false);
	crypto_wipe(secret_key, sizeof secret_key);
	if (error)
		crypto_wipe(slot, sizeof *slot);
	return error;
}

static int open_slot(
	const struct key_slot *slot, const uint8_t family[16], const struct repository_secret *secret, uint8_t key[32])
{
	uint8_t secret_key[32];
	struct key_slot copy = *slot;
	int error = secret_to_key(slot, secret, secret_key);
	if (!error)
		error = seal_key(&copy, family, secret_key, true);
	if (!error)
		memcpy(key, copy.key, sizeof copy.key);
	crypto_wipe(secret_key, sizeof secret_key);
	crypto_wipe(&copy, sizeof copy);
	return error;
}

int key_slots_open(const struct superblock *superblock, const struct repository_secret *secret, uint8_t key[32])
{
	for (size_t i = 0; i < KEY_SLOTS; i++) {
		if (superblock->slots[i].kind != 1 + secret->kind)
			continue;
		int error = open_slot(&superblock->slots[i], superblock->family, secret, key);
		if (!error)
			return (int)i;
		if (error != -EBADMSG && error != -ENOKEY && error != -EINVAL)
			return error;
	}
	return -ENOKEY;
}

/* ---- the recovery key as text ---- */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"; /* RFC 4648 */
#define TEXT_BYTES (RECOVERY_KEY_BYTES + 3)

static void append_checksum(uint8_t bytes[TEXT_BYTES])
{
	uint32_t crc = crc32c(0, bytes, RECOVERY_KEY_BYTES);
	for (int i = 0; i < 3; i++)
		bytes[RECOVERY_KEY_BYTES + i] = (uint8_t)(crc >> 8 * i);
}

void recovery_key_put(char text[RECOVERY_KEY_CHARS + 1], const uint8_t bytes[RECOVERY_KEY_BYTES])
{
	uint8_t all[TEXT_BYTES];
	memcpy(all, bytes, RECOVERY_KEY_BYTES);
	append_checksum(all);
	for (size_t i = 0; i < RECOVERY_KEY_CHARS; i++) {
		size_t bit = i * 5;
		unsigned pair = (unsigned)all[bit / 8] << 8 | (bit / 8 + 1 < TEXT_BYTES ? all[bit / 8 + 1] : 0);
		text[i] = alphabet[pair >> (11 - bit % 8) & 31];
	}
	text[RECOVERY_KEY_CHARS] = 0;
	crypto_wipe(all, sizeof all);
}

/* What people mistake for a letter of the alphabet counts as that letter. -1: not of it. */
static int value_of(char c)
{
	static const char mistaken[] = "018", meant[] = "OIB";
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	const char *at = c ? strchr(mistaken, c) : NULL;
	if (at)
		c = meant[at - mistaken];
	at = c ? strchr(alphabet, c) : NULL;
	return at ? (int)(at - alphabet) : -1;
}

int recovery_key_get(uint8_t bytes[RECOVERY_KEY_BYTES], const char *text, size_t size)
{
	uint8_t all[TEXT_BYTES] = { 0 }, expected[TEXT_BYTES];
	size_t count = 0;
	for (size_t i = 0; i < size && text[i]; i++) {
		if (strchr("- \t\r\n", text[i]))
			continue;
		int value = value_of(text[i]);
		if (value < 0 || count == RECOVERY_KEY_CHARS)
			return -EINVAL;
		size_t bit = count++ * 5;
		unsigned pair = (unsigned)value << (11 - bit % 8);
		all[bit / 8] = (uint8_t)(all[bit / 8] | pair >> 8);
		if (bit / 8 + 1 < TEXT_BYTES)
			all[bit / 8 + 1] = (uint8_t)(all[bit / 8 + 1] | pair);
	}
	memcpy(expected, all, sizeof all);
	append_checksum(expected);
	bool whole = count == RECOVERY_KEY_CHARS && crypto_equal(all, expected, sizeof all);
	memcpy(bytes, all, RECOVERY_KEY_BYTES);
	crypto_wipe(all, sizeof all);
	crypto_wipe(expected, sizeof expected);
	return whole ? 0 : -EINVAL;
}
