/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A disk is a directory: what this driver asks of a file system, so that a test can be the file system and lose what was
 * never made durable. hal/disk.h has what everybody else needs.
 */
#ifndef HAL_LINUX_DISK_DIRECTORY_H
#define HAL_LINUX_DISK_DIRECTORY_H

#include <sys/types.h>

#include "hal/disk.h"

/* As the system calls of these names do; errors are a negative errno. Files and directories are descriptors. */
struct disk_kernel {
	/* The directory, locked for this process: -EBUSY where another one has it. */
	int (*enter)(const struct disk_kernel *kernel, const char *path);
	/* Links are not followed. */
	int (*open)(const struct disk_kernel *kernel, int directory, const char *name, int flags);
	ssize_t (*read)(const struct disk_kernel *kernel, int file, void *bytes, size_t size, off_t at);
	ssize_t (*write)(const struct disk_kernel *kernel, int file, const void *bytes, size_t size, off_t at);
	/* Of a file or of the directory. What the cache has of it is let go, so that it is read from the medium. */
	int (*sync)(const struct disk_kernel *kernel, int file);
	int (*remove)(const struct disk_kernel *kernel, int directory, const char *name);
	/* As in struct disk_ops. */
	int (*list)(const struct disk_kernel *kernel, int directory,
		int (*found)(void *arg, const char *name, uint64_t size), void *arg);
	int (*stat)(const struct disk_kernel *kernel, int directory, struct disk_stat *stat);
	void (*close)(const struct disk_kernel *kernel, int file);
};

extern const struct disk_kernel disk_kernel_linux; /* hal/linux/disk_kernel.c */

/* kernel is borrowed until disk_directory_close. */
int disk_directory_open_with(struct disk **disk, const char *path, const struct disk_kernel *kernel);

#endif
