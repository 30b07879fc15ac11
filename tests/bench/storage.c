/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The storage path by itself: storage [FILE [KIB-A-CHUNK]]
 *
 * The bytes of FILE (else made-up text) are put as chunks into a repository on a volume in memory, committed, verified
 * or not; put once more, when all are known; and read back. Beside it what cannot be saved: the same chunks copied by
 * memcpy and deflated by zlib at the same level, and inflated. All on one thread. Then what memory an index takes for so
 * many chunks. Times mean something only as ratios within one run.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "storage/memory.h"
#include "storage/repository.h"

#define LEVEL 5
#define MADE_UP (48u << 20)
#define ROUNDS 3

struct input {
	uint8_t *bytes;
	size_t size, chunk;
};

struct box {
	struct volume *volume;
	struct repository *repository;
	struct snapshot_info info;
};

static int must(const char *what, int result)
{
	if (result < 0) {
		fprintf(stderr, "%s: %s\n", what, strerror(-result));
		exit(1);
	}
	return result;
}

static void *get_memory(size_t size)
{
	void *bytes = malloc(size);
	if (!bytes)
		must("memory", -ENOMEM);
	return bytes;
}

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- what goes in ---- */

/* Words of a small language, the frequent ones often. */
static void make_up(struct input *input)
{
	uint32_t random = 1;
	input->bytes = get_memory(MADE_UP + 16);
	while (input->size < MADE_UP) {
		random = random * 1664525 + 1013904223;
		uint32_t rank = (random >> 8) % 4096, word = rank * rank / 4096 * 2654435761u;
		for (uint32_t length = 2 + (word >> 7) % 9; length--; word = word * 69069 + 1)
			input->bytes[input->size++] = (uint8_t)('a' + (word >> 20) % 26);
		input->bytes[input->size++] = ' ';
	}
}

static void load(struct input *input, const char *path)
{
	FILE *file = fopen(path, "rb");
	if (!file || fseek(file, 0, SEEK_END))
		must(path, -errno);
	input->size = (size_t)ftell(file);
	input->bytes = get_memory(input->size + 1);
	rewind(file);
	if (fread(input->bytes, 1, input->size, file) != input->size)
		must(path, -EIO);
	fclose(file);
}

static size_t step_at(const struct input *input, size_t at)
{
	return input->size - at < input->chunk ? input->size - at : input->chunk;
}

/* ---- what cannot be saved ---- */

