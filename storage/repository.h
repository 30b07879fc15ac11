/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository: snapshots on a volume, encrypted, authenticated, deduplicated. FORMAT.md has the bytes.
 *
 * Calls may come from any thread: they wait for each other. A writer, reader or cursor belongs to one thread at a time,
 * and there is one writer at a time. The volume belongs to the repository while it is open.
 *
 * Functions return 0 or a negative errno: -EBADMSG damage that was found by a checksum, a tag or a name; -ENOKEY no key
 * opens it; -EROFS a feature, a health state or the settings forbid writing; -ENOSPC the volume or the index is full;
 * -EXDEV neither ours nor blank; -EIO the medium; -ENODEV it was pulled out; -EPROTONOSUPPORT of a later version.
 * -EOVERFLOW something lies there with the highest number that there can be, so nothing can be written behind it.
 *
 * A snapshot is a set of named streams. A stream is a list of chunks with a tag each, kept as a tree of chunks itself;
 * what a chunk means is its owner's business, and so is the `about` record of a snapshot and of each stream.
 */
#ifndef STORAGE_REPOSITORY_H
#define STORAGE_REPOSITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "storage/name.h"
#include "storage/volume.h"

struct repository;

/* What is fixed for the life of a repository. `chunker` is opaque: whoever cuts chunks keeps its parameters there. */
struct repository_settings {
	uint8_t chunker[64];
	int deflate_level;              /* 1 to 9: not part of the format */
	int deflate_threads;            /* 0: in the calling thread */
	uint32_t index_chunks;          /* the index is allocated once for so many */
	bool without_parity;            /* fixed at creation: damage is found, and nothing of it healed */
	bool append_only;               /* fixed at creation: snapshots cannot be removed */
	bool read_only;                 /* this opening only: nothing is written, not even at mount */
	uint32_t passphrase_iterations; /* of PBKDF2-SHA-512, at creation; 0: PASSPHRASE_ITERATIONS */
	uint8_t writer[16];             /* the box. Zero: not told; else another box's repository is opened read-only */
	/* Box time and wall time in seconds. NULL: the kernel's clocks and the highest box time on the volume. */
	void (*now)(void *arg, int64_t *box_time, int64_t *wall_time);
	void *now_arg;
};

#define PASSPHRASE_ITERATIONS 210000

/* The key of the repository is random; this opens one of its slots. No function keeps the bytes. */
struct repository_secret {
	enum { SECRET_KEY_FILE, SECRET_PASSPHRASE, SECRET_RECOVERY } kind;
	const uint8_t *bytes;
	size_t size;
};

/*
 * Makes a repository on a blank volume. Durable on return. recovery_key is 56 characters and a NUL, shown once.
 * -EXDEV where the volume holds anything but what an earlier, interrupted repository_create left.
 */
int repository_create(struct volume *volume, const struct repository_settings *settings,
	const struct repository_secret *secret, char recovery_key[64]);
/*
 * settings->chunker, append_only and without_parity are filled in from the medium; the volume is borrowed until
 * repository_close.
 * -ENOENT: blank, or no more than the beginning of a creation: repository_create may be called. -ENOSPC: it has more chunks than settings->index_chunks.
 */
int repository_open(struct repository **repository, struct volume *volume, struct repository_settings *settings,
	const struct repository_secret *secret);
/* NULL is nothing. A snapshot that is being made is aborted. */
void repository_close(struct repository *repository);

/*
 * Makes a repository on a blank volume with the key, the chunker parameters and the key slots of one that is open, and so
 * of its family: chunks have the same names and the same sealed bytes in both. What opens one opens the other. Durable on
 * return. -EXDEV as repository_create.
 */
int repository_create_sister(struct volume *volume, struct repository *sister, bool append_only);
/*
 * From now on this box, and no other, is the writer; `secret` opens the repository, and what opened a slot of its kind
 * before does no more (NULL: the slots stay). The repository was opened without a writer in the settings. Durable on return;
 * after a cut it is as before or taken over. Snapshots of the old writer are foreign from here on.
 */
int repository_take_over(
	struct repository *repository, const uint8_t writer[16], const struct repository_secret *secret);

/* A key for another purpose, derived from the repository's own: rows' digests, boundary seeds. */
void repository_derive(const struct repository *repository, const char *purpose, uint8_t key[32]);

/* Box time now, seconds: never less than that of the newest snapshot. */
int64_t repository_box_time(const struct repository *repository);

/* ---- what opens it (repository_keys.c) ---- */

/* A new recovery key, 56 characters and a NUL, that opens nothing yet. */
int recovery_key_make(char recovery_key[64]);
/* Whether it is all there, with its checksum: else it was mistyped. */
bool recovery_key_is_whole(const char *recovery_key);

