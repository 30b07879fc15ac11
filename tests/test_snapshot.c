/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots over the reference volume: what is put comes back, what is known is not stored again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/memory.h"
#include "tests/support/sample.h"

static const struct memory_geometry geometry = { .size = 64u << 20, .segment_size = 1u << 20, .write_unit = 1 };
static const struct sample first = { .seed = 1, .streams = 3, .chunks = 200, .shared = 150, .chunk_size = 3000 };
static const struct sample second = { .seed = 2, .streams = 3, .chunks = 200, .shared = 150, .chunk_size = 3000 };

static struct repository *reopen(struct repository *repository, struct volume *volume, int threads)
{
	struct repository_settings settings = sample_settings();
	settings.deflate_threads = threads;
	repository_close(repository);
	assert_int_equal(repository_open(&repository, volume, &settings, &sample_secret), 0);
	assert_string_equal((const char *)settings.chunker, "chunker parameters");
	return repository;
}

static void setup(struct volume **volume, struct repository **repository)
{
	assert_int_equal(memory_volume_open(volume, &geometry), 0);
	assert_int_equal(sample_open(repository, *volume), 0);
}

static void teardown(struct volume *volume, struct repository *repository)
{
	repository_close(repository);
	memory_volume_close(volume);
}

static void what_was_put_comes_back_after_the_next_opening(void **state)
{
	(void)state;
	for (int threads = 0; threads <= 4; threads++) {
		struct volume *volume;
		struct repository *repository;
		uint64_t a, b;
		setup(&volume, &repository);
		repository = reopen(repository, volume, threads);
		assert_int_equal(sample_store(repository, &first, true, &a), 0);
		assert_int_equal(sample_compare(repository, &first, a), 0);
		assert_int_equal(sample_store(repository, &second, true, &b), 0);
		repository = reopen(repository, volume, threads);
		assert_int_equal(sample_compare(repository, &first, a), 0);
		assert_int_equal(sample_compare(repository, &second, b), 0);
		assert_int_equal(sample_compare(repository, &second, a), -EILSEQ);
		teardown(volume, repository);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_comes_back_after_the_next_opening),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
