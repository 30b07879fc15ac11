/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A year of a box on raw flash, simulated: flash_year [NIGHTS] [RECORDS-A-DAY] [KIB-A-NIGHT]
 *
 * A chip of 256 blocks of 128 KiB, with pages of 2 KiB, and a database of 4 MiB. Each night so much of it has changed, here
 * and there; a month of nights is kept, what is older is removed, and cleaned away as a box does: whole segments that
 * nobody needs, and by copy at most 2 % of the volume a day. State records are written all day. Printed: how often blocks
 * were erased, the least and the most worn, bytes programmed for each byte that was stored, and bytes that cleaning
 * copied. Wear levelling of blocks whose data never
 * change is UBI's and begins at a difference of 4096 erasures: not simulated, and not reached in a year.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hal/sim/flash_sim.h"
#include "storage/flash.h"
#include "storage/repository.h"

#define KEPT 30
#define CHUNK 8192u
#define CHUNKS 512u

static const struct flash_sim_geometry chip = { .count = 240, .size = 126976, .unit = 2048, .spare = 16 };

struct year {
	struct flash *flash;
	struct repository *repository;
	uint64_t ids[KEPT];
	uint32_t versions[CHUNKS]; /* of each chunk of the database */
	uint64_t stored, copied, freed;
};

static int must(const char *what, int result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(-result));
		exit(1);
	}
	return result;
}

static void open_box(struct year *year)
{
	static const uint8_t key[32] = "a key file of thirty-two bytes.";
	struct repository_secret secret = { SECRET_KEY_FILE, key, sizeof key };
	struct repository_settings settings = { .deflate_level = 1, .index_chunks = 65536 };
	struct volume *volume;
	char recovery[64];
	must("flash", flash_sim_open(&year->flash, NULL, &chip));
	must("volume", flash_volume_open(&volume, year->flash, 0));
	must("create", repository_create(volume, &settings, &secret, recovery));
	must("open", repository_open(&year->repository, volume, &settings, &secret));
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Bytes that do not deflate, and that no other version or chunk has. */
static void fill(uint8_t bytes[CHUNK], uint32_t chunk, uint32_t version)
{
	uint64_t state = 88172645463325252u ^ ((uint64_t)version << 32 | (chunk + 1)) * 0x9e3779b97f4a7c15u;
	for (size_t i = 0; i < CHUNK; i += 8) {
		uint64_t random = next_random(&state);
		memcpy(bytes + i, &random, 8);
	}
}

static void change(struct year *year, unsigned kib)
{
	static uint64_t state = 1234567;
	for (unsigned i = 0; i < kib * 1024 / CHUNK; i++)
		year->versions[next_random(&state) % CHUNKS]++;
	year->stored += kib / (CHUNK / 1024) * CHUNK;
}

static void clean(struct year *year)
{
	struct repository_status status;
	struct compact_result result;
	must("status", repository_status(year->repository, &status));
	struct compact_limits limits = { .copy_max = status.size / 50 };
	must("clean", repository_compact(year->repository, &limits, &result));
	year->copied += result.copied;
	year->freed += result.freed;
}

static void back_up(struct year *year, unsigned night)
{
	static uint8_t chunk[CHUNK];
	struct snapshot_writer *writer;
	struct snapshot_info info;
	must("begin", snapshot_begin(year->repository, SNAPSHOT_BACKUP, "server/database", &writer));
	must("stream", snapshot_stream_begin(writer, "rows"));
	for (uint32_t i = 0; i < CHUNKS; i++) {
		fill(chunk, i, year->versions[i]);
		must("put", snapshot_put(writer, 1, 1, chunk, sizeof chunk));
	}
	must("stream", snapshot_stream_end(writer, "", 0));
	must("commit", snapshot_commit(writer, "", 0, true, &info));
	uint64_t *id = &year->ids[night % KEPT];
	if (*id)
		must("remove", snapshot_remove(year->repository, *id));
	*id = info.id;
	clean(year);
}

static void live(struct year *year, unsigned nights, unsigned records, unsigned kib)
{
	for (unsigned night = 0; night < nights; night++) {
		for (unsigned i = 0; i < records; i++)
			must("state", repository_state_write(year->repository, "box-time", &i, sizeof i));
		change(year, kib);
		back_up(year, night);
	}
}

static void report(const struct year *year, unsigned nights, unsigned records, unsigned kib)
{
	struct flash_sim_wear wear;
	flash_sim_wear(year->flash, &wear);
	double blocks = chip.count + chip.spare, programmed = (double)wear.units_written * chip.unit;
	printf("%u nights of %u KiB, %u state records a day, on %.0f blocks of 128 KiB\n", nights, kib, records, blocks);
	printf("erasures: %llu, %.1f a block; the least worn %u, the most worn %u\n", (unsigned long long)wear.erases,
		(double)wear.erases / blocks, wear.min_erase_count, wear.max_erase_count);
	printf("programmed: %.0f MiB, %.2f bytes for each that was stored\n", programmed / 1048576,
		programmed / (double)year->stored);
	printf("cleaning: %.0f MiB copied, %.2f bytes for each that was stored; %.0f MiB freed\n",
		(double)year->copied / 1048576, (double)year->copied / (double)year->stored, (double)year->freed / 1048576);
	printf("units written twice or out of order: %u\n", flash_sim_misuses(year->flash));
}

static unsigned argument(int argc, char **argv, int i, unsigned otherwise)
{
	return argc > i ? (unsigned)strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	static struct year year = { .stored = CHUNKS * CHUNK };
	unsigned nights = argument(argc, argv, 1, 365), records = argument(argc, argv, 2, 24);
	unsigned kib = argument(argc, argv, 3, 256);
	open_box(&year);
	live(&year, nights, records, kib);
	report(&year, nights, records, kib);
	return 0;
}
