/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/tds_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_CAPACITY 20000 /* more is given back after the message that needed it */

static size_t lesser(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int grow(struct tds_stream *stream, size_t more)
{
	size_t wanted = stream->kept_size + more;

	if (wanted > TDS_STREAM_LIMIT)
		return -EMSGSIZE;
	if (wanted <= stream->kept_capacity)
		return 0;

	size_t capacity = wanted < KEEP_CAPACITY ? KEEP_CAPACITY : wanted;
	uint8_t *kept = realloc(stream->kept, capacity);

	if (!kept)
		return -ENOMEM;
	stream->kept = kept;
	stream->kept_capacity = capacity;
	return 0;
}

static int keep(struct tds_stream *stream, const uint8_t *bytes, size_t size)
{
	int error = grow(stream, size);

	if (error)
		return error;
	memcpy(stream->kept + stream->kept_size, bytes, size);
	stream->kept_size += size;
	return 0;
}

static void drop_kept(struct tds_stream *stream)
{
	stream->kept_size = 0;
	if (stream->kept_capacity > KEEP_CAPACITY) {
		free(stream->kept);
		stream->kept = NULL;
		stream->kept_capacity = 0;
	}
}

static int keep_columns(struct tds_stream *stream, const uint8_t *token, size_t size)
{
	uint8_t *columns = realloc(stream->columns, size);

	if (!columns)
		return -ENOMEM;
	memcpy(columns, token, size);
	stream->columns = columns;
	stream->columns_size = size;
	return 0;
}

/* Steps over the tokens that are whole until the columns, a row, or something that it does not know. */
static int look_for_columns(struct tds_stream *stream)
{
	size_t at = 0;
	int error = 0;

	while (stream->looking && at < stream->kept_size) {
		int size = tds_token_size(stream->kept + at, stream->kept_size - at);

		if (size == 0)
			break;
		if (size < 0) {
			stream->looking = false;
		} else if (stream->kept[at] == TDS_TOKEN_COLUMNS && size > 3) {
			error = keep_columns(stream, stream->kept + at, (size_t)size);
			stream->looking = false;
		} else {
			at += (size_t)size;
		}
	}
	if (!stream->looking) {
		drop_kept(stream);
	} else if (at) {
		stream->kept_size -= at;
		memmove(stream->kept, stream->kept + at, stream->kept_size);
	}
	return error;
}

static void note_tail(struct tds_stream *stream, const uint8_t *bytes, size_t size)
{
	if (size >= TDS_DONE_SIZE) {
		memcpy(stream->tail, bytes + size - TDS_DONE_SIZE, TDS_DONE_SIZE);
		stream->tail_size = TDS_DONE_SIZE;
		return;
	}

	size_t old = lesser(stream->tail_size, TDS_DONE_SIZE - size);

	memmove(stream->tail, stream->tail + stream->tail_size - old, old);
	memcpy(stream->tail + old, bytes, size);
	stream->tail_size = old + size;
}

static int pass_payload(struct tds_stream *stream, const uint8_t *bytes, size_t size)
{
	note_tail(stream, bytes, size);
	if (stream->collect_all)
		return keep(stream, bytes, size);
	if (!stream->looking)
		return 0;

	int error = keep(stream, bytes, size);

	if (error == -EMSGSIZE) {
		/* A result that wide is not one whose types anybody will ask for. */
		stream->looking = false;
		drop_kept(stream);
		return 0;
	}
	return error ? error : look_for_columns(stream);
}

static void begin_message(struct tds_stream *stream)
{
	stream->in_message = true;
	stream->tail_size = 0;
	stream->looking = !stream->collect_all;
	stream->columns_size = 0;
	drop_kept(stream);
}

static int begin_packet(struct tds_stream *stream)
{
	size_t length = tds_packet_length(stream->header);

	if (stream->header[0] != TDS_REPLY || length < TDS_HEADER_SIZE || length > TDS_PACKET_SIZE)
		return -EPROTO;
	if (!stream->in_message)
		begin_message(stream);
	stream->payload_left = length - TDS_HEADER_SIZE;
	return 0;
}

static void end_packet(struct tds_stream *stream)
{
	stream->header_size = 0;
	if (stream->header[1] & TDS_STATUS_EOM) {
		stream->in_message = false;
		stream->messages++;
	}
}

int tds_stream_pass(struct tds_stream *stream, const uint8_t *bytes, size_t size)
{
	int error = 0;

	while (!error && size) {
		size_t step;

		if (stream->header_size < TDS_HEADER_SIZE) {
			step = lesser(size, TDS_HEADER_SIZE - stream->header_size);
			memcpy(stream->header + stream->header_size, bytes, step);
			stream->header_size += step;
			if (stream->header_size == TDS_HEADER_SIZE)
				error = begin_packet(stream);
		} else {
			step = lesser(size, stream->payload_left);
			error = pass_payload(stream, bytes, step);
			stream->payload_left -= step;
		}
		bytes += step;
		size -= step;
		if (!error && stream->header_size == TDS_HEADER_SIZE && !stream->payload_left)
			end_packet(stream);
	}
	return error;
}

bool tds_stream_acknowledged(const struct tds_stream *stream)
{
	const uint8_t *done = stream->tail;

	return stream->tail_size == TDS_DONE_SIZE && done[0] >= TDS_TOKEN_DONE && (done[1] & TDS_DONE_ATTENTION);
}

void tds_stream_free(struct tds_stream *stream)
{
	free(stream->kept);
	free(stream->columns);
}
