/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What snapshots there are, as the engine last saw them: so that a list is answered at once, whatever runs.
 *
 * shelf_refresh runs on the engine's thread, everything else on any. Memory is fixed: the newest SHELF_MAX are kept.
 */
#ifndef AGENT_SERVICE_SHELF_H
#define AGENT_SERVICE_SHELF_H

#include <pthread.h>

#include "agent/config/config.h"
#include "agent/job/job.h"
#include "storage/retention.h"

#define SHELF_MAX 512

struct store;

struct shelf_entry {
	struct snapshot_info info; /* as the first volume tells that has it */
	uint32_t volumes;          /* bit 1 << i: the i-th has it */
	bool durable;              /* one of them keeps it through a power cut */
	enum retention_why why;    /* it stays there, as of the last refresh */
	bool readable;             /* its about record could be read: what follows is known */
	int consistency;
	uint64_t tables, rows, server_bytes, milliseconds;
	uint64_t ratio; /* snapshot_about.h */
};

/* A volume as it was found last. */
struct shelf_volume {
	char name[VOLUME_NAME_SIZE], path[256];
	bool there, home, foreign;
	int error;    /* where it is there: of reading it, 0: none */
	size_t total; /* snapshots on it */
	struct repository_status status;
	char sentence[512], remedy[512]; /* why it is not there, or cannot be read whole */
};

struct shelf {
	pthread_mutex_t lock;
	struct retention_policy retention;     /* set before the first refresh */
	struct shelf_entry entries[SHELF_MAX]; /* oldest first */
	size_t count, total;                   /* total: on all volumes, each once */
	struct shelf_volume volumes[CONFIG_VOLUMES_MAX];
	size_t volume_count;
	uint64_t base; /* what a whole new copy of the largest database would take; 0: not known */
	int error;     /* of reading home at the last refresh, 0: none; -ENODEV: no volume is there */
};

void shelf_init(struct shelf *shelf);
void shelf_refresh(struct shelf *shelf, const struct store *store);

/* The index-th, oldest first. -ENOENT: there are fewer. */
int shelf_get(struct shelf *shelf, size_t index, struct shelf_entry *entry);
/* By the beginning of its id in hex. -ENOENT none, -ENOTUNIQ several, -EINVAL no hex digits. */
int shelf_find(struct shelf *shelf, const char *prefix, struct shelf_entry *entry);
/* The newest backup of a subject that is not suspect, or the newest safety snapshot that can be undone to; whole. -ENOENT. */
int shelf_newest(struct shelf *shelf, const char *subject, enum snapshot_class class, struct shelf_entry *entry);
/* How many have this flag of enum snapshot_flag. */
size_t shelf_count(struct shelf *shelf, uint32_t flag);
/* Returns the last refresh's error, or 0 and the status of the volume that has most room for new snapshots. */
int shelf_status(struct shelf *shelf, struct repository_status *status, size_t *total);
/* The index-th volume of the configuration. -ENOENT: there are fewer. */
int shelf_volume(struct shelf *shelf, size_t index, struct shelf_volume *volume);
/* The names of the volumes that have it, "store, disk". */
void shelf_names(struct shelf *shelf, const struct shelf_entry *entry, char *text, size_t size);

/* What a whole new copy of the largest database would take on the volume; 0: not known. */
uint64_t shelf_base(struct shelf *shelf);

/* "server/database" apart; false where it is none. Databases may have slashes in their names, servers not. */
bool subject_split(const char *subject, char server[SERVER_NAME_SIZE], char database[DATABASE_NAME_SIZE]);

#endif
