/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment, all numbers little-endian:
 *   head 64 | chunk record: head 88, sealed bytes | ... | contents: 88 a chunk | zeros | trailer 64
 */
#include "storage/segment.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/index.h"
#include "storage/segment_format.h"

#define BUFFER_SIZE (256u * 1024)

void chunk_head_put(uint8_t to[CHUNK_HEAD_SIZE], const struct chunk_head *head)
{
	to[0] = RECORD_CHUNK;
	to[1] = RECORD_CRITICAL;
	to[2] = (uint8_t)head->codec;
	to[3] = (uint8_t)head->cipher;
	put32(to + 4, head->stored_size);
	memcpy(to + 8, head->name.bytes, CHUNK_NAME_SIZE);
	memcpy(to + 40, head->nonce, 12);
	memcpy(to + 52, head->tag, 16);
	put32(to + 68, head->key_epoch);
	memcpy(to + 72, head->dictionary, 8);
	put32(to + 80, head->crc);
	put32(to + 84, crc32c(0, to, 84));
}

/* The 84 bytes that a chunk record and its entry in the contents have in common. */
static int get_common(struct chunk_head *head, const uint8_t *from)
{
	if (from[0] != RECORD_CHUNK)
		return -EBADMSG;
	if (from[1] != RECORD_CRITICAL || from[2] > CODEC_DEFLATE || from[3] != CIPHER_AES_256_GCM)
		return -EPROTONOSUPPORT;
	head->codec = from[2];
	head->cipher = from[3];
	head->stored_size = get32(from + 4);
	memcpy(head->name.bytes, from + 8, CHUNK_NAME_SIZE);
	memcpy(head->nonce, from + 40, 12);
	memcpy(head->tag, from + 52, 16);
	head->key_epoch = get32(from + 68);
	memcpy(head->dictionary, from + 72, 8);
	head->crc = get32(from + 80);
	return 0;
}

int chunk_head_get(struct chunk_head *head, const uint8_t from[CHUNK_HEAD_SIZE])
{
	if (get32(from + 84) != crc32c(0, from, 84))
		return -EBADMSG;
	return get_common(head, from);
}

int segment_writer_create(struct segment_writer *writer, struct volume *volume, const uint8_t repository[16])
{
	*writer = (struct segment_writer){ .volume = volume, .next = 1 };
	memcpy(writer->repository, repository, 16);
	/* Whole write units, and at least one. */
	writer->buffer_size = BUFFER_SIZE < volume->write_unit ? volume->write_unit
														   : BUFFER_SIZE / volume->write_unit * volume->write_unit;
	writer->buffer = malloc(writer->buffer_size);
	writer->contents = malloc(SEGMENT_CHUNKS_MAX * CHUNK_HEAD_SIZE);
	if (writer->buffer && writer->contents)
		return 0;
	segment_writer_destroy(writer);
	return -ENOMEM;
}

void segment_writer_destroy(struct segment_writer *writer)
{
	free(writer->buffer);
	free(writer->contents);
	*writer = (struct segment_writer){ 0 };
}

static int flush(struct segment_writer *writer)
{
	uint32_t size = writer->size - writer->flushed;
	int error = volume_write(
		writer->volume, segment_id(SEGMENT_DATA, writer->current), writer->flushed, writer->buffer, size);
	if (!error)
		writer->flushed += size;
	return error;
}

/* The buffer is flushed when it is full, so that every write but the last is one whole buffer. */
static int add(struct segment_writer *writer, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	while (size) {
		uint32_t buffered = writer->size - writer->flushed;
		uint32_t room = writer->buffer_size - buffered;
		uint32_t step = size < room ? (uint32_t)size : room;
		memcpy(writer->buffer + buffered, from, step);
		writer->size += step;
		from += step;
		size -= step;
		if (step == room) {
			int error = flush(writer);
			if (error)
				return error;
		}
	}
	return 0;
}

static int start(struct segment_writer *writer)
{
	uint8_t head[SEGMENT_HEAD_SIZE] = { 0 };
	if (writer->next > PLACE_SEGMENT_MAX)
		return -ENOSPC;
	writer->current = writer->next++;
	writer->open = true;
	writer->condemned = false;
	writer->size = writer->flushed = writer->count = 0;
	segment_head_put(head, writer->repository, writer->current);
	return add(writer, head, sizeof head);
}

