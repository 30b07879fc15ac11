/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store/key_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hal/linux/keystore_linux.h"

#define KEYRING "keyring:"

bool key_file_is_keyring(const char *place)
{
	return strncmp(place, KEYRING, strlen(KEYRING)) == 0;
}

union any_keystore {
	struct keystore keystore;
	struct keystore_file file;
	struct keystore_keyring keyring;
};

static struct keystore *open_keystore(union any_keystore *any, const char *place)
{
	if (key_file_is_keyring(place))
		any->keyring = (struct keystore_keyring){ { &keystore_keyring_ops }, place + strlen(KEYRING) };
	else
		any->file = (struct keystore_file){ { &keystore_file_ops }, place };
	return &any->keystore;
}

int key_file_read(const char *place, uint8_t key[KEY_FILE_SIZE])
{
	union any_keystore any;
	return keystore_load(open_keystore(&any, place), key);
}

int key_file_make(const char *place, uint8_t key[KEY_FILE_SIZE])
{
	union any_keystore any;
	return keystore_make(open_keystore(&any, place), key);
}

static const char *explain(int error)
{
	switch (error) {
	case -EPERM:
		return "others may read it";
	case -EBADMSG:
		return "it is not 32 bytes";
	case -EOPNOTSUPP:
		return "this kernel has no keyrings, or does not let the daemon use them";
	default:
		return strerror(-error);
	}
}

void key_file_explain(
	const char *place, int error, char *sentence, size_t sentence_size, char *remedy, size_t remedy_size)
{
	bool ring = key_file_is_keyring(place), missing = error == -ENOENT || error == -EROFS;
	if (missing)
		snprintf(sentence, sentence_size, ring ? "There is no key %s." : "There is no key file %s.", place);
	else
		snprintf(sentence, sentence_size,
			ring ? "The key %s cannot be used: %s." : "The key file %s cannot be used: %s.", place, explain(error));
	if (ring)
		snprintf(remedy, remedy_size,
			"The kernel forgets it without power: whoever boots the box puts it there first, 32 bytes, as the daemon's user "
			"(keyctl padd user %s @u).",
			place + strlen(KEYRING));
	else
		snprintf(remedy, remedy_size, "%s",
			missing               ? "Put the key file back; or, for a new store, run coffretd --init."
				: error == -EPERM ? "chmod 0600 it, and ask who has read it."
								  : "Put the right file back.");
}
