/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parity: what it can make whole again, byte by byte, unit by unit, strip by strip; and that one more than it can is
 * refused, by name. On a disk; tests/test_parity_flash.c loses erase blocks.
 */
#include "storage/parity.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/disk.h"
#include "storage/heal.h"
#include "tests/faults/fault_disk.h"
#include "tests/support/sample.h"

/* ---- the arithmetic ---- */

struct span {
	uint64_t from, to;
};

static struct span span_of_unit(const struct parity_layout *layout, uint32_t unit)
{
	return (struct span){ (uint64_t)unit * layout->unit, (uint64_t)(unit + 1) * layout->unit };
}

static struct span span_of_parity(const struct parity_layout *layout, uint32_t unit)
{
	uint64_t from = (uint64_t)layout->data + layout->table + (uint64_t)parity_place(layout, unit) * layout->unit;
	return (struct span){ from, from + layout->unit };
}

static bool share_a_strip(const struct parity_layout *layout, struct span a, struct span b)
{
	return a.from / layout->strip <= (b.to - 1) / layout->strip && b.from / layout->strip <= (a.to - 1) / layout->strip;
}

/* Any one strip may be lost: it holds no two of a stripe, and not both tables. */
static void check_layout(const struct volume *volume, uint32_t used)
{
	struct parity_layout layout = parity_layout_for(volume, used);
	uint32_t units = layout.data / layout.unit, stripes = layout.strip / layout.unit;
	struct span tables[2] = { { layout.data, layout.data + layout.table } };
	tables[1].from = tables[0].to + layout.strip;
	tables[1].to = tables[1].from + layout.table;
	assert_true(layout.data >= used && layout.data - used < layout.unit);
	assert_true(layout.strip % layout.unit == 0 && layout.table % volume->write_unit == 0);
	assert_true(layout.strip * (uint64_t)16 >= layout.data);
	assert_true(!volume->strip_size || layout.strip % volume->strip_size == 0);
	assert_true(!volume->strip_size || layout.data > 16 * volume->strip_size || layout.strip == volume->strip_size);
	assert_int_equal(tables[1].to, parity_layout_size(&layout));
	assert_false(share_a_strip(&layout, tables[0], tables[1]));
	for (uint32_t unit = 0; unit < units; unit++) {
		assert_true(parity_place(&layout, unit) < stripes);
		if (unit + stripes < units)
			assert_int_equal(parity_place(&layout, unit), parity_place(&layout, unit + stripes));
		if (unit + 1 < stripes && unit + 1 < units)
			assert_int_equal(parity_place(&layout, unit + 1), (parity_place(&layout, unit) + 1) % stripes);
		if (share_a_strip(&layout, span_of_unit(&layout, unit), span_of_parity(&layout, unit)))
			fail_msg("segment %u, strip %u, used %u: unit %u lies with its parity", volume->segment_size, layout.strip,
				used, unit);
	}
}

static void no_strip_holds_two_of_a_stripe(void **state)
{
	(void)state;
	static const struct volume volumes[] = {
		{ NULL, 8u << 10, 1, 0 },
		{ NULL, 64u << 10, 1, 0 },
		{ NULL, 4u << 20, 1, 0 },
		{ NULL, 1u << 20, 512, 0 },
		{ NULL, 10 * 122880, 2048, 122880 }, /* NAND of 2 KiB pages */
		{ NULL, 5 * 1015808, 16384, 1015808 },
		{ NULL, 18 * 65280, 1, 65280 }, /* NOR */
		{ NULL, 18 * 65408, 64, 65408 },
		{ NULL, 3 * 4096, 256, 4096 },
		{ NULL, 69 * 15360, 512, 15360 }, /* NAND of 512 byte pages: more than one strip of parity */
		{ NULL, 300 * 3968, 128, 3968 },
	};
	for (size_t v = 0; v < sizeof volumes / sizeof volumes[0]; v++) {
		uint32_t most = volumes[v].segment_size - volumes[v].strip_size, step = most / 61;
		for (uint32_t used = SEGMENT_HEAD_SIZE + CHUNK_HEAD_SIZE; used < most; used += step)
			check_layout(&volumes[v], used);
	}
}

