/* SPDX-License-Identifier: Apache-2.0 */
#include "writer.h"

#include "wire_text.h"

#define NAME_UNITS 255u
#define TEXT_UNITS 4000u

void writer_open(struct writer *writer, struct link *link)
{
	writer->link = link;
	writer->error = 0;
	writer->used = 0;
	writer_resize(writer);
}

void writer_resize(struct writer *writer)
{
	writer->room = writer->link->packet_size - PACKET_HEADER;
}

static void send_packet(struct writer *writer, uint8_t status)
{
	if (!writer->error)
		writer->error = link_send(writer->link, PACKET_REPLY, status, writer->packet, writer->used);
	writer->used = 0;
}

void writer_put_slowly(struct writer *writer, const void *data, size_t size)
{
	const uint8_t *from = data;

	while (size) {
		if (writer->used == writer->room)
			send_packet(writer, 0);
		size_t here = writer->room - writer->used;
		if (here > size)
			here = size;
		memcpy(writer->packet + PACKET_HEADER + writer->used, from, here);
		writer->used += here;
		from += here;
		size -= here;
	}
}

void writer_put_name(struct writer *writer, const char *utf8)
{
	uint8_t units[2 * NAME_UNITS];
	size_t size = utf16_from_utf8(units, sizeof(units), utf8);

	writer_put8(writer, (uint8_t)(size / 2));
	writer_put(writer, units, size);
}

void writer_put_text(struct writer *writer, const char *utf8)
{
	uint8_t units[2 * TEXT_UNITS];
	size_t size = utf16_from_utf8(units, sizeof(units), utf8);

	writer_put16(writer, (uint16_t)(size / 2));
	writer_put(writer, units, size);
}

int writer_flush(struct writer *writer)
{
	if (writer->used)
		send_packet(writer, 0);
	return writer->error;
}

int writer_end(struct writer *writer)
{
	send_packet(writer, STATUS_EOM);
	int error = writer->error;
	writer->error = 0;
	return error;
}
