/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong in the command itself, before or without an answer of the daemon: told to the person on standard error,
 * and where the script asked for --json, to it on standard output in the form of the daemon's last block.
 */
#ifndef AGENT_CLI_FAILURE_H
#define AGENT_CLI_FAILURE_H

#include "agent/cli/command.h"
#include "agent/cli/json.h"

/* All of the output. Returns the code, one of enum service_code. The command may not be known yet. */
int failure_tell(const struct options *options, int code, const char *sentence, const char *remedy);
/* The end of an output that began; NULL: standard error alone. Returns the code. */
int failure_end(struct json *json, int code, const char *sentence, const char *remedy);

#endif
