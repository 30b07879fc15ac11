/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/tds_reply.h"

#include <stdlib.h>
#include <string.h>

void reply_bytes(struct tds_reply *reply, const void *bytes, size_t size)
{
	if (size > sizeof(reply->bytes) - reply->size)
		abort();
	memcpy(reply->bytes + reply->size, bytes, size);
	reply->size += size;
}

void reply_u8(struct tds_reply *reply, unsigned value)
{
	reply_bytes(reply, &(uint8_t){ (uint8_t)value }, 1);
}

void reply_u16(struct tds_reply *reply, unsigned value)
{
	reply_u8(reply, value & 0xff);
	reply_u8(reply, value >> 8 & 0xff);
}

void reply_u32(struct tds_reply *reply, uint32_t value)
{
	reply_u16(reply, value & 0xffff);
	reply_u16(reply, value >> 16);
}

void reply_utf16(struct tds_reply *reply, const char *ascii)
{
	for (; *ascii; ascii++)
		reply_u16(reply, (uint8_t)*ascii);
}

void reply_login_ack(struct tds_reply *reply, unsigned major_version)
{
	static const char name[] = "Microsoft SQL Server";
	size_t units = sizeof(name) - 1;

	reply_u8(reply, 0xad);
	reply_u16(reply, (unsigned)(1 + 4 + 1 + 2 * units + 4));
	reply_u8(reply, 1);
	reply_bytes(reply, "\x74\x00\x00\x04", 4);
	reply_u8(reply, (unsigned)units);
	reply_utf16(reply, name);
	reply_u8(reply, major_version);
	reply_bytes(reply, "\0\x10\0", 3);
}

void reply_packet_size(struct tds_reply *reply, const char *size)
{
	size_t units = strlen(size);

	reply_u8(reply, 0xe3);
	reply_u16(reply, (unsigned)(1 + 1 + 2 * units + 1 + 2 * 4));
	reply_u8(reply, 4);
	reply_u8(reply, (unsigned)units);
	reply_utf16(reply, size);
	reply_u8(reply, 4);
	reply_utf16(reply, "4096");
}

void reply_routing(struct tds_reply *reply, const char *host, unsigned port)
{
	size_t units = strlen(host);

	reply_u8(reply, 0xe3);
	reply_u16(reply, (unsigned)(1 + 2 + 1 + 2 + 2 + 2 * units + 2));
	reply_u8(reply, 20);
	reply_u16(reply, (unsigned)(1 + 2 + 2 + 2 * units));
	reply_u8(reply, 0);
	reply_u16(reply, port);
	reply_u16(reply, (unsigned)units);
	reply_utf16(reply, host);
	reply_u16(reply, 0);
}

void reply_error(struct tds_reply *reply, uint32_t number, unsigned severity, const char *text)
{
	size_t units = strlen(text);

	reply_u8(reply, severity > 10 ? 0xaa : 0xab);
	reply_u16(reply, (unsigned)(4 + 1 + 1 + 2 + 2 * units + 1 + 1 + 4));
	reply_u32(reply, number);
	reply_u8(reply, 3);
	reply_u8(reply, severity);
	reply_u16(reply, (unsigned)units);
	reply_utf16(reply, text);
	reply_u8(reply, 0);
	reply_u8(reply, 0);
	reply_u32(reply, 1);
}

void reply_int_columns(struct tds_reply *reply, unsigned count)
{
	reply_u8(reply, 0x81);
	reply_u16(reply, count);
	for (unsigned i = 0; i < count; i++) {
		reply_u32(reply, 0);
		reply_u16(reply, 9);
		reply_u16(reply, 0x0426);
		reply_u8(reply, 1);
		reply_u16(reply, 'a' + i);
	}
}

void reply_int_row(struct tds_reply *reply, const int32_t *values, unsigned count)
{
	reply_u8(reply, 0xd1);
	for (unsigned i = 0; i < count; i++) {
		reply_u8(reply, 4);
		reply_u32(reply, (uint32_t)values[i]);
	}
}

void reply_done(struct tds_reply *reply, unsigned status, uint32_t rows)
{
	reply_u8(reply, 0xfd);
	reply_u16(reply, status);
	reply_u16(reply, 0xc1);
	reply_u32(reply, rows);
	reply_u32(reply, 0);
}
