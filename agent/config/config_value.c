/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/config/config_value.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "agent/config/config.h"
#include "agent/sql/worker.h"

int config_parse_text(const struct config_key *key, const char *text, void *field)
{
	size_t length = strlen(text);
	if (length == 0 || length >= key->size)
		return -EINVAL;
	memcpy(field, text, length + 1);
	return 0;
}

int config_parse_path(const struct config_key *key, const char *text, void *field)
{
	return text[0] == '/' ? config_parse_text(key, text, field) : -EINVAL;
}

int config_parse_key_place(const struct config_key *key, const char *text, void *field)
{
	bool named = strncmp(text, "keyring:", 8) == 0 && text[8];
	return named || text[0] == '/' ? config_parse_text(key, text, field) : -EINVAL;
}

int config_parse_host(const struct config_key *key, const char *text, void *field)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:%";
	return text[strspn(text, allowed)] == '\0' ? config_parse_text(key, text, field) : -EINVAL;
}

static int parse_number(const struct config_key *key, const char *text, int64_t *number)
{
	int64_t sum = 0;
	if (!*text || strlen(text) > 12)
		return -EINVAL;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		sum = sum * 10 + (*text - '0');
	}
	if (sum < key->min || sum > key->max)
		return -EINVAL;
	*number = sum;
	return 0;
}

int config_parse_int(const struct config_key *key, const char *text, void *field)
{
	int64_t number;
	int result = parse_number(key, text, &number);
	if (result == 0)
		*(int *)field = (int)number;
	return result;
}

int config_parse_port(const struct config_key *key, const char *text, void *field)
{
	int64_t number;
	int result = parse_number(key, text, &number);
	if (result == 0)
		*(uint16_t *)field = (uint16_t)number;
	return result;
}

int config_parse_u32(const struct config_key *key, const char *text, void *field)
{
	int64_t number;
	int result = parse_number(key, text, &number);
	if (result == 0)
		*(uint32_t *)field = (uint32_t)number;
	return result;
}

/* The place of a word in a list that NULL ends. */
static int find_word(const char *const words[], const char *text)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], text) == 0)
			return i;
	return -EINVAL;
}

int config_parse_bool(const struct config_key *key, const char *text, void *field)
{
	static const char *const words[] = { "no", "yes", NULL };
	int word = find_word(words, text);
	(void)key;
	if (word >= 0)
		*(bool *)field = word == 1;
	return word < 0 ? word : 0;
}

int config_parse_encrypt(const struct config_key *key, const char *text, void *field)
{
	static const char *const words[] = { "tds7", "strict", NULL };
	int word = find_word(words, text);
	(void)key;
	if (word >= 0)
		*(bool *)field = word == 1;
	return word < 0 ? word : 0;
}

int config_parse_profile(const struct config_key *key, const char *text, void *field)
{
	static const char *const words[] = { [PROFILE_ANY] = "any", [PROFILE_PERSISTENT_CHAT] = "persistent-chat", NULL };
	int word = find_word(words, text);
	(void)key;
	if (word >= 0)
		*(enum profile *)field = (enum profile)word;
	return word < 0 ? word : 0;
}

int config_parse_consistency(const struct config_key *key, const char *text, void *field)
{
	static const char *const words[] = {
		[CONSISTENCY_SNAPSHOT] = "snapshot", [CONSISTENCY_LOCK] = "lock", [CONSISTENCY_LOOSE] = "loose", NULL
	};
	int word = find_word(words, text);
	(void)key;
	if (word >= 0)
		*(int *)field = word;
	return word < 0 ? word : 0;
}

int config_parse_language(const struct config_key *key, const char *text, void *field)
{
	static const char *const words[] = { "en", "fr", NULL };
	return find_word(words, text) < 0 ? -EINVAL : config_parse_text(key, text, field);
}

/* A name that the C library does not know would quietly mean UTC, and every backup would run at the wrong hour. */
int config_parse_timezone(const struct config_key *key, const char *text, void *field)
{
	char path[300];
	size_t letters = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	bool posix = letters >= 3 && strpbrk(text + letters, "0123456789") == text + letters + strspn(text + letters, "+-");
	if (strstr(text, "..") || text[0] == '/' || text[0] == ':')
		return -EINVAL;
	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", text);
	if (!posix && strcmp(text, "UTC") != 0 && access(path, R_OK) != 0)
		return -EINVAL;
	return config_parse_text(key, text, field);
}

static int hex_digit(char byte)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = byte ? strchr(digits, byte | 0x20) : NULL;
	return found && (byte < '0' || byte > '9' || *found == byte) ? (int)(found - digits) : -1;
}

