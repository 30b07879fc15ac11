/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A keystore: where the board keeps the one key that opens its store without a person. Drivers: a file and the kernel's
 * keyring (hal/linux/), and what one on a TPM has to do (keystore_tpm.h).
 *
 * The key is KEYSTORE_KEY_SIZE random bytes. Whoever gets it wipes it. Functions return 0 or a negative errno; after an
 * error the buffer is wiped. One thread at a time.
 */
#ifndef HAL_KEYSTORE_H
#define HAL_KEYSTORE_H

#include <stdint.h>

#define KEYSTORE_KEY_SIZE 32

struct keystore;

struct keystore_ops {
	/* -ENOENT: there is none. -EPERM: others may read it. -EBADMSG: it is no key. */
	int (*load)(struct keystore *keystore, uint8_t key[KEYSTORE_KEY_SIZE]);
	/*
	 * Puts a key where there is none; durable on return. -EEXIST: never writes over one. NULL: this one forgets without
	 * power, or is filled by somebody else: nothing may be put there.
	 */
	int (*store)(struct keystore *keystore, const uint8_t key[KEYSTORE_KEY_SIZE]);
};

struct keystore {
	const struct keystore_ops *ops;
};

/* NULL: -ENODEV. */
int keystore_load(struct keystore *keystore, uint8_t key[KEYSTORE_KEY_SIZE]);
/* A fresh random key, which is also given back. As ops->store; -EROFS where that is NULL. */
int keystore_make(struct keystore *keystore, uint8_t key[KEYSTORE_KEY_SIZE]);

#endif
