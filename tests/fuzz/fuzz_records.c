/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small records that lie on a volume: what the agent says about a snapshot and a table, a state record, a recovery key
 * as a person types it. What is accepted is written the same.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snapshot/snapshot_about.h"
#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/memory.h"
#include "storage/state.h"
#include "storage/superblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t first[ABOUT_SIZE_MAX], second[ABOUT_SIZE_MAX];

static void try_snapshot(const uint8_t *data, size_t size)
{
	static struct snapshot_about about, again;

	if (snapshot_about_decode(&about, data, size) < 0)
		return;

	int length = snapshot_about_encode(&about, first, sizeof(first));

	if (length < 0 || snapshot_about_decode(&again, first, (size_t)length) < 0 ||
		snapshot_about_encode(&again, second, sizeof(second)) != length || memcmp(first, second, (size_t)length) != 0)
		abort();
}

static void try_table(const uint8_t *data, size_t size)
{
	static struct table_about about, again;

	if (table_about_decode(&about, data, size) < 0)
		return;

	int length = table_about_encode(&about, first, sizeof(first));

	if (length < 0 || table_about_decode(&again, first, (size_t)length) < 0 ||
		table_about_encode(&again, second, sizeof(second)) != length || memcmp(first, second, (size_t)length) != 0)
		abort();
}

static int note_id(void *arg, uint64_t id, uint32_t size)
{
	(void)size;
	if (id > *(uint64_t *)arg)
		*(uint64_t *)arg = id;
	return 0;
}

/* A second generation of a record, made of these bytes: it is believed whole, or the first one is found behind it. */
static void try_state(const uint8_t *data, size_t size)
{
	static uint8_t bytes[4096], got[STATE_SIZE_MAX + 64];
	struct volume *volume;
	uint64_t id = 0;

	if (size > sizeof(bytes) - 4)
		size = sizeof(bytes) - 4;
	if (memory_volume_open(&volume, &(struct memory_geometry){ 1 << 16, 8192, 1 }))
		abort();
	if (state_write(volume, "head", "good", 4) || volume_list(volume, note_id, &id))
		abort();
	memcpy(bytes, data, size);
	if (size >= 56 && get32(bytes + 12) == size - 56)
		put32(bytes + size, crc32c(0, bytes, size));
	if (volume_write(volume, id + 1, 0, bytes, (uint32_t)size + 4) || volume_sync(volume, id + 1))
		abort();

	int length = state_read(volume, "head", got, sizeof(got));

	if (length >= 0 && !(length == 4 && memcmp(got, "good", 4) == 0) &&
		(size < 56 + (size_t)length || memcmp(got, bytes + 56, (size_t)length) != 0))
		abort();
	memory_volume_close(volume);
}

static void try_recovery_key(const uint8_t *data, size_t size)
{
	uint8_t key[RECOVERY_KEY_BYTES];

	recovery_key_get(key, (const char *)data, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_snapshot(data, size);
	try_table(data, size);
	try_state(data, size);
	try_recovery_key(data, size);
	return 0;
}
