/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Box time over the lives of the box: what was kept on the volume, the time since then that the box was on, and the time
 * that it was off as far as a trusted clock can prove it.
 *
 * Time spent off is looked at once a life, at the first moment at which wall time is trusted, and at most BOX_STEP_MAX of
 * it is added: a clock that jumps adds nothing afterwards, and box time never goes back. What is more is held back until a
 * person says at the panel that the box was really off for so long. All in seconds. One thread at a time.
 */
#ifndef AGENT_STORE_BOX_CLOCK_H
#define AGENT_STORE_BOX_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hal/clock.h"

#define BOX_STEP_MAX (30 * INT64_C(86400))

/* What is kept from one life to the next. */
struct box_mark {
	int64_t box;
	int64_t wall;      /* seconds since 1970 that it was then, at least; 0: never known */
	int64_t held_back; /* time that it was off and that nobody has confirmed */
};

struct box_clock {
	struct clock *clock; /* borrowed */
	struct box_time box;
	int64_t wall; /* that it was at least when this life began; 0: not known */
	bool settled; /* the time before this life was looked at */
	int64_t held_back;
};

void box_clock_start(struct box_clock *box, struct clock *clock, const struct box_mark *kept);
int64_t box_clock_now(struct box_clock *box);
/* A person has confirmed it: what was held back counts. */
void box_clock_confirm(struct box_clock *box);
void box_clock_mark(struct box_clock *box, struct box_mark *mark);

/* The mark as a record, and back. -EBADMSG: it is none. */
#define BOX_MARK_SIZE 72
size_t box_mark_encode(const struct box_mark *mark, char text[BOX_MARK_SIZE]);
int box_mark_decode(struct box_mark *mark, const char *text, size_t size);

#endif
