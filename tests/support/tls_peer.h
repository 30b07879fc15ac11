/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other end of a TLS connection, for tests: a thread with mbedTLS's server side on one end of a socketpair, which
 * can answer PRELOGIN as SQL Server does, and then plays a script. The stand-in server is for everything larger.
 */
#ifndef TESTS_SUPPORT_TLS_PEER_H
#define TESTS_SUPPORT_TLS_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tls_peer;

typedef void tls_peer_script(struct tls_peer *peer, void *arg);

struct tls_peer_options {
	const char *certificate, *key;  /* names in the directory of certificates */
	int maximum;                    /* 10, 11, 12 for TLS 1.0, 1.1, 1.2; 0: 1.2 */
	const char *alpn;               /* that it knows; NULL: none */
	bool prelogin;                  /* TLS inside PRELOGIN packets, after a PRELOGIN in clear */
	int encryption;                 /* what PRELOGIN answers; -1: ENCRYPT_ON */
	const uint8_t *prelogin_answer; /* the payload instead of a good one */
	size_t prelogin_answer_size;
	tls_peer_script *script; /* runs once the handshake is complete */
	void *arg;
};

/* Starts it; the client's end of the connection is *client. The directory is made once, by tests/support/certificates. */
struct tls_peer *tls_peer_start(const struct tls_peer_options *options, int *client);
/* The same on a TCP port of 127.0.0.1, for one connection. */
struct tls_peer *tls_peer_listen(const struct tls_peer_options *options, uint16_t *port);
/* Waits for its end. Did the handshake complete? */
bool tls_peer_end(struct tls_peer *peer);

/* For scripts: plain text in and out. A record is what one call of the client wrote. -1 at the end. */
ssize_t tls_peer_read_record(struct tls_peer *peer, uint8_t *bytes, size_t size);
void tls_peer_write(struct tls_peer *peer, const void *bytes, size_t size);
/* A whole TDS packet. Its length, or -1. */
ssize_t tls_peer_read_packet(struct tls_peer *peer, uint8_t packet[65536]);
/* One packet of the type, with the payload. */
void tls_peer_write_packet(struct tls_peer *peer, uint8_t type, bool last, const void *payload, size_t size);
/* Cuts the connection now. */
void tls_peer_cut(struct tls_peer *peer);

/* Its path; valid for the next three calls too. */
const char *tls_peer_path(const char *name);
/* A file of the directory of certificates, as text; to be freed. */
char *tls_peer_file(const char *name);
void tls_peer_sha256(const char *certificate, uint8_t sha256[32]);

#endif