/* What the segment would come to with one more chunk, sealed. */
static uint64_t size_with(uint32_t size, uint32_t count, uint32_t stored_size, uint32_t write_unit)
{
	return (uint64_t)size + CHUNK_HEAD_SIZE + stored_size + ((uint64_t)count + 1) * CHUNK_HEAD_SIZE +
		SEGMENT_TRAILER_SIZE + write_unit;
}

bool segment_is_full(const struct segment_writer *writer, uint32_t stored_size)
{
	const struct volume *volume = writer->volume;
	return writer->open &&
		(writer->count == SEGMENT_CHUNKS_MAX ||
			size_with(writer->size, writer->count, stored_size, volume->write_unit) > volume->segment_size);
}

static void add_entry(struct segment_writer *writer, const struct chunk_head *head, uint32_t offset)
{
	uint8_t *entry = writer->contents + (size_t)writer->count++ * CHUNK_HEAD_SIZE;
	chunk_head_put(entry, head);
	put32(entry + 84, offset); /* in the place of the head's own checksum: the contents have one for all */
}

int segment_append(struct segment_writer *writer, const struct chunk_head *head, const void *stored, uint32_t *offset)
{
	const struct volume *volume = writer->volume;
	if (size_with(SEGMENT_HEAD_SIZE, 0, head->stored_size, volume->write_unit) > volume->segment_size)
		return -E2BIG;
	if (segment_is_full(writer, head->stored_size))
		return -EINVAL;
	int error = writer->open ? 0 : start(writer);
	uint8_t bytes[CHUNK_HEAD_SIZE];
	chunk_head_put(bytes, head);
	*offset = writer->size;
	if (!error)
		error = add(writer, bytes, sizeof bytes);
	if (!error)
		error = add(writer, stored, head->stored_size);
	if (error)
		writer->condemned = true;
	else
		add_entry(writer, head, *offset);
	return error;
}

static int finish(struct segment_writer *writer)
{
	static const uint8_t zeros[512];
	uint8_t trailer[SEGMENT_TRAILER_SIZE] = { 0 };
	struct segment_contents contents = {
		.number = writer->current,
		.offset = writer->size,
		.count = writer->count,
		.crc = crc32c(0, writer->contents, (size_t)writer->count * CHUNK_HEAD_SIZE),
	};
	int error = add(writer, writer->contents, (size_t)writer->count * CHUNK_HEAD_SIZE);
	contents.size = round_up32(writer->size + SEGMENT_TRAILER_SIZE, writer->volume->write_unit);
	while (!error && writer->size < contents.size - SEGMENT_TRAILER_SIZE) {
		uint32_t gap = contents.size - SEGMENT_TRAILER_SIZE - writer->size;
		error = add(writer, zeros, gap < sizeof zeros ? gap : sizeof zeros);
	}
	segment_trailer_put(trailer, writer->repository, &contents);
	if (!error)
		error = add(writer, trailer, sizeof trailer);
	if (!error && writer->flushed < writer->size)
		error = flush(writer);
	return error;
}

int segment_seal(struct segment_writer *writer)
{
	if (!writer->open)
		return 0;
	int error = writer->condemned ? -EIO : finish(writer);
	if (!error)
		error = volume_sync(writer->volume, segment_id(SEGMENT_DATA, writer->current));
	if (error)
		writer->condemned = true;
	else
		writer->open = false;
	return error;
}

void segment_discard(struct segment_writer *writer)
{
	if (!writer->open)
		return;
	/* Where it cannot be removed, it lies there unsealed, and the next mount drops it. */
	volume_remove(writer->volume, segment_id(SEGMENT_DATA, writer->current));
	writer->open = false;
}

void segment_entry(const struct segment_writer *writer, uint32_t i, struct chunk_head *head, uint32_t *offset)
{
	const uint8_t *entry = writer->contents + (size_t)i * CHUNK_HEAD_SIZE;
	get_common(head, entry);
	*offset = get32(entry + 84);
}

