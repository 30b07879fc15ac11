/* SPDX-License-Identifier: Apache-2.0 */
/* Keystores of Linux. The owner fills in what is public and hands &x.keystore on; strings are borrowed. */
#ifndef HAL_LINUX_KEYSTORE_LINUX_H
#define HAL_LINUX_KEYSTORE_LINUX_H

#include <stddef.h>

#include "hal/keystore.h"

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

/* A file of exactly the key's bytes, mode 0600. Its directory is synced, too. */
extern const struct keystore_ops keystore_file_ops;
struct keystore_file {
	struct keystore keystore;
	const char *path;
};

/*
 * A key of type "user" in the keyring of this process's user, which the kernel forgets without power: whoever boots the
 * box fills it, from a TPM, a smart card or a server:
 *
 *	head -c 32 /dev/urandom | keyctl padd user coffret @u
 *
 * -EOPNOTSUPP: a kernel without keyrings, or one that does not let this process use them.
 */
extern const struct keystore_ops keystore_keyring_ops;
struct keystore_keyring {
	struct keystore keystore;
	const char *description; /* "coffret" */
};

#endif
