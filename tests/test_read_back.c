/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk that writes a byte wrongly and tells nobody: what a verified snapshot is made of was read back before it was
 * acknowledged, and what was found damaged then is never built upon.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/disk.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

#define SEGMENT_SIZE (8u * 1024)

static const struct sample night = { .seed = 2, .streams = 2, .chunks = 12, .shared = 4, .chunk_size = 500 };
static const struct sample next = { .seed = 3, .streams = 2, .chunks = 12, .shared = 4, .chunk_size = 500 };

struct world {
	struct fault_disk *disk;
	struct volume *volume;
	struct repository *repository;
	uint64_t id;
};

static void set_up(struct world *w)
{
	*w = (struct world){ .disk = fault_disk_create(4u << 20) };
	assert_int_equal(disk_volume_open(&w->volume, fault_disk_disk(w->disk), SEGMENT_SIZE), 0);
	assert_int_equal(sample_open_without_parity(&w->repository, w->volume), 0);
}

static void tear_down(struct world *w)
{
	repository_close(w->repository);
	disk_volume_close(w->volume);
	fault_disk_destroy(w->disk);
}

/* Whether a night is read back: not, when it is committed, or what can be while it is put. */
enum how { NOT, LATE, EARLY };

/* A night whose write number `at` has byte `tear` wrong. False where it was written before that. */
static bool store_with_rot(struct world *w, unsigned at, unsigned tear, enum how how, int *error)
{
	struct sample sample = night;
	struct fault_plan plan = { FAULT_ROT, at, tear }, none = { FAULT_NONE, 0, 0 };
	fault_disk_plan(w->disk, &plan);
	sample.early = how == EARLY;
	*error = sample_store(w->repository, &sample, how != NOT, &w->id);
	bool struck = fault_disk_struck(w->disk);
	fault_disk_plan(w->disk, &none);
	return struck;
}

static const unsigned tears[] = { 200, 1111, 2222, 3333, 4444 };
#define TEARS (sizeof tears / sizeof tears[0])

struct counts {
	unsigned whole, refused, damaged;
};

static void play(enum how how, struct counts *counts)
{
	for (size_t i = 0; i < TEARS; i++) {
		bool struck = true;
		for (unsigned at = 1; struck; at++) {
			struct world w;
			int error;
			set_up(&w);
			struck = store_with_rot(&w, at, tears[i], how, &error);
			bool whole = !error && sample_compare(w.repository, &night, w.id) == 0;
			counts->whole += whole;
			counts->refused += error == -EBADMSG;
			counts->damaged += !error && !whole;
			tear_down(&w);
		}
	}
}

static void a_verified_snapshot_was_read_back_before_it_was_acknowledged(void **state)
{
	(void)state;
	struct counts verified = { 0 }, early = { 0 }, not_verified = { 0 };
	play(LATE, &verified);
	play(EARLY, &early);
	play(NOT, &not_verified);
	print_message("verified: %u whole, %u refused; not verified: %u damaged\n", verified.whole, verified.refused,
		not_verified.damaged);
	assert_int_equal(verified.damaged, 0);
	assert_true(verified.refused >= TEARS);
	assert_int_equal(early.damaged, 0);
	assert_int_equal(early.refused, verified.refused);
	assert_true(not_verified.damaged >= TEARS); /* so that there was something to find */
	assert_int_equal(not_verified.refused, 0);
}

/* What was read back as damaged is not known to the backup that follows, in this life or the next. */
static void what_was_read_back_as_damaged_is_stored_again(void **state)
{
	(void)state;
	unsigned refused = 0;
	for (size_t i = 0; i < TEARS; i++) {
		for (int life = 0; life < 4; life++) {
			bool struck = true;
			for (unsigned at = 1; struck; at++) {
				struct world w;
				uint64_t other;
				int error;
				set_up(&w);
				struck = store_with_rot(&w, at, tears[i], life / 2 ? EARLY : LATE, &error);
				refused += error == -EBADMSG;
				if (life % 2) {
					repository_close(w.repository);
					assert_int_equal(sample_open(&w.repository, w.volume), 0);
				}
				assert_int_equal(sample_store(w.repository, &night, true, &w.id), 0);
				assert_int_equal(sample_store(w.repository, &next, true, &other), 0);
				assert_int_equal(sample_compare(w.repository, &night, w.id), 0);
				assert_int_equal(sample_compare(w.repository, &next, other), 0);
				tear_down(&w);
			}
		}
	}
	assert_true(refused >= 4 * TEARS);
}

/* Rot in the first segment is met long before the last chunk, where somebody asks. */
static void what_is_sealed_is_read_back_while_more_is_put(void **state)
{
	(void)state;
	struct fault_plan plan = { FAULT_ROT, 1, 200 };
	struct snapshot_writer *writer;
	struct world w;
	uint8_t bytes[500];
	unsigned put = 0;
	int error;
	set_up(&w);
	fault_disk_plan(w.disk, &plan);
	assert_int_equal(snapshot_begin(w.repository, SNAPSHOT_BACKUP, "server/database", &writer), 0);
	assert_int_equal(snapshot_stream_begin(writer, "stream"), 0);
	do {
		for (size_t i = 0; i < sizeof bytes; i++)
			bytes[i] = (uint8_t)((put * 7919 + i * i * 31) >> 3);
		assert_int_equal(snapshot_put(writer, 1, 1, bytes, sizeof bytes), 0);
		error = snapshot_read_back(writer);
	} while (!error && ++put < 1000);
	assert_int_equal(error, -EBADMSG);
	assert_true(fault_disk_struck(w.disk));
	assert_in_range(put, 8, 100); /* a segment, and a step for each of its chunks at most */
	snapshot_abort(writer);
	tear_down(&w);
}

static struct scrub_result scrub(struct repository *repository)
{
	static const struct scrub_limits limits = { .segments_max = UINT64_MAX };
	struct scrub_result result;
	uint64_t position = 0;
	assert_int_equal(repository_scrub(repository, &position, &limits, &result), 0);
	return result;
}

/* With parity, whichever byte of a segment was written wrongly: of what is acknowledged nothing has to be healed. */
static void what_is_acknowledged_has_its_parity_too(void **state)
{
	(void)state;
	unsigned refused = 0;
	for (unsigned tear = 3; tear < 12000; tear += 37) {
		struct world w = { .disk = fault_disk_create(4u << 20) };
		int error;
		assert_int_equal(disk_volume_open(&w.volume, fault_disk_disk(w.disk), 2 * SEGMENT_SIZE), 0);
		assert_int_equal(sample_open(&w.repository, w.volume), 0);
		store_with_rot(&w, 1, tear, true, &error);
		refused += error == -EBADMSG;
		uint32_t healed = error ? 0 : scrub(w.repository).healed;
		if (healed || (error && error != -EBADMSG))
			fail_msg("byte %u was written wrongly and acknowledged: %d, the scrub healed %u", tear, error, healed);
		tear_down(&w);
	}
	assert_true(refused > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verified_snapshot_was_read_back_before_it_was_acknowledged),
		cmocka_unit_test(what_was_read_back_as_damaged_is_stored_again),
		cmocka_unit_test(what_is_sealed_is_read_back_while_more_is_put),
		cmocka_unit_test(what_is_acknowledged_has_its_parity_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
