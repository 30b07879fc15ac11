/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker and its keeper believe of each other's bytes: errors and logins. What is accepted packs the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sql/login_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_error(const uint8_t *data, size_t size)
{
	static uint8_t again[4096];
	struct unpacker unpacker = { .bytes = data, .size = size };
	struct packer packer = { .bytes = again, .capacity = sizeof(again) };
	struct sql_error error;

	unpack_error(&unpacker, &error);
	if (unpacker.failed)
		return;
	pack_error(&packer, &error);
	if (packer.failed || packer.size != unpacker.at || memcmp(again, data, packer.size) != 0)
		abort();
}

static void try_login(const uint8_t *data, size_t size)
{
	struct unpacker unpacker = { .bytes = data, .size = size };
	struct login_message login;

	if (unpack_login(&unpacker, &login) == 0 && !login.login_seconds)
		abort();
	free(login.authorities);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_error(data, size);
	try_login(data, size);
	return 0;
}
