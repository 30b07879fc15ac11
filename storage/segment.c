/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a segment, all numbers little-endian:
 *   head 64 | chunk record: head 88, sealed bytes | ... | contents: 88 a chunk | zeros | trailer 64
 * with parity:
 *   head 64 | ... | contents | zeros | table: trailer 128, checksums | parity strip | table: checksums, trailer 128
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

int chunk_head_get_common(struct chunk_head *head, const uint8_t *from)
{
	if (from[0] != RECORD_CHUNK && !(from[1] & RECORD_CRITICAL))
		return -EBADMSG;
	if (from[0] != RECORD_CHUNK || from[1] != RECORD_CRITICAL || from[2] > CODEC_DEFLATE ||
		from[3] != CIPHER_AES_256_GCM)
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
	return chunk_head_get_common(head, from);
}

int segment_writer_create(
	struct segment_writer *writer, struct volume *volume, const uint8_t repository[16], bool with_parity)
{
	*writer = (struct segment_writer){ .volume = volume, .next = 1, .with_parity = with_parity };
	memcpy(writer->repository, repository, 16);
	/* Whole write units, and at least one. */
	writer->buffer_size = BUFFER_SIZE < volume->write_unit ? volume->write_unit
														   : BUFFER_SIZE / volume->write_unit * volume->write_unit;
	writer->buffer = malloc(writer->buffer_size);
	writer->contents = malloc(SEGMENT_CHUNKS_MAX * CHUNK_HEAD_SIZE);
	int error = writer->buffer && writer->contents ? 0 : -ENOMEM;
	if (!error && with_parity)
		error = parity_writer_create(&writer->parity, volume);
	if (error)
		segment_writer_destroy(writer);
	return error;
}

