/* SPDX-License-Identifier: Apache-2.0 */
/* Segments that are needed in part make way: what is needed is elsewhere before they go. tests/test_cuts.c cuts it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/disk.h"
#include "storage/memory.h"
#include "storage/segment.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

#define SEGMENT_SIZE (8u * 1024)
#define NIGHTS 4

struct world {
	struct fault_disk *disk;
	struct volume *volume;
	struct repository *repository;
	struct sample nights[NIGHTS];
	uint64_t ids[NIGHTS]; /* 0: removed */
	struct compact_limits limits;
	struct compact_result result;
	struct volume *away_volume; /* another, of its family; NULL: none */
	struct repository *away;
	uint64_t away_id;
};

static void open_world(struct world *w)
{
	assert_int_equal(sample_open(&w->repository, w->volume), 0);
}

static void reopen(struct world *w)
{
	repository_close(w->repository);
	fault_disk_restart(w->disk);
	open_world(w);
}

/* Each night has a third in common with the others, in the segments of the first. */
static void fill_world(struct world *w, unsigned streams, uint32_t chunk_size)
{
	for (unsigned i = 0; i < NIGHTS; i++) {
		w->nights[i] =
			(struct sample){ .seed = i + 2, .streams = streams, .chunks = 30, .shared = 5, .chunk_size = chunk_size };
		assert_int_equal(sample_store(w->repository, &w->nights[i], true, &w->ids[i]), 0);
	}
}

static void make_disk(struct world *w, uint64_t size)
{
	*w = (struct world){ .disk = fault_disk_create(size), .limits = { .copy_max = UINT64_MAX } };
	assert_int_equal(disk_volume_open(&w->volume, fault_disk_disk(w->disk), SEGMENT_SIZE), 0);
}

static void set_up_world(struct world *w, uint64_t size)
{
	make_disk(w, size);
	open_world(w);
	fill_world(w, 12, 700);
}

/* With so many small segments that they are copied together, whatever else is. */
static void set_up_small_world(struct world *w)
{
	make_disk(w, 1 << 20);
	open_world(w);
	fill_world(w, 2, 600);
	for (unsigned i = 0; i < 9; i++) {
		struct sample little = { .seed = 100 + i, .streams = 1, .chunks = 1, .chunk_size = 100 };
		uint64_t id;
		assert_int_equal(sample_store(w->repository, &little, true, &id), 0);
	}
}

static void set_up_world_without_parity(struct world *w, uint64_t size)
{
	make_disk(w, size);
	assert_int_equal(sample_open_without_parity(&w->repository, w->volume), 0);
	fill_world(w, 12, 700);
}

static void tear_down_world(struct world *w)
{
	repository_close(w->repository);
	disk_volume_close(w->volume);
	fault_disk_destroy(w->disk);
	repository_close(w->away);
	memory_volume_close(w->away_volume);
}

static void copy_away(struct world *w, unsigned night)
{
	const struct memory_geometry geometry = { .size = 4u << 20, .segment_size = 64u << 10, .write_unit = 1 };
	const struct copy_watch watch = { .stop = NULL };
	struct repository_settings settings = sample_settings();
	struct copy_result copied;
	assert_int_equal(memory_volume_open(&w->away_volume, &geometry), 0);
	assert_int_equal(repository_create_sister(w->away_volume, w->repository, false), 0);
	assert_int_equal(repository_open(&w->away, w->away_volume, &settings, &sample_secret), 0);
	assert_int_equal(snapshot_copy(w->repository, w->away, w->ids[night], &watch, &copied), 0);
	w->away_id = w->ids[night];
}

static void remove_night(struct world *w, unsigned night)
{
	assert_int_equal(snapshot_remove(w->repository, w->ids[night]), 0);
	w->ids[night] = 0;
}

static int compact(struct world *w)
{
	return repository_compact(w->repository, &w->limits, &w->result);
}

static uint64_t free_space(struct world *w)
{
	struct repository_status status;
	assert_int_equal(repository_status(w->repository, &status), 0);
	return status.free;
}

static void expect_whole(struct world *w)
{
	for (unsigned i = 0; i < NIGHTS; i++)
		if (w->ids[i] && sample_compare(w->repository, &w->nights[i], w->ids[i]) != 0)
			fail_msg("night %u is not whole", i);
}

