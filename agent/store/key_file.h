/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key that opens the store by itself, where the configuration says that it is: the absolute path of a file of 32
 * random bytes, mode 0600, or "keyring:NAME", a key of type user in the kernel's keyring of the daemon's user.
 */
#ifndef AGENT_STORE_KEY_FILE_H
#define AGENT_STORE_KEY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/keystore.h"

#define KEY_FILE_SIZE KEYSTORE_KEY_SIZE

bool key_file_is_keyring(const char *place);
/* -ENOENT: there is none. -EPERM where others may read it, -EBADMSG where it is not 32 bytes, or an errno. */
int key_file_read(const char *place, uint8_t key[KEY_FILE_SIZE]);
/* Makes one. Durable on return. -EEXIST: never writes over a key. -EROFS: a keyring is filled by whoever boots the box. */
int key_file_make(const char *place, uint8_t key[KEY_FILE_SIZE]);
/* What went wrong, and what to do. */
void key_file_explain(
	const char *place, int error, char *sentence, size_t sentence_size, char *remedy, size_t remedy_size);

#endif
