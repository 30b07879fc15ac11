/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent writes about a snapshot and about each of its streams, beside the chunks. FORMAT.md beside this has the
 * bytes. Encoders return the length or -ENOSPC, decoders 0 or -EBADMSG; a later version may append fields.
 */
#ifndef AGENT_SNAPSHOT_SNAPSHOT_ABOUT_H
#define AGENT_SNAPSHOT_SNAPSHOT_ABOUT_H

#include "agent/job/job.h"
#include "agent/sql/worker.h"

#define ABOUT_SIZE_MAX (64u * 1024)
#define ABOUT_NOTES_MAX 24

/* Stream names: this one, and "[schema].[table]" for each table. */
#define CATALOGUE_STREAM "catalogue"
/* The chunk tags beside those of enum chunk_kind. */
enum { CHUNK_CATALOGUE = 3 };

struct snapshot_about {
	char server[SERVER_NAME_SIZE], host[256], database[DATABASE_NAME_SIZE];
	int64_t started, finished; /* wall clock, seconds since 1970 UTC */
	uint64_t tables, rows, server_bytes, milliseconds;
	enum consistency consistency;
	uint64_t restoring;             /* of a safety snapshot: what was about to be put back; else 0 */
	uint64_t new_bytes, new_stored; /* of what no snapshot had before; 0: not known */
	uint64_t ratio;                 /* of compression when most was stored anew, thousandths; 0: not known */
	char broker[64], created[64];   /* of the database: catalogue.h; "": not known */
	size_t note_count;
	char notes[ABOUT_NOTES_MAX][JOB_NOTE_SIZE];
};

struct table_about {
	char schema[DATABASE_NAME_SIZE], table[DATABASE_NAME_SIZE];
	struct table_digest digest;
};

int snapshot_about_encode(const struct snapshot_about *about, uint8_t *bytes, size_t capacity);
int snapshot_about_decode(struct snapshot_about *about, const void *bytes, size_t size);
int table_about_encode(const struct table_about *about, uint8_t *bytes, size_t capacity);
int table_about_decode(struct table_about *about, const void *bytes, size_t size);

#endif
