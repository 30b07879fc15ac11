/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/real_ubi.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmocka.h>
#include <mtd/mtd-user.h>
#include <mtd/ubi-user.h>

#include "hal/linux/flash_ubi.h"

#define DEBUG "/sys/kernel/debug/ubi/ubi0/tst_emulate_power_cut"
#define HEADERS 3 /* of both kinds: a block's erase counter, a LEB's name */

static void write_text(const char *path, unsigned value)
{
	FILE *file = fopen(path, "w");
	if (!file || fprintf(file, "%u\n", value) < 0 || fclose(file))
		fail_msg("%s: %s", path, strerror(errno));
}

static void control(const char *path, unsigned long request, void *arg)
{
	int file = open(path, O_RDWR);
	if (file < 0 || ioctl(file, request, arg))
		fail_msg("%s, %lx: %s", path, request, strerror(errno));
	close(file);
}

void real_ubi_attach_again(void)
{
	int32_t device = 0;
	struct ubi_attach_req request = { .ubi_num = 0, .mtd_num = 0 };
	control("/dev/ubi_ctrl", UBI_IOCDET, &device);
	control("/dev/ubi_ctrl", UBI_IOCATT, &request);
}

void real_ubi_plan_cut(unsigned n)
{
	write_text(DEBUG "_min", n);
	write_text(DEBUG "_max", n);
	write_text(DEBUG, HEADERS);
}

void real_ubi_blank(void)
{
	struct flash *flash;
	assert_int_equal(flash_ubi_open(&flash, REAL_UBI_VOLUME), 0);
	for (uint32_t leb = 0; leb < flash->count; leb++) {
		assert_int_equal(flash_change(flash, leb, NULL, 0), 0); /* so that nothing comes back */
		assert_int_equal(flash_unmap(flash, leb), 0);
	}
	flash_ubi_close(flash);
}

/* ---- the chip below ---- */

static int open_chip(void)
{
	int chip = open("/dev/mtd0", O_RDWR);
	assert_true(chip >= 0);
	assert_int_equal(ioctl(chip, MTDFILEMODE, (void *)MTD_FILE_MODE_RAW), 0); /* no error is corrected */
	return chip;
}

static void read_chip(int chip, off_t at, void *bytes, size_t size)
{
	assert_int_equal(pread(chip, bytes, size, at), (ssize_t)size);
}

static uint32_t get_be32(const uint8_t *bytes)
{
	uint32_t value;
	memcpy(&value, bytes, sizeof value);
	return be32toh(value);
}

/* Where the bytes of a LEB of volume 0 begin on the chip. */
static off_t find_leb(int chip, uint32_t leb)
{
	struct mtd_info_user info;
	uint8_t counter[64], name[64];
	assert_int_equal(ioctl(chip, MEMGETINFO, &info), 0);
	for (off_t block = 0; block < info.size; block += info.erasesize) {
		read_chip(chip, block, counter, sizeof counter);
		if (memcmp(counter, "UBI#", 4) != 0)
			continue;
		read_chip(chip, block + get_be32(counter + 16), name, sizeof name);
		if (!memcmp(name, "UBI!", 4) && get_be32(name + 8) == 0 && get_be32(name + 12) == leb)
			return block + get_be32(counter + 20);
	}
	fail_msg("LEB %u is not on the chip", leb);
	return -1;
}

void real_ubi_spoil(struct flash *flash, uint32_t leb, uint32_t offset)
{
	uint8_t page[512], unchanged[16], *byte = page;
	memset(unchanged, 0xff, sizeof unchanged); /* programming clears bits, and sets none */
	int chip = open_chip();
	off_t at = find_leb(chip, leb) + offset;
	read_chip(chip, at, page, sizeof page);
	while (__builtin_popcount(*byte) < 2)
		byte++;
	*byte &= (uint8_t)(*byte - 1);
	*byte &= (uint8_t)(*byte - 1);
	struct mtd_write_req request = { .start = (uint64_t)at,
		.len = sizeof page,
		.ooblen = sizeof unchanged,
		.usr_data = (uintptr_t)page,
		.usr_oob = (uintptr_t)unchanged,
		.mode = MTD_OPS_RAW };
	assert_int_equal(ioctl(chip, MEMWRITE, &request), 0);
	close(chip);
	assert_int_equal(flash_read(flash, leb, offset, page, sizeof page), -EBADMSG);
}
