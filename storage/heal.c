/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/heal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"

void healer_open(struct healer *healer, struct volume *volume, const uint8_t repository[16], bool enabled)
{
	*healer = (struct healer){ .volume = volume, .enabled = enabled };
	memcpy(healer->repository, repository, sizeof healer->repository);
}

static void drop_tables(struct healer *healer)
{
	free(healer->checksums);
	free(healer->unit);
	free(healer->other);
	healer->checksums = healer->unit = healer->other = NULL;
	healer->contents.number = 0;
}

void healer_close(struct healer *healer)
{
	drop_tables(healer);
}

bool heal_is_damage(int error)
{
	return error == -EBADMSG || error == -EIO || error == -ENOENT || error == -ERANGE;
}

/* ---- segments to be written anew ---- */

bool heal_is_wounded(const struct healer *healer, uint64_t number)
{
	for (unsigned i = 0; i < healer->wounded_count; i++)
		if (healer->wounded[i] == number)
			return true;
	return false;
}

void heal_wound(struct healer *healer, uint64_t number)
{
	if (heal_is_wounded(healer, number) || healer->wounded_count == WOUNDED_MAX)
		return;
	healer->wounded[healer->wounded_count++] = number;
	healer->wounded_changed = true;
}

void heal_forget(struct healer *healer, uint64_t number)
{
	for (unsigned i = 0; i < healer->wounded_count; i++) {
		if (healer->wounded[i] != number)
			continue;
		healer->wounded[i] = healer->wounded[--healer->wounded_count];
		healer->wounded_changed = true;
	}
}

/* ---- the tables ---- */

static int read_at(struct healer *healer, uint64_t number, uint64_t offset, void *bytes, uint32_t size)
{
	if (offset > UINT32_MAX - size)
		return -ERANGE;
	return volume_read(healer->volume, segment_id(SEGMENT_DATA, number), (uint32_t)offset, bytes, size);
}

static int get_trailer(struct healer *healer, uint64_t number, uint64_t offset, struct segment_contents *contents)
{
	uint8_t bytes[SEGMENT_RECORD_SIZE];
	int error = read_at(healer, number, offset, bytes, sizeof bytes);
	if (!error)
		error = segment_trailer_get(contents, healer->repository, bytes, sizeof bytes);
	return !error && (contents->number != number || !contents->parity.strip) ? -EBADMSG : error;
}

static uint64_t first_table(const struct segment_contents *contents)
{
	return contents->parity.data;
}

static uint64_t parity_start(const struct segment_contents *contents)
{
	return (uint64_t)contents->parity.data + contents->parity.table;
}

static uint64_t second_table(const struct segment_contents *contents)
{
	return parity_start(contents) + contents->parity.strip;
}

/* The copy before the parity strip begins with the trailer, the one behind ends with it. */
static int read_checksums(struct healer *healer, const struct segment_contents *contents, bool second, uint8_t *to)
{
	uint64_t offset = second ? second_table(contents) : first_table(contents) + SEGMENT_RECORD_SIZE;
	uint32_t size = 4 * parity_units(&contents->parity);
	int error = read_at(healer, contents->number, offset, to, size);
	return !error && crc32c(0, to, size) != contents->table_crc ? -EBADMSG : error;
}

struct size_search {
	uint64_t id;
	uint32_t size;
};

static int note_size(void *arg, uint64_t id, uint32_t size)
{
	struct size_search *search = arg;
	if (id == search->id)
		search->size = size;
	return 0;
}

/*
 * The trailer at the end; else the one of the first table, which begins behind a whole unit, wherever that is: what was
 * cut off the end is not known.
 */
static int find_trailer(struct healer *healer, uint64_t number, struct segment_contents *contents)
{
	struct size_search search = { .id = segment_id(SEGMENT_DATA, number) };
	int error = volume_list(healer->volume, note_size, &search);
	if (error)
		return error;
	if (search.size < SEGMENT_RECORD_SIZE)
		return -EBADMSG;
	error = get_trailer(healer, number, search.size - SEGMENT_RECORD_SIZE, contents);
	if (!error && contents->size != search.size)
		error = -EBADMSG;
	if (!heal_is_damage(error))
		return error;
	uint32_t unit = parity_layout_for(healer->volume, 1).unit;
	for (uint64_t offset = search.size / unit * (uint64_t)unit; offset; offset -= unit) {
		error = get_trailer(healer, number, offset, contents);
		if (!error && first_table(contents) == offset)
			return 0;
		if (error && !heal_is_damage(error))
			return error;
	}
	return -EBADMSG;
}

static int allocate(struct healer *healer, const struct parity_layout *layout)
{
	healer->checksums = malloc(4 * (size_t)parity_units(layout));
	healer->unit = malloc(layout->unit);
	healer->other = malloc(layout->unit);
	return healer->checksums && healer->unit && healer->other ? 0 : -ENOMEM;
}

static int load(struct healer *healer, uint64_t number)
{
	struct segment_contents contents;
	if (!healer->enabled)
		return -EBADMSG;
	if (healer->contents.number == number)
		return 0;
	int error = find_trailer(healer, number, &contents);
	if (error)
		return heal_is_damage(error) ? -EBADMSG : error;
	drop_tables(healer);
	error = allocate(healer, &contents.parity);
	if (!error)
		error = read_checksums(healer, &contents, true, healer->checksums);
	if (heal_is_damage(error))
		error = read_checksums(healer, &contents, false, healer->checksums);
	if (error)
		drop_tables(healer);
	else
		healer->contents = contents;
	return heal_is_damage(error) ? -EBADMSG : error;
}

