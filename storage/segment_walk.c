/* SPDX-License-Identifier: Apache-2.0 */
/* Finding what is in a segment: by its contents, or from record to record. */
#include <errno.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/heal.h"

/* Not a chunk, and whoever wrote it said that nobody needs to know it. */
static bool may_be_skipped(const uint8_t *record)
{
	return record[0] != RECORD_CHUNK && !(record[1] & RECORD_CRITICAL);
}

/* Calls found for each of the entries. */
static int walk_contents(
	const struct segment_contents *contents, const uint8_t *entries, segment_found *found, void *arg)
{
	for (uint32_t i = 0; i < contents->count; i++, entries += CHUNK_HEAD_SIZE) {
		struct chunk_head head;
		uint32_t offset = get32(entries + 84);
		if (may_be_skipped(entries))
			continue;
		int error = chunk_head_get_common(&head, entries);
		if (!error &&
			(offset < SEGMENT_HEAD_SIZE || (uint64_t)offset + CHUNK_HEAD_SIZE + head.stored_size > contents->offset))
			error = -EBADMSG;
		if (!error)
			error = found(arg, contents->number, offset, &head);
		if (error)
			return error;
	}
	return 0;
}

/* *entries is set to where the contents are in the buffer. */
static int read_contents(struct healer *healer, const struct segment_file *file, uint8_t *buffer,
	struct segment_contents *contents, const uint8_t **entries)
{
	uint64_t id = segment_id(SEGMENT_DATA, file->number);
	if (file->size < SEGMENT_HEAD_SIZE + SEGMENT_TRAILER_SIZE)
		return -EBADMSG;
	uint32_t tail = file->size < SEGMENT_TAIL_SIZE ? file->size : SEGMENT_TAIL_SIZE;
	int error = volume_read(healer->volume, id, file->size - tail, buffer, tail);
	if (!error)
		error = segment_trailer_get(contents, healer->repository, buffer, tail);
	if (!error && (contents->number != file->number || contents->size != file->size))
		error = -EBADMSG;
	if (error)
		return error;
	uint32_t size = contents->count * CHUNK_HEAD_SIZE;
	*entries = buffer;
	if (contents->offset >= file->size - tail)
		*entries = buffer + (contents->offset - (file->size - tail));
	else
		error = volume_read(healer->volume, id, contents->offset, buffer, size);
	return !error && crc32c(0, *entries, size) != contents->crc ? -EBADMSG : error;
}

static int heal_entries(struct healer *healer, uint64_t number, uint8_t *buffer, struct segment_contents *contents)
{
	int error = heal_contents(healer, number, contents);
	uint32_t size = error ? 0 : contents->count * CHUNK_HEAD_SIZE;
	if (!error)
		error = heal_read(healer, number, contents->offset, buffer, size);
	if (!error && crc32c(0, buffer, size) != contents->crc)
		error = -EBADMSG;
	if (!error)
		heal_wound(healer, number);
	return error;
}

int segment_walk(
	struct healer *healer, const struct segment_file *file, uint8_t *buffer, segment_found *found, void *arg)
{
	struct segment_contents contents;
	const uint8_t *entries = buffer;
	int error = read_contents(healer, file, buffer, &contents, &entries);
	if (heal_is_damage(error) && healer->enabled) {
		error = heal_entries(healer, file->number, buffer, &contents);
		entries = buffer;
	}
	return error ? error : walk_contents(&contents, entries, found, arg);
}

int segment_scan(struct healer *healer, const struct segment_file *file, segment_found *found, void *arg)
{
	struct volume *volume = healer->volume;
	uint64_t id = segment_id(SEGMENT_DATA, file->number);
	uint8_t bytes[CHUNK_HEAD_SIZE];
	int error = file->size < SEGMENT_HEAD_SIZE ? -EBADMSG : volume_read(volume, id, 0, bytes, SEGMENT_HEAD_SIZE);
	if (!error)
		error = segment_head_get(bytes, healer->repository, file->number);
	uint64_t offset = SEGMENT_HEAD_SIZE;
	while (!error && offset + CHUNK_HEAD_SIZE <= file->size) {
		struct chunk_head head;
		error = volume_read(volume, id, (uint32_t)offset, bytes, sizeof bytes);
		uint32_t length = get32(bytes + 4); /* of every kind of record */
		if (!error && (get32(bytes + 84) != crc32c(0, bytes, 84) || length > file->size - offset - CHUNK_HEAD_SIZE))
			error = -EBADMSG;
		bool skipped = may_be_skipped(bytes);
		if (!error && !skipped)
			error = chunk_head_get(&head, bytes);
		if (!error && !skipped)
			error = found(arg, file->number, (uint32_t)offset, &head);
		offset += CHUNK_HEAD_SIZE + (uint64_t)length;
	}
	return error;
}
