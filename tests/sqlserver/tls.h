/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's side of TLS, without a socket: ciphertext goes in and comes out of memory, so that the caller can wrap
 * a handshake flight into one PRELOGIN packet, cut a stream at any byte, and see where records end.
 *
 * One channel is used by two threads at most, a reader and a writer; it locks itself.
 */
#ifndef TESTS_SQLSERVER_TLS_H
#define TESTS_SQLSERVER_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_server;
struct tls_channel;

#define TLS_RECORD_LIMIT 16384u

struct tls_settings {
	const char *certificate; /* PEM file: the server's certificate, then what leads to its CA */
	const char *key;         /* PEM file */
	int minimum, maximum;    /* 10, 11 or 12 for TLS 1.0, 1.1, 1.2 */
	const char *ciphers;     /* comma-separated mbedTLS names; NULL for what Schannel offers */
};

/* -EINVAL for an unknown version or cipher, -EBADMSG for files that mbedTLS cannot use (it says why on stderr). */
int tls_server_open(struct tls_server **server, const struct tls_settings *settings);
void tls_server_close(struct tls_server *server);

/* direct: TLS before anything else (TDS 8.0), for which the ALPN tds/8.0 is offered. */
int tls_open(struct tls_channel **channel, struct tls_server *server, bool direct);
void tls_close(struct tls_channel *channel);

/* Gives received ciphertext. -ENOMEM. */
int tls_feed(struct tls_channel *channel, const void *ciphertext, size_t size);

/* Goes on with the handshake: 1 when it is complete, 0 when it wants more input, -EPROTO when it failed. */
int tls_handshake(struct tls_channel *channel);

/* True if the handshake agreed on the ALPN tds/8.0. */
bool tls_is_tds8(const struct tls_channel *channel);

/* One record's plaintext (at most TLS_RECORD_LIMIT bytes): its size, -EAGAIN for more input, 0 at close_notify, -EPROTO. */
int tls_read_record(struct tls_channel *channel, uint8_t *plain, size_t capacity);

/* Encrypts, in one record if size <= TLS_RECORD_LIMIT. */
int tls_write(struct tls_channel *channel, const uint8_t *plain, size_t size);

/* Takes the ciphertext that waits to be sent, the alert of a failed handshake too. Valid until the next call. */
const uint8_t *tls_pending(struct tls_channel *channel, size_t *size);

/* "TLSv1.2 TLS-ECDHE-..." of a complete handshake; static text of mbedTLS. */
const char *tls_version(struct tls_channel *channel);
const char *tls_cipher(struct tls_channel *channel);

/* What mbedTLS said of the last failure. */
const char *tls_error(struct tls_channel *channel);

#endif
