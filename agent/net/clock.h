/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time that the network's limits are measured in: it never goes back and stands for no date. Replaceable, so that
 * a test can have ten minutes pass in a millisecond.
 */
#ifndef AGENT_NET_CLOCK_H
#define AGENT_NET_CLOCK_H

#include <poll.h>
#include <stdint.h>

struct net_clock {
	int64_t (*now_ms)(void);
	/* As poll(2), with the timeout in this clock's time. */
	int (*poll)(struct pollfd *items, nfds_t count, int timeout_ms);
};

int64_t net_now_ms(void);
/* As poll(2): the number of ready items, 0 where timeout_ms went by, a negative errno. An interruption counts as 0. */
int net_poll(struct pollfd *items, nfds_t count, int timeout_ms);

/* Waits for events on one socket until deadline_ms: 0 or -ETIMEDOUT. */
int net_wait(int socket, short events, int64_t deadline_ms);

/* NULL: the machine's clock again. Not while another thread waits. */
void net_clock_replace(const struct net_clock *clock);

#endif
