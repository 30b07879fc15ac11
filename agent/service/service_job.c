/* SPDX-License-Identifier: Apache-2.0 */
/* Requests that make jobs or stop them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/job/names.h"
#include "agent/job/server.h"
#include "agent/service/service_private.h"

/* ---- asking, for whoever asks ---- */

static void describe_request(const struct job_request *request, char *text, size_t size)
{
	char snapshot[32] = "", volume[48] = "";
	if (request->volume[0])
		snprintf(volume, sizeof(volume), " volume %s", request->volume);
	if (request->snapshot)
		snprintf(snapshot, sizeof(snapshot), " snapshot %016llx", (unsigned long long)request->snapshot);
	snprintf(text, size, "%s %s/%.200s%s%s%s%s%s", job_kind_name(request->kind),
		request->server[0] ? request->server : "*", request->database[0] ? request->database : "*", snapshot, volume,
		request->what_if ? " what-if" : "", request->users_connected ? " users-connected" : "",
		request->without_safety ? " without-safety" : "");
}

static const char *why_refused(int error)
{
	return error == -EALREADY ? "the same is under way"
		: error == -ENOSPC    ? "the queue is full"
							  : "the box is shutting down";
}

int service_submit(struct service *service, const struct job_request *request, uint64_t *id)
{
	char what[512], result[64];
	bool changes = request->kind == JOB_RESTORE || request->kind == JOB_UNDO ||
		(request->kind > JOB_VERIFY && !request->what_if);
	describe_request(request, what, sizeof(what));
	if (changes && !service_audit(service, "asked", request->asked_by, request->origin, what, ""))
		return -EROFS;
	int error = engine_submit(service->engine, request, (int64_t)time(NULL), id);
	if (error < 0)
		snprintf(result, sizeof(result), "refused: %s", why_refused(error));
	else
		snprintf(result, sizeof(result), "job %llu", (unsigned long long)*id);
	service_audit(service, error < 0 ? "refused" : "queued", request->asked_by, request->origin, what, result);
	return error;
}

int service_cancel(struct service *service, uint64_t id, const char *who, enum job_origin origin)
{
	char what[64];
	int result = engine_cancel(service->engine, id);
	snprintf(what, sizeof(what), "cancel job %llu", (unsigned long long)id);
	service_audit(service, "cancel", who, origin, what,
		result == 0            ? "stopping"
			: result == -EBUSY ? "refused: too late"
							   : "refused: no such job");
	return result;
}

void service_tell_ended(struct service *service)
{
	struct job_info info;
	char what[600], result[640];
	while (engine_next_ended(service->engine, &info)) {
		char request[512];
		describe_request(&info.request, request, sizeof(request));
		snprintf(what, sizeof(what), "job %llu: %s", (unsigned long long)info.id, request);
		snprintf(result, sizeof(result), "%s: %s", job_state_name(info.state), info.sentence);
		service_audit(
			service, info.recovered ? "found" : "ended", info.request.asked_by, info.request.origin, what, result);
	}
}

/* ---- asking, on the socket ---- */

static void refuse_submit(struct api_client *client, int error, uint64_t id)
{
	if (error == -EALREADY)
		service_end(client, CODE_BUSY, "coffret jobs shows it.", "Job %llu does that already.", (unsigned long long)id);
	else if (error == -ENOSPC)
		service_end(client, CODE_BUSY, "coffret jobs shows them; coffret cancel takes one away.",
			"%d jobs wait already.", ENGINE_QUEUE_MAX);
	else if (error == -EROFS)
		service_end(client, CODE_FAILED, "Make room in the state directory, or mend its disk.",
			"The audit log cannot be written, and nothing is restored, marked or removed without a record of who asked for it.");
	else
		service_end(client, CODE_FAILED, "", "The box is shutting down.");
}

static size_t jobs_ahead(struct service *service, uint64_t id)
{
	struct job_info jobs[ENGINE_HISTORY_MAX + ENGINE_QUEUE_MAX + 1];
	size_t count = engine_jobs(service->engine, jobs, sizeof(jobs) / sizeof(jobs[0])), ahead = 0;
	for (size_t i = 0; i < count && jobs[i].id != id; i++)
		ahead += jobs[i].state < JOB_DONE;
	return ahead;
}

