/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sample.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t key_file[32] = "a key file of thirty-two bytes.";
const struct repository_secret sample_secret = { SECRET_KEY_FILE, key_file, sizeof key_file };

static void fixed_time(void *arg, int64_t *box_time, int64_t *wall_time)
{
	(void)arg;
	*box_time = 1000;
	*wall_time = 1700000000;
}

struct repository_settings sample_settings(void)
{
	return (struct repository_settings){
		.chunker = "chunker parameters", .deflate_level = 1, .index_chunks = 4096, .now = fixed_time
	};
}

static uint32_t next_random(uint32_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

size_t sample_chunk(const struct sample *sample, unsigned stream, unsigned chunk, uint8_t *bytes)
{
	uint32_t seed = chunk < sample->shared ? 1 : sample->seed + 2;
	uint32_t state = seed * 2654435761u ^ (stream * 7919u + chunk + 1) * 40503u;
	state = state ? state : 1;
	size_t size = sample->chunk_size / 2 + next_random(&state) % sample->chunk_size + 1;
	/* Half of it can be deflated. */
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(chunk % 3 ? next_random(&state) % 7 : next_random(&state));
	return size;
}

static int put_stream(struct snapshot_writer *writer, const struct sample *sample, unsigned stream, uint8_t *bytes)
{
	char name[32];
	snprintf(name, sizeof name, "stream %u", stream);
	int error = snapshot_stream_begin(writer, name);
	for (unsigned chunk = 0; !error && chunk < sample->chunks; chunk++) {
		size_t size = sample_chunk(sample, stream, chunk, bytes);
		error = snapshot_put(writer, (uint8_t)(1 + chunk % 2), chunk, bytes, size);
		if (!error && sample->early)
			error = snapshot_read_back(writer);
	}
	return error ? error : snapshot_stream_end(writer, name, strlen(name));
}

int sample_store(struct repository *repository, const struct sample *sample, bool verified, uint64_t *id)
{
	struct snapshot_writer *writer;
	struct snapshot_info info;
	uint8_t *bytes = malloc(sample->chunk_size * 2 + 1);
	int error = bytes ? snapshot_begin(repository, SNAPSHOT_BACKUP, "server/database", &writer) : -ENOMEM;
	if (error) {
		free(bytes);
		return error;
	}
	for (unsigned stream = 0; !error && stream < sample->streams; stream++)
		error = put_stream(writer, sample, stream, bytes);
	free(bytes);
	if (error) {
		snapshot_abort(writer);
		return error;
	}
	error = snapshot_commit(writer, "about it", 8, verified, &info);
	if (!error)
		*id = info.id;
	return error;
}

static int compare_chunk(struct repository *repository, const struct sample *sample, unsigned stream, unsigned chunk,
	const struct chunk_entry *entry, uint8_t *bytes)
{
	uint8_t *wanted = bytes + CHUNK_SIZE_MAX;
	size_t size = sample_chunk(sample, stream, chunk, wanted);
	if (entry->size != size || entry->tag != 1 + chunk % 2 || entry->count != chunk)
		return -EILSEQ;
	int error = chunk_read(repository, entry, bytes);
	if (error)
		return error;
	return memcmp(bytes, wanted, size) ? -EILSEQ : 0;
}

static int compare_stream(struct repository *repository, struct snapshot_reader *reader, const struct sample *sample,
	unsigned stream, uint8_t *bytes)
{
	char name[32];
	struct stream_info info;
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	snprintf(name, sizeof name, "stream %u", stream);
	int error = snapshot_stream_info(reader, stream, &info);
	if (error)
		return error;
	if (strcmp(info.name, name) != 0 || info.about_size != strlen(name) || memcmp(info.about, name, info.about_size) ||
		info.chunks != sample->chunks)
		return -EILSEQ;
	error = stream_open(reader, stream, &cursor);
	if (error)
		return error;
	for (unsigned chunk = 0; !error && chunk < sample->chunks; chunk++) {
		error = stream_next(cursor, &entry);
		error = error < 0 ? error
			: error == 0  ? -EILSEQ
						  : compare_chunk(repository, sample, stream, chunk, &entry, bytes);
	}
	int more = error ? 0 : stream_next(cursor, &entry);
	stream_close(cursor);
	return error ? error : more < 0 ? more : more ? -EILSEQ : 0;
}

int sample_compare(struct repository *repository, const struct sample *sample, uint64_t id)
{
	struct snapshot_reader *reader;
	const void *about;
	size_t size;
	int error = snapshot_open(repository, id, &reader);
	if (error)
		return error;
	uint8_t *bytes = malloc(2 * CHUNK_SIZE_MAX);
	snapshot_about(reader, &about, &size);
	if (!bytes)
		error = -ENOMEM;
	else if (size != 8 || memcmp(about, "about it", 8) || snapshot_stream_count(reader) != sample->streams)
		error = -EILSEQ;
	for (unsigned stream = 0; !error && stream < sample->streams; stream++)
		error = compare_stream(repository, reader, sample, stream, bytes);
	free(bytes);
	snapshot_close(reader);
	return error;
}

static int open_or_create(struct repository **repository, struct volume *volume, bool parity)
{
	struct repository_settings settings = sample_settings();
	char recovery[64];
	settings.without_parity = !parity;
	int error = repository_open(repository, volume, &settings, &sample_secret);
	if (error == -ENOENT) {
		error = repository_create(volume, &settings, &sample_secret, recovery);
		if (!error)
			error = repository_open(repository, volume, &settings, &sample_secret);
	}
	return error;
}

int sample_set_secret(struct repository *repository, const struct repository_secret *secret)
{
	uint8_t slot[16];
	int error = repository_add_secret(repository, secret, 2000, slot);
	return error ? error : repository_confirm_secret(repository, slot, true);
}

int sample_renew_recovery(struct repository *repository, char recovery_key[64])
{
	struct repository_secret secret = { SECRET_RECOVERY, (const uint8_t *)recovery_key, 56 };
	int error = recovery_key_make(recovery_key);
	return error ? error : sample_set_secret(repository, &secret);
}

int sample_open(struct repository **repository, struct volume *volume)
{
	return open_or_create(repository, volume, true);
}

int sample_open_without_parity(struct repository **repository, struct volume *volume)
{
	return open_or_create(repository, volume, false);
}
