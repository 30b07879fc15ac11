/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent knows of a kind of databases beyond their catalogue. The profile "persistent-chat" knows mgc and
 * mgccomp; "any" knows nothing. Names of databases and tables are compared without case.
 */
#ifndef AGENT_CONFIG_PROFILE_H
#define AGENT_CONFIG_PROFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "agent/config/config.h"

#define PROFILE_VOLATILE_MAX 16

/* False for a database that is restored only when it was asked for by name, with the reason. */
bool profile_restores_by_default(enum profile profile, const char *database, const char **why);

/*
 * Tables of passing state that may be left out of a backup: "dbo.tblFileToken". At most PROFILE_VOLATILE_MAX; strings
 * are static. A table that goes together with one that is kept is never among them.
 */
size_t profile_volatile(enum profile profile, const char *database, const char *tables[PROFILE_VOLATILE_MAX]);
/* Why a table is volatile, and what dangles without it; NULL where it is not. */
const char *profile_volatile_reason(enum profile profile, const char *database, const char *table);
const char *profile_volatile_dangles(enum profile profile, const char *database, const char *table);

/* How the sessions that a restore must not meet are ended: a sentence for a person at the servers. */
const char *profile_stop_command(enum profile profile);

/* What to do after a restore, one after the other; the first comes first. NULL after the last. */
const char *const *profile_next_steps(enum profile profile, const char *database);
/* The first of them; "" where there is none. */
const char *profile_next_step(enum profile profile, const char *database);

#endif