/* ---- a repository on a disk ---- */

struct world {
	struct fault_disk *disk;
	struct volume *volume;
	struct repository *repository;
	struct sample sample;
	uint64_t id;
};

static const struct sample small = { .seed = 1, .streams = 2, .chunks = 5, .shared = 3, .chunk_size = 250 };
static const struct sample large = { .seed = 1, .streams = 2, .chunks = 60, .shared = 0, .chunk_size = 900 };
static const struct sample largest = { .seed = 1, .streams = 1, .chunks = 60, .shared = 0, .chunk_size = 7000 };

static void create_world(struct world *w, const struct sample *sample, uint32_t segment_size, bool parity)
{
	*w = (struct world){ .disk = fault_disk_create(8u << 20), .sample = *sample };
	assert_int_equal(disk_volume_open(&w->volume, fault_disk_disk(w->disk), segment_size), 0);
	int error = parity ? sample_open(&w->repository, w->volume) : sample_open_without_parity(&w->repository, w->volume);
	assert_int_equal(error, 0);
	assert_int_equal(sample_store(w->repository, sample, true, &w->id), 0);
}

static void close_world(struct world *w)
{
	repository_close(w->repository);
	w->repository = NULL;
}

static void destroy_world(struct world *w)
{
	close_world(w);
	disk_volume_close(w->volume);
	fault_disk_destroy(w->disk);
}

static void reopen(struct world *w)
{
	close_world(w);
	assert_int_equal(sample_open(&w->repository, w->volume), 0);
}

struct file {
	char name[32];
	uint8_t *bytes;
	uint32_t size;
	unsigned wanted; /* counts down to this file */
};

static int take_file(void *arg, const char *name, uint8_t *bytes, uint32_t size)
{
	struct file *file = arg;
	if (file->wanted--)
		return 0;
	snprintf(file->name, sizeof file->name, "%s", name);
	file->bytes = bytes;
	file->size = size;
	return 1;
}

static bool find_file(struct world *w, unsigned i, struct file *file)
{
	*file = (struct file){ .wanted = i };
	return fault_disk_each(w->disk, take_file, file) == 1;
}

static bool is_data(const struct file *file)
{
	return !strncmp(file->name, "00", 2);
}

static struct segment_contents contents_of(const struct file *file)
{
	struct segment_contents contents;
	const uint8_t *repository = file->bytes + 24; /* of the head */
	assert_int_equal(segment_trailer_get(&contents, repository, file->bytes, file->size), 0);
	return contents;
}

/* The first data segment. */
static struct file first_segment(struct world *w, struct segment_contents *contents)
{
	struct file file;
	unsigned i = 0;
	while (find_file(w, i, &file) && !is_data(&file))
		i++;
	assert_true(is_data(&file));
	*contents = contents_of(&file);
	return file;
}

struct named {
	unsigned count;
	uint64_t snapshot;
	char stream[32];
};

static void note_damage(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	struct named *named = arg;
	(void)chunk, (void)error;
	named->count++;
	named->snapshot = snapshot->id;
	snprintf(named->stream, sizeof named->stream, "%s", stream);
}

static struct scrub_result scrub(struct world *w)
{
	static const struct scrub_limits limits = { .segments_max = UINT64_MAX };
	struct scrub_result result;
	uint64_t position = 0;
	assert_int_equal(repository_scrub(w->repository, &position, &limits, &result), 0);
	return result;
}

/* ---- every byte ---- */

enum answer { HEALED, REFUSED, HARMLESS, ANSWERS };

/* From a cold mount. Wrong data fails the test. */
static enum answer ask(struct world *w, const char *what)
{
	struct named named = { 0 };
	int error = sample_open(&w->repository, w->volume);
	if (error) {
		w->repository = NULL;
		return REFUSED;
	}
	int compared = sample_compare(w->repository, &w->sample, w->id);
	int verified = repository_verify(w->repository, 0, true, note_damage, &named, NULL);
	if (compared == -EILSEQ || (compared != 0) != (verified != 0) || (verified != 0) != (named.count > 0))
		fail_msg("%s: comparing says %d, verify %d, %u named", what, compared, verified, named.count);
	struct scrub_result result = scrub(w);
	if (compared)
		return REFUSED;
	if (result.damaged && !result.healed)
		return HARMLESS; /* of what is only there twice */
	return result.healed ? HEALED : HARMLESS;
}

