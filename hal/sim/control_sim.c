/* SPDX-License-Identifier: Apache-2.0 */
#include "hal/sim/control_sim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

static struct sim_control control = { .epoll = -1, .listener = -1, .timer = -1, .wake = -1 };

static void drop_client(struct sim_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	if (control.hold_client == client)
		control.hold_client = NULL;
	*client = (struct sim_client){ .fd = -1 };
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* A client that does not read what it asked for is let go: nobody waits for it. */
static void tell(struct sim_client *client, const char *text)
{
	size_t size = strlen(text);
	if (client->fd >= 0 && size > 0 && send(client->fd, text, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
		drop_client(client);
}

static void answer(struct sim_client *client, int result, const char *state, const char *why)
{
	char text[SIM_STATE_SIZE + 160];
	if (result > 0)
		return;
	if (result < 0)
		snprintf(text, sizeof(text), "error %s\n", why);
	else
		snprintf(text, sizeof(text), "%sok\n", state);
	tell(client, text);
}

static int start_listening(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	bool answered = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
	bool stale = !answered && errno == ECONNREFUSED;
	close(fd);
	if (answered)
		return -EADDRINUSE;
	if (stale)
		unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t before = umask(0177);
	int error = fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4) < 0 ? -errno : 0;
	umask(before);
	if (error) {
		close_fd(&fd);
		return error;
	}
	control.listener = fd;
	snprintf(control.path, sizeof(control.path), "%s", path);
	return 0;
}

static int watch_fd(int fd, void *what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = what };
	return fd < 0 || epoll_ctl(control.epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int sim_start(const struct sim_box *box, const char *path)
{
	if (!path || !*path)
		return 0;
	int error = start_listening(path);
	if (error)
		return error;
	control.box = *box;
	for (int i = 0; i < SIM_CLIENTS_MAX; i++)
		control.clients[i].fd = -1;
	control.epoll = epoll_create1(EPOLL_CLOEXEC);
	control.timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	control.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (control.epoll < 0)
		error = -errno;
	if (!error)
		error = watch_fd(control.listener, &control.listener);
	if (!error)
		error = watch_fd(control.timer, &control.timer);
	if (!error)
		error = watch_fd(control.wake, &control.wake);
	if (error)
		sim_stop();
	return error;
}

void sim_stop(void)
{
	if (control.epoll >= 0)
		for (int i = 0; i < SIM_CLIENTS_MAX; i++)
			drop_client(&control.clients[i]);
	if (control.listener >= 0)
		unlink(control.path);
	close_fd(&control.listener);
	close_fd(&control.timer);
	close_fd(&control.wake);
	close_fd(&control.epoll);
	control.holding = false;
	control.told[0] = '\0';
}

int sim_fd(void)
{
	return control.epoll;
}

void sim_changed(void)
{
	uint64_t one = 1;
	if (control.wake >= 0 && write(control.wake, &one, sizeof(one)) < 0)
		return; /* full: it is set already */
}

static void tell_watchers(void)
{
	char state[SIM_STATE_SIZE], text[SIM_STATE_SIZE + 8];
	sim_state_write(&control.box, false, state);
	if (strcmp(state, control.told) == 0)
		return;
	memcpy(control.told, state, sizeof(state));
	snprintf(text, sizeof(text), "%sok\n", state);
	for (int i = 0; i < SIM_CLIENTS_MAX; i++)
		if (control.clients[i].watching)
			tell(&control.clients[i], text);
}

static void accept_client(void)
{
	int fd = accept4(control.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	for (int i = 0; i < SIM_CLIENTS_MAX; i++) {
		if (control.clients[i].fd >= 0)
			continue;
		control.clients[i] = (struct sim_client){ .fd = fd };
		if (watch_fd(fd, &control.clients[i]) < 0)
			drop_client(&control.clients[i]);
		return;
	}
	close(fd);
}

static void do_lines(struct sim_client *client)
{
	char *end;
	while (client->fd >= 0 && (end = memchr(client->line, '\n', client->used))) {
		char line[SIM_LINE_MAX], state[SIM_STATE_SIZE];
		const char *why = "";
		size_t length = (size_t)(end - client->line);
		memcpy(line, client->line, length);
		line[length] = '\0';
		client->used -= length + 1;
		memmove(client->line, end + 1, client->used);
		int result = sim_command(&control, client, line, state, &why);
		answer(client, result, state, why);
	}
}

static void read_client(struct sim_client *client)
{
	ssize_t got = recv(client->fd, client->line + client->used, sizeof(client->line) - client->used, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		drop_client(client);
		return;
	}
	client->used += (size_t)got;
	do_lines(client);
	if (client->used == sizeof(client->line)) {
		answer(client, -EMSGSIZE, "", "line too long");
		drop_client(client);
	}
}

static void handle(void *what)
{
	uint64_t count;
	if (what == &control.listener)
		accept_client();
	else if (what == &control.timer || what == &control.wake) {
		if (read(*(int *)what, &count, sizeof(count)) < 0)
			return;
	} else if (((struct sim_client *)what)->fd >= 0)
		read_client(what);
}

static void end_hold(void)
{
	struct sim_client *client = control.hold_client;
	if (!sim_hold_end(&control))
		return;
	control.hold_client = NULL;
	if (client)
		answer(client, 0, "", "");
}

/* Sleeps on real time, and looks at the board's: a frozen clock ends no hold. */
static void set_timer(void)
{
	struct itimerspec when = { 0 };
	if (control.holding && !sim_clock_frozen(control.box.clock)) {
		int64_t ms = control.hold_until_ms - clock_monotonic(&control.box.clock->clock);
		ms = ms > 0 ? ms : 1;
		when.it_value = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	}
	timerfd_settime(control.timer, 0, &when, NULL);
}

int sim_service(void)
{
	struct epoll_event events[8];
	if (control.epoll < 0)
		return 0;
	int count = epoll_wait(control.epoll, events, 8, 0);
	for (int i = 0; i < count; i++)
		handle(events[i].data.ptr);
	end_hold();
	set_timer();
	tell_watchers();
	return 0;
}
