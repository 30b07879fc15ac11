/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int journal_encode(const struct journal *journal, struct block *block)
{
	const struct job_request *request = &journal->request;
	block_begin(block, NULL);
	block_add_number(block, "Job", journal->job);
	block_add_flag(block, "Running", journal->running);
	if (!journal->running)
		return block_end(block);
	block_add_number(block, "Kind", request->kind);
	block_add_number(block, "Phase", journal->phase);
	block_add(block, "Server", request->server);
	block_add(block, "Database", request->database);
	block_add_number(block, "Snapshot", request->snapshot);
	block_add_flag(block, "Users-Connected", request->users_connected);
	block_add_flag(block, "Without-Safety", request->without_safety);
	block_add_flag(block, "What-If", request->what_if);
	block_add(block, "Volume", request->volume);
	block_add_hex(block, "Wait-For", request->wait_for, sizeof(request->wait_for));
	block_add_number(block, "Again", request->again);
	block_add_number(block, "Origin", request->origin);
	block_add_number(block, "Uid", request->uid);
	block_add(block, "Asked-By", request->asked_by);
	block_add_number(block, "Asked", (uint64_t)journal->asked);
	block_add_number(block, "Began", (uint64_t)journal->began);
	block_add_number(block, "Sequence", journal->sequence);
	block_add(block, "At-Server", journal->outcome.server);
	block_add(block, "At-Database", journal->outcome.database);
	block_add_number(block, "At-Snapshot", journal->outcome.snapshot);
	block_add_number(block, "At-Safety", journal->outcome.safety);
	block_add_flag(block, "At-Cancelled", journal->outcome.cancelled);
	return block_end(block);
}

static int take_text(const struct block_fields *fields, const char *key, char *text, size_t size)
{
	const char *value = block_get(fields, key);
	if (!value || strlen(value) >= size)
		return -EBADMSG;
	strcpy(text, value);
	return 0;
}

/* Not written by earlier versions. */
static int take_volume(const struct block_fields *fields, struct job_request *request)
{
	uint64_t again = 0;
	const char *name = block_get(fields, "Volume");
	if (name && strlen(name) >= sizeof(request->volume))
		return -EBADMSG;
	strcpy(request->volume, name ? name : "");
	if (block_get(fields, "Wait-For") &&
		block_get_hex(fields, "Wait-For", request->wait_for, sizeof(request->wait_for)) < 0)
		return -EBADMSG;
	if (block_get(fields, "Again") && block_get_number(fields, "Again", UINT8_MAX, &again) < 0)
		return -EBADMSG;
	request->again = (uint8_t)again;
	return 0;
}

static int take_request(const struct block_fields *fields, struct job_request *request)
{
	uint64_t kind, origin, uid;
	if (take_text(fields, "Server", request->server, sizeof(request->server)) < 0 ||
		take_text(fields, "Database", request->database, sizeof(request->database)) < 0 ||
		take_text(fields, "Asked-By", request->asked_by, sizeof(request->asked_by)) < 0 ||
		block_get_number(fields, "Kind", JOB_KIND_LAST, &kind) < 0 || kind < JOB_BACKUP ||
		block_get_number(fields, "Snapshot", UINT64_MAX, &request->snapshot) < 0 ||
		block_get_number(fields, "Origin", ORIGIN_NETWORK, &origin) < 0 ||
		block_get_number(fields, "Uid", UINT32_MAX, &uid) < 0)
		return -EBADMSG;
	request->kind = (enum job_kind)kind;
	request->origin = (enum job_origin)origin;
	request->uid = (uint32_t)uid;
	request->users_connected = block_get_flag(fields, "Users-Connected");
	request->without_safety = block_get_flag(fields, "Without-Safety");
	request->what_if = block_get_flag(fields, "What-If");
	return take_volume(fields, request);
}

static int take_place(const struct block_fields *fields, struct journal *journal)
{
	struct job_outcome *outcome = &journal->outcome;
	uint64_t phase, asked, began;
	if (block_get_number(fields, "Phase", JOB_PHASE_LAST, &phase) < 0 ||
		block_get_number(fields, "Asked", INT64_MAX, &asked) < 0 ||
		block_get_number(fields, "Began", INT64_MAX, &began) < 0 ||
		block_get_number(fields, "Sequence", UINT64_MAX, &journal->sequence) < 0 ||
		take_text(fields, "At-Server", outcome->server, sizeof(outcome->server)) < 0 ||
		take_text(fields, "At-Database", outcome->database, sizeof(outcome->database)) < 0 ||
		block_get_number(fields, "At-Snapshot", UINT64_MAX, &outcome->snapshot) < 0 ||
		block_get_number(fields, "At-Safety", UINT64_MAX, &outcome->safety) < 0)
		return -EBADMSG;
	outcome->cancelled = block_get_flag(fields, "At-Cancelled");
	journal->phase = (enum job_phase)phase;
	journal->asked = (int64_t)asked;
	journal->began = (int64_t)began;
	return 0;
}

int journal_decode(struct journal *journal, const void *bytes, size_t size)
{
	struct block_fields fields;
	memset(journal, 0, sizeof(*journal));
	if (block_parse(&fields, bytes, size) < 0 || block_get_number(&fields, "Job", UINT64_MAX, &journal->job) < 0)
		return -EBADMSG;
	journal->running = block_get_flag(&fields, "Running");
	if (!journal->running)
		return 0;
	int result = take_request(&fields, &journal->request);
	return result < 0 ? result : take_place(&fields, journal);
}
