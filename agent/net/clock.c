/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/net/clock.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "agent/base/now.h"

static const struct net_clock machine_clock = { .now_ms = now_ms, .poll = poll };
static const struct net_clock *current = &machine_clock;

void net_clock_replace(const struct net_clock *clock)
{
	current = clock ? clock : &machine_clock;
}

int64_t net_now_ms(void)
{
	return current->now_ms();
}

int net_poll(struct pollfd *items, nfds_t count, int timeout_ms)
{
	int ready = current->poll(items, count, timeout_ms);

	if (ready >= 0)
		return ready;
	if (errno != EINTR)
		return -errno;
	for (nfds_t i = 0; i < count; i++)
		items[i].revents = 0;
	return 0;
}

int net_wait(int socket, short events, int64_t deadline_ms)
{
	for (;;) {
		int64_t left = deadline_ms - net_now_ms();

		if (left <= 0)
			return -ETIMEDOUT;

		struct pollfd item = { .fd = socket, .events = events };
		int ready = net_poll(&item, 1, left > INT_MAX ? INT_MAX : (int)left);

		if (ready)
			return ready < 0 ? ready : 0;
	}
}
