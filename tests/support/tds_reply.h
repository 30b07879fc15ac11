/* SPDX-License-Identifier: Apache-2.0 */
/* Puts the tokens of a server's reply together, byte for byte, for scripts of tls_peer. */
#ifndef TESTS_SUPPORT_TDS_REPLY_H
#define TESTS_SUPPORT_TDS_REPLY_H

#include <stddef.h>
#include <stdint.h>

struct tds_reply {
	uint8_t bytes[65536];
	size_t size;
};

void reply_bytes(struct tds_reply *reply, const void *bytes, size_t size);
void reply_u8(struct tds_reply *reply, unsigned value);
void reply_u16(struct tds_reply *reply, unsigned value);
void reply_u32(struct tds_reply *reply, uint32_t value);
void reply_utf16(struct tds_reply *reply, const char *ascii);

void reply_login_ack(struct tds_reply *reply, unsigned major_version);
void reply_packet_size(struct tds_reply *reply, const char *size);
void reply_routing(struct tds_reply *reply, const char *host, unsigned port);
void reply_error(struct tds_reply *reply, uint32_t number, unsigned severity, const char *text);
/* INTN(4) columns named a, b, c ... */
void reply_int_columns(struct tds_reply *reply, unsigned count);
void reply_int_row(struct tds_reply *reply, const int32_t *values, unsigned count);
void reply_done(struct tds_reply *reply, unsigned status, uint32_t rows);

#endif
