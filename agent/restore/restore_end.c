/* SPDX-License-Identifier: Apache-2.0 */
/* How a restore ended: what the server has undone, what the report says, what is kept. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/config/profile.h"
#include "agent/restore/restore_private.h"
#include "agent/restore/undone.h"

/* They are kept for reading, no digest counts them, and the server has made them anew. */
static void note_server_made(struct restore *restore)
{
	for (size_t i = 0; i < restore->plan.count; i++) {
		const struct catalogue_table *table = &restore->present.catalogue->tables[restore->plan.tables[i].present];
		char name[280];

		catalogue_table_name(table, name, sizeof name);
		for (size_t c = 0; c < table->column_count; c++)
			if (catalogue_column_derived(&table->columns[c]))
				job_report_note(restore->story.report,
					"%.150s.[%.60s] was made anew by the server and is not compared.", name, table->columns[c].name);
	}
}

static enum job_state tell_result(struct restore *restore)
{
	struct story *story = &restore->story;
	const struct job_outcome *outcome = story->outcome;
	const char *kept = outcome->safety ? "The state before is kept: coffret undo." : "The state before was not kept.";
	char deleted[32], inserted[32];

	story_count(outcome->rows_deleted, deleted);
	story_count(outcome->rows_inserted, inserted);
	if (!restore_differs(restore))
		return story_done(story, "%s is already as in the snapshot; nothing was written.", outcome->database);
	if (restore->request->what_if)
		return story_done(story,
			"%s: %" PRIu64 " of %" PRIu64 " tables differ; %s rows would be deleted and %s inserted%s. "
			"Nothing was written.",
			outcome->database, outcome->tables_changed, outcome->tables, deleted, inserted,
			plan_values_differ(&restore->plan) ? ", identity or sequence values put back" : "");
	if (!restore->plan.count)
		return story_done(story, "%s: all rows are as in the snapshot; identity and sequence values were put back. %s",
			outcome->database, kept);
	return story_done(story,
		"%s: %" PRIu64 " of %" PRIu64 " tables changed, %s rows deleted and %s inserted, read back "
		"and found equal to the snapshot. %s",
		outcome->database, outcome->tables_changed, outcome->tables, deleted, inserted, kept);
}

/* ---- what remains of it ---- */

/* What identities were before, should the server's undo leave them moved. */
static struct undone_values values_before(const struct restore *restore)
{
	return (struct undone_values){ restore->present.catalogue_bytes, restore->present.catalogue_size };
}

/* Lets the server undo what was begun, and waits until it has. An error: whether it has is not known. */
static int roll_back(struct restore *restore, struct sql_error *why)
{
	const struct job_context *context = restore->story.context;
	const struct undone_values before = values_before(restore);

	*why = (struct sql_error){ .kind = SQL_OK };
	if (!restore->in_transaction)
		return 0;
	restore->story.outcome->cancelled = restore->error.kind == SQL_ERROR_CANCELLED ||
		restore->store_error == -ECANCELED;
	if (restore->changing) /* what cannot be written now changes nothing: the phase before says as much */
		context->journal(context->engine, JOB_PHASE_ROLLBACK, restore->story.outcome);
	story_phase(&restore->story, JOB_PHASE_ROLLBACK, 0);
	restore->watcher.stop = NULL; /* a cancel must not stop the undo */
	if (restore->worker) {
		worker_watch(restore->worker, &restore->watcher);
		if (worker_rollback(restore->worker, why) == 0)
			return 0;
		worker_stop(restore->worker);
		restore->worker = NULL;
	}
	/* Locks that are still held for a moment change nothing. */
	return restore->changing ? undone_await(&restore->story, &before, true, why) : 0;
}

/* ---- a damaged database ---- */

static bool is_unread(const struct restore_unread *unread, const char *table)
{
	for (size_t i = 0; i < unread->count; i++)
		if (!strcmp(unread->names[i], table))
			return true;
	return false;
}

/* Who consented is in the record of the request; this is what it cost. */
static int write_down(const struct restore *restore, const char *table)
{
	const struct job_context *context = restore->story.context;
	char what[600];

	snprintf(what, sizeof what, "%.280s of %.200s", table, restore->story.outcome->database);
	return restore->request->what_if ? 0
									 : context->audit(context->engine, "unread", what,
										   "damaged: replaced without being read or kept, as was consented to");
}

/* `table`: where the damage was found, "" if nobody knows. True where the next try may go on without reading that. */
static bool go_on_unread(struct restore *restore, const char *table)
{
	struct restore_unread *unread = restore->unread;

	if (!restore->request->without_safety || !*table || unread->count == RESTORE_UNREAD_MAX ||
		is_unread(unread, table) || write_down(restore, table) < 0)
		return false;
	snprintf(unread->bytes[unread->count], sizeof unread->bytes[0], "%s", table);
	unread->names[unread->count] = unread->bytes[unread->count];
	unread->count++;
	job_report_note(restore->story.report,
		"%.150s cannot be read (message %d): it is replaced whole, and what is in it now is lost.", table,
		(int)restore->error.number);
	return true;
}

/* ---- the outcome ---- */

static enum job_state tell_failure(struct restore *restore)
{
	struct story *story = &restore->story;
	enum job_state state = story_sql_failed(story, &restore->error);

	if (restore->error.kind == SQL_ERROR_DAMAGED && !restore->request->without_safety)
		story_ask_consent(story, CONSENT_WITHOUT_SAFETY);
	if (restore->preflight.remedy[0])
		snprintf(story->outcome->remedy, sizeof story->outcome->remedy, "%s", restore->preflight.remedy);
	if (restore->error.kind == SQL_ERROR_BUSY && restore->preflight.in_use)
		story->outcome->consent = CONSENT_USERS_CONNECTED;
	return state;
}

static enum job_state tell_end(struct restore *restore, int result)
{
	struct story *story = &restore->story;

	if (restore->no_safety)
		return story_no_safety(story, restore->store_error, restore->doing);
	if (restore->store_error)
		return story_store_failed(story, restore->store_error, restore->doing);
	return result < 0 ? tell_failure(restore) : tell_result(restore);
}

static void tell_what_follows(struct restore *restore)
{
	struct job_outcome *outcome = restore->story.outcome;

	note_server_made(restore);
	snprintf(outcome->remedy, sizeof outcome->remedy, "%s",
		profile_next_step(restore->story.server->profile, outcome->database));
}

enum job_state restore_end(struct restore *restore, int result)
{
	struct story *story = &restore->story;
	char table[sizeof story->progress.object];
	struct sql_error why;
	enum job_state state;
	int undone;

	memcpy(table, restore->error.object[0] ? restore->error.object : story->progress.object, sizeof table);
	undone = roll_back(restore, &why);
	worker_stop(restore->worker);
	state = tell_end(restore, result);
	if (undone < 0)
		state = undone_unknown(story, &why);
	if (state == JOB_DONE && !restore->request->what_if && restore_differs(restore))
		tell_what_follows(restore);
	restore->again = state == JOB_FAILED && restore->error.kind == SQL_ERROR_DAMAGED && go_on_unread(restore, table);
	snapshot_abort(restore->present.writer);
	preflight_free(&restore->preflight);
	capture_free(&restore->present);
	stored_close(&restore->wanted);
	plan_close(&restore->plan);
	if (restore->safety)
		snapshot_close(restore->safety);
	if (state == JOB_FAILED || state == JOB_CANCELLED)
		undone_drop_safety(story);
	return state;
}
