/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/clock.h"

int64_t clock_monotonic(struct clock *clock)
{
	int64_t now = clock->ops->monotonic(clock);
	return now > 0 ? now : 0;
}

void clock_wall(struct clock *clock, struct clock_wall *wall)
{
	clock->ops->wall(clock, wall);
}

void box_time_start(struct box_time *box, struct clock *clock, int64_t mark)
{
	box->mark_s = mark > 0 ? mark : 0;
	box->base_ms = clock_monotonic(clock);
}

int64_t box_time_now(const struct box_time *box, struct clock *clock)
{
	int64_t lived_ms = clock_monotonic(clock) - box->base_ms;
	return box->mark_s + (lived_ms > 0 ? lived_ms / 1000 : 0);
}
