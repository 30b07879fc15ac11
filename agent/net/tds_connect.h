/* SPDX-License-Identifier: Apache-2.0 */
/* From a TCP connection to a verified TLS channel that speaks TDS: PRELOGIN and the handshake, in either order. */
#ifndef AGENT_NET_TDS_CONNECT_H
#define AGENT_NET_TDS_CONNECT_H

#include "agent/net/sql_error.h"
#include "agent/net/tds.h"
#include "agent/net/tls.h"

struct tds_connect {
	int socket; /* non-blocking */
	struct tls *tls;
	bool strict, legacy_tls;
	int64_t deadline_ms; /* of net_now_ms */
	/* What the server answered to PRELOGIN, for FreeTDS, with the encryption taken out. */
	uint8_t prelogin[TDS_PRELOGIN_MAX];
	size_t prelogin_size;
};

/* Blocks. 0, or -EIO with *error. The channel's transport is to be replaced afterwards. */
int tds_connect(struct tds_connect *connect, struct sql_error *error);

/* What a problem of TLS is to the user. */
int tds_tls_error(const struct tls *tls, struct sql_error *error);

#endif
