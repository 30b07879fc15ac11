/* SPDX-License-Identifier: Apache-2.0 */
/* A box in a process: all roles are simulated; a directory keeps the snapshots, or a flash that is a file. */
#include "board/board.h"

#include "hal/sim/flash_sim.h"
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

/* A chip of 64 MiB with blocks of 128 KiB, as UBI shows it. */
static const struct flash_sim_geometry nand = { .count = 490, .size = 126976, .unit = 2048, .spare = 20 };

static int open_flash(struct flash **flash, const char *path)
{
	return flash_sim_open(flash, path, NULL);
}

static int make_flash(const char *path)
{
	struct flash *flash;
	int error = flash_sim_open(&flash, path, &nand);
	if (!error)
		flash_sim_close(flash);
	return error;
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
	.flash_open = open_flash,
	.flash_close = flash_sim_close,
	.flash_make = make_flash,
	.start = start,
	.stop = sim_stop,
	.fd = sim_fd,
	.service = sim_service,
};