int heal_contents(struct healer *healer, uint64_t number, struct segment_contents *contents)
{
	int error = load(healer, number);
	if (!error)
		*contents = healer->contents;
	return error;
}

/* ---- units ---- */

/* Number `i` of the table: a unit of the data, or behind them one of the parity strip. */
static int read_unit(struct healer *healer, uint32_t i, uint8_t *to)
{
	const struct parity_layout *layout = &healer->contents.parity;
	uint32_t data_units = layout->data / layout->unit;
	uint64_t offset = i < data_units ? (uint64_t)i * layout->unit
									 : parity_start(&healer->contents) + (uint64_t)(i - data_units) * layout->unit;
	int error = read_at(healer, healer->contents.number, offset, to, layout->unit);
	bool bad = !error && crc32c(0, to, layout->unit) != get32(healer->checksums + 4 * (size_t)i);
	return bad ? -EBADMSG : error;
}

/* Into healer->unit. Whatever of its stripe cannot be read leaves it lost. */
static int rebuild(struct healer *healer, uint32_t unit)
{
	const struct parity_layout *layout = &healer->contents.parity;
	uint32_t stripes = layout->strip / layout->unit, data_units = layout->data / layout->unit;
	int error = read_unit(healer, data_units + parity_place(layout, unit), healer->unit);
	for (uint32_t i = unit % stripes; i < data_units && !error; i += stripes) {
		if (i == unit)
			continue;
		error = read_unit(healer, i, healer->other);
		if (!error)
			parity_xor(healer->unit, healer->other, layout->unit);
	}
	if (error)
		return heal_is_damage(error) ? -EBADMSG : error;
	bool right = crc32c(0, healer->unit, layout->unit) == get32(healer->checksums + 4 * (size_t)unit);
	return right ? 0 : -EBADMSG;
}

static int get_unit(struct healer *healer, uint32_t unit, bool *rebuilt)
{
	int error = read_unit(healer, unit, healer->unit);
	if (!heal_is_damage(error))
		return error;
	*rebuilt = true;
	return rebuild(healer, unit);
}

int heal_read(struct healer *healer, uint64_t number, uint32_t offset, void *bytes, uint32_t size)
{
	int error = load(healer, number);
	if (error)
		return error;
	const struct parity_layout *layout = &healer->contents.parity;
	bool rebuilt = false;
	if (offset > layout->data || size > layout->data - offset)
		return -EBADMSG;
	for (uint8_t *to = bytes; size;) {
		uint32_t inside = offset % layout->unit, room = layout->unit - inside;
		uint32_t step = size < room ? size : room;
		error = get_unit(healer, offset / layout->unit, &rebuilt);
		if (error)
			return error;
		memcpy(to, healer->unit + inside, step);
		to += step;
		offset += step;
		size -= step;
	}
	healer->healed += rebuilt;
	if (rebuilt)
		heal_wound(healer, number);
	return 0;
}

/* ---- all of a segment ---- */

static int check_tables(struct healer *healer, struct heal_result *result)
{
	const struct segment_contents *contents = &healer->contents;
	uint8_t *copy = malloc(4 * (size_t)parity_units(&contents->parity));
	if (!copy)
		return -ENOMEM;
	int error = 0;
	for (int second = 0; second < 2 && !error; second++) {
		struct segment_contents other;
		uint64_t trailer = second ? contents->size - SEGMENT_RECORD_SIZE : first_table(contents);
		error = get_trailer(healer, contents->number, trailer, &other);
		if (!error)
			error = read_checksums(healer, contents, second, copy);
		result->bad += heal_is_damage(error);
		error = heal_is_damage(error) ? 0 : error;
	}
	free(copy);
	return error;
}

int heal_check(struct healer *healer, uint64_t number, struct heal_result *result)
{
	*result = (struct heal_result){ .bad = 0 };
	int error = load(healer, number);
	if (error)
		return error;
	const struct parity_layout *layout = &healer->contents.parity;
	uint32_t data_units = layout->data / layout->unit, units = parity_units(layout);
	for (uint32_t i = 0; i < units && !error; i++) {
		error = read_unit(healer, i, healer->unit);
		if (!heal_is_damage(error))
			continue;
		result->bad++;
		error = i < data_units ? rebuild(healer, i) : 0;
		result->lost += error == -EBADMSG;
		error = error == -EBADMSG ? 0 : error;
	}
	if (!error)
		error = check_tables(healer, result);
	if (!error && result->bad)
		heal_wound(healer, number);
	return error;
}

static int check_ends(struct healer *healer)
{
	const struct parity_layout *layout = &healer->contents.parity;
	struct heal_result tables = { .bad = 0 };
	uint32_t units = parity_units(layout);
	int error = read_unit(healer, 0, healer->unit);
	for (uint32_t i = layout->data / layout->unit; i < units && !error; i++)
		error = read_unit(healer, i, healer->unit);
	if (!error)
		error = check_tables(healer, &tables);
	return error ? error : tables.bad ? -EBADMSG : 0;
}

int heal_check_new(struct healer *healer, uint64_t number)
{
	if (heal_is_wounded(healer, number))
		return -EBADMSG;
	int error = healer->enabled ? load(healer, number) : 0;
	if (!error && healer->enabled)
		error = check_ends(healer);
	if (heal_is_damage(error))
		heal_wound(healer, number);
	return error;
}
