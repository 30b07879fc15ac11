/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/cli/press.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cli/client.h"
#include "agent/config/config.h"
#include "agent/service/service.h"

enum { SHORT_PRESS_MS = 200, LONGEST_MS = 600000 };

int press_parse_time(const char *text)
{
	char *end;
	if (*text < '0' || *text > '9')
		return -EINVAL;
	double value = strtod(text, &end);
	double ms = strcmp(end, "ms") == 0 ? value : strcmp(end, "s") == 0 || !*end ? value * 1000 : -1;
	return ms < 1 || ms > LONGEST_MS ? -EINVAL : (int)ms;
}

static FILE *reach_panel(const char *path)
{
	int fd = client_dial(path);
	FILE *panel = fd >= 0 ? fdopen(fd, "r+") : NULL;
	if (!panel)
		fprintf(stderr, "coffret: the simulated panel cannot be reached at %s: %s.\n", path,
			strerror(fd < 0 ? -fd : errno));
	if (!panel && fd >= 0)
		close(fd);
	return panel;
}

/* Sends one line and reads to the line that ends the answer. True: "ok". */
static bool say(FILE *panel, const char *line, bool show)
{
	char answer[256];
	if (fputs(line, panel) < 0 || fflush(panel) < 0)
		return false;
	while (fgets(answer, sizeof(answer), panel)) {
		if (strncmp(answer, "ok", 2) == 0)
			return true;
		if (strncmp(answer, "error", 5) == 0) {
			fprintf(stderr, "coffret: the panel says: %s", answer);
			return false;
		}
		if (show)
			fputs(answer, stdout);
	}
	return false;
}

int press_run(const struct options *options)
{
	static struct config config;
	char message[600], line[128];
	int ms = options->hold ? press_parse_time(options->hold) : SHORT_PRESS_MS;
	if (ms < 0 || !options->argument[0] != options->state || strlen(options->argument) > 40 ||
		strpbrk(options->argument, " \n")) {
		fprintf(stderr, "coffret: usage: coffret press BUTTON [--hold 5s], or coffret press --state\n");
		return CODE_USAGE;
	}
	if (!options->socket &&
		config_read(&config, options->config ? options->config : CONFIG_PATH, message, sizeof(message)) < 0) {
		fprintf(stderr, "coffret: %s\n", message);
		return CODE_USAGE;
	}
	FILE *panel = reach_panel(options->socket ? options->socket : config.panel_socket);
	if (!panel)
		return CODE_NO_DAEMON;
	snprintf(line, sizeof(line), "hold %.40s %d\n", options->argument, ms);
	bool done = (options->state || say(panel, line, false)) && say(panel, "state\n", true);
	fclose(panel);
	return done ? CODE_DONE : CODE_FAILED;
}
