/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository: snapshots on a volume, encrypted, authenticated, deduplicated. FORMAT.md has the bytes.
 *
 * One writer at a time and one thread for all calls, but for snapshot_cancel. Functions return 0 or a negative errno:
 * -EBADMSG damage that was found by a checksum, a tag or a name; -ENOKEY no key opens it; -EROFS a feature or a health
 * state forbids writing; -ENOSPC the volume or the index is full; -EXDEV neither ours nor blank; -EIO the medium.
 *
 * A snapshot is a set of named streams. A stream is a list of chunks with a tag each, kept as a tree of chunks itself;
 * what a chunk means is its owner's business, and so is the `about` record of a snapshot and of each stream.
 */
#ifndef STORAGE_REPOSITORY_H
#define STORAGE_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/volume.h"

#define CHUNK_SIZE_MAX (512u * 1024) /* bytes before compression */
#define CHUNK_NAME_SIZE 32

struct chunk_name {
	uint8_t bytes[CHUNK_NAME_SIZE];
};

struct repository;

/* What is fixed for the life of a repository. `chunker` is opaque: whoever cuts chunks keeps its parameters there. */
struct repository_settings {
	uint8_t chunker[64];
	int deflate_level;      /* 1 to 9: not part of the format */
	int deflate_threads;    /* 0: in the calling thread */
	uint32_t index_chunks;  /* the index is allocated once for so many */
	bool append_only;
};

/* The key of the repository is random; this opens one of its slots. Bytes are copied and wiped at repository_close. */
struct repository_secret {
	enum { SECRET_KEY_FILE, SECRET_PASSPHRASE, SECRET_RECOVERY } kind;
	const uint8_t *bytes;
	size_t size;
};

/*
 * Makes a repository on a blank volume. Durable on return. recovery_key is 56 characters and a NUL, shown once.
 * -EXDEV where the volume holds anything.
 */
int repository_create(struct volume *volume, const struct repository_settings *settings,
	const struct repository_secret *secret, char recovery_key[64]);
/* settings->chunker is filled in from the medium; the volume is borrowed until repository_close. */
int repository_open(struct repository **repository, struct volume *volume, struct repository_settings *settings,
	const struct repository_secret *secret);
void repository_close(struct repository *repository);

/* A key for another purpose, derived from the repository's own: rows' digests, boundary seeds. */
void repository_derive(const struct repository *repository, const char *purpose, uint8_t key[32]);

/* ---- snapshots ---- */

enum snapshot_class { SNAPSHOT_BACKUP = 1, SNAPSHOT_SAFETY = 2 };
/* SNAPSHOT_APPLIED: a safety snapshot whose restore was committed, so that there is something to undo. */
enum snapshot_flag {
	SNAPSHOT_PINNED = 1,
	SNAPSHOT_LOCKED = 2,
	SNAPSHOT_VERIFIED = 4,
	SNAPSHOT_SUSPECT = 8,
	SNAPSHOT_APPLIED = 16,
};

struct snapshot_info {
	uint64_t id;            /* random, never 0: what a person names, in hex, by a unique prefix */
	uint64_t sequence;      /* order of making; the only order that counts */
	int64_t box_time;       /* seconds; see clock.h */
	int64_t wall_time;      /* seconds since 1970 UTC, as the box believed */
	enum snapshot_class class;
	uint32_t flags;
	uint64_t bytes;         /* of all chunks before compression, duplicates counted */
	uint64_t stored_bytes;  /* that this snapshot added to the volume */
	char subject[136];      /* what it is a snapshot of, UTF-8: "server/database" */
};

/* Fills at most `count`, oldest first; returns how many there are. */
int snapshot_list(struct repository *repository, struct snapshot_info *list, size_t count);
int snapshot_find(struct repository *repository, uint64_t id, struct snapshot_info *info);
/* Durable on return. */
int snapshot_set_flags(struct repository *repository, uint64_t id, uint32_t set, uint32_t clear);
/* The snapshot is gone when it returns; its space comes back by cleaning. -EPERM while pinned or locked. */
int snapshot_remove(struct repository *repository, uint64_t id);

