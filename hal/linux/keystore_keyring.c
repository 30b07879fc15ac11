/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/linux/keystore_linux.h"

#include <errno.h>
#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What is wrong with the key is told apart from a kernel that has no keyrings for us. */
static int why(int error)
{
	switch (error) {
	case ENOKEY:
	case EKEYEXPIRED:
	case EKEYREVOKED:
		return -ENOENT;
	case ENOSYS:
	case EOPNOTSUPP:
		return -EOPNOTSUPP;
	default:
		return -error;
	}
}

/* A daemon's session has not the user's keyring in it, and a key that it does not possess it cannot read. */
static long find(const char *description)
{
	syscall(SYS_keyctl, KEYCTL_LINK, KEY_SPEC_USER_KEYRING, KEY_SPEC_PROCESS_KEYRING);
	return syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_PROCESS_KEYRING, "user", description, 0);
}

static int keyring_load(struct keystore *keystore, uint8_t key[KEYSTORE_KEY_SIZE])
{
	const struct keystore_keyring *store = container_of(keystore, struct keystore_keyring, keystore);
	uint8_t bytes[KEYSTORE_KEY_SIZE + 1];
	long id = find(store->description);
	if (id < 0)
		return why(errno);
	long size = syscall(SYS_keyctl, KEYCTL_READ, id, bytes, sizeof(bytes)); /* the whole length, also of a longer one */
	int result = size < 0 ? why(errno) : size != KEYSTORE_KEY_SIZE ? -EBADMSG : 0;
	if (result == 0)
		memcpy(key, bytes, KEYSTORE_KEY_SIZE);
	explicit_bzero(bytes, sizeof(bytes));
	return result;
}

const struct keystore_ops keystore_keyring_ops = { .load = keyring_load };