static void submit(struct service *service, struct api_client *client, const struct job_request *request, bool wait)
{
	struct block block;
	uint64_t id = 0;
	int error = service_submit(service, request, &id);
	if (error < 0) {
		refuse_submit(client, error, id);
		return;
	}
	block_begin(&block, "accepted");
	block_add_number(&block, "Job", id);
	block_add(&block, "Kind", job_kind_name(request->kind));
	block_add_number(&block, "Ahead", jobs_ahead(service, id));
	api_send(client, &block);
	task_of(client)->job = id;
	if (!wait)
		service_end(client, CODE_DONE, "", "Job %llu is on its way.", (unsigned long long)id);
}

static struct job_request request_from(
	const struct api_client *client, enum job_kind kind, const struct block_fields *request)
{
	struct job_request job = { .kind = kind, .origin = ORIGIN_COMMAND, .uid = client->uid };
	job.users_connected = block_get_flag(request, "Users-Connected");
	job.without_safety = block_get_flag(request, "Without-Safety");
	job.what_if = block_get_flag(request, "What-If");
	job.every_byte = block_get_flag(request, "Data");
	snprintf(job.asked_by, sizeof(job.asked_by), "%s", client->user);
	return job;
}

static bool wants_to_wait(const struct block_fields *request)
{
	const char *wait = block_get(request, "Wait");
	return !wait || strcmp(wait, "no") != 0;
}

static void begin_backup(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct job_request job = request_from(client, JOB_BACKUP, request);
	if (!service_target(service, client, request, job.server, job.database))
		return;
	const struct server_config *only = config_server(service->config, "");
	if (job.database[0] && !job.server[0] && only)
		strcpy(job.server, only->name);
	submit(service, client, &job, wants_to_wait(request));
}

/* A restore names its server, and one database where the profile would take several. False: answered with an end. */
static bool settle_target(struct service *service, struct api_client *client, struct job_request *job)
{
	const char *databases[CONFIG_DATABASES_MAX];
	const struct server_config *server = config_server(service->config, job->server);
	if (!server) {
		service_end(client, CODE_USAGE, "Write it as SERVER/DATABASE.", "Which server? The configuration has %u.",
			service->config->server_count);
		return false;
	}
	strcpy(job->server, server->name);
	bool all = strcmp(job->database, SERVER_ALL_DATABASES) == 0;
	if (all && job->snapshot) {
		service_end(client, CODE_USAGE, "Name its database.", "A snapshot is of one database.");
		return false;
	}
	size_t count = server_databases(server, job->database, true, databases);
	if (count == 1 && databases[0] != job->database)
		strcpy(job->database, databases[0]);
	if (count != 1 && !all)
		service_end(client, CODE_USAGE, "Write it as SERVER/DATABASE, or SERVER/* for all of them.",
			"Which database of %s? It has %zu.", server->name, count);
	return count == 1 || all;
}

static void begin_put_back(
	struct service *service, struct api_client *client, const struct block_fields *request, enum job_kind kind)
{
	struct job_request job = request_from(client, kind, request);
	struct shelf_entry entry;
	int named = service_snapshot(service, client, request, &entry);
	if (named < 0 || !service_target(service, client, request, job.server, job.database))
		return;
	if (named && !job.database[0] && !subject_split(entry.info.subject, job.server, job.database)) {
		service_end(client, CODE_FAILED, "", "That snapshot does not say of which database it is.");
		return;
	}
	job.snapshot = named ? entry.info.id : 0;
	if (!settle_target(service, client, &job))
		return;
	submit(service, client, &job, wants_to_wait(request));
}

static void begin_restore(struct service *service, struct api_client *client, const struct block_fields *request)
{
	begin_put_back(service, client, request, JOB_RESTORE);
}

static void begin_undo(struct service *service, struct api_client *client, const struct block_fields *request)
{
	begin_put_back(service, client, request, JOB_UNDO);
}

static void begin_verify(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct job_request job = request_from(client, JOB_VERIFY, request);
	struct shelf_entry entry;
	int named = service_snapshot(service, client, request, &entry);
	if (named < 0)
		return;
	job.snapshot = named ? entry.info.id : 0;
	submit(service, client, &job, wants_to_wait(request));
}

