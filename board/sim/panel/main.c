/* SPDX-License-Identifier: Apache-2.0 */
/* coffret-panel SOCKET: the front panel of a sim board, live in a terminal. Keys move the finger. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "board/sim/panel/screen.h"

#define FRAME_MS 50
#define MINUTE "advance 60000\n"

static volatile sig_atomic_t leave;
static struct termios before;

static void ask_to_leave(int signal)
{
	(void)signal;
	leave = 1;
}

static int64_t now_ms(void)
{
	struct timespec now = { 0 };
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int reach(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = -errno;
		close(fd);
		return error;
	}
	return fd;
}

static int say(int fd, const char *line)
{
	size_t size = strlen(line);
	return send(fd, line, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -EPIPE;
}

/* Reads what the box says; 1 where the state is new, 0 not yet, -EPIPE where the box has gone. */
static int listen_to(int fd, struct front_state *state)
{
	static char buffer[4096];
	static size_t used;
	int fresh = 0;
	char *end;
	ssize_t got = recv(fd, buffer + used, sizeof(buffer) - used, 0);
	if (got <= 0)
		return -EPIPE;
	used += (size_t)got;
	while ((end = memchr(buffer, '\n', used))) {
		*end = '\0';
		fresh |= front_state_line(state, buffer);
		used -= (size_t)(end + 1 - buffer);
		memmove(buffer, end + 1, used);
	}
	return used == sizeof(buffer) ? -EPIPE : fresh;
}

static int take_key(int fd, struct front_state *state)
{
	char key, line[64];
	if (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 3)
		return -EINTR;
	state->complaint[0] = '\0';
	if (key == 'm')
		return say(fd, MINUTE);
	if (key == ' ')
		snprintf(line, sizeof(line), "%s %s\n", state->down ? "release" : "press", state->button);
	else if (key == '\n' || key == '\r')
		snprintf(line, sizeof(line), "hold %s 200\n", state->button);
	else if (key == 'h')
		snprintf(line, sizeof(line), "hold %s 4000\n", state->button);
	else
		return 0;
	return say(fd, line);
}

static int show(int fd, bool drawn, bool keys)
{
	struct front_state state = { .light_count = 0 };
	struct pollfd fds[] = { { .fd = fd, .events = POLLIN }, { .fd = keys ? STDIN_FILENO : -1, .events = POLLIN } };
	int result = say(fd, "watch\n");
	while (result >= 0 && !leave) {
		if (poll(fds, 2, drawn ? FRAME_MS : -1) < 0 && errno != EINTR)
			return -errno;
		result = 0;
		if (fds[0].revents)
			result = listen_to(fd, &state);
		if (result > 0 && !drawn)
			screen_line(&state);
		if (result >= 0 && fds[1].revents)
			result = take_key(fd, &state);
		if (drawn)
			screen_draw(&state, now_ms());
		fds[0].revents = fds[1].revents = 0;
	}
	return result;
}

static void take_terminal(void)
{
	struct termios raw;
	tcgetattr(STDIN_FILENO, &before);
	raw = before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	screen_open();
}

static void give_terminal_back(void)
{
	screen_close();
	tcsetattr(STDIN_FILENO, TCSANOW, &before);
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = ask_to_leave };
	bool drawn = isatty(STDOUT_FILENO) && isatty(STDIN_FILENO);
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr,
			"Usage: coffret-panel SOCKET\nThe front panel of a simulated box; SOCKET is panel_socket of its"
			" coffret.conf.\n");
		return 2;
	}
	int fd = reach(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "coffret-panel: no box answers at %s: %s. Is coffretd running?\n", argv[1], strerror(-fd));
		return 3;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (drawn)
		take_terminal();
	int result = show(fd, drawn, drawn);
	if (drawn)
		give_terminal_back();
	close(fd);
	if (result == -EPIPE)
		fprintf(stderr, "coffret-panel: the box has gone.\n");
	return result == -EPIPE ? 1 : 0;
}
