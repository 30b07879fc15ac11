/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story of a restore, and of its undo: the wanted snapshot is checked to its last byte, the present state is read
 * under locks and sealed as the safety snapshot, what differs is deleted and inserted (plan.h), all tables are read back,
 * and only then comes COMMIT. Until then the database is what it was, whatever goes away.
 *
 * All tables are read back, those too in which nothing was changed: that a trigger or a cascade has reached none of them
 * is what the read-back is there to prove.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/config/profile.h"
#include "agent/job/server.h"
#include "agent/restore/restore.h"
#include "agent/restore/restore_private.h"
#include "agent/upkeep/damage.h"

static int journal(struct restore *restore, enum job_phase phase)
{
	const struct job_context *context = restore->story.context;
	int result = context->journal(context->engine, phase, restore->story.outcome);

	return result < 0 ? restore_store_failed(restore, result, "writing the journal") : 0;
}

int restore_enter(struct restore *restore, enum job_phase phase, uint64_t expected)
{
	int result = restore->request->what_if ? 0 : journal(restore, phase);

	story_phase(&restore->story, phase, expected);
	return result;
}

/* ---- before anything is touched ---- */

static int choose_snapshot(struct restore *restore)
{
	const struct job_request *request = restore->request;
	struct repository *repository = restore->story.context->repository;
	enum snapshot_class class = request->kind == JOB_UNDO ? SNAPSHOT_SAFETY : SNAPSHOT_BACKUP;
	struct snapshot_info info = { .id = request->snapshot };
	char subject[136];
	int result = 0;

	server_subject(restore->story.server, restore->story.outcome->database, subject, sizeof subject);
	if (!request->snapshot)
		result = stored_newest(repository, subject, class, &info);
	if (result < 0)
		return restore_store_failed(restore, result,
			request->kind == JOB_UNDO ? "looking for a restore of this database to undo"
									  : "looking for a backup of this database to restore");
	restore->story.outcome->snapshot = info.id;
	result = damage_check(restore->story.context, info.id, true, restore->story.report);
	if (result < 0)
		return restore_store_failed(restore, result, "checking the snapshot before anything is changed");
	result = stored_open(&restore->wanted, repository, info.id);
	if (result < 0)
		return restore_store_failed(restore, result, "opening the snapshot");
	if (strcmp(restore->wanted.info.subject, subject) != 0)
		return restore_store_failed(restore, -ENOENT, "looking for that snapshot among those of this database");
	result = plan_open(&restore->plan, restore->story.context, &restore->wanted, &restore->present);
	return result < 0 ? restore_store_failed(restore, result, "planning") : 0;
}

static int connect_to_server(struct restore *restore)
{
	struct story *story = &restore->story;
	int result;

	result = restore_enter(restore, JOB_PHASE_CONNECT, 0);
	if (result == 0)
		result = server_connect(
			&restore->worker, story->server, story->outcome->database, true, &restore->watcher, &restore->error);
	if (result < 0)
		server_diagnose(story->server, story->outcome->database, true, &restore->error, restore->preflight.remedy);
	if (result == 0)
		result = preflight_run(&restore->preflight, restore->worker, restore->wanted.catalogue, &restore->error);
	if (result == 0)
		worker_watch(restore->worker, &restore->watcher);
	return result;
}

static int lock_database(struct restore *restore)
{
	struct story *story = &restore->story;
	int result = restore_enter(restore, JOB_PHASE_LOCK, 0);

	/* A what-if locks nobody out: it reads as a backup does. */
	if (result < 0 || restore->request->what_if)
		return result;
	snprintf(restore->error.doing, sizeof restore->error.doing, "locking %.140s", story->outcome->database);
	restore->in_transaction = true;
	return worker_begin(restore->worker,
		&(struct worker_wanted){ .catalogue = restore->wanted.catalogue_bytes,
			.size = restore->wanted.catalogue_size,
			.params = story->context->rowgroup,
			.unread = restore->unread->names,
			.unread_count = restore->unread->count },
		&restore->error);
}

/* ---- the change ---- */

