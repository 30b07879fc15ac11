/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that go. The present list is walked in the order in which the server gave the rows, behind a comparison of the
 * two: rows one after the other that the snapshot does not have are one range, deleted by the keys of its first and its
 * last row. Many ranges go to the worker together, since each way to the server and back takes its time.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/restore/replay.h"
#include "agent/sql/message.h"

#define KEY_SIZE_MAX 8192  /* packed; SQL Server allows 1700 bytes an index, and two indexes may make a key */
#define KEY_COLUMNS_MAX 64 /* and 32 columns each */

/* A key's columns, packed. */
struct key {
	uint8_t bytes[KEY_SIZE_MAX];
	size_t size;
};

struct clear {
	struct replay *replay;
	struct row_diff diff;
	struct stream_cursor *cursor; /* of the present list, one hunk behind the comparison's own */
	struct rowgroup_value *row;
	uint64_t rows;           /* of the range so far; 0: there is none */
	struct chunk_entry last; /* of a range of whole chunks: the last one */
	bool last_known;         /* the key of its last row is in `end` */
	struct key begin, end;

	/* Ranges that are not deleted yet, and their keys. */
	struct worker_range ranges[WORKER_RANGES_MAX];
	size_t range_count;
	uint8_t keys[WORKER_RANGE_KEYS_MAX];
	size_t keys_size;
};

/* -E2BIG: a value of it lies outside of the row, or it is too long: such a row cannot be named. */
static int take_key(const struct clear *clear, struct key *key)
{
	const struct catalogue_layout *layout = &clear->replay->layout;
	struct packer packer = { .bytes = key->bytes, .capacity = sizeof key->bytes };
	struct value values[KEY_COLUMNS_MAX];

	if (layout->order_count > KEY_COLUMNS_MAX)
		return -E2BIG;
	for (size_t i = 0; i < layout->order_count; i++) {
		if (clear->row[layout->order[i]].large)
			return -E2BIG;
		values[i] = clear->row[layout->order[i]].value;
	}
	pack_key(&packer, values, layout->order_count);
	key->size = packer.size;
	return packer.failed ? -E2BIG : 0;
}

/* The keys of a chunk's first (where asked for) and last row. */
static int read_keys(struct clear *clear, const struct chunk_entry *entry, struct key *first, struct key *last)
{
	struct replay *replay = clear->replay;
	struct rowgroup_reader *reader = NULL;
	uint32_t rows = 0;
	int result = chunk_read(replay->story->context->repository, entry, replay->buffer);

	if (result == 0)
		result = rowgroup_open(
			&reader, &replay->layout.layout, replay->story->context->rowgroup, replay->buffer, entry->size);
	if (result < 0)
		return result;
	if (rowgroup_rows(reader) != entry->count)
		result = -EBADMSG;
	while (result == 0 && rows < entry->count) {
		result = rowgroup_next(reader, clear->row) == 1 ? 0 : -EBADMSG;
		if (result == 0 && !rows && first)
			result = take_key(clear, first);
		if (result == 0 && ++rows == entry->count)
			result = take_key(clear, last);
	}
	rowgroup_reader_free(reader);
	return result;
}

/* ---- ranges ---- */

static int delete_ranges(struct clear *clear)
{
	struct replay *replay = clear->replay;
	uint32_t table = replay->plan->wanted->tables[replay->table->wanted].table;
	int result =
		clear->range_count ? worker_delete(replay->worker, table, clear->ranges, clear->range_count, replay->error) : 0;

	for (size_t i = 0; result == 0 && i < clear->range_count; i++) {
		story_rows(replay->story, clear->ranges[i].rows);
		replay->deleted += clear->ranges[i].rows;
	}
	clear->range_count = clear->keys_size = 0;
	return result;
}

static const uint8_t *keep_key(struct clear *clear, const struct key *key)
{
	uint8_t *kept = clear->keys + clear->keys_size;

	memcpy(kept, key->bytes, key->size);
	clear->keys_size += key->size;
	return kept;
}

static int add_range(struct clear *clear)
{
	size_t size = clear->begin.size + clear->end.size;
	int result = 0;

	if (clear->range_count == WORKER_RANGES_MAX || size > sizeof clear->keys - clear->keys_size)
		result = delete_ranges(clear);
	if (result < 0)
		return result;
	clear->ranges[clear->range_count++] = (struct worker_range){ .rows = clear->rows,
		.first = keep_key(clear, &clear->begin),
		.first_size = clear->begin.size,
		.last = keep_key(clear, &clear->end),
		.last_size = clear->end.size };
	return 0;
}

static int end_range(struct clear *clear)
{
	int result = 0;

	if (!clear->rows)
		return 0;
	if (!clear->last_known)
		result = read_keys(clear, &clear->last, NULL, &clear->end);
	if (result == 0)
		result = add_range(clear);
	clear->rows = 0;
	return result;
}

