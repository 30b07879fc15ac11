/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker reads from a database, into a snapshot being made, or only into digests. Backup, safety snapshot and
 * read-back are the same walk.
 */
#ifndef AGENT_SNAPSHOT_CAPTURE_H
#define AGENT_SNAPSHOT_CAPTURE_H

#include "agent/job/job.h"
#include "agent/sql/catalogue.h"
#include "agent/sql/worker.h"
#include "storage/repository.h"

struct captured_table {
	bool seen;
	bool unread;   /* it was not asked for, since it cannot be read */
	size_t stream; /* of the snapshot that is being made */
	struct table_digest digest;
};

struct capture {
	const struct job_context *context;
	struct job_progress *progress;  /* kept up to date and reported */
	struct job_report *report;      /* notes of the worker go here */
	struct snapshot_writer *writer; /* NULL: digests only */
	uint8_t *catalogue_bytes;       /* as it came last; owned */
	size_t catalogue_size;
	struct catalogue *catalogue;   /* owned */
	struct captured_table *tables; /* one a table of the catalogue; owned */
	uint64_t tables_read, rows;
	int storage_error; /* what the store said, when it was the store that failed */
};

/* Ready for one worker_read. The pointers are borrowed until capture_free. */
void capture_init(struct capture *capture, const struct job_context *context, struct job_progress *progress,
	struct job_report *report, struct snapshot_writer *writer);
void capture_free(struct capture *capture);

/* The watcher that feeds it. */
struct worker_watcher capture_watcher(struct capture *capture);

/* After worker_read: stores the catalogue stream. -EPROTO where the worker left out what it announced. */
int capture_finish(struct capture *capture);

#endif
