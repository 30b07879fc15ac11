/* SPDX-License-Identifier: Apache-2.0 */
/* The facts, field by field, between worker and keeper. */
#include "agent/sql/preflight_facts.h"

#include <string.h>

static void pack_session(struct packer *packer, const struct preflight_session *session)
{
	pack_u32(packer, (uint32_t)session->id);
	pack_u32(packer, (uint32_t)session->transactions);
	pack_string(packer, session->program);
	pack_string(packer, session->host);
	pack_string(packer, session->login);
}

static void unpack_session(struct unpacker *unpacker, struct preflight_session *session)
{
	session->id = (int32_t)unpack_u32(unpacker);
	session->transactions = (int32_t)unpack_u32(unpacker);
	unpack_string(unpacker, session->program, sizeof session->program);
	unpack_string(unpacker, session->host, sizeof session->host);
	unpack_string(unpacker, session->login, sizeof session->login);
}

static void pack_file(struct packer *packer, const struct preflight_file *file)
{
	pack_u8(packer, (uint8_t)file->kind);
	pack_u8(packer, file->read_only);
	pack_u64(packer, (uint64_t)file->size);
	pack_u64(packer, (uint64_t)file->used);
	pack_u64(packer, (uint64_t)file->limit);
	pack_u64(packer, (uint64_t)file->free);
	pack_string(packer, file->volume);
	pack_string(packer, file->group);
}

/* Sums of sizes must not overflow, whoever says them: 2^53 bytes is more than any file may have. */
static int64_t unpack_size(struct unpacker *unpacker)
{
	int64_t size = (int64_t)unpack_u64(unpacker);

	if (size != PREFLIGHT_NO_LIMIT && (size < -1 || size > INT64_C(1) << 53))
		unpacker->failed = true;
	return size;
}

static void unpack_file(struct unpacker *unpacker, struct preflight_file *file)
{
	uint8_t kind = unpack_u8(unpacker);

	if (kind > PREFLIGHT_TEMPDB)
		unpacker->failed = true;
	file->kind = (enum preflight_file_kind)kind;
	file->read_only = unpack_u8(unpacker) != 0;
	file->size = unpack_size(unpacker);
	file->used = unpack_size(unpacker);
	file->limit = unpack_size(unpacker);
	file->free = unpack_size(unpacker);
	if (file->size < 0 || file->limit < 0 || file->size == PREFLIGHT_NO_LIMIT || file->used == PREFLIGHT_NO_LIMIT ||
		file->free == PREFLIGHT_NO_LIMIT)
		unpacker->failed = true;
	unpack_string(unpacker, file->volume, sizeof file->volume);
	unpack_string(unpacker, file->group, sizeof file->group);
}

static void pack_lack(struct packer *packer, const struct preflight_lack *lack)
{
	pack_string(packer, lack->object);
	pack_u8(packer, lack->sequence);
	pack_u8(packer, lack->rights);
}

static void unpack_lack(struct unpacker *unpacker, struct preflight_lack *lack)
{
	unpack_string(unpacker, lack->object, sizeof lack->object);
	lack->sequence = unpack_u8(unpacker) != 0;
	lack->rights = unpack_u8(unpacker);
}

static void pack_trigger(struct packer *packer, const struct preflight_trigger *trigger)
{
	pack_string(packer, trigger->name);
	pack_string(packer, trigger->event);
	pack_u8(packer, trigger->of_server);
}

static void unpack_trigger(struct unpacker *unpacker, struct preflight_trigger *trigger)
{
	unpack_string(unpacker, trigger->name, sizeof trigger->name);
	unpack_string(unpacker, trigger->event, sizeof trigger->event);
	trigger->of_server = unpack_u8(unpacker) != 0;
}

