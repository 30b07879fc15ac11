/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The relay between FreeTDS, which speaks plain TDS into one end of a socketpair, and the server, which is spoken to
 * through TLS only: one TDS packet in one TLS record, whole packets in both directions, nothing before the server has
 * proved who it is.
 *
 * relay_open makes the relay's thread and all its memory; relay_connect does PRELOGIN and the handshake in the caller's
 * thread; relay_start hands the connection to the relay's thread. The relay answers FreeTDS's own PRELOGIN itself.
 *
 * It refuses servers that would not encrypt, redirections, packets larger than a TLS record, and anything that is no
 * TDS; and it keeps the time: of the login, of a stalled answer, of an answer that does not begin. Its first error is
 * kept, and says more than what FreeTDS then makes of a closed socket.
 */
#ifndef AGENT_NET_TDS_RELAY_H
#define AGENT_NET_TDS_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/net/sql_error.h"

struct relay;

struct relay_options {
	int socket; /* connected TCP socket; the relay owns it from relay_open on, also when that fails */
	const char *host;
	const char *certificate_name; /* NULL: host */
	const char *authorities;      /* PEM, or NULL */
	const uint8_t *pin;           /* 32 bytes, or NULL */
	bool strict;                  /* TDS 8.0: TLS first */
	bool legacy_tls;
	int login_seconds; /* for the handshake, and again for the login */
	int stall_seconds; /* no byte in mid-answer, or none taken while we send */
};

/* Borrows the options' strings until relay_connect has returned. */
int relay_open(struct relay **relay, const struct relay_options *options, struct sql_error *error);
/* 0, or -EIO with *error. */
int relay_connect(struct relay *relay, struct sql_error *error);
/* The relay takes local, one end of a socketpair, and shuts it down when the connection ends. */
void relay_start(struct relay *relay, int local);
/* Ends everything and frees the relay. NULL is nothing. */
void relay_close(struct relay *relay);

/* The seconds within which the answers to coming requests must begin; 0: no limit. */
void relay_expect(struct relay *relay, int seconds);
/*
 * The caller is about to enter, or has left, code that waits for the relay. While it waits although the answer has
 * ended and was taken, it waits for nothing: FreeTDS 1.3 does so when an answer is too short. The relay then hangs up.
 */
void relay_enter(struct relay *relay);
void relay_leave(struct relay *relay);

/* True, with a copy of the first error, once there is one. */
bool relay_error(struct relay *relay, struct sql_error *error);

/* The first COLMETADATA token of the last answer. Returns the length of the column's TYPE_INFO, 0 if there is none. */
size_t relay_type_info(struct relay *relay, size_t column, const void **bytes, uint16_t *flags);

/* The server's major version, as its answer to the login said. */
int relay_server_version(struct relay *relay);
/* What the login agreed on: every packet of a message but its last has exactly this size. */
size_t relay_packet_size(struct relay *relay);

/* Bytes of packets that came from the server so far. */
uint64_t relay_received(struct relay *relay);

const char *relay_tls_description(const struct relay *relay);
const uint8_t *relay_certificate_sha256(const struct relay *relay);

#define RELAY_HANG_SECONDS 5
#define RELAY_ATTENTION_SECONDS 60

#endif
