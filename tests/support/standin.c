/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/standin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
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

#define START_SECONDS 60
#define OPTIONS_MAX 40
#define ANSWER_MAX (17u << 20) /* its journal keeps 16 MiB */

/* The folder of the build: build/tests/test_x is the program that runs. */
static void find_build(char path[4096])
{
	ssize_t size = readlink("/proc/self/exe", path, 4095);

	assert_true(size > 0);
	path[size] = '\0';
	*strrchr(path, '/') = '\0';
	*strrchr(path, '/') = '\0';
}

static void run(struct standin *standin, const char *build, const char *const *options)
{
	char program[4200], port[100], browser[100], control[100];
	const char *arguments[OPTIONS_MAX] = {
		program,
		"--directory",
		standin->directory,
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

	snprintf(program, sizeof(program), "%s/tests/sqlserver/sqlserver", build);
	snprintf(port, sizeof(port), "%s/port", standin->directory);
	snprintf(browser, sizeof(browser), "%s/browser", standin->directory);
	snprintf(control, sizeof(control), "%s/control", standin->directory);
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

static uint16_t read_port(const struct standin *standin, const char *name)
{
	char path[100];
	unsigned port = 0;

	snprintf(path, sizeof(path), "%s/%s", standin->directory, name);

	FILE *file = fopen(path, "r");

	if (!file)
		return 0;
	if (fscanf(file, "%u", &port) != 1)
		port = 0;
	fclose(file);
	return (uint16_t)port;
}

static void wait_until_it_answers(struct standin *standin)
{
	for (int waited = 0; waited < START_SECONDS * 100; waited++) {
		standin->browser_port = read_port(standin, "browser");
		standin->port = read_port(standin, "port");
		if (standin->port && standin->browser_port && standin_tell(standin, "packets"))
			return;
		if (waitpid(standin->process, NULL, WNOHANG) == standin->process)
			break;
		usleep(10000);
	}
	fail_msg("the stand-in server did not start");
}

void standin_start(struct standin *standin, const char *const *options)
{
	char build[4096];

	find_build(build);
	memset(standin, 0, sizeof(*standin));
	snprintf(standin->worker, sizeof(standin->worker), "%s/coffret-worker", build);
	standin->authorities = tls_peer_file("ca.pem");
	strcpy(standin->directory, "/tmp/coffret-standin-XXXXXX");
	assert_non_null(mkdtemp(standin->directory));
	standin->process = fork();
	assert_true(standin->process >= 0);
	if (standin->process == 0)
		run(standin, build, options);
	wait_until_it_answers(standin);
}

void standin_stop(struct standin *standin)
{
	char command[100];

	kill(standin->process, SIGTERM);
	waitpid(standin->process, NULL, 0);
	snprintf(command, sizeof(command), "rm -rf %s", standin->directory);
	assert_int_equal(system(command), 0);
	free(standin->authorities);
}

/* An answer ends with a line of its own: ok, or error and why. */
static bool ended(const char *answer, size_t size)
{
	const char *line;

	if (size < 3 || answer[size - 1] != '\n')
		return false;
	for (line = answer + size - 1; line > answer && line[-1] != '\n';)
		line--;
	return strcmp(line, "ok\n") == 0 || strncmp(line, "error", 5) == 0;
}

static char *ask(struct standin *standin, const char *command)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *answer = calloc(1, ANSWER_MAX);
	size_t size = 0;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(answer && fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", standin->directory);
	/* Not connect(): a program that opens sessions has its own. */
	if (syscall(SYS_connect, fd, &address, sizeof(address)) == 0 && dprintf(fd, "%s\n", command) > 0) {
		ssize_t got;

		while (
			size < ANSWER_MAX - 1 && !ended(answer, size) && (got = read(fd, answer + size, ANSWER_MAX - 1 - size)) > 0)
			size += (size_t)got;
	}
	close(fd);
	return answer;
}

static bool is_good(const char *answer)
{
	size_t size = strlen(answer);

	return size >= 3 && strcmp(answer + size - 3, "ok\n") == 0;
}

bool standin_tell(struct standin *standin, const char *command)
{
	char *answer = ask(standin, command);
	bool good = is_good(answer);

	free(answer);
	return good;
}

uint64_t standin_number(struct standin *standin, const char *command)
{
	char *answer = ask(standin, command);
	uint64_t number = strtoull(answer, NULL, 10);

	if (!is_good(answer))
		fail_msg("%s: %s", command, answer);
	free(answer);
	return number;
}

void standin_script(struct standin *standin, const char *script)
{
	char path[100], command[128];

	snprintf(path, sizeof(path), "%s/script.sql", standin->directory);

	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(script, file) >= 0);
	assert_int_equal(fclose(file), 0);
	snprintf(command, sizeof(command), "script %s", path);

	char *answer = ask(standin, command);

	if (!is_good(answer))
		fail_msg("%s", answer);
	free(answer);
}

static char *lines_of(struct standin *standin, const char *command)
{
	char *text = ask(standin, command);

	if (!is_good(text))
		fail_msg("%s was not answered", command);
	text[strlen(text) - 3] = '\0';
	return text;
}

char *standin_violations(struct standin *standin)
{
	return lines_of(standin, "violations");
}

char *standin_statements(struct standin *standin)
{
	return lines_of(standin, "statements");
}