static void space_between_what_is_needed_comes_back(void **state)
{
	(void)state;
	struct world w;
	uint64_t freed;
	set_up_world(&w, 4 << 20);
	remove_night(&w, 0);
	assert_int_equal(repository_clean(w.repository, &freed), 0);
	uint64_t before = free_space(&w);
	assert_int_equal(compact(&w), 0);
	assert_false(w.result.more);
	assert_true(w.result.copied > 0 && w.result.freed > w.result.copied);
	assert_true(free_space(&w) > before + 2 * SEGMENT_SIZE);
	expect_whole(&w);
	reopen(&w);
	expect_whole(&w);
	/* What was done is done: the second time there is nothing to copy. */
	assert_int_equal(compact(&w), 0);
	assert_int_equal(w.result.copied, 0);
	tear_down_world(&w);
}

static void no_more_is_copied_than_may_be(void **state)
{
	(void)state;
	struct world w;
	uint64_t copied = 0;
	set_up_world(&w, 4 << 20);
	remove_night(&w, 0);
	w.limits.copy_max = 6000;
	for (unsigned turns = 1;; turns++) {
		assert_int_equal(compact(&w), 0);
		assert_true(w.result.copied <= w.limits.copy_max + SEGMENT_SIZE);
		copied += w.result.copied;
		expect_whole(&w);
		if (!w.result.more) {
			assert_true(turns > 1 && copied > 6000);
			break;
		}
	}
	tear_down_world(&w);
}

static unsigned asked, stop_at;

static bool stop(void *arg)
{
	(void)arg;
	return ++asked >= stop_at;
}

static void it_stops_before_any_new_segment(void **state)
{
	(void)state;
	bool more = true;
	for (stop_at = 1; more; stop_at++) {
		struct world w;
		set_up_world(&w, 4 << 20);
		remove_night(&w, 0);
		asked = 0;
		w.limits.stop = stop;
		assert_int_equal(compact(&w), 0);
		more = w.result.more;
		expect_whole(&w);
		reopen(&w);
		expect_whole(&w);
		w.limits.stop = NULL;
		assert_int_equal(compact(&w), 0);
		expect_whole(&w);
		tear_down_world(&w);
	}
	assert_true(stop_at > 3);
}

static int intrude_result;

/* Somebody makes a snapshot in between, of what the marks took for not needed. */
static bool intrude(void *arg)
{
	struct world *w = arg;
	if (++asked == stop_at)
		intrude_result = sample_store(w->repository, &w->nights[0], true, &w->ids[0]);
	return false;
}

/* At any of the moments at which cleaning asks whether it shall stop. away: a copy of the first night is on another volume. */
static void lose_nothing(bool (*meanwhile)(void *arg), bool away)
{
	bool struck = true;
	for (stop_at = 1; struck; stop_at++) {
		struct world w;
		set_up_world(&w, 4 << 20);
		if (away)
			copy_away(&w, 0);
		remove_night(&w, 0);
		asked = 0;
		w.limits.stop = meanwhile;
		w.limits.arg = &w;
		int result = compact(&w);
		struck = asked >= stop_at;
		assert_int_equal(result, struck ? -EBUSY : 0);
		assert_int_equal(intrude_result, 0);
		expect_whole(&w);
		reopen(&w);
		expect_whole(&w);
		w.limits.stop = NULL;
		assert_int_equal(compact(&w), 0);
		expect_whole(&w);
		tear_down_world(&w);
	}
	assert_true(stop_at > 3);
}

static void a_snapshot_that_is_made_meanwhile_loses_nothing(void **state)
{
	(void)state;
	lose_nothing(intrude, false);
}

/* What retention removed here, and another volume has: brought back it is older than what is here. */
static bool bring_back(void *arg)
{
	struct world *w = arg;
	const struct copy_watch watch = { .stop = NULL };
	struct copy_result copied;
	if (++asked != stop_at)
		return false;
	intrude_result = snapshot_copy(w->away, w->repository, w->away_id, &watch, &copied);
	w->ids[0] = w->away_id;
	return false;
}

