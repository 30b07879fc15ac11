/* SPDX-License-Identifier: Apache-2.0 */
/*
 * To be preloaded into coffretd by a system test: what it writes to its volume goes wrong at the N-th operation. The
 * volume is the folder of COFFRET_FAULTS_UNDER; the file of COFFRET_FAULTS, shared with the test, says what goes wrong:
 *
 *   u32 countdown   operations until it strikes, 0: never; of the kind that the action is about
 *   u32 action      enum action
 *   u32 struck      how often it has
 *   u32 operations  writes and syncs so far
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum action {
	KILL_BEFORE = 1, /* the process is killed in place of a sync: what was written may or may not be there */
	KILL_AFTER,      /* right after one */
	GONE,            /* EIO, from a write or sync on: the volume was pulled */
	FULL,            /* ENOSPC at every write from here on */
	CUT,             /* the process is killed in place of any change: a write, a sync, a removal, a new name */
	TORN,            /* right after one; of a write, in the middle of it */
	UNREADABLE,      /* EIO, from a read on: the volume that is only read was pulled */
};

enum kind { READ = 1, WRITE = 2, SYNC = 4, NAME = 8 };

struct faults {
	atomic_uint countdown, action, struck, operations;
};

static struct faults *faults;
static const char *under;

__attribute__((constructor)) static void open_faults(void)
{
	const char *path = getenv("COFFRET_FAULTS");
	int file = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(struct faults), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);

	under = getenv("COFFRET_FAULTS_UNDER");
	if (file >= 0)
		close(file);
	if (map != MAP_FAILED && under)
		faults = map;
}

static bool is_under(int file)
{
	char link[40], path[4096];
	snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
	ssize_t size = readlink(link, path, sizeof(path) - 1);

	if (size <= 0)
		return false;
	path[size] = '\0';
	return strncmp(path, under, strlen(under)) == 0;
}

static void die(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

/* What counts as an operation for an action, and what goes wrong once it has struck. */
static unsigned counted(unsigned action)
{
	switch (action) {
	case KILL_BEFORE:
	case KILL_AFTER:
		return SYNC;
	case GONE:
		return WRITE | SYNC;
	case FULL:
		return WRITE;
	case CUT:
	case TORN:
		return WRITE | SYNC | NAME;
	case UNREADABLE:
		return READ;
	default:
		return 0;
	}
}

static bool is_pulled(void)
{
	unsigned action = atomic_load(&faults->action);
	return atomic_load(&faults->struck) && (action == GONE || action == UNREADABLE);
}

/* 0, or the errno with which this operation fails. *die_after: it is the last thing this process does. */
static int strike(int file, enum kind kind, bool *die_after)
{
	*die_after = false;
	if (!faults || !is_under(file))
		return 0;
	if (kind & (WRITE | SYNC))
		atomic_fetch_add(&faults->operations, 1);

	unsigned left = atomic_load(&faults->countdown), action = atomic_load(&faults->action);

	if (left && is_pulled())
		return EIO;
	if (left == 0 || !(counted(action) & kind))
		return 0;
	if (left > 1) {
		atomic_fetch_sub(&faults->countdown, 1);
		return 0;
	}
	atomic_fetch_add(&faults->struck, 1);
	if (action == KILL_BEFORE || action == CUT)
		die();
	*die_after = action == KILL_AFTER || action == TORN;
	return action == GONE || action == UNREADABLE ? EIO : action == FULL ? ENOSPC : 0;
}

static int fail(int error)
{
	errno = error;
	return -1;
}

/* The half of it that a cut in the middle leaves. */
static size_t torn(size_t size, bool die_after)
{
	return die_after ? size / 2 : size;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
	static ssize_t (*next)(int, const void *, size_t, off_t);
	bool die_after;
	int error = strike(file, WRITE, &die_after);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pwrite");
	if (error)
		return fail(error);

	ssize_t written = next(file, bytes, torn(size, die_after), offset);

	if (die_after)
		die();
	return written;
}

/* Of the state directory: the audit log and small files. What is no file under the folder is not looked at. */
ssize_t write(int file, const void *bytes, size_t size)
{
	static ssize_t (*next)(int, const void *, size_t);
	bool die_after;
	int error = strike(file, WRITE, &die_after);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "write");
	if (error)
		return fail(error);

	ssize_t written = next(file, bytes, torn(size, die_after));

	if (die_after)
		die();
	return written;
}

ssize_t pread(int file, void *bytes, size_t size, off_t offset)
{
	static ssize_t (*next)(int, void *, size_t, off_t);
	bool die_after;
	int error = strike(file, READ, &die_after);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pread");
	return error ? fail(error) : next(file, bytes, size, offset);
}

int fsync(int file)
{
	static int (*next)(int);
	bool die_after;
	int error = strike(file, SYNC, &die_after);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "fsync");
	if (error)
		return fail(error);

	int result = next(file);

	if (die_after)
		die();
	return result;
}

int unlinkat(int directory, const char *name, int flags)
{
	static int (*next)(int, const char *, int);
	bool die_after;
	int error = strike(directory, NAME, &die_after);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "unlinkat");
	if (error)
		return fail(error);

	int result = next(directory, name, flags);

	if (die_after)
		die();
	return result;
}

int renameat(int from, const char *name, int to, const char *new_name)
{
	static int (*next)(int, const char *, int, const char *);
	bool die_after;
	int error = strike(to, NAME, &die_after);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "renameat");
	if (error)
		return fail(error);

	int result = next(from, name, to, new_name);

	if (die_after)
		die();
	return result;
}
