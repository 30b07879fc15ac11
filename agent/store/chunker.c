/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/store/chunker.h"

#include <errno.h>
#include <string.h>

#include "agent/sql/message.h"

enum { CHUNKER_VERSION = 1 };

void chunker_default(uint8_t record[64])
{
	const struct rowgroup_params *params = &rowgroup_params_default;
	struct packer packer = { .bytes = record, .capacity = 64 };

	memset(record, 0, 64);
	pack_u8(&packer, CHUNKER_VERSION);
	pack_u32(&packer, params->rare_rows);
	pack_u32(&packer, params->frequent_rows);
	pack_u32(&packer, params->group_rows);
	pack_u32(&packer, params->max_rows);
	pack_u32(&packer, params->max_bytes);
	pack_u32(&packer, params->inline_limit);
	pack_u32(&packer, params->piece_size);
	pack_u32(&packer, params->least_bytes);
}

static bool usable(const struct rowgroup_params *params)
{
	return params->rare_rows && params->frequent_rows && params->group_rows && params->max_rows &&
		params->max_bytes >= 4096 && params->max_bytes <= CHUNK_SIZE_MAX && params->inline_limit &&
		params->inline_limit <= params->max_bytes && params->piece_size && params->piece_size <= CHUNK_SIZE_MAX &&
		params->least_bytes <= params->max_bytes / 8;
}

int chunker_params(struct rowgroup_params *params, const struct repository *repository, const uint8_t record[64])
{
	struct unpacker unpacker = { .bytes = record, .size = 64 };
	uint8_t key[32];

	if (unpack_u8(&unpacker) != CHUNKER_VERSION)
		return -EBADMSG;
	params->rare_rows = unpack_u32(&unpacker);
	params->frequent_rows = unpack_u32(&unpacker);
	params->group_rows = unpack_u32(&unpacker);
	params->max_rows = unpack_u32(&unpacker);
	params->max_bytes = unpack_u32(&unpacker);
	params->inline_limit = unpack_u32(&unpacker);
	params->piece_size = unpack_u32(&unpacker);
	params->least_bytes = unpack_u32(&unpacker);
	if (!usable(params))
		return -EBADMSG;
	repository_derive(repository, "rowgroup", key);
	memcpy(params->seed, key, sizeof params->seed);
	explicit_bzero(key, sizeof key);
	return 0;
}
