/* SPDX-License-Identifier: Apache-2.0 */
/* How much room a backup is going to need, and how much a whole new copy. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/snapshot/snapshot_about.h"
#include "agent/upkeep/room.h"
#include "storage/memory.h"
#include "tests/support/sample.h"
#include "tests/support/table_rows.h"

#define SEGMENT 16384u

static struct volume *volume;
static struct repository *repository;
static struct random noise;
static struct room room;

static void open_all(uint64_t size, uint32_t index_chunks)
{
	struct memory_geometry geometry = { .size = size, .segment_size = SEGMENT, .write_unit = 1 };
	struct repository_settings settings = sample_settings();
	char recovery[64];
	settings.index_chunks = index_chunks;
	settings.without_parity = true;
	noise = (struct random){ 7 };
	assert_int_equal(memory_volume_open(&volume, &geometry), 0);
	assert_int_equal(repository_create(volume, &settings, &sample_secret, recovery), 0);
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
}

static void close_all(void)
{
	repository_close(repository);
	memory_volume_close(volume);
}

/* A snapshot that adds about so many kilobytes, which do not compress; its record says that they would by `ratio`. */
static uint64_t store(const char *subject, enum snapshot_class class, unsigned kilobytes, uint64_t ratio)
{
	static struct snapshot_about about;
	static uint8_t bytes[ABOUT_SIZE_MAX], chunk[1024];
	struct snapshot_writer *writer;
	struct snapshot_info info;
	about.ratio = ratio;
	int size = snapshot_about_encode(&about, bytes, sizeof(bytes));
	assert_int_equal(snapshot_begin(repository, class, subject, &writer), 0);
	assert_int_equal(snapshot_stream_begin(writer, "t"), 0);
	for (unsigned i = 0; i < kilobytes; i++) {
		for (size_t at = 0; at < sizeof(chunk); at++)
			chunk[at] = (uint8_t)random_next(&noise);
		assert_int_equal(snapshot_put(writer, 1, 1, chunk, sizeof(chunk)), 0);
	}
	assert_int_equal(snapshot_stream_end(writer, "", 0), 0);
	assert_int_equal(snapshot_commit(writer, bytes, (size_t)size, false, &info), 0);
	return info.id;
}

static void look(const char *subject)
{
	assert_int_equal(room_look(repository, subject, &room), 0);
}

static void expect_near(uint64_t found, uint64_t kilobytes)
{
	if (found < kilobytes * 1024 ||
		found > kilobytes * 1024 + 12288) /* heads, and pages of which there are more or fewer */
		fail_msg("%llu is not about %llu kB", (unsigned long long)found, (unsigned long long)kilobytes);
}

static void a_ratio_says_what_bytes_take(void **state)
{
	(void)state;
	assert_int_equal(room_for(10000, 2000), 5000);
	assert_int_equal(room_for(10000, 0), 3333); /* not known: a third */
	assert_int_equal(room_for(UINT64_MAX / 2, 1000), UINT64_MAX / 2);
}

static void the_least_of_the_last_nights_is_what_the_next_needs(void **state)
{
	(void)state;
	open_all(4 << 20, 4000);
	look("s/a");
	assert_int_equal(room.night, 0);
	store("s/a", SNAPSHOT_BACKUP, 200, 1000);
	look("s/a");
	assert_int_equal(room.night, 0); /* the first was all new: it says nothing of the next */
	store("s/b", SNAPSHOT_BACKUP, 2, 1000);
	store("s/a", SNAPSHOT_SAFETY, 1, 1000);
	store("s/a", SNAPSHOT_BACKUP, 30, 1000);
	look("s/a");
	expect_near(room.night, 30);
	store("s/a", SNAPSHOT_BACKUP, 10, 1000);
	for (unsigned i = 0; i < ROOM_NIGHTS - 1; i++)
		store("s/a", SNAPSHOT_BACKUP, 20 + i, 1000);
	look("s/a");
	expect_near(room.night, 10);
	store("s/a", SNAPSHOT_BACKUP, 90, 1000);
	look("s/a");
	expect_near(room.night, 20);
	look(NULL);
	assert_int_equal(room.night, 0);
	close_all();
}

