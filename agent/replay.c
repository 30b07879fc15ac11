/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/replay.h"

#include <errno.h>

/* Two walks over one list: the scout looks for the next rows chunk, the follower brings up the values it passed. */
struct replay {
	struct story *story;
	struct worker *worker;
	struct stream_cursor *scout, *follower;
	uint8_t *buffer;
	struct sql_error *error;
};

static int send_chunk(struct replay *replay, const struct chunk_entry *entry)
{
	int result;

	if (entry->size > CHUNK_SIZE_MAX)
		return -EBADMSG;
	result = chunk_read(replay->story->context->repository, entry, replay->buffer);
	if (result < 0)
		return result;
	result = worker_replace_chunk(replay->worker, (enum chunk_kind)entry->tag, entry->count, replay->buffer, entry->size,
		replay->error);
	if (result == 0)
		story_rows(replay->story, entry->count);
	return result;
}

/* Sends the values that the scout passed, and steps over the rows chunk that was sent before them. */
static int follow(struct replay *replay, uint32_t values)
{
	struct chunk_entry entry;
	int result = 0;

	for (uint32_t i = 0; i <= values; i++) {
		result = stream_next(replay->follower, &entry);
		if (result != 1)
			return result < 0 ? result : -EBADMSG;
		if (i == values)
			break;
		result = send_chunk(replay, &entry);
		if (result < 0)
			return result;
	}
	return 0;
}

static int send_all(struct replay *replay)
{
	struct chunk_entry entry;
	uint32_t values = 0;
	int result;

	while ((result = stream_next(replay->scout, &entry)) == 1) {
		if (entry.tag == CHUNK_VALUE) {
			values++;
			continue;
		}
		if (entry.tag != CHUNK_ROWS)
			return -EBADMSG;
		if (story_stop(replay->story))
			return sql_error_set(replay->error, SQL_ERROR_CANCELLED, "", "as asked");
		result = send_chunk(replay, &entry);
		if (result == 0)
			result = follow(replay, values);
		if (result < 0)
			return result;
		values = 0;
	}
	return result < 0 ? result : values ? -EBADMSG : 0;
}

int replay_stream(struct story *story, struct worker *worker, struct snapshot_reader *reader, size_t stream,
	uint8_t *buffer, struct sql_error *error)
{
	struct replay replay = { .story = story, .worker = worker, .buffer = buffer, .error = error };
	int result = stream_open(reader, stream, &replay.scout);

	if (result < 0)
		return result;
	result = stream_open(reader, stream, &replay.follower);
	if (result == 0) {
		result = send_all(&replay);
		stream_close(replay.follower);
	}
	stream_close(replay.scout);
	return result;
}
