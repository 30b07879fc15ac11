/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A database's snapshot as the agent reads it back: the records, the catalogue, and which stream is which table.
 */
#ifndef AGENT_SNAPSHOT_STORED_H
#define AGENT_SNAPSHOT_STORED_H

#include "agent/snapshot/snapshot_about.h"
#include "agent/sql/catalogue.h"
#include "storage/repository.h"

struct stored_table {
	size_t stream;
	uint32_t table; /* in the catalogue */
	struct table_digest digest;
	uint64_t bytes; /* before compression */
};

struct stored_snapshot {
	struct snapshot_info info;
	struct snapshot_about about;
	struct snapshot_reader *reader;
	uint8_t *catalogue_bytes;
	size_t catalogue_size;
	struct catalogue *catalogue;
	struct stored_table *tables; /* in the order of the streams */
	size_t table_count;
};

/* Opens one for reading. -ENOENT, -EBADMSG where it is damaged or no snapshot of a database. */
int stored_open(struct stored_snapshot *snapshot, struct repository *repository, uint64_t id);
void stored_close(struct stored_snapshot *snapshot);

/*
 * The newest snapshot of a subject that may be taken unasked: a backup that is not suspect, or the safety snapshot of a
 * restore that was committed; one that this box made and that was not found damaged. 0 and its info, or -ENOENT.
 */
int stored_newest(
	struct repository *repository, const char *subject, enum snapshot_class class, struct snapshot_info *info);
/* Same, but older than `before` (a sequence number). */
int stored_newest_before(struct repository *repository, const char *subject, enum snapshot_class class, uint64_t before,
	struct snapshot_info *info);

#endif
