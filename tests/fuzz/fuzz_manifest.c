/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests that someone with the key made up: the first byte says what the rest is, a page, a stream record or a
 * snapshot record. What is around it is right.
 */
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/memory.h"
#include "storage/repository_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct repository *repository;
static struct volume *volume;
static unsigned runs;

static void open_new(void)
{
	static const struct memory_geometry geometry = { .size = 64u << 20, .segment_size = 1u << 20, .write_unit = 1 };
	static const struct repository_secret secret = { SECRET_KEY_FILE, (const uint8_t *)"key", 3 };
	struct repository_settings settings = { .index_chunks = 20000, .deflate_level = 1 };
	char recovery[64];
	repository_close(repository);
	memory_volume_close(volume);
	if (memory_volume_open(&volume, &geometry) || repository_create(volume, &settings, &secret, recovery) ||
		repository_open(&repository, volume, &settings, &secret))
		abort();
}

static struct chunk_name put(const uint8_t *bytes, size_t size)
{
	struct chunk_name name;
	if (chunk_put(&repository->chunks, bytes, (uint32_t)size, &name))
		abort();
	return name;
}

static void put_top(uint8_t *to, const struct chunk_name *page, size_t size, uint8_t level)
{
	struct tree_top top = { .page = { .name = *page, .size = (uint32_t)size, .chunks = 1 }, .level = level };
	tree_top_put(to, &top);
}

static struct chunk_name put_stream(const struct chunk_name *page, size_t size, uint8_t level, size_t *length)
{
	uint8_t record[STREAM_HEAD_SIZE] = "S";
	put_top(record + 8, page, size, level);
	*length = sizeof record;
	return put(record, sizeof record);
}

/* A leaf with one entry. */
static struct chunk_name put_page(const struct chunk_name *name, size_t size, size_t *length)
{
	uint8_t page[4 + 32 + 4 + 1 + 4] = { 'P', 0, 1, 0 };
	memcpy(page + 4, name->bytes, 32);
	put32(page + 36, (uint32_t)size);
	page[40] = 1;
	*length = sizeof page;
	return put(page, sizeof page);
}

static struct chunk_name put_snapshot(const struct chunk_name *page, size_t size, size_t *length)
{
	uint8_t record[SNAPSHOT_HEAD_SIZE] = "M\1\1";
	put64(record + 8, 1);
	put_top(record + 40, page, size, 0);
	*length = sizeof record;
	return put(record, sizeof record);
}

static void walk_stream(struct snapshot_reader *reader, size_t i)
{
	struct stream_info info;
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	unsigned errors = 0;
	int found;
	if (snapshot_stream_info(reader, i, &info) || stream_open(reader, i, &cursor))
		return;
	while ((found = stream_next(cursor, &entry)) != 0 && errors < 1000)
		errors += found < 0;
	stream_close(cursor);
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static void ignore(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)arg, (void)snapshot, (void)stream, (void)chunk, (void)error;
}

static void read_all(const struct chunk_name *record, size_t size)
{
	struct roots *roots = &repository->roots;
	struct snapshot_reader *reader;
	uint64_t freed;
	if (chunk_flush(&repository->chunks) || roots_reserve(roots, &repository->place))
		abort();
	roots->snapshots[0] = (struct root_snapshot){ .info.id = 1, .record = *record, .record_size = (uint32_t)size };
	roots->count = 1;
	if (snapshot_open(repository, 1, &reader) == 0) {
		for (size_t i = 0; i < snapshot_stream_count(reader) && i < 16; i++)
			walk_stream(reader, i);
		snapshot_close(reader);
	}
	repository_verify(repository, 1, true, ignore, NULL, never);
	repository_clean(repository, &freed);
	roots->count = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2 || size > 20000)
		return 0;
	if (runs++ % 500 == 0)
		open_new();
	struct chunk_name name = put(data + 1, size - 1);
	size_t length = size - 1;
	uint8_t kind = data[0] % 3;
	if (kind == 0)
		name = put_stream(&name, length, data[0] / 3 % TREE_LEVELS_MAX, &length);
	if (kind <= 1) {
		name = put_page(&name, length, &length);
		name = put_snapshot(&name, length, &length);
	}
	read_all(&name, length);
	return 0;
}
