/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/config/config.h"

/* A name without a slash is one of systemd's credentials, whose directory only this service may enter. */
static int open_password(const struct credential *credential, bool *ours)
{
	char path[4096];
	const char *name = credential->password_file;
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	*ours = strchr(name, '/') != NULL;
	if (!*name || (!*ours && !directory))
		return -ENOENT;
	int length = *ours ? snprintf(path, sizeof(path), "%s", name)
					   : snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (length >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return file < 0 ? -errno : file;
}

static int check_file(const struct credential *credential, int file, bool ours)
{
	struct stat stat;
	if (fstat(file, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return -EINVAL;
	if (ours && (stat.st_mode & 077))
		return -EPERM;
	bool unchanged = !ours ||
		(stat.st_ctim.tv_sec == credential->dropped_change[0] && stat.st_ctim.tv_nsec == credential->dropped_change[1]);
	return credential->dropped && unchanged ? -EKEYREJECTED : 0;
}

static int read_password(int file, char *password, size_t size)
{
	ssize_t got = read(file, password, size);
	if (got < 0)
		return -errno;
	if ((size_t)got == size)
		return -EMSGSIZE;
	while (got > 0 && (password[got - 1] == '\n' || password[got - 1] == '\r'))
		got--;
	password[got] = '\0';
	if (got == 0)
		return -ENODATA;
	return strlen(password) == (size_t)got ? 0 : -EINVAL;
}

int credential_password(const struct credential *credential, char *password, size_t size)
{
	bool ours;
	int file = open_password(credential, &ours);
	if (file < 0)
		return file;
	int result = check_file(credential, file, ours);
	if (result == 0)
		result = read_password(file, password, size);
	close(file);
	if (result < 0)
		explicit_bzero(password, size);
	return result;
}
