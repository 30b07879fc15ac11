/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/repository_internal.h"

struct stream {
	struct tree_entry entry; /* of its record */
	uint8_t *record;         /* read when it is first asked for */
	char *name;
	const uint8_t *about;
	uint32_t about_size;
	struct tree_top top;
};

struct snapshot_reader {
	struct repository *repository;
	uint8_t *record;
	const uint8_t *about;
	uint32_t about_size;
	struct tree_top top; /* of the list of stream records */
	struct stream *streams;
	size_t count, capacity;
};

struct stream_cursor {
	struct repository *repository;
	struct tree_reader tree;
};

/* ---- opening ---- */

static int parse_snapshot(struct snapshot_reader *reader, const struct root_snapshot *snapshot)
{
	const uint8_t *record = reader->record;
	if (snapshot->record_size < SNAPSHOT_HEAD_SIZE || record[0] != 'M')
		return -EBADMSG;
	if (record[1] != 1)
		return -EPROTONOSUPPORT;
	reader->about_size = get32(record + 4);
	size_t subject = record[3];
	if (get64(record + 8) != snapshot->info.id ||
		SNAPSHOT_HEAD_SIZE + subject + (uint64_t)reader->about_size != snapshot->record_size)
		return -EBADMSG;
	reader->about = record + SNAPSHOT_HEAD_SIZE + subject;
	return tree_top_get(&reader->top, record + SNAPSHOT_TOP_AT);
}

static int load_record(struct snapshot_reader *reader, const struct root_snapshot *snapshot)
{
	if (!snapshot->record_size || snapshot->record_size > CHUNK_SIZE_MAX)
		return -EBADMSG;
	reader->record = malloc(snapshot->record_size);
	if (!reader->record)
		return -ENOMEM;
	int error = chunk_get(&reader->repository->chunks, &snapshot->record, reader->record, snapshot->record_size);
	return error ? error : parse_snapshot(reader, snapshot);
}

static int add_stream(struct snapshot_reader *reader, const struct tree_entry *entry)
{
	if (reader->count == reader->capacity) {
		size_t capacity = reader->capacity * 2 + 16;
		struct stream *larger = realloc(reader->streams, capacity * sizeof *larger);
		if (!larger)
			return -ENOMEM;
		reader->streams = larger;
		reader->capacity = capacity;
	}
	reader->streams[reader->count++] = (struct stream){ .entry = *entry };
	return 0;
}

static int load_list(struct snapshot_reader *reader)
{
	struct tree_reader tree;
	struct tree_entry entry;
	int found = tree_reader_start(&tree, &reader->repository->chunks, &reader->top);
	if (!found)
		while ((found = tree_next(&tree, &entry)) == 1) {
			int error = add_stream(reader, &entry);
			if (error) {
				found = error;
				break;
			}
		}
	tree_reader_destroy(&tree);
	return found;
}

int snapshot_open(struct repository *repository, uint64_t id, struct snapshot_reader **reader)
{
	struct snapshot_reader *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	r->repository = repository;
	repository_lock(repository);
	const struct root_snapshot *snapshot = repository_find(repository, id);
	int error = snapshot ? load_record(r, snapshot) : -ENOENT;
	if (!error)
		error = load_list(r);
	repository_unlock(repository);
	if (error)
		snapshot_close(r);
	else
		*reader = r;
	return error;
}

void snapshot_close(struct snapshot_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->count; i++) {
		free(reader->streams[i].record);
		free(reader->streams[i].name);
	}
	free(reader->streams);
	free(reader->record);
	free(reader);
}

int snapshot_about(struct snapshot_reader *reader, const void **about, size_t *size)
{
	*about = reader->about;
	*size = reader->about_size;
	return 0;
}

/* ---- streams ---- */

size_t snapshot_stream_count(const struct snapshot_reader *reader)
{
	return reader->count;
}

static int parse_stream(struct stream *stream)
{
	const uint8_t *record = stream->record;
	uint32_t size = stream->entry.size;
	if (size < STREAM_HEAD_SIZE || record[0] != 'S' || record[1] != 0)
		return -EBADMSG;
	size_t name = get16(record + 2);
	stream->about_size = get32(record + 4);
	if (name > STREAM_NAME_MAX || STREAM_HEAD_SIZE + name + (uint64_t)stream->about_size != size)
		return -EBADMSG;
	stream->about = record + STREAM_HEAD_SIZE + name;
	stream->name = strndup((const char *)record + STREAM_HEAD_SIZE, name);
	return stream->name ? tree_top_get(&stream->top, record + STREAM_TOP_AT) : -ENOMEM;
}

static int load_stream(struct snapshot_reader *reader, size_t i)
{
	if (i >= reader->count)
		return -EINVAL;
	struct stream *stream = &reader->streams[i];
	if (stream->name)
		return 0;
	uint8_t *record = malloc(stream->entry.size);
	if (!record)
		return -ENOMEM;
	repository_lock(reader->repository);
	int error = chunk_get(&reader->repository->chunks, &stream->entry.name, record, stream->entry.size);
	repository_unlock(reader->repository);
	stream->record = record;
	if (!error)
		error = parse_stream(stream);
	if (error) {
		free(stream->record);
		free(stream->name);
		stream->record = NULL;
		stream->name = NULL;
	}
	return error;
}

int snapshot_stream_info(struct snapshot_reader *reader, size_t stream, struct stream_info *info)
{
	int error = load_stream(reader, stream);
	if (error)
		return error;
	const struct stream *s = &reader->streams[stream];
	*info = (struct stream_info){
		.name = s->name,
		.about = s->about,
		.about_size = s->about_size,
		.chunks = s->top.page.chunks,
		.bytes = s->top.page.bytes,
		.count = s->top.page.count,
	};
	return 0;
}

int stream_open(struct snapshot_reader *reader, size_t stream, struct stream_cursor **cursor)
{
	int error = load_stream(reader, stream);
	if (error)
		return error;
	struct stream_cursor *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	c->repository = reader->repository;
	repository_lock(c->repository);
	error = tree_reader_start(&c->tree, &c->repository->chunks, &reader->streams[stream].top);
	repository_unlock(c->repository);
	if (error)
		stream_close(c);
	else
		*cursor = c;
	return error;
}

int stream_next(struct stream_cursor *cursor, struct chunk_entry *entry)
{
	struct tree_entry next;
	repository_lock(cursor->repository);
	int found = tree_next(&cursor->tree, &next);
	repository_unlock(cursor->repository);
	if (found == 1)
		*entry = (struct chunk_entry){
			.name = next.name, .tag = next.tag, .size = next.size, .count = (uint32_t)next.count
		};
	return found;
}

void stream_close(struct stream_cursor *cursor)
{
	if (!cursor)
		return;
	tree_reader_destroy(&cursor->tree);
	free(cursor);
}

int chunk_read(struct repository *repository, const struct chunk_entry *entry, void *buffer)
{
	if (!entry->size || entry->size > CHUNK_SIZE_MAX)
		return -EINVAL;
	repository_lock(repository);
	int error = chunk_get(&repository->chunks, &entry->name, buffer, entry->size);
	repository_unlock(repository);
	return error;
}

int chunk_name(const struct repository *repository, const void *bytes, size_t size, struct chunk_name *name)
{
	return size <= CHUNK_SIZE_MAX ? pack_name(&repository->chunks.keys, bytes, (uint32_t)size, name) : -EINVAL;
}