static bool is_padding(const struct segment_contents *contents, uint32_t at)
{
	const struct parity_layout *parity = &contents->parity;
	uint32_t table = SEGMENT_RECORD_SIZE + 4 * parity_units(parity);
	uint32_t second = parity->data + parity->table + parity->strip;
	return (at >= parity->data + table && at < parity->data + parity->table) ||
		(at >= second + table - SEGMENT_RECORD_SIZE && at < contents->size - SEGMENT_RECORD_SIZE);
}

static bool is_spare(const struct segment_contents *contents, uint32_t at)
{
	return at < SEGMENT_HEAD_SIZE || at >= contents->offset; /* the records tell what the contents say */
}

/* Sanitizers are slow; every byte is flipped without them. */
#ifdef __SANITIZE_ADDRESS__
#define FLIP_STEP 23
#else
#define FLIP_STEP 1
#endif

static void renew_world(struct world *w, bool parity, unsigned i, struct file *file)
{
	char name[sizeof file->name];
	snprintf(name, sizeof name, "%s", file->name);
	destroy_world(w);
	create_world(w, &small, 8u << 10, parity);
	close_world(w);
	assert_true(find_file(w, i, file));
	assert_string_equal(file->name, name);
}

static void flip_file(struct world *w, unsigned i, bool parity, unsigned counts[ANSWERS])
{
	struct file file;
	struct segment_contents contents;
	char what[64];
	assert_true(find_file(w, i, &file));
	if (is_data(&file)) {
		contents = contents_of(&file);
		assert_int_equal(contents.parity.strip != 0, parity);
	}
	for (uint32_t at = 0; at < file.size; at += is_data(&file) ? FLIP_STEP : 7 * FLIP_STEP) {
		snprintf(what, sizeof what, "%s, byte %u", file.name, at);
		file.bytes[at] ^= (uint8_t)(1u << at % 8);
		enum answer answer = ask(w, what);
		close_world(w);
		if (is_data(&file))
			file.bytes[at] ^= (uint8_t)(1u << at % 8);
		else
			renew_world(w, parity, i, &file); /* what is there twice was written again */
		counts[answer]++;
		if (!is_data(&file) && answer == REFUSED)
			fail_msg("%s: refused, though it is there twice", what);
		if (is_data(&file) && parity && answer != HEALED && !(answer == HARMLESS && is_padding(&contents, at)))
			fail_msg("%s: not healed", what);
		if (is_data(&file) && !parity && answer == HARMLESS && !is_spare(&contents, at))
			fail_msg("%s: not noticed", what);
		if (!parity && answer == HEALED)
			fail_msg("%s: healed by what is not there", what);
	}
}

static void every_flipped_byte_is_healed_with_parity_and_none_without(void **state)
{
	(void)state;
	for (int parity = 0; parity < 2; parity++) {
		struct world w;
		struct file file;
		unsigned data[ANSWERS] = { 0 }, others[ANSWERS] = { 0 };
		create_world(&w, &small, 8u << 10, parity);
		close_world(&w);
		for (unsigned i = 0; find_file(&w, i, &file); i++)
			flip_file(&w, i, parity, is_data(&file) ? data : others);
		print_message("flips %s parity: chunks %u healed, %u refused, %u harmless; "
					  "superblocks and roots %u refused, %u harmless\n",
			parity ? "with" : "without", data[HEALED], data[REFUSED], data[HARMLESS], others[REFUSED],
			others[HARMLESS]);
		assert_true(parity ? data[HEALED] * FLIP_STEP > 3000 && data[REFUSED] == 0
						   : data[HEALED] == 0 && data[REFUSED] * FLIP_STEP > 1000);
		destroy_world(&w);
	}
}

/* ---- exactly its capacity, and one more ---- */

static void spoil(uint8_t *bytes, uint32_t size, unsigned how)
{
	static uint32_t random = 1;
	for (uint32_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		bytes[i] = how == 0 ? 0 : how == 1 ? 0xff : (uint8_t)(random >> 24);
	}
}

