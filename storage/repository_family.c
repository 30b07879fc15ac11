/* SPDX-License-Identifier: Apache-2.0 */
/* Repositories of one key, and whose they are. */
#include <errno.h>
#include <string.h>

#include "storage/repository_internal.h"

int repository_create_sister(struct volume *volume, struct repository *sister, bool append_only)
{
	repository_lock(sister);
	struct superblock superblock = sister->superblock;
	superblock.generation = 1;
	superblock.append_only = append_only;
	superblock.segment_size = volume->segment_size;
	superblock.compatible = superblock.write = 0;
	superblock.read = FEATURE_READ_FAMILY | (superblock.read & FEATURE_READ_PARITY);
	memcpy(superblock.writer, sister->box, sizeof superblock.writer);
	int error = crypto_random(superblock.repository, sizeof superblock.repository);
	if (!error)
		error = repository_found(volume, &superblock, sister->key);
	repository_unlock(sister);
	return error;
}

static int change_writer(
	struct repository *r, const uint8_t writer[16], const struct repository_secret *secret, struct superblock *changed)
{
	*changed = r->superblock;
	memcpy(changed->writer, writer, sizeof changed->writer);
	if (!secret)
		return 0;
	struct key_slot *slot = repository_slot_for(changed, (int)secret->kind);
	return slot ? key_slot_fill(slot, changed->family, r->key, secret, PASSPHRASE_ITERATIONS) : -ENOSPC;
}

/*
 * The superblock decides. The root that follows names the maker of each snapshot; until it is there they are known by
 * the writer of the root before it.
 */
int repository_take_over(
	struct repository *repository, const uint8_t writer[16], const struct repository_secret *secret)
{
	struct superblock changed;
	if (repository->read_only)
		return -EROFS;
	repository_lock(repository);
	int error = change_writer(repository, writer, secret, &changed);
	if (!error)
		error = repository_store_superblock(repository, &changed);
	if (!error) {
		memcpy(repository->box, writer, sizeof repository->box);
		memcpy(repository->place.writer, writer, sizeof repository->place.writer);
		error = repository_store_roots(repository);
	}
	crypto_wipe(&changed, sizeof changed);
	repository_unlock(repository);
	return error;
}
