/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a backup: connect, read everything in one consistent picture, seal, verify, and only then a snapshot.
 * Whatever breaks before the commit leaves nothing visible.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/backup/suspect.h"
#include "agent/base/now.h"
#include "agent/config/profile.h"
#include "agent/job/server.h"
#include "agent/job/story.h"
#include "agent/snapshot/capture.h"
#include "agent/snapshot/snapshot_about.h"
#include "agent/upkeep/copy.h"
#include "agent/upkeep/holder.h"
#include "agent/upkeep/keep.h"
#include "agent/upkeep/prune.h"
#include "agent/upkeep/room.h"
#include "agent/upkeep/scrub.h"
#include "agent/upkeep/volumes.h"
#include "storage/retention.h"

#define LOCKED_DAYS 90 /* box days in which a person looks at a damaged database, or unpins */
#define ATTEMPTS 3     /* a deadlock or a schema change in the middle starts it again, at most twice */

/* How many there are on this volume and stay. */
static unsigned lock_on(struct repository *repository, const char *subject)
{
	int count = snapshot_list(repository, NULL, 0);
	struct snapshot_info *list = calloc((size_t)count + 1, sizeof *list);
	uint32_t until = (uint32_t)(repository_box_time(repository) / BOX_DAY) + LOCKED_DAYS;
	unsigned locked = 0;

	count = list ? snapshot_list(repository, list, (size_t)count) : 0;
	for (int i = 0; i < count; i++)
		if (strcmp(list[i].subject, subject) == 0 && snapshot_lock(repository, list[i].id, until) == 0)
			locked++;
	free(list);
	return locked;
}

/* Once a database shows physical damage, the older snapshots may be all there is: nothing may remove them. */
static void lock_older_snapshots(struct story *story)
{
	char subject[136];
	unsigned locked = 0;

	server_subject(story->server, story->outcome->database, subject, sizeof subject);
	for (size_t i = 0; i < volumes_count(story->context); i++) {
		struct repository *repository = volumes_get(story->context, i).repository;
		unsigned there = repository ? lock_on(repository, subject) : 0;
		locked = there > locked ? there : locked; /* most of them are copies of the same */
	}
	job_report_note(story->report, "%s: the database is damaged; %u older snapshots were locked for %d box days",
		story->outcome->database, locked, LOCKED_DAYS);
}

static void describe(const struct story *story, const struct capture *capture, struct snapshot_about *about)
{
	memset(about, 0, sizeof *about);
	snprintf(about->server, sizeof about->server, "%s", story->server->name);
	snprintf(about->host, sizeof about->host, "%s", story->server->host);
	snprintf(about->database, sizeof about->database, "%s", story->outcome->database);
	about->finished = (int64_t)time(NULL);
	about->milliseconds = (uint64_t)(now_ms() - story->started_ms);
	about->started = about->finished - (int64_t)(about->milliseconds / 1000);
	about->tables = capture->tables_read;
	about->rows = capture->rows;
	about->server_bytes = catalogue_bytes(capture->catalogue);
	about->consistency = (enum consistency)story->server->consistency;
	snprintf(about->broker, sizeof about->broker, "%s", capture->catalogue->database.broker_guid);
	snprintf(about->created, sizeof about->created, "%s", capture->catalogue->database.created);
	for (size_t i = 0; i < story->report->note_count && about->note_count < ABOUT_NOTES_MAX; i++)
		snprintf(about->notes[about->note_count++], JOB_NOTE_SIZE, "%s", story->report->notes[i]);
}

/* What the store said; where it is full, also what would make room. */
static enum job_state store_failed(struct story *story, int error, const char *doing)
{
	char subject[136];
	server_subject(story->server, story->outcome->database, subject, sizeof subject);
	if (error == -ENOSPC)
		keep_tell_full(story->context, subject, story->report);
	return story_store_failed(story, error, doing);
}

/* Before the snapshot exists, so that no cut can leave it without its mark. */
static int judge(struct story *story, const struct capture *capture, struct snapshot_about *about,
	enum suspect_verdict *verdict, char why[SUSPECT_WHY_SIZE])
{
	char subject[136];
	uint64_t stored;
	struct suspect_night night = { .subject = subject,
		.server = story->server,
		.database = story->outcome->database,
		.capture = capture,
		.about = about };
	int result = snapshot_new(capture->writer, &about->new_bytes, &about->new_stored);
	server_subject(story->server, story->outcome->database, subject, sizeof subject);
	snapshot_progress(capture->writer, &night.bytes, &stored);
	if (result == 0)
		*verdict = suspect_look(story->context, &night, why, SUSPECT_WHY_SIZE);
	if (*verdict != SUSPECT_NOT)
		snapshot_mark_suspect(capture->writer);
	if (*verdict == SUSPECT_SURELY && about->note_count < ABOUT_NOTES_MAX)
		snprintf(about->notes[about->note_count++], JOB_NOTE_SIZE, "SUSPECT: %s.", why);
	return result;
}

