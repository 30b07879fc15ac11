/* SPDX-License-Identifier: Apache-2.0 */
/* Which snapshots there are, and what is noted of them. Every change is one new root. */
#include <errno.h>
#include <string.h>

#include "storage/repository_internal.h"

struct snapshot_info repository_tell(const struct repository *repository, const struct root_snapshot *snapshot)
{
	struct snapshot_info info = snapshot->info;
	info.foreign = memcmp(info.maker, repository->box, sizeof info.maker) != 0;
	return info;
}

int snapshot_list(struct repository *repository, struct snapshot_info *list, size_t count)
{
	repository_lock(repository);
	const struct roots *roots = &repository->roots;
	for (uint32_t i = 0; i < roots->count && i < count; i++)
		list[i] = repository_tell(repository, &roots->snapshots[i]);
	int all = (int)roots->count;
	repository_unlock(repository);
	return all;
}

int snapshot_find(struct repository *repository, uint64_t id, struct snapshot_info *info)
{
	repository_lock(repository);
	const struct root_snapshot *snapshot = repository_find(repository, id);
	if (snapshot)
		*info = repository_tell(repository, snapshot);
	repository_unlock(repository);
	return snapshot ? 0 : -ENOENT;
}

/* One new root, where anything is other than before. */
static int store_changed(struct repository *repository, struct root_snapshot *snapshot, uint32_t flags, uint32_t until)
{
	struct snapshot_info *info = &snapshot->info, before = *info;
	info->flags = flags;
	info->held_until = flags & (SNAPSHOT_PINNED | SNAPSHOT_LOCKED) ? until : 0;
	if (info->flags == before.flags && info->held_until == before.held_until)
		return 0;
	int error = repository_store_roots(repository);
	if (error)
		*info = before;
	return error;
}

int snapshot_set_flags(struct repository *repository, uint64_t id, uint32_t set, uint32_t clear)
{
	repository_lock(repository);
	struct root_snapshot *snapshot = repository_find(repository, id);
	int error = repository->read_only ? -EROFS : snapshot ? 0 : -ENOENT;
	if (!error)
		error = store_changed(repository, snapshot, (snapshot->info.flags & ~clear) | set,
			set & SNAPSHOT_PINNED ? 0 : snapshot->info.held_until);
	repository_unlock(repository);
	return error;
}

static bool is_held_for_good(const struct snapshot_info *info)
{
	return info->flags & (SNAPSHOT_PINNED | SNAPSHOT_LOCKED) && !info->held_until;
}

int snapshot_lock(struct repository *repository, uint64_t id, uint32_t until)
{
	repository_lock(repository);
	struct root_snapshot *snapshot = repository_find(repository, id);
	int error = repository->read_only ? -EROFS : snapshot ? 0 : -ENOENT;
	if (!error) {
		const struct snapshot_info *info = &snapshot->info;
		uint32_t latest = until > info->held_until ? until : info->held_until;
		error = store_changed(
			repository, snapshot, info->flags | SNAPSHOT_LOCKED, until && !is_held_for_good(info) ? latest : 0);
	}
	repository_unlock(repository);
	return error;
}

static int check_removable(const struct repository *repository, const struct root_snapshot *snapshot)
{
	if (repository->read_only)
		return -EROFS;
	if (!snapshot)
		return -ENOENT;
	int64_t box_time, wall_time;
	repository_now(repository, &box_time, &wall_time);
	bool kept = repository->superblock.append_only || snapshot_is_held(&snapshot->info, box_time);
	return kept ? -EPERM : 0;
}

int snapshot_remove(struct repository *repository, uint64_t id)
{
	repository_lock(repository);
	struct roots *roots = &repository->roots;
	struct root_snapshot *snapshot = repository_find(repository, id);
	int error = check_removable(repository, snapshot);
	if (!error) {
		struct root_snapshot removed = *snapshot;
		size_t behind = (size_t)(&roots->snapshots[roots->count] - (snapshot + 1));
		memmove(snapshot, snapshot + 1, behind * sizeof *snapshot);
		roots->count--;
		error = repository_store_roots(repository);
		repository->garbage = true;
		if (error) {
			memmove(snapshot + 1, snapshot, behind * sizeof *snapshot);
			*snapshot = removed;
			roots->count++;
		}
	}
	repository_unlock(repository);
	return error;
}
