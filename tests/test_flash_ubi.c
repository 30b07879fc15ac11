/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The UBI driver on a kernel that is made up here: the rules of drivers/mtd/ubi/cdev.c in few lines over the simulated
 * flash, and a sysfs of files. It shows what the driver asks for, not that a kernel answers so.
 */
#include "hal/linux/flash_ubi.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <mtd/ubi-user.h>

#include "hal/sim/flash_sim.h"
#include "storage/flash.h"
#include "tests/support/sample.h"

static const struct flash_sim_geometry geometry = { .count = 48, .size = 4096 + 2 * 512, .unit = 512, .spare = 4 };

static struct {
	struct flash *flash;
	char directory[64], class[96], device[96];
	bool is_open, may_write;
	int change; /* the LEB that is being changed; -1: none */
	uint32_t wanted, received;
	uint8_t bytes[8192];
	int fail_change; /* an errno, once */
	int broken;      /* EINTR and half reads first, as signals make them */
	unsigned unknown;
	char log[4096];
} kernel;

static int refuse(int error)
{
	errno = error;
	return -1;
}

static int result_of(int result)
{
	return result < 0 ? refuse(-result) : result;
}

static void log_call(const char *name)
{
	if (strlen(kernel.log) + strlen(name) + 2 < sizeof kernel.log)
		strcat(strcat(kernel.log, name), " ");
}

static int fake_open(const char *path, int flags)
{
	assert_string_equal(path, kernel.device);
	assert_int_equal(flags & O_ACCMODE, O_RDWR);
	if (kernel.is_open)
		return refuse(EBUSY);
	kernel.is_open = true;
	log_call("open");
	return 1000;
}

static int fake_close(int file)
{
	assert_int_equal(file, 1000);
	kernel.is_open = false;
	kernel.change = -1;
	log_call("close");
	return 0;
}

static int fake_control(int file, unsigned long request, void *arg)
{
	int32_t leb = 0;
	assert_int_equal(file, 1000);
	switch (request) {
	case UBI_IOCSETVOLPROP: {
		const struct ubi_set_vol_prop_req *property = arg;
		assert_int_equal(property->property, UBI_VOL_PROP_DIRECT_WRITE);
		kernel.may_write = property->value;
		log_call("direct");
		return 0;
	}
	case UBI_IOCEBUNMAP:
		memcpy(&leb, arg, 4);
		log_call("unmap");
		return result_of(flash_unmap(kernel.flash, (uint32_t)leb));
	case UBI_IOCEBMAP: {
		const struct ubi_map_req *map = arg;
		log_call("map");
		if (flash_is_mapped(kernel.flash, (uint32_t)map->lnum) == 1)
			return refuse(EBADMSG);
		return result_of(flash_change(kernel.flash, (uint32_t)map->lnum, NULL, 0));
	}
	case UBI_IOCEBISMAP:
		memcpy(&leb, arg, 4);
		return result_of(flash_is_mapped(kernel.flash, (uint32_t)leb));
	case UBI_IOCEBCH: {
		const struct ubi_leb_change_req *change = arg;
		kernel.change = change->lnum;
		kernel.wanted = (uint32_t)change->bytes;
		kernel.received = 0;
		log_call("change");
		return 0;
	}
	default:
		kernel.unknown++;
		return refuse(ENOTTY);
	}
}

static ssize_t fake_read(int file, void *bytes, size_t size, off_t offset)
{
	uint32_t leb = (uint32_t)(offset / geometry.size), inside = (uint32_t)(offset % geometry.size);
	assert_int_equal(file, 1000);
	if (kernel.broken && kernel.broken++ % 2)
		return refuse(EINTR);
	size = kernel.broken && size > 1 ? size / 2 : size;
	int error = flash_read(kernel.flash, leb, inside, bytes, (uint32_t)size);
	return error ? refuse(-error) : (ssize_t)size;
}