/*
 * Secrets change in steps, each of which is durable on return and after a cut done or not: added, confirmed, alone. Whoever
 * takes one step on all repositories before the next leaves, whatever is cut, one secret that opens every one of them: the
 * old one until the new one is confirmed everywhere, the new one from then on.
 *
 * A slot is named by its salt. The repository's key stays the same: what was read of the medium before is opened by an old
 * secret for ever. -EROFS where it may not be written. After an error of the volume it is as it was, or,
 * where the volume does nothing any more, done or not.
 */
/* Opens it from now on, in the slot of one of its kind that was never confirmed. -EUSERS: there is no free slot. */
int repository_add_secret(
	struct repository *repository, const struct repository_secret *secret, uint32_t iterations, uint8_t slot[16]);
/* Which slot this secret opens. -ENOKEY: none. */
int repository_find_secret(struct repository *repository, const struct repository_secret *secret, uint8_t slot[16]);
/* It stays, whatever is added; `alone`: the others of its kind open nothing any more. -ENOENT: there is no such slot. */
int repository_confirm_secret(struct repository *repository, const uint8_t slot[16], bool alone);
/* Those of this kind, or of them what was never confirmed, open nothing any more. -EPERM: nothing would open it. */
int repository_drop_secrets(struct repository *repository, int kind, bool unconfirmed_only);

/* ---- snapshots ---- */

enum snapshot_class { SNAPSHOT_BACKUP = 1, SNAPSHOT_SAFETY = 2 };
/* SNAPSHOT_APPLIED: a safety snapshot whose restore was committed, so that there is something to undo. */
enum snapshot_flag {
	SNAPSHOT_PINNED = 1,
	SNAPSHOT_LOCKED = 2,
	SNAPSHOT_VERIFIED = 4,
	SNAPSHOT_SUSPECT = 8,
	SNAPSHOT_APPLIED = 16,
	SNAPSHOT_DAMAGED = 64,  /* a part of it could not be read when it was looked at last */
	SNAPSHOT_ACCEPTED = 32, /* it was suspect, and a person said that it is as it should be */
};

struct snapshot_info {
	uint64_t id;       /* random, never 0: what a person names, in hex, by a unique prefix */
	uint64_t sequence; /* order of making, kept by a copy; the only order that counts */
	int64_t box_time;  /* seconds; see clock.h */
	int64_t wall_time; /* seconds since 1970 UTC, as the box believed */
	enum snapshot_class class;
	uint32_t flags;
	uint32_t held_until;   /* the box day that ends a pin or lock; 0: none does */
	uint64_t bytes;        /* of all chunks before compression, duplicates counted */
	uint64_t stored_bytes; /* that this snapshot added to the volume */
	char subject[136];     /* what it is a snapshot of, UTF-8: "server/database" */
	uint8_t maker[16];     /* the box that made it */
	uint8_t origin[16];    /* of a copy: the repository that it was copied from; zeros: made here */
	bool foreign;          /* another box made it: never taken unasked */
};

/* Pinned or locked, and the box day that ends it has not come. */
static inline bool snapshot_is_held(const struct snapshot_info *info, int64_t box_time)
{
	bool ended = info->held_until && box_time / 86400 >= info->held_until;
	return info->flags & (SNAPSHOT_PINNED | SNAPSHOT_LOCKED) && !ended;
}

/* Fills at most `count`, oldest first; returns how many there are. */
int snapshot_list(struct repository *repository, struct snapshot_info *list, size_t count);
int snapshot_find(struct repository *repository, uint64_t id, struct snapshot_info *info);
/* Durable on return. */
int snapshot_set_flags(struct repository *repository, uint64_t id, uint32_t set, uint32_t clear);
/* Locks it until that box day, 0: for good; never for less than it is held already. Durable on return. */
int snapshot_lock(struct repository *repository, uint64_t id, uint32_t until);
/* The snapshot is gone when it returns; its space comes back by cleaning. -EPERM while pinned or locked. */
int snapshot_remove(struct repository *repository, uint64_t id);

/* ---- making one ---- */

struct snapshot_writer;

/* -EBUSY: one is being made already. The subject is at most 135 bytes. */
int snapshot_begin(
	struct repository *repository, enum snapshot_class class, const char *subject, struct snapshot_writer **writer);
