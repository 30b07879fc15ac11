/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot on two volumes: whole on the second or not there, only what is missing, nothing believed unread. */
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
#define NIGHTS 3

struct place {
	struct fault_disk *disk;
	struct volume *volume;
	struct repository *repository;
};

struct world {
	struct place home, away;
	struct sample nights[NIGHTS];
	uint64_t ids[NIGHTS];
	struct copy_watch watch;
	struct copy_result result;
};

static void open_volume(struct place *place, uint64_t size)
{
	place->disk = fault_disk_create(size);
	assert_int_equal(disk_volume_open(&place->volume, fault_disk_disk(place->disk), SEGMENT_SIZE), 0);
}

static int open_again(struct place *place)
{
	struct repository_settings settings = sample_settings();
	repository_close(place->repository);
	place->repository = NULL;
	return repository_open(&place->repository, place->volume, &settings, &sample_secret);
}

static void restart(struct place *place)
{
	repository_close(place->repository);
	place->repository = NULL;
	fault_disk_restart(place->disk);
	assert_int_equal(open_again(place), 0);
}

/* Two thirds of a night are its own, a third lies in the segments of the first. */
static void set_up_with(struct world *w, uint64_t away_size, int (*open)(struct repository **, struct volume *))
{
	*w = (struct world){ .watch = { .stop = NULL } };
	open_volume(&w->home, 4 << 20);
	open_volume(&w->away, away_size);
	assert_int_equal(open(&w->home.repository, w->home.volume), 0);
	assert_int_equal(repository_create_sister(w->away.volume, w->home.repository, false), 0);
	assert_int_equal(open_again(&w->away), 0);
	for (unsigned i = 0; i < NIGHTS; i++) {
		w->nights[i] = (struct sample){ .seed = i + 2, .streams = 2, .chunks = 12, .shared = 4, .chunk_size = 900 };
		assert_int_equal(sample_store(w->home.repository, &w->nights[i], true, &w->ids[i]), 0);
	}
}

static void set_up(struct world *w, uint64_t away_size)
{
	set_up_with(w, away_size, sample_open);
}

/* Both places: nothing heals. */
static void set_up_without_parity(struct world *w, uint64_t away_size)
{
	set_up_with(w, away_size, sample_open_without_parity);
}

static void tear_down_place(struct place *place)
{
	repository_close(place->repository);
	disk_volume_close(place->volume);
	fault_disk_destroy(place->disk);
}

static void tear_down(struct world *w)
{
	tear_down_place(&w->home);
	tear_down_place(&w->away);
}

static int copy(struct world *w, unsigned night)
{
	return snapshot_copy(w->home.repository, w->away.repository, w->ids[night], &w->watch, &w->result);
}

static bool is_away(struct world *w, unsigned night)
{
	struct snapshot_info info;
	return snapshot_find(w->away.repository, w->ids[night], &info) == 0;
}

static void expect_whole(struct place *place, const struct world *w, unsigned night)
{
	int error = sample_compare(place->repository, &w->nights[night], w->ids[night]);
	if (error)
		fail_msg("night %u: %s", night, strerror(-error));
}

static void no_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

static unsigned count_damage(struct place *place)
{
	unsigned damage = 0;
	int error = repository_verify(place->repository, 0, true, no_damage, &damage, NULL);
	assert_true(error == 0 || error == -EBADMSG);
	return damage;
}

/* ---- what a copy is ---- */

