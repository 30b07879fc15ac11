/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/replay.h"

#include <errno.h>
#include <inttypes.h>

/* Two walks over one list: one takes rows chunks, the other the value chunks that wait for them, as from a queue. */
struct walks {
	struct replay *replay;
	struct stream_cursor *rows, *values;
	uint64_t values_left;
};

static const struct stored_table *wanted_table(const struct replay *replay)
{
	return &replay->plan->wanted->tables[replay->table->wanted];
}

/* 1 and the next value chunk, 0 at the end. */
static int next_value(struct stream_cursor *cursor, struct chunk_entry *entry)
{
	int result;

	while ((result = stream_next(cursor, entry)) == 1) {
		if (entry->tag == CHUNK_VALUE)
			return entry->size <= CHUNK_SIZE_MAX ? 1 : -EBADMSG;
		if (entry->tag != CHUNK_ROWS)
			return -EBADMSG;
	}
	return result;
}

static int send_chunk(struct replay *replay, const struct chunk_entry *entry)
{
	return worker_replace_chunk(
		replay->worker, (enum chunk_kind)entry->tag, entry->count, replay->buffer, entry->size, replay->error);
}

/* How many value chunks the rows chunk in the buffer takes. Without any in the stream nobody need look. */
static int count_pieces(struct walks *walks, const struct chunk_entry *entry, uint32_t *pieces)
{
	struct replay *replay = walks->replay;
	struct rowgroup_reader *reader;
	int result;

	*pieces = 0;
	if (!walks->values_left)
		return 0;
	result = rowgroup_open(
		&reader, &replay->layout.layout, replay->story->context->rowgroup, replay->buffer, entry->size);
	if (result < 0)
		return result;
	*pieces = rowgroup_pieces(reader);
	rowgroup_reader_free(reader);
	return *pieces <= walks->values_left ? 0 : -EBADMSG;
}

/* The next value chunks of the queue: sent, or passed over with the rows that they belong to. */
static int take_values(struct walks *walks, uint32_t pieces, bool send)
{
	struct replay *replay = walks->replay;
	struct chunk_entry entry;

	for (; pieces; pieces--) {
		int result = next_value(walks->values, &entry);
		if (result != 1)
			return result < 0 ? result : -EBADMSG;
		if (send)
			result = chunk_read(replay->story->context->repository, &entry, replay->buffer);
		if (send && result == 0)
			result = send_chunk(replay, &entry);
		if (result < 0)
			return result;
		walks->values_left--;
	}
	return 0;
}

static int take_rows(struct walks *walks, const struct chunk_entry *entry)
{
	struct replay *replay = walks->replay;
	bool send = replay->whole || !name_set_taken(&replay->names, &entry->name);
	uint32_t pieces;
	int result;

	/* What the table has already is read all the same where it may refer to values: they are in the queue. */
	if (!send && !walks->values_left)
		return 0;
	result = chunk_read(replay->story->context->repository, entry, replay->buffer);
	if (result == 0)
		result = count_pieces(walks, entry, &pieces);
	if (send && result == 0)
		result = send_chunk(replay, entry);
	if (result == 0)
		result = take_values(walks, pieces, send);
	if (send && result == 0)
		story_rows(replay->story, entry->count);
	return result;
}

static int send_rows(struct walks *walks)
{
	struct replay *replay = walks->replay;
	struct chunk_entry entry;
	int result;

	while ((result = plan_next_rows(walks->rows, &entry)) == 1) {
		if (story_stop(replay->story))
			return sql_error_set(replay->error, SQL_ERROR_CANCELLED, "", "as asked");
		result = take_rows(walks, &entry);
		if (result < 0)
			return result;
	}
	return result < 0 ? result : walks->values_left ? -EBADMSG : 0;
}

static int count_values(struct snapshot_reader *reader, size_t stream, uint64_t *values)
{
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	int result = stream_open(reader, stream, &cursor);

	if (result < 0)
		return result;
	for (*values = 0; (result = next_value(cursor, &entry)) == 1;)
		++*values;
	stream_close(cursor);
	return result;
}

static int send_stream(struct replay *replay)
{
	struct snapshot_reader *reader = replay->plan->wanted->reader;
	size_t stream = wanted_table(replay)->stream;
	struct walks walks = { .replay = replay };
	int result = count_values(reader, stream, &walks.values_left);

	if (result == 0)
		result = stream_open(reader, stream, &walks.rows);
	if (result < 0)
		return result;
	result = stream_open(reader, stream, &walks.values);
	if (result == 0) {
		result = send_rows(&walks);
		stream_close(walks.values);
	}
	stream_close(walks.rows);
	return result;
}

static int load_table(struct replay *replay)
{
	uint64_t rows = replay->whole ? wanted_table(replay)->digest.rows : replay->table->inserted;
	int result;

	if (!rows)
		return 0;
	result = worker_replace_begin(replay->worker, wanted_table(replay)->table, replay->error);
	if (result == 0)
		result = send_stream(replay);
	if (result == 0)
		result = worker_replace_end(replay->worker, &replay->inserted, replay->error);
	if (result == 0 && replay->inserted != rows)
		result = sql_error_set(replay->error, SQL_ERROR_DIFFERS, replay->story->progress.object,
			"%" PRIu64 " rows were to be inserted, the server took %" PRIu64, rows, replay->inserted);
	return result;
}

static int change_table(struct replay *replay)
{
	int result = 0;

	if (!replay->whole)
		result = plan_names(&replay->names, replay->plan->wanted->reader, wanted_table(replay)->stream);
	if (result == 0)
		result = clear_table(replay);
	return result == 0 ? load_table(replay) : result;
}

int replay_table(struct replay *replay)
{
	const struct plan_table *table = replay->table;
	int result = catalogue_layout(&replay->layout, &replay->plan->present->catalogue->tables[table->present]);

	if (result < 0)
		return result;
	replay->whole = table->whole;
	result = change_table(replay);
	name_set_close(&replay->names);
	catalogue_layout_free(&replay->layout);
	return result;
}
