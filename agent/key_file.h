/* SPDX-License-Identifier: Apache-2.0 */
/* The file that opens the store: 32 random bytes, mode 0600. */
#ifndef AGENT_KEY_FILE_H
#define AGENT_KEY_FILE_H

#include <stdint.h>

#define KEY_FILE_SIZE 32

/* -EPERM where others may read it, -EBADMSG where it is not 32 bytes, or an errno. */
int key_file_read(const char *path, uint8_t key[KEY_FILE_SIZE]);
/* Makes one. Durable on return. -EEXIST: never writes over a key. */
int key_file_make(const char *path, uint8_t key[KEY_FILE_SIZE]);

#endif
