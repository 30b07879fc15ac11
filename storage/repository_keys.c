/* SPDX-License-Identifier: Apache-2.0 */
/* What opens a repository: slots come, are confirmed and go, one superblock at a time. */
#include <errno.h>
#include <string.h>

#include "storage/repository_internal.h"

int recovery_key_make(char text[64])
{
	uint8_t bytes[RECOVERY_KEY_BYTES];
	int error = crypto_random(bytes, sizeof bytes);
	if (!error)
		recovery_key_put(text, bytes);
	crypto_wipe(bytes, sizeof bytes);
	return error;
}

bool recovery_key_is_whole(const char *text)
{
	uint8_t bytes[RECOVERY_KEY_BYTES];
	int error = recovery_key_get(bytes, text, strlen(text));
	crypto_wipe(bytes, sizeof bytes);
	return !error;
}

/* A generation that was tried is not used again: two that differ must not have the same. */
int repository_store_superblock(struct repository *r, const struct superblock *changed)
{
	struct superblock next = *changed;
	next.generation = ++r->superblock.generation;
	int error = superblock_store(r->volume, &next, r->key, &r->superblock_last);
	if (!error)
		r->superblock = next;
	return error;
}

struct key_slot *repository_slot_for(struct superblock *superblock, int kind)
{
	for (size_t i = 0; i < KEY_SLOTS; i++)
		if (superblock->slots[i].kind == 1 + kind)
			return &superblock->slots[i];
	for (size_t i = 0; i < KEY_SLOTS; i++)
		if (!superblock->slots[i].kind)
			return &superblock->slots[i];
	return NULL;
}

static struct key_slot *free_slot(struct superblock *superblock)
{
	for (size_t i = 0; i < KEY_SLOTS; i++)
		if (!superblock->slots[i].kind)
			return &superblock->slots[i];
	return NULL;
}

/* How many went. */
static unsigned drop(struct superblock *superblock, int kind, bool unconfirmed_only)
{
	unsigned dropped = 0;
	for (size_t i = 0; i < KEY_SLOTS; i++) {
		struct key_slot *slot = &superblock->slots[i];
		if (slot->kind != 1 + kind || (unconfirmed_only && !slot->unconfirmed))
			continue;
		*slot = (struct key_slot){ .kind = 0 };
		dropped++;
	}
	return dropped;
}

int repository_add_secret(
	struct repository *r, const struct repository_secret *secret, uint32_t iterations, uint8_t slot[16])
{
	struct key_slot filled;
	if (r->read_only)
		return -EROFS;
	/* Not under the lock: a passphrase takes seconds. */
	int error = key_slot_fill(
		&filled, r->superblock.family, r->key, secret, iterations ? iterations : PASSPHRASE_ITERATIONS);
	if (error)
		return error;
	filled.unconfirmed = true;
	memcpy(slot, filled.salt, 16);
	repository_lock(r);
	struct superblock changed = r->superblock;
	drop(&changed, (int)secret->kind, true);
	struct key_slot *to = free_slot(&changed);
	if (to)
		*to = filled;
	error = to ? repository_store_superblock(r, &changed) : -EUSERS;
	repository_unlock(r);
	return error;
}

int repository_find_secret(struct repository *r, const struct repository_secret *secret, uint8_t slot[16])
{
	uint8_t key[32];
	repository_lock(r);
	struct superblock superblock = r->superblock;
	repository_unlock(r);
	int found = key_slots_open(&superblock, secret, key);
	bool ours = found >= 0 && crypto_equal(key, r->key, sizeof key);
	crypto_wipe(key, sizeof key);
	if (found < 0)
		return found;
	memcpy(slot, superblock.slots[found].salt, 16);
	return ours ? 0 : -EBADMSG;
}

static struct key_slot *named_slot(struct superblock *superblock, const uint8_t slot[16])
{
	for (size_t i = 0; i < KEY_SLOTS; i++)
		if (superblock->slots[i].kind && !memcmp(superblock->slots[i].salt, slot, 16))
			return &superblock->slots[i];
	return NULL;
}

int repository_confirm_secret(struct repository *r, const uint8_t slot[16], bool alone)
{
	if (r->read_only)
		return -EROFS;
	repository_lock(r);
	struct superblock changed = r->superblock;
	struct key_slot *confirmed = named_slot(&changed, slot);
	unsigned dropped = 0;
	if (confirmed && alone) {
		struct key_slot kept = *confirmed;
		dropped = drop(&changed, kept.kind - 1, false) - 1;
		*confirmed = kept;
	}
	bool changes = confirmed && (confirmed->unconfirmed || dropped);
	if (changes)
		confirmed->unconfirmed = false;
	int error = !confirmed ? -ENOENT : changes ? repository_store_superblock(r, &changed) : 0;
	repository_unlock(r);
	return error;
}

static bool has_slot(const struct superblock *superblock)
{
	bool any = false;
	for (size_t i = 0; i < KEY_SLOTS; i++)
		any |= superblock->slots[i].kind != 0;
	return any;
}

int repository_drop_secrets(struct repository *r, int kind, bool unconfirmed_only)
{
	if (r->read_only)
		return -EROFS;
	repository_lock(r);
	struct superblock changed = r->superblock;
	int error = 0;
	if (drop(&changed, kind, unconfirmed_only))
		error = has_slot(&changed) ? repository_store_superblock(r, &changed) : -EPERM;
	repository_unlock(r);
	return error;
}

void repository_count_keys(const struct repository *r, struct repository_keys *keys)
{
	*keys = (struct repository_keys){ 0 };
	for (size_t i = 0; i < KEY_SLOTS; i++) {
		const struct key_slot *slot = &r->superblock.slots[i];
		keys->key_files += slot->kind == 1 + SECRET_KEY_FILE;
		keys->passphrases += slot->kind == 1 + SECRET_PASSPHRASE;
		keys->recovery_keys += slot->kind == 1 + SECRET_RECOVERY;
		keys->unconfirmed += slot->kind != 0 && slot->unconfirmed;
	}
}
