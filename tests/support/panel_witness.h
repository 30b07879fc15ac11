/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A witness beside the front panel: it watches the finger and reads the display, knows nothing of the panel's modes, and
 * says whether what the panel asked for was really confirmed.
 */
#ifndef TESTS_SUPPORT_PANEL_WITNESS_H
#define TESTS_SUPPORT_PANEL_WITNESS_H

#include "agent/panel/panel.h"

/* What the finger has really done. Times end at their limits, so that there are finitely many witnesses. */
struct witness {
	uint8_t contact, booted;
	uint8_t active, stoppable; /* something runs; it may be stopped */
	uint8_t valid;             /* the finger came down after the box had started */
	uint8_t counted;           /* the hold that goes on was long enough */
	uint8_t first;             /* offer named on the display when the first hold was complete; 0: there was none */
	uint8_t released;          /* ... and the finger was lifted since */
	uint16_t up_ms, held_ms;   /* contact open; closed, and watched */
	uint16_t since_ms;         /* contact open since the first hold was let go; too long, and it is forgotten */
};

/* Time passes before an event; watched: somebody looked. */
void witness_time(struct witness *witness, const struct panel_rules *rules, int64_t gap, bool watched);
/* Fails the test where the panel asked for what the finger had not confirmed. */
void witness_check(const struct witness *witness, const struct panel_rules *rules, const struct panel_output *output);
/* After the check: remembers a first hold that is complete. named: offer on the display; 0: none. */
void witness_hold(
	struct witness *witness, const struct panel_rules *rules, const struct panel_output *output, uint8_t named);
void witness_event(struct witness *witness, const struct panel_rules *rules, const struct panel_event *event);

#endif
