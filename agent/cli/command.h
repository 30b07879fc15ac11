/* SPDX-License-Identifier: Apache-2.0 */
/* What coffret(1) can be told: its commands, their options, and their help. */
#ifndef AGENT_CLI_COMMAND_H
#define AGENT_CLI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/base/block.h"

/* Options that a command may take beside those that all take; bits. */
enum command_option {
	TAKES_WAIT = 1,
	TAKES_SNAPSHOT = 2,
	TAKES_RESTORE = 4,
	TAKES_DATA = 8,
	TAKES_AUDIT = 16,
	TAKES_HOLD = 32,
	TAKES_YES = 64, /* asks first on a terminal */
	TAKES_WHAT_IF = 128,
	TAKES_TO = 256,
	TAKES_FROM = 512,
	TAKES_KEY = 1024, /* a recovery key, or with --passphrase a passphrase, on standard input */
	TAKES_CHECK = 2048,
	TAKES_REMOVE = 4096,
	TAKES_RENEW = 8192, /* and --confirm */
};

struct command {
	const char *name;
	const char *argument; /* key of the one argument in the request; NULL: none */
	bool required;        /* the argument */
	unsigned int takes;   /* enum command_option */
	const char *list;     /* of --json: what the document is a list of, "": nothing; NULL: a stream of objects */
	const char *usage, *summary, *help;
};

struct options {
	const struct command *command;
	const char *argument; /* "" where there is none */
	const char *config, *socket, *snapshot, *hold, *to, *from;
	const char *secret_key; /* in the request; NULL: no secret goes into it */
	char secret[256];       /* filled in before the request is made */
	bool json, standalone, no_wait, what_if, users_connected, without_safety, data, audit, yes, state;
	bool passphrase, check, remove, renew, confirm;
	bool help, version;
};

extern const struct command commands[];
extern const size_t command_count;

/* 0, or -EINVAL with a sentence. argv may be permuted. */
int options_parse(struct options *options, int argc, char **argv, char *message, size_t size);
/* The request block, without its end. */
void options_request(const struct options *options, struct block *block);
void help_print(const struct command *command); /* NULL: of coffret itself */

#endif