/* Streams come one after the other. The name is at most 300 bytes. */
int snapshot_stream_begin(struct snapshot_writer *writer, const char *name);
/* The bytes are copied. A chunk that is known keeps only its name. `tag` is 1 to 255, `count` whatever its owner counts. */
/* -EINVAL: size 0 or over CHUNK_SIZE_MAX, tag 0. After any other error only snapshot_abort is of use. */
int snapshot_put(struct snapshot_writer *writer, uint8_t tag, uint32_t count, const void *bytes, size_t size);
/*
 * Reads back one chunk of what lies on the medium already, as snapshot_commit does it with `verified`, which then has
 * less to do: for whoever can wait better now. -EBADMSG, -EIO: it is damaged. After an error only snapshot_abort is of use.
 */
int snapshot_read_back(struct snapshot_writer *writer);
/* `about` is at most 64 KiB. */
int snapshot_stream_end(struct snapshot_writer *writer, const void *about, size_t size);
/*
 * Seals everything, then the manifest, then writes the root: after a return of 0 the snapshot exists whatever happens;
 * after any error, or a cut before the return, it may exist whole or not at all. Frees the writer. `about` is at most
 * 256 KiB. `verified`: chunks that are new are read back from the medium and compared first; where no chunk was known
 * before, or repository_set_checked said so, the snapshot gets SNAPSHOT_VERIFIED.
 */
int snapshot_commit(
	struct snapshot_writer *writer, const void *about, size_t size, bool verified, struct snapshot_info *info);
/* Nothing of it is visible; space comes back by cleaning. Frees the writer. NULL is nothing. */
void snapshot_abort(struct snapshot_writer *writer);
/* So far: bytes put, and bytes that they took on the volume. */
void snapshot_progress(const struct snapshot_writer *writer, uint64_t *bytes, uint64_t *stored);

/* Of what was put so far: what was not known, before compression and as stored. An error as snapshot_put's. */
int snapshot_new(struct snapshot_writer *writer, uint64_t *bytes, uint64_t *stored);
/* It will be SNAPSHOT_SUSPECT from the moment that it exists. */
void snapshot_mark_suspect(struct snapshot_writer *writer);

/* The next snapshot's sequence is at least this: volumes of one box count together. */
void repository_raise_sequence(struct repository *repository, uint64_t least);

/* ---- copying one ---- */

struct copy_result {
	uint64_t chunks,
		reused; /* that the snapshot needs (one that comes twice counts twice); that were there, and are whole */
	uint64_t bytes, stored; /* of all before compression; that were written */
	bool from_failed;       /* an error: of where it comes from */
	bool there;             /* the snapshot was there already: what was missing or damaged of it was stored anew */
};
struct copy_watch {
	bool (*stop)(void *arg);                                       /* asked before each chunk; NULL: never */
	void (*progress)(void *arg, const struct copy_result *result); /* after each chunk; NULL: nobody */
	void *arg;
	uint64_t checkpoint; /* bytes after which what was written is kept through a cut; 0: 32 MiB */
};
/*
 * Brings a snapshot to another repository of the same family, with its id, sequence and times, chunks as they lie: only
 * those that are not there. Those that are there are read and compared with their names. Durable on return, read back and
 * verified. After an error or a cut nothing of it is visible; what came over up to the last checkpoint is found there by
 * the next one, until cleaning. -EXDEV: not of one family. -EBADMSG, -EIO: damage where it comes from,
 * or there (result->from_failed says which). -EEXIST: another snapshot has its id there.
 */
int snapshot_copy(struct repository *from, struct repository *to, uint64_t id, const struct copy_watch *watch,
	struct copy_result *result);

/* ---- reading one ---- */

struct snapshot_reader;

int snapshot_open(struct repository *repository, uint64_t id, struct snapshot_reader **reader);
void snapshot_close(struct snapshot_reader *reader);
/* The record that snapshot_commit was given; valid until snapshot_close. */
int snapshot_about(struct snapshot_reader *reader, const void **about, size_t *size);
size_t snapshot_stream_count(const struct snapshot_reader *reader);
struct stream_info {
	const char *name; /* valid until snapshot_close */
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
	uint32_t size; /* before compression */
	uint32_t count;
};
int stream_open(struct snapshot_reader *reader, size_t stream, struct stream_cursor **cursor);
/* 1 and the next entry, 0 at the end. */
int stream_next(struct stream_cursor *cursor, struct chunk_entry *entry);
void stream_close(struct stream_cursor *cursor);
/* Reads, checks against its name and inflates one chunk into buffer, entry->size bytes. */
int chunk_read(struct repository *repository, const struct chunk_entry *entry, void *buffer);

/* The name that these bytes have, or would have if they were put. -EINVAL: over CHUNK_SIZE_MAX. */
int chunk_name(const struct repository *repository, const void *bytes, size_t size, struct chunk_name *name);

/* ---- looking after it ---- */

