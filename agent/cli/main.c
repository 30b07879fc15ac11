/* SPDX-License-Identifier: Apache-2.0 */
/* coffret(1): says to the daemon what a person or a script wants, and shows what it answers. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/base/version.h"
#include "agent/cli/client.h"
#include "agent/cli/command.h"
#include "agent/cli/json.h"
#include "agent/cli/press.h"
#include "agent/cli/screen.h"
#include "agent/cli/secret.h"
#include "agent/cli/standalone.h"
#include "agent/config/config.h"
#include "agent/service/service.h"

#define CONFIG_PATH "/etc/coffret/coffret.conf"
#define SOCKET_PATH "/run/coffret/socket"
#define CODE_INTERRUPTED 130

static struct client client;
static volatile sig_atomic_t interrupted;

static void take_interrupt(int signal_number)
{
	(void)signal_number;
	interrupted = 1;
}

static void catch_interrupt(void)
{
	struct sigaction action = { .sa_handler = take_interrupt }; /* no SA_RESTART: a waiting read must end */
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* ---- reaching the daemon ---- */

/* As the configuration says, if it was named; it may not be ours to read, and then the usual place will do. */
static int find_socket(const struct options *options, char *path, size_t size)
{
	static struct config config;
	char message[600];
	const char *environment = getenv("COFFRET_SOCKET");
	if (options->socket || environment) {
		snprintf(path, size, "%s", options->socket ? options->socket : environment);
		return 0;
	}
	const char *file = options->config ? options->config : CONFIG_PATH;
	int result = config_read(&config, file, message, sizeof(message));
	if (result < 0 && options->config) {
		fprintf(stderr, "coffret: %s\n", message);
		return result;
	}
	snprintf(path, size, "%s", result < 0 ? SOCKET_PATH : config.socket);
	return 0;
}

/* Says so to the person, and with --json to the script in the same words as a daemon's last block; returns the code. */
static int tell_failure(const struct options *options, int code, const char *sentence, const char *remedy)
{
	char number[12];
	struct block_fields fields = { .count = 5,
		.keys = { "Block", "Result", "Code", "Sentence", "Remedy" },
		.values = { "end", service_code_name((enum service_code)code), number, sentence, remedy } };
	fprintf(stderr, "coffret: %s\n%s%s", sentence, remedy, *remedy ? "\n" : "");
	if (!options->json)
		return code;
	snprintf(number, sizeof(number), "%d", code);
	struct json *json = json_begin(stdout, options->command->list);
	if (json)
		json_block(json, &fields);
	json_end(json);
	return code;
}

static int reach_daemon(const struct options *options)
{
	char path[256], sentence[400];
	if (find_socket(options, path, sizeof(path)) < 0)
		return CODE_USAGE;
	int result = client_connect(&client, path);
	if (result == 0)
		return CODE_DONE;
	snprintf(sentence, sizeof(sentence), "the daemon cannot be reached at %s: %s.", path, strerror(-result));
	return tell_failure(options, CODE_NO_DAEMON, sentence,
		result == -EACCES ? "Its socket is for root and one group: ask to be a member of it."
						  : "Start it (systemctl start coffretd), or use --standalone.");
}

static int reach(const struct options *options)
{
	char sentence[1200] = "";
	if (!options->standalone)
		return reach_daemon(options);
	int fd = standalone_open(options->config ? options->config : CONFIG_PATH, sentence, sizeof(sentence));
	if (fd < 0)
		return tell_failure(options, fd == -EBUSY ? CODE_BUSY : fd == -EINVAL ? CODE_USAGE : CODE_FAILED, sentence, "");
	client_take(&client, fd);
	return CODE_DONE;
}

/* ---- asking ---- */

static void tell_restore(const struct options *options)
{
	printf("This replaces what is in %s now by %s. The present state is %s.",
		options->argument[0] ? options->argument : "the database",
		options->snapshot                      ? options->snapshot
			: options->command->name[0] == 'u' ? "the state before the last restore"
											   : "its newest good backup",
		options->without_safety ? "not kept: there will be no undo" : "kept");
}

