/* SPDX-License-Identifier: Apache-2.0 */
/* The flash volume and the flash it is tried on: units, whose flash is whose, wear. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/support/small_flash.h"

/* ---- the class ---- */

static void a_unit_is_written_once_and_in_order(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	assert_int_equal(flash_is_mapped(flash, 3), 0);
	assert_int_equal(flash_write(flash, 3, 0, pattern, 2 * UNIT), 0);
	assert_int_equal(flash_is_mapped(flash, 3), 1);
	assert_int_equal(flash_write(flash, 3, 0, pattern, UNIT), -EIO);
	assert_int_equal(flash_write(flash, 3, 4 * UNIT, pattern, UNIT), -EIO);
	assert_int_equal(flash_sim_misuses(flash), 2);
	assert_int_equal(flash_write(flash, 3, 2 * UNIT, pattern, UNIT), 0);
	assert_int_equal(flash_read(flash, 3, 1, got, 3 * UNIT - 1), 0);
	assert_memory_equal(got, pattern + 1, 2 * UNIT - 1);
	assert_int_equal(flash_change(flash, 3, pattern + 7, UNIT), 0);
	assert_int_equal(flash_read(flash, 3, 0, got, 2 * UNIT), 0);
	assert_memory_equal(got, pattern + 7, UNIT);
	assert_int_equal(got[UNIT], 0xff);
	assert_int_equal(flash_unmap(flash, 3), 0);
	assert_int_equal(flash_is_mapped(flash, 3), 0);
	assert_int_equal(flash_change(flash, 3, NULL, 0), 0);
	assert_int_equal(flash_is_mapped(flash, 3), 1);
	flash_sim_close(flash);
}

static void what_is_out_of_range_never_reaches_a_driver(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	assert_int_equal(flash_read(flash, small.count, 0, got, 1), -EINVAL);
	assert_int_equal(flash_read(flash, 0, small.size, got, 1), -EINVAL);
	assert_int_equal(flash_read(flash, 0, UINT32_MAX, got, 2), -EINVAL);
	assert_int_equal(flash_read(flash, 0, small.size, got, 0), 0);
	assert_int_equal(flash_write(flash, 0, 1, pattern, UNIT), -EINVAL);
	assert_int_equal(flash_write(flash, 0, 0, pattern, UNIT + 1), -EINVAL);
	assert_int_equal(flash_write(flash, 0, 0, pattern, 0), -EINVAL);
	assert_int_equal(flash_write(flash, 0, small.size, pattern, UNIT), -EINVAL);
	assert_int_equal(flash_change(flash, 0, pattern, UNIT / 2), -EINVAL);
	assert_int_equal(flash_unmap(flash, small.count), -EINVAL);
	assert_int_equal(flash_is_mapped(flash, small.count), -EINVAL);
	flash_sim_close(flash);
}

static void the_bad_units_of_a_range_are_found(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	uint8_t bad[2] = { 0xff, 0xff };
	assert_int_equal(flash_write(flash, 0, 0, pattern, 12 * UNIT), 0);
	flash_sim_spoil(flash, 0, 2 * UNIT);
	flash_sim_spoil(flash, 0, 10 * UNIT + 5);
	flash_sim_flip(flash, 0, 4 * UNIT);
	assert_int_equal(flash_read(flash, 0, UNIT, got, 10 * UNIT), -EBADMSG);
	assert_int_equal(flash_read_units(flash, 0, UNIT + 10, got, 10 * UNIT, bad), 2);
	assert_int_equal(bad[0], 1 << 1);
	assert_int_equal(bad[1] & 7, 1 << 1);
	assert_memory_equal(got, pattern + UNIT + 10, UNIT - 10);
	assert_int_equal(got[UNIT - 10], 0xff);
	assert_memory_equal(got + 2 * UNIT - 10, pattern + 3 * UNIT, 7 * UNIT);
	struct flash_sim_wear wear;
	flash_sim_wear(flash, &wear);
	assert_int_equal(wear.healed, 1);
	flash_sim_close(flash);
}

