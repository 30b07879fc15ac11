/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker gives up before it reads the first byte of a server: all but reading, writing, waiting, memory. */
#ifndef AGENT_SQL_CONFINE_H
#define AGENT_SQL_CONFINE_H

#ifdef CONFIG_AGENT_SQL_SECCOMP
/* For all threads of the process, for ever. 0 or a negative errno, after which nothing may be trusted to hold. */
int confine(void);
#else
static inline int confine(void)
{
	return 0;
}
#endif

#endif
