/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/small_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_directory(const char *path)
{
	int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory < 0 ? -errno : directory;
}

int small_file_read(const char *path, const char *name, void *bytes, size_t size)
{
	int directory = open_directory(path);
	if (directory < 0)
		return directory;
	int file = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int result = file < 0 ? -errno : 0;
	close(directory);
	if (file < 0)
		return result;
	struct stat stat;
	ssize_t got = fstat(file, &stat) == 0 && (size_t)stat.st_size <= size ? read(file, bytes, size) : -1;
	if (got < 0)
		result = stat.st_size > (off_t)size ? -EFBIG : -EIO;
	close(file);
	return result < 0 ? result : (int)got;
}

static int write_whole(int file, const void *bytes, size_t size)
{
	ssize_t written = write(file, bytes, size);
	if (written < 0)
		return -errno;
	if ((size_t)written < size)
		return -ENOSPC;
	return fsync(file) < 0 ? -errno : 0;
}

static int replace(int directory, const char *name, const void *bytes, size_t size)
{
	char beside[256];
	snprintf(beside, sizeof(beside), "%s.new", name);
	int file = openat(directory, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return -errno;
	int result = write_whole(file, bytes, size);
	if (close(file) < 0 && result == 0)
		result = -errno;
	if (result == 0 && renameat(directory, beside, directory, name) < 0)
		result = -errno;
	if (result < 0)
		unlinkat(directory, beside, 0);
	else if (fsync(directory) < 0)
		result = -errno;
	return result;
}

int small_file_write(const char *path, const char *name, const void *bytes, size_t size)
{
	int directory = open_directory(path);
	if (directory < 0)
		return directory;
	int result = replace(directory, name, bytes, size);
	close(directory);
	return result;
}