/* On a terminal a restore or a removal is not one slip of the finger away; a script that asks for one means it. */
static bool is_meant(const struct options *options)
{
	char answer[16];
	bool changes = options->command->takes & TAKES_YES && !options->what_if;
	if (!changes || options->yes || options->json || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return true;
	if (options->command->takes & TAKES_RESTORE)
		tell_restore(options);
	else
		printf("This removes snapshot %s for good.", options->argument);
	printf("\nGo on? [y/N] ");
	fflush(stdout);
	return fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

/* What a signal means: here the job is ours to stop; in the daemon it goes on. True: keep reading. */
static bool handle_interrupt(const struct options *options)
{
	interrupted = 0;
	if (options->standalone) {
		fputs("\nStopping; the server undoes what was begun.\n", stderr);
		standalone_cancel();
		return true;
	}
	if (options->command->takes & TAKES_WAIT)
		fputs("\nThe job goes on in the daemon. coffret jobs shows it, coffret cancel stops it.\n", stderr);
	return false;
}

struct view {
	const struct options *options;
	struct screen screen;
	struct json *json;
};

static int show(struct view *view, const struct block_fields *fields)
{
	if (!view->options->json) {
		screen_block(&view->screen, fields);
		return 0;
	}
	int result = view->json ? json_block(view->json, fields) : -ENOTSUP;
	if (result < 0)
		fprintf(stderr, "coffret: %s\n", result == -ENOTSUP ? "this build has no --json" : strerror(-result));
	return result;
}

static int lose_daemon(int error)
{
	fprintf(stderr,
		"\ncoffret: the daemon went away: %s.\nWhat it was doing it will tell when it is back: coffret jobs.\n",
		strerror(-error));
	return CODE_NO_DAEMON;
}

/* The exit code that the last block says. */
static int read_answer(struct view *view)
{
	struct block_fields fields;
	uint64_t code = CODE_FAILED;
	for (;;) {
		int result = client_next(&client, &fields);
		if (interrupted && !handle_interrupt(view->options))
			return CODE_INTERRUPTED;
		if (result == -EINTR)
			continue;
		if (result < 0)
			return lose_daemon(result);
		if (show(view, &fields) < 0)
			return CODE_FAILED;
		const char *type = block_get(&fields, "Block");
		if (type && strcmp(type, "end") == 0)
			return block_get_number(&fields, "Code", 125, &code) == 0 ? (int)code : CODE_FAILED;
	}
}

static int show_answer(const struct options *options)
{
	struct view view = { .options = options };
	screen_init(&view.screen, stdout);
	if (options->json)
		view.json = json_begin(stdout, options->command->list);
	int code = read_answer(&view);
	return json_end(view.json) < 0 ? CODE_FAILED : code;
}

static int ask(struct options *options)
{
	struct block request;
	bool needs_key = options->command->takes & TAKES_KEY;
	if (needs_key && secret_read("Recovery key: ", options->recovery_key, sizeof(options->recovery_key)) < 0) {
		fputs("coffret: no recovery key was given.\n", stderr);
		return CODE_USAGE;
	}
	if (!is_meant(options)) {
		fputs("Nothing was done.\n", stdout);
		return CODE_CANCELLED;
	}
	client.fd = -1;
	int code = reach(options);
	if (code == CODE_DONE) {
		options_request(options, &request);
		int result = client_send(&client, &request);
		explicit_bzero(&request, sizeof(request));
		if (result < 0)
			fprintf(stderr, "coffret: that cannot be asked: %s.\n", strerror(-result));
		code = result < 0 ? CODE_NO_DAEMON : show_answer(options);
	}
	client_close(&client);
	if (options->standalone)
		standalone_close();
	return code;
}

int main(int argc, char **argv)
{
	struct options options;
	char message[300];
	if (options_parse(&options, argc, argv, message, sizeof(message)) < 0) {
		fprintf(stderr, "coffret: %s\n", message);
		return CODE_USAGE;
	}
	if (options.version) {
		puts("coffret " COFFRET_VERSION);
		return CODE_DONE;
	}
	if (options.help) {
		help_print(options.command);
		return CODE_DONE;
	}
	catch_interrupt();
	if (strcmp(options.command->name, "press") == 0)
		return press_run(&options);
	return ask(&options);
}
