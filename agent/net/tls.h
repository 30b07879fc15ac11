/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The room of TLS: the only code that knows mbedTLS's SSL. A channel is one connection, over a transport that its owner
 * provides; it belongs to one thread at a time.
 *
 * A channel trusts by certificate authorities and the name in the certificate, by the SHA-256 of the certificate (a
 * pin), or by both at once; one of them must be given. All is decided inside the handshake, before the client has sent
 * anything but its hello: after tls_handshake has returned 0 the peer is who it should be.
 */
#ifndef AGENT_NET_TLS_H
#define AGENT_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TLS_RECORD_MAX 16384 /* bytes of plain text in a record */

enum tls_problem {
	TLS_FINE = 0,
	TLS_PROBLEM_SETTINGS,    /* the authorities are no PEM, or there is nothing to trust by */
	TLS_PROBLEM_HANDSHAKE,   /* no version or cipher in common, an alert, a broken message */
	TLS_PROBLEM_OLD,         /* the peer knows only TLS 1.0 or 1.1 */
	TLS_PROBLEM_CERTIFICATE, /* issuer, validity, key */
	TLS_PROBLEM_NAME,        /* good, but for another name */
	TLS_PROBLEM_PIN,         /* not the pinned certificate */
	TLS_PROBLEM_PROTOCOL,    /* the ALPN that was asked for was not agreed on */
	TLS_PROBLEM_LOST,        /* the transport ended or failed */
	TLS_PROBLEM_TIMEOUT,     /* the transport said -ETIMEDOUT */
};

/* Bytes moved, 0 at the end of the stream (receive only), or a negative errno; -EAGAIN: not now. */
struct tls_transport {
	void *arg;
	ssize_t (*send)(void *arg, const void *bytes, size_t size);
	ssize_t (*receive)(void *arg, void *bytes, size_t size);
};

struct tls_client_options {
	const char *name;        /* that the certificate must carry; sent as SNI unless it is an IP address */
	const char *authorities; /* PEM; NULL or "": only the pin counts */
	const uint8_t *pin;      /* 32 bytes; NULL: none */
	const char *alpn;        /* that must be agreed on; NULL: none. Static. */
	bool legacy;             /* TLS 1.0 and 1.1 too */
};

struct tls;

/* Copies what it needs of the options. -EINVAL (ask tls_problem), -ENOMEM. *tls is to be freed in every case but -ENOMEM. */
int tls_client(struct tls **tls, const struct tls_client_options *options);
void tls_free(struct tls *tls);

/* May be changed between calls: the handshake of TDS 7 travels in other clothes than what follows. */
void tls_set_transport(struct tls *tls, const struct tls_transport *transport);

/* 0 when complete; -EAGAIN when the transport says so; -EPROTO for any problem: tls_problem and tls_detail say which. */
int tls_handshake(struct tls *tls);

/* Bytes of one record, 0 at the end of the stream, -EAGAIN, -EPROTO. Give room for TLS_RECORD_MAX. */
ssize_t tls_read(struct tls *tls, void *bytes, size_t size);

/* One record of exactly these bytes, size <= TLS_RECORD_MAX: 0, -EPROTO, or -EAGAIN: call again with the same bytes. */
int tls_write(struct tls *tls, const void *bytes, size_t size);

/* Tells the peer, if that can be done without waiting. */
void tls_goodbye(struct tls *tls);

enum tls_problem tls_problem(const struct tls *tls);
/* In words for people: names in the certificate, old and new fingerprint, mbedTLS's own text. */
const char *tls_detail(const struct tls *tls);

/* After the handshake: "TLS 1.2, ECDHE-RSA-AES256-GCM-SHA384". */
const char *tls_description(const struct tls *tls);
/* 32 bytes, of the peer's certificate as soon as it was seen, else all zero. */
const uint8_t *tls_certificate_sha256(const struct tls *tls);
/* The names that the peer's certificate is for, comma-separated; "" before it was seen. */
const char *tls_certificate_names(const struct tls *tls);

/* Frees what only a handshake needs: the authorities and the peer's chain. */
void tls_forget_authorities(struct tls *tls);

#endif
