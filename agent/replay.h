/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stored table's chunks, down to a worker that writes them.
 */
#ifndef AGENT_REPLAY_H
#define AGENT_REPLAY_H

#include "agent/sql/catalogue.h"
#include "agent/sql/worker.h"
#include "agent/story.h"
#include "storage/repository.h"

/*
 * Sends every chunk of the stream between worker_replace_begin and worker_replace_end: each rows chunk before the value
 * chunks that it takes from the queue (table/FORMAT.md), so that the worker can stream a large value and need not hold
 * it. `buffer` has CHUNK_SIZE_MAX bytes. 0; a worker's failure with *error filled in; a store's failure with
 * error->kind SQL_OK.
 */
int replay_stream(struct story *story, struct worker *worker, struct snapshot_reader *reader, size_t stream,
	const struct catalogue_table *table, uint8_t *buffer, struct sql_error *error);

#endif
