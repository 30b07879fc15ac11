/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/tds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NO_COLUMNS 0xffff

static uint16_t get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static uint32_t get32(const uint8_t *bytes)
{
	return get16(bytes) | (uint32_t)get16(bytes + 2) << 16;
}

void tds_put_header(uint8_t header[TDS_HEADER_SIZE], enum tds_packet_type type, bool last, size_t payload, uint8_t id)
{
	size_t size = payload + TDS_HEADER_SIZE;

	header[0] = (uint8_t)type;
	header[1] = last ? TDS_STATUS_EOM : 0;
	header[2] = (uint8_t)(size >> 8);
	header[3] = (uint8_t)size;
	header[4] = header[5] = 0;
	header[6] = id;
	header[7] = 0;
}

/* ---- PRELOGIN: a table of (option, offset, length), big-endian, ended by 0xff ---- */

enum prelogin_option { OPTION_VERSION = 0, OPTION_ENCRYPTION = 1, OPTION_END = 0xff };

size_t tds_prelogin_request(uint8_t payload[64], enum tds_encryption encryption)
{
	/* clang-format off */
	static const uint8_t request[] = {
		0, 0, 26, 0, 6,  /* VERSION */
		1, 0, 32, 0, 1,  /* ENCRYPTION */
		2, 0, 33, 0, 1,  /* INSTOPT */
		3, 0, 34, 0, 4,  /* THREADID: ours is nobody's business */
		4, 0, 38, 0, 1,  /* MARS */
		OPTION_END,
		1, 0, 0, 0, 0, 0,
		0,
		0,
		0, 0, 0, 0,
		0,
	};
	/* clang-format on */

	memcpy(payload, request, sizeof(request));
	payload[32] = (uint8_t)encryption;
	return sizeof(request);
}

int tds_prelogin_encryption(const uint8_t *payload, size_t size)
{
	int found = -EPROTO;

	for (size_t at = 0; at < size && payload[at] != OPTION_END; at += 5) {
		if (size - at < 5)
			return -EPROTO;

		size_t offset = (size_t)(payload[at + 1] << 8 | payload[at + 2]);
		size_t length = (size_t)(payload[at + 3] << 8 | payload[at + 4]);

		if (offset > size || length > size - offset)
			return -EPROTO;
		/* Twice would leave it to each reader which one counts. */
		if (payload[at] == OPTION_ENCRYPTION && (length != 1 || found >= 0))
			return -EPROTO;
		if (payload[at] == OPTION_ENCRYPTION)
			found = (int)offset;
	}
	return found;
}

/* ---- a bounded cursor; running out of bytes is not an error but a wish for more ---- */

struct cursor {
	const uint8_t *bytes;
	size_t size, at;
	bool short_of; /* wanted bytes beyond the end */
	bool wrong;    /* met what cannot be */
};

static const uint8_t *take(struct cursor *cursor, size_t size)
{
	if (cursor->wrong || cursor->short_of || size > cursor->size - cursor->at) {
		cursor->short_of = true;
		return NULL;
	}

	const uint8_t *bytes = cursor->bytes + cursor->at;

	cursor->at += size;
	return bytes;
}

static uint8_t take8(struct cursor *cursor)
{
	const uint8_t *bytes = take(cursor, 1);

	return bytes ? bytes[0] : 0;
}

static uint16_t take16(struct cursor *cursor)
{
	const uint8_t *bytes = take(cursor, 2);

	return bytes ? get16(bytes) : 0;
}

static uint32_t take32(struct cursor *cursor)
{
	const uint8_t *bytes = take(cursor, 4);

	return bytes ? get32(bytes) : 0;
}

/* ---- columns ---- */

static void skip_short_text(struct cursor *cursor)
{
	take(cursor, (size_t)take8(cursor) * 2);
}

static void skip_long_text(struct cursor *cursor)
{
	take(cursor, (size_t)take16(cursor) * 2);
}

