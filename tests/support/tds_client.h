/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A TDS client for tests of the stand-in server: it does what the test says, right or wrong, and asserts (cmocka)
 * where the connection itself fails. Nothing of it is shared with the server but the specification.
 */
#ifndef TESTS_SUPPORT_TDS_CLIENT_H
#define TESTS_SUPPORT_TDS_CLIENT_H

#include <mbedtls/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* TDS_NO_ALPN is TDS_STRICT without the ALPN that it needs. */
enum tds_security { TDS_CLEAR, TDS_LOGIN_ONLY, TDS_ENCRYPTED, TDS_STRICT, TDS_NO_ALPN };

struct tds_client {
	int fd;
	enum tds_security security;
	bool encrypted, wrapping;
	uint32_t packet_size;
	uint8_t id;
	uint64_t descriptor; /* for ALL_HEADERS */
	mbedtls_ssl_config config;
	mbedtls_ssl_context ssl;
	uint8_t wrapped[65536]; /* handshake bytes out of PRELOGIN packets */
	size_t wrapped_start, wrapped_end;
	uint8_t flight[16384]; /* handshake bytes to go into one */
	size_t flight_size;
};

/* Bytes to send or that were received. */
struct tds_bytes {
	uint8_t *data;
	size_t size, capacity;
};

void tds_put(struct tds_bytes *bytes, const void *data, size_t size);
void tds_put8(struct tds_bytes *bytes, unsigned value);
void tds_put16(struct tds_bytes *bytes, unsigned value);
void tds_put32(struct tds_bytes *bytes, uint32_t value);
void tds_put64(struct tds_bytes *bytes, uint64_t value);
void tds_put_ascii(struct tds_bytes *bytes, const char *text); /* as UTF-16LE */
void tds_free(struct tds_bytes *bytes);

/* ALL_HEADERS with the client's transaction descriptor. */
void tds_put_headers(struct tds_bytes *bytes, const struct tds_client *client);

/* Connects and does PRELOGIN and TLS. Returns PRELOGIN's encryption answer, or -1 where the server hung up. */
int tds_connect(struct tds_client *client, uint16_t port, enum tds_security security);
void tds_close(struct tds_client *client);

struct tds_login {
	const char *user, *password, *database;
	uint32_t packet_size; /* 0: 4096 */
	uint32_t tds_version; /* 0: 7.4 */
	bool odbc;
};

/* Sends LOGIN7 and receives the answer. False where the server hung up instead. */
bool tds_login(struct tds_client *client, const struct tds_login *login, struct tds_bytes *answer);

/* One packet with its header; under TLS in one record. False where the server has hung up. */
bool tds_send_packet(struct tds_client *client, uint8_t type, uint8_t status, const void *payload, size_t size);

/* A message in packets of the negotiated size. */
bool tds_send(struct tds_client *client, uint8_t type, const struct tds_bytes *message);

/* ALL_HEADERS and an ASCII statement as a batch. */
bool tds_send_batch(struct tds_client *client, const char *text);

/* Bytes as they are, in one record under TLS. */
bool tds_send_raw(struct tds_client *client, const void *data, size_t size);

/* One packet's payload, appended. Returns its status, or -1 where the server hung up. */
int tds_receive_packet(struct tds_client *client, struct tds_bytes *payload);

/* A whole message. False where the server hung up before its end (what came is in `message`). */
bool tds_receive(struct tds_client *client, struct tds_bytes *message);

/* Finds an ERROR or INFO token by its number. */
bool tds_has_message(const struct tds_bytes *message, int32_t number);

/* The last DONE, DONEPROC or DONEINPROC: its status; -1 if the message does not end with one. */
int tds_last_done(const struct tds_bytes *message, uint64_t *rows);

#endif
