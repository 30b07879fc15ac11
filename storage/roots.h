/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roots: one record says which snapshots exist. Each is a segment of its own with a number that only grows, chained to
 * the one before; the newest valid one counts, and the one before it is kept. Whatever a record says is stored in two
 * of them, since a segment may be lost with all that is in it. Nothing else makes or ends a snapshot.
 */
#ifndef STORAGE_ROOTS_H
#define STORAGE_ROOTS_H

#include "storage/crypto.h"
#include "storage/repository.h"

/* Segment numbers that were dropped unsealed or untrusted: should one of them reappear, it is dropped again. */
struct segment_hole {
	uint64_t first, end;
};
#define SEGMENT_HOLES_MAX 128

struct root_snapshot {
	struct snapshot_info info;
	struct chunk_name record; /* the chunk where its manifest begins */
	uint32_t record_size;
};

struct roots {
	uint64_t number;       /* of the record that is on the volume */
	uint64_t next_segment; /* data segments below are sealed, durable or gone; others hold nothing acknowledged */
	uint64_t next_sequence;
	int64_t box_time;   /* the highest seen */
	uint8_t digest[32]; /* SHA-256 of the record that is on the volume */
	struct segment_hole holes[SEGMENT_HOLES_MAX];
	uint32_t hole_count;
	struct root_snapshot *snapshots; /* oldest first */
	uint32_t count, capacity;
};

/* Where and how roots are kept. */
struct roots_place {
	struct volume *volume;
	uint8_t repository[16], writer[16];
	struct sealer *sealer;
	uint64_t last;  /* the highest number ever seen: never used again */
	bool uncertain; /* a record newer than the one in use is there, and damaged or perhaps written */
	int alone;      /* why no second record says what the one in use says; 0: one does */
};

void roots_free(struct roots *roots);
/* Bytes of the volume that the next change needs beside the records that are there. */
uint64_t roots_room(const struct roots *roots, const struct roots_place *place);
/* Behind all that are there. The oldest hole makes way where there are too many. */
void roots_add_hole(struct roots *roots, uint64_t first, uint64_t end);
/*
 * Where half of the holes are taken: those go of which `found` (`count` numbers of segments that are there and not
 * acknowledged) has none. They were removed in an earlier life.
 */
void roots_forget_holes(struct roots *roots, const uint64_t *found, size_t count);
/* Room for one more snapshot. -ENOSPC: a record would not fit a segment. */
int roots_reserve(struct roots *roots, const struct roots_place *place);
/*
 * Finds the newest valid record. -ENOENT: there is none, nor any trace of one; -EBADMSG: none is valid; -EIO: one that
 * may be the newest could not be read.
 */
int roots_load(struct roots *roots, struct roots_place *place);
/*
 * Writes the record durably with a new number, then once more with the next, and removes all but the newest two. On an
 * error the old record counts for this process; after a cut the new one may. It is no error when the second cannot be
 * written (place->alone says why); where there is room for one alone, the record before has gone for it.
 */
int roots_store(struct roots *roots, struct roots_place *place);
/*
 * Where a cut or a lost segment has left the record in use alone: once more what it says. What is newer and damaged stays.
 * An error is place->alone.
 */
void roots_store_second(struct roots *roots, struct roots_place *place);

/* The bytes of one record, for roots.c. root_payload_get reads what was sealed, and what a test makes up. */
size_t root_record_size(const struct roots *roots);
int root_record_put(
	uint8_t *to, size_t size, const struct roots *roots, const struct roots_place *place, uint64_t number);
int root_record_get(struct roots *roots, const struct roots_place *place, uint64_t number, uint8_t *from, size_t size);
int root_payload_get(struct roots *roots, const uint8_t *from, size_t size);

#endif
