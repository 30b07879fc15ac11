/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request as a stream of bytes, whatever packets it came in. Nothing of it is kept but the packet at hand.
 */
#ifndef TESTS_SQLSERVER_MESSAGE_H
#define TESTS_SQLSERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "link.h"

struct message {
	struct link *link;
	uint8_t type, status; /* of its first packet */
	bool last;            /* the packet at hand has EOM */
	bool ignored;         /* it ended with the IGNORE bit, or with an attention: the client took it back */
	bool attention;       /* it ended with an attention */
	const uint8_t *at, *end;
};

/* Waits for a request, or takes the one whose first packet has already come (not NULL). */
int message_open(struct message *message, struct link *link, const struct packet *first);

/* -ENODATA where the message ends before the first byte, -EBADMSG where it ends in between, -ECANCELED if ignored. */
int message_read_slowly(struct message *message, void *to, size_t size);

static inline int message_read(struct message *message, void *to, size_t size)
{
	if ((size_t)(message->end - message->at) < size)
		return message_read_slowly(message, to, size);
	memcpy(to, message->at, size);
	message->at += size;
	return 0;
}

/* Reads the rest into malloc'ed memory that the caller frees. -EMSGSIZE above `limit` bytes. */
int message_read_all(struct message *message, uint8_t **data, size_t *size, size_t limit);

/* Reads and forgets so many bytes. */
int message_skip(struct message *message, size_t size);

/* Reads and forgets the rest. */
int message_drain(struct message *message);

#endif