/* ---- whose flash it is ---- */

static unsigned count_mapped(struct flash *flash)
{
	unsigned count = 0;
	for (uint32_t leb = 0; leb < flash->count; leb++)
		count += flash_is_mapped(flash, leb) == 1;
	return count;
}

static void a_blank_flash_is_written_only_when_it_is_used(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	struct volume_stat stat;
	assert_int_equal(volume_stat(volume, &stat), 0);
	assert_int_equal(stat.size, (small.count - 1) * PAYLOAD);
	assert_true(stat.free == stat.size);
	assert_true(stat.durable);
	assert_int_equal(count_mapped(flash), 0);
	write_segment(volume, 1, UNIT);
	assert_int_equal(count_mapped(flash), 2);
	assert_int_equal(volume_remove(volume, 1), 0);
	flash_volume_close(volume);
	volume = open_volume(flash); /* nothing is in it, and yet it is ours */
	flash_volume_close(volume);
	flash_sim_close(flash);
}

static void what_is_neither_ours_nor_blank_is_refused_and_left_alone(void **state)
{
	static const uint8_t other[UNIT] = { 0x31, 0x18, 0x10, 0x06, 'U', 'B', 'I', 'F', 'S' };
	(void)state;
	for (int what = 0; what < 3; what++) {
		struct flash *flash = make_flash();
		struct volume *volume;
		struct flash_sim_wear before, after;
		if (what == 0)
			assert_int_equal(flash_write(flash, 5, 0, other, UNIT), 0);
		else if (what == 1)
			assert_int_equal(flash_change(flash, 5, NULL, 0), 0); /* mapped, empty: somebody's */
		else
			assert_int_equal(flash_write(flash, 5, 0, pattern, UNIT), 0);
		if (what == 2)
			flash_sim_spoil(flash, 5, 0);
		flash_sim_wear(flash, &before);
		assert_int_equal(flash_volume_open(&volume, flash, STRIPS), -EXDEV);
		flash_sim_wear(flash, &after);
		assert_int_equal(before.units_written, after.units_written);
		assert_int_equal(before.erases, after.erases);
		flash_sim_close(flash);
	}
}

/* All heads of one flash are carried to another that has its own. */
static void lebs_of_two_volumes_are_refused(void **state)
{
	(void)state;
	struct flash *flash = make_flash(), *other = make_flash();
	struct volume *volume = open_volume(flash);
	write_segment(volume, 1, UNIT);
	flash_volume_close(volume);
	volume = open_volume(other);
	write_segment(volume, 2, UNIT);
	flash_volume_close(volume);
	uint32_t from = leb_of(other, 2, 0);
	assert_int_equal(flash_change(flash, 60, flash_sim_bytes(other, from), 3 * UNIT), 0);
	assert_int_equal(flash_volume_open(&volume, flash, STRIPS), -EXDEV);
	assert_int_equal(flash_unmap(flash, 60), 0);
	volume = open_volume(flash);
	flash_volume_close(volume);
	flash_sim_close(flash);
	flash_sim_close(other);
}

static void another_geometry_is_refused(void **state)
{
	(void)state;
	struct flash *flash = make_flash(), *other;
	struct flash_sim_geometry larger = small;
	struct volume *volume = open_volume(flash);
	write_segment(volume, 1, UNIT);
	flash_volume_close(volume);
	larger.size += UNIT;
	assert_int_equal(flash_sim_open(&other, NULL, &larger), 0);
	for (uint32_t leb = 0; leb < flash->count; leb++)
		if (flash_sim_bytes(flash, leb))
			assert_int_equal(flash_change(other, leb, flash_sim_bytes(flash, leb), small.size), 0);
	assert_int_equal(flash_volume_open(&volume, other, STRIPS), -EXDEV);
	flash_sim_close(flash);
	flash_sim_close(other);
}

/* ---- wear ---- */

