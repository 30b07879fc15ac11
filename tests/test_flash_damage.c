/* SPDX-License-Identifier: Apache-2.0 */
/* What is lost or rots on a flash, and what becomes of a repository on it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/sample.h"
#include "tests/support/small_flash.h"

struct segments {
	unsigned count;
	uint64_t last;
};

static int note_segment(void *arg, uint64_t id, uint32_t size)
{
	struct segments *seen = arg;
	(void)size;
	seen->count++;
	seen->last = id;
	return 0;
}

static void a_lost_strip_is_damage_and_the_rest_is_read(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	write_segment(volume, 1, PAYLOAD + UNIT);
	write_segment(volume, 2, PAYLOAD + UNIT);
	write_segment(volume, 3, PAYLOAD + UNIT);
	uint32_t first = leb_of(flash, 1, 0), last = leb_of(flash, 2, 1);
	flash_volume_close(volume);
	flash_sim_lose(flash, first);
	flash_sim_spoil(flash, last, 0);                   /* its head */
	flash_sim_spoil(flash, leb_of(flash, 3, 1), UNIT); /* a unit of its data */
	volume = open_volume(flash);
	assert_true(volume_is_damaged(volume, 1));
	assert_true(volume_is_damaged(volume, 2));
	assert_false(volume_is_damaged(volume, 3));
	assert_int_equal(volume_read(volume, 1, 0, got, UNIT), -EBADMSG);
	assert_int_equal(volume_read(volume, 1, PAYLOAD, got, UNIT), 0);
	assert_memory_equal(got, pattern + PAYLOAD, UNIT);
	assert_int_equal(volume_read(volume, 2, 0, got, PAYLOAD), 0);
	assert_int_equal(volume_read(volume, 2, PAYLOAD, got, UNIT), -ERANGE);
	assert_int_equal(volume_sync(volume, 2), -EBADMSG);
	assert_int_equal(volume_read(volume, 3, PAYLOAD, got, UNIT), -EBADMSG);
	for (uint64_t id = 1; id <= 3; id++)
		assert_int_equal(volume_remove(volume, id), 0);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* All of its LEB but `from` on, where there are zeros then: as if the writing had stopped there. */
static void stop_writing_at(struct flash *flash, uint32_t leb, uint32_t from)
{
	uint8_t bytes[PAYLOAD + 2 * UNIT] = { 0 };
	memcpy(bytes, flash_sim_bytes(flash, leb), from);
	assert_int_equal(flash_change(flash, leb, bytes, sizeof bytes), 0);
}

