/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of TDS that the relay needs, from MS-TDS, and pure functions over hostile bytes: PRELOGIN, the reply to a
 * login, the columns of a result. Packet headers are big-endian, what is inside little-endian.
 */
#ifndef AGENT_NET_TDS_H
#define AGENT_NET_TDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TDS_HEADER_SIZE 8
/* With TLS a packet must fit into one record, so it must stay below 16 384; this is what LOGIN7 asks for. */
#define TDS_PACKET_SIZE 16000
#define TDS_STATUS_EOM 0x01

/* clang-format off */
enum tds_packet_type {
	TDS_BATCH = 0x01, TDS_RPC = 0x03, TDS_REPLY = 0x04, TDS_ATTENTION = 0x06, TDS_BULK = 0x07, TDS_TRANSACTION = 0x0e,
	TDS_LOGIN7 = 0x10, TDS_SSPI = 0x11, TDS_PRELOGIN = 0x12,
};
/* clang-format on */

/* clang-format off */
enum tds_token {
	TDS_TOKEN_RETURN_STATUS = 0x79, TDS_TOKEN_COLUMNS = 0x81, TDS_TOKEN_ORDER = 0xa9, TDS_TOKEN_ERROR = 0xaa,
	TDS_TOKEN_INFO = 0xab, TDS_TOKEN_LOGIN_ACK = 0xad, TDS_TOKEN_FEATURES = 0xae, TDS_TOKEN_ROW = 0xd1,
	TDS_TOKEN_NBC_ROW = 0xd2, TDS_TOKEN_CHANGE = 0xe3, TDS_TOKEN_SESSION_STATE = 0xe4, TDS_TOKEN_SSPI = 0xed,
	TDS_TOKEN_FED_AUTH = 0xee, TDS_TOKEN_DONE = 0xfd, TDS_TOKEN_DONE_PROC = 0xfe, TDS_TOKEN_DONE_IN_PROC = 0xff,
};
/* clang-format on */

#define TDS_DONE_SIZE 13
#define TDS_DONE_ERROR 0x0002
#define TDS_DONE_COUNT 0x0010
#define TDS_DONE_ATTENTION 0x0020
#define TDS_DONE_SERVER_ERROR 0x0100

enum tds_encryption {
	TDS_ENCRYPT_OFF = 0,
	TDS_ENCRYPT_ON = 1,
	TDS_ENCRYPT_NOT_SUPPORTED = 2,
	TDS_ENCRYPT_REQUIRED = 3
};

/* A packet's header, as it is on the wire. */
void tds_put_header(uint8_t header[TDS_HEADER_SIZE], enum tds_packet_type type, bool last, size_t payload, uint8_t id);
/* Bytes of the packet, header included. */
static inline size_t tds_packet_length(const uint8_t header[TDS_HEADER_SIZE])
{
	return (size_t)(header[2] << 8 | header[3]);
}

/* ---- PRELOGIN ---- */

#define TDS_PRELOGIN_MAX 1024

/* The payload that asks for `encryption`: no thread id, no MARS, no instance. Returns its size, below 64. */
size_t tds_prelogin_request(uint8_t payload[64], enum tds_encryption encryption);

/* Where the ENCRYPTION byte of a PRELOGIN payload is, or -EPROTO where options point outside or there is none. */
int tds_prelogin_encryption(const uint8_t *payload, size_t size);

/* ---- tokens of a reply ---- */

/*
 * The size of the token at `bytes`, COLUMNS included; 0 where it goes beyond `size`; -EPROTO where it is none that may
 * come there, or impossible. ROW has no size of its own: -ENOTSUP.
 */
int tds_token_size(const uint8_t *bytes, size_t size);

struct tds_login_reply {
	bool accepted;        /* LOGINACK was there */
	int version;          /* the server's major version, from LOGINACK */
	bool redirected;      /* ENVCHANGE 20 */
	uint32_t packet_size; /* ENVCHANGE 4, or 0 */
	char target[160];     /* where the redirection points, cleaned for people */
};

/* Walks over a whole reply to a login. -EPROTO where it is none. */
int tds_scan_login(const uint8_t *bytes, size_t size, struct tds_login_reply *reply);

/* One column of a COLMETADATA token. */
struct tds_column {
	const uint8_t *type_info;
	size_t type_info_size;
	uint16_t flags;
};

/* Columns in the token, which must be whole. */
size_t tds_column_count(const uint8_t *token, size_t size);
/* Column `index` of the token: 0, or -EPROTO where there is no such column. */
int tds_column(const uint8_t *token, size_t size, size_t index, struct tds_column *column);

#endif
