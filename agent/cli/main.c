/* SPDX-License-Identifier: Apache-2.0 */
/* coffret(1): says to the daemon what a person or a script wants, and shows what it answers. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/version.h"
#include "agent/cli/client.h"
#include "agent/cli/command.h"
#include "agent/cli/failure.h"
#include "agent/cli/json.h"
#include "agent/cli/press.h"
#include "agent/cli/screen.h"
#include "agent/cli/secret.h"
#include "agent/cli/standalone.h"
#include "agent/config/config.h"
#include "agent/service/service.h"

#define SOCKET_PATH "/run/coffret/socket"
#define CODE_INTERRUPTED 130

static struct client client;
static char told[BLOCK_SIZE]; /* what standard output holds back: it may be a secret */
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
	if (options->socket) {
		snprintf(path, size, "%s", options->socket);
		return 0;
	}
	const char *file = options->config ? options->config : CONFIG_PATH;
	int result = config_read(&config, file, message, sizeof(message));
	if (result < 0 && options->config) {
		failure_tell(options, CODE_USAGE, message, "");
		return result;
	}
	snprintf(path, size, "%s", result < 0 ? SOCKET_PATH : config.socket);
	if (result == 0 && config.timezone[0]) { /* times are shown as the panel shows them */
		setenv("TZ", config.timezone, 1);
		tzset();
	}
	return 0;
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
	return failure_tell(options, CODE_NO_DAEMON, sentence,
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
		return failure_tell(options, fd == -EBUSY ? CODE_BUSY : fd == -EINVAL ? CODE_USAGE : CODE_FAILED, sentence, "");
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

/* Somebody sits there who can be asked. */
static bool has_person(const struct options *options)
{
	return !options->json && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void tell_change(const struct options *options)
{
	const char *where = options->argument[0] ? options->argument : "all volumes of this box";
	if (options->command->takes & TAKES_RESTORE)
		tell_restore(options);
	else if (options->renew)
		printf("This makes a new recovery key for %s, and shows it once. When you have shown that it is\n"
			   "written down, the old one opens nothing any more.",
			where);
	else if (options->command->takes & TAKES_REMOVE)
		printf("From then on no passphrase opens the stores on %s.", where);
	else
		printf("This removes snapshot %s for good.", options->argument);
}

static bool changes(const struct options *options)
{
	unsigned int takes = options->command->takes;
	bool only_some_ways = takes & (TAKES_REMOVE | TAKES_RENEW);
	return takes & TAKES_YES && !options->what_if && (!only_some_ways || options->remove || options->renew);
}

/* On a terminal a restore or a removal is not one slip of the finger away; a script that asks for one means it. */
static bool is_meant(const struct options *options)
{
	char answer[16];
	if (!changes(options) || options->yes || !has_person(options))
		return true;
	tell_change(options);
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
	struct options *options;
	struct screen screen;
	struct json *json;
};

static int show(struct view *view, const struct block_fields *fields)
{
	const char *key = view->options->renew ? block_get(fields, "Recovery-Key") : NULL;
	if (key)
		snprintf(view->options->secret, sizeof(view->options->secret), "%s", key);
	if (!view->options->json) {
		screen_block(&view->screen, fields);
		return 0;
	}
	int result = view->json ? json_block(view->json, fields) : -ENOTSUP;
	if (result < 0)
		fprintf(stderr, "coffret: %s\n", result == -ENOTSUP ? "this build has no --json" : strerror(-result));
	return result;
}

static int lose_daemon(struct view *view, int error)
{
	char sentence[100];
	snprintf(sentence, sizeof(sentence), "the daemon went away: %s.", strerror(-error));
	fputc('\n', stderr); /* ends the bar */
	return failure_end(
		view->json, CODE_NO_DAEMON, sentence, "What it was doing it will tell when it is back: coffret jobs.");
}

/* The exit code that the last block says. */
static int read_blocks(struct view *view, struct block_fields *fields)
{
	uint64_t code = CODE_FAILED;
	for (;;) {
		int result = client_next(&client, fields);
		if (interrupted && !handle_interrupt(view->options))
			return CODE_INTERRUPTED;
		if (result == -EINTR)
			continue;
		if (result < 0)
			return lose_daemon(view, result);
		if (show(view, fields) < 0)
			return CODE_FAILED;
		const char *type = block_get(fields, "Block");
		if (type && strcmp(type, "end") == 0)
			return block_get_number(fields, "Code", 125, &code) == 0 ? (int)code : CODE_FAILED;
	}
}

static int read_answer(struct view *view)
{
	struct block_fields fields;
	int code = read_blocks(view, &fields);
	explicit_bzero(&fields, sizeof(fields));
	return code;
}

static int show_answer(struct options *options)
{
	struct view view = { .options = options };
	screen_init(&view.screen, stdout);
	if (options->json)
		view.json = json_begin(stdout, options->command->list);
	int code = read_answer(&view);
	return json_end(view.json) < 0 ? CODE_FAILED : code;
}

static int request(struct options *options)
{
	struct block block;
	options_request(options, &block);
	int result = client_send(&client, &block);
	explicit_bzero(&block, sizeof(block));
	if (result == 0)
		return show_answer(options);
	char sentence[100];
	snprintf(sentence, sizeof(sentence), "that cannot be asked: %s.", strerror(-result));
	return failure_tell(options, CODE_NO_DAEMON, sentence, "");
}

/* The second half of a renewal: not before the person has the new key does the old one end. */
static int confirm_renewal(struct options *options)
{
	if (!has_person(options))
		return CODE_DONE;
	if (!secret_is_written_down(options->secret)) {
		fputs(
			"\nNot confirmed: the old recovery key goes on opening the stores, and this one does, too.\n"
			"When it is written down: coffret recovery-key --confirm. To make another: coffret recovery-key --renew.\n",
			stderr);
		return CODE_FAILED;
	}
	options->renew = false;
	options->confirm = true;
	options->secret_key = "Recovery-Key";
	return request(options);
}

static int ask(struct options *options)
{
	int code = secret_ask(options);
	if (code != CODE_DONE)
		return code;
	if (!is_meant(options)) {
		fputs("Nothing was done.\n", stdout);
		return CODE_CANCELLED;
	}
	client.fd = -1;
	code = reach(options);
	if (code == CODE_DONE)
		code = request(options);
	if (code == CODE_DONE && options->renew)
		code = confirm_renewal(options);
	client_close(&client);
	if (options->standalone)
		standalone_close();
	return code;
}

static void wipe(struct options *options)
{
	explicit_bzero(options->secret, sizeof(options->secret));
	explicit_bzero(client.bytes, sizeof(client.bytes));
	fflush(stdout);
	explicit_bzero(told, sizeof(told));
}

static int refuse(struct options *options, char **argv, const char *message)
{
	for (char **argument = argv; *argument; argument++) /* it may stand behind what was wrong */
		options->json |= strcmp(*argument, "--json") == 0;
	return failure_tell(options, CODE_USAGE, message, "");
}

int main(int argc, char **argv)
{
	struct options options;
	char message[300];
	if (options_parse(&options, argc, argv, message, sizeof(message)) < 0)
		return refuse(&options, argv, message);
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
	setvbuf(stdout, told, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, sizeof(told));
	int code = ask(&options);
	wipe(&options);
	return code;
}
