/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/small_flash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const struct flash_sim_geometry small = { .count = 72, .size = PAYLOAD + 2 * UNIT, .unit = UNIT, .spare = 4 };
uint8_t pattern[PAYLOAD * STRIPS], got[PAYLOAD * STRIPS];

struct flash *make_flash(void)
{
	struct flash *flash;
	for (size_t i = 0; i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 31 + i / 251);
	assert_int_equal(flash_sim_open(&flash, NULL, &small), 0);
	return flash;
}

struct volume *open_volume(struct flash *flash)
{
	struct volume *volume;
	assert_int_equal(flash_volume_open(&volume, flash, STRIPS), 0);
	return volume;
}

void write_segment(struct volume *volume, uint64_t id, uint32_t size)
{
	assert_int_equal(volume_write(volume, id, 0, pattern, size), 0);
	assert_int_equal(volume_sync(volume, id), 0);
}

uint32_t leb_of(struct flash *flash, uint64_t id, uint32_t strip)
{
	for (uint32_t leb = 0; leb < flash->count; leb++) {
		const uint8_t *head = flash_sim_bytes(flash, leb);
		if (head && head[13] == 2 && !memcmp(head + 48, &id, 8) && head[60] == strip)
			return leb;
	}
	fail_msg("no LEB of segment %u", (unsigned)id);
	return 0;
}
