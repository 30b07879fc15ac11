/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/json.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

static const char *const numbers[] = { "Ahead", "Asked", "Bad-Blocks", "Began", "Bytes", "Checks", "Chunks", "Code",
	"Damaged-Count", "Deleted", "Done", "Elapsed-Ms", "Ended", "Error-Kind", "Error-Number", "Expected", "Finished",
	"Foreign-Keys", "Functions", "Healed-Reads", "Index-Capacity", "Indexes", "Inserted", "Job", "Kept", "Key-Files",
	"Max-Erase-Count", "Milliseconds", "Next-Backup", "Now", "Passphrases", "Phase-Ms", "Procedures", "Recovery-Keys",
	"Room", "Room-For-Base", "Rows", "Rows-Deleted", "Rows-Inserted", "Schemas", "Sequence", "Sequences",
	"Server-Bytes", "Snapshot-Count", "Started", "Stored-Bytes", "Suspect-Count", "Synonyms", "Tables",
	"Tables-Changed", "Time", "Time-Held-Back", "Triggers", "Types", "Unconfirmed-Keys", "Views", "Volume-Free",
	"Volume-Size", "Wounded-Segments" };
static const char *const flags[] = { "Accepted", "Applied", "Can-Restore", "Damaged", "Durable", "Foreign", "Home",
	"Locked", "Parity", "Password-Dropped", "Pinned", "Read-Only", "Readable", "Recovered", "Stoppable", "Suspect",
	"Verified" };

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
	size_t length = text[0] < 0x80          ? 1
		: text[0] >= 0xc2 && text[0] < 0xe0 ? 2
		: text[0] >= 0xe0 && text[0] < 0xf0 ? 3
		: text[0] >= 0xf0 && text[0] < 0xf5 ? 4
											: 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	bool surrogate = length == 3 && text[0] == 0xed && text[1] >= 0xa0;
	bool overlong = (length == 3 && text[0] == 0xe0 && text[1] < 0xa0) ||
		(length == 4 && text[0] == 0xf0 && text[1] < 0x90);
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
	explicit_bzero(clean, strlen(clean));
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
	for (; i < BLOCK_KEY_MAX && key[i]; i++)
		name[i] = key[i] == '-' ? '_' : (char)tolower((unsigned char)key[i]);
	name[i] = '\0';
	cJSON *item = make_value(key, value);
	return item && cJSON_AddItemToObject(object, name, item) ? 0 : -ENOMEM;
}

static int add_fields(cJSON *object, const struct block_fields *fields, size_t from)
{
	int result = object ? 0 : -ENOMEM;
	for (size_t i = from; i < fields->count && result == 0; i++)
		result = add_field(object, fields->keys[i], fields->values[i]);
	return result;
}

static int print(FILE *out, const cJSON *object, bool one_line)
{
	char *text = one_line ? cJSON_PrintUnformatted(object) : cJSON_Print(object);
	if (!text)
		return -ENOMEM;
	int result = fprintf(out, "%s\n", text) < 0 || fflush(out) < 0 ? -EIO : 0;
	cJSON_free(text);
	return result;
}

struct json {
	FILE *out;
	cJSON *document; /* NULL: a stream */
};

/* ---- what was in the document may have been a secret: memory goes back wiped ---- */

struct piece {
	_Alignas(max_align_t) size_t size;
	char bytes[];
};

static void *allocate(size_t size)
{
	struct piece *piece = size < SIZE_MAX - sizeof(*piece) ? malloc(sizeof(*piece) + size) : NULL;
	if (!piece)
		return NULL;
	piece->size = size;
	return piece->bytes;
}

static void give_back(void *bytes)
{
	if (!bytes)
		return;
	struct piece *piece = (struct piece *)(void *)((char *)bytes - offsetof(struct piece, bytes));
	explicit_bzero(piece->bytes, piece->size);
	free(piece);
}

static void wipe_memory(void)
{
	cJSON_Hooks hooks = { allocate, give_back };
	cJSON_InitHooks(&hooks);
}

static const struct {
	const char *type, *name;
	bool one; /* an object, not a list */
} places[] = {
	{ "snapshot", "snapshots", false },
	{ "table", "tables", false },
	{ "job", "jobs", false },
	{ "note", "notes", false },
	{ "finding", "findings", false },
	{ "database", "databases", false },
	{ "volume", "volumes", false },
	{ "contents", "contents", true },
	{ "progress", "job", true },
};

struct json *json_begin(FILE *out, const char *list)
{
	struct json *json = calloc(1, sizeof(*json));
	if (!json)
		return NULL;
	wipe_memory();
	json->out = out;
	json->document = list ? cJSON_CreateObject() : NULL;
	if (!list || !*list || cJSON_AddArrayToObject(json->document, list))
		return json;
	cJSON_Delete(json->document);
	free(json);
	return NULL;
}

static cJSON *find_list(cJSON *document, const char *name)
{
	cJSON *list = cJSON_GetObjectItemCaseSensitive(document, name);
	return list ? list : cJSON_AddArrayToObject(document, name);
}

static int add_block(cJSON *document, const char *type, const struct block_fields *fields)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (strcmp(places[i].type, type) != 0)
			continue;
		cJSON *object = cJSON_CreateObject();
		int result = add_fields(object, fields, 1);
		bool added = places[i].one ? cJSON_AddItemToObject(document, places[i].name, object)
								   : cJSON_AddItemToArray(find_list(document, places[i].name), object);
		return result < 0 ? result : added ? 0 : -ENOMEM;
	}
	return add_fields(document, fields, 1);
}

int json_block(struct json *json, const struct block_fields *fields)
{
	const char *type = block_get(fields, "Block");
	if (json->document)
		return add_block(json->document, type ? type : "", fields);
	cJSON *object = cJSON_CreateObject();
	int result = add_fields(object, fields, 0);
	if (result == 0)
		result = print(json->out, object, true);
	cJSON_Delete(object);
	return result;
}

int json_end(struct json *json)
{
	int result = 0;
	if (json && json->document)
		result = print(json->out, json->document, false);
	if (json)
		cJSON_Delete(json->document);
	free(json);
	return result;
}
