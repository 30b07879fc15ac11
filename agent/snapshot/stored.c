/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/snapshot/stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_stream(
	struct repository *repository, struct snapshot_reader *reader, size_t stream, uint8_t *bytes, size_t size)
{
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	size_t at = 0;
	int result = stream_open(reader, stream, &cursor);

	if (result < 0)
		return result;
	while ((result = stream_next(cursor, &entry)) == 1) {
		result = entry.tag == CHUNK_CATALOGUE && entry.size <= size - at ? chunk_read(repository, &entry, bytes + at)
																		 : -EBADMSG;
		if (result < 0)
			break;
		at += entry.size;
	}
	stream_close(cursor);
	return result < 0 ? result : at == size ? 0 : -EBADMSG;
}

static int open_catalogue(struct stored_snapshot *snapshot, struct repository *repository)
{
	struct stream_info info;

	for (size_t stream = 0; stream < snapshot_stream_count(snapshot->reader); stream++) {
		int result = snapshot_stream_info(snapshot->reader, stream, &info);
		if (result < 0)
			return result;
		if (strcmp(info.name, CATALOGUE_STREAM) != 0)
			continue;
		if (info.bytes > CATALOGUE_BYTES_MAX)
			return -EBADMSG;
		snapshot->catalogue_size = (size_t)info.bytes;
		snapshot->catalogue_bytes = malloc(snapshot->catalogue_size + 1);
		if (!snapshot->catalogue_bytes)
			return -ENOMEM;
		result = read_stream(repository, snapshot->reader, stream, snapshot->catalogue_bytes, snapshot->catalogue_size);
		return result < 0 ? result
						  : catalogue_decode(&snapshot->catalogue, snapshot->catalogue_bytes, snapshot->catalogue_size);
	}
	return -EBADMSG;
}

static int open_table(struct stored_snapshot *snapshot, size_t stream, const struct stream_info *info)
{
	struct stored_table *table = &snapshot->tables[snapshot->table_count];
	struct table_about about;
	int result = table_about_decode(&about, info->about, info->about_size);
	int found;

	if (result < 0)
		return result;
	found = catalogue_find_table(snapshot->catalogue, about.schema, about.table);
	if (found < 0)
		return -EBADMSG;
	*table = (struct stored_table){
		.stream = stream, .table = (uint32_t)found, .digest = about.digest, .bytes = info->bytes
	};
	snapshot->table_count++;
	return 0;
}

static int open_tables(struct stored_snapshot *snapshot)
{
	size_t streams = snapshot_stream_count(snapshot->reader);
	struct stream_info info;
	int result = 0;

	snapshot->tables = calloc(streams + 1, sizeof *snapshot->tables);
	if (!snapshot->tables)
		return -ENOMEM;
	for (size_t stream = 0; result == 0 && stream < streams; stream++) {
		result = snapshot_stream_info(snapshot->reader, stream, &info);
		if (result == 0 && strcmp(info.name, CATALOGUE_STREAM) != 0)
			result = open_table(snapshot, stream, &info);
	}
	return result;
}

int stored_open(struct stored_snapshot *snapshot, struct repository *repository, uint64_t id)
{
	const void *about;
	size_t size;
	int result;

	memset(snapshot, 0, sizeof *snapshot);
	result = snapshot_find(repository, id, &snapshot->info);
	if (result == 0)
		result = snapshot_open(repository, id, &snapshot->reader);
	if (result == 0)
		result = snapshot_about(snapshot->reader, &about, &size);
	if (result == 0)
		result = snapshot_about_decode(&snapshot->about, about, size);
	if (result == 0)
		result = open_catalogue(snapshot, repository);
	if (result == 0)
		result = open_tables(snapshot);
	if (result < 0)
		stored_close(snapshot);
	return result;
}

void stored_close(struct stored_snapshot *snapshot)
{
	catalogue_free(snapshot->catalogue);
	free(snapshot->catalogue_bytes);
	free(snapshot->tables);
	if (snapshot->reader)
		snapshot_close(snapshot->reader);
	snapshot->reader = NULL;
	snapshot->catalogue = NULL;
	snapshot->catalogue_bytes = NULL;
	snapshot->tables = NULL;
}

int stored_newest_before(struct repository *repository, const char *subject, enum snapshot_class class, uint64_t before,
	struct snapshot_info *info)
{
	int count = snapshot_list(repository, NULL, 0);
	struct snapshot_info *list;

	if (count < 0)
		return count;
	list = calloc((size_t)count + 1, sizeof *list);
	if (!list)
		return -ENOMEM;
	count = snapshot_list(repository, list, (size_t)count);
	while (count > 0) {
		const struct snapshot_info *at = &list[--count];
		if (at->sequence >= before || at->class != class || strcmp(at->subject, subject) != 0 ||
			(at->flags & (SNAPSHOT_SUSPECT | SNAPSHOT_DAMAGED)) || at->foreign ||
			(class == SNAPSHOT_SAFETY && !(at->flags & SNAPSHOT_APPLIED)))
			continue;
		*info = *at;
		free(list);
		return 0;
	}
	free(list);
	return count < 0 ? count : -ENOENT;
}

int stored_newest(
	struct repository *repository, const char *subject, enum snapshot_class class, struct snapshot_info *info)
{
	return stored_newest_before(repository, subject, class, UINT64_MAX, info);
}