static void a_worn_out_flash_can_be_read(void **state)
{
	(void)state;
	struct flash_sim_geometry weak = small;
	struct flash *flash;
	struct volume_stat stat = { 0 };
	weak.endurance = 20;
	assert_int_equal(flash_sim_open(&flash, NULL, &weak), 0);
	struct volume *volume = open_volume(flash);
	write_segment(volume, 1, 2 * PAYLOAD);
	int error = 0;
	uint64_t id = 2;
	for (; !error && id < 100000; id++) {
		error = volume_write(volume, id, 0, pattern, PAYLOAD);
		if (!error)
			error = volume_sync(volume, id);
		if (!error)
			error = volume_remove(volume, id);
	}
	assert_int_equal(error, -EROFS);
	assert_true(id > (uint64_t)small.count * weak.endurance / 3); /* the wear was spread over nearly all */
	assert_int_equal(volume_stat(volume, &stat), 0);
	assert_true(stat.read_only);
	assert_true(stat.bad_blocks >= small.spare);
	assert_int_equal(stat.max_erase_count, weak.endurance + 1);
	assert_int_equal(volume_read(volume, 1, 0, got, 2 * PAYLOAD), 0);
	flash_volume_close(volume);
	volume = open_volume(flash);
	assert_int_equal(volume_read(volume, 1, 0, got, 2 * PAYLOAD), 0);
	assert_memory_equal(got, pattern, 2 * PAYLOAD);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* A segment of one LEB costs two erasures: its own and its tombstone's. They are spread over all blocks alike. */
static void a_segment_costs_two_erasures_and_no_block_more_than_others(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	struct flash_sim_wear before, after;
	bool taken[128] = { false };
	unsigned in_turn = 0;
	write_segment(volume, 1, UNIT);
	flash_sim_wear(flash, &before);
	for (uint64_t id = 2; id < 2002; id++) {
		write_segment(volume, id, UNIT);
		in_turn += !taken[leb_of(flash, id, 0)];
		taken[leb_of(flash, id, 0)] = true;
		assert_int_equal(volume_remove(volume, id), 0);
	}
	flash_sim_wear(flash, &after);
	print_message("%u erasures, %u to %u a block, %u units\n", (unsigned)(after.erases - before.erases),
		after.min_erase_count, after.max_erase_count, (unsigned)(after.units_written - before.units_written));
	assert_in_range(after.erases - before.erases, 3900, 4000);
	assert_int_equal(after.units_written - before.units_written, 2000 * (3 + 1)); /* head, data, tail; the tombstone */
	assert_int_equal(in_turn, small.count - 2);
	/* All but those of the label and of the segment that stays. */
	assert_true(after.max_erase_count <= 4000 / (small.count + small.spare - 2) + 6);
	flash_volume_close(volume);
	flash_sim_close(flash);
}

/* Booting and looking wears nothing; the first sync of what was written last does, once. */
static void a_box_that_only_boots_does_not_wear(void **state)
{
	(void)state;
	struct flash *flash = make_flash();
	struct volume *volume = open_volume(flash);
	struct flash_sim_wear before, after;
	write_segment(volume, 1, UNIT);
	flash_volume_close(volume);
	for (int life = 0; life < 5; life++) {
		volume = open_volume(flash);
		assert_int_equal(volume_sync(volume, 1), 0);
		flash_volume_close(volume);
		flash_sim_wear(flash, life ? &after : &before);
	}
	assert_int_equal(before.units_written, after.units_written);
	flash_sim_close(flash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_unit_is_written_once_and_in_order),
		cmocka_unit_test(what_is_out_of_range_never_reaches_a_driver),
		cmocka_unit_test(the_bad_units_of_a_range_are_found),
		cmocka_unit_test(a_blank_flash_is_written_only_when_it_is_used),
		cmocka_unit_test(what_is_neither_ours_nor_blank_is_refused_and_left_alone),
		cmocka_unit_test(lebs_of_two_volumes_are_refused),
		cmocka_unit_test(another_geometry_is_refused),
		cmocka_unit_test(a_worn_out_flash_can_be_read),
		cmocka_unit_test(a_segment_costs_two_erasures_and_no_block_more_than_others),
		cmocka_unit_test(a_box_that_only_boots_does_not_wear),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
