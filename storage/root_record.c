/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A root record: 0 magic | 8 version | 12 size | 16 number | 24 next segment | 32 next sequence | 40 box time |
 * 48 repository | 64 writer | 80 SHA-256 of the record before | 112 nonce | 124 tag | 140 key epoch | 144 payload size |
 * 148 zeros | 160 signature 64 | 224 payload, sealed | CRC32C
 * Payload: holes: count, (first, end)...; snapshots: count, then each with its own length; maker and origin at its end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"
#include "storage/crc32c.h"
#include "storage/roots.h"

#define HEAD_SIZE 224
#define AUTHENTICATED_SIZE 112
#define ENTRY_FIXED_SIZE 96 /* without the subject; its own length counted in */
#define ENTRY_END_SIZE 32   /* behind the subject: maker, origin */

static const uint8_t magic[8] = "CofRoots";

static size_t entry_size(const struct root_snapshot *snapshot)
{
	return ENTRY_FIXED_SIZE + strlen(snapshot->info.subject) + ENTRY_END_SIZE;
}

static size_t payload_size(const struct roots *roots)
{
	size_t size = 4 + (size_t)roots->hole_count * 16 + 4;
	for (uint32_t i = 0; i < roots->count; i++)
		size += entry_size(&roots->snapshots[i]);
	return size;
}

size_t root_record_size(const struct roots *roots)
{
	return HEAD_SIZE + payload_size(roots) + 4;
}

static uint8_t *put_entry(uint8_t *to, const struct root_snapshot *snapshot)
{
	const struct snapshot_info *info = &snapshot->info;
	size_t size = entry_size(snapshot), subject = size - ENTRY_FIXED_SIZE - ENTRY_END_SIZE;
	put16(to, (uint16_t)size);
	to[2] = (uint8_t)info->class;
	to[3] = (uint8_t)subject;
	put32(to + 4, info->flags);
	put64(to + 8, info->id);
	put64(to + 16, info->sequence);
	put64(to + 24, (uint64_t)info->box_time);
	put64(to + 32, (uint64_t)info->wall_time);
	put64(to + 40, info->bytes);
	put64(to + 48, info->stored_bytes);
	put32(to + 56, snapshot->record_size);
	put32(to + 60, info->held_until);
	memcpy(to + 64, snapshot->record.bytes, CHUNK_NAME_SIZE);
	memcpy(to + ENTRY_FIXED_SIZE, info->subject, subject);
	memcpy(to + size - 32, info->maker, 16);
	memcpy(to + size - 16, info->origin, 16);
	return to + size;
}

/* Shorter entries are of an earlier version; longer ones of a later one, whose additions are skipped. */
static void get_end(struct snapshot_info *info, const uint8_t *from, size_t size)
{
	if (size < ENTRY_END_SIZE)
		return;
	memcpy(info->maker, from, 16);
	memcpy(info->origin, from + 16, 16);
}

static int get_entry(struct root_snapshot *snapshot, const uint8_t *from, size_t room, size_t *size)
{
	struct snapshot_info *info = &snapshot->info;
	if (room < ENTRY_FIXED_SIZE)
		return -EBADMSG;
	*size = get16(from);
	size_t subject = from[3];
	if (*size > room || *size < ENTRY_FIXED_SIZE + subject || subject >= sizeof info->subject)
		return -EBADMSG;
	memset(snapshot, 0, sizeof *snapshot);
	info->class = from[2];
	info->flags = get32(from + 4);
	info->id = get64(from + 8);
	info->sequence = get64(from + 16);
	info->box_time = (int64_t)get64(from + 24);
	info->wall_time = (int64_t)get64(from + 32);
	info->bytes = get64(from + 40);
	info->stored_bytes = get64(from + 48);
	snapshot->record_size = get32(from + 56);
	info->held_until = get32(from + 60);
	memcpy(snapshot->record.bytes, from + 64, CHUNK_NAME_SIZE);
	memcpy(info->subject, from + ENTRY_FIXED_SIZE, subject);
	get_end(info, from + ENTRY_FIXED_SIZE + subject, *size - ENTRY_FIXED_SIZE - subject);
	return 0;
}

static void put_payload(uint8_t *to, const struct roots *roots)
{
	put32(to, roots->hole_count);
	to += 4;
	for (uint32_t i = 0; i < roots->hole_count; i++, to += 16) {
		put64(to, roots->holes[i].first);
		put64(to + 8, roots->holes[i].end);
	}
	put32(to, roots->count);
	to += 4;
	for (uint32_t i = 0; i < roots->count; i++)
		to = put_entry(to, &roots->snapshots[i]);
}

