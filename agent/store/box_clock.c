/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store/box_clock.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void box_clock_start(struct box_clock *box, struct clock *clock, const struct box_mark *kept)
{
	*box = (struct box_clock){
		.clock = clock, .wall = kept->wall > 0 ? kept->wall : 0, .held_back = kept->held_back > 0 ? kept->held_back : 0
	};
	box_time_start(&box->box, clock, kept->box);
}

static int64_t lived(const struct box_clock *box)
{
	return box_time_now(&box->box, box->clock) - box->box.mark_s;
}

/* The first trusted moment says how long the box was off before this life. */
static void settle(struct box_clock *box)
{
	struct clock_wall wall;
	clock_wall(box->clock, &wall);
	if (box->settled || !wall.trusted)
		return;
	box->settled = true;
	int64_t off = wall.seconds - lived(box) - box->wall;
	if (off <= 0)
		return;
	int64_t step = off < BOX_STEP_MAX ? off : BOX_STEP_MAX;
	if (box->wall) {
		box->box.mark_s += step;
		box->held_back += off - step;
	}
	box->wall += off;
}

void box_clock_confirm(struct box_clock *box)
{
	box->box.mark_s += box->held_back;
	box->held_back = 0;
}

int64_t box_clock_now(struct box_clock *box)
{
	settle(box);
	return box_time_now(&box->box, box->clock);
}

/* Until the clock is trusted, wall time goes on from what was known: so no time that was spent off is forgotten. */
void box_clock_mark(struct box_clock *box, struct box_mark *mark)
{
	struct clock_wall wall;
	clock_wall(box->clock, &wall);
	mark->box = box_clock_now(box);
	mark->held_back = box->held_back;
	mark->wall = box->wall ? box->wall + lived(box) : 0;
	if (wall.trusted && wall.seconds > mark->wall)
		mark->wall = wall.seconds;
}

size_t box_mark_encode(const struct box_mark *mark, char text[BOX_MARK_SIZE])
{
	return (size_t)snprintf(
		text, BOX_MARK_SIZE, "%" PRId64 " %" PRId64 " %" PRId64 "\n", mark->box, mark->wall, mark->held_back);
}

int box_mark_decode(struct box_mark *mark, const char *text, size_t size)
{
	char copy[BOX_MARK_SIZE + 1] = "";
	if (size > BOX_MARK_SIZE)
		return -EBADMSG;
	memcpy(copy, text, size);
	mark->held_back = 0; /* older ones do not say */
	bool whole = sscanf(copy, "%" SCNd64 " %" SCNd64 " %" SCNd64, &mark->box, &mark->wall, &mark->held_back) >= 2;
	return whole && mark->box >= 0 && mark->wall >= 0 && mark->held_back >= 0 ? 0 : -EBADMSG;
}
