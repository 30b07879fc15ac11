/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is a segment: 0 magic | 8 version | 12 size | 16 generation | 24 name 32, zeros behind | 56 bytes | CRC32C.
 * Its number: 24 bits of the CRC32C of the name, then 32 bits of generation.
 */
#include "storage/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/segment.h"

#define HEAD_SIZE 56
#define RECORD_MAX (HEAD_SIZE + STATE_SIZE_MAX + 64 + 4)
#define FOUND_MAX 8
#define GENERATION_MAX UINT64_C(0xffffffff)

static const uint8_t magic[8] = "CofState";

struct found_state {
	uint64_t id;
	uint32_t size;
};

struct found_states {
	uint64_t key;                       /* of this name: the id without its generation */
	struct found_state list[FOUND_MAX]; /* newest first */
	unsigned count;
};

static uint64_t key_of(const char *name)
{
	return segment_id(SEGMENT_STATE, (uint64_t)(crc32c(0, name, strlen(name)) & 0xffffff) << 32);
}

static int note_state(void *arg, uint64_t id, uint32_t size)
{
	struct found_states *found = arg;
	if ((id & ~GENERATION_MAX) != found->key)
		return 0;
	unsigned i = found->count < FOUND_MAX ? found->count++ : FOUND_MAX;
	for (; i > 0 && found->list[i - 1].id < id; i--)
		if (i < FOUND_MAX)
			found->list[i] = found->list[i - 1];
	if (i < FOUND_MAX)
		found->list[i] = (struct found_state){ id, size };
	return 0;
}

static int find_states(struct volume *volume, const char *name, struct found_states *found)
{
	*found = (struct found_states){ .key = key_of(name) };
	return volume_list(volume, note_state, found);
}

/* The record's length, -EBADMSG where it is not whole, -EEXIST where it is another name's. */
static int load(struct volume *volume, const char *name, const struct found_state *state, uint8_t record[RECORD_MAX])
{
	uint32_t room = state->size < RECORD_MAX ? state->size : RECORD_MAX;
	if (room < HEAD_SIZE + 4)
		return -EBADMSG;
	int error = volume_read(volume, state->id, 0, record, room);
	if (error)
		return error;
	uint32_t size = get32(record + 12);
	if (memcmp(record, magic, 8) != 0 || size > room - HEAD_SIZE - 4 ||
		get32(record + HEAD_SIZE + size) != crc32c(0, record, HEAD_SIZE + size) ||
		get64(record + 16) != (state->id & GENERATION_MAX))
		return -EBADMSG;
	if (get32(record + 8) != 1)
		return -EPROTONOSUPPORT;
	return strncmp((const char *)record + 24, name, STATE_NAME_MAX + 1) ? -EEXIST : (int)size;
}

static uint32_t make_record(
	uint8_t record[RECORD_MAX], const char *name, uint64_t generation, const void *bytes, size_t size)
{
	memset(record, 0, HEAD_SIZE);
	memcpy(record, magic, 8);
	put32(record + 8, 1);
	put32(record + 12, (uint32_t)size);
	put64(record + 16, generation);
	memcpy(record + 24, name, strlen(name));
	if (size)
		memcpy(record + HEAD_SIZE, bytes, size);
	put32(record + HEAD_SIZE + size, crc32c(0, record, HEAD_SIZE + size));
	return (uint32_t)(HEAD_SIZE + size + 4);
}

static int write_record(struct volume *volume, uint64_t id, const uint8_t *record, uint32_t size)
{
	uint32_t padded = round_up32(size, volume->write_unit);
	uint8_t *bytes = calloc(1, padded);
	if (!bytes)
		return -ENOMEM;
	memcpy(bytes, record, size);
	int error = volume_write(volume, id, 0, bytes, padded);
	if (!error)
		error = volume_sync(volume, id);
	if (error)
		volume_remove(volume, id);
	free(bytes);
	return error;
}

/* The newest that is whole stays beside the new one; what is older or damaged goes, now or the next time. */
static void remove_others(struct volume *volume, const struct found_states *found, unsigned whole)
{
	for (unsigned i = 0; i < found->count; i++)
		if (i != whole)
			volume_remove(volume, found->list[i].id);
}

int state_write(struct volume *volume, const char *name, const void *bytes, size_t size)
{
	uint8_t record[RECORD_MAX];
	struct found_states found;
	if (!name[0] || strlen(name) > STATE_NAME_MAX || size > STATE_SIZE_MAX + 64)
		return -EINVAL;
	int error = find_states(volume, name, &found);
	if (error)
		return error;
	unsigned whole = 0;
	for (; whole < found.count; whole++) {
		int length = load(volume, name, &found.list[whole], record);
		if (length == -EEXIST)
			return length;
		if (length >= 0)
			break;
	}
	uint64_t generation = found.count ? (found.list[0].id & GENERATION_MAX) + 1 : 1;
	if (generation > GENERATION_MAX)
		return -EOVERFLOW;
	uint32_t length = make_record(record, name, generation, bytes, size);
	error = write_record(volume, key_of(name) | generation, record, length);
	if (!error)
		remove_others(volume, &found, whole);
	return error;
}

int state_read(struct volume *volume, const char *name, void *bytes, size_t capacity)
{
	uint8_t record[RECORD_MAX];
	struct found_states found;
	int error = find_states(volume, name, &found);
	if (error)
		return error;
	error = found.count ? -EBADMSG : -ENOENT;
	for (unsigned i = 0; i < found.count && error == -EBADMSG; i++) {
		error = load(volume, name, &found.list[i], record);
		/* A process that died may have left it unsynced: what is believed must not go away again. */
		if (error >= 0)
			volume_sync(volume, found.list[i].id);
	}
	if (error < 0)
		return error == -EEXIST ? -ENOENT : error;
	if ((size_t)error > capacity)
		return -ERANGE;
	memcpy(bytes, record + HEAD_SIZE, (size_t)error);
	return error;
}
