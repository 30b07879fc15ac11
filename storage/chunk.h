/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chunks: bytes in, a name out, and back. A chunk that is known is not stored twice. What was put is on the medium
 * after chunk_flush. Any error of putting spoils all that was put since the last chunk_flush: chunk_discard follows.
 */
#ifndef STORAGE_CHUNK_H
#define STORAGE_CHUNK_H

#include "storage/heal.h"
#include "storage/index.h"
#include "storage/pack_queue.h"

struct chunk_settings {
	struct pack_keys keys;  /* of the family */
	uint8_t repository[16]; /* whose segments these are */
	uint32_t index_chunks;
	int level, threads;
	bool read_only; /* no threads, no buffers for writing */
	bool parity;
	uint64_t reserve; /* bytes of the volume that no chunk may take */
};

#define SUSPECTS_MAX 64

struct chunk_store {
	struct volume *volume;
	struct pack_keys keys;
	struct index index;
	struct segment_writer segments;
	struct healer healer;
	struct pack_queue *queue; /* NULL: read-only */
	struct packer *packer;    /* for reading */
	uint8_t *stored;          /* STORED_SIZE_MAX, what was read last */
	/* Segments where damage was met: what lies in them is read before it is believed known. */
	uint64_t suspects[SUSPECTS_MAX];
	unsigned suspect_count;
	bool all_suspect;       /* there were more: until a walk over all segments has found no more than the list holds */
	bool walked_from_start; /* the present walk is such a one so far */
	bool suspects_changed;  /* since they were kept */
	uint64_t reserve;
	uint64_t stored_bytes; /* that chunks took on the volume, since it was opened */
	uint64_t first_new;    /* the first segment of the present snapshot */
	uint64_t reused;       /* chunks put that older segments had already */
	uint64_t new_bytes;    /* of chunks put that were not known, before compression */
	int failed;            /* the error that spoilt what is being put */
};

int chunk_store_open(struct chunk_store *store, struct volume *volume, const struct chunk_settings *settings);
/* What was not flushed is discarded. */
void chunk_store_close(struct chunk_store *store);

/* Size 1 to CHUNK_SIZE_MAX. -ENOSPC: volume or index full. */
int chunk_put(struct chunk_store *store, const void *bytes, uint32_t size, struct chunk_name *name);
/*
 * A chunk as it lies there: its head, and in `stored` (STORED_SIZE_MAX) the sealed bytes, which open to the chunk of that
 * name; opened they are in `bytes`. -EBADMSG, -EIO: no copy of it is whole.
 */
int chunk_get_stored(struct chunk_store *store, const struct chunk_name *name, struct chunk_head *head, void *stored,
	void *bytes, uint32_t size);
/* Stores it as it lay in another repository of the family. Nothing that was put by chunk_put may be under way. */
int chunk_put_stored(struct chunk_store *store, const struct chunk_head *head, const void *stored);
/* 1: it is here, and was read and compared with its name just now. 0: it is not, or no copy of it is whole. */
int chunk_is_whole(struct chunk_store *store, const struct chunk_name *name, void *bytes, uint32_t size);
/* Of so many free bytes of the volume, those that chunks may take: whole segments behind the reserve, less their parity. */
uint64_t chunk_room(const struct chunk_store *store, uint64_t free);
/* All that was put has its place, so that stored_bytes is true. */
int chunk_drain(struct chunk_store *store);
/* All that was put is durable on return. */
int chunk_flush(struct chunk_store *store);
/* Forgets what was put since the last seal of a segment; what was sealed is harmless and may be found known again. */
void chunk_discard(struct chunk_store *store);

/*
 * Reads a chunk and checks it against its name; what parity can heal is. -EBADMSG: not there, or every copy is damaged;
 * the damaged ones are no longer known to chunk_put, so the next backup stores the chunk again, and reads what it finds
 * known beside it. -EIO: the medium.
 */
int chunk_get(struct chunk_store *store, const struct chunk_name *name, void *bytes, uint32_t size);
/* 1 and where it lies, 0 where it is not known, or an error. Reads its head from the medium. */
int chunk_find(struct chunk_store *store, const struct chunk_name *name, struct place *place, struct chunk_head *head);
/* Puts what a mount finds into the index. Of two of one name the one in the newer segment stays. */
int chunk_index(struct chunk_store *store, const struct chunk_name *name, const struct place *place);
/* Damage was met in this segment. */
void chunk_suspect(struct chunk_store *store, uint64_t segment);
/* All of this segment was read, and nothing that anybody needs of it is damaged; or it is gone. */
void chunk_trust(struct chunk_store *store, uint64_t segment);
/* All segments were read, one after the other, and chunk_suspect and chunk_trust told. */
void chunk_walk_ended(struct chunk_store *store);
/*
 * Another copy of the chunk that is damaged at this place is whole: this one is forgotten. False where there is none.
 * buffer: CHUNK_SIZE_MAX.
 */
bool chunk_replaced(struct chunk_store *store, const struct chunk_name *name, const struct place *place, void *buffer);
/* The sealed bytes of the chunk at one place, whole: opened into `bytes` and compared with its name. CHUNK_SIZE_MAX. */
int chunk_stored(
	struct chunk_store *store, const struct place *place, const struct chunk_head *head, uint8_t *stored, void *bytes);
/* Reads and checks the chunk at one place, whatever else is known of its name; buffer has room for it. */
int chunk_check(struct chunk_store *store, const struct place *place, const struct chunk_head *head, void *buffer,
	uint32_t capacity);

#endif
