/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/sim/sim.h"

#include <string.h>

static bool same_text(const struct display_text *a, const struct display_text *b)
{
	for (int i = 0; i < DISPLAY_LINES; i++)
		if (strcmp(a->line[i], b->line[i]) != 0)
			return false;
	return true;
}

static int sim_display_show(struct display *base, const struct display_text *text)
{
	struct sim_display *display = container_of(base, struct sim_display, display);
	if (!same_text(&display->text, text)) {
		display->text = *text;
		sim_changed();
	}
	return 0;
}

const struct display_ops sim_display_ops = {
	.show = sim_display_show,
};