static void a_base_is_the_largest_database_as_its_newest_good_backup_tells(void **state)
{
	(void)state;
	open_all(4 << 20, 4000);
	store("s/a", SNAPSHOT_BACKUP, 400, 1000);
	store("s/a", SNAPSHOT_BACKUP, 100, 2000); /* 50 */
	store("s/b", SNAPSHOT_BACKUP, 90, 1000);  /* 90 */
	store("s/c", SNAPSHOT_SAFETY, 300, 1000);
	look("s/a");
	expect_near(room.base, 90);
	assert_string_equal(room.largest, "s/b");
	uint64_t bad = store("s/b", SNAPSHOT_BACKUP, 200, 1000);
	assert_int_equal(snapshot_set_flags(repository, bad, SNAPSHOT_SUSPECT, 0), 0);
	look("s/a");
	expect_near(room.base, 90);
	close_all();
}

static void room_is_what_is_free_behind_the_reserve_in_whole_segments(void **state)
{
	(void)state;
	struct repository_status status;
	uint64_t before = 0;
	open_all(1 << 20, 4000);
	do {
		assert_int_equal(repository_status(repository, &status), 0);
		look(NULL);
		assert_int_equal(room.free, status.room);
		assert_true(room.free % SEGMENT == 0 && room.free + 2 * SEGMENT <= status.free);
		assert_true(!before || room.free < before);
		before = room.free;
		store("s/a", SNAPSHOT_BACKUP, 40, 1000);
	} while (before > 4 * SEGMENT);
	close_all();
}

/* What snapshots take can be counted in bytes of chunks: parity is not in it. */
static void parity_is_no_room(void **state)
{
	(void)state;
	struct repository_settings settings = sample_settings();
	struct memory_geometry geometry = { .size = 1 << 20, .segment_size = SEGMENT, .write_unit = 1 };
	char recovery[64];
	noise = (struct random){ 7 };
	assert_int_equal(memory_volume_open(&volume, &geometry), 0);
	assert_int_equal(repository_create(volume, &settings, &sample_secret, recovery), 0);
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
	look(NULL);
	uint64_t before = room.free;
	assert_true(before < (1 << 20) * 15 / 16);
	store("s/a", SNAPSHOT_BACKUP, 400, 1000);
	look(NULL);
	assert_true(before - room.free >= 400 * 1024 && before - room.free < 400 * 1024 * 5 / 4);
	close_all();
}

static void nearly_full_is_an_eighth_of_volume_or_index_or_no_room_for_a_base(void **state)
{
	(void)state;
	open_all(1 << 20, 4000);
	look(NULL);
	assert_false(room.nearly_full);
	store("s/a", SNAPSHOT_BACKUP, 400, 1000);
	look(NULL);
	assert_false(room.nearly_full);
	store("s/a", SNAPSHOT_BACKUP, 200, 500); /* so much the other way that 400 would not fit */
	look(NULL);
	assert_true(room.nearly_full && room.free < room.base);
	close_all();
	open_all(1 << 20, 4000);
	store("s/a", SNAPSHOT_BACKUP, 750, 100000);
	look(NULL);
	assert_true(room.nearly_full && room.free > room.base);
	close_all();
	open_all(4 << 20, 250);
	store("s/a", SNAPSHOT_BACKUP, 180, 100000);
	look(NULL);
	assert_false(room.nearly_full);
	store("s/a", SNAPSHOT_BACKUP, 40, 100000);
	look(NULL);
	assert_true(room.nearly_full);
	close_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ratio_says_what_bytes_take),
		cmocka_unit_test(the_least_of_the_last_nights_is_what_the_next_needs),
		cmocka_unit_test(a_base_is_the_largest_database_as_its_newest_good_backup_tells),
		cmocka_unit_test(room_is_what_is_free_behind_the_reserve_in_whole_segments),
		cmocka_unit_test(parity_is_no_room),
		cmocka_unit_test(nearly_full_is_an_eighth_of_volume_or_index_or_no_room_for_a_base),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
