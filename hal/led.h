/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A light of one colour, and the five ways in which it can be lit. A driver blinks by itself: nobody calls it in a beat.
 * No two patterns differ by colour alone, and nothing flashes faster than 2.5 times a second.
 */
#ifndef HAL_LED_H
#define HAL_LED_H

#include <stdbool.h>
#include <stdint.h>

enum led_pattern {
	LED_OFF = 0,
	LED_ON,
	LED_SLOW,  /* 1 s on, 1 s off */
	LED_FAST,  /* 0.2 s on, 0.2 s off */
	LED_PULSE, /* 0.2 s on, 2.8 s off: alive */
	LED_PATTERN_COUNT,
};

enum led_colour { LED_GREEN = 1, LED_BLUE, LED_AMBER, LED_RED, LED_WHITE };

struct led;

struct led_ops {
	int (*show)(struct led *led, enum led_pattern pattern);
};

struct led {
	const struct led_ops *ops;
	const char *name; /* what is printed beside it, lower case */
	enum led_colour colour;
};

/* 0, -EINVAL no such pattern, -EIO. A light that is NULL shows nothing and returns 0. */
int led_show(struct led *led, enum led_pattern pattern);

/* Is a light of this pattern lit at this time? For drivers that blink in software. */
bool led_lit(enum led_pattern pattern, int64_t now_ms);

/* "off", "on", "slow", "fast", "pulse"; NULL where there is no such pattern. */
const char *led_pattern_name(enum led_pattern pattern);
/* "green" and so on; NULL where there is no such colour. */
const char *led_colour_name(enum led_colour colour);

#endif
