/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A password belongs to the server that it was given for. Whoever may write coffret.conf but not read the password files
 * must not get at the passwords by pointing a server's host, instance, name, CA or pin somewhere else.
 *
 * The file `trust` in the state directory keeps, for each server, a fingerprint of those settings and when each password
 * file was last changed. Where the fingerprint no longer fits, a password file that is still the same is not used until
 * it is written anew, or `coffret trust SERVER` says that the change was meant. systemd's credentials are made anew at
 * each start, so that for them only `coffret trust` counts.
 */
#ifndef AGENT_CONFIG_TRUST_H
#define AGENT_CONFIG_TRUST_H

#include <stddef.h>

#include "agent/config/config.h"

/*
 * Compares each server with what is kept, marks the passwords that are dropped in the configuration, and keeps servers
 * that are new or as they were. Returns how many servers have dropped passwords, or a negative errno; -EBADMSG: the file
 * is none of ours.
 */
int trust_apply(struct config *config);

/* The server is trusted as it is configured now. Durable on return. -ENOENT: no such server. */
int trust_accept(struct config *config, const char *server);

#endif
