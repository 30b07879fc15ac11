/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/linux/clock_kernel.h"

#include <sys/timex.h>
#include <time.h>

static int64_t kernel_monotonic(struct clock *clock)
{
	(void)clock;
	struct timespec now;
	if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return 0;
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool kept_in_step(void)
{
	struct timex state = { .modes = 0 };
	int answer = adjtimex(&state);
	return answer >= 0 && answer != TIME_ERROR && !(state.status & STA_UNSYNC);
}

static void kernel_wall(struct clock *clock, struct clock_wall *wall)
{
	(void)clock;
	*wall = (struct clock_wall){ .seconds = time(NULL), .trusted = kept_in_step() };
}

const struct clock_ops kernel_clock_ops = {
	.monotonic = kernel_monotonic,
	.wall = kernel_wall,
};
