/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/restore/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/*
 * Two walks over the wanted list: a comparison takes rows chunks, the other walk the value chunks that wait for them, as
 * from a queue.
 */
struct walks {
	struct replay *replay;
	struct row_diff diff;
	struct stream_cursor *values;
	uint64_t values_left;

	/* Of a chunk some of whose rows are there. */
	struct rowgroup_writer *writer;
	struct rowgroup_value *row;
	uint32_t *pieces; /* per row: value chunks that it takes */
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

/* A chunk all of whose rows go, or none. */
static int take_whole(struct walks *walks, const struct chunk_entry *entry, bool send)
{
	struct replay *replay = walks->replay;
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

/* ---- a chunk some of whose rows are there ---- */

static int send_made(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows)
{
	struct walks *walks = arg;

	return worker_replace_chunk(walks->replay->worker, kind, rows, bytes, size, walks->replay->error);
}

/* Only where it is needed: most of what differs is whole chunks. */
static int open_writer(struct walks *walks)
{
	const struct rowgroup_params *params = walks->replay->story->context->rowgroup;
	const struct layout *layout = &walks->replay->layout.layout;

	if (walks->writer)
		return 0;
	walks->row = calloc(layout->column_count + 1, sizeof *walks->row);
	walks->pieces = calloc(params->max_rows, sizeof *walks->pieces);
	if (!walks->row || !walks->pieces)
		return -ENOMEM;
	return rowgroup_create(&walks->writer, layout, params, send_made, walks);
}

static uint32_t count_row_pieces(const struct walks *walks)
{
	uint32_t pieces = 0;

	for (size_t i = 0; i < walks->replay->layout.layout.column_count; i++)
		pieces += walks->row[i].large ? walks->row[i].pieces : 0;
	return pieces;
}

/* Sends a chunk of those rows that are not there. */
static int send_others(struct walks *walks, const struct chunk_entry *entry)
{
	struct replay *replay = walks->replay;
	struct row_diff *diff = &walks->diff;
	struct rowgroup_reader *reader = NULL;
	int result = open_writer(walks);

	if (result == 0)
		result = rowgroup_open(
			&reader, &replay->layout.layout, replay->story->context->rowgroup, diff->buffer, entry->size);
	for (uint32_t i = 0; result == 0 && i < entry->count; i++) {
		result = rowgroup_next(reader, walks->row) == 1 ? 0 : -EBADMSG;
		walks->pieces[i] = result == 0 ? count_row_pieces(walks) : 0;
		if (result == 0 && !diff->there[i])
			result = rowgroup_again(walks->writer, walks->row);
	}
	rowgroup_reader_free(reader);
	return result == 0 ? rowgroup_cut(walks->writer) : result;
}

static int take_some(struct walks *walks, const struct chunk_entry *entry)
{
	const struct row_diff *diff = &walks->diff;
	int result = send_others(walks, entry);

	for (uint32_t i = 0; result == 0 && i < entry->count; i++) {
		if (walks->pieces[i] > walks->values_left)
			return -EBADMSG;
		result = take_values(walks, walks->pieces[i], !diff->there[i]);
	}
	if (result == 0)
		story_rows(walks->replay->story, entry->count - diff->there_count);
	return result;
}

/* ---- the walk ---- */

static int take_rows(struct walks *walks, const struct chunk_entry *entry)
{
	uint32_t there = walks->diff.there_count;

	if (story_stop(walks->replay->story))
		return sql_error_set(walks->replay->error, SQL_ERROR_CANCELLED, "", "as asked");
	return there && there < entry->count ? take_some(walks, entry) : take_whole(walks, entry, !there);
}

static int take_hunk(struct walks *walks)
{
	struct chunk_entry entry;
	int result;

	while ((result = row_diff_wanted(&walks->diff, &entry)) == 1) {
		result = take_rows(walks, &entry);
		if (result < 0)
			return result;
	}
	return result == 0 && walks->diff.common.count ? take_whole(walks, &walks->diff.common, false) : result;
}

static int send_differences(struct walks *walks)
{
	struct replay *replay = walks->replay;
	int result = plan_diff(replay->plan, replay->table, replay->safety, &replay->layout.layout, &walks->diff);

	if (result < 0)
		return result;
	if (!replay->table->by_rows)
		walks->diff.limit = 0;
	while ((result = row_diff_hunk(&walks->diff)) == 1) {
		result = take_hunk(walks);
		if (result < 0)
			break;
	}
	rowgroup_free(walks->writer);
	free(walks->row);
	free(walks->pieces);
	row_diff_close(&walks->diff);
	return result;
}

static int send_all(struct walks *walks, struct stream_cursor *rows)
{
	struct chunk_entry entry;
	int result;

	while ((result = row_diff_next_rows(rows, &entry)) == 1) {
		result = take_rows(walks, &entry);
		if (result < 0)
			return result;
	}
	return result;
}

static int send_rows(struct walks *walks)
{
	struct replay *replay = walks->replay;
	struct stream_cursor *rows;
	int result;

	if (!replay->whole)
		return send_differences(walks);
	result = stream_open(replay->plan->wanted->reader, wanted_table(replay)->stream, &rows);
	if (result < 0)
		return result;
	result = send_all(walks, rows);
	stream_close(rows);
	return result;
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
		result = stream_open(reader, stream, &walks.values);
	if (result < 0)
		return result;
	result = send_rows(&walks);
	stream_close(walks.values);
	return result == 0 && walks.values_left ? -EBADMSG : result;
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

int replay_table(struct replay *replay)
{
	const struct plan_table *table = replay->table;
	int result = catalogue_layout(&replay->layout, &replay->plan->present->catalogue->tables[table->present]);

	if (result < 0)
		return result;
	replay->whole = table->whole;
	result = clear_table(replay);
	if (result == 0)
		result = load_table(replay);
	catalogue_layout_free(&replay->layout);
	return result;
}
