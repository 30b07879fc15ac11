/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much of a night is new, row by row. A chunk is new where one of its rows is, so that a few rows from all over a
 * table make all of it look new; what tells is which rows of the chunks that differ the night before had, too.
 * A restore needs to know each such row, and asks row_diff.h, which wants rows in order; here a sample of them tells
 * enough, in any order, and a table that was sorted anew has lost nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/backup/suspect.h"
#include "agent/snapshot/name_set.h"
#include "agent/snapshot/stored.h"
#include "agent/table/bytes.h"

#define SAMPLE 32768u /* rows of a table that are remembered, and at most as many more by chance */

struct night_rows {
	const struct job_context *context;
	struct stored_snapshot before, now;
	uint8_t *buffer; /* CHUNK_SIZE_MAX */
	uint64_t fresh;  /* bytes */
	uint64_t read;   /* bytes that were, or will be */
	/* of the table that is looked at */
	struct name_set chunks; /* of the night before; taken are those that this night has, too */
	struct name_set rows;   /* by their hashes, of chunks that only the night before has */
	size_t row_count, row_limit;
	uint64_t mask; /* rows whose hash has any of these bits are not looked at */
	uint64_t looked_at, unknown;
	uint64_t new_bytes, gone_bytes, gone_rows; /* in rows chunks that only one of them has */
	struct catalogue_layout layout;            /* of the chunks that are being read */
	struct rowgroup_value *values;
};

typedef int take_entry(struct night_rows *n, const struct chunk_entry *entry);

static int each_entry(
	struct night_rows *n, const struct stored_snapshot *snapshot, const struct stored_table *table, take_entry *take)
{
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	int result = stream_open(snapshot->reader, table->stream, &cursor);
	if (result < 0)
		return result;
	while ((result = stream_next(cursor, &entry)) == 1) {
		result = n->context->stop(n->context->engine) ? -ECANCELED : take(n, &entry);
		if (result < 0)
			break;
	}
	stream_close(cursor);
	return result;
}

/* ---- which chunks differ ---- */

static int remember_chunk(struct night_rows *n, const struct chunk_entry *entry)
{
	name_set_add(&n->chunks, &entry->name);
	return 0;
}

static int count_new(struct night_rows *n, const struct chunk_entry *entry)
{
	if (name_set_take(&n->chunks, &entry->name) || name_set_taken(&n->chunks, &entry->name))
		return 0;
	if (entry->tag == CHUNK_ROWS)
		n->new_bytes += entry->size;
	else
		n->fresh += entry->size;
	return 0;
}

static bool is_in_one_only(const struct night_rows *n, const struct chunk_entry *entry)
{
	return entry->tag == CHUNK_ROWS && !name_set_taken(&n->chunks, &entry->name);
}

static int count_gone(struct night_rows *n, const struct chunk_entry *entry)
{
	if (!is_in_one_only(n, entry))
		return 0;
	n->gone_bytes += entry->size;
	n->gone_rows += entry->count;
	return 0;
}

/* ---- which of their rows do ---- */

typedef void take_row(struct night_rows *n, const struct chunk_name *hash);

static void remember_row(struct night_rows *n, const struct chunk_name *hash)
{
	if (n->row_count < n->row_limit && name_set_add(&n->rows, hash))
		n->row_count++;
}

static void look_up_row(struct night_rows *n, const struct chunk_name *hash)
{
	n->looked_at++;
	if (!name_set_take(&n->rows, hash) && !name_set_taken(&n->rows, hash))
		n->unknown++;
}

static int each_row(struct night_rows *n, const struct chunk_entry *entry, take_row *take)
{
	struct rowgroup_reader *reader = NULL;
	struct chunk_name hash = { { 0 } };
	int result = is_in_one_only(n, entry) ? chunk_read(n->context->repository, entry, n->buffer) : 1;
	if (result)
		return result < 0 ? result : 0;
	result = rowgroup_open(&reader, &n->layout.layout, n->context->rowgroup, n->buffer, entry->size);
	while (result == 0 && (result = rowgroup_next(reader, n->values)) == 1) {
		rowgroup_row_hash(reader, hash.bytes);
		if (!(get64(hash.bytes + 8) & n->mask))
			take(n, &hash);
		result = 0;
	}
	rowgroup_reader_free(reader);
	return result;
}

static int remember_rows(struct night_rows *n, const struct chunk_entry *entry)
{
	return each_row(n, entry, remember_row);
}

static int look_up_rows(struct night_rows *n, const struct chunk_entry *entry)
{
	return each_row(n, entry, look_up_row);
}

