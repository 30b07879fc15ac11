/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/volume.h"

#include <errno.h>
#include <string.h>

int volume_write(struct volume *volume, uint64_t id, uint32_t offset, const void *bytes, uint32_t size)
{
	if (!size || size > volume->segment_size || offset > volume->segment_size - size)
		return -EINVAL;
	if (offset % volume->write_unit || size % volume->write_unit)
		return -EINVAL;
	return volume->ops->write(volume, id, offset, bytes, size);
}

int volume_sync(struct volume *volume, uint64_t id)
{
	return volume->ops->sync(volume, id);
}

int volume_read(struct volume *volume, uint64_t id, uint32_t offset, void *bytes, uint32_t size)
{
	if (size > UINT32_MAX - offset)
		return -ERANGE;
	if (!size)
		return 0;
	return volume->ops->read(volume, id, offset, bytes, size);
}

int volume_remove(struct volume *volume, uint64_t id)
{
	return volume->ops->remove(volume, id);
}

int volume_list(struct volume *volume, int (*found)(void *arg, uint64_t id, uint32_t size), void *arg)
{
	return volume->ops->list(volume, found, arg);
}

int volume_stat(struct volume *volume, struct volume_stat *stat)
{
	memset(stat, 0, sizeof *stat);
	stat->segment_size = volume->segment_size;
	stat->write_unit = volume->write_unit;
	return volume->ops->stat(volume, stat);
}

bool volume_is_damaged(struct volume *volume, uint64_t id)
{
	return volume->ops->is_damaged && volume->ops->is_damaged(volume, id);
}
