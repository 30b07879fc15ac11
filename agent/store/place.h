/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where snapshots are kept, as the configuration names it: a path under /dev/ is a flash (a UBI volume), and on a board
 * that simulates one so is a file whose name ends in .nand; anything else is a directory.
 */
#ifndef AGENT_STORE_PLACE_H
#define AGENT_STORE_PLACE_H

#include <stdbool.h>
#include <sys/types.h>

#include "hal/disk.h"
#include "hal/flash.h"
#include "storage/volume.h"

struct place {
	struct disk *disk;
	struct flash *flash;
	struct volume *volume;
	dev_t device; /* what the path led to */
	ino_t inode;
};

bool place_is_flash(const char *path);
/* -EBUSY: another process has it; -EXDEV: a flash that is neither ours nor blank; -EOPNOTSUPP: no flash in this build. */
int place_open(struct place *place, const char *path);
/* The file system that this path is on, or will be when it is made: of the nearest folder above it that is there. 0: unknown. */
dev_t place_file_system(const char *path);
/* False: the path leads elsewhere by now, or nowhere; what is open may be of a disk that is gone. */
bool place_is_there(const struct place *place, const char *path);
/* A simulated flash is made where it is missing. */
int place_make_flash(const char *path);
/* Zeroed, or after place_open whatever it returned. */
void place_close(struct place *place);

#endif
