/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/sim/sim.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* One board has one clock; any thread may read it while the socket moves it. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t read_ms(clockid_t id)
{
	struct timespec now = { 0 };
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Real milliseconds that the clock has missed since it was frozen; 0 where it runs. */
static int64_t missed_ms(struct sim_clock *clock)
{
	int64_t frozen_at = clock->frozen_at_ms;
	return frozen_at ? read_ms(CLOCK_BOOTTIME) - frozen_at : 0;
}

static int64_t sim_clock_monotonic(struct clock *base)
{
	struct sim_clock *clock = container_of(base, struct sim_clock, clock);
	pthread_mutex_lock(&lock);
	int64_t frozen_at = clock->frozen_at_ms;
	int64_t now = (frozen_at ? frozen_at : read_ms(CLOCK_BOOTTIME)) + clock->monotonic_offset_ms;
	pthread_mutex_unlock(&lock);
	return now;
}

/* A box that was off: the process begins so many seconds ahead of the machine's wall clock. */
static void begin_ahead(struct sim_clock *clock)
{
	const char *ahead = getenv("COFFRET_SIM_AHEAD");
	if (!clock->begun && ahead)
		clock->wall_offset_ms += strtoll(ahead, NULL, 10) * 1000;
	clock->begun = true;
}

static void sim_clock_wall(struct clock *base, struct clock_wall *wall)
{
	struct sim_clock *clock = container_of(base, struct sim_clock, clock);
	pthread_mutex_lock(&lock);
	begin_ahead(clock);
	int64_t ms = read_ms(CLOCK_REALTIME) - missed_ms(clock) + clock->wall_offset_ms;
	*wall = (struct clock_wall){ .seconds = ms / 1000, .trusted = !clock->untrusted };
	pthread_mutex_unlock(&lock);
}

void sim_clock_advance(struct sim_clock *clock, int64_t ms)
{
	pthread_mutex_lock(&lock);
	clock->monotonic_offset_ms += ms;
	clock->wall_offset_ms += ms;
	pthread_mutex_unlock(&lock);
}

void sim_clock_freeze(struct sim_clock *clock)
{
	pthread_mutex_lock(&lock);
	if (!clock->frozen_at_ms)
		clock->frozen_at_ms = read_ms(CLOCK_BOOTTIME);
	pthread_mutex_unlock(&lock);
}

void sim_clock_run(struct sim_clock *clock)
{
	pthread_mutex_lock(&lock);
	int64_t missed = missed_ms(clock);
	clock->frozen_at_ms = 0;
	clock->monotonic_offset_ms -= missed;
	clock->wall_offset_ms -= missed;
	pthread_mutex_unlock(&lock);
}

bool sim_clock_frozen(struct sim_clock *clock)
{
	pthread_mutex_lock(&lock);
	bool frozen = clock->frozen_at_ms != 0;
	pthread_mutex_unlock(&lock);
	return frozen;
}

void sim_clock_set_wall(struct sim_clock *clock, int64_t seconds, bool trusted)
{
	pthread_mutex_lock(&lock);
	/* Half a second in: two clocks are read one after the other, and a millisecond must not show as a second. */
	clock->wall_offset_ms = seconds * 1000 + 500 - read_ms(CLOCK_REALTIME) + missed_ms(clock);
	clock->untrusted = !trusted;
	pthread_mutex_unlock(&lock);
}

const struct clock_ops sim_clock_ops = {
	.monotonic = sim_clock_monotonic,
	.wall = sim_clock_wall,
};