static void a_copy_is_the_same_snapshot_elsewhere(void **state)
{
	(void)state;
	struct world w;
	struct snapshot_info here, there;
	struct repository_status home;
	set_up(&w, 4 << 20);
	assert_int_equal(snapshot_set_flags(w.home.repository, w.ids[1], SNAPSHOT_SUSPECT | SNAPSHOT_PINNED, 0), 0);
	assert_int_equal(copy(&w, 1), 0);
	assert_false(w.result.there);
	restart(&w.away);
	expect_whole(&w.away, &w, 1);
	assert_int_equal(repository_status(w.home.repository, &home), 0);
	assert_int_equal(snapshot_find(w.home.repository, w.ids[1], &here), 0);
	assert_int_equal(snapshot_find(w.away.repository, w.ids[1], &there), 0);
	assert_string_equal(there.subject, here.subject);
	assert_true(there.sequence == here.sequence && there.box_time == here.box_time && there.bytes == here.bytes);
	assert_true(there.wall_time == here.wall_time && there.class == here.class);
	assert_int_equal(there.flags, SNAPSHOT_SUSPECT | SNAPSHOT_PINNED | SNAPSHOT_VERIFIED);
	assert_memory_equal(there.maker, here.maker, 16);
	assert_memory_equal(there.origin, home.id, 16); /* where it came from */
	assert_memory_not_equal(here.origin, home.id, 16);
	assert_false(there.foreign);
	assert_int_equal(there.stored_bytes, w.result.stored);
	tear_down(&w);
}

static void only_what_is_missing_is_written(void **state)
{
	(void)state;
	struct world w;
	uint64_t first, id;
	struct snapshot_info info;
	set_up(&w, 4 << 20);
	assert_int_equal(copy(&w, 0), 0);
	first = w.result.stored;
	assert_true(first > 0 && w.result.reused == 0);
	assert_int_equal(copy(&w, 1), 0);
	assert_true(w.result.reused >= 2 * 4); /* what the nights share */
	assert_true(w.result.stored < first && w.result.stored > first / 2);
	/* A backup of the same rows to that volume finds its chunks there, under the same names. */
	assert_int_equal(sample_store(w.away.repository, &w.nights[1], true, &id), 0);
	assert_int_equal(snapshot_find(w.away.repository, id, &info), 0);
	assert_true(info.stored_bytes < first / 8);
	/* Again: it is there, and nothing is written. */
	assert_int_equal(copy(&w, 1), 0);
	assert_true(w.result.there && w.result.stored == 0 && w.result.reused == w.result.chunks);
	assert_int_equal(snapshot_list(w.away.repository, NULL, 0), 3);
	tear_down(&w);
}

static void a_copy_comes_back(void **state)
{
	(void)state;
	struct world w;
	set_up(&w, 4 << 20);
	assert_int_equal(copy(&w, 2), 0);
	assert_int_equal(snapshot_remove(w.home.repository, w.ids[2]), 0);
	uint64_t freed;
	assert_int_equal(repository_clean(w.home.repository, &freed), 0);
	assert_true(freed > 0);
	assert_int_equal(snapshot_copy(w.away.repository, w.home.repository, w.ids[2], &w.watch, &w.result), 0);
	assert_true(w.result.reused > 0 && w.result.stored > 0);
	for (unsigned night = 0; night < NIGHTS; night++)
		expect_whole(&w.home, &w, night);
	tear_down(&w);
}

/* The order of making counts, not of coming; the next one is behind them all. */
static void an_older_one_takes_its_place_in_the_order(void **state)
{
	(void)state;
	struct world w;
	struct snapshot_info list[4];
	uint64_t id;
	set_up(&w, 4 << 20);
	assert_int_equal(copy(&w, 2), 0);
	assert_int_equal(copy(&w, 0), 0);
	assert_int_equal(copy(&w, 1), 0);
	assert_int_equal(sample_store(w.away.repository, &w.nights[0], true, &id), 0);
	restart(&w.away);
	assert_int_equal(snapshot_list(w.away.repository, list, 4), 4);
	for (unsigned i = 0; i < NIGHTS; i++)
		assert_true(list[i].id == w.ids[i]);
	assert_true(list[3].id == id && list[3].sequence > list[2].sequence);
	repository_raise_sequence(w.away.repository, 100);
	assert_int_equal(sample_store(w.away.repository, &w.nights[0], true, &id), 0);
	assert_int_equal(snapshot_find(w.away.repository, id, &list[0]), 0);
	assert_int_equal(list[0].sequence, 100);
	tear_down(&w);
}

