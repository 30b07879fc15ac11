/* SPDX-License-Identifier: Apache-2.0 */
/* What a job does and how it ended, told to a client until the end. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/base/now.h"
#include "agent/job/names.h"
#include "agent/job/server.h"
#include "agent/service/service_private.h"

enum stage { STAGE_FOLLOW = 0, STAGE_OUTCOMES, STAGE_CHANGES, STAGE_NOTES, STAGE_END };

bool service_running(struct service *service, struct job_info *info, struct job_progress *progress)
{
	uint64_t id = engine_progress(service->engine, progress);
	return id && engine_job(service->engine, id, info) == 0 && info->state < JOB_DONE;
}

void service_send_progress(struct api_client *client, const struct job_info *info, const struct job_progress *progress)
{
	struct block block;
	int64_t now = now_ms();
	block_begin(&block, "progress");
	block_add_number(&block, "Job", info->id);
	block_add(&block, "Kind", job_kind_name(info->request.kind));
	block_add(&block, "State", job_state_name(info->state));
	block_add(&block, "Phase", job_phase_name(progress->phase));
	block_add(&block, "Database", progress->database);
	block_add(&block, "Object", progress->object);
	block_add_number(&block, "Done", progress->done);
	block_add_number(&block, "Expected", progress->expected);
	block_add_number(&block, "Bytes", progress->bytes);
	block_add_number(&block, "Stored-Bytes", progress->stored);
	block_add_number(&block, "Elapsed-Ms", progress->started ? (uint64_t)(now - progress->started) : 0);
	block_add_number(&block, "Phase-Ms", progress->phase_started ? (uint64_t)(now - progress->phase_started) : 0);
	block_add_flag(&block, "Stoppable", !info->committing);
	api_send(client, &block);
}

static bool is_news(const struct service_task *task, const struct job_info *info, const struct job_progress *progress)
{
	return task->told_state != info->state || task->told_phase != progress->phase ||
		task->told_done != progress->done || task->told_bytes != progress->bytes ||
		task->told_stored != progress->stored ||
		strncmp(task->told_object, progress->object, sizeof(task->told_object) - 1) != 0;
}

/* What a slow reader missed is gone: it gets how far things are now. */
static void follow(struct service *service, struct api_client *client, const struct job_info *info)
{
	struct service_task *task = task_of(client);
	struct job_progress progress;
	if (engine_progress(service->engine, &progress) != info->id)
		memset(&progress, 0, sizeof(progress));
	if (!is_news(task, info, &progress))
		return;
	task->told_state = info->state;
	task->told_phase = progress.phase;
	task->told_done = progress.done;
	task->told_bytes = progress.bytes;
	task->told_stored = progress.stored;
	snprintf(task->told_object, sizeof(task->told_object), "%.63s", progress.object);
	service_send_progress(client, info, &progress);
}

static void send_outcome(struct api_client *client, uint64_t job, const struct job_outcome *outcome)
{
	struct block block;
	block_begin(&block, "outcome");
	block_add_number(&block, "Job", job);
	block_add(&block, "Server", outcome->server);
	block_add(&block, "Database", outcome->database);
	if (outcome->volume[0])
		block_add(&block, "Volume", outcome->volume);
	block_add(&block, "State", job_state_name(outcome->state));
	service_add_id(&block, "Snapshot", outcome->snapshot);
	service_add_id(&block, "Safety", outcome->safety);
	block_add_number(&block, "Tables", outcome->tables);
	block_add_number(&block, "Tables-Changed", outcome->tables_changed);
	block_add_number(&block, "Rows", outcome->rows);
	block_add_number(&block, "Rows-Deleted", outcome->rows_deleted);
	block_add_number(&block, "Rows-Inserted", outcome->rows_inserted);
	block_add_number(&block, "Bytes", outcome->bytes);
	block_add_number(&block, "Stored-Bytes", outcome->stored);
	block_add_number(&block, "Server-Bytes", outcome->server_bytes);
	block_add_number(&block, "Milliseconds", outcome->milliseconds);
	if (outcome->error.kind != SQL_OK) {
		block_add_number(&block, "Error-Kind", outcome->error.kind);
		block_addf(&block, "Error-Number", "%d", (int)outcome->error.number);
	}
	block_add(&block, "Consent", job_consent_name(outcome->consent));
	block_add(&block, "Sentence", outcome->sentence);
	block_add(&block, "Remedy", outcome->remedy);
	api_send(client, &block);
}

