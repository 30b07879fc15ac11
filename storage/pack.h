/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chunk on its way to the medium and back: deflate where it helps, seal; open, inflate, compare with its name.
 * A packer is one thread's: it holds a deflate state (270 KB, reset and not made anew) and a cipher.
 */
#ifndef STORAGE_PACK_H
#define STORAGE_PACK_H

#include <stdint.h>

#include "storage/segment.h"

#define STORED_SIZE_MAX (CHUNK_SIZE_MAX + 4) /* the sealed bytes begin with the length before compression */

struct pack_keys {
	uint8_t repository[16]; /* the family: part of what is authenticated */
	uint8_t name[32], seal[32];
};

int pack_name(const struct pack_keys *keys, const void *bytes, uint32_t size, struct chunk_name *name);

struct packer;

int packer_create(struct packer **packer, const struct pack_keys *keys, int level);
void packer_free(struct packer *packer);
/* head: name and nonce are given, the rest is filled in. `stored` has room for size + 4 bytes. */
int packer_pack(struct packer *packer, const void *bytes, uint32_t size, struct chunk_head *head, uint8_t *stored);
/*
 * Opens, inflates into at most `capacity` bytes and compares with the name; says the size. -EBADMSG: it is not the chunk
 * of that name. `stored` is spoilt either way. -EPROTONOSUPPORT: stored in a way that came after this version.
 */
int packer_unpack(struct packer *packer, const struct chunk_head *head, uint8_t *stored, void *bytes, uint32_t capacity,
	uint32_t *size);

#endif
