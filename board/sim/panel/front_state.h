/* SPDX-License-Identifier: Apache-2.0 */
/* What the control socket of the sim board says about the front panel, line by line (hal/README.md has the protocol). */
#ifndef BOARD_SIM_PANEL_FRONT_STATE_H
#define BOARD_SIM_PANEL_FRONT_STATE_H

#include <stdbool.h>

#include "hal/display.h"
#include "hal/led.h"

#define FRONT_LIGHTS_MAX 8

struct front_light {
	char name[16];
	enum led_colour colour;
	enum led_pattern pattern;
};

struct front_state {
	struct front_light lights[FRONT_LIGHTS_MAX];
	int light_count;
	char button[16]; /* "": none */
	bool down;
	struct display_text text;
	char complaint[80]; /* the last "error ..." */
};

/* Takes one line without its end. True where a block has ended: the state is whole. Unknown lines are passed over. */
bool front_state_line(struct front_state *state, const char *line);

#endif
