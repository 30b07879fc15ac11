/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/base/loop.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>

#include "agent/base/now.h"

void loop_init(struct loop *loop)
{
	memset(loop, 0, sizeof(*loop));
}

static struct loop_source *find_source(struct loop *loop, int fd)
{
	for (size_t i = 0; i < loop->source_count; i++)
		if (loop->sources[i].fd == fd)
			return &loop->sources[i];
	return NULL;
}

int loop_add(struct loop *loop, int fd, short events, loop_ready *ready, void *arg)
{
	if (fd < 0)
		return -EBADF;
	if (find_source(loop, fd))
		return -EEXIST;
	if (loop->source_count == LOOP_SOURCES_MAX)
		return -ENOSPC;
	loop->sources[loop->source_count++] = (struct loop_source){ fd, events, ready, arg };
	return 0;
}

int loop_change(struct loop *loop, int fd, short events)
{
	struct loop_source *source = fd < 0 ? NULL : find_source(loop, fd);
	if (!source)
		return -ENOENT;
	source->events = events;
	return 0;
}

/* Only marked: a callback may be running over the table. loop_step sweeps. */
void loop_remove(struct loop *loop, int fd)
{
	struct loop_source *source = fd < 0 ? NULL : find_source(loop, fd);
	if (source)
		source->fd = -1;
}

static void sweep(struct loop *loop)
{
	size_t kept = 0;
	for (size_t i = 0; i < loop->source_count; i++)
		if (loop->sources[i].fd >= 0)
			loop->sources[kept++] = loop->sources[i];
	loop->source_count = kept;
}

int loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t ms)
{
	if (!timer->at) {
		if (loop->timer_count == LOOP_TIMERS_MAX)
			return -ENOSPC;
		loop->timers[loop->timer_count++] = timer;
	}
	timer->at = now_ms() + (ms > 0 ? ms : 0);
	return 0;
}

void loop_timer_stop(struct loop *loop, struct loop_timer *timer)
{
	timer->at = 0;
	for (size_t i = 0; i < loop->timer_count; i++) {
		if (loop->timers[i] == timer) {
			loop->timers[i] = loop->timers[--loop->timer_count];
			return;
		}
	}
}

static struct loop_timer *first_timer(const struct loop *loop)
{
	struct loop_timer *first = NULL;
	for (size_t i = 0; i < loop->timer_count; i++)
		if (!first || loop->timers[i]->at < first->at)
			first = loop->timers[i];
	return first;
}

static int wait_ms(const struct loop *loop, int64_t ms)
{
	const struct loop_timer *timer = first_timer(loop);
	if (timer) {
		int64_t left = timer->at - now_ms();
		left = left > 0 ? left : 0;
		ms = ms < 0 || left < ms ? left : ms;
	}
	return ms < 0 ? -1 : ms > INT_MAX ? INT_MAX : (int)ms;
}

/* At most as many as were set when it began: a timer that sets itself to 0 ms must not keep the descriptors waiting. */
static void run_timers(struct loop *loop)
{
	int64_t now = now_ms();
	for (size_t left = loop->timer_count; left > 0; left--) {
		struct loop_timer *timer = first_timer(loop);
		if (!timer || timer->at > now)
			return;
		loop_timer_stop(loop, timer);
		timer->due(timer->arg);
	}
}

static void run_sources(struct loop *loop, const struct pollfd *ready, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct loop_source *source = &loop->sources[i];
		if (ready[i].revents && source->fd == ready[i].fd)
			source->ready(source->arg, ready[i].revents);
	}
}

int loop_step(struct loop *loop, int64_t ms)
{
	struct pollfd ready[LOOP_SOURCES_MAX];
	sweep(loop);
	size_t count = loop->source_count;
	for (size_t i = 0; i < count; i++)
		ready[i] = (struct pollfd){ loop->sources[i].fd, loop->sources[i].events, 0 };
	int found = poll(ready, (nfds_t)count, wait_ms(loop, ms));
	if (found < 0 && errno != EINTR)
		return -errno;
	if (found > 0)
		run_sources(loop, ready, count);
	run_timers(loop);
	return 0;
}

int loop_run(struct loop *loop)
{
	int result = 0;
	while (!loop->quit && result == 0)
		result = loop_step(loop, -1);
	return result;
}

void loop_quit(struct loop *loop)
{
	loop->quit = true;
}
