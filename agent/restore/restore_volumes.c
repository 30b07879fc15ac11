/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A restore where there are several volumes. It runs on one: on that which has the snapshot and can keep the state before
 * it. Where none is both, the snapshot is first brought to one that can; where it is damaged, what is damaged is first
 * brought from another volume that has it.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "agent/base/now.h"
#include "agent/job/server.h"
#include "agent/snapshot/stored.h"
#include "agent/upkeep/copy.h"

/* The first volume that has it (and, as far as is known, whole), may hold new snapshots, and is written by this box. */
static bool find_fit(const struct job_context *context, uint64_t id, const struct job_volume *order, size_t count,
	bool whole, struct job_context *on)
{
	struct snapshot_info info;
	for (size_t i = 0; volumes_holding(context, id, i, on); i++)
		for (size_t j = 0; j < count; j++)
			if (order[j].repository == on->repository && snapshot_find(on->repository, id, &info) == 0 &&
				!(whole && info.flags & SNAPSHOT_DAMAGED))
				return true;
	return false;
}

/* 0: it is there now. A note says so; an error is none of the restore: it will say for itself what does not work. */
static int bring(const struct job_context *context, uint64_t id, const struct job_volume *to, struct job_report *report)
{
	const struct volume_config *failed;
	struct job_outcome outcome = { .snapshot = id };
	struct story story = { .context = context, .report = report, .outcome = &outcome, .started_ms = now_ms() };
	struct copy_result result;
	char size[32];
	story_phase(&story, JOB_PHASE_COPY, 0);
	int error = copy_snapshot(&story, id, to, &result, &failed);
	if (error == 0 && (result.stored || !result.there))
		job_report_note(report, "Snapshot %016" PRIx64 ": %s of it were brought to %s for this.", id,
			story_size(result.stored, size), to->config->name);
	return error;
}

/* Where to run it. */
static struct job_context settle(const struct job_context *context, const struct job_request *request,
	const char *subject, struct job_report *report)
{
	struct job_volume order[CONFIG_VOLUMES_MAX];
	struct job_context on = *context;
	size_t count = volumes_for_new(context, subject, order);
	if (find_fit(context, request->snapshot, order, count, true, &on) ||
		find_fit(context, request->snapshot, order, count, false, &on))
		return on;
	bool reads_only = request->what_if || request->without_safety;
	for (size_t i = 0; i < count && !reads_only; i++)
		if (bring(context, request->snapshot, &order[i], report) == 0)
			return volumes_on(context, &order[i]);
	if (!volumes_holding(context, request->snapshot, 0, &on))
		on = *context;
	return on;
}

static struct job_volume volume_of(const struct job_context *on)
{
	return (struct job_volume){ .config = on->volume, .repository = on->repository, .rowgroup = on->rowgroup };
}

/* Damage was found before anything was changed, and another volume has what is damaged. */
static bool can_be_healed(const struct job_context *context, const struct job_context *on,
	const struct job_request *request, const struct job_outcome *outcome, struct job_report *report)
{
	struct job_volume to = volume_of(on);
	return outcome->state == JOB_FAILED && outcome->store_error == -EBADMSG && !outcome->safety &&
		bring(context, request->snapshot, &to, report) == 0;
}

static void restore_one(const struct job_context *context, const struct job_request *request, const char *subject,
	struct job_report *report)
{
	struct job_context on = settle(context, request, subject, report);
	size_t first = report->outcome_count;
	restore_run(&on, request, report);
	if (first < report->outcome_count && can_be_healed(context, &on, request, &report->outcomes[first], report)) {
		report->outcome_count = first;
		restore_run(&on, request, report);
	}
	for (size_t i = first; i < report->outcome_count; i++)
		strcpy(report->outcomes[i].volume, volumes_name(&on));
}

enum job_state restore_each(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	enum snapshot_class class = request->kind == JOB_UNDO ? SNAPSHOT_SAFETY : SNAPSHOT_BACKUP;
	const struct server_config *server = config_server(context->config, request->server);
	const char *databases[CONFIG_DATABASES_MAX];
	size_t count = server ? server_databases(server, request->database, true, databases) : 0;
	if (!volumes_named(context) || count == 0)
		return restore_run(context, request, report);
	for (size_t i = 0; i < count; i++) {
		struct job_request one = *request;
		struct snapshot_info info;
		char subject[136];
		if (one.database != databases[i])
			strcpy(one.database, databases[i]);
		server_subject(server, databases[i], subject, sizeof(subject));
		if (!one.snapshot && volumes_newest(context, subject, class, &info) == 0)
			one.snapshot = info.id;
		restore_one(context, &one, subject, report);
	}
	return job_report_state(report);
}

enum job_state recover_each(const struct job_context *context, const struct job_request *request, enum job_phase phase,
	const struct job_outcome *journalled, struct job_report *report)
{
	struct job_context on = *context;
	if (!volumes_holding(context, journalled->safety, 0, &on))
		volumes_holding(context, journalled->snapshot, 0, &on);
	return restore_recover(&on, request, phase, journalled, report);
}
