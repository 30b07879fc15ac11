/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/block.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put(struct block *block, char byte)
{
	/* The last byte is kept free for the empty line. */
	if (block->size + 1 >= BLOCK_SIZE)
		block->overflow = true;
	else
		block->bytes[block->size++] = byte;
}

static void put_text(struct block *block, const char *text)
{
	while (*text)
		put(block, *text++);
}

static void put_escaped(struct block *block, const char *value)
{
	static const char hex[] = "0123456789abcdef";
	for (; *value; value++) {
		unsigned char byte = (unsigned char)*value;
		if (byte == '\\') {
			put_text(block, "\\\\");
		} else if (byte == '\n') {
			put_text(block, "\\n");
		} else if (byte < 0x20 || byte == 0x7f) {
			put_text(block, "\\x");
			put(block, hex[byte >> 4]);
			put(block, hex[byte & 15]);
		} else {
			put(block, *value);
		}
	}
}

void block_begin(struct block *block, const char *type)
{
	block->size = 0;
	block->overflow = false;
	if (type)
		block_add(block, "Block", type);
}

void block_add(struct block *block, const char *key, const char *value)
{
	put_text(block, key);
	put_text(block, ": ");
	put_escaped(block, value);
	put(block, '\n');
}

void block_addf(struct block *block, const char *key, const char *format, ...)
{
	char value[2048];
	va_list args;
	va_start(args, format);
	if (vsnprintf(value, sizeof(value), format, args) >= (int)sizeof(value))
		block->overflow = true;
	va_end(args);
	block_add(block, key, value);
}

void block_add_number(struct block *block, const char *key, uint64_t value)
{
	block_addf(block, key, "%llu", (unsigned long long)value);
}

void block_add_flag(struct block *block, const char *key, bool value)
{
	block_add(block, key, value ? "yes" : "no");
}

void block_add_hex(struct block *block, const char *key, const uint8_t *bytes, size_t size)
{
	char text[65] = "";
	for (size_t i = 0; i < size && i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	block_add(block, key, text);
}

int block_end(struct block *block)
{
	if (block->overflow)
		return -EMSGSIZE;
	block->bytes[block->size++] = '\n';
	return 0;
}

int block_length(const char *bytes, size_t size)
{
	size_t limit = size < BLOCK_SIZE ? size : BLOCK_SIZE;
	for (size_t i = 0; i < limit; i++)
		if (bytes[i] == '\n' && (i == 0 || bytes[i - 1] == '\n'))
			return (int)i + 1;
	return size >= BLOCK_SIZE ? -EMSGSIZE : 0;
}

static bool key_byte(char byte, bool first)
{
	if ((byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z'))
		return true;
	return !first && ((byte >= '0' && byte <= '9') || byte == '-');
}

static int hex_digit(char byte)
{
	if (byte >= '0' && byte <= '9')
		return byte - '0';
	return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* \xNN stands for a control byte only, and never for NUL: a value is a C string. */
static int unescape_hex(const char *in, const char *end)
{
	int high = end - in >= 2 ? hex_digit(in[0]) : -1;
	int low = end - in >= 2 ? hex_digit(in[1]) : -1;
	int byte = high < 0 || low < 0 ? 0 : high * 16 + low;
	return byte == 0x7f || (byte > 0 && byte < 0x20) ? byte : -EBADMSG;
}

/* In place: what it stands for is never longer. */
static int unescape(char *value, char *end)
{
	char *out = value;
	for (char *in = value; in < end; in++) {
		if ((unsigned char)*in < 0x20 || *in == 0x7f)
			return -EBADMSG;
		if (*in != '\\') {
			*out++ = *in;
			continue;
		}
		if (++in == end)
			return -EBADMSG;
		if (*in == '\\' || *in == 'n') {
			*out++ = *in == 'n' ? '\n' : '\\';
			continue;
		}
		int byte = *in == 'x' ? unescape_hex(in + 1, end) : -EBADMSG;
		if (byte < 0)
			return byte;
		*out++ = (char)byte;
		in += 2;
	}
	*out = '\0';
	return 0;
}

/* line .. end (its line feed), which is in the fields' own bytes and may be changed. */
static int parse_line(struct block_fields *fields, char *line, char *end)
{
	char *colon = line;
	while (colon < end && key_byte(*colon, colon == line))
		colon++;
	if (colon == line || colon - line > BLOCK_KEY_MAX || end - colon < 2 || colon[0] != ':' || colon[1] != ' ')
		return -EBADMSG;
	*colon = '\0';
	if (fields->count == BLOCK_FIELDS_MAX || block_get(fields, line))
		return -EBADMSG;
	int result = unescape(colon + 2, end);
	if (result < 0)
		return result;
	fields->keys[fields->count] = line;
	fields->values[fields->count++] = colon + 2;
	return 0;
}

int block_parse(struct block_fields *fields, const char *bytes, size_t size)
{
	fields->count = 0;
	if (size == 0 || size > BLOCK_SIZE || block_length(bytes, size) != (int)size)
		return -EBADMSG;
	memcpy(fields->bytes, bytes, size);
	char *last = fields->bytes + size - 1;
	for (char *line = fields->bytes; line < last;) {
		char *end = memchr(line, '\n', (size_t)(last - line) + 1);
		int result = parse_line(fields, line, end);
		if (result < 0)
			return result;
		line = end + 1;
	}
	return 0;
}

const char *block_get(const struct block_fields *fields, const char *key)
{
	for (size_t i = 0; i < fields->count; i++)
		if (strcmp(fields->keys[i], key) == 0)
			return fields->values[i];
	return NULL;
}

int block_get_hex(const struct block_fields *fields, const char *key, uint8_t *bytes, size_t size)
{
	const char *text = block_get(fields, key);
	if (!text)
		return -ENOENT;
	if (strlen(text) != 2 * size || strspn(text, "0123456789abcdef") != 2 * size)
		return -EINVAL;
	for (size_t i = 0; i < size; i++) {
		unsigned int byte = 0;
		sscanf(text + 2 * i, "%2x", &byte);
		bytes[i] = (uint8_t)byte;
	}
	return 0;
}

int block_get_number(const struct block_fields *fields, const char *key, uint64_t max, uint64_t *value)
{
	const char *text = block_get(fields, key);
	if (!text)
		return -ENOENT;
	uint64_t sum = 0;
	for (const char *digit = text; *digit || digit == text; digit++) {
		if (*digit < '0' || *digit > '9')
			return -EINVAL;
		uint64_t add = (uint64_t)(*digit - '0');
		if (add > max || sum > (max - add) / 10)
			return -EINVAL;
		sum = sum * 10 + add;
	}
	*value = sum;
	return 0;
}

bool block_get_flag(const struct block_fields *fields, const char *key)
{
	const char *value = block_get(fields, key);
	return value && strcmp(value, "yes") == 0;
}
