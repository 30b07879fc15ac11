/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A box inside the command: the same engine and the same answers as the daemon's, over a socketpair, in a thread.
 */
#ifndef AGENT_CLI_STANDALONE_H
#define AGENT_CLI_STANDALONE_H

#include <stddef.h>

/* The descriptor of the client's side, or a negative errno with a sentence. One at a time. */
int standalone_open(const char *config, char *sentence, size_t size);
/* Asks what runs to stop; its end comes as a block. */
void standalone_cancel(void);
/* After the client's side was closed. */
void standalone_close(void);

#endif
