/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/faults/fault_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "hal/linux/disk_directory.h"
#include "storage/bytes.h"

struct file {
	struct file *next;
	char name[DISK_NAME_MAX];
	uint8_t *bytes;
	uint32_t size, synced;    /* written, and durable of that */
	uint32_t last_write;      /* where the newest write began */
	bool linked, link_synced; /* has the name now; has it on the medium */
	bool condemned;           /* a sync of it failed: what was not durable then is not all there, ever */
	unsigned opened;
};

#define DIRECTORY 1000 /* descriptors: of the directory; of files from 0 */
#define FILES_MAX 8

struct fault_disk {
	struct disk disk;          /* for the test: outlives the process that the restart ends */
	struct disk *driver;       /* hal/linux/disk_directory.c, of this life */
	struct disk_kernel kernel; /* what it takes for a file system */
	struct file *files, *open[FILES_MAX];
	struct file *kept; /* copies, by fault_disk_keep */
	uint64_t size;
	struct fault_plan plan;
	unsigned count, more; /* operations since then; still to fail behind the struck one */
	bool struck, down, read_only;
	uint32_t struck_size;
	struct fault_disk *other; /* on the same power; NULL: none */
};

static struct fault_disk *fault_of(const struct disk_kernel *kernel)
{
	return container_of((struct disk_kernel *)(uintptr_t)kernel, struct fault_disk, kernel);
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

static struct file *make(struct fault_disk *d, const char *name)
{
	struct file *f = calloc(1, sizeof *f);
	if (!f)
		abort();
	strcpy(f->name, name);
	f->linked = true;
	f->next = d->files;
	d->files = f;
	return f;
}

/* ---- strikes ---- */

enum fault_operation {
	OPERATION_LOOK, /* opening what is there, listing */
	OPERATION_READ,
	OPERATION_CREATE,
	OPERATION_WRITE,
	OPERATION_SYNC,
	OPERATION_REMOVE,
};

static bool is_change(enum fault_operation operation)
{
	return operation != OPERATION_READ && operation != OPERATION_LOOK;
}

/* A cut among reads is the same as one at the next change. */
static bool counts(const struct fault_disk *d, enum fault_operation operation)
{
	switch (d->plan.fault) {
	case FAULT_NONE:
		return false;
	case FAULT_EIO:
	case FAULT_PULLED:
		return true;
	case FAULT_ENOSPC:
		return operation == OPERATION_CREATE || operation == OPERATION_WRITE;
	case FAULT_ROT:
		return operation == OPERATION_WRITE;
	case FAULT_SYNC:
		return operation == OPERATION_SYNC;
	case FAULT_SHORT:
		return operation == OPERATION_READ || operation == OPERATION_WRITE;
	default:
		return is_change(operation);
	}
}

static const int errors[FAULT_COUNT] = {
	[FAULT_EIO] = -EIO,
	[FAULT_ENOSPC] = -ENOSPC,
	[FAULT_SHORT] = -EINTR,
	[FAULT_ROT] = -EILSEQ,
	[FAULT_SYNC] = -EIO,
	[FAULT_READ_ONLY] = -EROFS,
};

/* 0, or what the operation fails with. Cuts take the disk down. */
static int strike(struct fault_disk *d, enum fault_operation operation)
{
	if (d->down)
		return -ENODEV;
	if (d->read_only && is_change(operation))
		return -EROFS;
	if (d->struck && d->more) {
		d->more--;
		return errors[d->plan.fault];
	}
	if (d->struck || !counts(d, operation))
		return 0;
	d->count++;
	if (d->count + (d->other ? d->other->count : 0) != d->plan.at)
		return 0;
	d->struck = true;
	d->down = d->plan.fault >= FAULT_PULLED;
	if (d->other && d->down)
		d->other->down = d->other->struck = true;
	d->read_only |= d->plan.fault == FAULT_READ_ONLY;
	return d->down ? -ENODEV : errors[d->plan.fault];
}

/* ---- the file system ---- */

static int fault_enter(const struct disk_kernel *kernel, const char *path)
{
	(void)kernel, (void)path;
	return DIRECTORY;
}

static int fault_open(const struct disk_kernel *kernel, int directory, const char *name, int flags)
{
	struct fault_disk *d = fault_of(kernel);
	(void)directory;
	bool creates = flags & O_CREAT;
	unsigned before = d->count;
	int error = strike(d, creates ? OPERATION_CREATE : OPERATION_LOOK), file = 0;
	bool cut = d->down && d->count != before;
	struct file *f = find(d, name);
	if (!error)
		error = creates && f ? -EEXIST : !creates && !f ? -ENOENT : 0;
	/* The name may be on the medium, and nothing behind it. */
	if (creates && !f && (!error || cut))
		f = make(d, name);
	if (error)
		return error;
	while (d->open[file])
		if (++file == FILES_MAX)
			abort(); /* the driver keeps no more than three open */
	d->open[file] = f;
	f->opened++;
	return file;
}

static void fault_close(const struct disk_kernel *kernel, int file)
{
	struct fault_disk *d = fault_of(kernel);
	if (file == DIRECTORY)
		return;
	if (!d->open[file])
		abort(); /* closed twice */
	d->open[file]->opened--;
	d->open[file] = NULL;
}

static ssize_t fault_read(const struct disk_kernel *kernel, int file, void *bytes, size_t size, off_t at)
{
	struct fault_disk *d = fault_of(kernel);
	const struct file *f = d->open[file];
	int error = strike(d, OPERATION_READ);
	if (error == -EINTR && size > 1)
		size /= 2;
	else if (error)
		return error;
	if ((uint64_t)at >= f->size)
		return 0;
	size = size < f->size - (uint64_t)at ? size : f->size - (size_t)at;
	memcpy(bytes, f->bytes + at, size);
	return (ssize_t)size;
}

static ssize_t put(struct fault_disk *d, struct file *f, const void *bytes, size_t size, off_t at)
{
	if ((uint64_t)at != f->size)
		abort(); /* the driver appends */
	if (used(d) + size > d->size)
		return -ENOSPC;
	f->bytes = realloc(f->bytes, (size_t)f->size + size + 1);
	if (!f->bytes)
		abort();
	memcpy(f->bytes + f->size, bytes, size);
	f->last_write = f->size;
	f->size += (uint32_t)size;
	return (ssize_t)size;
}

static ssize_t fault_write(const struct disk_kernel *kernel, int file, const void *bytes, size_t size, off_t at)
{
	struct fault_disk *d = fault_of(kernel);
	struct file *f = d->open[file];
	unsigned before = d->count;
	int error = strike(d, OPERATION_WRITE);
	if (!error)
		return put(d, f, bytes, size, at);
	if (error == -EINTR)
		return size > 1 ? put(d, f, bytes, size / 2, at) : error;
	if (error == -EILSEQ) {
		ssize_t n = put(d, f, bytes, size, at);
		if (n > 0)
			f->bytes[(size_t)at + d->plan.tear % size] ^= 0x40;
		return n;
	}
	if (d->struck && d->count != before) {
		d->struck_size = (uint32_t)size;
		put(d, f, bytes, d->plan.tear < size ? d->plan.tear : size - 1, at);
	}
	return error;
}

/* What has no name left, neither now nor on the medium, can never be seen again. */
static void sync_names(struct fault_disk *d)
{
	struct file **at = &d->files;
	while (*at) {
		struct file *f = *at;
		f->link_synced = f->linked;
		if (f->linked || f->opened) {
			at = &f->next;
			continue;
		}
		*at = f->next;
		free(f->bytes);
		free(f);
	}
}

static int fault_sync(const struct disk_kernel *kernel, int file)
{
	struct fault_disk *d = fault_of(kernel);
	int error = strike(d, OPERATION_SYNC);
	if (error == -EIO && file != DIRECTORY)
		d->open[file]->condemned = true;
	if (error)
		return error;
	if (file == DIRECTORY)
		sync_names(d);
	else if (!d->open[file]->condemned)
		d->open[file]->synced = d->open[file]->size;
	return 0;
}

static int fault_remove(const struct disk_kernel *kernel, int directory, const char *name)
{
	struct fault_disk *d = fault_of(kernel);
	(void)directory;
	int error = strike(d, OPERATION_REMOVE);
	struct file *f = find(d, name);
	if (error || !f)
		return error ? error : -ENOENT;
	f->linked = false;
	return 0;
}

static int fault_list(const struct disk_kernel *kernel, int directory,
	int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	struct fault_disk *d = fault_of(kernel);
	(void)directory;
	int result = strike(d, OPERATION_LOOK);
	for (const struct file *f = d->files; f && !result; f = f->next)
		if (f->linked)
			result = found(arg, f->name, f->size);
	return result;
}

static int fault_stat(const struct disk_kernel *kernel, int directory, struct disk_stat *stat)
{
	const struct fault_disk *d = fault_of(kernel);
	(void)directory;
	if (d->down)
		return -ENODEV;
	*stat =
		(struct disk_stat){ .size = d->size, .free = d->size - used(d), .durable = true, .read_only = d->read_only };
	return 0;
}

static const struct disk_kernel fault_kernel = {
	.enter = fault_enter,
	.open = fault_open,
	.read = fault_read,
	.write = fault_write,
	.sync = fault_sync,
	.remove = fault_remove,
	.list = fault_list,
	.stat = fault_stat,
	.close = fault_close,
};

/* ---- the disk that tests hold, whatever life the driver is in ---- */

static struct disk *driver_of(struct disk *disk)
{
	return container_of(disk, struct fault_disk, disk)->driver;
}

static int pass_append(struct disk *disk, const char *name, uint32_t offset, const void *bytes, uint32_t size)
{
	return disk_append(driver_of(disk), name, offset, bytes, size);
}

static int pass_sync(struct disk *disk, const char *name)
{
	return disk_sync(driver_of(disk), name);
}

static int pass_read(struct disk *disk, const char *name, uint32_t offset, void *bytes, uint32_t size)
{
	return disk_read(driver_of(disk), name, offset, bytes, size);
}

static int pass_remove(struct disk *disk, const char *name)
{
	return disk_remove(driver_of(disk), name);
}

static int pass_list(struct disk *disk, int (*found)(void *arg, const char *name, uint64_t size), void *arg)
{
	return disk_list(driver_of(disk), found, arg);
}

static int pass_stat(struct disk *disk, struct disk_stat *stat)
{
	return disk_stat(driver_of(disk), stat);
}

static const struct disk_ops pass_ops = {
	.append = pass_append,
	.sync = pass_sync,
	.read = pass_read,
	.remove = pass_remove,
	.list = pass_list,
	.stat = pass_stat,
};

static void start_driver(struct fault_disk *d)
{
	disk_directory_close(d->driver);
	if (disk_directory_open_with(&d->driver, "a disk in memory", &d->kernel))
		abort();
}

struct fault_disk *fault_disk_create(uint64_t size)
{
	struct fault_disk *d = calloc(1, sizeof *d);
	if (!d)
		abort();
	d->disk.ops = &pass_ops;
	d->kernel = fault_kernel;
	d->size = size;
	start_driver(d);
	return d;
}

static void free_files(struct file *files)
{
	while (files) {
		struct file *f = files;
		files = f->next;
		free(f->bytes);
		free(f);
	}
}

/* In the same order. */
static struct file *copy_files(const struct file *files)
{
	struct file *first = NULL, **end = &first;
	for (; files; files = files->next) {
		struct file *f = malloc(sizeof *f);
		if (!f)
			abort();
		*f = *files;
		f->next = NULL;
		f->bytes = malloc(f->size ? f->size : 1);
		if (!f->bytes)
			abort();
		if (f->size)
			memcpy(f->bytes, files->bytes, f->size);
		*end = f;
		end = &f->next;
	}
	return first;
}

void fault_disk_destroy(struct fault_disk *d)
{
	disk_directory_close(d->driver);
	free_files(d->files);
	free_files(d->kept);
	free(d);
}

struct disk *fault_disk_disk(struct fault_disk *d)
{
	return &d->disk;
}

void fault_disk_join(struct fault_disk *a, struct fault_disk *b)
{
	a->other = b;
	b->other = a;
}

void fault_disk_plan(struct fault_disk *d, const struct fault_plan *plan)
{
	d->plan = *plan;
	d->count = d->more = 0;
	d->struck = false;
}

void fault_disk_more(struct fault_disk *d, unsigned more)
{
	d->more = more;
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
	/* Some pages did not arrive, others did: its end may look as if it were whole. */
	if (f->condemned && f->synced < f->size)
		memset(f->bytes + f->synced + (f->size - f->synced) / 4, 0, (f->size - f->synced) / 4);
	else if (fault == FAULT_CUT_LOST || fault == FAULT_CUT_NAMES || fault == FAULT_PULLED)
		f->size = f->synced;
	if (fault == FAULT_CUT_REORDERED && f->synced < f->last_write)
		memset(f->bytes + f->synced, 0, f->last_write - f->synced);
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
	d->down = false;
	start_driver(d);
	d->plan = (struct fault_plan){ .fault = FAULT_NONE };
}

void fault_disk_keep(struct fault_disk *d)
{
	start_driver(d);
	free_files(d->kept);
	d->kept = copy_files(d->files);
}

void fault_disk_put_back(struct fault_disk *d)
{
	start_driver(d); /* it keeps files open */
	free_files(d->files);
	d->files = copy_files(d->kept);
}

int fault_disk_each(struct fault_disk *d, fault_disk_file *file, void *arg)
{
	int result = 0;
	for (struct file *f = d->files; f && !result; f = f->next)
		if (f->linked)
			result = file(arg, f->name, f->bytes, f->size);
	return result;
}
