/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file system in memory that fails as disks do, below the driver of real ones (hal/linux/disk_directory.c). It has a
 * write cache: bytes are durable after a sync of their file, names (and their loss) after a sync of the directory. It
 * counts operations and strikes once, at operation number `at`; cuts count what changes something, and no reads.
 */
#ifndef TESTS_FAULTS_FAULT_DISK_H
#define TESTS_FAULTS_FAULT_DISK_H

#include <stdint.h>

#include "hal/disk.h"

enum fault {
	FAULT_NONE,
	/* Errors: the process lives on. */
	FAULT_EIO,       /* the operation fails once; a sync that fails has lost some of what it should keep, for ever */
	FAULT_ENOSPC,    /* a new name, or a write, fails once */
	FAULT_SHORT,     /* a read or a write does half of what it should once, and says so: no error */
	FAULT_ROT,       /* a byte of a write arrives as another, and nobody is told */
	FAULT_SYNC,      /* as EIO, of a sync */
	FAULT_READ_ONLY, /* -EROFS for every change from then on, as of a file system with errors */
	FAULT_PULLED,    /* -ENODEV from then on, until the restart */
	/* Cuts: the operation and all after it fail, until fault_disk_restart shows what the medium kept. */
	FAULT_CUT_LOST,      /* nothing that was not synced */
	FAULT_CUT_KEPT,      /* everything, and of a write its first `tear` bytes */
	FAULT_CUT_NAMES,     /* the names, but none of the bytes that were not synced */
	FAULT_CUT_REORDERED, /* of what was not synced only the newest write of each file: zeros where the others were */
	FAULT_CUT_BYTES,     /* the bytes of files, but no name and no removal that was not synced */
	FAULT_CRASH,         /* the process dies, the cache lives on: a later cut may still take it */
	FAULT_COUNT
};

struct fault_disk;

struct fault_plan {
	enum fault fault;
	unsigned at;   /* 1 is the first operation; 0 never */
	uint32_t tear; /* of the struck write: bytes that arrive, all but one at most */
};

struct fault_disk *fault_disk_create(uint64_t size);
void fault_disk_destroy(struct fault_disk *disk);
struct disk *fault_disk_disk(struct fault_disk *disk);
/* Two on the same power: a plan is made on both, operations of both count, and a cut takes both down. */
void fault_disk_join(struct fault_disk *a, struct fault_disk *b);
/* Counting begins anew. */
void fault_disk_plan(struct fault_disk *disk, const struct fault_plan *plan);
/* Of the present plan, an error: so many operations behind the struck one fail, too. */
void fault_disk_more(struct fault_disk *disk, unsigned more);
bool fault_disk_struck(const struct fault_disk *disk);
unsigned fault_disk_count(const struct fault_disk *disk); /* operations since the plan was made */
/* Bytes of the write that was struck: what a tear can be. */
uint32_t fault_disk_struck_size(const struct fault_disk *disk);
/* The next start of the machine, or after FAULT_CRASH of the process: works again, holding what the medium kept. */
void fault_disk_restart(struct fault_disk *disk);

/* What is there now, and all that again. As where a process ends and another begins: nobody is in the middle of a write. */
void fault_disk_keep(struct fault_disk *disk);
void fault_disk_put_back(struct fault_disk *disk);

/* The medium as a whole, for tests that change bytes. */
typedef int fault_disk_file(void *arg, const char *name, uint8_t *bytes, uint32_t size);
int fault_disk_each(struct fault_disk *disk, fault_disk_file *file, void *arg);

#endif
