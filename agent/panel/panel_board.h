/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the panel's state machine and the board's devices: carries edges in and lights and text out. Boards without a
 * panel take all of it and show nothing.
 */
#ifndef AGENT_PANEL_PANEL_BOARD_H
#define AGENT_PANEL_PANEL_BOARD_H

#include "agent/panel/panel.h"
#include "board/board.h"

/*
 * Takes one waiting edge of the button. 1: event is filled in, give it to panel_event and call again; 0: none waits;
 * negative errno: the button is gone.
 */
int panel_board_event(const struct board_panel *front, struct panel_event *event);

/* Shows an output. 0, or the first error; all devices are tried. */
int panel_board_show(const struct board_panel *front, const struct panel_output *output);

#endif
