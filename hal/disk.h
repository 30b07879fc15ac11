/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk: named files in one directory of a mounted file system. The seam below storage/disk.c, where faults strike.
 *
 * A file is made by an append at offset 0 and grows by appends only. Its bytes are durable after disk_sync of its name,
 * and its name (or the loss of its name) after disk_sync of the directory, NULL: both are needed, as POSIX says.
 * A failed sync of a file may lose what was written, and a second one may falsely succeed: never sync it again.
 * Names are up to DISK_NAME_MAX - 1 bytes. Functions return 0 or a negative errno; -ENODEV: the medium was pulled out.
 * One thread at a time.
 */
#ifndef HAL_DISK_H
#define HAL_DISK_H

#include <stdbool.h>
#include <stdint.h>

#define DISK_NAME_MAX 64
#define DISK_OPEN_MAX 2 /* files that are being appended to, from their first byte to sync or remove */

struct disk;

struct disk_stat {
	uint64_t size, free; /* bytes; free is what this process may use */
	bool durable;        /* false: FAT, network and memory file systems, whose sync does not survive a cut */
	bool read_only;
};

struct disk_ops {
	/* All or nothing. -EEXIST: offset 0 of a name that is there. -EINVAL: not the end of a file being appended to. */
	int (*append)(struct disk *disk, const char *name, uint32_t offset, const void *bytes, uint32_t size);
	/* The file's bytes, or with NULL the directory's names, are durable on return. Ends the appending. */
	int (*sync)(struct disk *disk, const char *name);
	/* All or nothing: -ENOENT, -ERANGE beyond the end. */
	int (*read)(struct disk *disk, const char *name, uint32_t offset, void *bytes, uint32_t size);
	int (*remove)(struct disk *disk, const char *name);
	/* Regular files, in no order; found may read and list. Returns what found returns if not 0. */
	int (*list)(struct disk *disk, int (*found)(void *arg, const char *name, uint64_t size), void *arg);
	int (*stat)(struct disk *disk, struct disk_stat *stat);
};

struct disk {
	const struct disk_ops *ops;
};

static inline int disk_append(struct disk *disk, const char *name, uint32_t offset, const void *bytes, uint32_t size)
{
	return disk->ops->append(disk, name, offset, bytes, size);
}

static inline int disk_sync(struct disk *disk, const char *name)
{
	return disk->ops->sync(disk, name);
}

static inline int disk_read(struct disk *disk, const char *name, uint32_t offset, void *bytes, uint32_t size)
{
	return disk->ops->read(disk, name, offset, bytes, size);
}

static inline int disk_remove(struct disk *disk, const char *name)
{
	return disk->ops->remove(disk, name);
}

static inline int disk_list(struct disk *disk, int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	return disk->ops->list(disk, found, arg);
}

static inline int disk_stat(struct disk *disk, struct disk_stat *stat)
{
	return disk->ops->stat(disk, stat);
}

/*
 * A directory of this machine (hal/linux/disk_directory.c). It is locked for this process until disk_directory_close:
 * -EBUSY where another process has it. -ENOENT, -ENOTDIR, -EACCES as open(2) says. Nothing is made or written.
 */
int disk_directory_open(struct disk **disk, const char *path);
/* NULL is nothing. */
void disk_directory_close(struct disk *disk);

#endif
