/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event loop: descriptors and timers, on poll(2). Everything in coffretd that is not a story runs in its callbacks.
 *
 * One thread. A callback may add, change and remove any source or timer, its own too. Descriptors are borrowed: whoever
 * adds one removes it before it is closed. Times are milliseconds of the monotonic clock.
 */
#ifndef AGENT_BASE_LOOP_H
#define AGENT_BASE_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOP_SOURCES_MAX 32
#define LOOP_TIMERS_MAX 16

/* revents: as poll(2) gives them; POLLHUP and POLLERR come unasked. */
typedef void loop_ready(void *arg, short revents);
typedef void loop_due(void *arg);

struct loop_source {
	int fd; /* -1: removed */
	short events;
	loop_ready *ready;
	void *arg;
};

struct loop_timer {
	int64_t at; /* 0: not set */
	loop_due *due;
	void *arg;
};

struct loop {
	struct loop_source sources[LOOP_SOURCES_MAX];
	size_t source_count;
	struct loop_timer *timers[LOOP_TIMERS_MAX]; /* those that are set */
	size_t timer_count;
	bool quit;
};

void loop_init(struct loop *loop);

/* events: POLLIN, POLLOUT. -EEXIST where the descriptor is there already, -ENOSPC where the loop is full. */
int loop_add(struct loop *loop, int fd, short events, loop_ready *ready, void *arg);
/* events 0 keeps the source and asks for nothing. -ENOENT. */
int loop_change(struct loop *loop, int fd, short events);
void loop_remove(struct loop *loop, int fd);

/* Calls timer->due once, `ms` from now; set again, it moves. The timer is borrowed until it came or was stopped. */
int loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t ms);
void loop_timer_stop(struct loop *loop, struct loop_timer *timer);

/* Waits at most `ms` (-1: for ever) for something and does what is due. 0, or the errno of poll(2). */
int loop_step(struct loop *loop, int64_t ms);
/* Until loop_quit. */
int loop_run(struct loop *loop);
void loop_quit(struct loop *loop);

#endif