/* Volume, where it is named. False: answered with an end. */
static bool take_volume(
	struct service *service, struct api_client *client, const struct block_fields *request, struct job_request *job)
{
	const char *name = block_get(request, "Volume");
	if (!name || !name[0])
		return true;
	const struct volume_config *volume = config_volume(service->config, name);
	if (volume)
		strcpy(job->volume, volume->name);
	else
		service_end(client, CODE_USAGE,
			"See the [volume NAME] sections of coffret.conf; the one of [box] is called store.",
			"There is no volume \"%.31s\" in the configuration.", name);
	return volume;
}

static void begin_keep(
	struct service *service, struct api_client *client, const struct block_fields *request, enum job_kind kind)
{
	struct job_request job = request_from(client, kind, request);
	struct shelf_entry entry;
	if (!service_one_snapshot(service, client, request, &entry))
		return;
	job.snapshot = entry.info.id;
	if (!take_volume(service, client, request, &job))
		return;
	submit(service, client, &job, wants_to_wait(request));
}

static void begin_copy(struct service *service, struct api_client *client, const struct block_fields *request)
{
	begin_keep(service, client, request, JOB_COPY);
}

static void begin_accept(struct service *service, struct api_client *client, const struct block_fields *request)
{
	begin_keep(service, client, request, JOB_ACCEPT);
}

static void begin_prune(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct job_request job = request_from(client, JOB_PRUNE, request);
	submit(service, client, &job, wants_to_wait(request));
}

static void begin_clean(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct job_request job = request_from(client, JOB_CLEAN, request);
	submit(service, client, &job, wants_to_wait(request));
}

static void begin_pin(struct service *service, struct api_client *client, const struct block_fields *request)
{
	begin_keep(service, client, request, JOB_PIN);
}

static void begin_unpin(struct service *service, struct api_client *client, const struct block_fields *request)
{
	begin_keep(service, client, request, JOB_UNPIN);
}

static void begin_remove(struct service *service, struct api_client *client, const struct block_fields *request)
{
	begin_keep(service, client, request, JOB_REMOVE);
}

static void begin_follow(struct service *service, struct api_client *client, const struct block_fields *request)
{
	struct job_info info;
	uint64_t id;
	if (block_get_number(request, "Job", UINT64_MAX, &id) < 0 || engine_job(service->engine, id, &info) < 0)
		service_end(client, CODE_USAGE, "coffret jobs shows them.", "There is no such job.");
	else
		task_of(client)->job = id;
}

static void begin_cancel(struct service *service, struct api_client *client, const struct block_fields *request)
{
	uint64_t id = 0;
	int result = block_get_number(request, "Job", UINT64_MAX, &id);
	if (result == -EINVAL) {
		service_end(client, CODE_USAGE, "coffret jobs shows them.", "A job is named by its number.");
		return;
	}
	result = service_cancel(service, id, client->user, ORIGIN_COMMAND);
	if (result == 0)
		service_end(client, CODE_DONE, "coffret jobs shows when it has stopped.", "Stopping.");
	else if (result == -EBUSY)
		service_end(client, CODE_BUSY, "coffret undo puts the old state back afterwards.",
			"Too late: the change is being committed.");
	else if (id)
		service_end(client, CODE_FAILED, "coffret jobs shows what there is.",
			"There is no job %llu that could be stopped.", (unsigned long long)id);
	else
		service_end(client, CODE_FAILED, "", "Nothing runs.");
}

const struct service_command service_job_commands[] = {
	{ "backup", begin_backup, service_follow, NULL },
	{ "restore", begin_restore, service_follow, NULL },
	{ "undo", begin_undo, service_follow, NULL },
	{ "verify", begin_verify, service_follow, NULL },
	{ "pin", begin_pin, service_follow, NULL },
	{ "unpin", begin_unpin, service_follow, NULL },
	{ "remove", begin_remove, service_follow, NULL },
	{ "accept", begin_accept, service_follow, NULL },
	{ "copy", begin_copy, service_follow, NULL },
	{ "prune", begin_prune, service_follow, NULL },
	{ "clean", begin_clean, service_follow, NULL },
	{ "follow", begin_follow, service_follow, NULL },
	{ "cancel", begin_cancel, NULL, NULL },
};
const size_t service_job_command_count = sizeof(service_job_commands) / sizeof(service_job_commands[0]);
