/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One client's connection as TDS packets, whatever lies beneath: clear, TLS inside PRELOGIN, TLS.
 *
 * Enforces what SQL Server enforces: a TLS record is never larger than the negotiated packet and holds exactly one; a
 * packet before the last of its message is exactly of the negotiated size. A breach is a line in the journal and
 * -EPROTO. Counts every packet and lets the faults strike.
 *
 * One thread receives and one sends at a time. Functions return 0 or a negative errno: -ECONNRESET when the client, a
 * fault, a kill or the server's end closed the connection.
 */
#ifndef TESTS_SQLSERVER_LINK_H
#define TESTS_SQLSERVER_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults.h"
#include "journal.h"
#include "tls.h"

#define PACKET_HEADER 8u
#define PACKET_DEFAULT 4096u
#define PACKET_LIMIT 32768u
#define PACKET_TLS_LIMIT 16383u

enum packet_type {
	PACKET_BATCH = 0x01,
	PACKET_RPC = 0x03,
	PACKET_REPLY = 0x04,
	PACKET_ATTENTION = 0x06,
	PACKET_BULK = 0x07,
	PACKET_TRANSACTION = 0x0e,
	PACKET_LOGIN7 = 0x10,
	PACKET_SSPI = 0x11,
	PACKET_PRELOGIN = 0x12,
};

enum packet_status { STATUS_EOM = 0x01, STATUS_IGNORE = 0x02, STATUS_RESET = 0x08, STATUS_RESET_SKIP = 0x10 };

struct packet {
	uint8_t type, status;
	const uint8_t *payload;
	size_t size;
};

struct link {
	int fd;
	int wake; /* eventfd: ends a link_wait early */
	struct faults *faults;
	struct journal *journal;
	struct tls_channel *tls; /* NULL: clear */
	bool record_rules;       /* TLS is raw now, and each record must be one packet */
	int session;             /* @@SPID; 0 before the login */
	uint32_t packet_size;    /* as negotiated */
	atomic_bool closed;
	atomic_uint_fast64_t received, sent; /* packets */
	size_t start, end;                   /* what lies in `plain` and was not taken yet */
	uint8_t plain[PACKET_LIMIT + TLS_RECORD_LIMIT];
};

/* Takes over a connected socket. The link is the caller's memory (it is large: not for a stack). */
int link_open(struct link *link, int fd, struct faults *faults, struct journal *journal);
void link_close(struct link *link);

/* From any thread: every call now and later ends with -ECONNRESET. */
void link_cut(struct link *link);

/* Looks at the first byte that a client sends without taking it. */
int link_first_byte(struct link *link, uint8_t *byte);

/* TLS handshakes: wrapped into PRELOGIN packets (TDS 7.x), or before all else (TDS 8.0). */
int link_start_wrapped_tls(struct link *link, struct tls_server *server);
int link_start_tls(struct link *link, struct tls_server *server);

/* Goes back to clear text, as ENCRYPT_OFF does after the login. */
void link_stop_tls(struct link *link);

/* The next packet. Its payload is valid until the next call. */
int link_receive(struct link *link, struct packet *packet);

/* As link_receive, but ends with -EAGAIN once someone writes to link->wake; what had arrived is kept. */
int link_wait(struct link *link, struct packet *packet);

/* Sends one packet. `packet` has PACKET_HEADER bytes of room for its header, then the payload of `size` bytes. */
int link_send(struct link *link, uint8_t type, uint8_t status, uint8_t *packet, size_t size);

/* A line in the journal; returns -EPROTO. */
int link_violation(struct link *link, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
