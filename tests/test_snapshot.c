/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots over the reference volume: what is put comes back, what is known is not stored again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/memory.h"
#include "tests/support/sample.h"

static const struct memory_geometry geometry = { .size = 64u << 20, .segment_size = 1u << 20, .write_unit = 1 };
static const struct sample first = { .seed = 1, .streams = 3, .chunks = 200, .shared = 150, .chunk_size = 3000 };
static const struct sample second = { .seed = 2, .streams = 3, .chunks = 200, .shared = 150, .chunk_size = 3000 };

static struct repository *reopen(struct repository *repository, struct volume *volume, int threads)
{
	struct repository_settings settings = sample_settings();
	settings.deflate_threads = threads;
	repository_close(repository);
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
	assert_string_equal((const char *)settings.chunker, "chunker parameters");
	return repository;
}

static void setup(struct volume **volume, struct repository **repository)
{
	assert_int_equal(memory_volume_open(volume, &geometry), 0);
	assert_int_equal(sample_open(repository, *volume), 0);
}

static void teardown(struct volume *volume, struct repository *repository)
{
	repository_close(repository);
	memory_volume_close(volume);
}

static void what_was_put_comes_back_after_the_next_opening(void **state)
{
	(void)state;
	for (int threads = 0; threads <= 4; threads++) {
		struct volume *volume;
		struct repository *repository;
		uint64_t a, b;
		setup(&volume, &repository);
		repository = reopen(repository, volume, threads);
		assert_int_equal(sample_store(repository, &first, true, &a), 0);
		assert_int_equal(sample_compare(repository, &first, a), 0);
		assert_int_equal(sample_store(repository, &second, true, &b), 0);
		repository = reopen(repository, volume, threads);
		assert_int_equal(sample_compare(repository, &first, a), 0);
		assert_int_equal(sample_compare(repository, &second, b), 0);
		assert_int_equal(sample_compare(repository, &second, a), -EILSEQ);
		teardown(volume, repository);
	}
}

static uint64_t free_bytes(struct repository *repository)
{
	struct repository_status status;
	assert_int_equal(repository_status(repository, &status), 0);
	return status.free;
}

static void a_second_night_costs_what_changed(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct snapshot_info a, b;
	uint64_t id;
	struct sample other = first;
	setup(&volume, &repository);
	assert_int_equal(sample_store(repository, &first, false, &id), 0);
	assert_int_equal(snapshot_find(repository, id, &a), 0);
	assert_int_equal(sample_store(repository, &first, false, &id), 0);
	assert_int_equal(snapshot_find(repository, id, &b), 0);
	assert_true(a.bytes == b.bytes && b.stored_bytes < 1000);
	other.seed = 9;
	assert_int_equal(sample_store(repository, &other, false, &id), 0);
	assert_int_equal(snapshot_find(repository, id, &b), 0);
	assert_true(b.stored_bytes > a.stored_bytes / 5 && b.stored_bytes < a.stored_bytes / 3);
	teardown(volume, repository);
}

static void one_change_in_a_long_list_stores_few_pages(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct sample sample = { .seed = 1, .streams = 1, .chunks = 3000, .shared = 2999, .chunk_size = 8 };
	struct snapshot_info info;
	uint64_t id;
	setup(&volume, &repository);
	assert_int_equal(sample_store(repository, &sample, false, &id), 0);
	sample.seed = 2;
	assert_int_equal(sample_store(repository, &sample, false, &id), 0);
	assert_int_equal(snapshot_find(repository, id, &info), 0);
	assert_true(info.stored_bytes < 12000);
	assert_int_equal(sample_compare(repository, &sample, id), 0);
	teardown(volume, repository);
}

static void what_was_aborted_is_not_visible_and_its_space_comes_back(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct snapshot_writer *writer, *other;
	uint64_t id, freed, before;
	static uint8_t bytes[100000];
	setup(&volume, &repository);
	assert_int_equal(sample_store(repository, &first, false, &id), 0);
	before = free_bytes(repository);
	assert_int_equal(snapshot_begin(repository, SNAPSHOT_BACKUP, "x", &writer), 0);
	assert_int_equal(snapshot_begin(repository, SNAPSHOT_BACKUP, "x", &other), -EBUSY);
	assert_int_equal(repository_clean(repository, &freed), -EBUSY);
	assert_int_equal(snapshot_stream_begin(writer, "s"), 0);
	uint32_t random = 1;
	for (int i = 0; i < 30; i++) {
		for (size_t j = 0; j < sizeof bytes; j++)
			bytes[j] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
		assert_int_equal(snapshot_put(writer, 1, 1, bytes, sizeof bytes), 0);
	}
	snapshot_abort(writer);
	assert_int_equal(snapshot_list(repository, NULL, 0), 1);
	assert_true(free_bytes(repository) < before - 1000000);
	assert_int_equal(repository_clean(repository, &freed), 0);
	assert_true(freed > 1000000 && free_bytes(repository) == before);
	repository = reopen(repository, volume, 0);
	assert_int_equal(sample_compare(repository, &first, id), 0);
	teardown(volume, repository);
}

