/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/snapshot/capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snapshot/snapshot_about.h"

#define CATALOGUE_PIECE (256u * 1024)

void capture_init(struct capture *capture, const struct job_context *context, struct job_progress *progress,
	struct job_report *report, struct snapshot_writer *writer)
{
	*capture = (struct capture){ .context = context, .progress = progress, .report = report, .writer = writer };
}

void capture_free(struct capture *capture)
{
	catalogue_free(capture->catalogue);
	free(capture->catalogue_bytes);
	free(capture->tables);
	capture->catalogue = NULL;
	capture->catalogue_bytes = NULL;
	capture->tables = NULL;
}

/* Remembers that it was the store, and not the server, that failed. */
static int stored(struct capture *capture, int result)
{
	if (result < 0)
		capture->storage_error = result;
	return result;
}

/* May come twice: identity values are only right after the rows were read. The last one counts. */
static int take_catalogue(void *arg, const void *bytes, size_t size)
{
	struct capture *capture = arg;
	struct catalogue *catalogue;
	uint8_t *copy;
	int result = catalogue_decode(&catalogue, bytes, size);

	if (result < 0)
		return result;
	if (capture->catalogue && catalogue->table_count != capture->catalogue->table_count) {
		catalogue_free(catalogue);
		return -EPROTO;
	}
	copy = malloc(size);
	if (copy && !capture->tables)
		capture->tables = calloc(catalogue->table_count + 1, sizeof *capture->tables);
	if (!copy || !capture->tables) {
		free(copy);
		catalogue_free(catalogue);
		return -ENOMEM;
	}
	memcpy(copy, bytes, size);
	catalogue_free(capture->catalogue);
	free(capture->catalogue_bytes);
	capture->catalogue = catalogue;
	capture->catalogue_bytes = copy;
	capture->catalogue_size = size;
	capture->progress->expected = catalogue_rows(catalogue);
	return 0;
}

static int take_table(void *arg, uint32_t table)
{
	struct capture *capture = arg;

	if (!capture->catalogue || table >= capture->catalogue->table_count || capture->tables[table].seen)
		return -EPROTO;
	catalogue_table_name(
		&capture->catalogue->tables[table], capture->progress->object, sizeof capture->progress->object);
	if (!capture->writer)
		return 0;
	return stored(capture, snapshot_stream_begin(capture->writer, capture->progress->object));
}

static int take_chunk(void *arg, enum chunk_kind kind, uint32_t rows, const void *bytes, size_t size)
{
	struct capture *capture = arg;

	if (!capture->writer)
		return 0;
	int result = snapshot_put(capture->writer, (uint8_t)kind, rows, bytes, size);

	/* While the worker waits for the server and threads deflate: later everybody would wait for it. */
	if (result == 0)
		result = snapshot_read_back(capture->writer);
	return stored(capture, result);
}

static int end_stream(struct capture *capture, uint32_t table, const struct table_digest *digest)
{
	uint8_t bytes[2 * DATABASE_NAME_SIZE + 64];
	struct table_about about = { .digest = *digest };
	int size;

	snprintf(about.schema, sizeof about.schema, "%s", capture->catalogue->tables[table].schema);
	snprintf(about.table, sizeof about.table, "%s", capture->catalogue->tables[table].name);
	size = table_about_encode(&about, bytes, sizeof bytes);
	if (size < 0)
		return size;
	return stored(capture, snapshot_stream_end(capture->writer, bytes, (size_t)size));
}

static int take_table_end(void *arg, uint32_t table, const struct table_digest *digest)
{
	struct capture *capture = arg;

	if (!capture->catalogue || table >= capture->catalogue->table_count || capture->tables[table].seen)
		return -EPROTO;
	capture->tables[table] = (struct captured_table){ .seen = true, .stream = capture->tables_read, .digest = *digest };
	capture->tables_read++;
	capture->rows += digest->rows;
	return capture->writer ? end_stream(capture, table, digest) : 0;
}

static void take_progress(void *arg, enum worker_phase phase, uint32_t table, uint64_t rows, uint64_t bytes)
{
	struct capture *capture = arg;
	uint64_t put;

	(void)table;
	if (phase == PHASE_READ || phase == PHASE_PRESENT || phase == PHASE_READ_BACK)
		capture->progress->done = rows;
	capture->progress->bytes = bytes;
	if (capture->writer)
		snapshot_progress(capture->writer, &put, &capture->progress->stored);
	capture->context->progress(capture->context->engine, capture->progress);
}

static void take_note(void *arg, const char *sentence)
{
	struct capture *capture = arg;

	job_report_note(capture->report, "%s: %s", capture->progress->database, sentence);
}

static bool asked_to_stop(void *arg)
{
	const struct capture *capture = arg;

	return capture->context->stop(capture->context->engine);
}

struct worker_watcher capture_watcher(struct capture *capture)
{
	return (struct worker_watcher){
		.arg = capture,
		.catalogue = take_catalogue,
		.table = take_table,
		.chunk = take_chunk,
		.table_end = take_table_end,
		.progress = take_progress,
		.note = take_note,
		.stop = asked_to_stop,
	};
}

static int store_catalogue(struct capture *capture)
{
	int result = snapshot_stream_begin(capture->writer, CATALOGUE_STREAM);

	for (size_t at = 0; result == 0 && at < capture->catalogue_size; at += CATALOGUE_PIECE) {
		size_t left = capture->catalogue_size - at;
		result = snapshot_put(capture->writer, CHUNK_CATALOGUE, 0, capture->catalogue_bytes + at,
			left < CATALOGUE_PIECE ? left : CATALOGUE_PIECE);
	}
	if (result == 0)
		result = snapshot_stream_end(capture->writer, "", 0);
	return stored(capture, result);
}

int capture_finish(struct capture *capture)
{
	if (!capture->catalogue)
		return -EPROTO;
	return capture->writer ? store_catalogue(capture) : 0;
}
