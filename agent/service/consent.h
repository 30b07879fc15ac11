/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request from far away that a person at the front panel has to confirm with two holds (UNLOCK): one at a time, for a
 * few minutes, once. Whoever makes it is in the audit log, and so is the panel's answer. One thread, the event loop's.
 */
#ifndef AGENT_SERVICE_CONSENT_H
#define AGENT_SERVICE_CONSENT_H

#include <stdbool.h>
#include <stdint.h>

#define CONSENT_MS 600000 /* how long it waits */

struct consent {
	uint64_t id;      /* of the last request; counts up */
	int64_t until_ms; /* of now_ms; 0: none waits */
	int64_t days;     /* that are to be counted of those that the box was off */
};

static inline bool consent_waits(const struct consent *consent, int64_t now_ms)
{
	return consent->until_ms && now_ms < consent->until_ms;
}

static inline void consent_ask(struct consent *consent, int64_t days, int64_t now_ms)
{
	consent->id++;
	consent->days = days;
	consent->until_ms = now_ms + CONSENT_MS;
}

/* Once: true where this very request waits. */
static inline bool consent_take(struct consent *consent, uint64_t id, int64_t now_ms)
{
	bool taken = consent_waits(consent, now_ms) && consent->id == id;
	if (taken)
		consent->until_ms = 0;
	return taken;
}

#endif
