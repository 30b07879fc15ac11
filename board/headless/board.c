/* SPDX-License-Identifier: Apache-2.0 */
/* Any Linux machine: no panel, the kernel's clock, a directory or a UBI volume that keeps the snapshots. */
#include "board/board.h"

#include "hal/linux/clock_kernel.h"
#include "hal/linux/flash_ubi.h"

static struct clock kernel_clock = { &kernel_clock_ops };

const struct board board = {
	.name = "headless",
	.clock = &kernel_clock,
	.volume = BOARD_VOLUME_DIRECTORY,
	.flash_open = flash_ubi_open,
	.flash_close = flash_ubi_close,
};
