/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a snapshot that is being made has stored, read back from the medium and compared with its names, before it is
 * acknowledged: segments that are sealed while more is put, chunk by chunk, and all others in the end. -EBADMSG, -EIO:
 * something is not as it was written; what is found damaged then is never built upon.
 */
#ifndef STORAGE_READ_BACK_H
#define STORAGE_READ_BACK_H

#include "storage/repository_internal.h"

struct read_back {
	struct repository *repository;
	struct segment_file file; /* the sealed segment that is being read; number 0: none */
	struct read_back_chunk *chunks;
	uint32_t count, at; /* chunks in it, and how many were read */
	uint64_t last;      /* the last segment that was begun */
	uint64_t *done;     /* those that were read, 8 bytes for each, in ascending order */
	size_t done_count, done_room;
	uint8_t *walk, *buffer; /* NULL until they are needed */
};

void read_back_start(struct read_back *back, struct repository *repository);
/* One chunk of a sealed segment, where there is one that was not read. The repository is locked. */
int read_back_step(struct read_back *back);
/* The rest of all segments from `first` on. The repository is not locked: others may ask between two segments. */
int read_back_rest(struct read_back *back, uint64_t first);
void read_back_end(struct read_back *back);

#endif
