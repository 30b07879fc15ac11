/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flash is a UBI volume, /dev/ubiX_Y: dynamic, and written a LEB at a time. Its geometry is read from sysfs when it is
 * opened, its health whenever it is asked for.
 */
#ifndef HAL_LINUX_FLASH_UBI_H
#define HAL_LINUX_FLASH_UBI_H

#include <errno.h>
#include <sys/types.h>

#include "hal/flash.h"

/* What this driver asks of the kernel, so that a test can be the kernel. Returns as the calls do, with errno. */
struct ubi_kernel {
	const char *class; /* directory: "/sys/class/ubi" */
	int (*open)(const char *path, int flags);
	int (*close)(int file);
	int (*control)(int file, unsigned long request, void *arg);
	ssize_t (*read)(int file, void *bytes, size_t size, off_t offset);
	ssize_t (*write)(int file, const void *bytes, size_t size, off_t offset);
};

/*
 * The volume is this process's to write until flash_ubi_close: -EBUSY where another process has it. -ENOTTY: no UBI
 * volume; -EINVAL: a static one; -EBADF: an update of it was cut short, it must be made anew (ubirmvol, ubimkvol).
 */
#ifdef CONFIG_HAL_FLASH_UBI
int flash_ubi_open(struct flash **flash, const char *path);
/* kernel is borrowed until flash_ubi_close. */
int flash_ubi_open_with(struct flash **flash, const char *path, const struct ubi_kernel *kernel);
/* NULL is nothing. */
void flash_ubi_close(struct flash *flash);
#else
static inline int flash_ubi_open(struct flash **flash, const char *path)
{
	(void)flash, (void)path;
	return -EOPNOTSUPP;
}

static inline void flash_ubi_close(struct flash *flash)
{
	(void)flash;
}
#endif

#endif
