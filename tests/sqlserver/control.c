/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "chat.h"

/* Each returns 0 after it wrote its lines, or a negative errno. */
static int do_wire(struct server *server, const char *argument, FILE *to)
{
	(void)to;
	return faults_set(&server->faults, argument);
}

static int do_set(struct server *server, const char *argument, FILE *to)
{
	(void)to;
	return engine_set(server->engine, argument);
}

static int do_statements(struct server *server, const char *argument, FILE *to)
{
	(void)argument;
	journal_print(&server->journal, to, 0);
	return 0;
}

static int do_violations(struct server *server, const char *argument, FILE *to)
{
	(void)argument;
	journal_print(&server->journal, to, 1);
	return 0;
}

static int do_forget(struct server *server, const char *argument, FILE *to)
{
	(void)argument, (void)to;
	journal_clear(&server->journal);
	return 0;
}

static int do_packets(struct server *server, const char *argument, FILE *to)
{
	(void)argument;
	fprintf(to, "%llu\n", (unsigned long long)faults_packets(&server->faults));
	return 0;
}

static int do_strikes(struct server *server, const char *argument, FILE *to)
{
	(void)argument;
	fprintf(to, "%llu\n", (unsigned long long)(faults_strikes(&server->faults) + engine_faults_struck(server->engine)));
	return 0;
}

static int do_connections(struct server *server, const char *argument, FILE *to)
{
	(void)argument;
	pthread_mutex_lock(&server->lock);
	fprintf(to, "%llu\n", (unsigned long long)server->connection_total);
	pthread_mutex_unlock(&server->lock);
	return 0;
}

static int do_sessions(struct server *server, const char *argument, FILE *to)
{
	(void)argument;
	server_print_sessions(server, to);
	return 0;
}

static int do_kill(struct server *server, const char *argument, FILE *to)
{
	char *end;
	long session = strcmp(argument, "all") ? strtol(argument, &end, 10) : 0;

	(void)to;
	if (strcmp(argument, "all") && (*end || session <= 0 || session > INT16_MAX))
		return -EINVAL;
	return server_kill(server, (int)session) || session == 0 ? 0 : -ENOENT;
}

static int do_script(struct server *server, const char *argument, FILE *to)
{
	return server_run_script(server, argument, to);
}

/* "night=N": a working day of N messages more */
static int do_chat(struct server *server, const char *argument, FILE *to)
{
	char *end;
	unsigned long messages = strncmp(argument, "night=", 6) ? 0 : strtoul(argument + 6, &end, 10);

	(void)to;
	if (messages == 0 || messages > UINT32_MAX || *end)
		return -EINVAL;
	return chat_night(server->engine, (uint32_t)messages);
}

static int do_stop(struct server *server, const char *argument, FILE *to)
{
	(void)argument, (void)to;
	server_stop(server);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(struct server *server, const char *argument, FILE *to);
} commands[] = {
	{ "wire", do_wire },
	{ "set", do_set },
	{ "statements", do_statements },
	{ "violations", do_violations },
	{ "forget", do_forget },
	{ "packets", do_packets },
	{ "strikes", do_strikes },
	{ "sessions", do_sessions },
	{ "connections", do_connections },
	{ "kill", do_kill },
	{ "script", do_script },
	{ "chat", do_chat },
	{ "stop", do_stop },
};

void control_command(struct server *server, const char *command, FILE *to)
{
	size_t length = strcspn(command, " ");
	const char *argument = command + length + (command[length] == ' ');
	int error = -ENOSYS;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strlen(commands[i].name) == length && memcmp(commands[i].name, command, length) == 0)
			error = commands[i].run(server, argument, to);
	if (error)
		fprintf(to, "error: %s: %s\n", command, strerror(-error));
	else
		fputs("ok\n", to);
}

static void serve_client(struct control *control, int fd)
{
	FILE *from = fdopen(fd, "r"), *to = fdopen(dup(fd), "w");
	char *line = NULL;
	size_t capacity = 0;

	while (from && to && getline(&line, &capacity, from) > 0) {
		line[strcspn(line, "\r\n")] = 0;
		control_command(control->server, line, to);
		fflush(to);
	}
	free(line);
	if (from)
		fclose(from);
	if (to)
		fclose(to);
}

/* A thread a client: one that runs a slow script must not keep another from asking. */
struct client {
	struct control *control;
	int fd;
};

static void *run_client(void *argument)
{
	struct client *client = argument;

	serve_client(client->control, client->fd);
	free(client);
	return NULL;
}

static void start_client(struct control *control, int fd)
{
	struct client *client = malloc(sizeof(*client));
	pthread_t thread;

	if (!client) {
		close(fd);
		return;
	}
	*client = (struct client){ control, fd };
	if (pthread_create(&thread, NULL, run_client, client)) {
		close(fd);
		free(client);
		return;
	}
	pthread_detach(thread);
}

static void *run(void *argument)
{
	struct control *control = argument;

	for (;;) {
		int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			start_client(control, fd);
		else if (errno != EINTR && errno != ECONNABORTED)
			return NULL;
	}
}

int control_open(struct control *control, struct server *server, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	*control = (struct control){ .server = server };
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	strcpy(control->path, path);
	unlink(path);
	control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (control->fd < 0 || bind(control->fd, (struct sockaddr *)&address, sizeof(address)) || listen(control->fd, 16) ||
		pthread_create(&control->thread, NULL, run, control)) {
		int error = -errno;

		if (control->fd >= 0)
			close(control->fd);
		return error;
	}
	return 0;
}

void control_close(struct control *control)
{
	shutdown(control->fd, SHUT_RDWR);
	pthread_join(control->thread, NULL);
	close(control->fd);
	unlink(control->path);
}
