/* SPDX-License-Identifier: Apache-2.0 */
#include "board/sim/panel/front_state.h"

#include <stdio.h>
#include <string.h>

static enum led_colour find_colour(const char *name)
{
	for (int colour = LED_GREEN; colour <= LED_WHITE; colour++)
		if (strcmp(led_colour_name((enum led_colour)colour), name) == 0)
			return (enum led_colour)colour;
	return LED_WHITE;
}

static enum led_pattern find_pattern(const char *name)
{
	for (int pattern = 0; pattern < LED_PATTERN_COUNT; pattern++)
		if (strcmp(led_pattern_name((enum led_pattern)pattern), name) == 0)
			return (enum led_pattern)pattern;
	return LED_OFF;
}

static struct front_light *find_light(struct front_state *state, const char *name)
{
	for (int i = 0; i < state->light_count; i++)
		if (strcmp(state->lights[i].name, name) == 0)
			return &state->lights[i];
	if (state->light_count == FRONT_LIGHTS_MAX)
		return NULL;
	struct front_light *light = &state->lights[state->light_count++];
	snprintf(light->name, sizeof(light->name), "%s", name);
	return light;
}

static void take_light(struct front_state *state, const char *line)
{
	char name[16], colour[16], pattern[16];
	if (sscanf(line, "light %15s %15s %15s", name, colour, pattern) != 3)
		return;
	struct front_light *light = find_light(state, name);
	if (light) {
		light->colour = find_colour(colour);
		light->pattern = find_pattern(pattern);
	}
}

static void take_text(struct front_state *state, const char *line)
{
	int number = line[5] - '1';
	if (number >= 0 && number < DISPLAY_LINES)
		display_fit(state->text.line[number], DISPLAY_LINE_SIZE, line[6] ? line + 7 : "", DISPLAY_CELLS);
}

static void take_button(struct front_state *state, const char *line)
{
	char level[8];
	if (sscanf(line, "button %15s %7s", state->button, level) == 2)
		state->down = strcmp(level, "down") == 0;
}

bool front_state_line(struct front_state *state, const char *line)
{
	if (strncmp(line, "light ", 6) == 0)
		take_light(state, line);
	else if (strncmp(line, "text ", 5) == 0 && line[5])
		take_text(state, line);
	else if (strncmp(line, "button ", 7) == 0)
		take_button(state, line);
	else if (strncmp(line, "error ", 6) == 0)
		snprintf(state->complaint, sizeof(state->complaint), "%s", line + 6);
	return strcmp(line, "ok") == 0 || strncmp(line, "error ", 6) == 0;
}
