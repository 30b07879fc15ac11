/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that read how the box and its servers are: status, jobs, check. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "agent/job/names.h"
#include "agent/job/server.h"
#include "agent/service/service_private.h"
#include "agent/store/place.h"

/* ---- status ---- */

static void add_room(struct block *block, const struct shelf_volume *volume)
{
	const struct repository_status *status = &volume->status;
	block_add_number(block, "Volume-Size", status->size);
	block_add_number(block, "Volume-Free", status->free);
	block_add_number(block, "Room", status->room);
	block_add(block, "Mode", status->append_only ? "append-only" : "normal");
	if (place_is_flash(volume->path)) {
		block_add_number(block, "Bad-Blocks", status->bad_blocks);
		block_add_number(block, "Max-Erase-Count", status->max_erase_count);
	}
	block_add_flag(block, "Parity", status->parity);
	block_add_number(block, "Healed-Reads", status->healed);
	block_add_number(block, "Wounded-Segments", status->wounded_segments);
	block_add_flag(block, "Durable", status->durable);
	block_add_flag(block, "Read-Only", status->read_only);
	block_add_number(block, "Chunks", status->chunks);
	block_add_number(block, "Index-Capacity", status->index_capacity);
	block_add_number(block, "Key-Files", status->keys.key_files);
	block_add_number(block, "Passphrases", status->keys.passphrases);
	block_add_number(block, "Recovery-Keys", status->keys.recovery_keys);
	block_add_number(block, "Unconfirmed-Keys", status->keys.unconfirmed);
}

/* Of the one volume, or of home: the volumes that follow tell the rest. */
static void add_store(struct service *service, struct block *block)
{
	struct shelf_volume volume = { .there = false };
	struct repository_status status;
	size_t total;
	int error = shelf_status(service->shelf, &status, &total);
	for (size_t i = 0; !volume.home && shelf_volume(service->shelf, i, &volume) == 0; i++)
		continue;
	block_add(block, "Store", error < 0 ? strerror(-error) : "good");
	block_add(block, "Volume", volume.path);
	add_room(block, &volume);
	block_add_number(block, "Room-For-Base", shelf_base(service->shelf));
	block_add_number(block, "Snapshot-Count", total);
	block_add_number(block, "Damaged-Count", shelf_count(service->shelf, SNAPSHOT_DAMAGED));
	block_add_number(block, "Suspect-Count", shelf_count(service->shelf, SNAPSHOT_SUSPECT));
	if (service->held_back && *service->held_back > 0)
		block_add_number(block, "Time-Held-Back", (uint64_t)*service->held_back);
}

static void send_volume(struct api_client *client, const struct shelf_volume *volume)
{
	struct block block;
	block_begin(&block, "volume");
	block_add(&block, "Name", volume->name);
	block_add(&block, "Path", volume->path);
	block_add(&block, "State", !volume->there ? "away" : volume->foreign ? "foreign" : "there");
	block_add_flag(&block, "Home", volume->home);
	if (volume->there) {
		add_room(&block, volume);
		block_add_number(&block, "Snapshot-Count", volume->total);
	}
	block_add(&block, "Sentence", volume->sentence);
	block_add(&block, "Remedy", volume->remedy);
	api_send(client, &block);
}

static void begin_status(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct job_progress progress;
	struct job_info info;
	struct block block;
	(void)request;
	block_begin(&block, "status");
	block_add(&block, "State", service_running(service, &info, &progress) ? "busy" : "idle");
	if (service->schedule && service->schedule->count > 0)
		block_add_number(&block, "Next-Backup", (uint64_t)service->schedule->next);
	block_add_number(&block, "Now", (uint64_t)time(NULL));
	block_add_number(&block, "Started", (uint64_t)service->started);
	add_store(service, &block);
	api_send(client, &block);
	if (service_running(service, &info, &progress))
		service_send_progress(client, &info, &progress);
}