static void expect_whole(struct world *w, const char *what)
{
	struct named named = { 0 };
	int error = sample_compare(w->repository, &w->sample, w->id);
	if (error || repository_verify(w->repository, 0, true, note_damage, &named, NULL))
		fail_msg("%s: not whole: %d, %u named", what, error, named.count);
}

/* And the snapshot that is hit is named. */
static void expect_refused(struct world *w, const char *what)
{
	struct named named = { 0 };
	int error = sample_compare(w->repository, &w->sample, w->id);
	int verified = repository_verify(w->repository, 0, true, note_damage, &named, NULL);
	if (error != -EBADMSG || verified != -EBADMSG || named.count == 0 || named.snapshot != w->id)
		fail_msg("%s: %d, verify %d, %u named", what, error, verified, named.count);
}

/* Each strip in turn, in each way; before the mount, and while it is open. */
static void any_one_strip_is_healed(void **state)
{
	(void)state;
	static const uint32_t sizes[] = { 8u << 10, 64u << 10, 1u << 20 };
	unsigned strips = 0;
	for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
		struct world w;
		struct segment_contents contents;
		create_world(&w, &large, sizes[s], true);
		struct file file = first_segment(&w, &contents);
		uint32_t strip = contents.parity.strip;
		uint8_t *kept = malloc(file.size);
		memcpy(kept, file.bytes, file.size);
		for (uint32_t at = 0; at < file.size; at += strip) {
			for (unsigned how = 0; how < 6; how++) {
				char what[64];
				snprintf(what, sizeof what, "segments of %u, strip %u, way %u", sizes[s], at / strip, how);
				spoil(file.bytes + at, file.size - at < strip ? file.size - at : strip, how / 2);
				if (how % 2)
					reopen(&w);
				expect_whole(&w, what);
				struct scrub_result result = scrub(&w);
				if (!result.healed || result.damaged)
					fail_msg("%s: the scrub healed %u, not %u", what, result.healed, result.damaged);
				memcpy(file.bytes, kept, file.size);
				strips++;
			}
		}
		assert_int_equal(scrub(&w).healed, 0);
		free(kept);
		destroy_world(&w);
	}
	assert_true(strips > 6 * 30);
}

static void a_file_cut_short_by_a_strip_is_healed(void **state)
{
	(void)state;
	struct world w;
	struct segment_contents contents;
	create_world(&w, &large, 64u << 10, true);
	struct file file = first_segment(&w, &contents);
	uint8_t *kept = malloc(file.size);
	uint64_t id = strtoull(file.name, NULL, 16);
	memcpy(kept, file.bytes, file.size);
	for (uint32_t cut = 1; cut < contents.parity.strip; cut += cut < 200 ? 1 : 97) {
		char what[64];
		snprintf(what, sizeof what, "%u bytes shorter", cut);
		close_world(&w);
		assert_int_equal(volume_remove(w.volume, id), 0);
		assert_int_equal(volume_write(w.volume, id, 0, kept, file.size - cut), 0);
		assert_int_equal(volume_sync(w.volume, id), 0);
		assert_int_equal(sample_open(&w.repository, w.volume), 0);
		expect_whole(&w, what);
		assert_true(scrub(&w).healed > 0);
	}
	free(kept);
	destroy_world(&w);
}

