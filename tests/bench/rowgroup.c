/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What chat costs as row groups: the base, what nights of new messages add, and how many rows are in chunks that a lost
 * room changes. Nothing is stored or encrypted, so the figures are without records, manifests and tags.
 *
 * usage: rowgroup MESSAGES.tsv [field=value …]
 *
 * A line is a message number, a room, a user, seconds since 1970 and text, tab-separated, in time order. Rooms are
 * split into many by `rooms` (25 for each) in blocks of 50 messages, most of them into few, as rooms of an office are.
 * Other fields: nights, messages (a night), rare, frequent, group, bytes, least, level; seed, since where rows are cut
 * is a matter of chance.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <zlib.h>

#include "agent/table/rowgroup.h"
#include "agent/table/siphash.h"

struct message {
	int32_t room, user;
	int64_t id, seconds;
	uint16_t *text;
	size_t size; /* bytes of text as UTF-16 */
};

static struct message *messages;
static size_t message_count;

static struct {
	struct rowgroup_params params;
	size_t rooms, nights, messages;
	int level;
} settings = { .rooms = 25, .nights = 10, .messages = 2500, .level = 6 };

struct cost {
	size_t chunks, new_chunks, new_rows, new_bytes, new_deflated;
};

/* ---- input ---- */

static void *need(void *p)
{
	if (!p)
		abort();
	return p;
}

static uint32_t decode(const uint8_t **at, const uint8_t *end)
{
	uint32_t c = *(*at)++;
	int more = c < 0xc0 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;

	for (c &= more ? 0x3fu >> more : 0xffu; more && *at < end; more--)
		c = c << 6 | (*(*at)++ & 0x3fu);
	return c;
}