static void skip_udt(struct cursor *cursor)
{
	take16(cursor);
	skip_short_text(cursor);
	skip_short_text(cursor);
	skip_short_text(cursor);
	skip_long_text(cursor);
}

static void skip_xml(struct cursor *cursor)
{
	if (!take8(cursor))
		return;
	skip_short_text(cursor);
	skip_short_text(cursor);
	skip_long_text(cursor);
}

/* Bytes that follow a type in its TYPE_INFO, or -1 for one of varying size or none at all. */
/* clang-format off */
static int type_tail(uint8_t type)
{
	switch (type) {
	case 0x1f: case 0x30: case 0x32: case 0x34: case 0x38: case 0x3a: case 0x3b: case 0x3c: case 0x3d: case 0x3e:
	case 0x7a: case 0x7f: case 0x28:
		return 0; /* of fixed size, and date */
	case 0x24: case 0x26: case 0x68: case 0x6d: case 0x6e: case 0x6f: case 0x29: case 0x2a: case 0x2b:
		return 1; /* a length, or a scale */
	case 0x37: case 0x3f: case 0x6a: case 0x6c:
		return 3; /* length, precision, scale */
	case 0xa5: case 0xad:
		return 2;
	case 0xa7: case 0xaf: case 0xe7: case 0xef:
		return 7; /* length and collation */
	case 0x22: case 0x62:
		return 4;
	case 0x23: case 0x63:
		return 9;
	default:
		return -1;
	}
}
/* clang-format on */

static void skip_type_info(struct cursor *cursor, uint8_t type)
{
	int tail = type_tail(type);

	if (cursor->short_of)
		return;
	if (tail >= 0)
		take(cursor, (size_t)tail);
	else if (type == 0xf1)
		skip_xml(cursor);
	else if (type == 0xf0)
		skip_udt(cursor);
	else
		cursor->wrong = true;
}

static void take_column(struct cursor *cursor, struct tds_column *column)
{
	take32(cursor); /* user type */
	column->flags = take16(cursor);
	column->type_info = cursor->bytes + cursor->at;

	size_t start = cursor->at;
	uint8_t type = take8(cursor);

	skip_type_info(cursor, type);
	column->type_info_size = cursor->at - start;
	/* text, ntext, image name their table */
	if (type == 0x22 || type == 0x23 || type == 0x63)
		for (uint8_t parts = take8(cursor); parts && !cursor->short_of; parts--)
			skip_long_text(cursor);
	skip_short_text(cursor);
}

static void skip_columns(struct cursor *cursor)
{
	uint16_t count = take16(cursor);
	struct tds_column column;

	if (count == NO_COLUMNS)
		return;
	while (count-- && !cursor->short_of && !cursor->wrong)
		take_column(cursor, &column);
}

size_t tds_column_count(const uint8_t *token, size_t size)
{
	uint16_t count = size >= 3 ? get16(token + 1) : NO_COLUMNS;

	return count == NO_COLUMNS ? 0 : count;
}

int tds_column(const uint8_t *token, size_t size, size_t index, struct tds_column *column)
{
	struct cursor cursor = { .bytes = token, .size = size, .at = 3 };

	if (index >= tds_column_count(token, size))
		return -EPROTO;
	for (size_t i = 0; i <= index; i++)
		take_column(&cursor, column);
	return cursor.short_of || cursor.wrong ? -EPROTO : 0;
}

/* ---- tokens ---- */

static void skip_features(struct cursor *cursor)
{
	while (!cursor->short_of && take8(cursor) != 0xff)
		take(cursor, take32(cursor));
}