static void send_change(struct api_client *client, uint64_t job, const struct job_change *change)
{
	struct block block;
	block_begin(&block, "change");
	block_add_number(&block, "Job", job);
	block_add(&block, "Database", change->database);
	block_add(&block, "Table", change->table);
	block_add(&block, "Way", change->why[0] ? "whole" : "ranges");
	block_add(&block, "Why", change->why);
	block_add_number(&block, "Deleted", change->deleted);
	block_add_number(&block, "Inserted", change->inserted);
	block_add_number(&block, "Kept", change->kept);
	api_send(client, &block);
}

static void send_note(struct api_client *client, uint64_t job, const char *text)
{
	struct block block;
	block_begin(&block, "note");
	block_add_number(&block, "Job", job);
	block_add(&block, "Text", text);
	api_send(client, &block);
}

/* A verification may also fail since a volume cannot be read. What is not known any more may have been damage. */
static bool found_damage(struct service *service, const struct job_info *info)
{
	struct job_outcome outcome;
	for (size_t i = 0; info->request.kind == JOB_VERIFY && i < info->outcomes; i++)
		if (engine_outcome(service->engine, info->id, i, &outcome) < 0 || outcome.store_error == -EBADMSG)
			return true;
	return false;
}

static enum service_code code_of(struct service *service, const struct job_info *info)
{
	switch (info->state) {
	case JOB_DONE:
		return CODE_DONE;
	case JOB_CANCELLED:
		return CODE_CANCELLED;
	case JOB_OUTCOME_UNKNOWN:
		return CODE_UNKNOWN;
	default:
		return found_damage(service, info) ? CODE_DAMAGED : CODE_FAILED;
	}
}

static void send_outcomes(struct service *service, struct api_client *client, const struct job_info *info)
{
	struct service_task *task = task_of(client);
	struct job_outcome outcome;
	for (; task->index < info->outcomes && api_room(client); task->index++) {
		if (engine_outcome(service->engine, info->id, task->index, &outcome) == 0) {
			send_outcome(client, info->id, &outcome);
			continue;
		}
		send_note(client, info->id, "The full report is no longer kept; the audit log has the outcome.");
		task->index = info->outcomes - 1;
	}
	if (task->index >= info->outcomes) {
		task->stage = STAGE_CHANGES;
		task->index = 0;
	}
}

static void send_changes(struct service *service, struct api_client *client, const struct job_info *info)
{
	struct service_task *task = task_of(client);
	struct job_change change;
	for (; task->index < info->changes && api_room(client); task->index++)
		if (engine_change(service->engine, info->id, task->index, &change) == 0)
			send_change(client, info->id, &change);
	if (task->index >= info->changes) {
		task->stage = STAGE_NOTES;
		task->index = 0;
	}
}

static void send_notes(struct service *service, struct api_client *client, const struct job_info *info)
{
	struct service_task *task = task_of(client);
	char note[JOB_NOTE_SIZE];
	for (; task->index < info->notes && api_room(client); task->index++)
		if (engine_note(service->engine, info->id, task->index, note) == 0)
			send_note(client, info->id, note);
	if (task->index >= info->notes)
		task->stage = STAGE_END;
}

void service_follow(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	struct job_info info;
	if (engine_job(service->engine, task->job, &info) < 0) {
		service_end(client, CODE_FAILED, "coffret jobs --audit has how it ended.",
			"Job %llu ended too long ago to be told about.", (unsigned long long)task->job);
		return;
	}
	if (info.state < JOB_DONE) {
		follow(service, client, &info);
		return;
	}
	if (task->stage == STAGE_FOLLOW)
		task->stage = STAGE_OUTCOMES;
	if (task->stage == STAGE_OUTCOMES)
		send_outcomes(service, client, &info);
	if (task->stage == STAGE_CHANGES)
		send_changes(service, client, &info);
	if (task->stage == STAGE_NOTES)
		send_notes(service, client, &info);
	if (task->stage == STAGE_END && api_room(client))
		service_end(client, code_of(service, &info), info.remedy, "%s", info.sentence);
}
