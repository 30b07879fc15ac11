/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store/place.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "board/board.h"
#include "storage/disk.h"
#include "storage/flash.h"

bool place_is_flash(const char *path)
{
	size_t length = strlen(path);
	return !strncmp(path, "/dev/", 5) || (board.flash_make && length > 5 && !strcmp(path + length - 5, ".nand"));
}

int place_open(struct place *place, const char *path)
{
	struct stat stat_path = { .st_dev = 0 };
	*place = (struct place){ .volume = NULL };
	if (stat(path, &stat_path) < 0)
		return -errno;
	place->device = stat_path.st_dev;
	place->inode = stat_path.st_ino;
	if (!place_is_flash(path)) {
		int error = disk_directory_open(&place->disk, path);
		return error ? error : disk_volume_open(&place->volume, place->disk, 0);
	}
	int error = board.flash_open ? board.flash_open(&place->flash, path) : -EOPNOTSUPP;
	return error ? error : flash_volume_open(&place->volume, place->flash, 0);
}

bool place_is_there(const struct place *place, const char *path)
{
	struct stat now;
	return stat(path, &now) == 0 && now.st_dev == place->device && now.st_ino == place->inode;
}

dev_t place_file_system(const char *path)
{
	char part[512];
	struct stat of;
	if (strlen(path) >= sizeof(part))
		return 0;
	strcpy(part, path);
	for (char *slash; stat(part, &of) < 0; *slash = '\0') {
		slash = strrchr(part, '/');
		if (!slash)
			return stat("/", &of) == 0 ? of.st_dev : 0;
	}
	return of.st_dev;
}

int place_make_flash(const char *path)
{
	return board.flash_make ? board.flash_make(path) : 0;
}

void place_close(struct place *place)
{
	if (place->flash) {
		flash_volume_close(place->volume);
		board.flash_close(place->flash);
	} else {
		disk_volume_close(place->volume);
		disk_directory_close(place->disk);
	}
	*place = (struct place){ .volume = NULL };
}
