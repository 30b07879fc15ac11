/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation number N fails, N = 1, 2, 3, …, in everything that a repository does: an error, never a crash, and what
 * was acknowledged stays whole. Sanitizers have an allocator of their own; there the test says that it was skipped.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/memory.h"
#include "tests/support/sample.h"

static unsigned countdown; /* 0: none fails */
static bool struck;

#ifndef __SANITIZE_ADDRESS__
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);

static bool fails(void)
{
	if (!countdown || --countdown)
		return false;
	struck = true;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}
#endif

static const struct sample first = { .seed = 1, .streams = 2, .chunks = 40, .shared = 20, .chunk_size = 100 };
static const struct sample second = { .seed = 2, .streams = 2, .chunks = 40, .shared = 20, .chunk_size = 100 };

static void ignore(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

static void play(struct volume *volume, uint64_t id, uint64_t *other)
{
	struct repository *repository;
	uint64_t freed;
	unsigned damage = 0;
	if (sample_open(&repository, volume))
		return;
	sample_store(repository, &second, true, other);
	sample_compare(repository, &first, id);
	repository_verify(repository, 0, true, ignore, &damage, NULL);
	assert_int_equal(damage, 0); /* lack of memory is no damage */
	repository_state_write(repository, "x", "y", 1);
	snapshot_set_flags(repository, id, SNAPSHOT_PINNED, 0);
	repository_clean(repository, &freed);
	repository_close(repository);
}

static void lack_of_memory_is_an_error_and_no_more(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	const struct memory_geometry geometry = { .size = 8u << 20, .segment_size = 64u << 10, .write_unit = 1 };
	unsigned n = 0;
	do {
		struct volume *volume;
		struct repository *repository;
		uint64_t id, other = 0;
		assert_int_equal(memory_volume_open(&volume, &geometry), 0);
		assert_int_equal(sample_open(&repository, volume), 0);
		assert_int_equal(sample_store(repository, &first, true, &id), 0);
		repository_close(repository);
		struck = false;
		countdown = ++n;
		play(volume, id, &other);
		countdown = 0;
		assert_int_equal(sample_open(&repository, volume), 0);
		assert_int_equal(sample_compare(repository, &first, id), 0);
		if (other)
			assert_int_equal(sample_compare(repository, &second, other), 0);
		assert_int_equal(sample_store(repository, &second, true, &other), 0);
		repository_close(repository);
		memory_volume_close(volume);
	} while (struck);
	print_message("%u allocations failed, one by one\n", n - 1);
	assert_true(n > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lack_of_memory_is_an_error_and_no_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
