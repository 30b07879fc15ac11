/* SPDX-License-Identifier: Apache-2.0 */
/* The contents at the end of a segment are there to save time: whatever byte of them is damaged, nothing is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/bytes.h"
#include "storage/disk.h"
#include "storage/segment.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

static const struct sample sample = { .seed = 1, .streams = 2, .chunks = 5, .shared = 3, .chunk_size = 250 };

/* A byte of the contents or the trailer of the one data segment, counted from the beginning of the contents. */
struct flip {
	uint32_t at, size;
};

static int flip(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	struct flip *flip = arg;
	if (strncmp(name, "00", 2) != 0)
		return 0;
	if (!flip->size)
		flip->size = size - get32(bytes + size - SEGMENT_TRAILER_SIZE + 24);
	bytes[size - flip->size + flip->at] ^= (uint8_t)(1u << flip->at % 8);
	return 1;
}

static void a_segment_without_its_contents_is_read_all_the_same(void **state)
{
	(void)state;
	struct fault_disk *disk = fault_disk_create(1u << 20);
	struct volume *volume;
	struct repository *repository;
	struct flip here = { .at = 0 };
	uint64_t id;
	assert_int_equal(disk_volume_open(&volume, fault_disk_disk(disk), 64u << 10), 0);
	assert_int_equal(sample_open_without_parity(&repository, volume), 0);
	assert_int_equal(sample_store(repository, &sample, true, &id), 0);
	repository_close(repository);
	do {
		assert_int_equal(fault_disk_each(disk, flip, &here), 1);
		assert_int_equal(sample_open_without_parity(&repository, volume), 0);
		int error = sample_compare(repository, &sample, id);
		if (error)
			fail_msg("byte %u of %u: %d", here.at, here.size, error);
		repository_close(repository);
		fault_disk_each(disk, flip, &here);
		here.at += 3;
	} while (here.at < here.size);
	assert_true(here.size > 10 * CHUNK_HEAD_SIZE);
	disk_volume_close(volume);
	fault_disk_destroy(disk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_without_its_contents_is_read_all_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