/* The same chunks in the other order: pages and nothing else fill segments of their own. */
static uint64_t store_reversed(struct repository *repository, unsigned chunks)
{
	struct snapshot_writer *writer;
	struct snapshot_info info;
	assert_int_equal(snapshot_begin(repository, SNAPSHOT_BACKUP, "x", &writer), 0);
	assert_int_equal(snapshot_stream_begin(writer, "s"), 0);
	for (unsigned i = chunks; i-- > 0;)
		assert_int_equal(snapshot_put(writer, 1, i, &i, sizeof i), 0);
	assert_int_equal(snapshot_stream_end(writer, NULL, 0), 0);
	assert_int_equal(snapshot_commit(writer, NULL, 0, false, &info), 0);
	return info.id;
}

static void count_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

static void cleaning_keeps_pages_that_lie_alone(void **state)
{
	(void)state;
	const struct memory_geometry small = { .size = 8u << 20, .segment_size = 16u << 10, .write_unit = 1 };
	struct volume *volume;
	struct repository *repository;
	struct snapshot_writer *writer;
	uint64_t freed;
	unsigned damage = 0;
	assert_int_equal(memory_volume_open(&volume, &small), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
	assert_int_equal(snapshot_begin(repository, SNAPSHOT_BACKUP, "all", &writer), 0);
	assert_int_equal(snapshot_stream_begin(writer, "s"), 0);
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(snapshot_put(writer, 1, i, &i, sizeof i), 0);
	assert_int_equal(snapshot_stream_end(writer, NULL, 0), 0);
	assert_int_equal(snapshot_commit(writer, NULL, 0, false, NULL), 0);
	store_reversed(repository, 3000);
	assert_int_equal(repository_clean(repository, &freed), 0);
	assert_int_equal(freed, 0);
	repository = reopen(repository, volume, 0);
	assert_int_equal(repository_verify(repository, 0, true, count_damage, &damage, NULL), 0);
	teardown(volume, repository);
}

static void a_removed_snapshot_is_gone_and_the_others_are_whole(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct snapshot_info info;
	uint64_t a, b, freed;
	const struct sample big = { .seed = 7, .streams = 2, .chunks = 700, .shared = 10, .chunk_size = 3000 };
	setup(&volume, &repository);
	assert_int_equal(sample_store(repository, &big, false, &a), 0);
	assert_int_equal(sample_store(repository, &second, false, &b), 0);
	assert_int_equal(snapshot_set_flags(repository, a, SNAPSHOT_PINNED, 0), 0);
	assert_int_equal(snapshot_remove(repository, a), -EPERM);
	assert_int_equal(snapshot_set_flags(repository, a, SNAPSHOT_SUSPECT, SNAPSHOT_PINNED), 0);
	repository = reopen(repository, volume, 1);
	assert_int_equal(snapshot_find(repository, a, &info), 0);
	assert_int_equal(info.flags, SNAPSHOT_SUSPECT);
	assert_int_equal(snapshot_remove(repository, a), 0);
	assert_int_equal(snapshot_remove(repository, a), -ENOENT);
	uint64_t before = free_bytes(repository);
	assert_int_equal(repository_clean(repository, &freed), 0);
	assert_true(freed > 0 && free_bytes(repository) == before + freed);
	assert_int_equal(sample_compare(repository, &second, b), 0);
	assert_int_equal(sample_store(repository, &big, true, &a), 0); /* nothing that went is still believed to be there */
	repository = reopen(repository, volume, 1);
	assert_int_equal(sample_compare(repository, &big, a), 0);
	assert_int_equal(sample_compare(repository, &second, b), 0);
	teardown(volume, repository);
}

static void the_order_is_the_order_of_making(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct snapshot_info list[3];
	uint64_t ids[3];
	setup(&volume, &repository);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sample_store(repository, i % 2 ? &first : &second, false, &ids[i]), 0);
	assert_int_equal(snapshot_remove(repository, ids[1]), 0);
	assert_int_equal(sample_store(repository, &first, false, &ids[1]), 0);
	assert_int_equal(snapshot_list(repository, list, 3), 3);
	assert_true(list[0].id == ids[0] && list[1].id == ids[2] && list[2].id == ids[1]);
	assert_true(list[0].sequence < list[1].sequence && list[1].sequence < list[2].sequence);
	assert_string_equal(list[2].subject, "server/database");
	teardown(volume, repository);
}

