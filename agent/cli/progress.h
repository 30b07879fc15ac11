/* SPDX-License-Identifier: Apache-2.0 */
/* How far a job is: a bar with rate and time to go on a terminal, one line a phase in a pipe. */
#ifndef AGENT_CLI_PROGRESS_H
#define AGENT_CLI_PROGRESS_H

#include "agent/cli/screen.h"

void progress_show(struct screen *screen, const struct block_fields *fields);
/* Takes the bar away before something else is written. */
void progress_clear(struct screen *screen);

/* The bar's line as text, at most `width` cells. Returns its length in bytes. */
size_t progress_line(char *line, size_t size, int width, bool utf8, const struct block_fields *fields);

#endif