/* As openssl and Windows print it: with colons or without, in small letters or capitals, "sha256:" before it or not. */
int config_parse_pin(const struct config_key *key, const char *text, void *field)
{
	uint8_t pin[32];
	(void)key;
	if (strncasecmp(text, "sha256:", 7) == 0)
		text += 7;
	for (size_t i = 0; i < sizeof(pin); i++) {
		if (i > 0 && *text == ':')
			text++;
		int high = hex_digit(text[0]), low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return -EINVAL;
		pin[i] = (uint8_t)(high * 16 + low);
		text += 2;
	}
	/* All zeros is how a pin that is not set is kept, and no certificate's. */
	static const uint8_t none[sizeof(pin)];
	if (*text || memcmp(pin, none, sizeof(pin)) == 0)
		return -EINVAL;
	memcpy(field, pin, sizeof(pin));
	return 0;
}

/* The list's count lies count_offset - offset bytes from its first element. */
static uint32_t *count_of(const struct config_key *key, void *field)
{
	return (uint32_t *)((char *)field - key->offset + key->count_offset);
}

static int add_database(const struct config_key *key, const char *name, size_t length, void *field)
{
	char(*names)[DATABASE_NAME_SIZE] = field;
	uint32_t *count = count_of(key, field);
	if (length == 0 || length >= DATABASE_NAME_SIZE || *count == key->size)
		return -EINVAL;
	for (uint32_t i = 0; i < *count; i++)
		if (strlen(names[i]) == length && strncasecmp(names[i], name, length) == 0)
			return -EINVAL;
	memcpy(names[*count], name, length);
	names[(*count)++][length] = '\0';
	return 0;
}

/* A name in [brackets], as T-SQL writes it: ]] is one ]. Leaves *text behind it. */
static int add_bracketed(const struct config_key *key, const char **text, void *field)
{
	char name[DATABASE_NAME_SIZE];
	size_t length = 0;

	for (const char *from = *text + 1; *from && length < sizeof name; from++) {
		if (*from == ']' && *++from != ']') {
			*text = from;
			return add_database(key, name, length, field);
		}
		name[length++] = *from;
	}
	return -EINVAL;
}

int config_parse_databases(const struct config_key *key, const char *text, void *field)
{
	static const char between[] = ", \t";
	uint32_t before = *count_of(key, field);
	int result = text[strspn(text, between)] ? 0 : -EINVAL;
	for (text += strspn(text, between); *text && result == 0; text += strspn(text, between)) {
		if (*text == '[') {
			result = add_bracketed(key, &text, field);
			continue;
		}
		size_t length = strcspn(text, between);
		result = add_database(key, text, length, field);
		text += length;
	}
	if (result < 0)
		*count_of(key, field) = before;
	return result;
}

static int parse_day(const char **text)
{
	static const char *const days[] = { "mon", "tue", "wed", "thu", "fri", "sat", "sun" };
	for (int day = 0; day < 7; day++) {
		if (strncasecmp(*text, days[day], 3) == 0) {
			*text += 3;
			return day;
		}
	}
	return -EINVAL;
}

/* "mon-fri", "sat", "fri-mon" goes over Sunday. */
static int parse_range(const char **text, uint8_t *days)
{
	int first = parse_day(text), last = first;
	if (first >= 0 && **text == '-') {
		(*text)++;
		last = parse_day(text);
	}
	if (last < 0)
		return -EINVAL;
	for (int day = first;; day = (day + 1) % 7) {
		*days |= (uint8_t)(1u << day);
		if (day == last)
			return 0;
	}
}

static int parse_days(const char **text, uint8_t *days)
{
	if (**text >= '0' && **text <= '9') {
		*days = 0x7f;
		return 0;
	}
	if (strncasecmp(*text, "daily", 5) == 0) {
		*days = 0x7f;
		*text += 5;
	} else {
		int result;
		while ((result = parse_range(text, days)) == 0 && **text == ',')
			(*text)++;
		if (result < 0)
			return result;
	}
	if (**text != ' ' && **text != '\t')
		return -EINVAL;
	*text += strspn(*text, " \t");
	return 0;
}

/* Two digits each: "7:5" could be meant in more than one way. */
static int parse_clock(const char *text, struct schedule_time *time)
{
	if (strlen(text) != 5 || strspn(text, "0123456789") != 2 || text[2] != ':' || strspn(text + 3, "0123456789") != 2)
		return -EINVAL;
	time->hour = (uint8_t)atoi(text);
	time->minute = (uint8_t)atoi(text + 3);
	return time->hour > 23 || time->minute > 59 ? -EINVAL : 0;
}

int config_parse_time(const struct config_key *key, const char *text, void *field)
{
	struct schedule_time *times = field, time = { 0 };
	uint32_t *count = count_of(key, field);
	if (*count == key->size || parse_days(&text, &time.days) < 0 || parse_clock(text, &time) < 0)
		return -EINVAL;
	times[(*count)++] = time;
	return 0;
}
