/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/keystore.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

static int give(int error, uint8_t key[KEYSTORE_KEY_SIZE])
{
	if (error)
		explicit_bzero(key, KEYSTORE_KEY_SIZE);
	return error;
}

int keystore_load(struct keystore *keystore, uint8_t key[KEYSTORE_KEY_SIZE])
{
	return give(keystore ? keystore->ops->load(keystore, key) : -ENODEV, key);
}

int keystore_make(struct keystore *keystore, uint8_t key[KEYSTORE_KEY_SIZE])
{
	if (!keystore || !keystore->ops->store)
		return give(keystore ? -EROFS : -ENODEV, key);
	if (getrandom(key, KEYSTORE_KEY_SIZE, 0) != KEYSTORE_KEY_SIZE)
		return give(-EIO, key);
	return give(keystore->ops->store(keystore, key), key);
}
