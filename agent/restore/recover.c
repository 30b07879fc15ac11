/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is true after a restore was cut off. Before COMMIT was sent the server undoes it by itself, and the restore's own
 * lock tells when it has; afterwards only the server knows what became of it, so we look, under that lock.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/profile.h"
#include "agent/job/server.h"
#include "agent/job/story.h"
#include "agent/restore/undone.h"
#include "agent/snapshot/capture.h"
#include "agent/snapshot/stored.h"
#include "agent/upkeep/volumes.h"

/* From whichever volume has it whole. */
static int open_stored(const struct story *story, uint64_t id, struct stored_snapshot *snapshot)
{
	struct job_context on;
	int result = -ENOENT;

	for (size_t i = 0; result < 0 && volumes_holding(story->context, id, i, &on); i++)
		result = stored_open(snapshot, on.repository, id);
	return result;
}

/* ---- the server's undo ---- */

/* What identities were tells the safety snapshot, which was sealed before any change. */
static int await_undone(struct story *story, struct sql_error *error)
{
	struct undone_values before = { NULL, 0 };
	struct stored_snapshot safety = { 0 };
	int result;

	if (story->outcome->safety && open_stored(story, story->outcome->safety, &safety) == 0)
		before = (struct undone_values){ safety.catalogue_bytes, safety.catalogue_size };
	result = undone_await(story, &before, false, error);
	stored_close(&safety);
	if (result == 0 && !before.catalogue)
		job_report_note(story->report,
			"%.200s: identity values that the restore had moved stay where they are: without %s nobody knows what they "
			"were. No row has changed.",
			story->outcome->database,
			story->outcome->safety && job_volume_away(story->context)
				? "the safety snapshot, whose volume is not there,"
				: "a safety snapshot");
	return result;
}

/* ---- COMMIT had been sent ---- */

/* True where each table of the snapshot has the digest that was read. */
static bool same(const struct stored_snapshot *snapshot, const struct capture *now)
{
	for (size_t i = 0; i < snapshot->table_count; i++) {
		const struct catalogue_table *table = &snapshot->catalogue->tables[snapshot->tables[i].table];
		int there = catalogue_find_table(now->catalogue, table->schema, table->name);

		if (there < 0 || !table_digest_equal(&snapshot->tables[i].digest, &now->tables[there].digest))
			return false;
	}
	return true;
}

static int look(struct story *story, const struct stored_snapshot *wanted, struct capture *now, struct sql_error *error)
{
	struct worker_watcher watcher = capture_watcher(now);
	struct worker *worker = NULL;
	int result;

	story_phase(story, JOB_PHASE_READ_BACK, 0);
	result = server_connect(&worker, story->server, story->outcome->database, true, &watcher, error);
	if (result == 0) {
		snprintf(error->doing, sizeof error->doing, "looking what became of %.120s", story->outcome->database);
		result = worker_begin(worker,
			&(struct worker_wanted){ .catalogue = wanted->catalogue_bytes,
				.size = wanted->catalogue_size,
				.params = story->context->rowgroup },
			error);
	}
	if (result == 0)
		result = worker_read(worker, CONSISTENCY_LOCK, story->context->rowgroup, false, NULL, 0, error);
	if (result == 0)
		result = capture_finish(now);
	if (worker && error->kind == SQL_OK)
		worker_rollback(worker, &(struct sql_error){ .kind = SQL_OK });
	worker_stop(worker);
	return result;
}

static enum job_state restored(struct story *story, const char *how)
{
	struct job_outcome *outcome = story->outcome;

	if (outcome->safety && snapshot_set_flags(story->context->repository, outcome->safety, SNAPSHOT_APPLIED, 0) < 0)
		job_report_note(story->report, "The safety snapshot %016" PRIx64 " could not be marked; undo it by its id.",
			outcome->safety);
	snprintf(outcome->remedy, sizeof outcome->remedy, "%s",
		story->server ? profile_next_step(story->server->profile, outcome->database) : "");
	return story_done(
		story, "The restore of %s was cut off after COMMIT was sent. %s: it is restored.", outcome->database, how);
}

