/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A real UBI, as the guest machine has it (tests/guest): volume 0 of device 0, on /dev/mtd0. As root. What cannot be done
 * fails the test.
 */
#ifndef TESTS_SUPPORT_REAL_UBI_H
#define TESTS_SUPPORT_REAL_UBI_H

#include "hal/flash.h"

#define REAL_UBI_VOLUME "/dev/ubi0_0"

/* Every LEB is unmapped, for good. It must not be open. */
void real_ubi_blank(void);

/* As a start after a power cut: what UBI knew is gone, it scans the chip. It must not be open. */
void real_ubi_attach_again(void);

/* UBI itself cuts the power while it writes the nth header from now on: no write after it, until it is attached again. */
void real_ubi_plan_cut(unsigned n);

/* Two bits of a page are lost, one more than its checksum corrects. */
void real_ubi_spoil(struct flash *flash, uint32_t leb, uint32_t offset);

#endif
