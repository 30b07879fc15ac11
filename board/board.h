/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which hardware is where: one const struct, filled by board/NAME/board.c. Roles, not chips; NULL for what a board
 * lacks, and the wrappers of every class take NULL, so that no caller asks which board it is on. README.md beside this
 * file says how to add one.
 */
#ifndef BOARD_BOARD_H
#define BOARD_BOARD_H

#include "hal/button.h"
#include "hal/clock.h"
#include "hal/display.h"
#include "hal/led.h"

/* What the configuration says about hardware. "" or NULL: the board's own choice. */
struct board_options {
	const char *panel_socket; /* sim: path of the control socket */
};

enum board_volume { BOARD_VOLUME_DIRECTORY = 1 }; /* snapshots live in a directory of a mounted file system */

struct flash;

struct board_panel {
	struct button *restore; /* the one button */
	struct led *ready;      /* green: all is well */
	struct led *action;     /* blue, around the button: something is asked of you, or runs */
	struct led *attention;  /* red: somebody should look */
	struct display *display;
};

struct board {
	const char *name;
	struct board_panel panel;
	struct clock *clock; /* never NULL; works before start */
	enum board_volume volume;
	/* A flash that snapshots may live on instead, by the path that the configuration names. NULL: none. */
	int (*flash_open)(struct flash **flash, const char *path);
	void (*flash_close)(struct flash *flash);
	int (*flash_make)(
		const char *path); /* of a simulated one: where it is missing. NULL: flash is not made, but bought */
	/* Opens the drivers. NULL: nothing to open. */
	int (*start)(const struct board_options *options);
	void (*stop)(void);
	/* A descriptor that polls readable when service should be called; -1 or NULL: never. */
	int (*fd)(void);
	int (*service)(void);
};

/* The board of this build. */
extern const struct board board;

/* 0 or a negative errno of what could not be opened. */
static inline int board_start(const struct board_options *options)
{
	return board.start ? board.start(options) : 0;
}

/* After board_start failed, too. */
static inline void board_stop(void)
{
	if (board.stop)
		board.stop();
}

/*
 * One descriptor for the event loop: readable (POLLIN, level) whenever hardware has something to say. It stays the same
 * until board_stop. -1: this board never speaks by itself.
 */
static inline int board_fd(void)
{
	return board.fd ? board.fd() : -1;
}

/*
 * Takes what the hardware says, without blocking. After it, ask button_next until it returns 0, and look at the clock
 * again: on the sim board time may have been moved. 0 or a negative errno; call again all the same.
 */
static inline int board_service(void)
{
	return board.service ? board.service() : 0;
}

#endif
