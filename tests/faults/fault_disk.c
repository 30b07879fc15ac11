/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/fault_disk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct file {
	struct file *next;
	char name[DISK_NAME_MAX];
	uint8_t *bytes;
	uint32_t size, synced;    /* appended, and durable of that */
	uint32_t last_append;     /* where the newest append began */
	bool linked, link_synced; /* has the name now; has it on the medium */
	bool appending, condemned;
};

struct fault_disk {
	struct disk disk;
	struct file *files;
	uint64_t size;
	struct fault_plan plan;
	unsigned count;
	bool struck, down;
	uint32_t struck_size;
};

static struct fault_disk *fault_of(struct disk *disk)
{
	return (struct fault_disk *)(void *)disk;
}

static struct file *find(struct fault_disk *d, const char *name)
{
	for (struct file *f = d->files; f; f = f->next)
		if (f->linked && !strcmp(f->name, name))
			return f;
	return NULL;
}

static uint64_t used(const struct fault_disk *d)
{
	uint64_t sum = 0;
	for (const struct file *f = d->files; f; f = f->next)
		sum += f->linked ? f->size : 0;
	return sum;
}

/* Is it this operation's turn? Errors are returned by the caller, cuts take the disk down. */
static bool strikes(struct fault_disk *d)
{
	d->count++;
	if (d->struck || d->count != d->plan.at || d->plan.fault == FAULT_NONE)
		return false;
	d->struck = true;
	d->down = d->plan.fault >= FAULT_PULLED;
	return true;
}

static int append_bytes(struct fault_disk *d, struct file *f, const void *bytes, uint32_t size)
{
	if (used(d) + size > d->size)
		return -ENOSPC;
	f->bytes = realloc(f->bytes, (size_t)f->size + size + 1);
	if (!f->bytes)
		abort();
	memcpy(f->bytes + f->size, bytes, size);
	f->last_append = f->size;
	f->size += size;
	return 0;
}

static struct file *make(struct fault_disk *d, const char *name)
{
	struct file *f = calloc(1, sizeof *f);
	if (!f)
		abort();
	strcpy(f->name, name);
	f->linked = f->appending = true;
	f->next = d->files;
	d->files = f;
	return f;
}

static unsigned appending(const struct fault_disk *d)
{
	unsigned count = 0;
	for (const struct file *f = d->files; f; f = f->next)
		count += f->linked && f->appending;
	return count;
}

static int fault_append(struct disk *disk, const char *name, uint32_t offset, const void *bytes, uint32_t size)
{
	struct fault_disk *d = fault_of(disk);
	if (d->down)
		return -ENODEV;
	struct file *f = find(d, name);
	if (f && offset == 0)
		return -EEXIST;
	if (!f && offset == 0 && appending(d) < DISK_OPEN_MAX)
		f = make(d, name);
	if (!f || !f->appending || offset != f->size)
		return -EINVAL;
	if (!strikes(d))
		return append_bytes(d, f, bytes, size);
	d->struck_size = size;
	uint32_t arrived = d->plan.tear < size ? d->plan.tear : size - 1;
	append_bytes(d, f, bytes, arrived);
	return d->plan.fault == FAULT_EIO ? -EIO : d->plan.fault == FAULT_ENOSPC ? -ENOSPC : -ENODEV;
}

/* What has no name left, neither now nor on the medium, can never be seen again. */
static void sync_names(struct fault_disk *d)
{
	struct file **at = &d->files;
	while (*at) {
		struct file *f = *at;
		f->link_synced = f->linked;
		if (f->linked) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		free(f->bytes);
		free(f);
	}
}

static int fault_sync(struct disk *disk, const char *name)
{
	struct fault_disk *d = fault_of(disk);
	if (d->down)
		return -ENODEV;
	struct file *f = name ? find(d, name) : NULL;
	if (name && !f)
		return -ENOENT;
	bool struck = strikes(d) && d->plan.fault != FAULT_ENOSPC;
	if (f)
		f->appending = false;
	if (struck) {
		if (f && d->plan.fault == FAULT_EIO)
			f->condemned = true;
		return d->plan.fault == FAULT_EIO ? -EIO : -ENODEV;
	}
	if (!name)
		sync_names(d);
	else if (!f->condemned)
		f->synced = f->size;
	return 0;
}

