/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UBI levels the wear, replaces bad blocks and moves what begins to rot. Nothing here starts a volume update: that one
 * ioctl empties the whole volume.
 */
#include "hal/linux/flash_ubi.h"

#include <fcntl.h>
#include <limits.h>
#include <mtd/ubi-user.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct ubi_flash {
	struct flash flash;
	const struct ubi_kernel *kernel;
	int file;
	char path[PATH_MAX];
	char volume[64]; /* "ubi0_1", and of that the device: "ubi0" */
	char device[64];
};

static struct ubi_flash *ubi_of(struct flash *flash)
{
	return (struct ubi_flash *)(void *)flash; /* the first member */
}

/* ---- sysfs ---- */

static int read_text(const struct ubi_flash *ubi, const char *of, const char *name, char *text, size_t size)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s/%s", ubi->kernel->class, of, name) >= (int)sizeof path)
		return -ENAMETOOLONG;
	FILE *file = fopen(path, "re");
	if (!file)
		return -errno;
	bool got = fgets(text, (int)size, file) != NULL;
	fclose(file);
	text[got ? strcspn(text, "\n") : 0] = '\0';
	return got ? 0 : -EIO;
}

static int read_number(const struct ubi_flash *ubi, const char *of, const char *name, uint32_t *number)
{
	char text[32], *end;
	int error = read_text(ubi, of, name, text, sizeof text);
	if (error)
		return error;
	unsigned long long value = strtoull(text, &end, 10);
	if (end == text || *end || value > UINT32_MAX)
		return -EIO;
	*number = (uint32_t)value;
	return 0;
}

static int read_geometry(struct ubi_flash *ubi)
{
	struct flash *flash = &ubi->flash;
	char type[16];
	uint32_t cut_short = 0;
	int error = read_text(ubi, ubi->volume, "type", type, sizeof type);
	if (!error && strcmp(type, "dynamic") != 0)
		error = -EINVAL;
	if (!error)
		error = read_number(ubi, ubi->volume, "upd_marker", &cut_short);
	if (!error && cut_short)
		error = -EBADF;
	if (!error)
		error = read_number(ubi, ubi->volume, "reserved_ebs", &flash->count);
	if (!error)
		error = read_number(ubi, ubi->volume, "usable_eb_size", &flash->size);
	if (!error)
		error = read_number(ubi, ubi->device, "min_io_size", &flash->unit);
	return error || (flash->count && flash->unit && flash->size && flash->size % flash->unit == 0) ? error : -EIO;
}

/* "/dev/ubi0_1" and links to it: the last part of the real path. */
static int find_names(struct ubi_flash *ubi, const char *path)
{
	if (!realpath(path, ubi->path))
		return -errno;
	const char *name = strrchr(ubi->path, '/') + 1, *underscore = strchr(name, '_');
	bool fits = !strncmp(name, "ubi", 3) && underscore && strlen(name) < sizeof ubi->volume;
	if (fits) {
		strcpy(ubi->volume, name);
		memcpy(ubi->device, name, (size_t)(underscore - name));
	}
	return fits ? 0 : -ENOTTY;
}

/* ---- operations ---- */

static int control(struct ubi_flash *ubi, unsigned long request, void *arg)
{
	int result;
	do {
		result = ubi->kernel->control(ubi->file, request, arg);
	} while (result < 0 && errno == EINTR);
	return result < 0 ? -errno : result;
}

static off_t place(const struct flash *flash, uint32_t leb, uint32_t offset)
{
	return (off_t)leb * (off_t)flash->size + (off_t)offset;
}

static int ubi_read(struct flash *flash, uint32_t leb, uint32_t offset, void *bytes, uint32_t size)
{
	struct ubi_flash *ubi = ubi_of(flash);
	for (uint8_t *to = bytes; size;) {
		ssize_t n = ubi->kernel->read(ubi->file, to, size, place(flash, leb, offset));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		to += n;
		offset += (uint32_t)n;
		size -= (uint32_t)n;
	}
	return 0;
}

