/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a box (tests/support/life.h) on a real UBI, cut by UBI itself: its debugfs has a power cut that strikes
 * while the Nth header is written, behind which nothing more is. UBI is detached after each, attached again, and every
 * snapshot that was acknowledged must be whole. A page of the chip is spoilt meanwhile, and must be healed.
 *
 * Runs in the guest machine (tests/guest), as root. COFFRET_EXHAUSTIVE=1: every N.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hal/linux/flash_ubi.h"
#include "storage/bytes.h"
#include "storage/flash.h"
#include "tests/support/life.h"
#include "tests/support/real_ubi.h"

#define STRIPS 3

static struct flash *flash;
static unsigned strikes;

/* ---- the medium ---- */

static int start_ubi(struct medium *medium, struct volume **volume)
{
	(void)medium;
	int error = flash_ubi_open(&flash, REAL_UBI_VOLUME);
	return error ? error : flash_volume_open(volume, flash, STRIPS);
}

static void end_ubi(struct medium *medium, struct volume *volume)
{
	(void)medium;
	flash_volume_close(volume);
	flash_ubi_close(flash);
	flash = NULL;
}

static void restart_ubi(struct medium *medium)
{
	(void)medium;
	real_ubi_attach_again();
}

/* In a strip of data: 13 is the kind of LEB, 55 the highest byte of the segment's id, 56 the length. */
static void rot_ubi(struct medium *medium)
{
	(void)medium;
	for (uint32_t leb = 0; leb < flash->count; leb++) {
		uint8_t head[64];
		if (flash_is_mapped(flash, leb) != 1 || flash_read(flash, leb, 0, head, sizeof head))
			continue;
		if (head[13] == 2 && head[55] == 0 && get32(head + 56) > 4 * flash->unit) {
			real_ubi_spoil(flash, leb, 3 * flash->unit);
			return;
		}
	}
}

static struct medium ubi = {
	.start = start_ubi,
	.end = end_ubi,
	.restart = restart_ubi,
	.rot = rot_ubi,
};

/* ---- cuts ---- */

/* False where the script ended before the cut. */
static bool play(unsigned n)
{
	struct life life = { .medium = &ubi };
	struct flash_stat stat;
	char what[32];
	snprintf(what, sizeof what, "cut at header %u", n);
	real_ubi_blank();
	assert_int_equal(life_begin(&life), 0);
	life_end(&life);
	real_ubi_plan_cut(n);
	life_script(&life);
	assert_int_equal(flash_stat(flash, &stat), 0);
	if (stat.read_only) {
		strikes++;
		life_restart(&life, what);
		life_check_future(&life, what);
	}
	life_end(&life);
	real_ubi_attach_again();
	life_destroy(&life);
	return stat.read_only;
}

static void the_script_acknowledges_everything_when_nothing_strikes(void **state)
{
	(void)state;
	struct life life = { .medium = &ubi };
	real_ubi_blank();
	life_script(&life);
	assert_int_equal(life.acknowledged, LIFE_SCRIPT_ACKNOWLEDGES);
	assert_true(life.was_full && life.copied > 0);
	assert_int_equal(life.healed, 1);
	life_check_future(&life, "no fault");
	life_destroy(&life);
}

static void acknowledged_snapshots_survive_cuts_by_ubi(void **state)
{
	(void)state;
	unsigned n = 1, step = getenv("COFFRET_EXHAUSTIVE") ? 1 : 17;
	while (play(n))
		n += step;
	print_message("%u cuts at %u headers\n", strikes, n);
	assert_true(n > 60);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_script_acknowledges_everything_when_nothing_strikes),
		cmocka_unit_test(acknowledged_snapshots_survive_cuts_by_ubi),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
