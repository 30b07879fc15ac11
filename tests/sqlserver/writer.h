/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message on its way to the client: bytes gather into packets of the negotiated size and leave when one is full.
 *
 * The first error stays: later puts do nothing, and writer_end returns it. A full packet waits until more follows, so
 * that the last packet of a message always carries EOM.
 */
#ifndef TESTS_SQLSERVER_WRITER_H
#define TESTS_SQLSERVER_WRITER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "bytes.h"
#include "link.h"

struct writer {
	struct link *link;
	int error;
	size_t used; /* bytes of payload in `packet` */
	size_t room; /* payload bytes of a whole packet */
	uint8_t packet[PACKET_LIMIT];
};

void writer_open(struct writer *writer, struct link *link);

/* After the packet size was negotiated anew; only between messages. */
void writer_resize(struct writer *writer);

void writer_put_slowly(struct writer *writer, const void *data, size_t size);

static inline void writer_put(struct writer *writer, const void *data, size_t size)
{
	if (size > writer->room - writer->used) {
		writer_put_slowly(writer, data, size);
	} else if (size) {
		memcpy(writer->packet + PACKET_HEADER + writer->used, data, size);
		writer->used += size;
	}
}

static inline void writer_put8(struct writer *writer, uint8_t value)
{
	writer_put(writer, &value, 1);
}

static inline void writer_put16(struct writer *writer, uint16_t value)
{
	uint8_t bytes[2];

	put16le(bytes, value);
	writer_put(writer, bytes, sizeof(bytes));
}

static inline void writer_put32(struct writer *writer, uint32_t value)
{
	uint8_t bytes[4];

	put32le(bytes, value);
	writer_put(writer, bytes, sizeof(bytes));
}

static inline void writer_put64(struct writer *writer, uint64_t value)
{
	uint8_t bytes[8];

	put64le(bytes, value);
	writer_put(writer, bytes, sizeof(bytes));
}

/* B_VARCHAR and US_VARCHAR: UTF-16LE after its length in code units (one or two bytes). Too long is cut. */
void writer_put_name(struct writer *writer, const char *utf8);
void writer_put_text(struct writer *writer, const char *utf8);

/* Sends what has gathered although its packet is not full. */
int writer_flush(struct writer *writer);

/* Ends the message with EOM. */
int writer_end(struct writer *writer);

#endif
