/* SPDX-License-Identifier: Apache-2.0 */
/* A secret that a person types, or a script hands over. What held it is wiped. */
#ifndef AGENT_CLI_SECRET_H
#define AGENT_CLI_SECRET_H

#include <stddef.h>

#include "agent/cli/command.h"

/*
 * Asks for whatever secret the command sends: a recovery key, a passphrase (twice where it is new), or none. 0, or an exit
 * code, told to the person.
 */
int secret_ask(struct options *options);
/*
 * One line of standard input, without its end; on a terminal the prompt is shown and what is typed is not. -ENODATA: none.
 * -E2BIG: it is longer. After an error nothing of it is in `text`.
 */
int secret_read(const char *prompt, char *text, size_t size);
/* On a terminal: the new recovery key was shown; does the person type its end? Three tries. */
bool secret_is_written_down(const char *recovery_key);

#endif