static void an_older_snapshot_that_is_brought_back_meanwhile_loses_nothing(void **state)
{
	(void)state;
	lose_nothing(bring_back, true);
}

static void it_waits_for_the_snapshot_that_is_being_made(void **state)
{
	(void)state;
	struct world w;
	struct snapshot_writer *writer;
	set_up_world(&w, 4 << 20);
	remove_night(&w, 0);
	assert_int_equal(snapshot_begin(w.repository, SNAPSHOT_BACKUP, "s/d", &writer), 0);
	assert_int_equal(compact(&w), -EBUSY);
	assert_int_equal(w.result.copied, 0);
	snapshot_abort(writer);
	tear_down_world(&w);
}

/* ---- damage ---- */

struct flip {
	const char *only; /* beginning of a name */
	uint32_t from, to;
	char newest[64];
};

static int flip(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	struct flip *flip = arg;
	if (strncmp(name, flip->only, strlen(flip->only)) != 0)
		return 0;
	for (uint32_t i = flip->from; i < flip->to && i < size; i++)
		bytes[i] ^= 1;
	return 0;
}

static void note_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

static unsigned count_damage(struct world *w)
{
	unsigned damage = 0;
	repository_verify(w->repository, 0, true, note_damage, &damage, NULL);
	return damage;
}

/* One chunk of the first segment: what is needed and damaged keeps its segment, and is damaged afterwards, not lost. */
static void a_damaged_chunk_stays_where_it_is(void **state)
{
	(void)state;
	struct world w;
	struct flip one = { .only = "0000000000000001", .from = SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5, .to = 0 };
	one.to = one.from + 1;
	set_up_world_without_parity(&w, 4 << 20);
	remove_night(&w, 0);
	fault_disk_each(w.disk, flip, &one);
	unsigned before = count_damage(&w);
	assert_true(before > 0);
	assert_int_equal(compact(&w), 0);
	assert_true(w.result.copied > 0);
	assert_int_equal(count_damage(&w), before);
	fault_disk_each(w.disk, flip, &one); /* and back: it was all there */
	reopen(&w);
	expect_whole(&w);
	tear_down_world(&w);
}

/* Cleaning was the first to meet the damage: the next backup stores the chunk again all the same. */
static void a_chunk_that_cleaning_found_damaged_is_stored_again(void **state)
{
	(void)state;
	struct world w;
	struct flip one = { .only = "0000000000000001", .from = SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5, .to = 0 };
	one.to = one.from + 1;
	set_up_world(&w, 4 << 20);
	remove_night(&w, 0);
	fault_disk_each(w.disk, flip, &one);
	assert_int_equal(compact(&w), 0);
	assert_int_equal(sample_store(w.repository, &w.nights[1], true, &w.ids[0]), 0);
	w.nights[0] = w.nights[1];
	expect_whole(&w);
	reopen(&w);
	expect_whole(&w);
	tear_down_world(&w);
}

static void a_damaged_chunk_that_was_stored_again_goes(void **state)
{
	(void)state;
	struct world w;
	struct flip one = { .only = "0000000000000001", .from = SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 5, .to = 0 };
	one.to = one.from + 1;
	set_up_world_without_parity(&w, 4 << 20);
	remove_night(&w, 0);
	fault_disk_each(w.disk, flip, &one);
	assert_true(count_damage(&w) > 0);
	assert_int_equal(sample_store(w.repository, &w.nights[1], true, &w.ids[0]), 0);
	w.nights[0] = w.nights[1];
	assert_int_equal(compact(&w), 0);
	uint64_t copied = w.result.copied;
	assert_true(copied > 0);
	expect_whole(&w);
	fault_disk_each(w.disk, flip, &one); /* its segment is not there any more: nothing is flipped back */
	reopen(&w);
	assert_int_equal(count_damage(&w), 0);
	assert_int_equal(compact(&w), 0);
	assert_int_equal(w.result.copied + w.result.freed, 0);
	tear_down_world(&w);
}

static int flip_last_chunk(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	(void)arg;
	if (!strncmp(name, "00", 2) && size > 2 * SEGMENT_TRAILER_SIZE) {
		const uint8_t *at = bytes + size - SEGMENT_TRAILER_SIZE + 24;
		uint32_t contents = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
		bytes[contents - 1] ^= 1;
	}
	return 0;
}