static int change_table(struct restore *restore, const struct plan_table *table, uint8_t *buffer)
{
	struct story *story = &restore->story;
	struct replay replay = { .story = story,
		.worker = restore->worker,
		.plan = &restore->plan,
		.table = table,
		.safety = restore->safety,
		.buffer = buffer,
		.error = &restore->error };
	int result;

	catalogue_table_name(
		&restore->present.catalogue->tables[table->present], story->progress.object, sizeof story->progress.object);
	snprintf(restore->error.doing, sizeof restore->error.doing, "changing %.140s", story->progress.object);
	result = replay_table(&replay);
	if (result < 0 && restore->error.kind == SQL_OK)
		return restore_store_failed(restore, result, "reading the snapshot");
	return result;
}

static int change_tables(struct restore *restore)
{
	struct story *story = &restore->story;
	uint8_t *buffer = malloc(CHUNK_SIZE_MAX);
	int result = buffer ? 0 : restore_store_failed(restore, -ENOMEM, "reading the snapshot");

	if (result == 0)
		result = restore_enter(restore, JOB_PHASE_WRITE, story->outcome->rows_deleted + story->outcome->rows_inserted);
	for (size_t i = 0; result == 0 && i < restore->plan.count; i++)
		result = change_table(restore, &restore->plan.tables[i], buffer);
	free(buffer);
	return result;
}

static int prepare(struct restore *restore)
{
	const struct plan *plan = &restore->plan;
	size_t count = restore->wanted.table_count, at = 0, other = plan->count;
	uint32_t *tables = calloc(count + 1, sizeof *tables);
	int result;

	if (!tables)
		return restore_store_failed(restore, -ENOMEM, "preparing");
	/* Both lists are in the order of the snapshot: those that change come first. */
	for (size_t i = 0; i < count; i++) {
		bool changes = at < plan->count && plan->tables[at].wanted == i;
		tables[changes ? at++ : other++] = restore->wanted.tables[i].table;
	}
	restore->changing = true;
	snprintf(restore->error.doing, sizeof restore->error.doing, "preparing %.140s", restore->story.outcome->database);
	result = worker_prepare(restore->worker, tables, count, plan->count, &restore->error);
	free(tables);
	return result;
}

static int change(struct restore *restore)
{
	int result = restore_enter(restore, JOB_PHASE_PREPARE, 0);

	if (result == 0)
		result = prepare(restore);
	if (result == 0)
		result = change_tables(restore);
	if (result == 0)
		result = restore_enter(restore, JOB_PHASE_PUT_BACK, 0);
	if (result < 0)
		return result;
	snprintf(restore->error.doing, sizeof restore->error.doing, "putting back constraints and triggers of %.110s",
		restore->story.outcome->database);
	return worker_put_back(restore->worker, &restore->error);
}

/* ---- the proof, and the end ---- */

static const struct table_digest *expected_digest(const struct restore *restore, const struct catalogue_table *table)
{
	int there = catalogue_find_table(restore->wanted.catalogue, table->schema, table->name);

	for (size_t i = 0; there >= 0 && i < restore->wanted.table_count; i++)
		if (restore->wanted.tables[i].table == (uint32_t)there)
			return &restore->wanted.tables[i].digest;
	/* Not in the snapshot: it must be as it was. */
	there = catalogue_find_table(restore->present.catalogue, table->schema, table->name);
	return there >= 0 && restore->present.tables[there].seen ? &restore->present.tables[there].digest : NULL;
}

static int compare_read_back(struct restore *restore, const struct capture *after)
{
	for (size_t i = 0; i < after->catalogue->table_count; i++) {
		const struct catalogue_table *table = &after->catalogue->tables[i];
		const struct table_digest *expected = expected_digest(restore, table);
		char name[280];

		if (!expected && restore_left_unread(restore, table))
			continue;
		if (expected && after->tables[i].seen && table_digest_equal(expected, &after->tables[i].digest))
			continue;
		catalogue_table_name(table, name, sizeof name);
		return sql_error_set(&restore->error, SQL_ERROR_DIFFERS, name,
			"%" PRIu64 " rows there, %" PRIu64 " rows wanted, and their digests differ", after->tables[i].digest.rows,
			expected ? expected->rows : 0);
	}
	return 0;
}

/* Tables that could not be read and that the snapshot does not have: they are as they were. How many, and their names. */
static size_t still_unread(const struct restore *restore, const char *names[RESTORE_UNREAD_MAX])
{
	const struct catalogue *present = restore->present.catalogue;
	size_t count = 0;

	for (uint32_t i = 0; i < present->table_count; i++) {
		const struct catalogue_table *table = &present->tables[i];
		for (size_t n = 0; restore->present.tables[i].unread && n < restore->unread->count; n++)
			if (catalogue_table_listed(table, &restore->unread->names[n], 1) &&
				catalogue_find_table(restore->wanted.catalogue, table->schema, table->name) < 0)
				names[count++] = restore->unread->names[n];
	}
	return count;
}

