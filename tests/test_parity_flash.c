/* SPDX-License-Identifier: Apache-2.0 */
/* Parity on flash: any one erase block of a segment may be lost, or a unit of each of its stripes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hal/sim/flash_sim.h"
#include "storage/bytes.h"
#include "storage/flash.h"
#include "storage/heal.h"
#include "tests/support/sample.h"

struct kind {
	struct flash_sim_geometry geometry;
	uint32_t strips; /* of a segment */
	struct sample sample;
};

static const struct kind kinds[] = {
	/* Segments of three strips, and of a strip and its mirror. */
	{ { .count = 72, .size = 4096 + 2 * 256, .unit = 256, .spare = 4 }, 4,
		{ .seed = 1, .streams = 2, .chunks = 20, .shared = 0, .chunk_size = 700 } },
	{ { .count = 72, .size = 4096 + 2 * 256, .unit = 256, .spare = 4 }, 4,
		{ .seed = 1, .streams = 1, .chunks = 3, .shared = 0, .chunk_size = 300 } },
	/* LEBs so small that a segment needs 24 and more: a strip of parity for each 16. */
	{ { .count = 140, .size = 1024 + 2 * 256, .unit = 256, .spare = 4 }, 30,
		{ .seed = 1, .streams = 2, .chunks = 20, .shared = 0, .chunk_size = 900 } },
	/* NOR: bytes can be written. */
	{ { .count = 40, .size = 8192, .unit = 1, .spare = 4 }, 5,
		{ .seed = 1, .streams = 2, .chunks = 20, .shared = 0, .chunk_size = 1200 } },
	/* NAND with pages of 2 KiB. */
	{ { .count = 40, .size = 126976, .unit = 2048, .spare = 4 }, 0,
		{ .seed = 1, .streams = 1, .chunks = 30, .shared = 0, .chunk_size = 40000 } },
};

#define KINDS (sizeof kinds / sizeof kinds[0])

struct box {
	const struct kind *kind;
	struct flash *flash;
	struct volume *volume;
	struct repository *repository;
	uint64_t id;
};

static int begin_life(struct box *box)
{
	int error = flash_volume_open(&box->volume, box->flash, box->kind->strips);
	return error ? error : sample_open(&box->repository, box->volume);
}

static void end_life(struct box *box)
{
	repository_close(box->repository);
	flash_volume_close(box->volume);
	box->repository = NULL;
	box->volume = NULL;
}

static void make_box(struct box *box, const struct kind *kind)
{
	*box = (struct box){ .kind = kind };
	assert_int_equal(flash_sim_open(&box->flash, NULL, &kind->geometry), 0);
	assert_int_equal(begin_life(box), 0);
	assert_int_equal(sample_store(box->repository, &kind->sample, true, &box->id), 0);
	end_life(box);
}

static void destroy_box(struct box *box)
{
	if (flash_sim_misuses(box->flash))
		fail_msg("%u units were written twice or out of order", flash_sim_misuses(box->flash));
	flash_sim_close(box->flash);
}

/* Of which data segment this LEB is a strip; 0: of none. */
static uint64_t segment_of(struct box *box, uint32_t leb)
{
	const uint8_t *head = flash_sim_bytes(box->flash, leb);
	bool strip = head && !memcmp(head, "CofFlash", 8) && head[13] == 2;
	return strip && get64(head + 48) >> 56 == 0 ? get64(head + 48) : 0;
}

static bool is_label(struct box *box, uint32_t leb)
{
	const uint8_t *head = flash_sim_bytes(box->flash, leb);
	return head && !memcmp(head, "CofFlash", 8) && head[13] == 1;
}

static void note_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

/* 0: whole, by reading and by verifying; -EBADMSG by both. */
static int look(struct box *box, const char *what)
{
	unsigned named = 0;
	int error = sample_compare(box->repository, &box->kind->sample, box->id);
	int verified = repository_verify(box->repository, 0, true, note_damage, &named, NULL);
	if (error == -EILSEQ || (error != 0) != (verified != 0) || (named > 0) != (verified != 0))
		fail_msg("%s: %d, verify %d, %u named", what, error, verified, named);
	return error;
}

static struct scrub_result scrub(struct box *box)
{
	static const struct scrub_limits limits = { .segments_max = UINT64_MAX };
	struct scrub_result result;
	uint64_t position = 0;
	assert_int_equal(repository_scrub(box->repository, &position, &limits, &result), 0);
	return result;
}

static struct compact_result write_anew(struct box *box)
{
	static const struct compact_limits limits = { .copy_max = UINT64_MAX, .wounded_only = true };
	struct compact_result result;
	assert_int_equal(repository_compact(box->repository, &limits, &result), 0);
	return result;
}

/* The LEBs of data segments, the same in every box of a kind. Returns how many. */
static uint32_t lebs_of(const struct kind *kind, uint32_t lebs[64], uint64_t segments[64])
{
	struct box box;
	uint32_t count = 0;
	make_box(&box, kind);
	for (uint32_t leb = 0; leb < kind->geometry.count && count < 64; leb++)
		if ((segments[count] = segment_of(&box, leb)))
			lebs[count++] = leb;
	destroy_box(&box);
	assert_true(count > 1);
	return count;
}

