/* SPDX-License-Identifier: Apache-2.0 */
/* The lock is on the directory itself, so it works on a file system mounted read-only. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "hal/linux/disk_directory.h"

/* The mount is there, and what served it is not: a FUSE server that ended, a file server that went away. */
static int failure(void)
{
	switch (errno) {
	case ENOTCONN:
	case ECONNABORTED: /* it ended while it was asked */
	case ECONNRESET:
	case ESHUTDOWN:
	case ESTALE:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ETIMEDOUT:
	case ENXIO:
		return -ENODEV;
	default:
		return -errno;
	}
}

/* A file system that has no locks (some network mounts) is used without one. */
static int lock(int directory)
{
	if (!flock(directory, LOCK_EX | LOCK_NB) || errno == EBADF || errno == ENOLCK || errno == EOPNOTSUPP)
		return 0;
	return errno == EWOULDBLOCK ? -EBUSY : failure();
}

static int linux_enter(const struct disk_kernel *kernel, const char *path)
{
	(void)kernel;
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return failure();
	int error = lock(directory);
	if (error)
		close(directory);
	return error ? error : directory;
}

static int linux_open(const struct disk_kernel *kernel, int directory, const char *name, int flags)
{
	(void)kernel;
	int file = openat(directory, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
	return file < 0 ? failure() : file;
}

static ssize_t linux_read(const struct disk_kernel *kernel, int file, void *bytes, size_t size, off_t at)
{
	(void)kernel;
	ssize_t n = pread(file, bytes, size, at);
	return n < 0 ? failure() : n;
}

static ssize_t linux_write(const struct disk_kernel *kernel, int file, const void *bytes, size_t size, off_t at)
{
	(void)kernel;
	ssize_t n = pwrite(file, bytes, size, at);
	return n < 0 ? failure() : n;
}

static int linux_sync(const struct disk_kernel *kernel, int file)
{
	(void)kernel;
	int error = fsync(file) ? failure() : 0;
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	return error;
}

static int linux_remove(const struct disk_kernel *kernel, int directory, const char *name)
{
	(void)kernel;
	return unlinkat(directory, name, 0) ? failure() : 0;
}

static int report(int directory, const char *name, int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	struct stat stat;
	if (strlen(name) >= DISK_NAME_MAX)
		return 0;
	/* Somebody else's may have gone since its name was read. */
	if (fstatat(directory, name, &stat, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? 0 : failure();
	return S_ISREG(stat.st_mode) ? found(arg, name, (uint64_t)stat.st_size) : 0;
}

static int linux_list(const struct disk_kernel *kernel, int directory,
	int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	(void)kernel;
	int again = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *walk = again < 0 ? NULL : fdopendir(again);
	if (!walk) {
		int error = failure();
		if (again >= 0)
			close(again);
		return error;
	}
	int error = 0;
	for (const struct dirent *entry; !error && (errno = 0, entry = readdir(walk));)
		error = report(directory, entry->d_name, found, arg);
	if (!error && errno)
		error = failure();
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
		0x5346414f /* afs */,
		0x786f4256 /* vboxsf */,
		0xbacbacbc /* vmhgfs */,
	};
	for (size_t i = 0; i < sizeof not_durable / sizeof not_durable[0]; i++)
		if ((uint32_t)type == not_durable[i])
			return false;
	return true;
}

static int linux_stat(const struct disk_kernel *kernel, int directory, struct disk_stat *stat)
{
	(void)kernel;
	struct statvfs space;
	struct statfs kind;
	if (fstatvfs(directory, &space) || fstatfs(directory, &kind))
		return failure();
	stat->size = (uint64_t)space.f_blocks * space.f_frsize;
	stat->free = (uint64_t)space.f_bavail * space.f_frsize;
	stat->durable = is_durable((long)kind.f_type);
	stat->read_only = space.f_flag & ST_RDONLY || faccessat(directory, ".", W_OK, AT_EACCESS);
	return 0;
}

static void linux_close(const struct disk_kernel *kernel, int file)
{
	(void)kernel;
	close(file);
}

const struct disk_kernel disk_kernel_linux = {
	.enter = linux_enter,
	.open = linux_open,
	.read = linux_read,
	.write = linux_write,
	.sync = linux_sync,
	.remove = linux_remove,
	.list = linux_list,
	.stat = linux_stat,
	.close = linux_close,
};