/* One unit of each stripe, of data or parity, in many mixtures. */
static void one_unit_of_each_stripe_is_healed_and_two_of_one_are_not(void **state)
{
	(void)state;
	struct world w;
	struct segment_contents contents;
	create_world(&w, &largest, 1u << 20, true);
	struct file file = first_segment(&w, &contents);
	const struct parity_layout *layout = &contents.parity;
	uint32_t unit = layout->unit, stripes = layout->strip / unit, units = layout->data / unit;
	uint8_t *kept = malloc(file.size);
	assert_true(stripes > 2 && units > 3 * stripes);
	memcpy(kept, file.bytes, file.size);
	for (uint32_t round = 0; round < 40; round++) {
		char what[64];
		snprintf(what, sizeof what, "round %u", round);
		for (uint32_t stripe = 0; stripe < stripes; stripe++) {
			uint32_t rows = (units - stripe + stripes - 1) / stripes, row = (round * 7 + stripe * 3) % (rows + 1);
			uint64_t at = row < rows ? (uint64_t)(row * stripes + stripe) * unit : span_of_parity(layout, stripe).from;
			spoil(file.bytes + at, unit, 2);
		}
		reopen(&w);
		expect_whole(&w, what);
		assert_int_equal(scrub(&w).healed, stripes);
		for (uint32_t row = 0; row < 2; row++)
			spoil(file.bytes + (row * stripes + round % stripes) * unit, unit, 2);
		reopen(&w);
		expect_refused(&w, what);
		struct scrub_result beyond = scrub(&w);
		/* Of the other stripes one each; and of this the parity, where that was bad, too. */
		if (!beyond.damaged || beyond.healed < stripes - 1 || beyond.healed > stripes)
			fail_msg("%s: %u healed, %u not", what, beyond.healed, beyond.damaged);
		memcpy(file.bytes, kept, file.size);
		reopen(&w);
	}
	free(kept);
	destroy_world(&w);
}

/* Either table will do, and half of each; with both gone nothing is healed, and nothing wrong given. */
static void either_table_will_do(void **state)
{
	(void)state;
	struct world w;
	struct segment_contents contents;
	create_world(&w, &large, 64u << 10, true);
	struct file file = first_segment(&w, &contents);
	const struct parity_layout *layout = &contents.parity;
	uint32_t second = layout->data + layout->table + layout->strip, checksums = 4 * parity_units(layout);
	const struct span parts[2][2] = {
		{ { layout->data, layout->data + 128 }, { layout->data + 128, layout->data + 128 + checksums } },
		{ { file.size - 128, file.size }, { second, second + checksums } },
	};
	uint8_t *kept = malloc(file.size);
	memcpy(kept, file.bytes, file.size);
	for (unsigned lost = 1; lost < 16; lost++) {
		char what[64];
		snprintf(what, sizeof what, "parts %x of the tables", lost);
		for (unsigned i = 0; i < 4; i++)
			if (lost >> i & 1)
				spoil(file.bytes + parts[i / 2][i % 2].from,
					(uint32_t)(parts[i / 2][i % 2].to - parts[i / 2][i % 2].from), 2);
		bool usable = (lost & 5) != 5 && (lost & 10) != 10;
		spoil(file.bytes + 2 * layout->unit, layout->unit, 0);
		reopen(&w);
		(usable ? expect_whole : expect_refused)(&w, what);
		struct scrub_result result = scrub(&w);
		if (usable && (result.healed < 2 || result.damaged))
			fail_msg("%s: %u healed, %u not", what, result.healed, result.damaged);
		memcpy(file.bytes, kept, file.size);
		reopen(&w);
	}
	free(kept);
	destroy_world(&w);
}

/* ---- written anew ---- */

static int write_anew(struct world *w, struct compact_result *result)
{
	static const struct compact_limits limits = { .copy_max = UINT64_MAX, .wounded_only = true };
	return repository_compact(w->repository, &limits, result);
}

static uint32_t count_wounded(struct world *w)
{
	struct repository_status status;
	assert_int_equal(repository_status(w->repository, &status), 0);
	return status.wounded_segments;
}

/* The first strip of the first data segment. */
static void lose_a_strip(struct world *w)
{
	struct segment_contents contents;
	struct file file = first_segment(w, &contents);
	spoil(file.bytes, contents.parity.strip, 2);
}

static void what_was_healed_is_written_anew(void **state)
{
	(void)state;
	struct world w;
	struct segment_contents contents;
	struct compact_result result;
	create_world(&w, &large, 64u << 10, true);
	assert_int_equal(write_anew(&w, &result), 0);
	assert_int_equal(result.copied, 0);
	uint64_t number = 0;
	for (int by_scrub = 0; by_scrub < 2; by_scrub++) {
		first_segment(&w, &contents);
		assert_true(contents.number != number);
		number = contents.number;
		lose_a_strip(&w);
		assert_int_equal(count_wounded(&w), 0);
		if (by_scrub)
			assert_true(scrub(&w).healed > 0);
		else
			expect_whole(&w, "before");
		assert_int_equal(count_wounded(&w), 1);
		assert_int_equal(write_anew(&w, &result), 0);
		assert_int_equal(result.healed, 1);
		assert_true(result.copied > 0 && result.freed > 0);
		assert_int_equal(count_wounded(&w), 0);
		struct scrub_result after = scrub(&w);
		assert_true(after.healed == 0 && after.damaged == 0);
		expect_whole(&w, "anew");
		reopen(&w);
		expect_whole(&w, "anew, and cold");
	}
	destroy_world(&w);
}

