/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/disk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/bytes.h"

struct disk_volume {
	struct volume volume;
	struct disk *disk;
};

struct file_name {
	char text[DISK_NAME_MAX];
};

static struct file_name name_of(uint64_t id)
{
	struct file_name name;
	snprintf(name.text, sizeof name.text, "%016" PRIx64 ".seg", id);
	return name;
}

static struct disk *disk_of(struct volume *volume)
{
	return container_of(volume, struct disk_volume, volume)->disk;
}

static int disk_volume_write(struct volume *volume, uint64_t id, uint32_t offset, const void *bytes, uint32_t size)
{
	return disk_append(disk_of(volume), name_of(id).text, offset, bytes, size);
}

static int disk_volume_sync(struct volume *volume, uint64_t id)
{
	int error = disk_sync(disk_of(volume), name_of(id).text);
	return error ? error : disk_sync(disk_of(volume), NULL);
}

static int disk_volume_read(struct volume *volume, uint64_t id, uint32_t offset, void *bytes, uint32_t size)
{
	return disk_read(disk_of(volume), name_of(id).text, offset, bytes, size);
}

static int disk_volume_remove(struct volume *volume, uint64_t id)
{
	int error = disk_remove(disk_of(volume), name_of(id).text);
	return error ? error : disk_sync(disk_of(volume), NULL);
}

struct walk {
	int (*found)(void *arg, uint64_t id, uint32_t size);
	void *arg;
};

static int found_file(void *arg, const char *text, uint64_t size)
{
	const struct walk *walk = arg;
	uint64_t id = strtoull(text, NULL, 16);
	if (strcmp(text, name_of(id).text) != 0 || size > UINT32_MAX)
		return 0;
	return walk->found(walk->arg, id, (uint32_t)size);
}

static int disk_volume_list(struct volume *volume, int (*found)(void *arg, uint64_t id, uint32_t size), void *arg)
{
	struct walk walk = { found, arg };
	return disk_list(disk_of(volume), found_file, &walk);
}

static int disk_volume_stat(struct volume *volume, struct volume_stat *stat)
{
	struct disk_stat disk = { 0 };
	int error = disk_stat(disk_of(volume), &disk);
	if (error)
		return error;
	stat->size = disk.size;
	stat->free = disk.free;
	stat->durable = disk.durable;
	stat->read_only = disk.read_only;
	return 0;
}

static const struct volume_ops disk_volume_ops = {
	.write = disk_volume_write,
	.sync = disk_volume_sync,
	.read = disk_volume_read,
	.remove = disk_volume_remove,
	.list = disk_volume_list,
	.stat = disk_volume_stat,
};

int disk_volume_open(struct volume **volume, struct disk *disk, uint32_t segment_size)
{
	struct disk_volume *v = calloc(1, sizeof *v);
	if (!v)
		return -ENOMEM;
	v->volume = (struct volume){ &disk_volume_ops, segment_size ? segment_size : DISK_SEGMENT_SIZE, 1, 0 };
	v->disk = disk;
	*volume = &v->volume;
	return 0;
}

void disk_volume_close(struct volume *volume)
{
	if (volume)
		free(container_of(volume, struct disk_volume, volume));
}