/* Secrets that open it, by their kinds. */
struct repository_keys {
	uint32_t key_files, passphrases, recovery_keys;
	uint32_t unconfirmed; /* of them all, those that nobody has said to know */
};

struct repository_status {
	uint64_t size, free; /* bytes of the volume */
	uint64_t room;       /* of those free, that chunks may take: the rest is for roots, states and removals */
	uint32_t bad_blocks, max_erase_count; /* of a flash; else 0 */
	uint64_t segments, chunks, index_capacity;
	bool append_only;        /* no snapshot is ever removed */
	bool read_only, durable; /* durable: an acknowledged snapshot survives a power cut */
	uint8_t id[16], writer[16], family[16];
	bool foreign; /* another box is its writer */
	struct repository_keys keys;
	uint64_t next_sequence;    /* of the next snapshot */
	uint32_t damaged_segments; /* at mount: not readable, or their end was damaged */
	bool parity;
	uint64_t healed;           /* reads that parity made whole, since it was opened */
	uint32_t wounded_segments; /* that it healed, and that should be written anew: repository_compact */
	bool root_damaged;         /* the newest record of snapshots is torn (usual after a power cut) or damaged */
};
int repository_status(struct repository *repository, struct repository_status *status);

/*
 * Gives back the space of segments that hold nothing any snapshot needs: after snapshot_remove, after an abort.
 * snapshot_begin does it by itself where less than an eighth of the volume is free. *freed: bytes. -EBADMSG: part of a manifest cannot be read, so nothing was removed. -EBUSY: a
 * snapshot is being made.
 */
int repository_clean(struct repository *repository, uint64_t *freed);

struct compact_limits {
	uint64_t copy_max; /* bytes of chunks that may be copied */
	bool wounded_only; /* nothing but what parity had to heal; no manifest is read for it, and nothing else goes */
	bool (*stop)(void *arg); /* asked before each new segment; NULL: never */
	void *arg;
};
struct compact_result {
	uint64_t copied, freed; /* bytes */
	unsigned healed;        /* segments that parity had to heal, and that were written anew */
	bool more;              /* it was stopped, or copy_max was reached, before all was done */
};
/*
 * repository_clean, then also gives back most of the space of segments that are needed only in part, and makes few of many
 * small ones: what is needed is copied, and durable and read back before anything goes; a cut at any point costs nothing
 * but the work. Where less than an eighth of the volume is free it takes more trouble. What parity had to heal is copied
 * whatever its share. The lock is let go for each new segment. -EBUSY: a snapshot is being made, or was made meanwhile;
 * what was done is done. -EBADMSG as repository_clean. -ENOSPC: no room for the copy.
 */
int repository_compact(
	struct repository *repository, const struct compact_limits *limits, struct compact_result *result);

/*
 * Small named records (at most 4096 bytes, names at most 31) beside the snapshots, sealed with the repository's key.
 * Durable on return; after a cut the old record is there or the new one. Reading returns the length, -ENOENT where there
 * never was one.
 */
int repository_state_write(struct repository *repository, const char *name, const void *bytes, size_t size);
int repository_state_read(struct repository *repository, const char *name, void *bytes, size_t capacity);

struct scrub_limits {
	uint64_t segments_max;
	bool (*stop)(void *arg); /* asked before each segment; NULL: never */
	void *arg;
};
struct scrub_result {
	uint64_t segments; /* that were read */
	unsigned healed;   /* bad units that parity made good, and tables of which the other copy was */
	unsigned damaged;  /* what it could not: chunks, and ends of segments */
	bool ended;        /* there are none behind */
};
/*
 * Reads every chunk of segments in the order of their numbers, from behind *position on (0: from the beginning); the lock
 * is let go for each. *position is where the next call goes on: 0 where it ended. Damaged chunks are no longer known to
 * a backup, which stores them again; 0 is returned all the same. What parity heals waits for repository_compact.
 */
int repository_scrub(
	struct repository *repository, uint64_t *position, const struct scrub_limits *limits, struct scrub_result *result);
/*
 * Writes down where damage was met, if that changed, so that a later life knows it, too: a backup then reads what it would
 * reuse from there. Durable on return.
 */
int repository_keep_suspects(struct repository *repository);
/* Whether all chunks were read not too long ago: then a snapshot that reuses some may be verified. False at opening. */
void repository_set_checked(struct repository *repository, bool checked);

/* What a walk finds: one call per damaged chunk, with the first snapshot and stream that need it. */
typedef void damage_found(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error);
/* Walks one snapshot (id) or all (0): every manifest page, and with `data` every byte. 0: whole; -EBADMSG: it was called. */
int repository_verify(
	struct repository *repository, uint64_t id, bool data, damage_found *found, void *arg, bool (*stop)(void *arg));

#endif
