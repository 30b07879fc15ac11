/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/key_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

int key_file_read(const char *path, uint8_t key[KEY_FILE_SIZE])
{
	uint8_t bytes[KEY_FILE_SIZE + 1];
	struct stat stat;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file < 0)
		return -errno;
	int result = fstat(file, &stat) < 0 ? -errno : stat.st_mode & 077 ? -EPERM : 0;
	if (result == 0 && read(file, bytes, sizeof(bytes)) != KEY_FILE_SIZE)
		result = -EBADMSG;
	close(file);
	if (result == 0)
		memcpy(key, bytes, KEY_FILE_SIZE);
	explicit_bzero(bytes, sizeof(bytes));
	return result;
}

static int sync_directory(const char *path)
{
	char copy[512];
	snprintf(copy, sizeof(copy), "%s", path);
	int directory = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	int result = fsync(directory) < 0 ? -errno : 0;
	close(directory);
	return result;
}

int key_file_make(const char *path, uint8_t key[KEY_FILE_SIZE])
{
	if (getrandom(key, KEY_FILE_SIZE, 0) != KEY_FILE_SIZE)
		return -EIO;
	int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (file < 0)
		return -errno;
	int result = write(file, key, KEY_FILE_SIZE) != KEY_FILE_SIZE ? -ENOSPC : fsync(file) < 0 ? -errno : 0;
	if (close(file) < 0 && result == 0)
		result = -errno;
	if (result == 0)
		result = sync_directory(path);
	if (result < 0)
		unlink(path);
	return result;
}
