/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/standin.h"

/* build/tests/test_x finds build/tests/sqlserver/sqlserver and build/coffret-worker. */
static void find_programs(struct standin *standin)
{
	char self[4000];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);

	assert_true(length > 0);
	self[length] = 0;
	*strrchr(self, '/') = 0;
	snprintf(standin->program, sizeof standin->program, "%s/sqlserver/sqlserver", self);
	*strrchr(self, '/') = 0;
	snprintf(standin->worker, sizeof standin->worker, "%s/coffret-worker", self);
	if (access(standin->program, X_OK) || access(standin->worker, X_OK))
		fail_msg("%s and %s have to be built first", standin->program, standin->worker);
}

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static char *read_file(const char *path)
{
	char *text = calloc(1, 65536);
	FILE *file = fopen(path, "r");

	if (!file || !text)
		fail_msg("%s is missing", path);
	assert_true(fread(text, 1, 65535, file) > 0);
	fclose(file);
	return text;
}

static void wait_for_port(struct standin *standin)
{
	char path[100];
	unsigned int port = 0;

	snprintf(path, sizeof path, "%s/port", standin->directory);
	for (int i = 0; i < 3000 && !port; i++) {
		FILE *file = fopen(path, "r");
		int status;
		if (file) {
			if (fscanf(file, "%u", &port) != 1)
				port = 0;
			fclose(file);
		}
		if (waitpid(standin->process, &status, WNOHANG) == standin->process)
			fail_msg("the stand-in ended at its start, with status %d", WEXITSTATUS(status));
		usleep(10000);
	}
	assert_in_range(port, 1, 65535);
	standin->port = (uint16_t)port;
}

static void run(struct standin *standin, const char *version)
{
	char directory[100], certificate[100], key[100], port[100], control[100], script[100];

	snprintf(directory, sizeof directory, "%s/data", standin->directory);
	snprintf(certificate, sizeof certificate, "%s/server.pem", standin->directory);
	snprintf(key, sizeof key, "%s/server.key", standin->directory);
	snprintf(port, sizeof port, "%s/port", standin->directory);
	snprintf(control, sizeof control, "%s/control", standin->directory);
	snprintf(script, sizeof script, "%s/start.sql", standin->directory);
	standin->process = fork();
	assert_true(standin->process >= 0);
	if (standin->process)
		return;
	/* A test that fails must not leave its server behind. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execl(standin->program, "sqlserver", "--directory", directory, "--certificate", certificate, "--key", key, "--login",
		"sa=Secret-1", "--version", version, "--port-file", port, "--control", control, "--script", script, NULL);
	_exit(127);
}

void standin_start(struct standin *standin, const char *version, const char *script)
{
	char text[200];

	memset(standin, 0, sizeof *standin);
	find_programs(standin);
	strcpy(standin->directory, "/tmp/coffret-standin-XXXXXX");
	assert_non_null(mkdtemp(standin->directory));
	snprintf(text, sizeof text, "tests/support/certificates %s >/dev/null", standin->directory);
	assert_int_equal(system(text), 0);
	snprintf(text, sizeof text, "%s/start.sql", standin->directory);
	write_file(text, script);
	run(standin, version);
	wait_for_port(standin);
	snprintf(text, sizeof text, "%s/ca.pem", standin->directory);
	standin->authorities = read_file(text);
}

void standin_stop(struct standin *standin)
{
	char command[100];

	if (standin->process > 0) {
		kill(standin->process, SIGTERM);
		waitpid(standin->process, NULL, 0);
	}
	snprintf(command, sizeof command, "rm -rf %s", standin->directory);
	assert_int_equal(system(command), 0);
	free(standin->authorities);
}

void standin_tell(struct standin *standin, const char *command, char *answer, size_t size)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t at = 0;

	snprintf(address.sun_path, sizeof address.sun_path, "%s/control", standin->directory);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(dprintf(fd, "%s\n", command), (int)strlen(command) + 1);
	for (;;) {
		ssize_t got = recv(fd, answer + at, size - 1 - at, 0);
		if (got <= 0)
			break;
		at += (size_t)got;
		answer[at] = 0;
		if ((at >= 3 && !strcmp(answer + at - 3, "ok\n") && (at == 3 || answer[at - 4] == '\n')) ||
			strstr(answer, "error: "))
			break;
	}
	close(fd);
	answer[at] = 0;
	if (at < 3 || strcmp(answer + at - 3, "ok\n") != 0)
		fail_msg("%s: %s", command, answer);
}

void standin_script(struct standin *standin, const char *script)
{
	char path[100], command[128], answer[4096];

	snprintf(path, sizeof path, "%s/more.sql", standin->directory);
	write_file(path, script);
	snprintf(command, sizeof command, "script %s", path);
	standin_tell(standin, command, answer, sizeof answer);
}
