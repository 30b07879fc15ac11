/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/snapshot/row_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- lists ---- */

int row_diff_next_rows(struct stream_cursor *cursor, struct chunk_entry *entry)
{
	int result;

	while ((result = stream_next(cursor, entry)) == 1) {
		if (entry->tag == CHUNK_ROWS)
			return entry->size <= CHUNK_SIZE_MAX && entry->count ? 1 : -EBADMSG;
		if (entry->tag != CHUNK_VALUE)
			return -EBADMSG;
	}
	return result;
}

/* -E2BIG: more than a restore compares. */
static int read_names(struct name_set *names, const struct row_diff_lists *lists)
{
	struct stream_cursor *cursor = NULL;
	struct chunk_entry entry;
	struct stream_info info;
	uint64_t count = 0;
	int result = snapshot_stream_info(lists->wanted, lists->wanted_stream, &info);

	if (result == 0 && info.chunks > CONFIG_AGENT_PLAN_CHUNKS)
		return -E2BIG;
	if (result == 0)
		result = name_set_open(names, (size_t)info.chunks);
	if (result == 0)
		result = stream_open(lists->wanted, lists->wanted_stream, &cursor);
	if (result < 0)
		return result;
	while ((result = row_diff_next_rows(cursor, &entry)) == 1)
		if (++count > info.chunks || !name_set_add(names, &entry.name)) {
			result = count > info.chunks ? -EBADMSG : -EEXIST;
			break;
		}
	stream_close(cursor);
	return result;
}

int row_diff_open(struct row_diff *diff, struct repository *repository, const struct row_diff_lists *lists,
	const struct layout *layout, const struct rowgroup_params *params)
{
	int result;

	*diff = (struct row_diff){
		.repository = repository, .layout = layout, .params = params, .limit = CONFIG_AGENT_PLAN_ROWS
	};
	diff->values = calloc(layout->column_count + 1, sizeof *diff->values);
	diff->there = calloc(params->max_rows, sizeof *diff->there);
	diff->buffer = malloc(CHUNK_SIZE_MAX);
	result = diff->values && diff->there && diff->buffer ? 0 : -ENOMEM;
	if (result == 0)
		result = row_set_open(&diff->rows, CONFIG_AGENT_PLAN_ROWS);
	if (result == 0)
		result = read_names(&diff->names, lists);
	if (result == 0)
		result = stream_open(lists->wanted, lists->wanted_stream, &diff->wanted);
	if (result == 0 && lists->present)
		result = stream_open(lists->present, lists->present_stream, &diff->present);
	if (result < 0)
		row_diff_close(diff);
	return result;
}

void row_diff_close(struct row_diff *diff)
{
	if (diff->wanted)
		stream_close(diff->wanted);
	if (diff->present)
		stream_close(diff->present);
	name_set_close(&diff->names);
	row_set_close(&diff->rows);
	free(diff->values);
	free(diff->there);
	free(diff->buffer);
	*diff = (struct row_diff){ .limit = 0 };
}

/* ---- rows ---- */

static int each_row(struct row_diff *diff, const struct chunk_entry *entry, const void *bytes,
	void (*take)(struct row_diff *diff, uint32_t row, const uint8_t *digest))
{
	struct rowgroup_reader *reader;
	uint8_t digest[16];
	int result = rowgroup_open(&reader, diff->layout, diff->params, bytes, entry->size);

	if (result < 0)
		return result;
	if (rowgroup_rows(reader) != entry->count)
		result = -EBADMSG;
	for (uint32_t row = 0; result == 0 && row < entry->count; row++) {
		result = rowgroup_next(reader, diff->values) == 1 ? 0 : -EBADMSG;
		if (result < 0)
			break;
		rowgroup_row_hash(reader, digest);
		take(diff, row, digest);
	}
	rowgroup_reader_free(reader);
	return result;
}

static void hold(struct row_diff *diff, uint32_t row, const uint8_t *digest)
{
	(void)row;
	row_set_add(&diff->rows, digest);
}

static void match(struct row_diff *diff, uint32_t row, const uint8_t *digest)
{
	diff->there[row] = row_set_take(&diff->rows, digest);
	diff->there_count += diff->there[row];
	diff->both += diff->there[row];
}

/* ---- the present run ---- */

void row_diff_begin(struct row_diff *diff)
{
	row_set_clear(&diff->rows);
	diff->present_chunks = diff->present_rows = diff->both = 0;
	diff->common.count = 0;
}

bool row_diff_is_common(struct row_diff *diff, const struct chunk_entry *entry)
{
	if (!name_set_take(&diff->names, &entry->name))
		return false;
	diff->common = *entry;
	return true;
}

/* Counts it in; true where its rows will be compared. */
static bool extend_run(struct row_diff *diff, const struct chunk_entry *entry)
{
	diff->present_chunks++;
	diff->present_rows += entry->count;
	if (diff->present_rows <= diff->limit)
		return true;
	row_set_clear(&diff->rows);
	return false;
}

int row_diff_add(struct row_diff *diff, const struct chunk_entry *entry, const void *bytes)
{
	return extend_run(diff, entry) ? each_row(diff, entry, bytes, hold) : 0;
}

int row_diff_hunk(struct row_diff *diff)
{
	struct chunk_entry entry;
	int result;

	if (diff->at_end)
		return 0;
	row_diff_begin(diff);
	while ((result = row_diff_next_rows(diff->present, &entry)) == 1) {
		if (row_diff_is_common(diff, &entry))
			return 1;
		if (extend_run(diff, &entry)) {
			result = chunk_read(diff->repository, &entry, diff->buffer);
			if (result == 0)
				result = each_row(diff, &entry, diff->buffer, hold);
		} else {
			result = 0;
		}
		if (result < 0)
			return result;
	}
	diff->at_end = true;
	return result < 0 ? result : 1;
}

/* ---- the wanted run ---- */

int row_diff_wanted(struct row_diff *diff, struct chunk_entry *entry)
{
	int result = row_diff_next_rows(diff->wanted, entry);

	diff->there_count = 0;
	if (result == 0)
		return diff->common.count ? -EILSEQ : 0;
	if (result < 0 || entry->count > diff->params->max_rows)
		return result < 0 ? result : -EBADMSG;
	if (diff->common.count && !memcmp(&entry->name, &diff->common.name, sizeof entry->name))
		return 0;
	if (diff->both == diff->rows.count)
		return 1;
	result = chunk_read(diff->repository, entry, diff->buffer);
	if (result == 0)
		result = each_row(diff, entry, diff->buffer, match);
	return result < 0 ? result : 1;
}

uint64_t row_diff_ranges(const struct row_diff *diff)
{
	return diff->present_rows <= diff->limit ? row_set_runs(&diff->rows) : diff->present_rows != 0;
}
