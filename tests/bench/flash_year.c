/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A year of a box on raw flash, simulated: flash_year [NIGHTS] [RECORDS-A-DAY] [KIB-A-NIGHT]
 *
 * A chip of 256 blocks of 128 KiB, with pages of 2 KiB. Each night stores new chunks, a month of nights is kept, what is
 * older is removed and cleaned away; state records are written all day. Printed: how often blocks were erased, the least
 * and the most worn, and bytes programmed for each byte that was stored. Wear levelling of blocks whose data never
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

static const struct flash_sim_geometry chip = { .count = 240, .size = 126976, .unit = 2048, .spare = 16 };

struct year {
	struct flash *flash;
	struct repository *repository;
	uint64_t ids[KEPT];
	uint64_t stored;
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

/* Bytes that nobody has seen before, and that do not deflate. */
static void fill(uint8_t *bytes, size_t size)
{
	static uint64_t state = 88172645463325252u;
	for (size_t i = 0; i < size; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		bytes[i] = (uint8_t)state;
	}
}

static void back_up(struct year *year, unsigned night, unsigned kib)
{
	static uint8_t chunk[CHUNK];
	struct snapshot_writer *writer;
	struct snapshot_info info;
	must("begin", snapshot_begin(year->repository, SNAPSHOT_BACKUP, "server/database", &writer));
	must("stream", snapshot_stream_begin(writer, "rows"));
	for (unsigned i = 0; i < kib * 1024 / CHUNK; i++) {
		fill(chunk, sizeof chunk);
		must("put", snapshot_put(writer, 1, 1, chunk, sizeof chunk));
		year->stored += sizeof chunk;
	}
	must("stream", snapshot_stream_end(writer, "", 0));
	must("commit", snapshot_commit(writer, "", 0, true, &info));
	uint64_t *id = &year->ids[night % KEPT], freed;
	if (*id) {
		must("remove", snapshot_remove(year->repository, *id));
		must("clean", repository_clean(year->repository, &freed));
	}
	*id = info.id;
}

static void live(struct year *year, unsigned nights, unsigned records, unsigned kib)
{
	for (unsigned night = 0; night < nights; night++) {
		for (unsigned i = 0; i < records; i++)
			must("state", repository_state_write(year->repository, "box-time", &i, sizeof i));
		back_up(year, night, kib);
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
		year->stored ? programmed / (double)year->stored : 0);
	printf("units written twice or out of order: %u\n", flash_sim_misuses(year->flash));
}

static unsigned argument(int argc, char **argv, int i, unsigned otherwise)
{
	return argc > i ? (unsigned)strtoul(argv[i], NULL, 10) : otherwise;
}

int main(int argc, char **argv)
{
	struct year year = { .stored = 0 };
	unsigned nights = argument(argc, argv, 1, 365), records = argument(argc, argv, 2, 24);
	unsigned kib = argument(argc, argv, 3, 256);
	open_box(&year);
	live(&year, nights, records, kib);
	report(&year, nights, records, kib);
	return 0;
}
