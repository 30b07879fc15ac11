/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/button.h"

#include <stddef.h>

int button_next(struct button *button, struct button_event *event)
{
	if (!button)
		return 0;
	int found = button->ops->next(button, event);
	if (found <= 0)
		return found;
	if (event->when_ms < button->last_ms)
		event->when_ms = button->last_ms;
	button->last_ms = event->when_ms;
	return 1;
}

int button_level(struct button *button)
{
	return button ? button->ops->level(button) : 0;
}
