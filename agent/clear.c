/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows that go. The present list is walked in the order in which the server gave the rows: chunks in a row that the
 * snapshot does not have are one run, deleted by the keys of its first and its last row.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "agent/replay.h"
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
	struct rowgroup_value *row;
	uint64_t rows;           /* of the run so far; 0: there is none */
	struct chunk_entry last; /* its last chunk */
	bool last_known;         /* the key of its last row is in `end` */
	struct key begin, end;
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

static int extend_run(struct clear *clear, const struct chunk_entry *entry)
{
	int result = 0;

	if (!clear->rows)
		result = read_keys(clear, entry, &clear->begin, &clear->end);
	clear->last_known = !clear->rows;
	clear->last = *entry;
	clear->rows += entry->count;
	return result;
}

static int end_run(struct clear *clear)
{
	struct replay *replay = clear->replay;
	struct worker_range range = { .rows = clear->rows };
	int result = 0;

	if (!clear->rows)
		return 0;
	if (!clear->last_known)
		result = read_keys(clear, &clear->last, NULL, &clear->end);
	if (result < 0)
		return result;
	range.first = clear->begin.bytes;
	range.first_size = clear->begin.size;
	range.last = clear->end.bytes;
	range.last_size = clear->end.size;
	result = worker_delete(
		replay->worker, (uint32_t)replay->plan->wanted->tables[replay->table->wanted].table, &range, replay->error);
	if (result < 0)
		return result;
	story_rows(replay->story, clear->rows);
	replay->deleted += clear->rows;
	clear->rows = 0;
	return 0;
}

static int walk(struct clear *clear, struct stream_cursor *cursor)
{
	struct replay *replay = clear->replay;
	struct chunk_entry entry;
	int result;

	while ((result = plan_next_rows(cursor, &entry)) == 1) {
		if (story_stop(replay->story))
			return sql_error_set(replay->error, SQL_ERROR_CANCELLED, "", "as asked");
		result = name_set_take(&replay->names, &entry.name) ? end_run(clear) : extend_run(clear, &entry);
		if (result < 0)
			return result;
	}
	return result < 0 ? result : end_run(clear);
}

static int clear_ranges(struct replay *replay)
{
	struct stream_cursor *cursor;
	struct clear *clear = calloc(1, sizeof *clear);
	int result = -ENOMEM;

	if (clear)
		clear->row = calloc(replay->layout.layout.column_count + 1, sizeof *clear->row);
	if (clear && clear->row) {
		clear->replay = replay;
		result = stream_open(replay->safety, replay->plan->present->tables[replay->table->present].stream, &cursor);
	}
	if (result == 0) {
		result = walk(clear, cursor);
		stream_close(cursor);
	}
	if (clear)
		free(clear->row);
	free(clear);
	return result;
}

static int clear_all(struct replay *replay)
{
	uint64_t rows = replay->plan->present->tables[replay->table->present].digest.rows - replay->deleted;
	int result = rows
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
