/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/stand_in.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/tls_peer.h"

#define START_SECONDS 20
#define OPTIONS_MAX 40

const char *build_folder(void)
{
	static char path[4096];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);

	if (size <= 0)
		abort();
	path[size] = '\0';
	*strrchr(path, '/') = '\0';
	*strrchr(path, '/') = '\0';
	return path;
}

static void run(struct stand_in *server, const char *const *options)
{
	char program[4200], port[100], browser[100], control[100];
	const char *arguments[OPTIONS_MAX] = {
		program,
		"--directory",
		server->directory,
		"--certificate",
		tls_peer_path("server.pem"),
		"--key",
		tls_peer_path("server.key"),
		"--port-file",
		port,
		"--browser-port-file",
		browser,
		"--control",
		control,
	};
	size_t count = 13;

	snprintf(program, sizeof(program), "%s/tests/sqlserver/sqlserver", build_folder());
	snprintf(port, sizeof(port), "%s/port", server->directory);
	snprintf(browser, sizeof(browser), "%s/browser", server->directory);
	snprintf(control, sizeof(control), "%s/control", server->directory);
	while (options && *options && count + 1 < OPTIONS_MAX)
		arguments[count++] = *options++;
	arguments[count] = NULL;
	/* A test that dies takes its server with it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!freopen("/dev/null", "w", stdout))
		_exit(126);
	execv(program, (char *const *)(uintptr_t)arguments);
	_exit(127);
}

static uint16_t read_port(const struct stand_in *server, const char *name)
{
	char path[100];
	unsigned port = 0;

	snprintf(path, sizeof(path), "%s/%s", server->directory, name);

	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	if (fscanf(file, "%u", &port) != 1)
		port = 0;
	fclose(file);
	return (uint16_t)port;
}

void stand_in_start(struct stand_in *server, const char *const *options)
{
	strcpy(server->directory, "/tmp/stand-in.XXXXXX");
	if (!mkdtemp(server->directory))
		abort();
	server->process = fork();
	if (server->process < 0)
		abort();
	if (server->process == 0)
		run(server, options);
	for (int waited = 0; waited < START_SECONDS * 100; waited++) {
		server->browser_port = read_port(server, "browser");
		server->port = read_port(server, "port");
		if (server->port && server->browser_port && stand_in_tell(server, "packets", NULL))
			return;
		if (waitpid(server->process, NULL, WNOHANG) == server->process)
			break;
		usleep(10000);
	}
	fprintf(stderr, "the stand-in server did not start\n");
	abort();
}

void stand_in_stop(struct stand_in *server)
{
	char command[100];

	kill(server->process, SIGTERM);
	waitpid(server->process, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", server->directory);
	if (system(command))
		fprintf(stderr, "%s is left over\n", server->directory);
}

static char *ask(struct stand_in *server, const char *command)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *answer = calloc(1, 65536);
	size_t size = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!answer || fd < 0)
		abort();
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", server->directory);
	/* Not connect(): a program that opens sessions has its own. */
	if (syscall(SYS_connect, fd, &address, sizeof(address)) == 0 && dprintf(fd, "%s\n", command) > 0) {
		ssize_t got;

		while (size < 65535 && !strstr(answer, "ok\n") && !strstr(answer, "error") &&
			(got = read(fd, answer + size, 65535 - size)) > 0)
			size += (size_t)got;
	}
	close(fd);
	return answer;
}

bool stand_in_tell(struct stand_in *server, const char *command, uint64_t *answer)
{
	char *text = ask(server, command);
	size_t size = strlen(text);
	bool good = size >= 3 && strcmp(text + size - 3, "ok\n") == 0;

	if (answer)
		*answer = strtoull(text, NULL, 10);
	free(text);
	return good;
}

char *stand_in_violations(struct stand_in *server)
{
	char *text = ask(server, "violations");
	char *end = strstr(text, "ok\n");

	if (end)
		*end = '\0';
	return text;
}
