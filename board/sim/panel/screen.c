/* SPDX-License-Identifier: Apache-2.0 */
#include "board/sim/panel/screen.h"

#include <ctype.h>
#include <stdio.h>

#define RESET "\033[0m"
#define DIM "\033[2m"
#define CLEAR_LINE "\033[K\n"

static const char *colour_code(enum led_colour colour)
{
	static const char *const codes[] = {
		[LED_GREEN] = "\033[1;32m",
		[LED_BLUE] = "\033[1;34m",
		[LED_AMBER] = "\033[1;33m",
		[LED_RED] = "\033[1;31m",
		[LED_WHITE] = "\033[1;37m",
	};
	return codes[colour];
}

static void draw_light(const struct front_light *light, int64_t now_ms)
{
	bool lit = led_lit(light->pattern, now_ms);
	printf("  %s%s" RESET " ", lit ? colour_code(light->colour) : DIM, lit ? "●" : "○");
	for (const char *c = light->name; *c; c++)
		putchar(toupper((unsigned char)*c));
	printf(DIM " %-5s" RESET, led_pattern_name(light->pattern));
}

static void draw_line(const char *line)
{
	printf("  │ %s%*s │", line, DISPLAY_CELLS - display_cells(line), "");
}

static void draw_button(const struct front_state *state, const char *part)
{
	printf("    %s%s" RESET CLEAR_LINE, state->down ? "\033[7m" : "", part);
}

void screen_draw(const struct front_state *state, int64_t now_ms)
{
	printf("\033[H" CLEAR_LINE "  Coffret: the simulated front panel" CLEAR_LINE CLEAR_LINE);
	for (int i = 0; i < state->light_count; i++)
		draw_light(&state->lights[i], now_ms);
	printf(CLEAR_LINE CLEAR_LINE "  ┌──────────────────────┐");
	draw_button(state, "╭─────────╮");
	draw_line(state->text.line[0]);
	draw_button(state, state->down ? "│ RESTORE │ down" : "│ RESTORE │");
	draw_line(state->text.line[1]);
	draw_button(state, "╰─────────╯");
	printf("  └──────────────────────┘" CLEAR_LINE CLEAR_LINE);
	printf(DIM "  space: finger down or up   enter: press   h: HOLD   m: a minute   q: leave" RESET CLEAR_LINE);
	printf("  %s" CLEAR_LINE "\033[J", state->complaint);
	fflush(stdout);
}

void screen_line(const struct front_state *state)
{
	for (int i = 0; i < state->light_count; i++)
		printf("%s %s, ", state->lights[i].name, led_pattern_name(state->lights[i].pattern));
	printf("%s %s | %s | %s\n", state->button, state->down ? "down" : "up", state->text.line[0], state->text.line[1]);
	fflush(stdout);
}

void screen_open(void)
{
	printf("\033[?1049h\033[?25l\033[2J");
	fflush(stdout);
}

void screen_close(void)
{
	printf("\033[?25h\033[?1049l");
	fflush(stdout);
}