/* clang-format off */
static void skip_token(struct cursor *cursor)
{
	switch (take8(cursor)) {
	case TDS_TOKEN_RETURN_STATUS:
		take(cursor, 4);
		break;
	case TDS_TOKEN_DONE: case TDS_TOKEN_DONE_PROC: case TDS_TOKEN_DONE_IN_PROC:
		take(cursor, TDS_DONE_SIZE - 1);
		break;
	case TDS_TOKEN_ORDER: case TDS_TOKEN_ERROR: case TDS_TOKEN_INFO: case TDS_TOKEN_LOGIN_ACK: case TDS_TOKEN_CHANGE:
	case TDS_TOKEN_SSPI:
		take(cursor, take16(cursor));
		break;
	case TDS_TOKEN_SESSION_STATE: case TDS_TOKEN_FED_AUTH:
		take(cursor, take32(cursor));
		break;
	case TDS_TOKEN_FEATURES:
		skip_features(cursor);
		break;
	case TDS_TOKEN_COLUMNS:
		skip_columns(cursor);
		break;
	default:
		cursor->wrong = !cursor->short_of;
	}
}
/* clang-format on */

int tds_token_size(const uint8_t *bytes, size_t size)
{
	struct cursor cursor = { .bytes = bytes, .size = size < INT32_MAX ? size : INT32_MAX };

	if (size && (bytes[0] == TDS_TOKEN_ROW || bytes[0] == TDS_TOKEN_NBC_ROW))
		return -ENOTSUP;
	skip_token(&cursor);
	if (cursor.wrong)
		return -EPROTO;
	return cursor.short_of ? 0 : (int)cursor.at;
}

/* ---- the reply to a login ---- */

enum change_type { CHANGE_PACKET_SIZE = 4, CHANGE_ROUTING = 20 };

/* UTF-16LE to what may stand in a message: anything that is not plain becomes a question mark. */
static void copy_text(char *text, size_t capacity, const uint8_t *utf16, size_t units)
{
	size_t length = 0;

	for (; length < units && length + 1 < capacity; length++) {
		uint16_t unit = get16(utf16 + 2 * length);

		text[length] = unit >= ' ' && unit <= '~' ? (char)unit : '?';
	}
	text[length] = '\0';
}

static void note_packet_size(struct cursor *change, struct tds_login_reply *reply)
{
	char digits[8];
	uint8_t units = take8(change);
	const uint8_t *text = take(change, (size_t)units * 2);

	if (!text || units >= sizeof(digits)) {
		change->wrong = true;
		return;
	}
	copy_text(digits, sizeof(digits), text, units);
	reply->packet_size = (uint32_t)strtoul(digits, NULL, 10);
}

/* u16 length, u8 protocol, u16 port, the host's name */
static void note_routing(struct cursor *change, struct tds_login_reply *reply)
{
	reply->redirected = true;
	take(change, 5);

	uint16_t units = take16(change);
	const uint8_t *text = take(change, (size_t)units * 2);

	if (text)
		copy_text(reply->target, sizeof(reply->target), text, units);
}

static int scan_change(const uint8_t *token, size_t size, struct tds_login_reply *reply)
{
	struct cursor change = { .bytes = token, .size = size, .at = 3 };

	switch (take8(&change)) {
	case CHANGE_PACKET_SIZE:
		note_packet_size(&change, reply);
		break;
	case CHANGE_ROUTING:
		note_routing(&change, reply);
		break;
	}
	return change.wrong ? -EPROTO : 0;
}

/* u16 length, u8 interface, u32 TDS version, u8 characters + name, u8 major version, ... */
static void note_acceptance(const uint8_t *token, size_t size, struct tds_login_reply *reply)
{
	struct cursor ack = { .bytes = token, .size = size, .at = 8 };

	skip_short_text(&ack);
	reply->version = take8(&ack);
	reply->accepted = true;
}

int tds_scan_login(const uint8_t *bytes, size_t size, struct tds_login_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	for (size_t at = 0; at < size;) {
		int step = tds_token_size(bytes + at, size - at);

		if (step <= 0 || bytes[at] == TDS_TOKEN_COLUMNS)
			return -EPROTO;
		if (bytes[at] == TDS_TOKEN_LOGIN_ACK && step >= 8)
			note_acceptance(bytes + at, (size_t)step, reply);
		if (bytes[at] == TDS_TOKEN_CHANGE && scan_change(bytes + at, (size_t)step, reply))
			return -EPROTO;
		at += (size_t)step;
	}
	return 0;
}