static void odd_shapes_come_back(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct snapshot_writer *writer;
	struct snapshot_reader *reader;
	struct snapshot_info info;
	struct stream_info stream;
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	static uint8_t large[CHUNK_SIZE_MAX], about[64 * 1024], back[CHUNK_SIZE_MAX];
	char name[301];
	const void *got;
	size_t size;
	uint32_t random = 5;
	memset(name, 'n', 300);
	name[300] = 0;
	for (size_t i = 0; i < sizeof large; i++)
		large[i] = (uint8_t)((random = random * 1664525 + 1013904223) >> 24);
	memcpy(about, large, sizeof about);
	setup(&volume, &repository);
	assert_int_equal(snapshot_begin(repository, SNAPSHOT_SAFETY, "", &writer), 0);
	assert_int_equal(snapshot_put(writer, 1, 1, "x", 1), -EINVAL); /* no stream yet */
	assert_int_equal(snapshot_stream_begin(writer, name), 0);
	assert_int_equal(snapshot_stream_begin(writer, "two at once"), -EINVAL);
	assert_int_equal(snapshot_put(writer, 255, 0xffffffff, large, sizeof large), 0);
	assert_int_equal(snapshot_put(writer, 1, 1, "x", 1), 0);
	assert_int_equal(snapshot_put(writer, 2, 2, "x", 1), 0);
	assert_int_equal(snapshot_put(writer, 0, 1, "x", 1), -EINVAL);
	assert_int_equal(snapshot_put(writer, 1, 1, "x", 0), -EINVAL);
	assert_int_equal(snapshot_put(writer, 1, 1, large, sizeof large + 1), -EINVAL);
	assert_int_equal(snapshot_stream_end(writer, about, sizeof about + 1), -EINVAL);
	assert_int_equal(snapshot_stream_end(writer, about, sizeof about), 0);
	assert_int_equal(snapshot_stream_begin(writer, ""), 0);
	assert_int_equal(snapshot_stream_end(writer, NULL, 0), 0);
	assert_int_equal(snapshot_commit(writer, NULL, 0, true, &info), 0);
	assert_int_equal(info.class, SNAPSHOT_SAFETY);
	assert_true(info.flags & SNAPSHOT_VERIFIED);

	repository = reopen(repository, volume, 0);
	assert_int_equal(snapshot_open(repository, info.id, &reader), 0);
	assert_int_equal(snapshot_about(reader, &got, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(snapshot_stream_count(reader), 2);
	assert_int_equal(snapshot_stream_info(reader, 0, &stream), 0);
	assert_string_equal(stream.name, name);
	assert_int_equal(stream.about_size, sizeof about);
	assert_memory_equal(stream.about, about, sizeof about);
	assert_true(stream.chunks == 3 && stream.bytes == sizeof large + 2 && stream.count == UINT64_C(0xffffffff) + 3);
	assert_int_equal(stream_open(reader, 0, &cursor), 0);
	assert_int_equal(stream_next(cursor, &entry), 1);
	assert_true(entry.tag == 255 && entry.size == sizeof large && entry.count == 0xffffffff);
	assert_int_equal(chunk_read(repository, &entry, back), 0);
	assert_memory_equal(back, large, sizeof large);
	assert_int_equal(stream_next(cursor, &entry), 1);
	assert_int_equal(stream_next(cursor, &entry), 1);
	assert_true(entry.tag == 2 && entry.count == 2);
	assert_int_equal(stream_next(cursor, &entry), 0);
	stream_close(cursor);
	assert_int_equal(snapshot_stream_info(reader, 1, &stream), 0);
	assert_int_equal(snapshot_stream_info(reader, 2, &stream), -EINVAL);
	assert_int_equal(stream_open(reader, 1, &cursor), 0);
	assert_int_equal(stream_next(cursor, &entry), 0);
	stream_close(cursor);
	snapshot_close(reader);
	teardown(volume, repository);
}

static void a_full_volume_fails_early_and_deleting_works(void **state)
{
	(void)state;
	struct memory_geometry small = { .size = 1u << 20, .segment_size = 128u << 10, .write_unit = 1 };
	struct volume *volume;
	struct repository *repository;
	struct sample sample = { .seed = 1, .streams = 1, .chunks = 60, .shared = 0, .chunk_size = 3000 };
	uint64_t ids[32], freed;
	int count = 0, error;
	assert_int_equal(memory_volume_open(&volume, &small), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
	while (!(error = sample_store(repository, &sample, true, &ids[count]))) {
		count++;
		sample.seed++;
	}
	assert_int_equal(error, -ENOSPC);
	assert_true(count > 2);
	assert_true(free_bytes(repository) >= 2 * small.segment_size); /* kept for deleting and for roots */
	for (int i = 0; i < count; i++) {
		sample.seed = (uint32_t)i + 1;
		assert_int_equal(sample_compare(repository, &sample, ids[i]), 0);
	}
	repository = reopen(repository, volume, 0);
	assert_int_equal(snapshot_remove(repository, ids[0]), 0);
	assert_int_equal(snapshot_remove(repository, ids[1]), 0);
	assert_int_equal(repository_clean(repository, &freed), 0);
	assert_true(freed > 0);
	sample.seed = 77;
	assert_int_equal(sample_store(repository, &sample, true, &ids[0]), 0);
	assert_int_equal(sample_compare(repository, &sample, ids[0]), 0);
	teardown(volume, repository);
}

static void a_full_index_is_a_full_store(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct repository_settings settings = sample_settings();
	uint64_t a, b;
	settings.index_chunks = 700;
	setup(&volume, &repository);
	repository_close(repository);
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
	assert_int_equal(sample_store(repository, &first, false, &a), 0);
	assert_int_equal(sample_store(repository, &second, false, &b), -ENOSPC);
	assert_int_equal(sample_compare(repository, &first, a), 0);
	repository_close(repository);
	settings.index_chunks = 100;
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), -ENOSPC);
	memory_volume_close(volume);
}

static void nothing_is_written_where_reading_alone_is_allowed(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct repository_settings settings = sample_settings();
	struct snapshot_writer *writer;
	uint64_t id, freed;
	setup(&volume, &repository);
	assert_int_equal(sample_store(repository, &first, false, &id), 0);
	repository_close(repository);
	settings.read_only = true;
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
	uint64_t before = free_bytes(repository);
	assert_int_equal(sample_compare(repository, &first, id), 0);
	assert_int_equal(snapshot_begin(repository, SNAPSHOT_BACKUP, "x", &writer), -EROFS);
	assert_int_equal(snapshot_set_flags(repository, id, SNAPSHOT_PINNED, 0), -EROFS);
	assert_int_equal(snapshot_remove(repository, id), -EROFS);
	assert_int_equal(repository_clean(repository, &freed), -EROFS);
	assert_int_equal(repository_state_write(repository, "x", "y", 1), -EROFS);
	assert_true(free_bytes(repository) == before);
	teardown(volume, repository);
}

static void another_box_reads_and_does_not_write(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct repository_settings settings = sample_settings();
	struct repository_status status;
	uint64_t id;
	setup(&volume, &repository);
	assert_int_equal(sample_store(repository, &first, false, &id), 0);
	repository_close(repository);
	memset(settings.writer, 7, sizeof settings.writer);
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
	assert_int_equal(repository_status(repository, &status), 0);
	assert_true(status.read_only);
	assert_int_equal(sample_compare(repository, &first, id), 0);
	teardown(volume, repository);
}

static void an_append_only_repository_forgets_nothing(void **state)
{
	(void)state;
	struct volume *volume;
	struct repository *repository;
	struct repository_settings settings = sample_settings();
	char recovery[64];
	uint64_t id;
	settings.append_only = true;
	assert_int_equal(memory_volume_open(&volume, &geometry), 0);
	assert_int_equal(repository_create(volume, &settings, &sample_secret, recovery), 0);
	settings.append_only = false;
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
	assert_true(settings.append_only);
	assert_int_equal(sample_store(repository, &first, false, &id), 0);
	assert_int_equal(snapshot_remove(repository, id), -EPERM);
	teardown(volume, repository);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_comes_back_after_the_next_opening),
		cmocka_unit_test(a_second_night_costs_what_changed),
		cmocka_unit_test(one_change_in_a_long_list_stores_few_pages),
		cmocka_unit_test(what_was_aborted_is_not_visible_and_its_space_comes_back),
		cmocka_unit_test(cleaning_keeps_pages_that_lie_alone),
		cmocka_unit_test(a_removed_snapshot_is_gone_and_the_others_are_whole),
		cmocka_unit_test(the_order_is_the_order_of_making),
		cmocka_unit_test(odd_shapes_come_back),
		cmocka_unit_test(a_full_volume_fails_early_and_deleting_works),
		cmocka_unit_test(a_full_index_is_a_full_store),
		cmocka_unit_test(nothing_is_written_where_reading_alone_is_allowed),
		cmocka_unit_test(another_box_reads_and_does_not_write),
		cmocka_unit_test(an_append_only_repository_forgets_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
