/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person reads: blocks as lines, tables and a progress bar. On a terminal with colour and a bar that moves, in a
 * pipe as plain lines.
 */
#ifndef AGENT_CLI_SCREEN_H
#define AGENT_CLI_SCREEN_H

#include <stdbool.h>
#include <stdio.h>

#include "agent/base/block.h"

struct screen {
	FILE *out;
	bool terminal, utf8;
	int width;
	bool bar_shown;
	char last[16];                                     /* type of the block before: a table begins with its head */
	char phase[64], database[64];                      /* last told in a pipe */
	uint64_t now;                                      /* of the last status block */
	char server[64], finding_database[128], login[16]; /* of the last finding */
};

/* out decides: a terminal or not. */
void screen_init(struct screen *screen, FILE *out);
void screen_block(struct screen *screen, const struct block_fields *fields);

#endif