static int get_snapshots(struct roots *roots, const uint8_t *from, size_t size)
{
	uint32_t count = get32(from);
	from += 4;
	size -= 4;
	if (count > size / ENTRY_FIXED_SIZE)
		return -EBADMSG;
	roots->snapshots = calloc((size_t)count + 1, sizeof *roots->snapshots);
	if (!roots->snapshots)
		return -ENOMEM;
	roots->capacity = count + 1;
	for (; roots->count < count; roots->count++) {
		size_t entry;
		int error = get_entry(&roots->snapshots[roots->count], from, size, &entry);
		if (error)
			return error;
		from += entry;
		size -= entry;
	}
	return size ? -EBADMSG : 0;
}

int root_payload_get(struct roots *roots, const uint8_t *from, size_t size)
{
	if (size < 8)
		return -EBADMSG;
	roots->hole_count = get32(from);
	from += 4;
	size -= 4;
	if (roots->hole_count > SEGMENT_HOLES_MAX || size < (size_t)roots->hole_count * 16 + 4)
		return -EBADMSG;
	for (uint32_t i = 0; i < roots->hole_count; i++, from += 16, size -= 16)
		roots->holes[i] = (struct segment_hole){ get64(from), get64(from + 8) };
	return get_snapshots(roots, from, size);
}

/* Before entries named their maker a repository had only ever one writer: the one that wrote this root. */
static void fill_makers(struct roots *roots, const uint8_t writer[16])
{
	static const uint8_t not_told[16];
	for (uint32_t i = 0; i < roots->count; i++)
		if (!memcmp(roots->snapshots[i].info.maker, not_told, 16))
			memcpy(roots->snapshots[i].info.maker, writer, 16);
}

static void authenticated(uint8_t ad[AUTHENTICATED_SIZE + 1], const uint8_t *record)
{
	ad[0] = 'r';
	memcpy(ad + 1, record, AUTHENTICATED_SIZE);
}

int root_record_put(
	uint8_t *to, size_t size, const struct roots *roots, const struct roots_place *place, uint64_t number)
{
	size_t payload = size - HEAD_SIZE - 4;
	uint8_t ad[AUTHENTICATED_SIZE + 1];
	memset(to, 0, HEAD_SIZE);
	memcpy(to, magic, sizeof magic);
	put32(to + 8, 1);
	put32(to + 12, (uint32_t)size);
	put64(to + 16, number);
	put64(to + 24, roots->next_segment);
	put64(to + 32, roots->next_sequence);
	put64(to + 40, (uint64_t)roots->box_time);
	memcpy(to + 48, place->repository, 16);
	memcpy(to + 64, place->writer, 16);
	memcpy(to + 80, roots->digest, 32);
	put32(to + 144, (uint32_t)payload);
	put_payload(to + HEAD_SIZE, roots);
	authenticated(ad, to);
	struct sealed sealed = { ad, sizeof ad, to + HEAD_SIZE, payload, to + 112, to + 124 };
	int error = crypto_random(to + 112, CRYPTO_NONCE_SIZE);
	if (!error)
		error = sealer_seal(place->sealer, &sealed);
	put32(to + size - 4, crc32c(0, to, size - 4));
	return error;
}

static int check_head(const uint8_t *from, size_t room, const struct roots_place *place, uint64_t number)
{
	if (room < HEAD_SIZE + 12 || memcmp(from, magic, 8) != 0)
		return -EBADMSG;
	size_t size = get32(from + 12);
	if (size < HEAD_SIZE + 12 || size > room || get32(from + size - 4) != crc32c(0, from, size - 4))
		return -EBADMSG;
	if (get32(from + 8) != 1 || get32(from + 140) != 0)
		return -EPROTONOSUPPORT;
	bool ours = get64(from + 16) == number && !memcmp(from + 48, place->repository, 16) &&
		get32(from + 144) == size - HEAD_SIZE - 4;
	return ours ? 0 : -EBADMSG;
}

int root_record_get(struct roots *roots, const struct roots_place *place, uint64_t number, uint8_t *from, size_t room)
{
	uint8_t ad[AUTHENTICATED_SIZE + 1];
	int error = check_head(from, room, place, number);
	if (error)
		return error;
	size_t size = get32(from + 12);
	memset(roots, 0, sizeof *roots);
	roots->number = number;
	roots->next_segment = get64(from + 24);
	roots->next_sequence = get64(from + 32);
	roots->box_time = (int64_t)get64(from + 40);
	error = crypto_sha256(from, size, roots->digest);
	authenticated(ad, from);
	struct sealed sealed = { ad, sizeof ad, from + HEAD_SIZE, size - HEAD_SIZE - 4, from + 112, from + 124 };
	if (!error)
		error = sealer_open(place->sealer, &sealed);
	if (!error)
		error = root_payload_get(roots, from + HEAD_SIZE, sealed.size);
	if (!error)
		fill_makers(roots, from + 64);
	if (error)
		roots_free(roots);
	return error;
}