static void nothing_moves_while_a_manifest_is_unreadable(void **state)
{
	(void)state;
	struct world w;
	set_up_world_without_parity(&w, 4 << 20);
	remove_night(&w, 0);
	fault_disk_each(w.disk, flip_last_chunk, NULL);
	uint64_t before = free_space(&w);
	assert_int_equal(compact(&w), -EBADMSG);
	assert_int_equal(w.result.copied + w.result.freed, 0);
	assert_int_equal(free_space(&w), before);
	fault_disk_each(w.disk, flip_last_chunk, NULL);
	reopen(&w);
	expect_whole(&w);
	tear_down_world(&w);
}

/* Pages of it never arrived. */
static int count_torn(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	uint32_t at = size / 4, end = 2 * (size / 4);
	while (at < end && !bytes[at])
		at++;
	*(unsigned *)arg += !strncmp(name, "00", 2) && size > 100 && at == end;
	return 0;
}

/*
 * The copy is not whole on the medium, and cannot be removed either; then all is well again. A root may know a higher number
 * by then: the copy does not count in the next life.
 */
static void a_copy_that_failed_and_stayed_never_counts(void **state)
{
	(void)state;
	const struct fault_plan none = { FAULT_NONE, 0, 0 };
	unsigned failed = 0, stayed = 0;
	bool struck = true;
	for (unsigned at = 1; struck; at++) {
		struct world w;
		struct fault_plan plan = { FAULT_SYNC, at, 0 };
		set_up_small_world(&w);
		remove_night(&w, 0);
		fault_disk_plan(w.disk, &plan);
		fault_disk_more(w.disk, 1);
		failed += compact(&w) != 0;
		struck = fault_disk_struck(w.disk);
		fault_disk_plan(w.disk, &none);
		assert_int_equal(snapshot_set_flags(w.repository, w.ids[1], SNAPSHOT_PINNED, 0), 0);
		unsigned lying = 0, torn = 0;
		repository_close(w.repository);
		fault_disk_restart(w.disk);
		fault_disk_each(w.disk, count_torn, &lying);
		open_world(&w);
		fault_disk_each(w.disk, count_torn, &torn);
		unsigned damage = count_damage(&w);
		if (damage || torn)
			fail_msg("errors at %u and %u: %u damaged, torn and counted: %u", at, at + 1, damage, torn);
		stayed += lying;
		expect_whole(&w);
		tear_down_world(&w);
	}
	if (!failed || !stayed)
		fail_msg("%u failed, %u stayed", failed, stayed);
}

static int find_newest_root(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	struct flip *flip = arg;
	(void)bytes, (void)size;
	if (!strncmp(name, "02", 2) && strcmp(name, flip->newest) > 0)
		snprintf(flip->newest, sizeof flip->newest, "%s", name);
	return 0;
}

static void the_newest_root_may_be_lost_right_afterwards(void **state)
{
	(void)state;
	struct world w;
	struct flip root = { .from = 0, .to = UINT32_MAX };
	set_up_world(&w, 4 << 20);
	remove_night(&w, 0);
	assert_int_equal(compact(&w), 0);
	fault_disk_each(w.disk, find_newest_root, &root);
	root.only = root.newest;
	fault_disk_each(w.disk, flip, &root);
	reopen(&w);
	expect_whole(&w);
	assert_int_equal(count_damage(&w), 0);
	tear_down_world(&w);
}

/* ---- a full store ---- */

static void a_full_store_is_made_free(void **state)
{
	(void)state;
	struct world w;
	struct sample more = { .seed = 50, .streams = 12, .chunks = 30, .shared = 5, .chunk_size = 700 };
	uint64_t ids[40], id;
	unsigned count = 0;
	set_up_world(&w, 1200 << 10);
	while (sample_store(w.repository, &more, true, &id) == 0)
		ids[count++] = id, more.seed++;
	assert_int_equal(sample_store(w.repository, &more, true, &id), -ENOSPC);
	remove_night(&w, 0);
	assert_int_equal(compact(&w), 0);
	assert_true(w.result.freed > w.result.copied);
	for (unsigned i = 0; i < count; i += 2)
		assert_int_equal(snapshot_remove(w.repository, ids[i]), 0);
	assert_int_equal(compact(&w), 0);
	expect_whole(&w);
	assert_int_equal(sample_store(w.repository, &more, true, &id), 0);
	reopen(&w);
	expect_whole(&w);
	assert_int_equal(count_damage(&w), 0);
	tear_down_world(&w);
}

