/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker reports, checked before it is believed, and handed to the watcher. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/worker_private.h"

#define CATALOGUE_MAX (64u << 20) /* of a hostile worker */

static int report_catalogue(struct worker *worker, const uint8_t *bytes, size_t size)
{
	if (size) {
		if (size > CATALOGUE_MAX - worker->catalogue_size)
			return -EMSGSIZE;

		uint8_t *grown = realloc(worker->catalogue, worker->catalogue_size + size);

		if (!grown)
			return -ENOMEM;
		memcpy(grown + worker->catalogue_size, bytes, size);
		worker->catalogue = grown;
		worker->catalogue_size += size;
		return 0;
	}

	int result = worker->watcher.catalogue
		? worker->watcher.catalogue(worker->watcher.arg, worker->catalogue, worker->catalogue_size)
		: 0;

	free(worker->catalogue);
	worker->catalogue = NULL;
	worker->catalogue_size = 0;
	return result;
}

static int report_chunk(struct worker *worker, struct unpacker *unpacker)
{
	uint8_t kind = unpack_u8(unpacker);
	uint32_t rows = unpack_u32(unpacker);

	if (unpacker->failed || (kind != CHUNK_ROWS && kind != CHUNK_VALUE))
		return -EPROTO;
	return worker->watcher.chunk ? worker->watcher.chunk(worker->watcher.arg, (enum chunk_kind)kind, rows,
									   unpacker->bytes + unpacker->at, unpacker->size - unpacker->at)
								 : 0;
}

static int report_table_end(struct worker *worker, struct unpacker *unpacker)
{
	struct table_digest digest = { .rows = 0 };
	uint32_t table = unpack_u32(unpacker);
	const void *sum = unpack_bytes(unpacker, sizeof(digest.sum));

	digest.rows = unpack_u64(unpacker);
	if (unpacker->failed)
		return -EPROTO;
	memcpy(digest.sum, sum, sizeof(digest.sum));
	return worker->watcher.table_end ? worker->watcher.table_end(worker->watcher.arg, table, &digest) : 0;
}

static int report_table(struct worker *worker, struct unpacker *unpacker)
{
	uint32_t table = unpack_u32(unpacker);

	if (unpacker->failed)
		return -EPROTO;
	return worker->watcher.table ? worker->watcher.table(worker->watcher.arg, table) : 0;
}

static int report_progress(struct worker *worker, struct unpacker *unpacker)
{
	uint8_t phase = unpack_u8(unpacker);
	uint32_t table = unpack_u32(unpacker);
	uint64_t rows = unpack_u64(unpacker), bytes = unpack_u64(unpacker);

	if (unpacker->failed || phase < PHASE_CONNECT || phase > PHASE_ROLLBACK)
		return -EPROTO;
	if (worker->watcher.progress)
		worker->watcher.progress(worker->watcher.arg, (enum worker_phase)phase, table, rows, bytes);
	return 0;
}

static int report_finding(struct worker *worker, struct unpacker *unpacker)
{
	char detail[1024], remedy[2048];
	uint8_t step = unpack_u8(unpacker), result = unpack_u8(unpacker);

	unpack_string(unpacker, detail, sizeof(detail));
	unpack_string(unpacker, remedy, sizeof(remedy));
	if (unpacker->failed || result > FINDING_UNKNOWN)
		return -EPROTO;
	if (worker->watcher.finding)
		worker->watcher.finding(worker->watcher.arg, step, (enum finding_result)result, detail, remedy);
	return 0;
}

static int report_note(struct worker *worker, struct unpacker *unpacker)
{
	char sentence[2048];

	unpack_string(unpacker, sentence, sizeof(sentence));
	if (unpacker->failed)
		return -EPROTO;
	if (worker->watcher.note)
		worker->watcher.note(worker->watcher.arg, sentence);
	return 0;
}

static int report_facts(struct worker *worker, struct unpacker *unpacker)
{
	if (!worker->facts)
		return -EPROTO;
	preflight_unpack(unpacker, worker->facts);
	worker->facts = NULL;
	return unpacker->failed ? -EPROTO : 0;
}

int worker_report(struct worker *worker, enum message_type type, struct unpacker *unpacker)
{
	switch (type) {
	case MESSAGE_CATALOGUE:
		return report_catalogue(worker, unpacker->bytes, unpacker->size);
	case MESSAGE_TABLE:
		return report_table(worker, unpacker);
	case MESSAGE_CHUNK:
		return report_chunk(worker, unpacker);
	case MESSAGE_TABLE_END:
		return report_table_end(worker, unpacker);
	case MESSAGE_PROGRESS:
		return report_progress(worker, unpacker);
	case MESSAGE_FINDING:
		return report_finding(worker, unpacker);
	case MESSAGE_NOTE:
		return report_note(worker, unpacker);
	case MESSAGE_FACTS:
		return report_facts(worker, unpacker);
	case MESSAGE_ALIVE:
		return 0;
	default:
		return -EPROTO;
	}
}
