/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/led.h"

#include <errno.h>
#include <stddef.h>

struct beat {
	const char *name;
	int lit_ms, period_ms;
};

static const struct beat beats[LED_PATTERN_COUNT] = {
	[LED_OFF] = { "off", 0, 1 },
	[LED_ON] = { "on", 1, 1 },
	[LED_SLOW] = { "slow", 1000, 2000 },
	[LED_FAST] = { "fast", 200, 400 },
	[LED_PULSE] = { "pulse", 200, 3000 },
};

static const char *const colours[] = {
	[LED_GREEN] = "green",
	[LED_BLUE] = "blue",
	[LED_AMBER] = "amber",
	[LED_RED] = "red",
	[LED_WHITE] = "white",
};

static bool pattern_exists(enum led_pattern pattern)
{
	return (unsigned)pattern < LED_PATTERN_COUNT;
}

int led_show(struct led *led, enum led_pattern pattern)
{
	if (!pattern_exists(pattern))
		return -EINVAL;
	return led ? led->ops->show(led, pattern) : 0;
}

bool led_lit(enum led_pattern pattern, int64_t now_ms)
{
	if (!pattern_exists(pattern) || now_ms < 0)
		return false;
	return now_ms % beats[pattern].period_ms < beats[pattern].lit_ms;
}

const char *led_pattern_name(enum led_pattern pattern)
{
	return pattern_exists(pattern) ? beats[pattern].name : NULL;
}

const char *led_colour_name(enum led_colour colour)
{
	return (unsigned)colour < sizeof(colours) / sizeof(colours[0]) ? colours[colour] : NULL;
}