static void another_family_is_refused(void **state)
{
	(void)state;
	struct world w;
	struct place stranger = { .disk = NULL };
	set_up(&w, 4 << 20);
	open_volume(&stranger, 4 << 20);
	assert_int_equal(sample_open(&stranger.repository, stranger.volume), 0); /* the same key file, another key */
	assert_int_equal(snapshot_copy(w.home.repository, stranger.repository, w.ids[0], &w.watch, &w.result), -EXDEV);
	assert_int_equal(snapshot_list(stranger.repository, NULL, 0), 0);
	assert_int_equal(snapshot_copy(w.home.repository, w.home.repository, w.ids[0], &w.watch, &w.result), -EINVAL);
	assert_int_equal(snapshot_copy(w.home.repository, w.away.repository, 5, &w.watch, &w.result), -ENOENT);
	tear_down_place(&stranger);
	tear_down(&w);
}

/* ---- damage ---- */

static int flip_first_chunks(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	unsigned *left = arg;
	/* With one to flip: in the segment where the first night begins. */
	if (strncmp(name, *left == 1 ? "0000000000000001" : "00", *left == 1 ? 16 : 2) || !*left ||
		size < SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE + 1)
		return 0;
	bytes[SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE] ^= 1; /* of the sealed bytes */
	--*left;
	return 0;
}

static void a_chunk_that_is_there_is_not_believed_but_read(void **state)
{
	(void)state;
	struct world w;
	unsigned flips = 1000;
	set_up_without_parity(&w, 4 << 20);
	assert_int_equal(copy(&w, 0), 0);
	fault_disk_each(w.away.disk, flip_first_chunks, &flips);
	assert_true(flips < 1000);
	restart(&w.away); /* nothing of the damage is known */
	assert_int_equal(copy(&w, 1), 0);
	expect_whole(&w.away, &w, 1);
	struct snapshot_info info;
	assert_int_equal(snapshot_find(w.away.repository, w.ids[1], &info), 0);
	assert_true(info.flags & SNAPSHOT_VERIFIED);
	/* The one that was there is whole again when it is asked for, too. */
	assert_int_equal(copy(&w, 0), 0);
	assert_true(w.result.there && w.result.stored > 0);
	restart(&w.away);
	assert_int_equal(count_damage(&w.away), 0);
	expect_whole(&w.away, &w, 0);
	tear_down(&w);
}

static void damage_at_home_is_told_and_nothing_of_it_is_away(void **state)
{
	(void)state;
	struct world w;
	unsigned flips = 1;
	set_up_without_parity(&w, 4 << 20);
	assert_int_equal(copy(&w, 0), 0);
	fault_disk_each(w.home.disk, flip_first_chunks, &flips);
	restart(&w.home);
	unsigned refused = 0;
	for (unsigned night = 1; night < NIGHTS; night++) {
		int error = copy(&w, night);
		assert_true(error == 0 || (error == -EBADMSG && w.result.from_failed));
		assert_int_equal(is_away(&w, night), error == 0);
		refused += error != 0;
	}
	/* Copied while it was whole, the damaged one comes back and heals. */
	assert_true(count_damage(&w.home) > 0);
	assert_int_equal(snapshot_copy(w.away.repository, w.home.repository, w.ids[0], &w.watch, &w.result), 0);
	assert_true(w.result.there && w.result.stored > 0);
	restart(&w.home);
	assert_int_equal(count_damage(&w.home), 0);
	assert_int_equal(refused, 0); /* what the first night shares with the others was whole away */
	tear_down(&w);
}

static void damage_that_nobody_else_has_ends_the_copy(void **state)
{
	(void)state;
	struct world w;
	unsigned flips = 1000;
	set_up_without_parity(&w, 4 << 20);
	fault_disk_each(w.home.disk, flip_first_chunks, &flips);
	restart(&w.home);
	assert_int_equal(copy(&w, 2), -EBADMSG);
	assert_true(w.result.from_failed);
	assert_false(is_away(&w, 2));
	restart(&w.away);
	assert_int_equal(snapshot_list(w.away.repository, NULL, 0), 0);
	tear_down(&w);
}

/* ---- stopping, cuts and faults ---- */

static unsigned asked, stop_at;

static bool stop(void *arg)
{
	(void)arg;
	return ++asked == stop_at;
}