/* 1, or 0; or an error: nobody knows what was there. -ENOENT: it was not kept. */
static int is_as_before(struct story *story, const struct capture *now)
{
	struct stored_snapshot safety;
	int result = story->outcome->safety ? open_stored(story, story->outcome->safety, &safety) : -ENOENT;

	if (result < 0)
		return result;
	result = same(&safety, now);
	stored_close(&safety);
	return result;
}

static enum job_state not_committed(struct story *story)
{
	struct sql_error error = { .kind = SQL_OK };

	if (await_undone(story, &error) < 0)
		job_report_note(story->report, "%.200s: identity values may have moved and were not put back: %.160s.",
			story->outcome->database, error.detail);
	story_refused(story, "Ask for the restore again.",
		"The restore of %s was cut off. It was looked at: the database is as it was before.", story->outcome->database);
	undone_drop_safety(story);
	return story->outcome->state;
}

/* What would tell is on a volume that is not there: it is asked again by itself when that comes. */
static enum job_state known_later(struct story *story, const char *what)
{
	story_refused(story,
		"Attach it: it is then looked at by itself. If it is gone for good, take it out of coffret.conf and restart "
		"coffretd.",
		"The restore of %s was cut off after COMMIT was sent. What became of it is not known as long as the volume %s is "
		"not there: the %s is not on any other.",
		story->outcome->database, job_volume_away(story->context), what);
	return story->outcome->state = JOB_OUTCOME_UNKNOWN;
}

static bool is_away(const struct story *story, uint64_t snapshot)
{
	struct job_context on;

	return snapshot && job_volume_away(story->context) && !volumes_holding(story->context, snapshot, 0, &on);
}

/* What to do, and where the state before the restore is. */
static void tell_way_on(struct story *story, const char *remedy)
{
	struct job_outcome *outcome = story->outcome;
	struct job_context on;

	if (outcome->safety && volumes_holding(story->context, outcome->safety, 0, &on))
		snprintf(outcome->remedy, sizeof outcome->remedy, "%s Snapshot %016" PRIx64 " has the state before.", remedy,
			outcome->safety);
	else
		snprintf(outcome->remedy, sizeof outcome->remedy, "%s", remedy);
}

static enum job_state neither(struct story *story)
{
	story_refused(story, "",
		"The restore of %s was cut off. It was looked at: the database has changed since, and is neither the old state "
		"nor the snapshot.",
		story->outcome->database);
	tell_way_on(story, "Look at what wrote to it, then restore again.");
	return story->outcome->state;
}

/* Without the state before, what is not the snapshot may be that, or something new. */
static enum job_state not_the_snapshot(struct story *story)
{
	story_refused(story, "",
		"The restore of %s was cut off. It was looked at: the database is not as in the snapshot. Either the restore was not "
		"kept, or somebody has changed it since; which, nobody can tell, since the state before %s.",
		story->outcome->database, story->outcome->safety ? "cannot be read" : "was not kept");
	tell_way_on(story, "Look at the database; then ask for the restore again.");
	return story->outcome->state;
}

static enum job_state tell(struct story *story, const struct stored_snapshot *wanted, const struct capture *now)
{
	int before;

	if (same(wanted, now))
		return restored(story, "It was looked at");
	before = is_as_before(story, now);
	if (before == 1)
		return not_committed(story);
	if (is_away(story, story->outcome->safety))
		return known_later(story, "state before");
	return before == 0 ? neither(story) : not_the_snapshot(story);
}

/*
 * The lock was granted, so nothing is under way any more, but what is there now cannot be compared: another shape, or
 * something that cannot be read. No later look would tell more.
 */
static bool never_to_be_known(const struct sql_error *error)
{
	return error->kind == SQL_ERROR_SCHEMA || error->kind == SQL_ERROR_UNSUPPORTED ||
		error->kind == SQL_ERROR_DAMAGED || error->kind == SQL_ERROR_SNAPSHOT;
}

/* What goes on without knowing: the next restore needs not know. */
static enum job_state cannot_tell(struct story *story, enum sql_error_kind kind)
{
	struct job_outcome *outcome = story->outcome;
	char why[sizeof outcome->sentence];

