/* SPDX-License-Identifier: Apache-2.0 */
#include "message.h"

#include <errno.h>
#include <stdlib.h>

static void take_packet(struct message *message, const struct packet *packet)
{
	message->at = packet->payload;
	message->end = packet->payload + packet->size;
	message->last = packet->status & STATUS_EOM;
	message->ignored = packet->status & STATUS_IGNORE;
}

int message_open(struct message *message, struct link *link, const struct packet *first)
{
	struct packet packet;

	*message = (struct message){ .link = link };
	if (!first) {
		int error = link_receive(link, &packet);

		if (error)
			return error;
		first = &packet;
	}
	message->type = first->type;
	message->status = first->status;
	take_packet(message, first);
	return 0;
}

static int next_packet(struct message *message)
{
	struct packet packet;
	int error = link_receive(message->link, &packet);

	if (error)
		return error;
	if (packet.type == PACKET_ATTENTION) {
		message->last = message->ignored = message->attention = true;
		message->at = message->end = NULL;
		return 0;
	}
	if (packet.type != message->type)
		return link_violation(
			message->link, "a packet of type 0x%02x within a message of type 0x%02x", packet.type, message->type);
	take_packet(message, &packet);
	return 0;
}

int message_read_slowly(struct message *message, void *to, size_t size)
{
	uint8_t *target = to;
	size_t got = 0;

	while (got < size) {
		size_t here = (size_t)(message->end - message->at);

		if (here > size - got)
			here = size - got;
		if (here)
			memcpy(target + got, message->at, here);
		message->at += here;
		got += here;
		if (got == size)
			break;
		if (message->last)
			return message->ignored ? -ECANCELED : got ? -EBADMSG : -ENODATA;
		int error = next_packet(message);
		if (error)
			return error;
	}
	return 0;
}

int message_skip(struct message *message, size_t size)
{
	uint8_t scratch[512];
	int error = 0;

	while (size && !error) {
		size_t part = size < sizeof(scratch) ? size : sizeof(scratch);

		error = message_read(message, scratch, part);
		size -= part;
	}
	return error;
}

static int grow(uint8_t **data, size_t *capacity, size_t needed)
{
	if (needed <= *capacity)
		return 0;
	uint8_t *grown = realloc(*data, needed * 2);
	if (!grown)
		return -ENOMEM;
	*data = grown;
	*capacity = needed * 2;
	return 0;
}

int message_read_all(struct message *message, uint8_t **data, size_t *size, size_t limit)
{
	size_t capacity = 0, used = 0;
	int error = 0;

	*data = NULL;
	for (;;) {
		size_t here = (size_t)(message->end - message->at);

		error = used + here > limit ? -EMSGSIZE : grow(data, &capacity, used + here + 1);
		if (error)
			break;
		if (here)
			memcpy(*data + used, message->at, here);
		used += here;
		message->at = message->end;
		if (message->last)
			break;
		error = next_packet(message);
		if (error)
			break;
	}
	*size = used;
	if (!error && message->ignored)
		error = -ECANCELED;
	if (error) {
		free(*data);
		*data = NULL;
	}
	return error;
}

int message_drain(struct message *message)
{
	while (!message->last) {
		int error = next_packet(message);

		if (error)
			return error;
	}
	message->at = message->end;
	return 0;
}
