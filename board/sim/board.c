/* SPDX-License-Identifier: Apache-2.0 */
/* A box in a process: all roles are simulated; a directory keeps the snapshots. */
#include "board/board.h"

#include "hal/sim/sim.h"

static struct sim_button restore_button = { .button = { .ops = &sim_button_ops, .name = "restore" } };
static struct sim_led ready_light = { .led = { &sim_led_ops, "ready", LED_GREEN } };
static struct sim_led action_light = { .led = { &sim_led_ops, "action", LED_BLUE } };
static struct sim_led attention_light = { .led = { &sim_led_ops, "attention", LED_RED } };
static struct sim_display text_display = { .display = { &sim_display_ops } };
static struct sim_clock sim_clock = { .clock = { &sim_clock_ops } };

static const struct sim_box box = {
	.button = &restore_button,
	.leds = { &ready_light, &action_light, &attention_light },
	.display = &text_display,
	.clock = &sim_clock,
};

static int start(const struct board_options *options)
{
	return sim_start(&box, options->panel_socket);
}

const struct board board = {
	.name = "sim",
	.panel = {
		.restore = &restore_button.button,
		.ready = &ready_light.led,
		.action = &action_light.led,
		.attention = &attention_light.led,
		.display = &text_display.display,
	},
	.clock = &sim_clock.clock,
	.volume = BOARD_VOLUME_DIRECTORY,
	.start = start,
	.stop = sim_stop,
	.fd = sim_fd,
	.service = sim_service,
};