void preflight_pack(struct packer *packer, const struct preflight_facts *facts)
{
	pack_string(packer, facts->state);
	pack_string(packer, facts->user_access);
	pack_string(packer, facts->mirroring_role);
	pack_string(packer, facts->log_reuse_wait);
	pack_string(packer, facts->mirroring_state);
	pack_string(packer, facts->mirroring_partner);
	pack_u64(packer, (uint64_t)facts->send_queue);
	pack_u8(packer, facts->in_availability_group);
	pack_u8(packer, (uint8_t)facts->log_shipping);
	pack_u8(packer, facts->sessions_seen);
	pack_u8(packer, facts->server_triggers_seen);
	pack_u8(packer, facts->may_reseed);
	pack_u32(packer, facts->session_count);
	pack_u32(packer, facts->lack_count);
	pack_u32(packer, facts->sessions_told);
	for (uint32_t i = 0; i < facts->sessions_told; i++)
		pack_session(packer, &facts->sessions[i]);
	pack_u32(packer, facts->lacks_told);
	for (uint32_t i = 0; i < facts->lacks_told; i++)
		pack_lack(packer, &facts->lacks[i]);
	pack_u32(packer, facts->trigger_count);
	for (uint32_t i = 0; i < facts->trigger_count; i++)
		pack_trigger(packer, &facts->triggers[i]);
	pack_u32(packer, facts->file_count);
	for (uint32_t i = 0; i < facts->file_count; i++)
		pack_file(packer, &facts->files[i]);
}

/* How many follow; 0 and failed where that is more than there may be. */
static uint32_t unpack_count(struct unpacker *unpacker, uint32_t most)
{
	uint32_t count = unpack_u32(unpacker);

	if (unpacker->failed || count > most) {
		unpacker->failed = true;
		return 0;
	}
	return count;
}

void preflight_unpack(struct unpacker *unpacker, struct preflight_facts *facts)
{
	uint8_t answer;

	memset(facts, 0, sizeof *facts);
	unpack_string(unpacker, facts->state, sizeof facts->state);
	unpack_string(unpacker, facts->user_access, sizeof facts->user_access);
	unpack_string(unpacker, facts->mirroring_role, sizeof facts->mirroring_role);
	unpack_string(unpacker, facts->log_reuse_wait, sizeof facts->log_reuse_wait);
	unpack_string(unpacker, facts->mirroring_state, sizeof facts->mirroring_state);
	unpack_string(unpacker, facts->mirroring_partner, sizeof facts->mirroring_partner);
	facts->send_queue = unpack_size(unpacker);
	facts->in_availability_group = unpack_u8(unpacker) != 0;
	answer = unpack_u8(unpacker);
	if (answer > PREFLIGHT_YES)
		unpacker->failed = true;
	facts->log_shipping = (enum preflight_answer)answer;
	facts->sessions_seen = unpack_u8(unpacker) != 0;
	facts->server_triggers_seen = unpack_u8(unpacker) != 0;
	facts->may_reseed = unpack_u8(unpacker) != 0;
	facts->session_count = unpack_u32(unpacker);
	facts->lack_count = unpack_u32(unpacker);
	facts->sessions_told = unpack_count(unpacker, PREFLIGHT_SESSIONS_MAX);
	for (uint32_t i = 0; i < facts->sessions_told; i++)
		unpack_session(unpacker, &facts->sessions[i]);
	facts->lacks_told = unpack_count(unpacker, PREFLIGHT_LACKS_MAX);
	for (uint32_t i = 0; i < facts->lacks_told; i++)
		unpack_lack(unpacker, &facts->lacks[i]);
	facts->trigger_count = unpack_count(unpacker, PREFLIGHT_TRIGGERS_MAX);
	for (uint32_t i = 0; i < facts->trigger_count; i++)
		unpack_trigger(unpacker, &facts->triggers[i]);
	facts->file_count = unpack_count(unpacker, PREFLIGHT_FILES_MAX);
	for (uint32_t i = 0; i < facts->file_count; i++)
		unpack_file(unpacker, &facts->files[i]);
	if (facts->sessions_told > facts->session_count || facts->lacks_told > facts->lack_count)
		unpacker->failed = true;
}
