/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "agent/cli/command.h"

enum {
	O_SOCKET = 256,
	O_STANDALONE,
	O_JSON,
	O_NO_WAIT,
	O_WHAT_IF,
	O_USERS,
	O_NO_SAFETY,
	O_DATA,
	O_AUDIT,
	O_HOLD,
	O_STATE,
	O_TO,
	O_FROM,
	O_PASSPHRASE,
	O_CHECK,
	O_REMOVE,
	O_RENEW,
	O_CONFIRM
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' },
	{ "socket", required_argument, NULL, O_SOCKET },
	{ "standalone", no_argument, NULL, O_STANDALONE },
	{ "json", no_argument, NULL, O_JSON },
	{ "no-wait", no_argument, NULL, O_NO_WAIT },
	{ "snapshot", required_argument, NULL, 's' },
	{ "what-if", no_argument, NULL, O_WHAT_IF },
	{ "with-users-connected", no_argument, NULL, O_USERS },
	{ "without-safety", no_argument, NULL, O_NO_SAFETY },
	{ "yes", no_argument, NULL, 'y' },
	{ "data", no_argument, NULL, O_DATA },
	{ "audit", no_argument, NULL, O_AUDIT },
	{ "hold", required_argument, NULL, O_HOLD },
	{ "state", no_argument, NULL, O_STATE },
	{ "to", required_argument, NULL, O_TO },
	{ "from", required_argument, NULL, O_FROM },
	{ "passphrase", no_argument, NULL, O_PASSPHRASE },
	{ "check", no_argument, NULL, O_CHECK },
	{ "remove", no_argument, NULL, O_REMOVE },
	{ "renew", no_argument, NULL, O_RENEW },
	{ "confirm", no_argument, NULL, O_CONFIRM },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

/* Which commands take it; 0: all. */
static unsigned int taken_by(int option)
{
	switch (option) {
	case O_NO_WAIT:
		return TAKES_WAIT;
	case 's':
		return TAKES_SNAPSHOT;
	case O_WHAT_IF:
		return TAKES_WHAT_IF;
	case O_USERS:
	case O_NO_SAFETY:
		return TAKES_RESTORE;
	case 'y':
		return TAKES_YES;
	case O_DATA:
		return TAKES_DATA;
	case O_AUDIT:
		return TAKES_AUDIT;
	case O_TO:
		return TAKES_TO;
	case O_FROM:
		return TAKES_FROM;
	case O_HOLD:
	case O_STATE:
		return TAKES_HOLD;
	case O_PASSPHRASE:
		return TAKES_KEY;
	case O_CHECK:
		return TAKES_CHECK;
	case O_REMOVE:
		return TAKES_REMOVE;
	case O_RENEW:
	case O_CONFIRM:
		return TAKES_RENEW;
	default:
		return 0;
	}
}

static const char *option_name(int option)
{
	for (size_t i = 0; long_options[i].name; i++)
		if (long_options[i].val == option)
			return long_options[i].name;
	return "";
}

static bool *find_flag(struct options *options, int option)
{
	switch (option) {
	case O_STANDALONE:
		return &options->standalone;
	case O_JSON:
		return &options->json;
	case O_NO_WAIT:
		return &options->no_wait;
	case O_WHAT_IF:
		return &options->what_if;
	case O_USERS:
		return &options->users_connected;
	case O_NO_SAFETY:
		return &options->without_safety;
	case 'y':
		return &options->yes;
	case O_DATA:
		return &options->data;
	case O_AUDIT:
		return &options->audit;
	case O_STATE:
		return &options->state;
	case O_PASSPHRASE:
		return &options->passphrase;
	case O_CHECK:
		return &options->check;
	case O_REMOVE:
		return &options->remove;
	case O_RENEW:
		return &options->renew;
	case O_CONFIRM:
		return &options->confirm;
	case 'h':
		return &options->help;
	case 'V':
		return &options->version;
	default:
		return NULL;
	}
}

static const char **find_text(struct options *options, int option)
{
	switch (option) {
	case 'c':
		return &options->config;
	case O_SOCKET:
		return &options->socket;
	case 's':
		return &options->snapshot;
	case O_HOLD:
		return &options->hold;
	case O_TO:
		return &options->to;
	case O_FROM:
		return &options->from;
	default:
		return NULL;
	}
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < command_count; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static int take_arguments(struct options *options, int count, char **arguments, char *message, size_t size)
{
	if (count > 0) {
		options->command = find_command(arguments[0]);
		if (!options->command) {
			snprintf(message, size, "There is no command \"%.40s\". Try coffret --help.", arguments[0]);
			return -EINVAL;
		}
	}
	if (options->help || options->version)
		return 0;
	const struct command *command = options->command;
	int most = command && command->argument ? 2 : 1;
	if (!command)
		snprintf(message, size, "Which command? Try coffret --help.");
	else if (count > most)
		snprintf(message, size, "\"%.60s\" is not expected here. Usage: coffret %s", arguments[most], command->usage);
	else if (command->required && count < 2)
		snprintf(message, size, "Usage: coffret %s", command->usage);
	else
		options->argument = count == 2 ? arguments[1] : "";
	return options->argument ? 0 : -EINVAL;
}

/* The command may come after options, so that what it takes is only known at the end. */
static int check_taken(const struct options *options, const int *given, size_t count, char *message, size_t size)
{
	for (size_t i = 0; options->command && i < count; i++) {
		unsigned int takes = taken_by(given[i]);
		if (!takes || options->command->takes & takes)
			continue;
		snprintf(message, size, "coffret %s does not take --%s. Try coffret %s --help.", options->command->name,
			option_name(given[i]), options->command->name);
		return -EINVAL;
	}
	return 0;
}

/* The ways of one command of which only one can be meant. */
static int check_ways(const struct options *options, char *message, size_t size)
{
	const struct command *command = options->command;
	int ways = options->check + options->remove + options->renew + options->confirm;
	bool must = command && command->takes & TAKES_RENEW && !options->help;
	if (ways <= 1 && (ways == 1 || !must))
		return 0;
	snprintf(message, size, "%s Usage: coffret %s", ways ? "One way at a time." : "Say which way.",
		command ? command->usage : "");
	return -EINVAL;
}

int options_parse(struct options *options, int argc, char **argv, char *message, size_t size)
{
	int given[32], option;
	size_t count = 0;
	memset(options, 0, sizeof(*options));
	message[0] = '\0';
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(argc, argv, ":c:s:yhV", long_options, NULL)) != -1) {
		const char **text = find_text(options, option);
		bool *flag = find_flag(options, option);
		if (text) {
			*text = optarg;
		} else if (flag) {
			*flag = true;
		} else {
			snprintf(message, size,
				option == ':' ? "%.60s needs a value. Try coffret --help."
							  : "There is no option %.60s. Try coffret --help.",
				argv[optind - 1]);
			return -EINVAL;
		}
		if (count < sizeof(given) / sizeof(given[0]))
			given[count++] = option;
	}
	int result = take_arguments(options, argc - optind, argv + optind, message, size);
	if (result == 0)
		result = check_taken(options, given, count, message, size);
	return result < 0 ? result : check_ways(options, message, size);
}

void options_request(const struct options *options, struct block *block)
{
	block_begin(block, NULL);
	block_add(block, "Command", options->command->name);
	if (options->command->argument && options->argument[0])
		block_add(block, options->command->argument, options->argument);
	if (options->snapshot)
		block_add(block, "Snapshot", options->snapshot);
	if (options->to || options->from)
		block_add(block, "Volume", options->to ? options->to : options->from);
	if (options->secret_key)
		block_add(block, options->secret_key, options->secret);
	if (options->no_wait)
		block_add(block, "Wait", "no");
	if (options->what_if)
		block_add(block, "What-If", "yes");
	if (options->users_connected)
		block_add(block, "Users-Connected", "yes");
	if (options->without_safety)
		block_add(block, "Without-Safety", "yes");
	if (options->data)
		block_add(block, "Data", "yes");
	if (options->audit)
		block_add(block, "Audit", "yes");
	if (options->check)
		block_add(block, "Check", "yes");
	if (options->remove)
		block_add(block, "Remove", "yes");
	if (options->renew)
		block_add(block, "Renew", "yes");
	if (options->confirm)
		block_add(block, "Confirm", "yes");
}
