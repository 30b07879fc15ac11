/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/sql/login_message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/worker.h"

void pack_login(struct packer *packer, const struct worker_login *login)
{
	const char *authorities = login->authorities ? login->authorities : "";

	pack_string(packer, login->host);
	pack_string(packer, login->certificate_name);
	pack_string(packer, login->login);
	pack_string(packer, login->password);
	pack_string(packer, login->database);
	pack_blob(packer, authorities, strlen(authorities));
	pack_bytes(packer, login->pin, sizeof(login->pin));
	pack_u8(packer, login->strict);
	pack_u8(packer, login->legacy_tls);
	pack_u8(packer, login->restore);
	pack_u32(packer, (uint32_t)login->login_seconds);
	pack_u32(packer, (uint32_t)login->stall_seconds);
	pack_u32(packer, (uint32_t)login->catalogue_seconds);
	pack_u32(packer, (uint32_t)login->lock_timeout_ms);
	pack_u32(packer, login->read_kib_per_second);
}

static int copy_authorities(struct unpacker *unpacker, struct login_message *login)
{
	size_t size;
	const void *bytes = unpack_blob(unpacker, &size);

	if (!bytes || size > LOGIN_AUTHORITIES_MAX || memchr(bytes, '\0', size))
		return -EPROTO;
	if (!size)
		return 0;
	login->authorities = malloc(size + 1);
	if (!login->authorities)
		return -ENOMEM;
	memcpy(login->authorities, bytes, size);
	login->authorities[size] = '\0';
	return 0;
}

int unpack_login(struct unpacker *unpacker, struct login_message *login)
{
	memset(login, 0, sizeof(*login));
	unpack_string(unpacker, login->host, sizeof(login->host));
	unpack_string(unpacker, login->certificate_name, sizeof(login->certificate_name));
	unpack_string(unpacker, login->login, sizeof(login->login));
	unpack_string(unpacker, login->password, sizeof(login->password));
	unpack_string(unpacker, login->database, sizeof(login->database));

	int error = copy_authorities(unpacker, login);
	const void *pin = error ? NULL : unpack_bytes(unpacker, sizeof(login->pin));

	if (pin)
		memcpy(login->pin, pin, sizeof(login->pin));
	login->strict = unpack_u8(unpacker);
	login->legacy_tls = unpack_u8(unpacker);
	login->restore = unpack_u8(unpacker);
	login->login_seconds = unpack_u32(unpacker);
	login->stall_seconds = unpack_u32(unpacker);
	login->catalogue_seconds = unpack_u32(unpacker);
	login->lock_timeout_ms = unpack_u32(unpacker);
	login->read_kib_per_second = unpack_u32(unpacker);
	if (!error &&
		(unpacker->failed || !login->login_seconds || login->login_seconds > 86400 || login->stall_seconds > 86400 ||
			login->catalogue_seconds > 86400 || login->lock_timeout_ms > INT32_MAX))
		error = -EPROTO;
	return error;
}