static int read_rows(
	struct night_rows *n, const struct stored_snapshot *snapshot, const struct stored_table *table, take_entry *take)
{
	int result = catalogue_layout(&n->layout, &snapshot->catalogue->tables[table->table]);
	if (result < 0)
		return result;
	n->values = calloc(n->layout.layout.column_count + 1u, sizeof *n->values);
	result = n->values ? each_entry(n, snapshot, table, take) : -ENOMEM;
	free(n->values);
	catalogue_layout_free(&n->layout);
	return result;
}

/* ---- a table ---- */

static int compare_rows(struct night_rows *n, const struct stored_table *before, const struct stored_table *now)
{
	n->read += n->gone_bytes + n->new_bytes;
	if (n->read > SUSPECT_READ_MAX)
		return -E2BIG;
	for (uint64_t rows = n->gone_rows; rows > SAMPLE; rows /= 2)
		n->mask = n->mask << 1 | 1;
	int result = read_rows(n, &n->before, before, remember_rows);
	if (result == 0)
		result = read_rows(n, &n->now, now, look_up_rows);
	if (result == 0 && n->looked_at)
		n->fresh += (uint64_t)((double)n->new_bytes * (double)n->unknown / (double)n->looked_at);
	return result;
}

static int compare_lists(struct night_rows *n, const struct stored_table *before, const struct stored_table *now)
{
	int result = each_entry(n, &n->before, before, remember_chunk);
	n->row_count = 0;
	n->mask = n->looked_at = n->unknown = n->new_bytes = n->gone_bytes = n->gone_rows = 0;
	if (result == 0)
		result = each_entry(n, &n->now, now, count_new);
	if (result == 0)
		result = each_entry(n, &n->before, before, count_gone);
	return result == 0 && n->new_bytes ? compare_rows(n, before, now) : result;
}

static int compare_table(struct night_rows *n, const struct stored_table *before, const struct stored_table *now)
{
	struct stream_info info;
	int result = snapshot_stream_info(n->before.reader, before->stream, &info);
	if (result < 0)
		return result;
	n->row_limit = before->digest.rows < 2 * SAMPLE ? (size_t)before->digest.rows : 2 * SAMPLE;
	result = name_set_open(&n->chunks, info.chunks + 1);
	if (result == 0)
		result = name_set_open(&n->rows, n->row_limit + 1);
	if (result == 0)
		result = compare_lists(n, before, now);
	name_set_close(&n->chunks);
	name_set_close(&n->rows);
	return result;
}

static const struct stored_table *find_table(const struct night_rows *n, const struct stored_table *now)
{
	const struct catalogue_table *wanted = &n->now.catalogue->tables[now->table];
	for (size_t i = 0; i < n->before.table_count; i++) {
		const struct catalogue_table *table = &n->before.catalogue->tables[n->before.tables[i].table];
		if (strcmp(table->schema, wanted->schema) == 0 && strcmp(table->name, wanted->name) == 0)
			return &n->before.tables[i];
	}
	return NULL;
}

/* ---- all of them ---- */

static int compare_nights(struct night_rows *n)
{
	int result = 0;
	for (size_t i = 0; i < n->now.table_count && result == 0; i++) {
		const struct stored_table *now = &n->now.tables[i], *before = find_table(n, now);
		if (before && table_digest_equal(&before->digest, &now->digest))
			continue;
		if (before)
			result = compare_table(n, before, now);
		else
			n->fresh += now->bytes;
	}
	if (result < 0 || !n->now.info.bytes)
		return result;
	return n->fresh < n->now.info.bytes ? (int)(n->fresh * 100 / n->now.info.bytes) : 100;
}

static int open_nights(struct night_rows *n, uint64_t id)
{
	struct repository *repository = n->context->repository;
	struct snapshot_info before;
	int result = stored_open(&n->now, repository, id);
	if (result == 0)
		result = stored_newest_before(repository, n->now.info.subject, SNAPSHOT_BACKUP, n->now.info.sequence, &before);
	if (result == 0)
		result = stored_open(&n->before, repository, before.id);
	return result;
}

int suspect_count_rows(const struct job_context *context, uint64_t id)
{
	struct night_rows *n = calloc(1, sizeof *n); /* large */
	if (!n)
		return -ENOMEM;
	n->context = context;
	n->buffer = malloc(CHUNK_SIZE_MAX);
	int result = n->buffer ? open_nights(n, id) : -ENOMEM;
	if (result == 0)
		result = compare_nights(n);
	stored_close(&n->now);
	stored_close(&n->before);
	free(n->buffer);
	free(n);
	return result;
}
