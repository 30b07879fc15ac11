/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The superblock: what is fixed for the life of a repository, and the slots that hold its key. Two copies, each a
 * segment of its own; a change writes two new ones before the old ones go. FORMAT.md has the bytes.
 */
#ifndef STORAGE_SUPERBLOCK_H
#define STORAGE_SUPERBLOCK_H

#include "storage/repository.h"

#define SUPERBLOCK_SIZE 4096
#define SUPERBLOCK_VERSION 1
#define KEY_SLOTS 8

/* Bits that this version knows. Unknown bits of the first kind are ignored, of the second forbid writing, of the third
 * forbid opening. */
#define FEATURES_COMPATIBLE UINT64_C(0)
#define FEATURES_WRITE UINT64_C(0)
#define FEATURE_READ_PARITY UINT64_C(1) /* data segments have parity */
#define FEATURE_READ_FAMILY UINT64_C(2) /* keys of chunks and slots are those of `family`, another repository's */
#define FEATURES_READ (FEATURE_READ_PARITY | FEATURE_READ_FAMILY)

struct key_slot {
	uint8_t kind;     /* 0: empty; else 1 + the kind of its secret */
	bool unconfirmed; /* nobody has said yet that the secret is known: the next one of its kind takes its place */
	uint32_t iterations;
	uint8_t salt[16], nonce[12], tag[16];
	uint8_t key[32]; /* the repository's, sealed with the secret's */
};

struct superblock {
	uint64_t generation;              /* of two that are valid the higher counts */
	uint64_t compatible, write, read; /* feature bits */
	uint8_t repository[16], writer[16];
	uint8_t
		family[16]; /* the id of the first repository with this key; its own, where FEATURE_READ_FAMILY is not set */
	bool append_only;
	uint32_t segment_size;
	uint8_t chunker[64];
	struct key_slot slots[KEY_SLOTS];
};

/* The key authenticates all of it. */
int superblock_put(uint8_t to[SUPERBLOCK_SIZE], const struct superblock *superblock, const uint8_t key[32]);
/* -EBADMSG: not whole. -EPROTONOSUPPORT: it has a feature that this version cannot read. Checks no key. */
int superblock_get(struct superblock *superblock, const uint8_t from[SUPERBLOCK_SIZE]);
/* -EBADMSG: changed by someone who has not the key. */
int superblock_check(const uint8_t from[SUPERBLOCK_SIZE], const struct superblock *superblock, const uint8_t key[32]);

/* Fills the slot with the repository's key for this secret. iterations count for a passphrase alone. */
int key_slot_fill(struct key_slot *slot, const uint8_t family[16], const uint8_t key[32],
	const struct repository_secret *secret, uint32_t iterations);
/* Tries every slot of the secret's kind. Returns which one opened, 0 to KEY_SLOTS - 1. -ENOKEY: none does. */
int key_slots_open(const struct superblock *superblock, const struct repository_secret *secret, uint8_t key[32]);

#define RECOVERY_KEY_BYTES 32
#define RECOVERY_KEY_CHARS 56
/* 32 random bytes and three of checksum, as base32; dashes, spaces and case do not count when it comes back. */
void recovery_key_put(char text[RECOVERY_KEY_CHARS + 1], const uint8_t bytes[RECOVERY_KEY_BYTES]);
/* -EINVAL: mistyped. */
int recovery_key_get(uint8_t bytes[RECOVERY_KEY_BYTES], const char *text, size_t size);

#endif
