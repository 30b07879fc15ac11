/* SPDX-License-Identifier: Apache-2.0 */
/* MESSAGE_LOGIN: what the keeper tells the worker before anything else. */
#ifndef AGENT_SQL_LOGIN_MESSAGE_H
#define AGENT_SQL_LOGIN_MESSAGE_H

#include "agent/sql/message.h"

#define LOGIN_TEXT_MAX 520
#define LOGIN_AUTHORITIES_MAX (512u * 1024)

/* As it is in the worker; strings are the worker's own copies. */
struct login_message {
	char host[LOGIN_TEXT_MAX], certificate_name[LOGIN_TEXT_MAX], login[LOGIN_TEXT_MAX], password[LOGIN_TEXT_MAX];
	char database[LOGIN_TEXT_MAX];
	char *authorities; /* PEM, or NULL; to be freed */
	uint8_t pin[32];
	bool strict, legacy_tls, restore;
	uint32_t login_seconds, stall_seconds, catalogue_seconds, lock_timeout_ms, read_kib_per_second;
};

struct worker_login;

void pack_login(struct packer *packer, const struct worker_login *login);
/* -EPROTO, or -ENOMEM. */
int unpack_login(struct unpacker *unpacker, struct login_message *login);

#endif