static size_t deflate_all(const struct input *input, uint8_t *packed, double *seconds)
{
	uint8_t *copy = get_memory(input->chunk);
	z_stream stream = { .zalloc = NULL };
	double begin = now();
	size_t used = 0;
	deflateInit2(&stream, LEVEL, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
	for (size_t at = 0; at < input->size; at += input->chunk) {
		memcpy(copy, input->bytes + at, step_at(input, at));
		stream.next_in = copy;
		stream.avail_in = (uInt)step_at(input, at);
		stream.next_out = packed + used;
		stream.avail_out = (uInt)(2 * input->chunk);
		deflate(&stream, Z_FINISH);
		used += stream.total_out;
		deflateReset(&stream);
	}
	deflateEnd(&stream);
	*seconds = now() - begin;
	free(copy);
	return used;
}

static double inflate_all(const struct input *input, uint8_t *packed)
{
	uint8_t *copy = get_memory(input->chunk);
	z_stream stream = { .zalloc = NULL };
	double begin = now();
	inflateInit2(&stream, -15);
	stream.next_in = packed;
	for (size_t at = 0; at < input->size; at += input->chunk) {
		stream.avail_in = UINT32_MAX;
		stream.next_out = copy;
		stream.avail_out = (uInt)input->chunk;
		inflate(&stream, Z_FINISH);
		inflateReset(&stream);
	}
	inflateEnd(&stream);
	free(copy);
	return now() - begin;
}

/* ---- ours ---- */

static void open_box(struct box *box, const struct input *input, uint32_t index_chunks)
{
	static const uint8_t key[32] = "a key file of thirty-two bytes.";
	const struct memory_geometry geometry = { .size = 3 * input->size + (64u << 20), 4u << 20, 1 };
	struct repository_secret secret = { SECRET_KEY_FILE, key, sizeof key };
	struct repository_settings settings = { .deflate_level = LEVEL, .index_chunks = index_chunks };
	char recovery[64];
	must("volume", memory_volume_open(&box->volume, &geometry));
	must("create", repository_create(box->volume, &settings, &secret, recovery));
	must("open", repository_open(&box->repository, box->volume, &settings, &secret));
}

static void close_box(struct box *box)
{
	repository_close(box->repository);
	memory_volume_close(box->volume);
}

static double put_all(struct box *box, const struct input *input, bool verified)
{
	struct snapshot_writer *writer;
	double begin = now();
	must("begin", snapshot_begin(box->repository, SNAPSHOT_BACKUP, "bench", &writer));
	must("stream", snapshot_stream_begin(writer, "bytes"));
	for (size_t at = 0; at < input->size; at += input->chunk)
		must("put", snapshot_put(writer, 1, 1, input->bytes + at, step_at(input, at)));
	must("stream", snapshot_stream_end(writer, "", 0));
	must("commit", snapshot_commit(writer, "", 0, verified, &box->info));
	return now() - begin;
}

static double read_all(struct box *box, const struct input *input)
{
	struct snapshot_reader *reader;
	struct stream_cursor *cursor;
	struct chunk_entry entry;
	uint8_t *bytes = get_memory(input->chunk);
	double begin = now();
	size_t at = 0;
	must("open", snapshot_open(box->repository, box->info.id, &reader));
	must("stream", stream_open(reader, 0, &cursor));
	while (must("next", stream_next(cursor, &entry)) == 1) {
		must("read", chunk_read(box->repository, &entry, bytes));
		if (memcmp(bytes, input->bytes + at, entry.size) != 0)
			must("what was read", -EILSEQ);
		at += entry.size;
	}
	double seconds = now() - begin;
	stream_close(cursor);
	snapshot_close(reader);
	free(bytes);
	must("what was read", at == input->size ? 0 : -ENODATA);
	return seconds;
}

/* ---- what is printed ---- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static void tell(const char *what, const struct input *input, double *seconds, double *other)
{
	double ratios[ROUNDS], times[ROUNDS];
	for (int i = 0; i < ROUNDS; i++) {
		ratios[i] = seconds[i] / other[i];
		times[i] = seconds[i];
	}
	qsort(ratios, ROUNDS, sizeof *ratios, compare);
	qsort(times, ROUNDS, sizeof *times, compare);
	printf("%-58s %8.1f MB/s %8.2f\n", what, (double)input->size / 1e6 / times[ROUNDS / 2], ratios[ROUNDS / 2]);
}

static void measure(const struct input *input)
{
	enum { DEFLATED, INFLATED, PUT, VERIFIED, KNOWN, READ, KINDS };
	double times[KINDS][ROUNDS];
	size_t packed_size = 0;
	uint64_t stored = 0;
	uint8_t *packed = get_memory(input->size + 4 * input->chunk + (input->size / 100));
	for (int i = 0; i < ROUNDS; i++) {
		struct box box;
		packed_size = deflate_all(input, packed, &times[DEFLATED][i]);
		times[INFLATED][i] = inflate_all(input, packed);
		open_box(&box, input, 262144);
		times[PUT][i] = put_all(&box, input, false);
		stored = box.info.stored_bytes;
		times[KNOWN][i] = put_all(&box, input, false);
		times[READ][i] = read_all(&box, input);
		close_box(&box);
		open_box(&box, input, 262144);
		times[VERIFIED][i] = put_all(&box, input, true);
		close_box(&box);
	}
	free(packed);
	tell("memcpy and zlib alone", input, times[DEFLATED], times[DEFLATED]);
	tell("put, committed: time against that", input, times[PUT], times[DEFLATED]);
	tell("put, read back, committed: against that", input, times[VERIFIED], times[DEFLATED]);
	tell("put when all is known: against that", input, times[KNOWN], times[DEFLATED]);
	tell("inflate alone", input, times[INFLATED], times[INFLATED]);
	tell("read: time against that", input, times[READ], times[INFLATED]);
	printf("stored, heads and contents counted in: %.3f MB, %.4f of what zlib alone makes of it\n",
		(double)stored / 1e6, (double)stored / (double)packed_size);
}

static void measure_memory(void)
{
	const struct input small = { .size = 1u << 20 };
	struct mallinfo2 none = mallinfo2();
	size_t before = 0;
	for (uint32_t chunks = 16384; chunks <= 4u << 20; chunks *= 16) {
		struct box box;
		open_box(&box, &small, chunks);
		struct mallinfo2 info = mallinfo2();
		size_t taken = info.uordblks + info.hblkhd - none.uordblks - none.hblkhd;
		printf("an index for %u chunks: the repository takes %.2f MiB in all", chunks, (double)taken / 1048576);
		printf(before ? ", %.2f bytes for each more\n" : "\n", (double)(taken - before) / (chunks - chunks / 16));
		before = taken;
		close_box(&box);
	}
}

int main(int argc, char **argv)
{
	struct input input = { .chunk = (argc > 2 ? strtoul(argv[2], NULL, 10) : 64) * 1024 };
	if (!input.chunk || input.chunk > CHUNK_SIZE_MAX)
		must("KIB-A-CHUNK", -EINVAL);
	if (argc > 1)
		load(&input, argv[1]);
	else
		make_up(&input);
	printf("%.1f MB in chunks of %zu KiB, level %d, processor time of one thread\n", (double)input.size / 1e6,
		input.chunk / 1024, LEVEL);
	measure(&input);
	measure_memory();
	free(input.bytes);
	return 0;
}
