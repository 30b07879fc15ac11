/* SPDX-License-Identifier: Apache-2.0 */
/* Milliseconds that never go back and stand for no date: the kernel's monotonic clock. */
#ifndef AGENT_BASE_NOW_H
#define AGENT_BASE_NOW_H

#include <stdint.h>

int64_t now_ms(void);

#endif
