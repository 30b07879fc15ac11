/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation number N fails, N = 1, 2, 3, …, in everything that a repository does (tests/support/life.h): an error, never a
 * crash, and what was acknowledged stays whole. Sanitizers have an allocator of their own; there the test says that it was skipped.
 */
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
#include "storage/memory.h"
#include "storage/segment.h"
#include "tests/support/life.h"

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

static void count_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	(void)snapshot, (void)stream, (void)chunk, (void)error;
	++*(unsigned *)arg;
}

/* ---- on a volume in memory, and on flash ---- */

struct world {
	struct medium medium;
	struct volume *memory;
	struct flash *flash;
	struct life life;
};

static int start_memory(struct medium *medium, struct volume **volume)
{
	*volume = container_of(medium, struct world, medium)->memory;
	return 0;
}

static void leave(struct medium *medium, struct volume *volume)
{
	(void)medium, (void)volume;
}

static int start_flash(struct medium *medium, struct volume **volume)
{
	return flash_volume_open(volume, container_of(medium, struct world, medium)->flash, 2);
}

static void end_flash(struct medium *medium, struct volume *volume)
{
	(void)medium;
	flash_volume_close(volume);
}

static void restart(struct medium *medium)
{
	(void)medium;
}

static void create_world(struct world *world, bool on_flash)
{
	static const struct memory_geometry memory = { .size = 104u << 10, .segment_size = 6u << 10, .write_unit = 1 };
	static const struct flash_sim_geometry flash = { .count = 46, .size = 4096 + 2 * 256, .unit = 256, .spare = 4 };
	*world = (struct world){ .medium = { .start = start_memory, .end = leave, .restart = restart } };
	if (on_flash)
		world->medium = (struct medium){ .start = start_flash, .end = end_flash, .restart = restart };
	world->life.medium = &world->medium;
	assert_int_equal(memory_volume_open(&world->memory, &memory), 0);
	assert_int_equal(flash_sim_open(&world->flash, NULL, &flash), 0);
}

static void destroy_world(struct world *world)
{
	life_destroy(&world->life);
	memory_volume_close(world->memory);
	flash_sim_close(world->flash);
}

/* False where the script ended before that many allocations. */
static bool play(unsigned n, bool on_flash)
{
	struct world world;
	char what[64];
	snprintf(what, sizeof what, "allocation %u%s", n, on_flash ? ", on flash" : "");
	create_world(&world, on_flash);
	struck = false;
	countdown = n;
	life_script(&world.life);
	countdown = 0;
	if (struck) {
		life_restart(&world.life, what);
		life_check_future(&world.life, what);
	}
	destroy_world(&world);
	return struck;
}

static void lack_of_memory_is_an_error_and_no_more(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	for (int on_flash = 0; on_flash < 2; on_flash++) {
		unsigned n = 1;
		while (play(n, on_flash))
			n++;
		print_message("%u allocations failed, one by one%s\n", n - 1, on_flash ? ", on flash" : "");
		assert_true(n > 300);
	}
}

/* It is an error, and no damage: nobody should store anew, or be told, what is whole. */
static void lack_of_memory_is_no_damage(void **state)
{
	(void)state;
#ifdef __SANITIZE_ADDRESS__
	skip();
#endif
	struct world world;
	const struct scrub_limits all = { .segments_max = UINT64_MAX };
	unsigned n = 0, damage = 0;
	create_world(&world, true);
	assert_int_equal(life_begin(&world.life), 0);
	assert_int_equal(life_store(&world.life, 1, true), 0);
	do {
		struct scrub_result result;
		uint64_t position = 0;
		struck = false;
		countdown = ++n;
		repository_verify(world.life.repository, 0, true, count_damage, &damage, NULL);
		repository_scrub(world.life.repository, &position, &all, &result);
		countdown = 0;
		assert_int_equal(damage + result.damaged, 0);
	} while (struck);
	assert_true(n > 10);
	life_check_future(&world.life, "after all that");
	destroy_world(&world);
}

/* ---- while parity heals ---- */

static const struct sample night = {
	.seed = 1, .streams = 2, .chunks = 40, .shared = 20, .chunk_size = 100, .early = true
};

/* The first of its segments anew, with bytes that are not its own. */
static void spoil(struct volume *volume)
{
	static uint8_t bytes[64 << 10];
	uint32_t size = 0;
	while (!volume_read(volume, segment_id(SEGMENT_DATA, 1), size, bytes + size, 1))
		size++;
	memset(bytes + 100, 0x5a, 300);
	assert_int_equal(volume_remove(volume, segment_id(SEGMENT_DATA, 1)), 0);
	assert_int_equal(volume_write(volume, segment_id(SEGMENT_DATA, 1), 0, bytes, size), 0);
	assert_int_equal(volume_sync(volume, segment_id(SEGMENT_DATA, 1)), 0);
}

static void heal(struct volume *volume, uint64_t id)
{
	const struct scrub_limits scrub_limits = { .segments_max = UINT64_MAX };
	const struct compact_limits limits = { .copy_max = UINT64_MAX, .wounded_only = true };
	struct repository *repository;
	struct scrub_result scrubbed;
	struct compact_result anew;
	uint64_t position = 0;
	if (sample_open(&repository, volume))
		return;
	int error = sample_compare(repository, &night, id);
	assert_true(error == 0 || error == -ENOMEM);
	repository_scrub(repository, &position, &scrub_limits, &scrubbed);
	assert_int_equal(scrubbed.damaged, 0);
	repository_compact(repository, &limits, &anew);
	repository_close(repository);
}

static void lack_of_memory_while_parity_heals_is_no_damage(void **state)
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
		uint64_t id;
		assert_int_equal(memory_volume_open(&volume, &geometry), 0);
		assert_int_equal(sample_open(&repository, volume), 0);
		assert_int_equal(sample_store(repository, &night, true, &id), 0);
		repository_close(repository);
		spoil(volume);
		struck = false;
		countdown = ++n;
		heal(volume, id);
		countdown = 0;
		assert_int_equal(sample_open(&repository, volume), 0);
		assert_int_equal(sample_compare(repository, &night, id), 0);
		repository_close(repository);
		memory_volume_close(volume);
	} while (struck);
	print_message("%u allocations failed, one by one\n", n - 1);
	assert_true(n > 30);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lack_of_memory_is_an_error_and_no_more),
		cmocka_unit_test(lack_of_memory_while_parity_heals_is_no_damage),
		cmocka_unit_test(lack_of_memory_is_no_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
