/* SPDX-License-Identifier: Apache-2.0 */
/* A mount costs at most two reads for each segment, however many chunks there are, on each kind of volume. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/bytes.h"
#include "storage/memory.h"
#include "storage/segment.h"
#include "tests/support/sample.h"

#define CHUNKS 100000u

/* A volume that counts what is read of data segments, and how many there are. */
struct counting {
	struct volume volume;
	struct volume *under;
	unsigned reads, segments;
};

static struct counting *counting(struct volume *volume)
{
	return (struct counting *)volume;
}

static int counting_write(struct volume *volume, uint64_t id, uint32_t offset, const void *bytes, uint32_t size)
{
	return volume_write(counting(volume)->under, id, offset, bytes, size);
}

static int counting_sync(struct volume *volume, uint64_t id)
{
	counting(volume)->segments += id >> 56 == SEGMENT_DATA;
	return volume_sync(counting(volume)->under, id);
}

static int counting_read(struct volume *volume, uint64_t id, uint32_t offset, void *bytes, uint32_t size)
{
	counting(volume)->reads += id >> 56 == SEGMENT_DATA;
	return volume_read(counting(volume)->under, id, offset, bytes, size);
}

static int counting_remove(struct volume *volume, uint64_t id)
{
	return volume_remove(counting(volume)->under, id);
}

static int counting_list(struct volume *volume, int (*found)(void *arg, uint64_t id, uint32_t size), void *arg)
{
	return volume_list(counting(volume)->under, found, arg);
}

static int counting_stat(struct volume *volume, struct volume_stat *stat)
{
	return volume_stat(counting(volume)->under, stat);
}

static const struct volume_ops counting_ops = {
	.write = counting_write,
	.sync = counting_sync,
	.read = counting_read,
	.remove = counting_remove,
	.list = counting_list,
	.stat = counting_stat,
};

static struct repository *open_one(struct volume *volume)
{
	struct repository_settings settings = sample_settings();
	struct repository *repository;
	settings.index_chunks = 2 * CHUNKS;
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
	return repository;
}

static int store_chunks(struct repository *repository)
{
	struct snapshot_writer *writer;
	uint8_t bytes[24];
	memset(bytes, 'c', sizeof bytes);
	int error = snapshot_begin(repository, SNAPSHOT_BACKUP, "server/database", &writer);
	if (error)
		return error;
	error = snapshot_stream_begin(writer, "stream");
	for (uint32_t i = 0; i < CHUNKS && !error; i++) {
		put32(bytes, i);
		error = snapshot_put(writer, 1, 1, bytes, sizeof bytes);
	}
	if (!error)
		error = snapshot_stream_end(writer, "", 0);
	if (!error)
		return snapshot_commit(writer, "", 0, false, &(struct snapshot_info){ .id = 0 });
	snapshot_abort(writer);
	return error;
}

static void mount(const struct memory_geometry *geometry)
{
	struct counting counted = { .segments = 0 };
	struct repository_settings settings = sample_settings();
	struct repository_status status;
	char recovery[64];
	assert_int_equal(memory_volume_open(&counted.under, geometry), 0);
	counted.volume = *counted.under;
	counted.volume.ops = &counting_ops;
	assert_int_equal(repository_create(&counted.volume, &settings, &sample_secret, recovery), 0);
	struct repository *repository = open_one(&counted.volume);
	assert_int_equal(store_chunks(repository), 0);
	repository_close(repository);

	counted.reads = 0;
	repository = open_one(&counted.volume);
	print_message("%u segments, %u reads\n", counted.segments, counted.reads);
	assert_true(counted.segments >= CHUNKS / 2048);
	assert_true(counted.reads > 0 && counted.reads <= 2 * counted.segments);
	assert_int_equal(repository_status(repository, &status), 0);
	assert_true(status.chunks >= CHUNKS);
	repository_close(repository);
	memory_volume_close(counted.under);
}

static void two_reads_a_segment_are_enough(void **state)
{
	(void)state;
	static const struct memory_geometry disk = { 256u << 20, 4u << 20, 1, 0 };
	static const struct memory_geometry flash = { 256u << 20, 9 * 126976u, 2048, 126976 };
	mount(&disk);
	mount(&flash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_reads_a_segment_are_enough),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
