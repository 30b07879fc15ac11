/* SPDX-License-Identifier: Apache-2.0 */
/* A chunk's name: HMAC-SHA-256 of its bytes before compression, keyed by the repository. Equal names, equal bytes. */
#ifndef STORAGE_NAME_H
#define STORAGE_NAME_H

#include <stdint.h>

#define CHUNK_SIZE_MAX (512u * 1024) /* bytes before compression */
#define CHUNK_NAME_SIZE 32

struct chunk_name {
	uint8_t bytes[CHUNK_NAME_SIZE];
};

#endif
