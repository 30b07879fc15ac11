/* SPDX-License-Identifier: Apache-2.0 */
/* State records sealed with the repository's key: nonce 12 | tag 16 | sealed bytes. */
#include <errno.h>
#include <string.h>

#include "storage/repository_internal.h"
#include "storage/state.h"

#define SEAL_SIZE (CRYPTO_NONCE_SIZE + CRYPTO_TAG_SIZE)

struct state_ad {
	uint8_t bytes[1 + 16 + STATE_NAME_MAX];
	size_t size;
};

static struct state_ad authenticated(const struct repository *repository, const char *name)
{
	struct state_ad ad = { .bytes = "s", .size = 17 + strlen(name) };
	memcpy(ad.bytes + 1, repository->superblock.repository, 16);
	memcpy(ad.bytes + 17, name, strlen(name));
	return ad;
}

int repository_state_write(struct repository *repository, const char *name, const void *bytes, size_t size)
{
	uint8_t sealed_bytes[SEAL_SIZE + STATE_SIZE_MAX];
	if (strlen(name) > STATE_NAME_MAX || size > STATE_SIZE_MAX)
		return -EINVAL;
	if (repository->read_only)
		return -EROFS;
	struct state_ad ad = authenticated(repository, name);
	if (size)
		memcpy(sealed_bytes + SEAL_SIZE, bytes, size);
	struct sealed sealed = { ad.bytes, ad.size, sealed_bytes + SEAL_SIZE, size, sealed_bytes,
		sealed_bytes + CRYPTO_NONCE_SIZE };
	repository_lock(repository);
	int error = crypto_random(sealed_bytes, CRYPTO_NONCE_SIZE);
	if (!error)
		error = sealer_seal(repository->sealer, &sealed);
	if (!error)
		error = state_write(repository->volume, name, sealed_bytes, SEAL_SIZE + size);
	repository_unlock(repository);
	return error;
}

int repository_state_read(struct repository *repository, const char *name, void *bytes, size_t capacity)
{
	uint8_t sealed_bytes[SEAL_SIZE + STATE_SIZE_MAX];
	if (strlen(name) > STATE_NAME_MAX)
		return -EINVAL;
	repository_lock(repository);
	int length = state_read(repository->volume, name, sealed_bytes, sizeof sealed_bytes);
	if (length >= 0) {
		struct state_ad ad = authenticated(repository, name);
		size_t size = (size_t)length < SEAL_SIZE ? 0 : (size_t)length - SEAL_SIZE;
		struct sealed sealed = { ad.bytes, ad.size, sealed_bytes + SEAL_SIZE, size, sealed_bytes,
			sealed_bytes + CRYPTO_NONCE_SIZE };
		int error = length < SEAL_SIZE ? -EBADMSG : sealer_open(repository->sealer, &sealed);
		length = error ? error : size > capacity ? -ERANGE : (int)size;
	}
	if (length > 0)
		memcpy(bytes, sealed_bytes + SEAL_SIZE, (size_t)length);
	repository_unlock(repository);
	return length;
}
