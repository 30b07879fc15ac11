/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A push button: what happened to it, in order, and whether it is down now.
 *
 * Raw contacts: a driver reports every edge that it sees, bounces too; whoever listens decides what a press is. Times
 * are those of the board's clock, monotonic milliseconds. One thread at a time. Nothing here blocks.
 */
#ifndef HAL_BUTTON_H
#define HAL_BUTTON_H

#include <stdbool.h>
#include <stdint.h>

struct button;

struct button_event {
	int64_t when_ms; /* monotonic; never before the event before it */
	bool down;
};

struct button_ops {
	int (*next)(struct button *button, struct button_event *event);
	int (*level)(struct button *button);
};

struct button {
	const struct button_ops *ops;
	const char *name; /* the word printed on it, lower case */
	int64_t last_ms;  /* of the wrapper: keeps when_ms in order */
};

/*
 * 1 and the oldest event that waits, 0 where none does, -ENODEV where the device is gone. Where a driver lost events
 * its next one tells the level now. A button that is NULL (the board has none) never has an event.
 */
int button_next(struct button *button, struct button_event *event);

/* 1 down, 0 up, -ENODEV gone. NULL is up. */
int button_level(struct button *button);

#endif