/* The job of which it is not known how it left the database; 0: none. */
static uint64_t unknown_job(struct service *service, const char *server, const char *database)
{
	struct job_info unknown[ENGINE_UNKNOWN_MAX];
	size_t count = engine_unknown(service->engine, unknown, ENGINE_UNKNOWN_MAX);
	for (size_t i = 0; i < count; i++)
		if (strcmp(unknown[i].request.server, server) == 0 && strcasecmp(unknown[i].request.database, database) == 0)
			return unknown[i].id;
	return 0;
}

static void send_database(
	struct service *service, struct api_client *client, const struct server_config *server, const char *database)
{
	char subject[136];
	struct shelf_entry entry;
	struct block block;
	server_subject(server, database, subject, sizeof(subject));
	block_begin(&block, "database");
	block_add(&block, "Server", server->name);
	block_add(&block, "Database", database);
	if (shelf_newest(service->shelf, subject, SNAPSHOT_BACKUP, &entry) == 0) {
		service_add_id(&block, "Newest", entry.info.id);
		block_add_number(&block, "Time", (uint64_t)entry.info.wall_time);
		block_add_number(&block, "Rows", entry.rows);
		block_add_flag(&block, "Verified", entry.info.flags & SNAPSHOT_VERIFIED);
	}
	if (shelf_newest(service->shelf, subject, SNAPSHOT_SAFETY, &entry) == 0)
		service_add_id(&block, "Undo", entry.info.id);
	uint64_t unknown = unknown_job(service, server->name, database);
	if (unknown)
		block_add_number(&block, "Unknown-Job", unknown);
	block_add_flag(&block, "Can-Restore", server->restore.login[0]);
	block_add_flag(&block, "Password-Dropped", server->backup.dropped || server->restore.dropped);
	api_send(client, &block);
}

/* task->index counts databases over all servers, task->stage volumes, where there is more than one. */
static void more_status(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	struct shelf_volume volume;
	size_t at = 0;
	while (service->config->volume_count > 1 && api_room(client) &&
		shelf_volume(service->shelf, task->stage, &volume) == 0) {
		send_volume(client, &volume);
		task->stage++;
	}
	if (!api_room(client))
		return;
	for (uint32_t i = 0; i < service->config->server_count; i++) {
		const struct server_config *server = &service->config->servers[i];
		for (uint32_t j = 0; j < server->database_count; j++, at++) {
			if (at < task->index)
				continue;
			if (!api_room(client))
				return;
			send_database(service, client, server, server->databases[j]);
			task->index++;
		}
	}
	if (api_room(client))
		service_end(client, CODE_DONE, "", "%s", "");
}

/* ---- jobs ---- */

static void send_job(struct api_client *client, const struct job_info *info)
{
	struct block block;
	block_begin(&block, "job");
	block_add_number(&block, "Job", info->id);
	block_add(&block, "Kind", job_kind_name(info->request.kind));
	block_add(&block, "State", job_state_name(info->state));
	block_add(&block, "Server", info->request.server);
	block_add(&block, "Database", info->request.database);
	service_add_id(&block, "Snapshot", info->snapshot ? info->snapshot : info->request.snapshot);
	service_add_id(&block, "Safety", info->safety);
	block_add(&block, "By", job_origin_name(info->request.origin));
	block_add(&block, "Who", info->request.asked_by);
	block_add_number(&block, "Asked", (uint64_t)info->asked);
	block_add_number(&block, "Began", (uint64_t)info->began);
	block_add_number(&block, "Ended", (uint64_t)info->ended);
	block_add_flag(&block, "Recovered", info->recovered);
	bool waits = info->state == JOB_QUEUED && job_waits_for_volume(&info->request);
	block_add(
		&block, "Sentence", waits ? "It waits for its volume to come back, and then begins afresh." : info->sentence);
	block_add(&block, "Remedy", info->remedy);
	api_send(client, &block);
}