/* A whole chunk: only the first and the last of a range are read. */
static int take_chunk(struct clear *clear, const struct chunk_entry *entry)
{
	int result = 0;

	if (!clear->rows)
		result = read_keys(clear, entry, &clear->begin, &clear->end);
	clear->last_known = !clear->rows;
	clear->last = *entry;
	clear->rows += entry->count;
	return result;
}

static int take_row(struct clear *clear)
{
	int result = 0;

	if (!clear->rows)
		result = take_key(clear, &clear->begin);
	if (result == 0)
		result = take_key(clear, &clear->end);
	clear->last_known = true;
	clear->rows++;
	return result;
}

/* The rows of a chunk, the first of them the hunk's row `at`, but for those that stay. */
static int take_rows(struct clear *clear, const struct chunk_entry *entry, uint64_t at)
{
	struct replay *replay = clear->replay;
	struct rowgroup_reader *reader = NULL;
	int result = chunk_read(replay->story->context->repository, entry, replay->buffer);

	if (result == 0)
		result = rowgroup_open(
			&reader, &replay->layout.layout, replay->story->context->rowgroup, replay->buffer, entry->size);
	for (uint32_t i = 0; result == 0 && i < entry->count; i++) {
		result = rowgroup_next(reader, clear->row) == 1 ? 0 : -EBADMSG;
		if (result == 0)
			result = row_set_taken(&clear->diff.rows, (size_t)(at + i)) ? end_range(clear) : take_row(clear);
	}
	rowgroup_reader_free(reader);
	return result;
}

/* ---- the walk ---- */

static int cancelled(struct clear *clear)
{
	return sql_error_set(clear->replay->error, SQL_ERROR_CANCELLED, "", "as asked");
}

static int clear_hunk(struct clear *clear)
{
	const struct row_diff *diff = &clear->diff;
	struct chunk_entry entry;
	uint64_t at = 0;
	int result = 0;

	for (uint64_t i = 0; result == 0 && i < diff->present_chunks; i++) {
		if (story_stop(clear->replay->story))
			return cancelled(clear);
		result = row_diff_next_rows(clear->cursor, &entry) == 1 ? 0 : -EBADMSG;
		if (result == 0)
			result = diff->both ? take_rows(clear, &entry, at) : take_chunk(clear, &entry);
		at += entry.count;
	}
	if (result == 0)
		result = end_range(clear);
	if (result == 0 && diff->common.count)
		result = row_diff_next_rows(clear->cursor, &entry) == 1 ? 0 : -EBADMSG;
	return result;
}

static int walk(struct clear *clear)
{
	struct chunk_entry entry;
	int result;

	if (!clear->replay->table->by_rows)
		clear->diff.limit = 0;
	while ((result = row_diff_hunk(&clear->diff)) == 1) {
		while ((result = row_diff_wanted(&clear->diff, &entry)) == 1)
			if (story_stop(clear->replay->story))
				return cancelled(clear);
		if (result == 0)
			result = clear_hunk(clear);
		if (result < 0)
			return result;
	}
	return result < 0 ? result : delete_ranges(clear);
}

static int open_walk(struct clear *clear)
{
	struct replay *replay = clear->replay;
	size_t stream = replay->plan->present->tables[replay->table->present].stream;
	int result;

	clear->row = calloc(replay->layout.layout.column_count + 1, sizeof *clear->row);
	result = clear->row ? stream_open(replay->safety, stream, &clear->cursor) : -ENOMEM;
	if (result == 0)
		result = plan_diff(replay->plan, replay->table, replay->safety, &replay->layout.layout, &clear->diff);
	return result;
}

static int clear_ranges(struct replay *replay)
{
	struct clear *clear = calloc(1, sizeof *clear);
	int result;

	if (!clear)
		return -ENOMEM;
	clear->replay = replay;
	result = open_walk(clear);
	if (result == 0)
		result = walk(clear);
	row_diff_close(&clear->diff);
	if (clear->cursor)
		stream_close(clear->cursor);
	free(clear->row);
	free(clear);
	return result;
}

static int clear_all(struct replay *replay)
{
	const struct captured_table *present = &replay->plan->present->tables[replay->table->present];
	uint64_t rows = present->digest.rows - replay->deleted;
	int result = rows || present->unread /* of which nobody knows how many it has */
		? worker_empty(replay->worker, replay->plan->wanted->tables[replay->table->wanted].table, rows, replay->error)
		: 0;

	if (result < 0)
		return result;
	story_rows(replay->story, rows);
	replay->deleted += rows;
	return 0;
}

int clear_table(struct replay *replay)
{
	int result = replay->whole ? 0 : clear_ranges(replay);

	/* Nothing was inserted yet: what was deleted is only a part of all. */
	if (result == -E2BIG)
		replay->whole = true;
	else if (result < 0)
		return result;
	return replay->whole ? clear_all(replay) : 0;
}
