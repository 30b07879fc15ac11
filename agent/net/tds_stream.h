/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the relay knows of the server's packets that pass by: where a message begins and ends, how it ended, and the
 * columns of its first result. Bytes may be split anywhere. Holds at most TDS_STREAM_LIMIT bytes of a message.
 */
#ifndef AGENT_NET_TDS_STREAM_H
#define AGENT_NET_TDS_STREAM_H

#include "agent/net/tds.h"

#define TDS_STREAM_LIMIT (512u * 1024)

struct tds_stream {
	uint8_t header[TDS_HEADER_SIZE];
	size_t header_size;          /* bytes of the header that have come */
	size_t payload_left;         /* of the packet that is passing */
	bool in_message;             /* a message has begun and not ended */
	uint64_t messages;           /* that have passed whole */
	uint8_t tail[TDS_DONE_SIZE]; /* the last bytes of the message so far */
	size_t tail_size;

	bool collect_all; /* keep the whole message: a reply to a login */
	bool looking;     /* for the columns */
	uint8_t *kept;    /* the message from its beginning, less the tokens that were looked at */
	size_t kept_size, kept_capacity;
	uint8_t *columns; /* the COLMETADATA token */
	size_t columns_size;
};

/* -EPROTO: no packet of a server. -EMSGSIZE: more than may be collected. -ENOMEM. The stream is then of no use. */
int tds_stream_pass(struct tds_stream *stream, const uint8_t *bytes, size_t size);

/* True where the last whole message ended with the acknowledgement of an attention. */
bool tds_stream_acknowledged(const struct tds_stream *stream);

void tds_stream_free(struct tds_stream *stream);

#endif
