/* SPDX-License-Identifier: Apache-2.0 */
/* A secret that a person types, or a script hands over. */
#ifndef AGENT_CLI_SECRET_H
#define AGENT_CLI_SECRET_H

#include <stddef.h>

/* One line of standard input, without its end; on a terminal the prompt is shown and what is typed is not. -ENODATA: none. */
int secret_read(const char *prompt, char *text, size_t size);

#endif