static void it_stops_at_any_chunk_and_the_next_one_goes_on(void **state)
{
	(void)state;
	bool struck = true;
	for (stop_at = 1; struck; stop_at += 7) {
		struct world w;
		set_up(&w, 4 << 20);
		w.watch.stop = stop;
		asked = 0;
		int error = copy(&w, 0);
		struck = asked >= stop_at;
		assert_int_equal(error, struck ? -ECANCELED : 0);
		assert_int_equal(is_away(&w, 0), !struck);
		asked = stop_at;
		assert_int_equal(copy(&w, 0), 0);
		expect_whole(&w.away, &w, 0);
		tear_down(&w);
	}
	assert_true(stop_at > 20);
}

/* After any fault: nothing half-made is visible, the next copy succeeds, and home has lost nothing. */
static void expect_recovered(struct world *w, const char *what, unsigned at)
{
	unsigned before = is_away(w, 1);
	if (before)
		expect_whole(&w->away, w, 1);
	expect_whole(&w->away, w, 0);
	if (count_damage(&w->away))
		fail_msg("%s at %u: damage", what, at);
	if (copy(w, 1) != 0)
		fail_msg("%s at %u: the next copy failed", what, at);
	assert_int_equal(w->result.there, before);
	expect_whole(&w->away, w, 1);
	restart(&w->away);
	expect_whole(&w->away, w, 1);
	expect_whole(&w->home, w, 1);
}

static unsigned strike(enum fault fault, uint32_t tear, unsigned least)
{
	unsigned visible = 0, at = 1;
	for (bool struck = true; struck; at++) {
		struct world w;
		set_up(&w, 4 << 20);
		w.watch.checkpoint = SEGMENT_SIZE;
		assert_int_equal(copy(&w, 0), 0);
		fault_disk_plan(w.away.disk, &(struct fault_plan){ .fault = fault, .at = at, .tear = tear });
		int error = copy(&w, 1);
		struck = fault_disk_struck(w.away.disk);
		if (!struck)
			fault_disk_plan(w.away.disk, &(struct fault_plan){ .fault = FAULT_NONE });
		if (!error && struck && fault != FAULT_SHORT && fault != FAULT_EIO && fault != FAULT_ENOSPC)
			visible++; /* behind its root: what could not be removed will be the next time */
		if (!error)
			assert_true(is_away(&w, 1));
		if (!error && !struck)
			expect_whole(&w.away, &w, 1);
		restart(&w.away);
		if (!error)
			assert_true(is_away(&w, 1)); /* acknowledged */
		expect_recovered(&w, "fault", at);
		tear_down(&w);
	}
	assert_true(at > least);
	assert_true(visible < at / 2); /* most of them before the root, which is what is looked at here */
	return at - 2;
}

static void a_cut_at_any_operation_leaves_all_or_nothing(void **state)
{
	(void)state;
	unsigned cuts = 0;
	for (enum fault fault = FAULT_CUT_LOST; fault <= FAULT_CRASH; fault++)
		cuts += strike(fault, 0, 20);
	cuts += strike(FAULT_CUT_KEPT, 100, 20);
	print_message("%u cuts\n", cuts);
}

static void an_error_at_any_operation_leaves_all_or_nothing(void **state)
{
	(void)state;
	strike(FAULT_EIO, 0, 20);
	strike(FAULT_ENOSPC, 0, 8);
	strike(FAULT_SHORT, 0, 20);
}

static void a_disk_that_is_pulled_at_any_operation_leaves_all_or_nothing(void **state)
{
	(void)state;
	strike(FAULT_PULLED, 0, 20);
}

/* The disk that it comes from is pulled: the error says which of the two it was. */
static void where_it_comes_from_may_go_at_any_operation(void **state)
{
	(void)state;
	unsigned at = 1;
	for (bool struck = true; struck; at += 5) {
		struct world w;
		set_up(&w, 4 << 20);
		fault_disk_plan(w.home.disk, &(struct fault_plan){ .fault = FAULT_PULLED, .at = at });
		int error = copy(&w, 1);
		struck = fault_disk_struck(w.home.disk);
		assert_int_equal(error != 0, struck);
		if (error)
			assert_true(w.result.from_failed && !is_away(&w, 1));
		restart(&w.home);
		assert_int_equal(copy(&w, 1), 0);
		expect_whole(&w.away, &w, 1);
		tear_down(&w);
	}
	assert_true(at > 30);
}

