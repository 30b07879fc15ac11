/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the repository share. Nobody else includes it. */
#ifndef STORAGE_REPOSITORY_INTERNAL_H
#define STORAGE_REPOSITORY_INTERNAL_H

#include <pthread.h>

#include "storage/chunk.h"
#include "storage/repository.h"
#include "storage/roots.h"
#include "storage/superblock.h"
#include "storage/tree.h"

struct repository {
	pthread_mutex_t lock; /* recursive: whoever is called back may ask */
	struct volume *volume;
	struct superblock superblock;
	uint64_t superblock_last; /* the highest segment number of a superblock */
	uint8_t key[32];
	struct sealer *sealer; /* of roots and state records */
	struct chunk_store chunks;
	struct roots roots;
	struct roots_place place;
	struct snapshot_writer *writer; /* the one that is being made */
	bool read_only;
	bool foreign;     /* another box is the writer */
	uint8_t box[16];  /* this one */
	bool checked;     /* what may be reused was read not long ago */
	bool garbage;     /* there may be chunks that no snapshot needs */
	uint64_t marks;   /* how often the marks of the index were made anew */
	uint64_t writers; /* how many snapshots were begun */
	uint32_t damaged_segments;
	int64_t opened_at; /* of the kernel's clock, seconds */
	int64_t box_base;  /* box time then */
	void (*now)(void *arg, int64_t *box_time, int64_t *wall_time);
	void *now_arg;
};

static inline void repository_lock(const struct repository *repository)
{
	pthread_mutex_lock((pthread_mutex_t *)(uintptr_t)&repository->lock);
}

static inline void repository_unlock(const struct repository *repository)
{
	pthread_mutex_unlock((pthread_mutex_t *)(uintptr_t)&repository->lock);
}

/* superblock_place.c: the two copies on the volume. */
struct superblock_files {
	uint64_t last;    /* the highest number seen */
	uint64_t best[2]; /* segments that hold the newest valid one; 0: none */
	uint8_t bytes[SUPERBLOCK_SIZE];
	struct superblock superblock;
	bool others; /* the volume holds segments that are not superblocks, roots or state */
	unsigned damaged;
	int error; /* of the last one that could not be used */
};
int superblock_find(struct volume *volume, struct superblock_files *files);
/* Two new copies with numbers over *last, durable on return; then those below are removed. After an error: neither. */
int superblock_store(struct volume *volume, const struct superblock *superblock, const uint8_t key[32], uint64_t *last);

/* mount.c: every data segment into the index; what was never acknowledged is dropped. */
int repository_mount(struct repository *repository);

/* Makes the volume a repository of this superblock: -EXDEV where it is not blank. */
int repository_found(struct volume *volume, const struct superblock *superblock, const uint8_t key[32]);
/* Durably with the next generation, then it is the one in use. */
int repository_store_superblock(struct repository *repository, const struct superblock *changed);
/* repository_keys.c: the slot of a secret's kind, or a free one. NULL: there is none. */
struct key_slot *repository_slot_for(struct superblock *superblock, int kind);
void repository_count_keys(const struct repository *repository, struct repository_keys *keys);

/* Writes the present roots durably. The caller has changed them and changes them back after an error. */
int repository_store_roots(struct repository *repository);
/*
 * Before segments are removed: whatever root the next life may find knows all that was sealed until now, and no snapshot
 * that this one does not. Nothing where that is so.
 */
int repository_settle_roots(struct repository *repository);
void repository_now(const struct repository *repository, int64_t *box_time, int64_t *wall_time);
/* What is told of a snapshot. */
struct snapshot_info repository_tell(const struct repository *repository, const struct root_snapshot *snapshot);
struct root_snapshot *repository_find(const struct repository *repository, uint64_t id);

/*
 * snapshot_write.c: ends a writer, as snapshot_commit does, with a snapshot of another repository whose chunks are here and
 * were read. `there`: so is the snapshot, and some of its chunks may have been stored anew.
 */
int snapshot_commit_copy(struct snapshot_writer *writer, const struct root_snapshot *copy, bool there);

/* The first bytes of stream and snapshot records: FORMAT.md, "Manifests". */
#define STREAM_HEAD_SIZE 72
#define STREAM_TOP_AT 8 /* of the list of its chunks, as tree_top_put */
#define SNAPSHOT_HEAD_SIZE 104
#define SNAPSHOT_TOP_AT 40 /* of the list of its streams */
#define STREAM_NAME_MAX 300
#define STREAM_ABOUT_MAX (64u * 1024)
#define SNAPSHOT_ABOUT_MAX (256u * 1024)

/* What an earlier life wrote down with repository_keep_suspects. */
int repository_load_suspects(struct repository *repository);

#endif