static ssize_t feed_change(const void *bytes, size_t size)
{
	if (kernel.fail_change) {
		int error = kernel.fail_change;
		kernel.fail_change = 0;
		return refuse(error);
	}
	assert_true(size <= kernel.wanted - kernel.received);
	memcpy(kernel.bytes + kernel.received, bytes, size);
	kernel.received += (uint32_t)size;
	if (kernel.received < kernel.wanted)
		return (ssize_t)size;
	int error = flash_change(kernel.flash, (uint32_t)kernel.change, kernel.bytes, kernel.wanted);
	kernel.change = -1;
	return error ? refuse(-error) : (ssize_t)size;
}

static ssize_t fake_write(int file, const void *bytes, size_t size, off_t offset)
{
	assert_int_equal(file, 1000);
	if (kernel.broken && kernel.broken++ % 2)
		return refuse(EINTR);
	if (kernel.change >= 0)
		return feed_change(bytes, size);
	if (!kernel.may_write)
		return refuse(EPERM);
	log_call("write");
	int error = flash_write(
		kernel.flash, (uint32_t)(offset / geometry.size), (uint32_t)(offset % geometry.size), bytes, (uint32_t)size);
	return error ? refuse(-error) : (ssize_t)size;
}

static struct ubi_kernel fake = { NULL, fake_open, fake_close, fake_control, fake_read, fake_write };

static void put(const char *of, const char *name, const char *text)
{
	char path[192];
	snprintf(path, sizeof path, "%s/%s", kernel.class, of);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/%s/%s", kernel.class, of, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int boot(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof kernel);
	kernel.change = -1;
	strcpy(kernel.directory, "/tmp/coffret-ubi-XXXXXX");
	if (!mkdtemp(kernel.directory) || flash_sim_open(&kernel.flash, NULL, &geometry))
		return -1;
	snprintf(kernel.class, sizeof kernel.class, "%s/class", kernel.directory);
	snprintf(kernel.device, sizeof kernel.device, "%s/ubi3_12", kernel.directory);
	mkdir(kernel.class, 0700);
	fclose(fopen(kernel.device, "w"));
	fake.class = kernel.class;
	put("ubi3_12", "type", "dynamic\n");
	put("ubi3_12", "upd_marker", "0\n");
	put("ubi3_12", "reserved_ebs", "48\n");
	put("ubi3_12", "usable_eb_size", "5120\n");
	put("ubi3", "min_io_size", "512\n");
	put("ubi3", "bad_peb_count", "7\n");
	put("ubi3", "max_ec", "4711\n");
	put("ubi3", "ro_mode", "0\n");
	return 0;
}

static int shut_down(void **state)
{
	char command[96];
	(void)state;
	flash_sim_close(kernel.flash);
	snprintf(command, sizeof command, "rm -rf %s", kernel.directory);
	return system(command);
}

static struct flash *open_flash(void)
{
	struct flash *flash;
	assert_int_equal(flash_ubi_open_with(&flash, kernel.device, &fake), 0);
	return flash;
}

static void geometry_and_health_come_from_sysfs(void **state)
{
	(void)state;
	struct flash_stat stat;
	struct flash *flash = open_flash();
	assert_int_equal(flash->count, 48);
	assert_int_equal(flash->size, 5120);
	assert_int_equal(flash->unit, 512);
	assert_int_equal(flash_stat(flash, &stat), 0);
	assert_int_equal(stat.bad_blocks, 7);
	assert_int_equal(stat.max_erase_count, 4711);
	assert_false(stat.read_only);
	put("ubi3", "ro_mode", "1\n");
	assert_int_equal(flash_stat(flash, &stat), 0);
	assert_true(stat.read_only);
	char path[192];
	snprintf(path, sizeof path, "%s/ubi3/ro_mode", kernel.class);
	unlink(path); /* kernels before 4.7 */
	assert_int_equal(flash_stat(flash, &stat), 0);
	flash_ubi_close(flash);
}

