/* SPDX-License-Identifier: Apache-2.0 */
/* Draws the front panel: in colour and in place on a terminal, or a line for each change in a pipe. */
#ifndef BOARD_SIM_PANEL_SCREEN_H
#define BOARD_SIM_PANEL_SCREEN_H

#include <stdint.h>

#include "board/sim/panel/front_state.h"

/* now_ms moves the blinking. */
void screen_draw(const struct front_state *state, int64_t now_ms);
void screen_line(const struct front_state *state);
/* A whole screen of our own, and back to how it was. */
void screen_open(void);
void screen_close(void);

#endif