static void end_audit(struct service *service, struct api_client *client)
{
	struct audit_verdict verdict;
	char chain[2 * AUDIT_HASH_SIZE + 1] = "";
	int result = audit_verify(service->config->state_directory, &verdict);
	for (size_t i = 0; i < AUDIT_HASH_SIZE; i++)
		sprintf(chain + 2 * i, "%02x", verdict.chain[i]);
	if (result == -EBADMSG)
		service_end(client, CODE_DAMAGED, "Find out who can write to the state directory.",
			"The audit log was changed: record %llu does not fit the one before it.",
			(unsigned long long)verdict.broken);
	else if (result < 0)
		service_end(client, CODE_FAILED, "", "The audit log cannot be read: %s.", strerror(-result));
	else
		service_end(client, CODE_DONE, "", "The audit log is whole: records %llu to %llu. Newest chain value: %s",
			(unsigned long long)verdict.first, (unsigned long long)verdict.last, chain);
}

#define JOBS_MAX (ENGINE_HISTORY_MAX + ENGINE_QUEUE_MAX + 1)

static void begin_jobs(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct service_task *task = task_of(client);
	task->stage = block_get_flag(request, "Audit");
	task->jobs = calloc(JOBS_MAX, sizeof(*task->jobs));
	if (task->jobs)
		task->job_count = engine_jobs(service->engine, task->jobs, JOBS_MAX);
	else
		service_end(client, CODE_FAILED, "", "No memory for that at this moment.");
}

static void gone_jobs(struct service *service, struct api_client *client)
{
	(void)service;
	free(task_of(client)->jobs);
	task_of(client)->jobs = NULL;
}

static void more_jobs(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	while (task->index < task->job_count && api_room(client))
		send_job(client, &task->jobs[task->index++]);
	if (task->index < task->job_count || !api_room(client))
		return;
	gone_jobs(service, client);
	if (task->stage)
		end_audit(service, client);
	else
		service_end(client, CODE_DONE, "", "%s", "");
}

/* ---- check ---- */

static void begin_check(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct service_task *task = task_of(client);
	if (!service_target(service, client, request, task->server, task->database))
		return;
	int result = check_start(service->check, service->config, task->server, task->database);
	if (result == -EBUSY)
		service_end(client, CODE_BUSY, "", "Another check is still under way; try again in a minute.");
	else if (result < 0)
		service_end(client, CODE_FAILED, "", "The check could not be started: %s.", strerror(-result));
	task->job = result == 0;
}

static void send_finding(struct api_client *client, const struct check_finding *finding)
{
	static const char *const results[] = { "ok", "warning", "failed", "unknown" };
	struct block block;
	block_begin(&block, "finding");
	block_add(&block, "Server", finding->server);
	block_add(&block, "Database", finding->database);
	block_add(&block, "Login", finding->restore ? "restore" : "backup");
	block_add(&block, "Step", check_step_name(finding->step));
	block_add(&block, "Result", finding->result <= FINDING_UNKNOWN ? results[finding->result] : "unknown");
	block_add(&block, "Detail", finding->detail);
	block_add(&block, "Remedy", finding->remedy);
	api_send(client, &block);
}

static void more_check(struct service *service, struct api_client *client)
{
	struct service_task *task = task_of(client);
	struct check_finding finding;
	int result = 0;
	while (api_room(client) && (result = check_get(service->check, task->index, &finding)) == 1) {
		task->index++;
		task->failed = task->failed || finding.result == FINDING_FAILED;
		send_finding(client, &finding);
	}
	if (result != -ENOENT || !api_room(client))
		return;
	task->job = 0;
	check_abandon(service->check);
	if (task->failed)
		service_end(client, CODE_FAILED, "", "Something is not right yet; each line above says what to do.");
	else
		service_end(client, CODE_DONE, "", "Everything that was tried is right.");
}

static void gone_check(struct service *service, struct api_client *client)
{
	if (task_of(client)->job)
		check_abandon(service->check);
}

const struct service_command service_status_commands[] = {
	{ "status", begin_status, more_status, NULL },
	{ "jobs", begin_jobs, more_jobs, gone_jobs },
	{ "check", begin_check, more_check, gone_check },
};
const size_t service_status_command_count = sizeof(service_status_commands) / sizeof(service_status_commands[0]);