static void lose_one(const struct kind *kind, uint32_t leb)
{
	struct box box;
	struct repository_status status;
	char what[64];
	snprintf(what, sizeof what, "LEBs of %u, number %u", kind->geometry.size, leb);
	make_box(&box, kind);
	if (!segment_of(&box, leb)) { /* names decide where pages end, and so where the last LEB is */
		destroy_box(&box);
		return;
	}
	flash_sim_lose(box.flash, leb);
	assert_int_equal(begin_life(&box), 0);
	if (look(&box, what))
		fail_msg("%s: not healed", what);
	assert_int_equal(repository_status(box.repository, &status), 0);
	struct scrub_result result = scrub(&box);
	if (status.damaged_segments || result.damaged || !result.healed)
		fail_msg(
			"%s: %u segments damaged, %u healed, %u not", what, status.damaged_segments, result.healed, result.damaged);
	struct compact_result anew = write_anew(&box);
	if (anew.healed != 1 || scrub(&box).healed || look(&box, what))
		fail_msg("%s: %u written anew", what, anew.healed);
	end_life(&box);
	assert_int_equal(begin_life(&box), 0);
	assert_int_equal(repository_status(box.repository, &status), 0);
	if (status.wounded_segments || scrub(&box).healed || look(&box, what))
		fail_msg("%s: not as if it had never been lost", what);
	end_life(&box);
	destroy_box(&box);
}

static void any_one_lost_leb_is_healed_and_written_anew(void **state)
{
	(void)state;
	uint32_t lebs[64];
	uint64_t segments[64];
	for (size_t k = 0; k < KINDS; k++) {
		uint32_t count = lebs_of(&kinds[k], lebs, segments);
		print_message("LEBs of %u: %u are lost one by one\n", kinds[k].geometry.size, count);
		for (uint32_t i = 0; i < count; i++)
			lose_one(&kinds[k], lebs[i]);
	}
}

/* A root, a superblock, the label: what has no parity is there twice, or not needed. */
static void any_other_lost_leb_loses_nothing(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		uint32_t others = 0;
		for (uint32_t leb = 0; leb < kinds[k].geometry.count; leb++) {
			struct box box;
			char what[64];
			snprintf(what, sizeof what, "LEBs of %u, number %u", kinds[k].geometry.size, leb);
			make_box(&box, &kinds[k]);
			if (flash_sim_bytes(box.flash, leb) && !segment_of(&box, leb)) {
				others++;
				flash_sim_lose(box.flash, leb);
				assert_int_equal(begin_life(&box), 0);
				if (look(&box, what))
					fail_msg("%s: the snapshot is gone", what);
				end_life(&box);
			}
			destroy_box(&box);
		}
		assert_true(others >= 4); /* two superblocks, two roots */
	}
}

/* The next start has written again what was there twice: so there any other may be lost. */
static void after_the_next_start_any_other_may_be_lost(void **state)
{
	(void)state;
	unsigned pairs = 0;
	for (uint32_t i = 0; i < kinds[0].geometry.count * kinds[0].geometry.count; i++) {
		uint32_t first = i % kinds[0].geometry.count, then = i / kinds[0].geometry.count;
		struct box box;
		char what[64];
		snprintf(what, sizeof what, "LEB %u, and after a start LEB %u", first, then);
		make_box(&box, &kinds[1]);
		if (flash_sim_bytes(box.flash, first) && !segment_of(&box, first) && !is_label(&box, first)) {
			flash_sim_lose(box.flash, first);
			assert_int_equal(begin_life(&box), 0);
			end_life(&box);
			pairs++;
			flash_sim_lose(box.flash, then);
			int error = begin_life(&box);
			if (error || look(&box, what))
				fail_msg("%s: the snapshot is gone: %d", what, error);
			end_life(&box);
		}
		destroy_box(&box);
	}
	assert_true(pairs > 4 * 20);
}

static void two_lost_lebs_are_named(void **state)
{
	(void)state;
	uint32_t lebs[64], lost = 0;
	uint64_t segments[64];
	uint32_t count = lebs_of(&kinds[0], lebs, segments);
	for (uint32_t a = 0; a < count; a++) {
		for (uint32_t b = a + 1; b < count; b++) {
			struct box box;
			char what[64];
			snprintf(what, sizeof what, "LEBs %u and %u", lebs[a], lebs[b]);
			make_box(&box, &kinds[0]);
			flash_sim_lose(box.flash, lebs[a]);
			flash_sim_lose(box.flash, lebs[b]);
			assert_int_equal(begin_life(&box), 0);
			bool same = segments[a] == segments[b], end = b + 1 == count || segments[b + 1] != segments[b];
			int looked = look(&box, what);
			/* The end of a segment may hold no more than a table and parity that the other does not need. */
			if (looked != (same ? -EBADMSG : 0) && !(same && end && !looked))
				fail_msg("%s: %d", what, looked);
			lost += looked != 0;
			end_life(&box);
			destroy_box(&box);
		}
	}
	assert_true(lost > 5);
}

