/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks SQL Server Browser (MC-SQLR, UDP 1434) for the TCP port of a named instance. Anybody on the network may have
 * answered: the answer says where to knock and nothing about who opens; the certificate is checked against the
 * configured name.
 */
#ifndef AGENT_NET_SQL_BROWSER_H
#define AGENT_NET_SQL_BROWSER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define SQL_BROWSER_PORT 1434
#define SQL_BROWSER_ANSWER_MAX 4096

/* The port of the instance, from an answer's bytes. -EPROTO: no answer to our question. -ENOENT: it has no TCP port. */
int sql_browser_parse(const uint8_t *answer, size_t size, const char *instance, uint16_t *port);

/*
 * Asks the browser at that address, its port included, a few times within the given seconds. 0 and the port,
 * -ETIMEDOUT, -ENOENT, -EPROTO where only nonsense came, -EINVAL for a name that cannot be, or what the socket said.
 */
int sql_browser_ask(const struct sockaddr *browser, socklen_t size, const char *instance, int seconds, uint16_t *port);

#endif
