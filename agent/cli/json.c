/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/json.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static const char *const numbers[] = { "Ahead", "Asked", "Began", "Bytes", "Checks", "Chunks", "Code", "Done", "Elapsed-Ms",
	"Ended", "Error-Kind", "Error-Number", "Expected", "Finished", "Foreign-Keys", "Functions", "Index-Capacity", "Indexes",
	"Job", "Milliseconds", "Next-Backup", "Now", "Phase-Ms", "Procedures", "Rows", "Rows-Changed", "Schemas", "Sequence",
	"Sequences", "Server-Bytes", "Snapshots", "Started", "Stored", "Synonyms", "Tables", "Tables-Changed", "Time",
	"Triggers", "Types", "Views", "Volume-Free", "Volume-Size" };
static const char *const flags[] = { "Applied", "Can-Restore", "Durable", "Locked", "Password-Dropped", "Pinned",
	"Read-Only", "Readable", "Recovered", "Stoppable", "Suspect", "Verified" };

static bool listed(const char *const *list, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i], key) == 0)
			return true;
	return false;
}

#define LISTED(list, key) listed(list, sizeof(list) / sizeof((list)[0]), key)

/* cJSON's numbers are doubles, which cannot hold every 64-bit count: the digits go out as they came. */
static bool is_number(const char *value)
{
	const char *digits = value + (*value == '-');
	return *digits && digits[strspn(digits, "0123456789")] == '\0' && (digits[0] != '0' || !digits[1]);
}

static size_t character(const unsigned char *text)
{
	size_t length = text[0] < 0x80 ? 1 : text[0] >= 0xc2 && text[0] < 0xe0 ? 2 : text[0] >= 0xe0 && text[0] < 0xf0 ? 3 :
		text[0] >= 0xf0 && text[0] < 0xf5 ? 4 : 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	bool surrogate = length == 3 && text[0] == 0xed && text[1] >= 0xa0;
	bool overlong = (length == 3 && text[0] == 0xe0 && text[1] < 0xa0) || (length == 4 && text[0] == 0xf0 && text[1] < 0x90);
	bool beyond = length == 4 && text[0] == 0xf4 && text[1] > 0x8f;
	return surrogate || overlong || beyond ? 0 : length;
}

/* JSON is UTF-8: what is not (a lone surrogate of a server's name) becomes U+FFFD. */
static cJSON *make_string(const char *value)
{
	char *clean = malloc(3 * strlen(value) + 1), *out = clean;
	if (!clean)
		return NULL;
	for (const unsigned char *in = (const unsigned char *)value; *in;) {
		size_t length = character(in);
		memcpy(out, length ? (const char *)in : "\xef\xbf\xbd", length ? length : 3);
		out += length ? length : 3;
		in += length ? length : 1;
	}
	*out = '\0';
	cJSON *string = cJSON_CreateString(clean);
	free(clean);
	return string;
}

static cJSON *make_value(const char *key, const char *value)
{
	if (LISTED(numbers, key) && is_number(value))
		return cJSON_CreateRaw(value);
	if (LISTED(flags, key))
		return cJSON_CreateBool(strcmp(value, "yes") == 0);
	return make_string(value);
}

static int add_field(cJSON *object, const char *key, const char *value)
{
	char name[BLOCK_KEY_MAX + 1];
	size_t i = 0;
	for (; key[i] && i < BLOCK_KEY_MAX; i++)
		name[i] = key[i] == '-' ? '_' : (char)tolower((unsigned char)key[i]);
	name[i] = '\0';
	cJSON *item = make_value(key, value);
	return item && cJSON_AddItemToObject(object, name, item) ? 0 : -ENOMEM;
}

int json_block(FILE *out, const struct block_fields *fields)
{
	cJSON *object = cJSON_CreateObject();
	int result = object ? 0 : -ENOMEM;
	for (size_t i = 0; i < fields->count && result == 0; i++)
		result = add_field(object, fields->keys[i], fields->values[i]);
	char *text = result == 0 ? cJSON_PrintUnformatted(object) : NULL;
	cJSON_Delete(object);
	if (!text)
		return -ENOMEM;
	result = fprintf(out, "%s\n", text) < 0 || fflush(out) < 0 ? -EIO : 0;
	cJSON_free(text);
	return result;
}