static void settle(struct story *story, enum suspect_verdict verdict, uint64_t id, char why[SUSPECT_WHY_SIZE])
{
	if (suspect_settle(story->context, id, verdict, why, SUSPECT_WHY_SIZE))
		job_report_note(story->report,
			"%s: SUSPECT: %s. Nothing older goes until somebody looked: coffret accept, if that was meant.",
			story->outcome->database, why);
}

static enum job_state finish(struct story *story, struct capture *capture)
{
	static uint8_t bytes[ABOUT_SIZE_MAX]; /* one job at a time */
	static struct snapshot_about about;
	struct job_outcome *outcome = story->outcome;
	struct snapshot_info info;
	enum suspect_verdict verdict = SUSPECT_NOT;
	char rows[32], size[32], added[32], pages[32], why[SUSPECT_WHY_SIZE] = "";
	int encoded, result;

	story_phase(story, JOB_PHASE_SEAL, 0);
	result = capture_finish(capture);
	if (result == 0 && story_stop(story))
		result = -ECANCELED;
	if (result == 0) {
		describe(story, capture, &about);
		result = judge(story, capture, &about, &verdict, why);
	}
	encoded = result < 0 ? result : snapshot_about_encode(&about, bytes, sizeof bytes);
	if (encoded < 0)
		result = encoded;
	if (result < 0) {
		snapshot_abort(capture->writer);
		return store_failed(story, result, "writing the snapshot");
	}
	result = snapshot_commit(capture->writer, bytes, (size_t)encoded, true, &info);
	if (result < 0)
		return store_failed(story, result, "sealing the snapshot");
	settle(story, verdict, info.id, why);

	outcome->snapshot = info.id;
	outcome->tables = capture->tables_read;
	outcome->rows = capture->rows;
	outcome->bytes = info.bytes;
	outcome->stored = info.stored_bytes;
	outcome->server_bytes = about.server_bytes;
	return story_done(story,
		"%s: %s rows in %llu tables backed up; %s of rows added %s to the volume "
		"(the database takes %s on the server).",
		outcome->database, story_count(outcome->rows, rows), (unsigned long long)outcome->tables,
		story_size(outcome->bytes, size), story_size(outcome->stored, added), story_size(outcome->server_bytes, pages));
}

static void note_left_out(
	const struct story *story, const struct capture *capture, const char *const *names, size_t count)
{
	const struct catalogue *catalogue = capture->catalogue;
	for (size_t i = 0; i < count; i++) {
		const char *dangles = profile_volatile_dangles(story->server->profile, story->outcome->database, names[i]);
		bool there = false;
		for (size_t t = 0; t < catalogue->table_count && !there; t++)
			there = catalogue_table_listed(&catalogue->tables[t], &names[i], 1);
		if (there)
			job_report_note(story->report, "%.120s was left out: %s%s%s.", names[i],
				profile_volatile_reason(story->server->profile, story->outcome->database, names[i]),
				*dangles ? "; after a restore " : "", dangles);
	}
}

/* Reads the database into the snapshot that is being made. 0, or the reason with *error filled in. */
static int read_database(struct story *story, struct capture *capture, struct sql_error *error)
{
	const char *left_out[PROFILE_VOLATILE_MAX];
	size_t left_out_count = story->server->leave_out_volatile
		? profile_volatile(story->server->profile, story->outcome->database, left_out)
		: 0;
	struct worker_watcher watcher = capture_watcher(capture);
	struct worker *worker = NULL;
	int result;

	story_phase(story, JOB_PHASE_CONNECT, 0);
	result = server_connect(&worker, story->server, story->outcome->database, false, &watcher, error);
	if (result < 0)
		server_diagnose(story->server, story->outcome->database, false, error, NULL);
	if (result == 0) {
		story_phase(story, JOB_PHASE_READ, 0);
		snprintf(error->doing, sizeof error->doing, "reading %.140s", story->outcome->database);
		result = worker_read(worker, (enum consistency)story->server->consistency, story->context->rowgroup, true,
			left_out, left_out_count, error);
	}
	if (result == 0)
		note_left_out(story, capture, left_out, left_out_count);
	worker_stop(worker);
	return result;
}

/* One try. *again: the server asked to try again. */
static enum job_state try_backup(struct story *story, bool *again)
{
	struct sql_error error = { .kind = SQL_OK };
	struct snapshot_writer *writer;
	struct capture capture;
	enum job_state state;
	char subject[136];
	int result;