	memcpy(why, outcome->sentence, sizeof why);
	story_refused(story, "",
		"The restore of %s was cut off after COMMIT was sent, and what became of it cannot be found out any more: %.300s",
		outcome->database, why);
	if (kind == SQL_ERROR_DAMAGED)
		tell_way_on(story,
			"Ask for the restore again, with --without-safety: it replaces what cannot be read, which can neither be kept nor "
			"compared.");
	else if (kind == SQL_ERROR_SNAPSHOT)
		tell_way_on(story, "Look at the database; then restore another snapshot if it is not as it should be.");
	else
		tell_way_on(story, "Compare the database with the snapshot by eye (restore --what-if), then restore again.");
	return outcome->state;
}

static enum job_state look_and_tell(struct story *story)
{
	struct job_outcome *outcome = story->outcome;
	struct sql_error error = { .kind = SQL_OK };
	struct stored_snapshot wanted;
	struct capture now;
	enum job_state state;
	int result = open_stored(story, outcome->snapshot, &wanted);

	if (result == -ENOENT && is_away(story, outcome->snapshot))
		return known_later(story, "snapshot");
	if (result < 0) {
		story_store_failed(story, result, "opening the snapshot that was being restored");
		return result == -ENOENT || result == -EBADMSG ? cannot_tell(story, SQL_ERROR_SNAPSHOT)
													   : (outcome->state = JOB_OUTCOME_UNKNOWN);
	}
	capture_init(&now, story->context, &story->progress, story->report, NULL);
	result = look(story, &wanted, &now, &error);
	if (result == 0) {
		state = tell(story, &wanted, &now);
	} else {
		story_sql_failed(story, &error);
		state = never_to_be_known(&error) ? cannot_tell(story, error.kind) : (outcome->state = JOB_OUTCOME_UNKNOWN);
	}
	capture_free(&now);
	stored_close(&wanted);
	return state;
}

/* ---- before ---- */

/* Something had been changed in the transaction: not over before the server says so. */
static enum job_state ask_whether_undone(struct story *story)
{
	const char *what = story->outcome->cancelled ? "cancelled" : "cut off before COMMIT";
	struct sql_error error = { .kind = SQL_OK };
	int undone;

	story_phase(story, JOB_PHASE_ROLLBACK, 0);
	undone = await_undone(story, &error);
	story_refused(story, "Ask for it again.",
		undone < 0 ? "The restore of %s was %s."
				   : "The restore of %s was %s. The server has undone it: the database is as it was.",
		story->outcome->database, what);
	if (undone < 0)
		return undone_unknown(story, &error);
	undone_drop_safety(story);
	return story->outcome->state = story->outcome->cancelled ? JOB_CANCELLED : JOB_FAILED;
}

static enum job_state nothing_changed(struct story *story)
{
	story_refused(story, "Ask for it again.",
		"The restore of %s was cut off before anything was changed: the database is as it was.",
		story->outcome->database);
	undone_drop_safety(story);
	return story->outcome->state;
}

static bool had_changed_something(enum job_phase phase)
{
	return phase == JOB_PHASE_PREPARE || phase == JOB_PHASE_WRITE || phase == JOB_PHASE_PUT_BACK ||
		phase == JOB_PHASE_READ_BACK || phase == JOB_PHASE_ROLLBACK;
}

enum job_state restore_recover(const struct job_context *context, const struct job_request *request,
	enum job_phase phase, const struct job_outcome *journalled, struct job_report *report)
{
	const char *server_name = journalled->server[0] ? journalled->server : request->server;
	const char *database = journalled->database[0] ? journalled->database : request->database;
	const struct server_config *server = config_server(context->config, server_name);
	struct story story;

	story_begin(&story, context, server, database, report);
	snprintf(story.outcome->server, sizeof story.outcome->server, "%s", server_name);
	story.outcome->snapshot = journalled->snapshot;
	story.outcome->safety = journalled->safety;
	story.outcome->cancelled = journalled->cancelled;
	if (phase == JOB_PHASE_REPORT)
		return restored(&story, "The server had answered that it is kept");
	if (phase != JOB_PHASE_COMMIT && !had_changed_something(phase))
		return nothing_changed(&story);
	if (!server) {
		story_refused(&story, "Put the server back into the configuration and start again.",
			"The restore of %s was cut off, and server \"%s\" is not in the configuration any more.", database,
			server_name);
		return story.outcome->state = JOB_OUTCOME_UNKNOWN;
	}
	return phase == JOB_PHASE_COMMIT ? look_and_tell(&story) : ask_whether_undone(&story);
}
