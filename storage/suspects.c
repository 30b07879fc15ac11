/* SPDX-License-Identifier: Apache-2.0 */
/* Segments where damage was met, from one life to the next: a state record of their numbers, 8 bytes each. */
#include <errno.h>

#include "storage/bytes.h"
#include "storage/repository_internal.h"

#define RECORD "suspects"

int repository_keep_suspects(struct repository *repository)
{
	struct chunk_store *chunks = &repository->chunks;
	uint8_t bytes[8 * SUSPECTS_MAX];
	repository_lock(repository);
	int error = 0;
	if (chunks->suspects_changed && !repository->read_only) {
		for (unsigned i = 0; i < chunks->suspect_count; i++)
			put64(bytes + 8 * i, chunks->suspects[i]);
		error = repository_state_write(repository, RECORD, bytes, 8 * (size_t)chunks->suspect_count);
		chunks->suspects_changed = error != 0;
	}
	repository_unlock(repository);
	return error;
}

/* A record that is lost or makes no sense: then damage is met again where it is read again. */
int repository_load_suspects(struct repository *repository)
{
	uint8_t bytes[8 * SUSPECTS_MAX];
	int size = repository_state_read(repository, RECORD, bytes, sizeof bytes);
	if (size == -ENOMEM || size == -EIO)
		return size;
	for (int at = 0; at + 8 <= size; at += 8)
		chunk_suspect(&repository->chunks, get64(bytes + at));
	return 0;
}
