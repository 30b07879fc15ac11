/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/sim/control_sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 3
#define ARGUMENT_MAX 1000000000000LL /* of a time: some thirty years in milliseconds, thirty thousand in seconds */

struct command {
	const char *name;
	int arguments, optional;
	int (*run)(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why);
	bool tells_state;
};

static int64_t now_ms(struct sim_control *control)
{
	return clock_monotonic(&control->box.clock->clock);
}

static int parse_number(const char *text, int64_t *number, const char **why)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < 0 || value > ARGUMENT_MAX) {
		*why = "expected a whole number that is not negative";
		return -EINVAL;
	}
	*number = value;
	return 0;
}

static int find_button(struct sim_control *control, const char *name, const char **why)
{
	if (control->box.button && strcmp(control->box.button->button.name, name) == 0)
		return 0;
	*why = "this board has no such button";
	return -ENODEV;
}

static int move_finger(struct sim_control *control, const char *name, bool down, const char **why)
{
	int error = find_button(control, name, why);
	if (!error && control->holding) {
		*why = "a hold is going on";
		error = -EBUSY;
	}
	if (!error)
		sim_button_set(control->box.button, down, now_ms(control));
	return error;
}

static int do_press(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	(void)client;
	return move_finger(control, arguments[0], true, why);
}

static int do_release(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	(void)client;
	return move_finger(control, arguments[0], false, why);
}

static int do_hold(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	int64_t ms;
	int error = parse_number(arguments[1], &ms, why);
	if (!error)
		error = move_finger(control, arguments[0], true, why);
	if (error)
		return error;
	control->holding = true;
	control->hold_until_ms = now_ms(control) + ms;
	control->hold_client = client;
	return 1;
}

bool sim_hold_end(struct sim_control *control)
{
	if (!control->holding || now_ms(control) < control->hold_until_ms)
		return false;
	control->holding = false;
	sim_button_set(control->box.button, false, control->hold_until_ms);
	return true;
}

static int do_state(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	(void)control, (void)client, (void)arguments, (void)why;
	return 0;
}

static int do_watch(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	(void)control, (void)arguments, (void)why;
	client->watching = true;
	return 0;
}

static int do_advance(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	(void)client;
	int64_t ms;
	int error = parse_number(arguments[0], &ms, why);
	if (!error)
		sim_clock_advance(control->box.clock, ms);
	return error;
}

static int do_freeze(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	(void)client, (void)arguments, (void)why;
	sim_clock_freeze(control->box.clock);
	return 0;
}

static int do_run(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	(void)client, (void)arguments, (void)why;
	sim_clock_run(control->box.clock);
	return 0;
}

static int do_wall(struct sim_control *control, struct sim_client *client, char *const arguments[], const char **why)
{
	(void)client;
	int64_t seconds;
	int error = parse_number(arguments[0], &seconds, why);
	bool trusted = arguments[1] == NULL;
	if (!error && !trusted && strcmp(arguments[1], "untrusted") != 0) {
		*why = "after the seconds may stand: untrusted";
		error = -EINVAL;
	}
	if (!error)
		sim_clock_set_wall(control->box.clock, seconds, trusted);
	return error;
}

static const struct command commands[] = {
	{ "press", 1, 0, do_press, false },
	{ "release", 1, 0, do_release, false },
	{ "hold", 2, 0, do_hold, false },
	{ "state", 0, 0, do_state, true },
	{ "watch", 0, 0, do_watch, true },
	{ "advance", 1, 0, do_advance, false },
	{ "freeze", 0, 0, do_freeze, false },
	{ "run", 0, 0, do_run, false },
	{ "wall", 1, 1, do_wall, false },
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; name && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

int sim_command(
	struct sim_control *control, struct sim_client *client, char *line, char state[SIM_STATE_SIZE], const char **why)
{
	char *words[WORDS_MAX + 1] = { NULL }, *rest = NULL;
	int count = 0;
	state[0] = '\0';
	for (char *word = strtok_r(line, " \t\r", &rest); word && count <= WORDS_MAX; word = strtok_r(NULL, " \t\r", &rest))
		words[count++] = word;
	const struct command *command = find_command(words[0]);
	*why = "expected press, release, hold, state, watch, advance, freeze, run or wall";
	if (!command)
		return -EINVAL;
	*why = "wrong number of words";
	if (count - 1 < command->arguments || count - 1 > command->arguments + command->optional)
		return -EINVAL;
	int result = command->run(control, client, words + 1, why);
	if (result == 0 && command->tells_state)
		sim_state_write(&control->box, true, state);
	return result;
}

static void write_clock(struct sim_clock *clock, FILE *out)
{
	struct clock_wall wall;
	clock_wall(&clock->clock, &wall);
	fprintf(out, "clock %" PRId64 " %" PRId64 " %s %s\n", clock_monotonic(&clock->clock), wall.seconds,
		wall.trusted ? "trusted" : "untrusted", sim_clock_frozen(clock) ? "frozen" : "running");
}

void sim_state_write(const struct sim_box *box, bool with_clock, char state[SIM_STATE_SIZE])
{
	state[0] = '\0';
	FILE *out = fmemopen(state, SIM_STATE_SIZE, "w");
	if (!out)
		return;
	if (box->button)
		fprintf(out, "button %s %s\n", box->button->button.name, box->button->down ? "down" : "up");
	for (int i = 0; i < SIM_LEDS_MAX && box->leds[i]; i++)
		fprintf(out, "light %s %s %s\n", box->leds[i]->led.name, led_colour_name(box->leds[i]->led.colour),
			led_pattern_name(box->leds[i]->pattern));
	for (int i = 0; box->display && i < DISPLAY_LINES; i++)
		fprintf(out, "text %d %s\n", i + 1, box->display->text.line[i]);
	if (with_clock)
		write_clock(box->clock, out);
	fclose(out);
}
