/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/replay.h"

#include <errno.h>

/* Two walks over one list: one takes rows chunks, the other the value chunks that wait for them, as from a queue. */
struct replay {
	struct story *story;
	struct worker *worker;
	struct stream_cursor *rows, *values;
	struct catalogue_layout layout;
	uint64_t values_left;
	uint8_t *buffer;
	struct sql_error *error;
};

/* 1 and the next chunk with that tag, 0 at the end. */
static int next_chunk(struct stream_cursor *cursor, enum chunk_kind tag, struct chunk_entry *entry)
{
	int result;

	while ((result = stream_next(cursor, entry)) == 1) {
		if (entry->tag == (uint8_t)tag)
			return entry->size <= CHUNK_SIZE_MAX ? 1 : -EBADMSG;
		if (entry->tag != CHUNK_ROWS && entry->tag != CHUNK_VALUE)
			return -EBADMSG;
	}
	return result;
}

static int send_chunk(struct replay *replay, const struct chunk_entry *entry)
{
	int result = worker_replace_chunk(
		replay->worker, (enum chunk_kind)entry->tag, entry->count, replay->buffer, entry->size, replay->error);

	if (result == 0)
		story_rows(replay->story, entry->count);
	return result;
}

/* How many value chunks the rows chunk in the buffer takes. Without any in the stream nobody need look. */
static int count_pieces(struct replay *replay, const struct chunk_entry *entry, uint32_t *pieces)
{
	struct rowgroup_reader *reader;
	int result;

	*pieces = 0;
	if (!replay->values_left)
		return 0;
	result = rowgroup_open(
		&reader, &replay->layout.layout, replay->story->context->rowgroup, replay->buffer, entry->size);
	if (result < 0)
		return result;
	*pieces = rowgroup_pieces(reader);
	rowgroup_reader_free(reader);
	return *pieces <= replay->values_left ? 0 : -EBADMSG;
}

static int send_values(struct replay *replay, uint32_t pieces)
{
	struct repository *repository = replay->story->context->repository;
	struct chunk_entry entry;

	for (; pieces; pieces--) {
		int result = next_chunk(replay->values, CHUNK_VALUE, &entry);
		if (result != 1)
			return result < 0 ? result : -EBADMSG;
		result = chunk_read(repository, &entry, replay->buffer);
		if (result == 0)
			result = send_chunk(replay, &entry);
		if (result < 0)
			return result;
		replay->values_left--;
	}
	return 0;
}

static int send_all(struct replay *replay)
{
	struct repository *repository = replay->story->context->repository;
	struct chunk_entry entry;
	uint32_t pieces;
	int result;

	while ((result = next_chunk(replay->rows, CHUNK_ROWS, &entry)) == 1) {
		if (story_stop(replay->story))
			return sql_error_set(replay->error, SQL_ERROR_CANCELLED, "", "as asked");
		result = chunk_read(repository, &entry, replay->buffer);
		if (result == 0)
			result = count_pieces(replay, &entry, &pieces);
		if (result == 0)
			result = send_chunk(replay, &entry);
		if (result == 0)
			result = send_values(replay, pieces);
		if (result < 0)
			return result;
	}
	return result < 0 ? result : replay->values_left ? -EBADMSG : 0;
}

static int count_values(struct snapshot_reader *reader, size_t stream, uint64_t *values)
{
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	int result = stream_open(reader, stream, &cursor);

	if (result < 0)
		return result;
	for (*values = 0; (result = next_chunk(cursor, CHUNK_VALUE, &entry)) == 1;)
		++*values;
	stream_close(cursor);
	return result;
}

int replay_stream(struct story *story, struct worker *worker, struct snapshot_reader *reader, size_t stream,
	const struct catalogue_table *table, uint8_t *buffer, struct sql_error *error)
{
	struct replay replay = { .story = story, .worker = worker, .buffer = buffer, .error = error };
	int result = count_values(reader, stream, &replay.values_left);

	if (result == 0)
		result = catalogue_layout(&replay.layout, table);
	if (result < 0)
		return result;
	result = stream_open(reader, stream, &replay.rows);
	if (result == 0) {
		result = stream_open(reader, stream, &replay.values);
		if (result == 0) {
			result = send_all(&replay);
			stream_close(replay.values);
		}
		stream_close(replay.rows);
	}
	catalogue_layout_free(&replay.layout);
	return result;
}
