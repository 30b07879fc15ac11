/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over what snapshots need. It asks as anybody else does, so a job can go on beside it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/repository_internal.h"

struct verify {
	struct repository *repository;
	bool data;
	damage_found *found;
	void *arg;
	bool (*stop)(void *arg);
	uint8_t *seen; /* a bit for each slot of the index: checked already, whole or reported */
	uint8_t *buffer;
	bool damaged;
	struct snapshot_info info;
	const char *stream;
};

static void report(struct verify *verify, const struct chunk_entry *entry, int error)
{
	verify->damaged = true;
	verify->found(verify->arg, &verify->info, verify->stream, entry, error);
}

static bool is_damage(int error)
{
	return error == -EBADMSG || error == -EIO;
}

/* True where the chunk was looked at before in this walk. A chunk that is not there at all is never marked. */
static bool mark_seen(struct verify *verify, const struct chunk_name *name)
{
	size_t slot = SIZE_MAX;
	struct place place;
	struct chunk_head head;
	struct chunk_store *store = &verify->repository->chunks;
	repository_lock(verify->repository);
	bool found = chunk_find(store, name, &place, &head) == 1;
	struct place other;
	while (found && index_next(&store->index, name, &slot, &other))
		if (other.segment == place.segment && other.offset == place.offset)
			break;
	repository_unlock(verify->repository);
	if (!found || slot == SIZE_MAX)
		return false;
	bool seen = verify->seen[slot / 8] >> slot % 8 & 1;
	verify->seen[slot / 8] = (uint8_t)(verify->seen[slot / 8] | 1u << slot % 8);
	return seen;
}

/* Without data: only that it is there, by its name. */
static int check_present(struct verify *verify, const struct chunk_name *name)
{
	struct place place;
	struct chunk_head head;
	repository_lock(verify->repository);
	int found = chunk_find(&verify->repository->chunks, name, &place, &head);
	repository_unlock(verify->repository);
	return found == 1 ? 0 : found ? found : -EBADMSG;
}

static int check_entry(struct verify *verify, const struct chunk_entry *entry)
{
	if (mark_seen(verify, &entry->name))
		return 0;
	int error = verify->data ? chunk_read(verify->repository, entry, verify->buffer)
							 : check_present(verify, &entry->name);
	if (is_damage(error)) {
		report(verify, entry, error);
		return 0;
	}
	return error;
}

/* A page that cannot be read is reported as an entry with tag 0; the walk goes on behind it. */
static int verify_stream(struct verify *verify, struct snapshot_reader *reader, size_t stream)
{
	struct stream_cursor *cursor = NULL;
	struct chunk_entry entry = { .tag = 0 };
	int error = stream_open(reader, stream, &cursor);
	if (is_damage(error)) {
		report(verify, &entry, error);
		return 0;
	}
	while (!error) {
		int next = stream_next(cursor, &entry);
		if (is_damage(next)) {
			entry = (struct chunk_entry){ .tag = 0 };
			report(verify, &entry, next);
			continue;
		}
		if (next <= 0) {
			error = next;
			break;
		}
		error = verify->stop && verify->stop(verify->arg) ? -ECANCELED : check_entry(verify, &entry);
	}
	stream_close(cursor);
	return error;
}

static int verify_streams(struct verify *verify, struct snapshot_reader *reader)
{
	int error = 0;
	for (size_t i = 0; !error && i < snapshot_stream_count(reader); i++) {
		struct stream_info info;
		error = snapshot_stream_info(reader, i, &info);
		verify->stream = error ? "" : info.name;
		if (is_damage(error)) {
			struct chunk_entry entry = { .tag = 0 };
			report(verify, &entry, error);
			error = 0;
		} else if (!error) {
			error = verify_stream(verify, reader, i);
		}
	}
	return error;
}

static int verify_snapshot(struct verify *verify, uint64_t id)
{
	struct snapshot_reader *reader;
	struct chunk_entry entry = { .tag = 0 };
	verify->stream = "";
	int error = snapshot_find(verify->repository, id, &verify->info);
	if (!error)
		error = snapshot_open(verify->repository, id, &reader);
	if (is_damage(error)) {
		report(verify, &entry, error);
		return 0;
	}
	if (error)
		return error;
	error = verify_streams(verify, reader);
	snapshot_close(reader);
	return error;
}

static int verify_all(struct verify *verify)
{
	int count = snapshot_list(verify->repository, NULL, 0);
	struct snapshot_info *list = calloc((size_t)count + 1, sizeof *list);
	if (!list)
		return -ENOMEM;
	int now = snapshot_list(verify->repository, list, (size_t)count);
	int error = 0;
	for (int i = 0; !error && i < count && i < now; i++) {
		error = verify_snapshot(verify, list[i].id);
		if (error == -ENOENT)
			error = 0; /* removed meanwhile */
	}
	free(list);
	return error;
}

int repository_verify(
	struct repository *repository, uint64_t id, bool data, damage_found *found, void *arg, bool (*stop)(void *arg))
{
	struct verify verify = {
		.repository = repository,
		.data = data,
		.found = found,
		.arg = arg,
		.stop = stop,
		.seen = calloc(1, repository->chunks.index.slot_count / 8 + 1),
		.buffer = malloc(CHUNK_SIZE_MAX),
	};
	int error = -ENOMEM;
	if (verify.seen && verify.buffer)
		error = id ? verify_snapshot(&verify, id) : verify_all(&verify);
	free(verify.seen);
	free(verify.buffer);
	return error ? error : verify.damaged ? -EBADMSG : 0;
}
