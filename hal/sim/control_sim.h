/* SPDX-License-Identifier: Apache-2.0 */
/* Between the socket of the sim board (control_sim.c) and its commands (command_sim.c); nobody else includes this. */
#ifndef HAL_SIM_CONTROL_SIM_H
#define HAL_SIM_CONTROL_SIM_H

#include "hal/sim/sim.h"

#define SIM_CLIENTS_MAX 8
#define SIM_LINE_MAX 128
#define SIM_STATE_SIZE 768

struct sim_client {
	int fd; /* -1: free */
	char line[SIM_LINE_MAX];
	size_t used;
	bool watching;
};

struct sim_control {
	struct sim_box box;
	int epoll, listener, timer, wake; /* -1: none */
	char path[108];
	struct sim_client clients[SIM_CLIENTS_MAX];
	bool holding; /* a finger that lifts by itself at hold_until_ms */
	int64_t hold_until_ms;
	struct sim_client *hold_client; /* waits for that; NULL: it has gone */
	char told[SIM_STATE_SIZE];      /* what watchers saw last */
};

/* Lights, text and button as lines; the clock too where asked. */
void sim_state_write(const struct sim_box *box, bool with_clock, char state[SIM_STATE_SIZE]);

/*
 * Does one line of the protocol. 0: answer "ok", 1: the answer comes later, negative errno: answer "error" and *why.
 * Where the answer is the state, it is in `state`, which is "" otherwise.
 */
int sim_command(
	struct sim_control *control, struct sim_client *client, char *line, char state[SIM_STATE_SIZE], const char **why);

/* Lifts the finger of a hold whose time has come. True where it did. */
bool sim_hold_end(struct sim_control *control);

#endif
