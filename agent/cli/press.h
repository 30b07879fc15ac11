/* SPDX-License-Identifier: Apache-2.0 */
/* `coffret press`: a finger for the simulated board, which is the only one that has it. */
#ifndef AGENT_CLI_PRESS_H
#define AGENT_CLI_PRESS_H

#include "agent/cli/command.h"

#ifdef CONFIG_HAL_SIM
/* The exit code. */
int press_run(const struct options *options);
/* "5s", "800ms", "1.5s", "3" (seconds) in milliseconds; -EINVAL. At most ten minutes. */
int press_parse_time(const char *text);
#else
static inline int press_run(const struct options *options)
{
	(void)options;
	return 2;
}
#endif
#endif
