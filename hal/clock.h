/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, three kinds. Monotonic: milliseconds since the box started, asleep or awake; for waiting. Wall: what people read;
 * may jump, may be wrong, and says whether it is trusted. Box time: seconds that this box has lived, as far as it can
 * prove; never goes back, counts only time that the box was on; for retention and locks.
 *
 * Safe from any thread.
 */
#ifndef HAL_CLOCK_H
#define HAL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct clock;

struct clock_wall {
	int64_t seconds; /* since 1970 UTC */
	bool trusted;    /* set by a time server, or by a person */
};

struct clock_ops {
	int64_t (*monotonic)(struct clock *clock);
	void (*wall)(struct clock *clock, struct clock_wall *wall);
};

struct clock {
	const struct clock_ops *ops;
};

/* Milliseconds; never negative. */
int64_t clock_monotonic(struct clock *clock);
void clock_wall(struct clock *clock, struct clock_wall *wall);

/*
 * Box time = high-water mark + time since boot. The owner keeps the mark on the volume: box_time_now's answer, written
 * now and then, is the next life's mark. A cut loses at most what passed since the last writing; nothing goes back.
 */
struct box_time {
	int64_t mark_s;  /* seconds at base_ms */
	int64_t base_ms; /* monotonic */
};

/* mark: what was kept last, 0 for a new box; negative is taken as 0. */
void box_time_start(struct box_time *box, struct clock *clock, int64_t mark);
/* Seconds; never less than the mark, even where the monotonic clock is broken. */
int64_t box_time_now(const struct box_time *box, struct clock *clock);

#endif
