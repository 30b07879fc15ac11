/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/linux/keystore_linux.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int file_load(struct keystore *keystore, uint8_t key[KEYSTORE_KEY_SIZE])
{
	const struct keystore_file *store = container_of(keystore, struct keystore_file, keystore);
	uint8_t bytes[KEYSTORE_KEY_SIZE + 1];
	struct stat stat;
	int file = open(store->path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (file < 0)
		return -errno;
	int result = fstat(file, &stat) < 0 ? -errno : stat.st_mode & 077 ? -EPERM : 0;
	if (result == 0 && read(file, bytes, sizeof(bytes)) != KEYSTORE_KEY_SIZE)
		result = -EBADMSG;
	close(file);
	if (result == 0)
		memcpy(key, bytes, KEYSTORE_KEY_SIZE);
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

static int write_durably(const char *path, const uint8_t key[KEYSTORE_KEY_SIZE])
{
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0)
		return -errno;
	int result = write(file, key, KEYSTORE_KEY_SIZE) != KEYSTORE_KEY_SIZE ? -ENOSPC : fsync(file) < 0 ? -errno : 0;
	if (close(file) < 0 && result == 0)
		result = -errno;
	return result;
}

/* Beside its place first: what a power cut leaves there must not be taken for a key, nor keep one from being made. */
static int file_store(struct keystore *keystore, const uint8_t key[KEYSTORE_KEY_SIZE])
{
	const struct keystore_file *store = container_of(keystore, struct keystore_file, keystore);
	char beside[512];
	if (snprintf(beside, sizeof(beside), "%s.new", store->path) >= (int)sizeof(beside))
		return -ENAMETOOLONG;
	int result = write_durably(beside, key);
	if (result == 0 && renameat2(AT_FDCWD, beside, AT_FDCWD, store->path, RENAME_NOREPLACE) < 0)
		result = -errno;
	if (result < 0) {
		unlink(beside);
		return result;
	}
	result = sync_directory(store->path);
	if (result < 0)
		unlink(store->path);
	return result;
}

const struct keystore_ops keystore_file_ops = { .load = file_load, .store = file_store };
