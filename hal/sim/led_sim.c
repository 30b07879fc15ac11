/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/sim/sim.h"

static int sim_led_show(struct led *base, enum led_pattern pattern)
{
	struct sim_led *led = container_of(base, struct sim_led, led);
	if (led->pattern != pattern) {
		led->pattern = pattern;
		sim_changed();
	}
	return 0;
}

const struct led_ops sim_led_ops = {
	.show = sim_led_show,
};