/* ---- making one ---- */

struct snapshot_writer;

int snapshot_begin(struct repository *repository, enum snapshot_class class, const char *subject,
	struct snapshot_writer **writer);
/* Streams come one after the other. The name is at most 300 bytes. */
int snapshot_stream_begin(struct snapshot_writer *writer, const char *name);
/* The bytes are copied. A chunk that is known keeps only its name. `tag` is 1 to 255, `count` whatever its owner counts. */
int snapshot_put(struct snapshot_writer *writer, uint8_t tag, uint32_t count, const void *bytes, size_t size);
/* `about` is at most 64 KiB. */
int snapshot_stream_end(struct snapshot_writer *writer, const void *about, size_t size);
/*
 * Seals everything, then the manifest, then writes the root: after a return of 0 the snapshot exists whatever happens;
 * after any error, or a cut before the return, it may exist whole or not at all. Frees the writer. `verified`: chunks
 * that are new were read back and compared first.
 */
int snapshot_commit(struct snapshot_writer *writer, const void *about, size_t size, bool verified,
	struct snapshot_info *info);
/* Nothing of it is visible; space comes back by cleaning. Frees the writer. NULL is nothing. */
void snapshot_abort(struct snapshot_writer *writer);
/* So far: bytes put, and bytes that they took on the volume. */
void snapshot_progress(const struct snapshot_writer *writer, uint64_t *bytes, uint64_t *stored);

/* ---- reading one ---- */

struct snapshot_reader;

int snapshot_open(struct repository *repository, uint64_t id, struct snapshot_reader **reader);
void snapshot_close(struct snapshot_reader *reader);
/* The record that snapshot_commit was given; valid until snapshot_close. */
int snapshot_about(struct snapshot_reader *reader, const void **about, size_t *size);
size_t snapshot_stream_count(const struct snapshot_reader *reader);
struct stream_info {
	const char *name;       /* valid until snapshot_close */
	const void *about;
	size_t about_size;
	uint64_t chunks, bytes, count; /* `count` is the sum of the chunks' counts */
};
int snapshot_stream_info(struct snapshot_reader *reader, size_t stream, struct stream_info *info);

/* A walk over the chunk list of a stream. */
struct stream_cursor;
struct chunk_entry {
	struct chunk_name name;
	uint8_t tag;
	uint32_t size;  /* before compression */
	uint32_t count;
};
int stream_open(struct snapshot_reader *reader, size_t stream, struct stream_cursor **cursor);
/* 1 and the next entry, 0 at the end. */
int stream_next(struct stream_cursor *cursor, struct chunk_entry *entry);
void stream_close(struct stream_cursor *cursor);
/* Reads, checks against its name and inflates one chunk into buffer, entry->size bytes. */
int chunk_read(struct repository *repository, const struct chunk_entry *entry, void *buffer);

/* ---- looking after it ---- */

struct repository_status {
	uint64_t size, free;      /* bytes of the volume */
	uint64_t segments, chunks, index_capacity;
	bool read_only, durable;  /* durable: an acknowledged snapshot survives a power cut */
	uint8_t id[16], writer[16];
};
int repository_status(struct repository *repository, struct repository_status *status);

/* What a walk finds: one call per damaged chunk, with the first snapshot and stream that need it. */
typedef void damage_found(void *arg, const struct snapshot_info *snapshot, const char *stream,
	const struct chunk_entry *chunk, int error);
/* Walks one snapshot (id) or all (0): every manifest page, and with `data` every byte. 0: whole; -EBADMSG: it was called. */
int repository_verify(struct repository *repository, uint64_t id, bool data, damage_found *found, void *arg,
	bool (*stop)(void *arg));

#endif
