/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job/schedule.h"

#include <time.h>

enum { DAY = 86400 };

static int64_t offset_at(int64_t instant)
{
	time_t when = (time_t)instant;
	struct tm local;
	return localtime_r(&when, &local) ? (int64_t)local.tm_gmtoff : 0;
}

/* The instant at which the offset stops being what it is at `low`; it is another one at `high`. */
static int64_t find_change(int64_t low, int64_t high)
{
	int64_t before = offset_at(low);
	while (high - low > 1) {
		int64_t middle = low + (high - low) / 2;
		if (offset_at(middle) == before)
			low = middle;
		else
			high = middle;
	}
	return high;
}

/*
 * `wall` is a local time as if it were UTC. With the offset from before the clock change and the one from after it
 * there are two candidates; an instant is right if its own offset leads back to it.
 */
static int64_t instant_of(int64_t wall)
{
	int64_t early = offset_at(wall - 36 * 3600), late = offset_at(wall + 36 * 3600);
	int64_t a = wall - early, b = wall - late;
	int64_t first = a < b ? a : b, second = a < b ? b : a;
	if (offset_at(first) + first == wall)
		return first;
	if (offset_at(second) + second == wall)
		return second;
	return find_change(first, second);
}

/* Days since 1970 of the local date of an instant. */
static int64_t local_day(int64_t instant)
{
	int64_t wall = instant + offset_at(instant);
	return wall >= 0 ? wall / DAY : -((-wall + DAY - 1) / DAY);
}

/* Bit 0 Monday; 1 January 1970 was a Thursday. */
static unsigned int weekday(int64_t day)
{
	return (unsigned int)(((day + 3) % 7 + 7) % 7);
}

static int64_t next_of(const struct schedule_time *time, int64_t after)
{
	int64_t today = local_day(after);
	for (int64_t day = today - 1; day <= today + 8; day++) {
		if (!(time->days & 1u << weekday(day)))
			continue;
		int64_t due = instant_of(day * DAY + time->hour * 3600 + time->minute * 60);
		if (due > after)
			return due;
	}
	return INT64_MAX;
}

int64_t schedule_next(const struct schedule_time *times, size_t count, int64_t after)
{
	int64_t next = INT64_MAX;
	for (size_t i = 0; i < count; i++) {
		int64_t due = next_of(&times[i], after);
		if (due < next)
			next = due;
	}
	return next;
}

bool schedule_missed(const struct schedule_time *times, size_t count, int64_t last_run, int64_t now)
{
	return now - last_run > DAY && schedule_next(times, count, last_run) <= now;
}

void schedule_start(struct schedule *schedule, const struct schedule_time *times, size_t count, int64_t now)
{
	schedule->times = times;
	schedule->count = count;
	schedule->last_look = now;
	schedule->next = schedule_next(times, count, now);
}

bool schedule_look(struct schedule *schedule, int64_t now)
{
	bool put_back = now < schedule->last_look;
	bool due = !put_back && now >= schedule->next;
	schedule->last_look = now;
	if (due || put_back)
		schedule->next = schedule_next(schedule->times, schedule->count, now);
	return due;
}