/* Of each column of units one, of this strip and that: never one of the parity strip, whose columns lie turned. */
static void spoil_columns(struct box *box, const uint32_t *lebs, uint32_t count, uint32_t shift)
{
	assert_int_equal(begin_life(box), 0);
	uint32_t unit = parity_layout_for(box->volume, 1).unit;
	end_life(box);
	uint32_t head = round_up32(128, box->flash->unit), end = box->flash->size - head;
	for (uint32_t column = 0; head + (column + 1) * unit <= end; column++) {
		if (count > 2)
			flash_sim_spoil(box->flash, lebs[(column + shift) % (count - 2)], head + column * unit);
		else if (column == 0)
			flash_sim_spoil(box->flash, lebs[shift % 2], head);
	}
}

static void a_bad_unit_of_each_stripe_is_healed(void **state)
{
	(void)state;
	for (size_t k = 0; k < KINDS; k++) {
		uint32_t lebs[64], count = 1;
		uint64_t segments[64];
		lebs_of(&kinds[k], lebs, segments);
		while (segments[count] == segments[0])
			count++;
		for (uint32_t shift = 0; shift < 3; shift++) {
			struct box box;
			char what[64];
			snprintf(what, sizeof what, "kind %zu, shift %u", k, shift);
			make_box(&box, &kinds[k]);
			spoil_columns(&box, lebs, count, shift);
			assert_int_equal(begin_life(&box), 0);
			if (look(&box, what))
				fail_msg("%s: not healed", what);
			assert_true(scrub(&box).healed > 0);
			end_life(&box);
			destroy_box(&box);
		}
	}
}

/* ---- cuts ---- */

static void heal_until_it_is_cut(struct box *box)
{
	static const struct scrub_limits scrub_limits = { .segments_max = UINT64_MAX };
	static const struct compact_limits limits = { .copy_max = UINT64_MAX, .wounded_only = true };
	struct scrub_result scrubbed;
	struct compact_result anew;
	uint64_t position = 0;
	if (!begin_life(box) && !repository_scrub(box->repository, &position, &scrub_limits, &scrubbed))
		repository_compact(box->repository, &limits, &anew);
	end_life(box);
}

static bool strike(const struct flash_sim_plan *plan, uint32_t leb)
{
	struct box box;
	uint64_t freed;
	char what[64];
	snprintf(what, sizeof what, "LEB %u, fault %d at %u", leb, (int)plan->fault, plan->at);
	make_box(&box, &kinds[0]);
	flash_sim_lose(box.flash, leb);
	flash_sim_plan(box.flash, plan);
	heal_until_it_is_cut(&box);
	bool struck = flash_sim_struck(box.flash);
	flash_sim_restart(box.flash);
	if (begin_life(&box) == -EBADMSG) { /* a unit that read well once may do so in the wrong moment */
		end_life(&box);
		assert_int_equal(begin_life(&box), 0);
	}
	int looked = look(&box, what);
	if (looked)
		fail_msg("%s: not whole: %d", what, looked);
	assert_int_equal(scrub(&box).damaged, 0);
	write_anew(&box);
	if (repository_clean(box.repository, &freed) || scrub(&box).healed || look(&box, what))
		fail_msg("%s: not whole at last", what);
	end_life(&box);
	destroy_box(&box);
	return struck;
}

static void the_power_may_go_at_every_operation_of_healing(void **state)
{
	(void)state;
	uint32_t lebs[64], strikes = 0;
	uint64_t segments[64];
	lebs_of(&kinds[0], lebs, segments);
	for (enum flash_fault fault = FLASH_FAULT_EIO; fault < FLASH_FAULT_COUNT; fault++) {
		struct flash_sim_plan plan = { fault, 1, 700, 2 };
		if (fault == FLASH_FAULT_READ_ONLY)
			continue; /* for good: nothing is written anew there */
		unsigned step = fault <= FLASH_FAULT_EBADMSG && !getenv("COFFRET_EXHAUSTIVE") ? 3 : 1; /* reads count */
		for (; strike(&plan, lebs[fault % 3]); plan.at += step)
			strikes++;
		if (plan.at < 8)
			fail_msg("fault %d: only %u operations", (int)fault, plan.at);
	}
	print_message("%u strikes\n", strikes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_one_lost_leb_is_healed_and_written_anew),
		cmocka_unit_test(any_other_lost_leb_loses_nothing),
		cmocka_unit_test(after_the_next_start_any_other_may_be_lost),
		cmocka_unit_test(two_lost_lebs_are_named),
		cmocka_unit_test(a_bad_unit_of_each_stripe_is_healed),
		cmocka_unit_test(the_power_may_go_at_every_operation_of_healing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