/* Every byte of its data can be read, and yet nobody knows that they were all written. */
static void a_strip_without_its_tail_is_damage(void **state)
{
	(void)state;
	static const uint64_t whole = 1, cut = 2, others = 3;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	for (uint64_t id = whole; id <= others; id++)
		write_segment(volume, id, 2 * UNIT);
	flash_volume_close(volume);
	stop_writing_at(flash, leb_of(flash, cut, 0), 3 * UNIT);
	/* A tail that is whole, but of another writing. */
	uint8_t *tail = flash_sim_bytes(flash, leb_of(flash, others, 0)) + 3 * UNIT;
	memcpy(tail, flash_sim_bytes(flash, leb_of(flash, whole, 0)) + 3 * UNIT, UNIT);
	volume = open_volume(flash);
	assert_int_equal(volume_read(volume, whole, 0, got, UNIT), 0);
	for (uint64_t id = cut; id <= others; id++) {
		assert_int_equal(volume_read(volume, id, 0, got, UNIT), -EBADMSG);
		assert_int_equal(volume_sync(volume, id), -EBADMSG);
	}
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* Any byte of it: the strip is gone, and never another segment's, longer, or of another place in its own. */
static void a_head_that_rotted_is_none(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	write_segment(volume, 1, 2 * UNIT);
	write_segment(volume, 2, 2 * UNIT);
	flash_volume_close(volume);
	uint8_t *head = flash_sim_bytes(flash, leb_of(flash, 1, 0));
	for (uint32_t bit = 0; bit < 128 * 8; bit++) {
		head[bit / 8] ^= (uint8_t)(1u << bit % 8);
		struct segments seen = { 0 };
		volume = open_volume(flash);
		assert_int_equal(volume_list(volume, note_segment, &seen), 0);
		if (seen.count != 1 || seen.last != 2)
			fail_msg("bit %u: %u segments, one is %llx", bit, seen.count, (unsigned long long)seen.last);
		flash_volume_close(volume);
		head[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	flash_sim_close(flash);
}

/* It may be an important one that can be read tomorrow. */
static void a_leb_that_cannot_be_read_now_is_written_last(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	write_segment(volume, 1, UNIT);
	uint32_t leb = leb_of(flash, 1, 0);
	flash_volume_close(volume);
	flash_sim_spoil(flash, leb, 0);
	volume = open_volume(flash);
	for (uint64_t id = 2; id < small.count; id++)
		write_segment(volume, id, UNIT);
	assert_int_equal(flash_read(flash, leb, UNIT, got, UNIT), 0);
	assert_memory_equal(got, pattern, UNIT);
	write_segment(volume, small.count, UNIT);
	assert_int_equal(leb_of(flash, small.count, 0), leb);
	assert_int_equal(volume_write(volume, 999, 0, pattern, UNIT), -ENOSPC);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* A segment whose head was not readable when its number was given out again: the later one counts, whole. */
static void the_newer_writing_of_a_segment_counts(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	uint8_t old[PAYLOAD + 2 * UNIT];
	write_segment(volume, 1, PAYLOAD + UNIT);
	uint32_t leb = leb_of(flash, 1, 1);
	memcpy(old, flash_sim_bytes(flash, leb), sizeof old);
	assert_int_equal(volume_remove(volume, 1), 0);
	assert_int_equal(volume_write(volume, 1, 0, pattern + UNIT, PAYLOAD), 0);
	assert_int_equal(volume_sync(volume, 1), 0);
	flash_volume_close(volume);
	assert_int_equal(flash_change(flash, 70, old, sizeof old), 0);
	volume = open_volume(flash);
	assert_false(volume_is_damaged(volume, 1));
	assert_int_equal(volume_read(volume, 1, 0, got, PAYLOAD), 0);
	assert_memory_equal(got, pattern + UNIT, PAYLOAD);
	assert_int_equal(volume_read(volume, 1, PAYLOAD, got, UNIT), -ERANGE);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* What was written last cannot be read; its id is given out anew; the next day both can. The later life's counts. */
static void what_could_not_be_read_for_a_while_is_the_older_one(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	uint8_t old[PAYLOAD + 2 * UNIT];
	write_segment(volume, 1, UNIT);
	for (int again = 0; again < 3; again++) { /* so that its order is well above those that can be read */
		write_segment(volume, 2, PAYLOAD);
		memcpy(old, flash_sim_bytes(flash, leb_of(flash, 2, 0)), sizeof old);
		if (again < 2)
			assert_int_equal(volume_remove(volume, 2), 0);
	}
	flash_volume_close(volume);
	for (uint32_t leb = 0; leb < flash->count; leb++) {
		const uint8_t *head = flash_sim_bytes(flash, leb);
		if (head && head[13] != 1 && head[48] == 2)
			flash_sim_lose(flash, leb);
	}
	volume = open_volume(flash);
	assert_int_equal(volume_write(volume, 2, 0, pattern + UNIT, PAYLOAD), 0);
	assert_int_equal(volume_sync(volume, 2), 0);
	flash_volume_close(volume);
	assert_int_equal(flash_change(flash, 70, old, sizeof old), 0);
	volume = open_volume(flash);
	assert_int_equal(volume_read(volume, 2, 0, got, PAYLOAD), 0);
	assert_memory_equal(got, pattern + UNIT, PAYLOAD);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* A tombstone alone keeps strips dead that are back; none of them is believed even when its LEB is written again. */
static void what_is_removed_stays_removed(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	uint8_t old[PAYLOAD + 2 * UNIT];
	write_segment(volume, 1, 2 * PAYLOAD);
	memcpy(old, flash_sim_bytes(flash, leb_of(flash, 1, 0)), sizeof old);
	assert_int_equal(volume_remove(volume, 1), 0);
	flash_volume_close(volume);
	assert_int_equal(flash_change(flash, 70, old, sizeof old), 0);
	volume = open_volume(flash);
	assert_int_equal(volume_read(volume, 1, 0, got, UNIT), -ENOENT);
	for (uint64_t id = 2; id < small.count + 1; id++)
		write_segment(volume, id, UNIT); /* in the place of the tombstone, too */
	flash_volume_close(volume);
	volume = open_volume(flash);
	assert_int_equal(volume_read(volume, 1, 0, got, UNIT), -ENOENT);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* volume.h: "nothing above may count on" a segment after a failed sync, and what was lent for it comes back. */
static void an_error_condemns_the_segment(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	struct flash_sim_plan plan = { FLASH_FAULT_EIO, 1, 0, 0 };
	struct volume_stat before, after;
	write_segment(volume, 1, UNIT);
	assert_int_equal(volume_stat(volume, &before), 0);
	assert_int_equal(volume_write(volume, 2, 0, pattern, PAYLOAD), 0);
	flash_sim_plan(flash, &plan);
	assert_int_equal(volume_write(volume, 2, PAYLOAD, pattern, UNIT), -EIO);
	assert_int_equal(volume_write(volume, 2, PAYLOAD, pattern, UNIT), -EIO);
	assert_int_equal(volume_sync(volume, 2), -EIO);
	assert_int_equal(volume_sync(volume, 2), -EIO);
	assert_int_equal(volume_remove(volume, 2), 0);
	assert_int_equal(volume_stat(volume, &after), 0);
	assert_true(before.free == after.free);
	write_segment(volume, 3, 2 * PAYLOAD);
	flash_volume_close(volume);
	assert_int_equal(flash_sim_misuses(flash), 0);
	flash_sim_close(flash);
}

/* ---- a repository on it ---- */

static const struct sample sample = { .seed = 7, .streams = 2, .chunks = 30, .shared = 8, .chunk_size = 500 };

static void a_chunk_larger_than_a_leb_is_stored(void **state)
{
	(void)state;
	static const struct flash_sim_geometry usual = { .count = 64, .size = 126976, .unit = 2048, .spare = 4 };
	static const struct sample large = { .seed = 3, .streams = 1, .chunks = 5, .shared = 0, .chunk_size = 330000 };
	struct flash *flash;
	struct volume *volume;
	struct repository *repository;
	uint64_t id;
	assert_int_equal(flash_sim_open(&flash, NULL, &usual), 0);
	assert_int_equal(flash_volume_open(&volume, flash, 0), 0);
	assert_int_equal(volume->segment_size, 10 * (126976 - 2 * 2048));
	assert_int_equal(sample_open(&repository, volume), 0);
	assert_int_equal(sample_store(repository, &large, true, &id), 0);
	repository_close(repository);
	flash_volume_close(volume);
	assert_int_equal(flash_volume_open(&volume, flash, 0), 0);
	assert_int_equal(sample_open(&repository, volume), 0);
	assert_int_equal(sample_compare(repository, &large, id), 0);
	repository_close(repository);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

static void deleting_works_on_a_full_flash(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	struct repository *repository;
	struct sample night = sample;
	uint64_t ids[16], freed;
	unsigned count = 0;
	assert_int_equal(sample_open(&repository, volume), 0);
	int error = 0;
	for (; !error && count < 16; count += !error) {
		night.seed = 100 + count;
		error = sample_store(repository, &night, true, &ids[count]);
	}
	assert_int_equal(error, -ENOSPC);
	assert_true(count > 3);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(repository_state_write(repository, "journal", "full", 4), 0);
	assert_int_equal(snapshot_remove(repository, ids[0]), 0);
	assert_int_equal(snapshot_remove(repository, ids[1]), 0);
	assert_int_equal(repository_clean(repository, &freed), 0);
	assert_true(freed > 0);
	night.seed = 99;
	assert_int_equal(sample_store(repository, &night, true, &ids[0]), 0);
	assert_int_equal(sample_compare(repository, &night, ids[0]), 0);
	repository_close(repository);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* Its end is there and tells all that it held: nothing but the volume knows that a LEB in its middle is gone. */
static void a_lost_leb_is_told_at_mount_and_its_segment_not_built_upon(void **state)
{
	(void)state;
	static const struct sample night = { .seed = 5, .streams = 1, .chunks = 90, .shared = 0, .chunk_size = 1200 };
	const uint32_t strips = 12;
	struct flash *flash = make_flash();
	struct volume *volume;
	struct repository *repository;
	struct repository_status status;
	uint64_t first, second;
	assert_int_equal(flash_volume_open(&volume, flash, strips), 0);
	assert_int_equal(sample_open_without_parity(&repository, volume), 0);
	assert_int_equal(sample_store(repository, &night, true, &first), 0);
	repository_close(repository);
	flash_volume_close(volume);
	flash_sim_lose(flash, leb_of(flash, 1, 1));
	assert_int_equal(flash_volume_open(&volume, flash, strips), 0);
	assert_int_equal(sample_open_without_parity(&repository, volume), 0);
	assert_int_equal(repository_status(repository, &status), 0);
	assert_int_equal(status.damaged_segments, 1);
	assert_int_equal(sample_store(repository, &night, true, &second), 0);
	assert_int_equal(sample_compare(repository, &night, first), 0);
	assert_int_equal(sample_compare(repository, &night, second), 0);
	repository_close(repository);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* ---- every byte, every LEB ---- */

static const struct sample tiny = { .seed = 5, .streams = 1, .chunks = 9, .shared = 0, .chunk_size = 400 };
static const struct sample longer = { .seed = 5, .streams = 1, .chunks = 60, .shared = 0, .chunk_size = 400 };

struct box {
	const struct sample *sample;
	struct flash *flash;
	struct volume *volume;
	struct repository *repository;
	uint64_t id;
};

static void make_box(struct box *box, const struct sample *content)
{
	box->sample = content;
	static const struct flash_sim_geometry few = { .count = 40, .size = PAYLOAD + 2 * UNIT, .unit = UNIT, .spare = 4 };
	assert_int_equal(flash_sim_open(&box->flash, NULL, &few), 0);
	box->volume = open_volume(box->flash);
	assert_int_equal(sample_open_without_parity(&box->repository, box->volume), 0);
	assert_int_equal(sample_store(box->repository, box->sample, true, &box->id), 0);
	assert_int_equal(repository_state_write(box->repository, "journal", "state", 5), 0);
	repository_close(box->repository);
	flash_volume_close(box->volume);
}

enum answer { OLD_DATA, REFUSED };

/* The old data or an error; what is wrong fails the test. */
static enum answer ask(struct box *box, const char *what)
{
	char state[8];
	if (flash_volume_open(&box->volume, box->flash, STRIPS))
		return REFUSED;
	struct repository_settings settings = sample_settings();
	settings.read_only = true;
	int error = repository_open(&box->repository, box->volume, &settings, &sample_secret);
	if (!error) {
		error = sample_compare(box->repository, box->sample, box->id);
		if (error == -EILSEQ)
			fail_msg("%s: wrong data", what);
		int length = repository_state_read(box->repository, "journal", state, sizeof state);
		if (length >= 0 && (length != 5 || memcmp(state, "state", 5) != 0))
			fail_msg("%s: wrong state", what);
		error = error ? error : length < 0 ? length : 0;
		repository_close(box->repository);
	}
	flash_volume_close(box->volume);
	return error ? REFUSED : OLD_DATA;
}

/* Each byte of every LEB that is used, silently: error correction has not seen it. */
static void a_flipped_byte_gives_old_data_or_an_error(void **state)
{
	(void)state;
	struct box box;
	unsigned counts[2] = { 0 };
	make_box(&box, &tiny);
	for (uint32_t leb = 0; leb < box.flash->count; leb++) {
		uint8_t *bytes = flash_sim_bytes(box.flash, leb);
		for (uint32_t at = 0; bytes && at < box.flash->size; at += at % UNIT < 160 ? 1 : 19) {
			char what[64];
			snprintf(what, sizeof what, "byte %u of LEB %u", at, leb);
			bytes[at] ^= 0x5a;
			counts[ask(&box, what)]++;
			bytes[at] ^= 0x5a;
		}
	}
	print_message("flipped bytes: %u refused, %u harmless\n", counts[REFUSED], counts[OLD_DATA]);
	assert_true(counts[REFUSED] > 1000 && counts[OLD_DATA] > 1000);
	assert_int_equal(ask(&box, "nothing"), OLD_DATA);
	flash_sim_close(box.flash);
}

/* 1: the snapshot before is whole, too. A record that is only its own cannot be healed. */
static unsigned next_night(struct box *box, const char *what)
{
	uint64_t id;
	unsigned healed = 0;
	struct repository_settings settings = sample_settings();
	int error = flash_volume_open(&box->volume, box->flash, STRIPS);
	if (!error)
		error = repository_open(&box->repository, box->volume, &settings, &sample_secret);
	if (!error) {
		error = sample_store(box->repository, box->sample, true, &id);
		if (error || sample_compare(box->repository, box->sample, id))
			fail_msg("%s: the next night: %d", what, error);
		healed = !sample_compare(box->repository, box->sample, box->id);
	}
	if (error)
		fail_msg("%s: cannot be opened: %d", what, error);
	repository_close(box->repository);
	flash_volume_close(box->volume);
	return healed;
}

/* Whole LEBs lost, heads and units that cannot be corrected: the next night stores again what is missing, and heals. */
static void the_next_night_heals_a_lost_leb_or_unit(void **state)
{
	(void)state;
	unsigned damaged = 0, healed = 0, tried = 0;
	for (uint32_t leb = 0; leb < 40; leb++) {
		for (uint32_t at = 0; at <= PAYLOAD + 2 * UNIT; at += UNIT) {
			struct box box;
			char what[64];
			make_box(&box, &longer);
			bool used = flash_is_mapped(box.flash, leb) == 1;
			snprintf(what, sizeof what, "LEB %u, %u", leb, at);
			if (at < box.flash->size)
				flash_sim_spoil(box.flash, leb, at);
			else
				flash_sim_lose(box.flash, leb);
			tried += used;
			if (used) {
				bool was_damaged = ask(&box, what) == REFUSED;
				unsigned now = next_night(&box, what);
				damaged += was_damaged;
				healed += was_damaged && now;
				assert_true(now || was_damaged);
			}
			flash_sim_close(box.flash);
			if (!used)
				break;
		}
	}
	print_message("%u places lost: %u hit the snapshot, the next night healed %u of them\n", tried, damaged, healed);
	assert_true(tried > 100 && healed > 10 && healed * 2 > damaged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_strip_is_damage_and_the_rest_is_read),
		cmocka_unit_test(a_strip_without_its_tail_is_damage),
		cmocka_unit_test(a_head_that_rotted_is_none),
		cmocka_unit_test(a_leb_that_cannot_be_read_now_is_written_last),
		cmocka_unit_test(the_newer_writing_of_a_segment_counts),
		cmocka_unit_test(what_could_not_be_read_for_a_while_is_the_older_one),
		cmocka_unit_test(what_is_removed_stays_removed),
		cmocka_unit_test(an_error_condemns_the_segment),
		cmocka_unit_test(a_chunk_larger_than_a_leb_is_stored),
		cmocka_unit_test(deleting_works_on_a_full_flash),
		cmocka_unit_test(a_lost_leb_is_told_at_mount_and_its_segment_not_built_upon),
		cmocka_unit_test(a_flipped_byte_gives_old_data_or_an_error),
		cmocka_unit_test(the_next_night_heals_a_lost_leb_or_unit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