/* What came over before a cut, up to the last checkpoint, is not copied again. */
static void the_next_copy_goes_on_behind_the_checkpoint(void **state)
{
	(void)state;
	struct world w;
	uint64_t all;
	set_up(&w, 4 << 20);
	w.watch.checkpoint = SEGMENT_SIZE;
	assert_int_equal(copy(&w, 0), 0);
	all = w.result.stored;
	tear_down(&w);

	set_up(&w, 4 << 20);
	w.watch.checkpoint = SEGMENT_SIZE;
	fault_disk_plan(w.away.disk, &(struct fault_plan){ .fault = FAULT_CUT_LOST, .at = 14 });
	assert_true(copy(&w, 0) < 0);
	restart(&w.away);
	assert_int_equal(snapshot_list(w.away.repository, NULL, 0), 0);
	assert_int_equal(copy(&w, 0), 0);
	assert_true(w.result.stored < all && w.result.reused > 0);
	/* And what nobody asks for again is given back. */
	assert_int_equal(snapshot_remove(w.away.repository, w.ids[0]), 0);
	uint64_t freed;
	assert_int_equal(repository_clean(w.away.repository, &freed), 0);
	assert_true(freed > all / 10 * 9); /* pages end elsewhere with another key */
	tear_down(&w);
}

static void a_volume_that_is_too_small_is_full_and_keeps_what_it_had(void **state)
{
	(void)state;
	struct world w;
	set_up(&w, 58 << 10);
	assert_int_equal(copy(&w, 0), 0);
	int error = copy(&w, 1);
	assert_int_equal(error, -ENOSPC);
	assert_false(w.result.from_failed);
	assert_false(is_away(&w, 1));
	restart(&w.away);
	expect_whole(&w.away, &w, 0);
	tear_down(&w);
}

/* Of other geometry: the segments are shorter, written in units. */
static void a_copy_fits_any_kind_of_volume(void **state)
{
	(void)state;
	struct world w;
	struct memory_geometry geometry = { .size = 1 << 20, .segment_size = 64 << 10, .write_unit = 512 };
	struct repository_settings settings = sample_settings();
	struct volume *volume;
	struct repository *other;
	set_up(&w, 4 << 20);
	assert_int_equal(memory_volume_open(&volume, &geometry), 0);
	assert_int_equal(repository_create_sister(volume, w.home.repository, false), 0);
	assert_int_equal(repository_open(&other, volume, &settings, &sample_secret), 0);
	for (unsigned i = 0; i < NIGHTS; i++) {
		assert_int_equal(snapshot_copy(w.home.repository, other, w.ids[i], &w.watch, &w.result), 0);
		assert_int_equal(sample_compare(other, &w.nights[i], w.ids[i]), 0);
	}
	repository_close(other);
	memory_volume_close(volume);
	tear_down(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_is_the_same_snapshot_elsewhere),
		cmocka_unit_test(only_what_is_missing_is_written),
		cmocka_unit_test(a_copy_comes_back),
		cmocka_unit_test(an_older_one_takes_its_place_in_the_order),
		cmocka_unit_test(another_family_is_refused),
		cmocka_unit_test(a_chunk_that_is_there_is_not_believed_but_read),
		cmocka_unit_test(damage_at_home_is_told_and_nothing_of_it_is_away),
		cmocka_unit_test(damage_that_nobody_else_has_ends_the_copy),
		cmocka_unit_test(it_stops_at_any_chunk_and_the_next_one_goes_on),
		cmocka_unit_test(a_cut_at_any_operation_leaves_all_or_nothing),
		cmocka_unit_test(an_error_at_any_operation_leaves_all_or_nothing),
		cmocka_unit_test(a_disk_that_is_pulled_at_any_operation_leaves_all_or_nothing),
		cmocka_unit_test(where_it_comes_from_may_go_at_any_operation),
		cmocka_unit_test(the_next_copy_goes_on_behind_the_checkpoint),
		cmocka_unit_test(a_volume_that_is_too_small_is_full_and_keeps_what_it_had),
		cmocka_unit_test(a_copy_fits_any_kind_of_volume),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
