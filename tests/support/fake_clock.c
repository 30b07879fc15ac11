/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_clock.h"

#include <stdatomic.h>
#include <stddef.h>

#include "agent/net/clock.h"

static atomic_llong now = 1000000;

static int64_t fake_now(void)
{
	return atomic_load(&now);
}

static int fake_poll(struct pollfd *items, nfds_t count, int timeout_ms)
{
	int64_t deadline = fake_now() + timeout_ms;

	for (;;) {
		int ready = poll(items, count, 1);

		if (ready || (timeout_ms >= 0 && fake_now() >= deadline))
			return ready;
	}
}

void fake_clock_install(void)
{
	static const struct net_clock clock = { .now_ms = fake_now, .poll = fake_poll };

	net_clock_replace(&clock);
}

void fake_clock_remove(void)
{
	net_clock_replace(NULL);
}

void fake_clock_advance(int seconds)
{
	atomic_fetch_add(&now, (long long)seconds * 1000);
}