	*again = false;
	server_subject(story->server, story->outcome->database, subject, sizeof subject);
	result = snapshot_begin(story->context->repository, SNAPSHOT_BACKUP, subject, &writer);
	if (result < 0)
		return store_failed(story, result, "beginning a snapshot");
	capture_init(&capture, story->context, &story->progress, story->report, writer);
	result = read_database(story, &capture, &error);
	if (result == 0) {
		state = finish(story, &capture);
	} else {
		snapshot_abort(writer);
		*again = error.kind == SQL_ERROR_RETRY;
		state = capture.storage_error ? store_failed(story, capture.storage_error, "writing the snapshot")
									  : story_sql_failed(story, &error);
	}
	capture_free(&capture);
	return state;
}

/* Where not even the least that its last backups took is free, it fails now, and not after hours of reading. */
static bool has_room(struct story *story)
{
	const struct job_context *context = story->context;
	char subject[136], night[32], free_size[32];
	struct room room;

	server_subject(story->server, story->outcome->database, subject, sizeof subject);
	if (room_look(context->repository, subject, &room) < 0 || room.free >= room.night)
		return true;
	prune_make_room(context, story->report);
	if (room_look(context->repository, subject, &room) < 0 || room.free >= room.night)
		return true;
	store_failed(story, -ENOSPC, "making room for a backup");
	snprintf(story->outcome->sentence, sizeof story->outcome->sentence,
		"%.200s: it was not begun: each of its last backups took at least %s of the volume, and there is room for %s.",
		story->outcome->database, story_size(room.night, night), story_size(room.free, free_size));
	return false;
}

/* On the volume of the story's context, as often as the server asks for it. */
static void back_up_here(struct story *story)
{
	struct job_report *report = story->report;
	const char *database = story->outcome->database;
	bool again = true;
	int error = holder_check(story->context, database, report);

	snprintf(story->outcome->volume, sizeof story->outcome->volume, "%s", volumes_name(story->context));
	if (error < 0) {
		story_store_failed(story, error, "backing up");
		return;
	}
	if (!has_room(story))
		return;
	for (int attempt = 1; again && attempt <= ATTEMPTS; attempt++) {
		try_backup(story, &again);
		if (again && attempt < ATTEMPTS)
			job_report_note(report, "%s: message %d; trying again", database, (int)story->outcome->error.number);
	}
	if (story->outcome->error.kind == SQL_ERROR_DAMAGED)
		lock_older_snapshots(story);
}

static bool is_full(const struct story *story)
{
	return story->outcome->state == JOB_FAILED && story->outcome->store_error == -ENOSPC && !story_stop(story);
}

static void back_up(const struct job_context *context, const struct server_config *server, const char *database,
	struct job_report *report)
{
	struct job_volume order[CONFIG_VOLUMES_MAX];
	struct job_outcome fresh;
	struct story story;
	char subject[136];
	size_t count;

	story_begin(&story, context, server, database, report);
	fresh = *story.outcome;
	if (context->journal(context->engine, JOB_PHASE_READ, story.outcome) < 0)
		job_report_note(report, "The journal could not be written; the backup goes on without it.");
	server_subject(server, database, subject, sizeof subject);
	count = volumes_for_new(context, subject, order);
	if (count == 0)
		back_up_here(&story); /* which says why not */
	for (size_t i = 0; i < count; i++) {
		struct job_context on = volumes_on(context, &order[i]);
		*story.outcome = fresh;
		story.context = &on;
		back_up_here(&story);
		story.context = context;
		if (i + 1 == count || !is_full(&story))
			break;
		job_report_note(
			report, "%s: the volume %s is full; trying %s", database, order[i].config->name, order[i + 1].config->name);
	}
}

static void back_up_server(const struct job_context *context, const struct server_config *server,
	const struct job_request *request, struct job_report *report)
{
	const char *databases[CONFIG_DATABASES_MAX];
	size_t count = server_databases(server, request->database, false, databases);
	struct story story;

	for (size_t i = 0; i < count; i++) {
		if (!context->stop(context->engine)) {
			back_up(context, server, databases[i], report);
			continue;
		}
		story_begin(&story, context, server, databases[i], report);
		story_store_failed(&story, -ECANCELED, "Before it was begun");
	}
}

static void prepare(const struct job_context *context, struct job_report *report)
{
	prune_if_nearly_full(context, report);
	scrub_tell(context);
}

enum job_state backup_run(
	const struct job_context *context, const struct job_request *request, struct job_report *report)
{
	const struct config *config = context->config;

	volumes_each_writable(context, report, prepare);
	for (uint32_t i = 0; i < config->server_count; i++)
		if (!request->server[0] || strcmp(config->servers[i].name, request->server) == 0)
			back_up_server(context, &config->servers[i], request, report);
	copy_after_backup(context, report);
	if (job_report_state(report) == JOB_DONE && !context->stop(context->engine))
		volumes_each_writable(context, report, prune_after_backup);
	return job_report_state(report);
}
