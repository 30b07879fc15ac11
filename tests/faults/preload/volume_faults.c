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
	GONE,            /* EIO, from here on: the volume was pulled */
	FULL,            /* ENOSPC at every write from here on */
};

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

/* 0, or the errno with which this operation fails. *kill_after: it is the last thing this process does. */
static int strike(int file, bool write, bool *kill_after)
{
	*kill_after = false;
	if (!faults || !is_under(file))
		return 0;
	atomic_fetch_add(&faults->operations, 1);

	unsigned left = atomic_load(&faults->countdown), action = atomic_load(&faults->action);

	if (left == 0 || (write ? action == KILL_BEFORE || action == KILL_AFTER : action == FULL))
		return 0;
	if (left > 1) {
		atomic_fetch_sub(&faults->countdown, 1);
		return 0;
	}
	atomic_fetch_add(&faults->struck, 1);
	if (action == KILL_BEFORE)
		die();
	*kill_after = action == KILL_AFTER;
	return action == GONE ? EIO : action == FULL ? ENOSPC : 0;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
	static ssize_t (*next)(int, const void *, size_t, off_t);
	bool kill_after;
	int error = strike(file, true, &kill_after);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "pwrite");
	if (error) {
		errno = error;
		return -1;
	}

	ssize_t written = next(file, bytes, size, offset);

	if (kill_after)
		die();
	return written;
}

int fsync(int file)
{
	static int (*next)(int);
	bool kill_after;
	int error = strike(file, false, &kill_after);

	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "fsync");
	if (error) {
		errno = error;
		return -1;
	}

	int result = next(file);

	if (kill_after)
		die();
	return result;
}