/* Cleaning takes it along, though nothing in it is free to go. */
static void cleaning_writes_it_anew_too(void **state)
{
	(void)state;
	struct world w;
	struct compact_limits limits = { .copy_max = UINT64_MAX };
	struct compact_result result;
	create_world(&w, &large, 64u << 10, true);
	lose_a_strip(&w);
	expect_whole(&w, "before");
	assert_int_equal(repository_compact(w.repository, &limits, &result), 0);
	assert_int_equal(result.healed, 1);
	assert_int_equal(scrub(&w).healed, 0);
	expect_whole(&w, "anew");
	destroy_world(&w);
}

/* Two strips are gone: what can be read of the segment moves, the rest stays to be named. */
static void what_cannot_be_healed_stays_and_the_next_backup_heals_both(void **state)
{
	(void)state;
	struct world w;
	struct segment_contents contents;
	struct compact_result result;
	uint64_t again;
	create_world(&w, &large, 64u << 10, true);
	struct file file = first_segment(&w, &contents);
	uint64_t number = contents.number;
	spoil(file.bytes + contents.parity.strip, contents.parity.strip, 0);
	spoil(file.bytes + 3 * contents.parity.strip, contents.parity.strip, 2);
	expect_refused(&w, "two strips");
	struct scrub_result scrubbed = scrub(&w);
	assert_true(scrubbed.damaged > 0);
	assert_int_equal(write_anew(&w, &result), 0);
	expect_refused(&w, "two strips, and what can be read has moved");
	assert_int_equal(volume_read(w.volume, number, 0, &(uint8_t){ 0 }, 1), 0);
	assert_int_equal(sample_store(w.repository, &large, true, &again), 0);
	for (int cold = 0; cold < 2; cold++) {
		assert_int_equal(sample_compare(w.repository, &large, w.id), 0);
		assert_int_equal(sample_compare(w.repository, &large, again), 0);
		reopen(&w);
	}
	destroy_world(&w);
}

/* What was written wrongly a moment ago is written again, not left to parity. */
static void what_needs_parity_when_it_is_read_back_was_not_written(void **state)
{
	(void)state;
	unsigned refused = 0;
	for (unsigned at = 1; at < 20; at++) {
		struct world w = { .disk = fault_disk_create(1u << 20), .sample = small };
		struct fault_plan plan = { FAULT_ROT, at, 300 };
		assert_int_equal(disk_volume_open(&w.volume, fault_disk_disk(w.disk), 8u << 10), 0);
		assert_int_equal(sample_open(&w.repository, w.volume), 0);
		fault_disk_plan(w.disk, &plan);
		int error = sample_store(w.repository, &small, true, &w.id);
		bool struck = fault_disk_struck(w.disk);
		assert_true(error == 0 || error == -EBADMSG);
		refused += error != 0;
		destroy_world(&w);
		if (!struck)
			break;
	}
	assert_true(refused > 0);
}

/* ---- faults while it heals ---- */

static bool heal_and_write_anew(struct world *w)
{
	static const struct scrub_limits limits = { .segments_max = UINT64_MAX };
	struct scrub_result scrubbed;
	struct compact_result result;
	uint64_t position = 0;
	if (sample_open(&w->repository, w->volume)) {
		w->repository = NULL;
		return false;
	}
	int compared = sample_compare(w->repository, &w->sample, w->id);
	if (compared == -EILSEQ)
		fail_msg("wrong data while something fails");
	return !compared && !repository_scrub(w->repository, &position, &limits, &scrubbed) && !write_anew(w, &result);
}

