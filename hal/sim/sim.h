/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hardware inside the process: a finger, lights, a display and a clock, behind one control socket. hal/README.md has the
 * protocol. A board embeds these devices, names them in a struct sim_box, and passes the four functions on to board.h.
 * No other board's build holds any of this.
 */
#ifndef HAL_SIM_SIM_H
#define HAL_SIM_SIM_H

#include <stddef.h>

#include "hal/button.h"
#include "hal/clock.h"
#include "hal/display.h"
#include "hal/led.h"

#ifndef container_of
#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#endif

#define SIM_EVENTS_MAX 32

struct sim_button {
	struct button button;
	struct button_event events[SIM_EVENTS_MAX];
	unsigned first, count;
	bool down;
};

struct sim_led {
	struct led led;
	enum led_pattern pattern;
};

struct sim_display {
	struct display display;
	struct display_text text;
};

/* Real time and an offset; or frozen, and moved by hand alone. */
struct sim_clock {
	struct clock clock;
	int64_t monotonic_offset_ms, wall_offset_ms;
	int64_t frozen_at_ms; /* of real time; 0: it runs */
	bool untrusted, begun;
};

extern const struct button_ops sim_button_ops;
extern const struct led_ops sim_led_ops;
extern const struct display_ops sim_display_ops;
extern const struct clock_ops sim_clock_ops;

/* Lights, text or finger changed: whoever watches is told. */
void sim_changed(void);

/* The finger. An edge that changes nothing is no event; where the queue is full the oldest event is lost. */
void sim_button_set(struct sim_button *button, bool down, int64_t when_ms);

/* Both kinds of time go on by ms, at least 0. */
void sim_clock_advance(struct sim_clock *clock, int64_t ms);
void sim_clock_freeze(struct sim_clock *clock);
/* From where it stood. */
void sim_clock_run(struct sim_clock *clock);
bool sim_clock_frozen(struct sim_clock *clock);
void sim_clock_set_wall(struct sim_clock *clock, int64_t seconds, bool trusted);

#define SIM_LEDS_MAX 8

struct sim_box {
	struct sim_button *button;
	struct sim_led *leds[SIM_LEDS_MAX]; /* ends with NULL */
	struct sim_display *display;
	struct sim_clock *clock;
};

/*
 * Listens at path (mode 0600; a stale socket is replaced, -EADDRINUSE where somebody answers there); "" or NULL: no
 * socket. `box` is kept until sim_stop.
 */
int sim_start(const struct sim_box *box, const char *path);
void sim_stop(void);
int sim_fd(void);
int sim_service(void);

#endif