static void set_text(struct message *m, const uint8_t *text, const uint8_t *end)
{
	uint16_t *out = m->text = need(malloc((size_t)(end - text) * 2 + 2));

	while (text < end) {
		uint32_t c = decode(&text, end);

		if (c >= 0x10000) {
			*out++ = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		*out++ = (uint16_t)c;
	}
	m->size = (size_t)(out - m->text) * 2;
}

/* Blocks of talk stay together; low numbers of a room's parts get most of them. */
static int32_t split_room(long room, int64_t id)
{
	uint64_t h = ((uint64_t)id / 50 + 1) * 0x9e3779b97f4a7c15;

	h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9;
	h = (h ^ h >> 32) % 1000;
	return (int32_t)((uint64_t)room * settings.rooms + h * h * settings.rooms / 1000000);
}

static void read_messages(const char *path)
{
	FILE *file = need(fopen(path, "r"));
	char *line = NULL;
	size_t room = 0;
	ssize_t size;

	for (size_t space = 0; (size = getline(&line, &room, file)) > 0; message_count++) {
		char *at = line, *end = line + size - (line[size - 1] == '\n');

		if (message_count == space) {
			space = space * 2 + 1024;
			messages = need(realloc(messages, space * sizeof(*messages)));
		}

		struct message *m = &messages[message_count];

		m->id = strtol(at, &at, 10);
		m->room = split_room(strtol(at + 1, &at, 10), m->id);
		m->user = (int32_t)strtol(at + 1, &at, 10);
		m->seconds = strtol(at + 1, &at, 10);
		set_text(m, (uint8_t *)at + 1, (uint8_t *)end);
	}
	free(line);
	fclose(file);
}

/* ---- one backup ---- */

#define NAMES (1u << 18)
static uint8_t names[NAMES][16]; /* of all chunks so far: an open hash table, all zeros where free */
static bool looking;             /* what is new stays new */

static bool is_new(const void *bytes, size_t size)
{
	static const uint8_t key[16] = "bench", none[16];
	struct siphash hash;
	uint8_t name[16];

	siphash_begin(&hash, key);
	siphash_update(&hash, bytes, size);
	siphash_end(&hash, name);

	size_t slot = (name[0] | (size_t)name[1] << 8 | (size_t)name[2] << 16) % NAMES;

	while (memcmp(names[slot], none, 16)) {
		if (!memcmp(names[slot], name, 16))
			return false;
		slot = (slot + 1) % NAMES;
	}
	if (!looking)
		memcpy(names[slot], name, 16);
	return true;
}

static size_t deflated(const void *bytes, size_t size)
{
	static uint8_t out[2u << 20];
	uLongf length = sizeof(out);

	if (compress2(out, &length, bytes, size, settings.level) != Z_OK)
		abort();
	return length;
}

static int count_chunk(void *arg, enum chunk_kind kind, const void *bytes, size_t size, uint32_t rows)
{
	struct cost *cost = arg;

	(void)kind;
	if (!cost)
		return 0;
	cost->chunks++;
	if (!is_new(bytes, size))
		return 0;
	cost->new_chunks++;
	cost->new_rows += rows;
	cost->new_bytes += size;
	cost->new_deflated += deflated(bytes, size);
	return 0;
}

static int in_key_order(const void *a, const void *b)
{
	const struct message *x = a, *y = b;

	if (x->room != y->room)
		return x->room < y->room ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static void put_row(struct rowgroup_writer *writer, const struct message *m)
{
	int32_t days = (int32_t)(m->seconds / 86400 + 25567), ticks = (int32_t)(m->seconds % 86400 * 300);
	uint8_t datetime[8];

	memcpy(datetime, &days, 4); /* a bench: little-endian machines only */
	memcpy(datetime + 4, &ticks, 4);

	const struct value values[] = { { &m->room, 4 }, { &m->id, 8 }, { &m->user, 4 }, { datetime, 8 },
		{ m->text, m->size } };

	if (rowgroup_row(writer, values))
		abort();
}

/* Cuts the first `count` messages; those in `sorted` order. */
static void back_up(const struct message *sorted, size_t count, struct cost *cost)
{
	static const struct column columns[] = { { COLUMN_INT, false }, { COLUMN_BIGINT, false }, { COLUMN_INT, false },
		{ COLUMN_DATETIME, false }, { COLUMN_NVARCHAR, false } };
	static const uint16_t key[] = { 0, 1 };
	static const struct layout layout = { columns, 5, key, 2 };
	struct rowgroup_writer *writer;
	struct table_digest digest;

	if (rowgroup_create(&writer, &layout, &settings.params, count_chunk, cost))
		abort();
	for (size_t i = 0; i < count; i++)
		put_row(writer, &sorted[i]);
	if (rowgroup_finish(writer, &digest))
		abort();
	rowgroup_free(writer);
}

static struct message *sort(size_t first, size_t count)
{
	struct message *sorted = need(malloc(count * sizeof(*sorted) + 1));

	memcpy(sorted, messages + first, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), in_key_order);
	return sorted;
}

/* The new rows by themselves as one chunk would deflate: what no store could go below by much. */
static size_t new_rows(size_t first, size_t count, size_t *rooms)
{
	struct message *sorted = sort(first, count);
	char *text = need(malloc(count * 80 + 1)), *at = text;
	uint8_t *all = need(malloc(8u << 20));
	size_t size = 0;

	*rooms = 0;
	for (size_t i = 0; i < count; i++) {
		*rooms += !i || sorted[i].room != sorted[i - 1].room;
		at += sprintf(at, "%d\t%lld\t%d\t%lld\n", (int)sorted[i].room, (long long)sorted[i].id, (int)sorted[i].user,
			(long long)sorted[i].seconds);
		for (size_t c = 0; c < sorted[i].size / 2; c++)
			all[size++] = (uint8_t)sorted[i].text[c];
	}
	memcpy(all + size, text, (size_t)(at - text));
	size = deflated(all, size + (size_t)(at - text));
	free(all);
	free(text);
	free(sorted);
	return size;
}

/* ---- the report ---- */

static void time_encoding(void)
{
	struct message *sorted = sort(0, message_count);
	struct timespec start, end;

	clock_gettime(CLOCK_MONOTONIC, &start);
	back_up(sorted, message_count, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);

	double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;

	printf("encoding and hashing: %.3f s, %.0f krows/s on one core\n", seconds, (double)message_count / seconds / 1e3);
	free(sorted);
}

static void report_night(size_t night, const struct cost *cost, size_t first, size_t count)
{
	size_t rooms, alone = new_rows(first, count, &rooms);

	printf("night %2zu: %3zu of %zu chunks new, %5.0f kB, deflated %4.0f kB; %zu rows in %zu rooms, deflated %.0f kB: "
		   "%.2f times\n",
		night, cost->new_chunks, cost->chunks, (double)cost->new_bytes / 1e3, (double)cost->new_deflated / 1e3, count,
		rooms, (double)alone / 1e3, (double)cost->new_deflated / (double)alone);
}

/* One room of the base is gone: rows of the chunks that are not those of the base. */
static size_t lose_room(const struct message *sorted, size_t count, size_t first, size_t messages_lost)
{
	struct message *rest = need(malloc(count * sizeof(*rest)));
	struct cost cost = { 0 };

	memcpy(rest, sorted, first * sizeof(*rest));
	memcpy(rest + first, sorted + first + messages_lost, (count - first - messages_lost) * sizeof(*rest));
	looking = true;
	back_up(rest, count - messages_lost, &cost);
	looking = false;
	free(rest);
	return cost.new_rows;
}

struct room {
	size_t first, messages;
};

static int by_size(const void *a, const void *b)
{
	const struct room *x = a, *y = b;

	return x->messages != y->messages ? (x->messages < y->messages ? -1 : 1) : x->first < y->first ? -1 : 1;
}

/* The first, the middle and the last room, and one of forty in the order of their sizes. */
static void report_losses(const struct message *sorted, size_t count)
{
	struct room *rooms = need(calloc(count, sizeof(*rooms)));
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		if (!i || sorted[i].room != sorted[i - 1].room)
			rooms[n++].first = i;
		rooms[n - 1].messages++;
	}
	for (size_t i = 0; i < 3; i++) {
		const struct room *room = &rooms[i * (n - 1) / 2];

		printf("the %s room of %zu lost, %zu messages: %zu rows in new chunks\n",
			i ? i > 1 ? "last" : "middle" : "first", n, room->messages,
			lose_room(sorted, count, room->first, room->messages));
	}
	qsort(rooms, n, sizeof(*rooms), by_size);
	for (size_t part = 0; part < 4; part++) {
		size_t lost = 0, rows = 0;

		for (size_t i = 0; i < 10; i++) {
			const struct room *room = &rooms[(part * 10 + i) * (n - 1) / 39];

			lost += room->messages;
			rows += lose_room(sorted, count, room->first, room->messages);
		}
		printf("a room of %.0f messages lost: %.0f rows in new chunks, on average of ten\n", (double)lost / 10,
			(double)rows / 10);
	}
	free(rooms);
}

