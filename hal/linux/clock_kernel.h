/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's clocks. Wall time is trusted where the kernel says that something keeps it in step. */
#ifndef HAL_LINUX_CLOCK_KERNEL_H
#define HAL_LINUX_CLOCK_KERNEL_H

#include "hal/clock.h"

extern const struct clock_ops kernel_clock_ops;

#endif
