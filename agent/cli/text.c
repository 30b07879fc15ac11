/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

const char *text_count(char *text, uint64_t number)
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, number), at = 0;
	for (size_t i = 0; i < length; i++) {
		if (i > 0 && (length - i) % 3 == 0)
			text[at++] = ' ';
		text[at++] = digits[i];
	}
	text[at] = '\0';
	return text;
}

const char *text_size(char *text, uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double value = (double)bytes;
	size_t unit = 0;
	while (value >= 999.5 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1000;
		unit++;
	}
	snprintf(text, CLI_TEXT, unit > 0 && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[unit]);
	return text;
}

const char *text_duration(char *text, uint64_t ms)
{
	uint64_t seconds = ms / 1000;
	if (ms < 10000)
		snprintf(text, CLI_TEXT, "%" PRIu64 ".%" PRIu64 " s", seconds, ms % 1000 / 100);
	else if (seconds < 60)
		snprintf(text, CLI_TEXT, "%" PRIu64 " s", seconds);
	else if (seconds < 3600)
		snprintf(text, CLI_TEXT, "%" PRIu64 " min %02" PRIu64 " s", seconds / 60, seconds % 60);
	else
		snprintf(text, CLI_TEXT, "%" PRIu64 " h %02" PRIu64 " min", seconds / 3600, seconds % 3600 / 60);
	return text;
}

const char *text_time(char *text, uint64_t instant)
{
	time_t when = (time_t)instant;
	struct tm local;
	if (instant == 0 || !localtime_r(&when, &local) || strftime(text, CLI_TEXT, "%Y-%m-%d %H:%M", &local) == 0)
		strcpy(text, "-");
	return text;
}

const char *text_ago(char *text, uint64_t instant, uint64_t now)
{
	uint64_t seconds = instant < now ? now - instant : instant - now;
	uint64_t number = seconds < 5400 ? (seconds + 30) / 60
		: seconds < 172800           ? (seconds + 1800) / 3600
									 : seconds / 86400;
	const char *unit = seconds < 5400 ? "min" : seconds < 172800 ? "h" : "days";
	snprintf(text, CLI_TEXT, instant < now ? "%" PRIu64 " %s ago" : "in %" PRIu64 " %s", number, unit);
	return text;
}

const char *text_ratio(char *text, uint64_t bytes, uint64_t stored)
{
	if (bytes == 0 || stored == 0)
		strcpy(text, "-");
	else
		snprintf(
			text, CLI_TEXT, (double)bytes < 100 * (double)stored ? "%.1fx" : "%.0fx", (double)bytes / (double)stored);
	return text;
}

const char *text_phase(const char *phase)
{
	static const char *const words[][2] = {
		{ "connect", "connecting" },
		{ "check", "checking the snapshot" },
		{ "catalogue", "reading the catalogue" },
		{ "read", "reading" },
		{ "seal", "sealing" },
		{ "lock", "locking" },
		{ "safety", "saving the present state" },
		{ "plan", "comparing" },
		{ "prepare", "preparing" },
		{ "write", "writing" },
		{ "put_back", "putting back constraints" },
		{ "read_back", "reading back" },
		{ "commit", "committing" },
		{ "rollback", "undoing" },
		{ "verify", "verifying" },
		{ "report", "reporting" },
		{ "copy", "copying" },
	};
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i][0], phase) == 0)
			return words[i][1];
	return phase;
}

/* Bytes of the character at `text`, or 0 where it is no whole one. */
static size_t character(const unsigned char *text)
{
	size_t length = text[0] < 0x80 ? 1
		: text[0] < 0xc2           ? 0
		: text[0] < 0xe0           ? 2
		: text[0] < 0xf0           ? 3
		: text[0] < 0xf5           ? 4
								   : 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

/* C0, DEL, C1, and the marks that turn the direction of text around. */
static bool steers(const unsigned char *text, size_t length)
{
	if (length == 1)
		return text[0] < 0x20 || text[0] == 0x7f;
	if (length == 2)
		return text[0] == 0xc2 && text[1] < 0xa0;
	return length == 3 && text[0] == 0xe2 &&
		((text[1] == 0x80 && (text[2] == 0x8e || text[2] == 0x8f || (text[2] >= 0xa8 && text[2] <= 0xae))) ||
			(text[1] == 0x81 && text[2] >= 0xa6 && text[2] <= 0xa9));
}

size_t text_clean(char *out, size_t size, const char *text, size_t cells)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t count = 0, at = 0;
	while (*in && (cells == 0 || count < cells)) {
		size_t length = character(in);
		bool shown = length > 0 && !steers(in, length);
		size_t take = shown ? length : 1;
		if (at + take >= size)
			break;
		if (shown)
			memcpy(out + at, in, take);
		else
			out[at] = '?';
		at += take;
		in += length > 0 ? length : 1;
		count++;
	}
	out[at] = '\0';
	return count;
}

const char *text_get(const struct block_fields *fields, const char *key)
{
	const char *value = block_get(fields, key);
	return value ? value : "";
}

uint64_t text_number(const struct block_fields *fields, const char *key)
{
	uint64_t value = 0;
	return block_get_number(fields, key, UINT64_MAX, &value) == 0 ? value : 0;
}