static void what_cannot_be_used_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *name, *text, *back;
		int error;
	} cases[] = {
		{ "type", "static\n", "dynamic\n", -EINVAL },
		{ "upd_marker", "1\n", "0\n", -EBADF },
		{ "reserved_ebs", "0\n", "48\n", -EIO },
		{ "reserved_ebs", "", "48\n", -EIO },
		{ "usable_eb_size", "5120 bytes\n", "5120\n", -EIO },
		{ "usable_eb_size", "5000\n", "5120\n", -EIO },
		{ "usable_eb_size", "99999999999\n", "5120\n", -EIO },
	};
	struct flash *flash;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		put("ubi3_12", cases[i].name, cases[i].text);
		assert_int_equal(flash_ubi_open_with(&flash, kernel.device, &fake), cases[i].error);
		put("ubi3_12", cases[i].name, cases[i].back);
	}
	assert_int_equal(flash_ubi_open_with(&flash, "/dev/null", &fake), -ENOTTY);
	assert_int_equal(flash_ubi_open_with(&flash, "/dev/ubi99_99", &fake), -ENOENT);
	assert_string_equal(kernel.log, "");
	kernel.is_open = true;
	assert_int_equal(flash_ubi_open_with(&flash, kernel.device, &fake), -EBUSY);
	kernel.is_open = false;
	flash_ubi_close(open_flash());
}

static void the_kernel_is_asked_for_just_this(void **state)
{
	(void)state;
	static uint8_t bytes[1024], got[1024];
	struct flash *flash = open_flash();
	assert_int_equal(flash_write(flash, 5, 0, bytes, 1024), 0);
	assert_int_equal(flash_is_mapped(flash, 5), 1);
	assert_int_equal(flash_is_mapped(flash, 6), 0);
	assert_int_equal(flash_unmap(flash, 5), 0);
	assert_int_equal(flash_change(flash, 6, bytes, 1024), 0);
	assert_int_equal(flash_change(flash, 6, NULL, 0), 0);
	assert_int_equal(flash_is_mapped(flash, 6), 1);
	assert_int_equal(flash_read(flash, 6, 0, got, 1024), 0);
	assert_int_equal(got[0], 0xff);
	flash_ubi_close(flash);
	assert_string_equal(kernel.log, "open direct write unmap change unmap map close ");
	assert_int_equal(kernel.unknown, 0);
}

/* Else the bytes of the next write would be taken for the rest of it. */
static void a_change_that_failed_is_ended(void **state)
{
	(void)state;
	static uint8_t bytes[1024];
	struct flash *flash = open_flash();
	kernel.fail_change = EIO;
	assert_int_equal(flash_change(flash, 6, bytes, 1024), -EIO);
	assert_int_equal(flash_write(flash, 7, 0, bytes, 512), 0);
	assert_int_equal(flash_is_mapped(flash, 7), 1);
	assert_int_equal(flash_is_mapped(flash, 6), 0);
	flash_ubi_close(flash);
	assert_string_equal(kernel.log, "open direct change close open direct write close ");
}

static void a_repository_lives_on_it(void **state)
{
	(void)state;
	static const struct sample sample = { .seed = 1, .streams = 2, .chunks = 14, .shared = 8, .chunk_size = 500 };
	uint64_t id;
	kernel.broken = 2;
	for (int life = 0; life < 3; life++) {
		struct flash *flash = open_flash();
		struct volume *volume;
		struct repository *repository;
		assert_int_equal(flash_volume_open(&volume, flash, 2), 0);
		assert_int_equal(sample_open(&repository, volume), 0);
		if (life == 0)
			assert_int_equal(sample_store(repository, &sample, true, &id), 0);
		assert_int_equal(sample_compare(repository, &sample, id), 0);
		repository_close(repository);
		flash_volume_close(volume);
		flash_ubi_close(flash);
		flash_sim_restart(kernel.flash);
		kernel.may_write = false; /* the kernel does not keep it */
	}
	assert_int_equal(flash_sim_misuses(kernel.flash), 0);
	assert_int_equal(kernel.unknown, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(geometry_and_health_come_from_sysfs, boot, shut_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_used_is_refused, boot, shut_down),
		cmocka_unit_test_setup_teardown(the_kernel_is_asked_for_just_this, boot, shut_down),
		cmocka_unit_test_setup_teardown(a_change_that_failed_is_ended, boot, shut_down),
		cmocka_unit_test_setup_teardown(a_repository_lives_on_it, boot, shut_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
