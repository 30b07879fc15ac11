/* SPDX-License-Identifier: Apache-2.0 */
/* What the reserve is for: a store that took all that it takes comes free again, though no removal empties a segment. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "hal/sim/flash_sim.h"
#include "storage/disk.h"
#include "storage/flash.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

#define SEGMENT_SIZE (8u * 1024)

/* A night of what the one before had last, and as much that is new: so no segment is only the night's own. */
static int store_rolling(struct repository *repository, unsigned night, uint64_t *id)
{
	struct snapshot_writer *writer;
	struct snapshot_info info;
	uint8_t bytes[2000];
	int error = snapshot_begin(repository, SNAPSHOT_BACKUP, "server/database", &writer);
	if (error)
		return error;
	error = snapshot_stream_begin(writer, "stream");
	for (unsigned i = 0; i < 8 && !error; i++) {
		struct sample sample = { .seed = 100 + night + i / 4, .chunk_size = 600 };
		error = snapshot_put(writer, 1, 1, bytes, sample_chunk(&sample, 0, i % 4, bytes));
	}
	if (!error)
		error = snapshot_stream_end(writer, "", 0);
	if (error)
		snapshot_abort(writer);
	else
		error = snapshot_commit(writer, "", 0, true, &info);
	*id = info.id;
	return error;
}

/*
 * Of a store that took all that it takes. The reserve holds a segment to copy to, and the roots that know it. True where
 * nothing came free without copying: where a list has a page more, as the names fall, a night may spill into a segment that
 * is its own.
 */
static bool make_free_by_copying(struct volume *volume, const char *what)
{
	struct repository *repository;
	struct compact_limits limits = { .copy_max = UINT64_MAX };
	struct compact_result result;
	uint64_t ids[80], freed;
	unsigned count = 0;
	int error = 0;
	assert_int_equal(sample_open(&repository, volume), 0);
	while (!error && count < 80)
		if (!(error = store_rolling(repository, count, &ids[count])))
			count++;
	if (error != -ENOSPC || count < 8)
		fail_msg("%s: not full with %u nights: %d", what, count, error);
	assert_int_equal(repository_clean(repository, &freed), 0); /* what the last one left */
	for (unsigned i = 0; i + 1 < count; i += 2)
		if (snapshot_remove(repository, ids[i]))
			fail_msg("%s: a full store does not let a snapshot go", what);
	assert_int_equal(repository_clean(repository, &freed), 0);
	error = repository_compact(repository, &limits, &result);
	if (error || !result.freed)
		fail_msg("%s: %u nights, %u bytes came free without copying, then %d", what, count, (unsigned)freed, error);
	if ((error = store_rolling(repository, count, &ids[0])))
		fail_msg("%s: then there is no room for a night: %d", what, error);
	repository_close(repository);
	return !freed;
}

static void a_full_store_is_made_free_by_copying(void **state)
{
	(void)state;
	char what[64];
	unsigned by_copying = 0, all = 0;
	for (uint64_t size = 128u << 10; size < (128u << 10) + 3 * SEGMENT_SIZE; size += 1536) {
		struct fault_disk *disk = fault_disk_create(size);
		struct volume *volume;
		snprintf(what, sizeof what, "a disk of %u", (unsigned)size);
		assert_int_equal(disk_volume_open(&volume, fault_disk_disk(disk), SEGMENT_SIZE), 0);
		by_copying += make_free_by_copying(volume, what);
		all++;
		disk_volume_close(volume);
		fault_disk_destroy(disk);
	}
	for (uint32_t lebs = 70; lebs < 82; lebs++) {
		const struct flash_sim_geometry geometry = { .count = lebs, .size = 4096 + 2 * 256, .unit = 256, .spare = 4 };
		struct flash *flash;
		struct volume *volume;
		snprintf(what, sizeof what, "a flash of %u LEBs", lebs);
		assert_int_equal(flash_sim_open(&flash, NULL, &geometry), 0);
		assert_int_equal(flash_volume_open(&volume, flash, 3), 0);
		by_copying += make_free_by_copying(volume, what);
		all++;
		flash_volume_close(volume);
		flash_sim_close(flash);
	}
	assert_true(by_copying > all * 3 / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_full_store_is_made_free_by_copying),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