void segment_writer_destroy(struct segment_writer *writer)
{
	free(writer->buffer);
	free(writer->contents);
	parity_writer_destroy(&writer->parity);
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

typedef int adder(struct segment_writer *writer, const void *bytes, size_t size);

/* What parity protects. */
static int add_data(struct segment_writer *writer, const void *bytes, size_t size)
{
	if (writer->with_parity)
		parity_writer_add(&writer->parity, bytes, size);
	return add(writer, bytes, size);
}

static int add_zeros(struct segment_writer *writer, uint32_t size, adder *how)
{
	static const uint8_t zeros[512];
	int error = 0;
	for (uint32_t step; !error && size; size -= step) {
		step = size < sizeof zeros ? size : sizeof zeros;
		error = how(writer, zeros, step);
	}
	return error;
}

static int start(struct segment_writer *writer)
{
	uint8_t head[SEGMENT_HEAD_SIZE] = { 0 };
	if (writer->next > PLACE_SEGMENT_MAX)
		return -ENOSPC;
	if (writer->stray_count == SEGMENT_STRAYS_MAX)
		return -EIO;
	writer->current = writer->next++;
	writer->open = true;
	writer->condemned = false;
	writer->size = writer->flushed = writer->count = 0;
	segment_head_put(head, writer->repository, writer->current, writer->with_parity);
	if (writer->with_parity)
		parity_writer_start(&writer->parity);
	return add_data(writer, head, sizeof head);
}

/* What the segment would come to with one more chunk, sealed. */
static uint64_t size_with(const struct segment_writer *writer, uint32_t size, uint32_t count, uint32_t stored_size)
{
	uint64_t used = (uint64_t)size + CHUNK_HEAD_SIZE + stored_size + ((uint64_t)count + 1) * CHUNK_HEAD_SIZE;
	if (!writer->with_parity || used > writer->volume->segment_size)
		return used + SEGMENT_TRAILER_SIZE + writer->volume->write_unit;
	struct parity_layout layout = parity_layout_for(writer->volume, (uint32_t)used);
	return parity_layout_size(&layout);
}

uint32_t segment_capacity(const struct segment_writer *writer)
{
	uint32_t size = writer->volume->segment_size;
	struct parity_layout layout = parity_layout_for(writer->volume, size);
	if (!writer->with_parity)
		return size;
	while (layout.data && parity_layout_size(&layout) > size)
		layout = parity_layout_for(writer->volume, layout.data - layout.unit);
	return layout.data;
}

bool segment_is_full(const struct segment_writer *writer, uint32_t stored_size)
{
	return writer->open &&
		(writer->count == SEGMENT_CHUNKS_MAX ||
			size_with(writer, writer->size, writer->count, stored_size) > writer->volume->segment_size);
}

static void add_entry(struct segment_writer *writer, const struct chunk_head *head, uint32_t offset)
{
	uint8_t *entry = writer->contents + (size_t)writer->count++ * CHUNK_HEAD_SIZE;
	chunk_head_put(entry, head);
	put32(entry + 84, offset); /* in the place of the head's own checksum: the contents have one for all */
}

int segment_append(struct segment_writer *writer, const struct chunk_head *head, const void *stored, uint32_t *offset)
{
	if (size_with(writer, SEGMENT_HEAD_SIZE, 0, head->stored_size) > writer->volume->segment_size)
		return -E2BIG;
	if (segment_is_full(writer, head->stored_size))
		return -EINVAL;
	int error = writer->open ? 0 : start(writer);
	uint8_t bytes[CHUNK_HEAD_SIZE];
	chunk_head_put(bytes, head);
	*offset = writer->size;
	if (!error)
		error = add_data(writer, bytes, sizeof bytes);
	if (!error)
		error = add_data(writer, stored, head->stored_size);
	if (error)
		writer->condemned = true;
	else
		add_entry(writer, head, *offset);
	return error;
}

static int add_trailer(struct segment_writer *writer, struct segment_contents *contents)
{
	uint8_t trailer[SEGMENT_TRAILER_SIZE];
	contents->size = round_up32(writer->size + SEGMENT_TRAILER_SIZE, writer->volume->write_unit);
	segment_trailer_put(trailer, writer->repository, contents);
	int error = add_zeros(writer, contents->size - SEGMENT_TRAILER_SIZE - writer->size, add);
	return error ? error : add(writer, trailer, sizeof trailer);
}

static int add_parity(struct segment_writer *writer, struct segment_contents *contents)
{
	const struct parity_writer *parity = &writer->parity;
	uint8_t trailer[SEGMENT_RECORD_SIZE];
	struct parity_layout layout = parity_layout_for(writer->volume, writer->size);
	uint32_t size = 4 * parity_units(&layout), padding = layout.table - SEGMENT_RECORD_SIZE - size;
	int error = add_zeros(writer, layout.data - writer->size, add_data);
	uint32_t first = parity_writer_finish(&writer->parity, &layout);
	contents->parity = layout;
	contents->size = (uint32_t)parity_layout_size(&layout);
	contents->table_crc = crc32c(0, parity->checksums, size);
	segment_trailer_put(trailer, writer->repository, contents);
	const struct {
		const void *bytes;
		uint32_t size;
	} parts[] = {
		{ trailer, sizeof trailer },
		{ parity->checksums, size },
		{ NULL, padding },
		{ parity->strip + first, layout.strip - first },
		{ parity->strip, first },
		{ parity->checksums, size },
		{ NULL, padding },
		{ trailer, sizeof trailer },
	};
	for (size_t i = 0; !error && i < sizeof parts / sizeof parts[0]; i++)
		error = parts[i].bytes ? add(writer, parts[i].bytes, parts[i].size) : add_zeros(writer, parts[i].size, add);
	return error;
}

static int finish(struct segment_writer *writer)
{
	uint32_t size = writer->count * CHUNK_HEAD_SIZE;
	struct segment_contents contents = {
		.number = writer->current,
		.offset = writer->size,
		.count = writer->count,
		.crc = crc32c(0, writer->contents, size),
	};
	int error = add_data(writer, writer->contents, size);
	if (!error)
		error = writer->with_parity ? add_parity(writer, &contents) : add_trailer(writer, &contents);
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
	if (error) {
		writer->condemned = true;
		return error;
	}
	writer->open = false;
	writer->sealed = writer->current;
	writer->sealed_size = writer->size;
	return 0;
}

void segment_disown(struct segment_writer *writer, uint64_t number)
{
	for (unsigned i = 0; i < writer->stray_count; i++)
		if (writer->strays[i] == number)
			return;
	if (writer->stray_count < SEGMENT_STRAYS_MAX) /* never more: none is started where there are so many */
		writer->strays[writer->stray_count++] = number;
}

void segment_discard(struct segment_writer *writer)
{
	if (!writer->open)
		return;
	if (volume_remove(writer->volume, segment_id(SEGMENT_DATA, writer->current)))
		segment_disown(writer, writer->current);
	writer->open = false;
}

void segment_entry(const struct segment_writer *writer, uint32_t i, struct chunk_head *head, uint32_t *offset)
{
	const uint8_t *entry = writer->contents + (size_t)i * CHUNK_HEAD_SIZE;
	chunk_head_get_common(head, entry);
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
