/* SPDX-License-Identifier: Apache-2.0 */
/* A disk is a directory. The lock is on the directory itself, so it works on a file system mounted read-only. */
#include "hal/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

struct open_file {
	char name[DISK_NAME_MAX]; /* empty: free */
	int file;
	uint32_t end;
};

struct directory_disk {
	struct disk disk;
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

static void forget(struct open_file *open)
{
	if (open->name[0])
		close(open->file);
	open->name[0] = 0;
}

static int open_named(struct directory_disk *d, struct open_file *open, const char *name, int flags)
{
	if (!name[0] || strlen(name) >= sizeof open->name)
		return -EINVAL;
	int file = openat(d->directory, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return -errno;
	*open = (struct open_file){ .file = file };
	strcpy(open->name, name);
	return 0;
}

static int write_all(int file, uint32_t offset, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = pwrite(file, bytes, size, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
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
	int error = write_all(open->file, offset, bytes, size);
	if (!error)
		open->end += size;
	return error;
}

static int sync_and_drop_cache(int file)
{
	int error = fsync(file) ? -errno : 0;
	/* What is read back to verify must come from the medium, not from the cache that was just written. */
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	return error;
}

static int directory_sync(struct disk *disk, const char *name)
{
	struct directory_disk *d = directory_of(disk);
	if (!name)
		return fsync(d->directory) && errno != EINVAL ? -errno : 0; /* EINVAL: some network mounts know no such thing */
	struct open_file *open = find_writing(d, name);
	struct open_file earlier = { .name = "" };
	if (!open) {
		int error = open_named(d, &earlier, name, O_RDONLY);
		if (error)
			return error;
		open = &earlier;
	}
	int error = sync_and_drop_cache(open->file);
	forget(open);
	return error;
}

static int directory_read(struct disk *disk, const char *name, uint32_t offset, void *bytes, uint32_t size)
{
	struct directory_disk *d = directory_of(disk);
	if (strcmp(d->reading.name, name) != 0) {
		forget(&d->reading);
		int error = open_named(d, &d->reading, name, O_RDONLY);
		if (error)
			return error;
	}
	for (uint8_t *to = bytes; size;) {
		ssize_t n = pread(d->reading.file, to, size, offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ERANGE;
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
		forget(open);
	if (!strcmp(d->reading.name, name))
		forget(&d->reading);
	return unlinkat(d->directory, name, 0) ? -errno : 0;
}

static int report(
	struct directory_disk *d, const char *name, int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	struct stat stat;
	if (strlen(name) >= DISK_NAME_MAX)
		return 0;
	if (fstatat(d->directory, name, &stat, AT_SYMLINK_NOFOLLOW))
		return -errno;
	return S_ISREG(stat.st_mode) ? found(arg, name, (uint64_t)stat.st_size) : 0;
}

static int directory_list(struct disk *disk, int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	struct directory_disk *d = directory_of(disk);
	int again = openat(d->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *walk = again < 0 ? NULL : fdopendir(again);
	if (!walk) {
		int error = -errno;
		if (again >= 0)
			close(again);
		return error;
	}
	int error = 0;
	for (const struct dirent *entry; !error && (errno = 0, entry = readdir(walk));)
		error = report(d, entry->d_name, found, arg);
	if (!error && errno)
		error = -errno;
	closedir(walk);
	return error;
}

/* File systems whose fsync does not promise to survive a cut here: FAT, memory, and what lies on another machine. */
static bool is_durable(long type)
{
	static const uint32_t not_durable[] = {
		0x4d44 /* vfat */,
		0x2011bab0 /* exfat */,
		0x01021994 /* tmpfs */,
		0x858458f6 /* ramfs */,
		0x6969 /* nfs */,
		0x517b /* smb */,
		0xff534d42 /* cifs */,
		0xfe534d42 /* smb2 */,
		0x00c36400 /* ceph */,
		0x65735546 /* fuse */,
		0x01021997 /* 9p */,
	};
	for (size_t i = 0; i < sizeof not_durable / sizeof not_durable[0]; i++)
		if ((uint32_t)type == not_durable[i])
			return false;
	return true;
}

static int directory_stat(struct disk *disk, struct disk_stat *stat)
{
	struct directory_disk *d = directory_of(disk);
	struct statvfs space;
	struct statfs kind;
	if (fstatvfs(d->directory, &space) || fstatfs(d->directory, &kind))
		return -errno;
	stat->size = (uint64_t)space.f_blocks * space.f_frsize;
	stat->free = (uint64_t)space.f_bavail * space.f_frsize;
	stat->durable = is_durable((long)kind.f_type);
	stat->read_only = space.f_flag & ST_RDONLY || faccessat(d->directory, ".", W_OK, AT_EACCESS);
	return 0;
}

static const struct disk_ops directory_ops = {
	.append = directory_append,
	.sync = directory_sync,
	.read = directory_read,
	.remove = directory_remove,
	.list = directory_list,
	.stat = directory_stat,
};

/* A file system that has no locks (some network mounts) is used without one. */
static int lock(int directory)
{
	if (!flock(directory, LOCK_EX | LOCK_NB) || errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP)
		return 0;
	return errno == EWOULDBLOCK ? -EBUSY : -errno;
}

int disk_directory_open(struct disk **disk, const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	struct directory_disk *d = NULL;
	int error = lock(directory);
	if (!error && !(d = calloc(1, sizeof *d)))
		error = -ENOMEM;
	if (error) {
		close(directory);
		return error;
	}
	d->disk.ops = &directory_ops;
	d->directory = directory;
	*disk = &d->disk;
	return 0;
}

void disk_directory_close(struct disk *disk)
{
	if (!disk)
		return;
	struct directory_disk *d = directory_of(disk);
	for (size_t i = 0; i < DISK_OPEN_MAX; i++)
		forget(&d->writing[i]);
	forget(&d->reading);
	close(d->directory);
	free(d);
}
