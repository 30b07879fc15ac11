/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A look into one snapshot: its record, its tables, and how many objects of each kind its catalogue holds. Run by the
 * engine (engine_look) a slice of tables at a time, so that a job is not kept waiting and memory stays small.
 */
#ifndef AGENT_SERVICE_SHOW_H
#define AGENT_SERVICE_SHOW_H

#include "agent/job/engine.h"
#include "agent/snapshot/snapshot_about.h"

#define SHOW_TABLES 8

struct show_table {
	char name[304];
	uint64_t rows, bytes, chunks;
	uint8_t digest[16];
};

struct show {
	struct engine_look look; /* first: the engine hands it back */
	uint64_t id;
	size_t first;        /* in: index of the first table of this slice */
	int error;           /* out, of this slice: -ENOENT, -EBADMSG, ... */
	size_t count, total; /* tables in this slice, and of the snapshot */
	struct show_table tables[SHOW_TABLES];
	/* Filled in by the first slice. */
	struct snapshot_about about;
	bool has_catalogue;
	uint32_t schemas, views, procedures, functions, triggers, foreign_keys, checks, indexes, sequences, types, synonyms;
	char server_version[64], edition[96], collation[64];
};

void show_run(struct engine_look *look, const struct job_context *context);

#endif