int segment_read(struct segment_writer *writer, uint64_t number, uint32_t offset, void *bytes, uint32_t size)
{
	bool open = writer->open && number == writer->current;
	if (open && (offset > writer->size || size > writer->size - offset))
		return -ERANGE;
	uint32_t from_volume = !open ? size : offset >= writer->flushed ? 0 : writer->flushed - offset;
	if (from_volume > size)
		from_volume = size;
	if (from_volume < size) {
		uint32_t at = offset + from_volume - writer->flushed;
		memcpy((uint8_t *)bytes + from_volume, writer->buffer + at, size - from_volume);
	}
	return volume_read(writer->volume, segment_id(SEGMENT_DATA, number), offset, bytes, from_volume);
}

/* ---- finding what is in one ---- */

static int walk_contents(
	const struct segment_contents *contents, const uint8_t *entries, segment_found *found, void *arg)
{
	for (uint32_t i = 0; i < contents->count; i++) {
		struct chunk_head head;
		uint32_t offset = get32(entries + 84);
		int error = get_common(&head, entries);
		if (error == -EPROTONOSUPPORT)
			goto next; /* a chunk of a kind that came later: nothing this version wrote refers to it */
		if (error || offset < SEGMENT_HEAD_SIZE ||
			(uint64_t)offset + CHUNK_HEAD_SIZE + head.stored_size > contents->offset)
			return -EBADMSG;
		error = found(arg, contents->number, offset, &head);
		if (error)
			return error;
	next:
		entries += CHUNK_HEAD_SIZE;
	}
	return 0;
}

int segment_walk(struct volume *volume, const uint8_t repository[16], const struct segment_file *file, uint8_t *buffer,
	segment_found *found, void *arg)
{
	uint64_t id = segment_id(SEGMENT_DATA, file->number);
	uint32_t tail = file->size < SEGMENT_TAIL_SIZE ? file->size : SEGMENT_TAIL_SIZE;
	struct segment_contents contents;
	if (file->size < SEGMENT_HEAD_SIZE + SEGMENT_TRAILER_SIZE)
		return -EBADMSG;
	int error = volume_read(volume, id, file->size - tail, buffer, tail);
	if (!error)
		error = segment_trailer_get(&contents, repository, buffer + tail - SEGMENT_TRAILER_SIZE);
	if (!error && (contents.number != file->number || contents.size != file->size))
		error = -EBADMSG;
	if (error)
		return error;
	uint32_t size = contents.count * CHUNK_HEAD_SIZE;
	const uint8_t *entries = buffer;
	if (contents.offset >= file->size - tail)
		entries = buffer + (contents.offset - (file->size - tail));
	else
		error = volume_read(volume, id, contents.offset, buffer, size);
	if (!error && crc32c(0, entries, size) != contents.crc)
		error = -EBADMSG;
	return error ? error : walk_contents(&contents, entries, found, arg);
}

int segment_scan(struct volume *volume, const uint8_t repository[16], const struct segment_file *file,
	segment_found *found, void *arg)
{
	uint64_t id = segment_id(SEGMENT_DATA, file->number);
	uint8_t bytes[CHUNK_HEAD_SIZE];
	int error = file->size < SEGMENT_HEAD_SIZE ? -EBADMSG : volume_read(volume, id, 0, bytes, SEGMENT_HEAD_SIZE);
	if (!error)
		error = segment_head_get(bytes, repository, file->number);
	uint64_t offset = SEGMENT_HEAD_SIZE;
	while (!error && offset + CHUNK_HEAD_SIZE <= file->size) {
		struct chunk_head head;
		error = volume_read(volume, id, (uint32_t)offset, bytes, sizeof bytes);
		if (!error)
			error = chunk_head_get(&head, bytes);
		if (!error && head.stored_size > file->size - offset - CHUNK_HEAD_SIZE)
			error = -EBADMSG;
		if (!error)
			error = found(arg, file->number, (uint32_t)offset, &head);
		offset += CHUNK_HEAD_SIZE + (uint64_t)head.stored_size;
	}
	return error;
}
