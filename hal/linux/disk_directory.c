/* SPDX-License-Identifier: Apache-2.0 */
/* A disk is a directory. */
#include "hal/linux/disk_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

struct open_file {
	char name[DISK_NAME_MAX]; /* empty: free */
	int file;
	uint32_t end;
};

struct directory_disk {
	struct disk disk;
	const struct disk_kernel *kernel;
	int directory;
	struct open_file writing[DISK_OPEN_MAX];
	struct open_file reading; /* the last one read: the next read is most often of the same */
};

static struct directory_disk *directory_of(struct disk *disk)
{
	return (struct directory_disk *)(void *)disk; /* the first member */
}

static struct open_file *find_writing(struct directory_disk *d, const char *name)
{
	for (size_t i = 0; i < DISK_OPEN_MAX; i++)
		if (!strcmp(d->writing[i].name, name))
			return &d->writing[i];
	return NULL;
}

static void forget(const struct directory_disk *d, struct open_file *open)
{
	if (open->name[0])
		d->kernel->close(d->kernel, open->file);
	open->name[0] = 0;
}

static int open_named(struct directory_disk *d, struct open_file *open, const char *name, int flags)
{
	if (!name[0] || strlen(name) >= sizeof open->name)
		return -EINVAL;
	int file = d->kernel->open(d->kernel, d->directory, name, flags);
	if (file < 0)
		return file;
	*open = (struct open_file){ .file = file };
	strcpy(open->name, name);
	return 0;
}

static int write_all(const struct directory_disk *d, int file, uint32_t offset, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = d->kernel->write(d->kernel, file, bytes, size, offset);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -EIO;
		bytes += n;
		size -= (size_t)n;
		offset += (uint32_t)n;
	}
	return 0;
}

static int directory_append(struct disk *disk, const char *name, uint32_t offset, const void *bytes, uint32_t size)
{
	struct directory_disk *d = directory_of(disk);
	struct open_file *open = find_writing(d, name);
	if (!open && offset == 0) {
		open = find_writing(d, "");
		int error = open ? open_named(d, open, name, O_WRONLY | O_CREAT | O_EXCL) : -EINVAL;
		if (error)
			return error;
	}
	if (!open || offset != open->end)
		return open && offset == 0 ? -EEXIST : -EINVAL;
	int error = write_all(d, open->file, offset, bytes, size);
	if (!error)
		open->end += size;
	return error;
}

static int directory_sync(struct disk *disk, const char *name)
{
	struct directory_disk *d = directory_of(disk);
	if (!name) {
		int error = d->kernel->sync(d->kernel, d->directory);
		return error == -EINVAL ? 0 : error; /* some network mounts know no such thing */
	}
	struct open_file *open = find_writing(d, name);
	struct open_file earlier = { .name = "" };
	if (!open) {
		int error = open_named(d, &earlier, name, O_RDONLY);
		if (error)
			return error;
		open = &earlier;
	}
	int error = d->kernel->sync(d->kernel, open->file);
	forget(d, open);
	return error;
}

static int directory_read(struct disk *disk, const char *name, uint32_t offset, void *bytes, uint32_t size)
{
	struct directory_disk *d = directory_of(disk);
	if (strcmp(d->reading.name, name) != 0) {
		forget(d, &d->reading);
		int error = open_named(d, &d->reading, name, O_RDONLY);
		if (error)
			return error;
	}
	for (uint8_t *to = bytes; size;) {
		ssize_t n = d->kernel->read(d->kernel, d->reading.file, to, size, offset);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return n ? (int)n : -ERANGE;
		to += n;
		size -= (uint32_t)n;
		offset += (uint32_t)n;
	}
	return 0;
}

static int directory_remove(struct disk *disk, const char *name)
{
	struct directory_disk *d = directory_of(disk);
	struct open_file *open = name[0] ? find_writing(d, name) : NULL;
	if (open)
		forget(d, open);
	if (!strcmp(d->reading.name, name))
		forget(d, &d->reading);
	return d->kernel->remove(d->kernel, d->directory, name);
}

static int directory_list(struct disk *disk, int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	const struct directory_disk *d = directory_of(disk);
	return d->kernel->list(d->kernel, d->directory, found, arg);
}

static int directory_stat(struct disk *disk, struct disk_stat *stat)
{
	const struct directory_disk *d = directory_of(disk);
	return d->kernel->stat(d->kernel, d->directory, stat);
}

static const struct disk_ops directory_ops = {
	.append = directory_append,
	.sync = directory_sync,
	.read = directory_read,
	.remove = directory_remove,
	.list = directory_list,
	.stat = directory_stat,
};

int disk_directory_open_with(struct disk **disk, const char *path, const struct disk_kernel *kernel)
{
	int directory = kernel->enter(kernel, path);
	if (directory < 0)
		return directory;
	struct directory_disk *d = calloc(1, sizeof *d);
	if (!d) {
		kernel->close(kernel, directory);
		return -ENOMEM;
	}
	d->disk.ops = &directory_ops;
	d->kernel = kernel;
	d->directory = directory;
	*disk = &d->disk;
	return 0;
}

int disk_directory_open(struct disk **disk, const char *path)
{
	return disk_directory_open_with(disk, path, &disk_kernel_linux);
}

void disk_directory_close(struct disk *disk)
{
	if (!disk)
		return;
	struct directory_disk *d = directory_of(disk);
	for (size_t i = 0; i < DISK_OPEN_MAX; i++)
		forget(d, &d->writing[i]);
	forget(d, &d->reading);
	d->kernel->close(d->kernel, d->directory);
	free(d);
}