static void report(void)
{
	size_t base = message_count - settings.nights * settings.messages;

	for (size_t night = 0; night <= settings.nights; night++) {
		size_t count = base + night * settings.messages;
		struct message *sorted = sort(0, count);
		struct cost cost = { 0 };

		back_up(sorted, count, &cost);
		if (!night)
			report_losses(sorted, count);
		free(sorted);
		if (night)
			report_night(night, &cost, count - settings.messages, settings.messages);
		else
			printf("base: %zu messages, %zu chunks, %.2f MB, deflated %.3f MB\n", count, cost.chunks,
				(double)cost.new_bytes / 1e6, (double)cost.new_deflated / 1e6);
	}
	memset(names, 0, sizeof(names));

	struct message *sorted = sort(0, message_count);
	struct cost cost = { 0 };

	back_up(sorted, message_count, &cost);
	free(sorted);
	printf("all at once: %zu chunks, %.2f MB, deflated %.3f MB\n", cost.chunks, (double)cost.new_bytes / 1e6,
		(double)cost.new_deflated / 1e6);
}

static void set(const char *field)
{
	const char *equals = strchr(field, '=');
	unsigned long n = equals ? strtoul(equals + 1, NULL, 10) : 0;
	struct {
		const char *name;
		uint32_t *value;
	} params[] = { { "rare=", &settings.params.rare_rows }, { "frequent=", &settings.params.frequent_rows },
		{ "group=", &settings.params.group_rows }, { "bytes=", &settings.params.max_bytes },
		{ "least=", &settings.params.least_bytes } };

	for (size_t i = 0; i < 5; i++)
		if (!strncmp(field, params[i].name, strlen(params[i].name)))
			*params[i].value = (uint32_t)n;
	if (!strncmp(field, "rooms=", 6))
		settings.rooms = n;
	if (!strncmp(field, "nights=", 7))
		settings.nights = n;
	if (!strncmp(field, "messages=", 9))
		settings.messages = n;
	if (!strncmp(field, "seed=", 5))
		settings.params.seed[0] = (uint8_t)n;
	if (!strncmp(field, "level=", 6))
		settings.level = (int)n;
}

int main(int argc, char **argv)
{
	settings.params = rowgroup_params_default;
	for (int i = 2; i < argc; i++)
		set(argv[i]);
	if (argc < 2) {
		fprintf(stderr, "usage: %s MESSAGES.tsv [field=value ...]\n", argv[0]);
		return 2;
	}
	read_messages(argv[1]);
	if (message_count <= settings.nights * settings.messages) {
		fprintf(stderr, "%s: too few messages for that many nights\n", argv[1]);
		return 2;
	}
	time_encoding();
	report();
	return 0;
}