static bool strike(const struct fault_plan *plan, bool restart)
{
	struct world w;
	struct compact_result result;
	char what[64];
	uint64_t freed;
	snprintf(what, sizeof what, "fault %d at %u", (int)plan->fault, plan->at);
	create_world(&w, &small, 8u << 10, true);
	lose_a_strip(&w);
	close_world(&w);
	fault_disk_plan(w.disk, plan);
	heal_and_write_anew(&w);
	bool struck = fault_disk_struck(w.disk);
	fault_disk_plan(w.disk, &(struct fault_plan){ FAULT_NONE, 0, 0 });
	if (restart || !w.repository) {
		close_world(&w);
		fault_disk_restart(w.disk);
		assert_int_equal(sample_open(&w.repository, w.volume), 0);
	}
	expect_whole(&w, what);
	struct scrub_result first = scrub(&w);
	if (first.damaged || write_anew(&w, &result) || count_wounded(&w))
		fail_msg("%s: %u damaged", what, first.damaged);
	if (repository_clean(w.repository, &freed)) /* what had been copied, and could not be removed */
		fail_msg("%s: it cannot be cleaned", what);
	reopen(&w);
	struct scrub_result last = scrub(&w);
	if (last.healed || last.damaged)
		fail_msg("%s: %u were left to be healed, %u damaged", what, last.healed, last.damaged);
	expect_whole(&w, what);
	destroy_world(&w);
	return struck;
}

static void it_may_be_cut_or_fail_at_every_operation(void **state)
{
	(void)state;
	unsigned strikes = 0;
	for (enum fault fault = FAULT_EIO; fault < FAULT_CRASH; fault++) {
		struct fault_plan plan = { fault, 1, 0 };
		if (fault == FAULT_READ_ONLY)
			continue; /* for good: nothing is written anew there */
		for (; strike(&plan, true); plan.at++)
			strikes++;
		if (plan.at < 4) /* of some only writes count */
			fail_msg("fault %d: only %u operations", (int)fault, plan.at);
		plan.at = 1;
		for (; fault <= FAULT_ENOSPC && strike(&plan, false); plan.at++)
			strikes++;
	}
	print_message("%u strikes\n", strikes);
}

/* Two segments are kept free of chunks: enough to write one anew. */
static void a_full_volume_has_room_for_it(void **state)
{
	(void)state;
	struct world w = { .disk = fault_disk_create(400u << 10), .sample = large };
	struct sample junk = { .seed = 9, .streams = 1, .chunks = 20, .shared = 0, .chunk_size = 900 };
	struct compact_result result;
	uint64_t id = 0;
	assert_int_equal(disk_volume_open(&w.volume, fault_disk_disk(w.disk), 64u << 10), 0);
	assert_int_equal(sample_open(&w.repository, w.volume), 0);
	assert_int_equal(sample_store(w.repository, &large, true, &w.id), 0);
	while (!sample_store(w.repository, &junk, false, &id))
		junk.seed++;
	lose_a_strip(&w);
	expect_whole(&w, "full");
	assert_int_equal(write_anew(&w, &result), 0);
	assert_int_equal(result.healed, 1);
	assert_int_equal(scrub(&w).healed, 0);
	expect_whole(&w, "anew");
	destroy_world(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_strip_holds_two_of_a_stripe),
		cmocka_unit_test(every_flipped_byte_is_healed_with_parity_and_none_without),
		cmocka_unit_test(any_one_strip_is_healed),
		cmocka_unit_test(a_file_cut_short_by_a_strip_is_healed),
		cmocka_unit_test(one_unit_of_each_stripe_is_healed_and_two_of_one_are_not),
		cmocka_unit_test(either_table_will_do),
		cmocka_unit_test(what_was_healed_is_written_anew),
		cmocka_unit_test(cleaning_writes_it_anew_too),
		cmocka_unit_test(what_cannot_be_healed_stays_and_the_next_backup_heals_both),
		cmocka_unit_test(what_needs_parity_when_it_is_read_back_was_not_written),
		cmocka_unit_test(it_may_be_cut_or_fail_at_every_operation),
		cmocka_unit_test(a_full_volume_has_room_for_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
