/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/flash.h"

#include <errno.h>
#include <string.h>

static bool is_inside(const struct flash *flash, uint32_t leb, uint32_t offset, uint32_t size)
{
	return leb < flash->count && size <= flash->size && offset <= flash->size - size;
}

int flash_read(struct flash *flash, uint32_t leb, uint32_t offset, void *bytes, uint32_t size)
{
	if (!is_inside(flash, leb, offset, size))
		return -EINVAL;
	return size ? flash->ops->read(flash, leb, offset, bytes, size) : 0;
}

int flash_write(struct flash *flash, uint32_t leb, uint32_t offset, const void *bytes, uint32_t size)
{
	if (!size || !is_inside(flash, leb, offset, size) || offset % flash->unit || size % flash->unit)
		return -EINVAL;
	return flash->ops->write(flash, leb, offset, bytes, size);
}

int flash_unmap(struct flash *flash, uint32_t leb)
{
	return leb < flash->count ? flash->ops->unmap(flash, leb) : -EINVAL;
}

int flash_change(struct flash *flash, uint32_t leb, const void *bytes, uint32_t size)
{
	if (!is_inside(flash, leb, 0, size) || size % flash->unit)
		return -EINVAL;
	return flash->ops->change(flash, leb, size ? bytes : NULL, size);
}

int flash_is_mapped(struct flash *flash, uint32_t leb)
{
	return leb < flash->count ? flash->ops->is_mapped(flash, leb) : -EINVAL;
}

int flash_stat(struct flash *flash, struct flash_stat *stat)
{
	memset(stat, 0, sizeof *stat);
	return flash->ops->stat(flash, stat);
}

int flash_read_units(struct flash *flash, uint32_t leb, uint32_t offset, void *bytes, uint32_t size, uint8_t *bad)
{
	uint8_t *to = bytes;
	int count = 0;
	for (uint32_t i = 0; size; i++) {
		uint32_t step = flash->unit - offset % flash->unit;
		step = step < size ? step : size;
		int error = flash_read(flash, leb, offset, to, step);
		if (error && error != -EBADMSG)
			return error;
		bad[i / 8] = (uint8_t)((bad[i / 8] & ~(1u << i % 8)) | (error ? 1u : 0u) << i % 8);
		if (error) {
			memset(to, 0xff, step);
			count++;
		}
		to += step;
		offset += step;
		size -= step;
	}
	return count;
}