/* Every chunk of the first segment, up to its contents. */
static int flip_chunks(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	(void)arg;
	if (strncmp(name, "0000000000000001", 16) != 0)
		return 0;
	const uint8_t *at = bytes + size - SEGMENT_TRAILER_SIZE + 24;
	uint32_t contents = (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
	for (uint32_t i = SEGMENT_HEAD_SIZE; i < contents; i++)
		bytes[i] ^= 1;
	return 1;
}

/*
 * A job stored anew what was damaged, and was aborted: what it sealed is used from then on. It is acknowledged before the
 * damaged segment goes, or the next life would drop it.
 */
static void what_an_aborted_job_healed_outlives_the_damaged(void **state)
{
	(void)state;
	struct world w;
	const struct scrub_limits scrub = { .segments_max = UINT64_MAX };
	struct scrub_result scrubbed;
	uint64_t freed, position = 0;
	struct snapshot_writer *writer;
	struct sample night = { .seed = 9, .streams = 1, .chunks = 30, .shared = 0, .chunk_size = 900 };
	uint8_t bytes[2000];
	make_disk(&w, 4 << 20);
	assert_int_equal(sample_open_without_parity(&w.repository, w.volume), 0);
	assert_int_equal(sample_store(w.repository, &night, true, &w.ids[0]), 0);
	assert_int_equal(fault_disk_each(w.disk, flip_chunks, NULL), 1);
	assert_true(count_damage(&w) > 3);
	assert_int_equal(snapshot_begin(w.repository, SNAPSHOT_BACKUP, "server/database", &writer), 0);
	assert_int_equal(snapshot_stream_begin(writer, "stream"), 0);
	for (unsigned i = 0; i < night.chunks; i++) /* as sample_store does: pages of the list are chunks, too */
		assert_int_equal(snapshot_put(writer, (uint8_t)(1 + i % 2), i, bytes, sample_chunk(&night, 0, i, bytes)), 0);
	for (unsigned i = 0; i < 40; i++) { /* more, that what is wanted is sealed */
		struct sample other = { .seed = 99, .chunk_size = 900 };
		assert_int_equal(snapshot_put(writer, 1, 1, bytes, sample_chunk(&other, 0, i, bytes)), 0);
	}
	snapshot_abort(writer);
	assert_int_equal(count_damage(&w), 0);
	assert_int_equal(repository_scrub(w.repository, &position, &scrub, &scrubbed), 0); /* forgets the damaged ones */
	assert_int_equal(repository_clean(w.repository, &freed), 0);
	assert_int_equal(volume_read(w.volume, 1, 0, bytes, 1), -ENOENT);
	reopen(&w);
	assert_int_equal(count_damage(&w), 0);
	assert_int_equal(sample_compare(w.repository, &night, w.ids[0]), 0);
	tear_down_world(&w);
}

/* ---- many small ones ---- */

#define SMALL_NIGHTS 17 /* a root of more snapshots would not fit so small a segment */

static uint64_t count_segments(struct world *w)
{
	struct repository_status status;
	assert_int_equal(repository_status(w->repository, &status), 0);
	return status.segments;
}

static void years_of_small_nights_become_few_segments(void **state)
{
	(void)state;
	struct world w;
	struct sample night[SMALL_NIGHTS];
	uint64_t ids[SMALL_NIGHTS], copied = 0, most = 0;
	set_up_world(&w, 4 << 20);
	for (unsigned i = 0; i < 3; i++)
		remove_night(&w, i);
	assert_int_equal(compact(&w), 0);
	uint64_t before = count_segments(&w);
	for (unsigned i = 0; i < SMALL_NIGHTS; i++) {
		night[i] = (struct sample){ .seed = 100 + i, .streams = 1, .chunks = 1, .chunk_size = 100 };
		assert_int_equal(sample_store(w.repository, &night[i], true, &ids[i]), 0);
		assert_int_equal(compact(&w), 0);
		copied += w.result.copied;
		most = count_segments(&w) - before > most ? count_segments(&w) - before : most;
	}
	/* Two or three full segments' worth, and never more of them than those and the small ones that wait. */
	if (most > 10 || count_segments(&w) - before > 5)
		fail_msg("%u segments more, %u at most", (unsigned)(count_segments(&w) - before), (unsigned)most);
	if (copied > 4 * SMALL_NIGHTS * 1300u)
		fail_msg("%u bytes were copied", (unsigned)copied);
	assert_int_equal(compact(&w), 0);
	assert_int_equal(w.result.copied, 0);
	reopen(&w);
	expect_whole(&w);
	for (unsigned i = 0; i < SMALL_NIGHTS; i++)
		assert_int_equal(sample_compare(w.repository, &night[i], ids[i]), 0);
	assert_int_equal(count_damage(&w), 0);
	tear_down_world(&w);
}

/* State records take what is left, so that so many bytes are free. */
static void leave_free(struct world *w, uint64_t wanted)
{
	static const uint8_t bytes[4096];
	char name[8];
	for (unsigned i = 0; free_space(w) > wanted + 300; i++) {
		uint64_t much = free_space(w) - wanted - 200;
		snprintf(name, sizeof(name), "s%u", i);
		assert_int_equal(
			repository_state_write(w->repository, name, bytes, much < sizeof(bytes) ? much : sizeof(bytes)), 0);
	}
}

/* Copying never takes the room that the root needs: or a full store could not even be made free by hand. */
static void copying_leaves_room_for_the_root(void **state)
{
	(void)state;
	unsigned refused = 0, copied = 0;
	for (uint64_t left = SEGMENT_SIZE / 2; left < 3 * SEGMENT_SIZE; left += 512) {
		struct world w;
		struct sample more = { .seed = 50, .streams = 1, .chunks = 2, .chunk_size = 700 };
		uint64_t id;
		set_up_world(&w, 2 << 20);
		for (unsigned i = 0; i < 15; i++, more.seed++)
			assert_int_equal(sample_store(w.repository, &more, true, &id), 0);
		remove_night(&w, 0);
		assert_int_equal(repository_clean(w.repository, &w.result.freed), 0);
		leave_free(&w, left);
		int error = compact(&w);
		assert_true(error == 0 || error == -ENOSPC);
		refused += error == -ENOSPC;
		copied += w.result.copied > 0;
		if (snapshot_set_flags(w.repository, id, SNAPSHOT_PINNED, 0) != 0)
			fail_msg("with %u bytes free the root had no room afterwards", (unsigned)left);
		remove_night(&w, 1);
		expect_whole(&w);
		reopen(&w);
		expect_whole(&w);
		tear_down_world(&w);
	}
	assert_true(refused > 5 && copied > 5);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(space_between_what_is_needed_comes_back),
		cmocka_unit_test(no_more_is_copied_than_may_be),
		cmocka_unit_test(it_stops_before_any_new_segment),
		cmocka_unit_test(a_snapshot_that_is_made_meanwhile_loses_nothing),
		cmocka_unit_test(an_older_snapshot_that_is_brought_back_meanwhile_loses_nothing),
		cmocka_unit_test(it_waits_for_the_snapshot_that_is_being_made),
		cmocka_unit_test(a_damaged_chunk_stays_where_it_is),
		cmocka_unit_test(a_chunk_that_cleaning_found_damaged_is_stored_again),
		cmocka_unit_test(a_damaged_chunk_that_was_stored_again_goes),
		cmocka_unit_test(nothing_moves_while_a_manifest_is_unreadable),
		cmocka_unit_test(a_copy_that_failed_and_stayed_never_counts),
		cmocka_unit_test(the_newest_root_may_be_lost_right_afterwards),
		cmocka_unit_test(a_full_store_is_made_free),
		cmocka_unit_test(what_an_aborted_job_healed_outlives_the_damaged),
		cmocka_unit_test(years_of_small_nights_become_few_segments),
		cmocka_unit_test(copying_leaves_room_for_the_root),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