static int write_all(struct ubi_flash *ubi, off_t at, const uint8_t *bytes, uint32_t size)
{
	while (size) {
		ssize_t n = ubi->kernel->write(ubi->file, bytes, size, at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		bytes += n;
		at += n;
		size -= (uint32_t)n;
	}
	return 0;
}

static int ubi_write(struct flash *flash, uint32_t leb, uint32_t offset, const void *bytes, uint32_t size)
{
	return write_all(ubi_of(flash), place(flash, leb, offset), bytes, size);
}

static int ubi_unmap(struct flash *flash, uint32_t leb)
{
	int32_t number = (int32_t)leb;
	return control(ubi_of(flash), UBI_IOCEBUNMAP, &number);
}

static int empty(struct ubi_flash *ubi, uint32_t leb)
{
	struct ubi_map_req request = { .lnum = (int32_t)leb, .dtype = 3 };
	int error = ubi_unmap(&ubi->flash, leb);
	return error ? error : control(ubi, UBI_IOCEBMAP, &request);
}

/* Whether a volume may be written directly is not kept: it is asked for at every open. */
static int open_device(struct ubi_flash *ubi)
{
	struct ubi_set_vol_prop_req request = { .property = UBI_VOL_PROP_DIRECT_WRITE, .value = 1 };
	ubi->file = ubi->kernel->open(ubi->path, O_RDWR | O_CLOEXEC);
	return ubi->file < 0 ? -errno : control(ubi, UBI_IOCSETVOLPROP, &request);
}

/* A change that failed is still waiting for its bytes, and would take the next write for them: closing ends it. */
static void cancel_change(struct ubi_flash *ubi)
{
	ubi->kernel->close(ubi->file);
	open_device(ubi);
}

/* The kernel holds back what is written after UBI_IOCEBCH until it has all of it. */
static int ubi_change(struct flash *flash, uint32_t leb, const void *bytes, uint32_t size)
{
	struct ubi_flash *ubi = ubi_of(flash);
	if (!size)
		return empty(ubi, leb);
	struct ubi_leb_change_req request = { .lnum = (int32_t)leb, .bytes = (int32_t)size, .dtype = 3 };
	int error = control(ubi, UBI_IOCEBCH, &request);
	if (error)
		return error;
	error = write_all(ubi, 0, bytes, size);
	if (error)
		cancel_change(ubi);
	return error;
}

static int ubi_is_mapped(struct flash *flash, uint32_t leb)
{
	int32_t number = (int32_t)leb;
	return control(ubi_of(flash), UBI_IOCEBISMAP, &number);
}

static int ubi_stat(struct flash *flash, struct flash_stat *stat)
{
	const struct ubi_flash *ubi = ubi_of(flash);
	uint32_t read_only = 0;
	int error = read_number(ubi, ubi->device, "bad_peb_count", &stat->bad_blocks);
	if (!error)
		error = read_number(ubi, ubi->device, "max_ec", &stat->max_erase_count);
	if (!error)
		error = read_number(ubi, ubi->device, "ro_mode", &read_only);
	stat->read_only = read_only;
	return error == -ENOENT ? 0 : error; /* ro_mode is there since Linux 4.7 */
}

static const struct flash_ops ubi_ops = {
	.read = ubi_read,
	.write = ubi_write,
	.unmap = ubi_unmap,
	.change = ubi_change,
	.is_mapped = ubi_is_mapped,
	.stat = ubi_stat,
};

/* ---- opening ---- */

static int kernel_open(const char *path, int flags)
{
	return open(path, flags);
}

static int kernel_control(int file, unsigned long request, void *arg)
{
	return ioctl(file, request, arg);
}

static const struct ubi_kernel linux_kernel = { "/sys/class/ubi", kernel_open, close, kernel_control, pread, pwrite };

int flash_ubi_open_with(struct flash **flash, const char *path, const struct ubi_kernel *kernel)
{
	struct ubi_flash *ubi = calloc(1, sizeof *ubi);
	if (!ubi)
		return -ENOMEM;
	ubi->flash.ops = &ubi_ops;
	ubi->kernel = kernel;
	ubi->file = -1;
	int error = find_names(ubi, path);
	if (!error)
		error = read_geometry(ubi);
	if (!error)
		error = open_device(ubi);
	if (error) {
		flash_ubi_close(&ubi->flash);
		return error;
	}
	*flash = &ubi->flash;
	return 0;
}

int flash_ubi_open(struct flash **flash, const char *path)
{
	return flash_ubi_open_with(flash, path, &linux_kernel);
}

void flash_ubi_close(struct flash *flash)
{
	if (!flash)
		return;
	struct ubi_flash *ubi = ubi_of(flash);
	if (ubi->file >= 0)
		ubi->kernel->close(ubi->file);
	free(ubi);
}
