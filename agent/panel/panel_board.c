/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/panel/panel_board.h"

int panel_board_event(const struct board_panel *front, struct panel_event *event)
{
	struct button_event edge;
	int found = button_next(front->restore, &edge);
	if (found == 1)
		*event = (struct panel_event){ .kind = PANEL_BUTTON, .now_ms = edge.when_ms, .down = edge.down };
	return found;
}

int panel_board_show(const struct board_panel *front, const struct panel_output *output)
{
	int errors[] = {
		display_show(front->display, &output->text),
		led_show(front->ready, output->ready),
		led_show(front->action, output->action),
		led_show(front->attention, output->attention),
	};
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i])
			return errors[i];
	return 0;
}