static void watch(struct restore *restore, struct worker_watcher watcher)
{
	restore->watcher = watcher;
	worker_watch(restore->worker, &restore->watcher);
}

static int read_back(struct restore *restore)
{
	struct story *story = &restore->story;
	const char *names[RESTORE_UNREAD_MAX];
	struct capture after;
	size_t left_out;
	int result = restore_enter(restore, JOB_PHASE_READ_BACK, 0);

	if (result < 0)
		return result;
	snprintf(restore->error.doing, sizeof restore->error.doing, "reading back %.140s", story->outcome->database);
	capture_init(&after, story->context, &story->progress, story->report, NULL);
	watch(restore, capture_watcher(&after));
	left_out = still_unread(restore, names);
	result = worker_read(
		restore->worker, CONSISTENCY_LOCK, story->context->rowgroup, false, names, left_out, &restore->error);
	if (result == 0)
		result = capture_finish(&after);
	if (result == 0)
		result = compare_read_back(restore, &after);
	watch(restore, capture_watcher(&restore->present));
	capture_free(&after);
	return result;
}

/* Only a safety snapshot whose restore was committed is there to be undone to. */
static void mark_applied(struct restore *restore)
{
	uint64_t safety = restore->story.outcome->safety;

	if (safety && snapshot_set_flags(restore->story.context->repository, safety, SNAPSHOT_APPLIED, 0) < 0)
		job_report_note(restore->story.report,
			"The safety snapshot %016" PRIx64 " could not be marked; undo it by its id.", safety);
}

/* The journal first: should the box stop here, it need not ask the server what it has been told. */
static void after_commit(struct restore *restore)
{
	const struct job_context *context = restore->story.context;
	struct sql_error error = { .kind = SQL_OK };

	if (context->journal(context->engine, JOB_PHASE_REPORT, restore->story.outcome) < 0)
		job_report_note(restore->story.report, "The journal could not be written after the commit.");
	mark_applied(restore);
	story_phase(&restore->story, JOB_PHASE_STATISTICS, 0);
	if (worker_statistics(restore->worker, &error) < 0)
		job_report_note(restore->story.report, "%s: statistics were not updated: %.200s",
			restore->story.outcome->database, error.detail);
}

static int commit(struct restore *restore)
{
	const struct job_context *context = restore->story.context;
	int result = context->no_return(context->engine);

	if (result < 0)
		return sql_error_set(&restore->error, SQL_ERROR_CANCELLED, "", "as asked");
	result = restore_enter(restore, JOB_PHASE_COMMIT, 0);
	if (result < 0)
		return result;
	snprintf(restore->error.doing, sizeof restore->error.doing, "committing %.140s", restore->story.outcome->database);
	result = worker_commit(restore->worker, &restore->error);
	if (result == 0 || restore->error.kind == SQL_ERROR_UNKNOWN_OUTCOME)
		restore->in_transaction = false;
	if (result == 0)
		after_commit(restore);
	return result;
}

/* ---- together ---- */

static int restore_steps(struct restore *restore)
{
	int result = restore_enter(restore, JOB_PHASE_CHECK, 0);

	if (result == 0)
		result = choose_snapshot(restore);
	if (result == 0)
		result = connect_to_server(restore);
	if (result == 0)
		result = lock_database(restore);
	if (result == 0)
		result = restore_read_present(restore);
	if (result == 0)
		result = restore_plan(restore);
	if (result < 0 || restore->request->what_if || !restore_differs(restore))
		return result;
	result = change(restore);
	/* Where no row has changed, the digests that were read under these locks are the proof already. */
	if (result == 0 && restore->plan.count)
		result = read_back(restore);
	return result == 0 ? commit(restore) : result;
}

enum job_state restore_once(
	const struct story *story, const struct job_request *request, struct restore_unread *unread, bool *again)
{
	struct restore restore = { .story = *story, .request = request, .unread = unread };
	enum job_state state;

	capture_init(&restore.present, story->context, &restore.story.progress, story->report, NULL);
	restore.watcher = capture_watcher(&restore.present);
	preflight_init(&restore.preflight, &restore.story, request);
	state = restore_end(&restore, restore_steps(&restore));
	*again = restore.again;
	return state;
}
