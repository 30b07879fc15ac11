/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/sim/sim.h"

static int sim_button_next(struct button *base, struct button_event *event)
{
	struct sim_button *button = container_of(base, struct sim_button, button);
	if (button->count == 0)
		return 0;
	*event = button->events[button->first];
	button->first = (button->first + 1) % SIM_EVENTS_MAX;
	button->count--;
	return 1;
}

static int sim_button_level(struct button *base)
{
	return container_of(base, struct sim_button, button)->down;
}

void sim_button_set(struct sim_button *button, bool down, int64_t when_ms)
{
	if (button->down == down)
		return;
	button->down = down;
	if (button->count == SIM_EVENTS_MAX) {
		button->first = (button->first + 1) % SIM_EVENTS_MAX;
		button->count--;
	}
	button->events[(button->first + button->count) % SIM_EVENTS_MAX] = (struct button_event){ when_ms, down };
	button->count++;
	sim_changed();
}

const struct button_ops sim_button_ops = {
	.next = sim_button_next,
	.level = sim_button_level,
};
