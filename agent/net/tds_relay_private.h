/* SPDX-License-Identifier: Apache-2.0 */
/* What tds_relay.c, the relay's life, and tds_pump.c, its thread's work, share. Not for others. */
#ifndef AGENT_NET_TDS_RELAY_PRIVATE_H
#define AGENT_NET_TDS_RELAY_PRIVATE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "agent/net/tds_connect.h"
#include "agent/net/tds_relay.h"
#include "agent/net/tds_stream.h"

#define RELAY_UP_SIZE (2 * TLS_RECORD_MAX)

struct relay {
	pthread_t thread;
	sem_t go;
	atomic_bool stopping;
	atomic_int expect_seconds;
	atomic_uint calls; /* odd while somebody waits for us */
	atomic_ullong received;
	atomic_int server_version, packet_size;
	int socket, local;
	int login_seconds, stall_seconds;
	struct tds_connect connect;
	struct tls *tls;

	pthread_mutex_t lock; /* of what follows up to the blank line */
	struct sql_error error;
	struct tds_stream stream;

	/* Upstream: bytes from FreeTDS, whole packets of which become records. */
	uint8_t up[RELAY_UP_SIZE];
	size_t up_start, up_end;
	bool up_blocked; /* the packet at up_start was given to TLS and could not leave yet */
	bool prelogin_answered;

	/* Downstream: out points into down or held. */
	uint8_t down[TLS_RECORD_MAX];
	const uint8_t *out;
	size_t out_size;
	uint8_t *held; /* the packets of a reply to a login, until it has been looked through */
	size_t held_size;

	bool logged_in, awaiting, attention;
	bool began; /* bytes came since the last request */
	int64_t login_deadline_ms, request_ms, attention_ms, sent_ms, received_ms, idle_ms;
	unsigned idle_call;
};

/* Lets TLS write to and read from the socket without waiting: after the handshake. */
void relay_set_transport(struct relay *relay);
/* One round: what there is to move, the limits, waiting. 0, or the negative errno that ends the relay. */
int relay_turn(struct relay *relay);

#endif
