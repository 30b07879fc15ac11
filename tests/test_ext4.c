/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a box (tests/support/life.h) on a real file system: an ext4 in a file, mounted through a loop device. Behind
 * every few changes the file is copied: what is in it is what a power cut would leave, since the kernel keeps to itself
 * what was not synced. The copy is mounted, its journal replayed, and all that was acknowledged must be there.
 * Without the right to mount, or loop devices, or mkfs.ext4, this is skipped. COFFRET_EXHAUSTIVE=1: behind every change.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "hal/linux/disk_directory.h"
#include "storage/bytes.h"
#include "storage/disk.h"
#include "tests/support/life.h"

#define SEGMENT_SIZE (6u * 1024)

struct place {
	struct medium medium;
	const struct disk_kernel *kernel;
	const char *path; /* the file system is mounted there */
	struct disk *disk;
};

static struct disk_kernel counting; /* Linux, and a cut behind its changes */
static char directory[32];
static char image[64], copy[64], mounted[64], copy_mounted[64];
static struct place home = { .kernel = &counting, .path = mounted };
static struct place after = { .kernel = &disk_kernel_linux, .path = copy_mounted };
static struct life life = { .medium = &home.medium };
static unsigned changes, cuts, step;

/* ---- the file system ---- */

/* A shell's exit status; a and b are its $1 and $2. */
static int run(const char *script, const char *a, const char *b)
{
	int status = -1;
	pid_t shell = fork();
	if (shell == 0) {
		execl("/bin/sh", "sh", "-c", script, "sh", a, b, (char *)NULL);
		_exit(127);
	}
	if (shell < 0 || waitpid(shell, &status, 0) != shell)
		fail_msg("no shell: %s", strerror(errno));
	return status;
}

/* commit=300: its journal is written by what is synced here, and not by the clock while a copy is made. */
static int mount_at(const char *file, const char *path)
{
	return run("mount -t ext4 -o loop,commit=300 $1 $2 2>/dev/null", file, path);
}

static int start_place(struct medium *medium, struct volume **volume)
{
	struct place *place = container_of(medium, struct place, medium);
	int error = disk_directory_open_with(&place->disk, place->path, place->kernel);
	return error ? error : disk_volume_open(volume, place->disk, SEGMENT_SIZE);
}

static void end_place(struct medium *medium, struct volume *volume)
{
	struct place *place = container_of(medium, struct place, medium);
	disk_volume_close(volume);
	disk_directory_close(place->disk);
	place->disk = NULL;
}

static void restart_place(struct medium *medium)
{
	(void)medium;
}

/* ---- cuts ---- */

/*
 * A cut is at one moment; a copy takes a while, and on a busy machine the kernel brings old blocks to their places meanwhile.
 * A copy that is no longer equal when it is done is of no moment: another is made.
 */
static const char copy_script[] =
	"for i in 1 2 3 4 5 6 7 8 9; do cp --sparse=always $1 $2 || exit 1; cmp -s $1 $2 && exit 0; done; exit 1";

static void cut(void)
{
	char what[32];
	struct life next = life;
	if (++changes % step)
		return;
	snprintf(what, sizeof what, "cut behind change %u", changes);
	next.medium = &after.medium;
	next.volume = next.away_volume = NULL;
	next.repository = next.away = NULL; /* in use by the life that goes on */
	if (run(copy_script, image, copy) || mount_at(copy, copy_mounted))
		fail_msg("%s: it cannot be mounted", what);
	life_restart(&next, what);
	life_check_future(&next, what);
	life_end(&next);
	assert_int_equal(run("umount $1", copy_mounted, ""), 0);
	cuts++;
}

static ssize_t cut_write(const struct disk_kernel *kernel, int file, const void *bytes, size_t size, off_t at)
{
	ssize_t n = disk_kernel_linux.write(kernel, file, bytes, size, at);
	cut();
	return n;
}

static int cut_sync(const struct disk_kernel *kernel, int file)
{
	int error = disk_kernel_linux.sync(kernel, file);
	cut();
	return error;
}

static int cut_remove(const struct disk_kernel *kernel, int at, const char *name)
{
	int error = disk_kernel_linux.remove(kernel, at, name);
	cut();
	return error;
}

static int set_up(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/coffret-ext4-XXXXXX");
	assert_non_null(mkdtemp(directory));
	snprintf(image, sizeof image, "%s/image", directory);
	snprintf(copy, sizeof copy, "%s/copy", directory);
	snprintf(mounted, sizeof mounted, "%s/mounted", directory);
	snprintf(copy_mounted, sizeof copy_mounted, "%s/after", directory);
	assert_int_equal(mkdir(mounted, 0700) | mkdir(copy_mounted, 0700), 0);
	home.medium = after.medium = (struct medium){ .start = start_place, .end = end_place, .restart = restart_place };
	counting = disk_kernel_linux;
	counting.write = cut_write;
	counting.sync = cut_sync;
	counting.remove = cut_remove;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	life_destroy(&life);
	run("umount -l $1 2>/dev/null; umount -l $2 2>/dev/null", copy_mounted, mounted);
	return run("rm -rf $1", directory, "");
}

static void acknowledged_snapshots_survive_cuts_on_a_real_file_system(void **state)
{
	(void)state;
	if (run("truncate -s 8M $1 && mkfs.ext4 -q $1 2>/dev/null", image, "") || mount_at(image, mounted)) {
		print_message("an ext4 in a file cannot be made or mounted here\n");
		skip();
	}
	step = getenv("COFFRET_EXHAUSTIVE") ? 1 : 11;
	life_script(&life);
	print_message("%u cuts behind %u changes\n", cuts, changes);
	assert_int_equal(life.acknowledged, LIFE_SCRIPT_ACKNOWLEDGES);
	assert_true(changes > 150 && cuts >= changes / step);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(acknowledged_snapshots_survive_cuts_on_a_real_file_system, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
