/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/snapshot/snapshot_about.h"

#include <errno.h>
#include <string.h>

#include "agent/sql/message.h"

enum { SNAPSHOT_ABOUT_VERSION = 1, TABLE_ABOUT_VERSION = 1 };

static int packed(const struct packer *packer)
{
	return packer->failed ? -ENOSPC : (int)packer->size;
}

int snapshot_about_encode(const struct snapshot_about *about, uint8_t *bytes, size_t capacity)
{
	struct packer packer = { .bytes = bytes, .capacity = capacity };

	pack_u8(&packer, SNAPSHOT_ABOUT_VERSION);
	pack_string(&packer, about->server);
	pack_string(&packer, about->host);
	pack_string(&packer, about->database);
	pack_u64(&packer, (uint64_t)about->started);
	pack_u64(&packer, (uint64_t)about->finished);
	pack_u64(&packer, about->tables);
	pack_u64(&packer, about->rows);
	pack_u64(&packer, about->server_bytes);
	pack_u64(&packer, about->milliseconds);
	pack_u8(&packer, (uint8_t)about->consistency);
	pack_u64(&packer, about->restoring);
	pack_u16(&packer, (uint16_t)about->note_count);
	for (size_t i = 0; i < about->note_count; i++)
		pack_string(&packer, about->notes[i]);
	pack_u64(&packer, about->new_bytes);
	pack_u64(&packer, about->new_stored);
	pack_u64(&packer, about->ratio);
	pack_string(&packer, about->broker);
	pack_string(&packer, about->created);
	return packed(&packer);
}

static void unpack_notes(struct unpacker *unpacker, struct snapshot_about *about)
{
	about->note_count = unpack_u16(unpacker);
	if (about->note_count > ABOUT_NOTES_MAX)
		unpacker->failed = true;
	for (size_t i = 0; i < about->note_count && !unpacker->failed; i++)
		unpack_string(unpacker, about->notes[i], sizeof about->notes[i]);
}

/* Older records end before these. */
static void unpack_history(struct unpacker *unpacker, struct snapshot_about *about)
{
	if (unpacker->failed || unpacker->at == unpacker->size)
		return;
	about->new_bytes = unpack_u64(unpacker);
	about->new_stored = unpack_u64(unpacker);
	about->ratio = unpack_u64(unpacker);
	unpack_string(unpacker, about->broker, sizeof about->broker);
	unpack_string(unpacker, about->created, sizeof about->created);
}

int snapshot_about_decode(struct snapshot_about *about, const void *bytes, size_t size)
{
	struct unpacker unpacker = { .bytes = bytes, .size = size };

	memset(about, 0, sizeof *about);
	if (unpack_u8(&unpacker) < SNAPSHOT_ABOUT_VERSION)
		return -EBADMSG;
	unpack_string(&unpacker, about->server, sizeof about->server);
	unpack_string(&unpacker, about->host, sizeof about->host);
	unpack_string(&unpacker, about->database, sizeof about->database);
	about->started = (int64_t)unpack_u64(&unpacker);
	about->finished = (int64_t)unpack_u64(&unpacker);
	about->tables = unpack_u64(&unpacker);
	about->rows = unpack_u64(&unpacker);
	about->server_bytes = unpack_u64(&unpacker);
	about->milliseconds = unpack_u64(&unpacker);
	about->consistency = unpack_u8(&unpacker);
	about->restoring = unpack_u64(&unpacker);
	unpack_notes(&unpacker, about);
	unpack_history(&unpacker, about);
	return unpacker.failed ? -EBADMSG : 0;
}

int table_about_encode(const struct table_about *about, uint8_t *bytes, size_t capacity)
{
	struct packer packer = { .bytes = bytes, .capacity = capacity };

	pack_u8(&packer, TABLE_ABOUT_VERSION);
	pack_string(&packer, about->schema);
	pack_string(&packer, about->table);
	pack_bytes(&packer, about->digest.sum, sizeof about->digest.sum);
	pack_u64(&packer, about->digest.rows);
	return packed(&packer);
}

int table_about_decode(struct table_about *about, const void *bytes, size_t size)
{
	struct unpacker unpacker = { .bytes = bytes, .size = size };

	memset(about, 0, sizeof *about);
	if (unpack_u8(&unpacker) < TABLE_ABOUT_VERSION)
		return -EBADMSG;
	unpack_string(&unpacker, about->schema, sizeof about->schema);
	unpack_string(&unpacker, about->table, sizeof about->table);

	const void *sum = unpack_bytes(&unpacker, sizeof about->digest.sum);
	if (sum)
		memcpy(about->digest.sum, sum, sizeof about->digest.sum);
	about->digest.rows = unpack_u64(&unpacker);
	return unpacker.failed ? -EBADMSG : 0;
}