static int fault_read(struct disk *disk, const char *name, uint32_t offset, void *bytes, uint32_t size)
{
	struct fault_disk *d = fault_of(disk);
	if (d->down)
		return -ENODEV;
	if (strikes(d) && d->plan.fault != FAULT_ENOSPC)
		return d->plan.fault == FAULT_EIO ? -EIO : -ENODEV;
	const struct file *f = find(d, name);
	if (!f)
		return -ENOENT;
	if (offset > f->size || size > f->size - offset)
		return -ERANGE;
	memcpy(bytes, f->bytes + offset, size);
	return 0;
}

static int fault_remove(struct disk *disk, const char *name)
{
	struct fault_disk *d = fault_of(disk);
	if (d->down)
		return -ENODEV;
	if (strikes(d) && d->plan.fault != FAULT_ENOSPC)
		return d->plan.fault == FAULT_EIO ? -EIO : -ENODEV;
	struct file *f = find(d, name);
	if (!f)
		return -ENOENT;
	f->linked = f->appending = false;
	return 0;
}

static int fault_list(struct disk *disk, int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	struct fault_disk *d = fault_of(disk);
	if (d->down)
		return -ENODEV;
	if (strikes(d) && d->plan.fault != FAULT_ENOSPC)
		return d->plan.fault == FAULT_EIO ? -EIO : -ENODEV;
	int result = 0;
	for (const struct file *f = d->files; f && !result; f = f->next)
		if (f->linked)
			result = found(arg, f->name, f->size);
	return result;
}

static int fault_stat(struct disk *disk, struct disk_stat *stat)
{
	struct fault_disk *d = fault_of(disk);
	if (d->down)
		return -ENODEV;
	stat->size = d->size;
	stat->free = d->size - used(d);
	stat->durable = true;
	stat->read_only = false;
	return 0;
}

static const struct disk_ops fault_ops = {
	.append = fault_append,
	.sync = fault_sync,
	.read = fault_read,
	.remove = fault_remove,
	.list = fault_list,
	.stat = fault_stat,
};

struct fault_disk *fault_disk_create(uint64_t size)
{
	struct fault_disk *d = calloc(1, sizeof *d);
	if (!d)
		abort();
	d->disk.ops = &fault_ops;
	d->size = size;
	return d;
}

void fault_disk_destroy(struct fault_disk *d)
{
	while (d->files) {
		struct file *f = d->files;
		d->files = f->next;
		free(f->bytes);
		free(f);
	}
	free(d);
}

struct disk *fault_disk_disk(struct fault_disk *d)
{
	return &d->disk;
}

void fault_disk_plan(struct fault_disk *d, const struct fault_plan *plan)
{
	d->plan = *plan;
	d->count = 0;
	d->struck = false;
}

bool fault_disk_struck(const struct fault_disk *d)
{
	return d->struck;
}

unsigned fault_disk_count(const struct fault_disk *d)
{
	return d->count;
}

uint32_t fault_disk_struck_size(const struct fault_disk *d)
{
	return d->struck_size;
}

/* What a cut leaves of the bytes of one file. */
static void cut_bytes(struct file *f, enum fault fault)
{
	if (f->condemned || fault == FAULT_CUT_LOST || fault == FAULT_CUT_NAMES || fault == FAULT_PULLED)
		f->size = f->synced;
	if (fault == FAULT_CUT_REORDERED && f->synced < f->last_append)
		memset(f->bytes + f->synced, 0, f->last_append - f->synced);
	f->synced = f->size;
}

static void cut(struct fault_disk *d, enum fault fault)
{
	for (struct file *f = d->files; f; f = f->next) {
		if (fault == FAULT_CUT_LOST || fault == FAULT_CUT_BYTES || fault == FAULT_PULLED)
			f->linked = f->link_synced;
		f->link_synced = f->linked;
		cut_bytes(f, fault);
	}
}

void fault_disk_restart(struct fault_disk *d)
{
	if (d->plan.fault != FAULT_CRASH)
		cut(d, d->struck ? d->plan.fault : FAULT_CUT_LOST);
	for (struct file *f = d->files; f; f = f->next)
		f->appending = false;
	d->down = false;
	d->plan = (struct fault_plan){ .fault = FAULT_NONE };
}

int fault_disk_each(struct fault_disk *d, fault_disk_file *file, void *arg)
{
	int result = 0;
	for (struct file *f = d->files; f && !result; f = f->next)
		if (f->linked)
			result = file(arg, f->name, f->bytes, f->size);
	return result;
}
