/* SPDX-License-Identifier: Apache-2.0 */
/* The present state: read under the restore's locks, kept as the safety snapshot, and compared with the wanted one. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/job/server.h"
#include "agent/restore/restore_private.h"
#include "agent/upkeep/holder.h"

/* ---- the safety snapshot ---- */

static int seal_safety(struct restore *restore)
{
	static uint8_t bytes[ABOUT_SIZE_MAX]; /* one job at a time */
	static struct snapshot_about about;
	struct capture *present = &restore->present;
	struct snapshot_info info = { .id = 0 };
	int size, result = capture_finish(present);

	about = restore->wanted.about;
	about.finished = about.started = (int64_t)time(NULL);
	about.milliseconds = 0;
	about.tables = present->tables_read;
	about.rows = present->rows;
	about.server_bytes = catalogue_bytes(present->catalogue);
	about.consistency = CONSISTENCY_LOCK;
	about.restoring = restore->wanted.info.id;
	about.note_count = 0;
	size = snapshot_about_encode(&about, bytes, sizeof bytes);
	if (result == 0 && size < 0)
		result = size;
	if (result == 0) {
		struct snapshot_writer *writer = present->writer;
		present->writer = NULL;
		result = snapshot_commit(writer, bytes, (size_t)size, true, &info);
	}
	if (result < 0)
		return restore_safety_failed(restore, result, "sealing the safety snapshot");
	restore->story.outcome->safety = info.id;
	restore->story.outcome->stored = info.stored_bytes;
	return 0;
}

static int begin_safety(struct restore *restore)
{
	char subject[136];
	int result;

	if (restore->request->what_if || restore->request->without_safety)
		return 0;
	server_subject(restore->story.server, restore->story.outcome->database, subject, sizeof subject);
	result = holder_check(restore->story.context, restore->story.outcome->database, restore->story.report);
	if (result == 0)
		result = snapshot_begin(restore->story.context->repository, SNAPSHOT_SAFETY, subject, &restore->present.writer);
	return result < 0 ? restore_safety_failed(restore, result, "beginning the safety snapshot") : 0;
}

/* A restore reads under its own locks; a what-if as of one moment, or else under shared locks that let others read. */
static enum consistency consistency_of(const struct restore *restore)
{
	bool versions = restore->preflight.present->database.snapshot_isolation == 1;

	return restore->request->what_if && versions ? CONSISTENCY_SNAPSHOT : CONSISTENCY_LOCK;
}

bool restore_left_unread(const struct restore *restore, const struct catalogue_table *table)
{
	return catalogue_table_listed(table, restore->unread->names, restore->unread->count);
}

/* What cannot be read cannot be deleted row by row, either. */
static int refuse_unread(struct restore *restore, const struct catalogue_table *table)
{
	char name[280];

	catalogue_table_name(table, name, sizeof name);
	snprintf(restore->preflight.remedy, sizeof restore->preflight.remedy,
		"DBCC CHECKTABLE (N'%.150s', REPAIR_ALLOW_DATA_LOSS) makes it readable, with the database in SINGLE_USER; what "
		"that loses a restore puts back. Have a copy of the database's files first.",
		name);
	return sql_error_set(&restore->error, SQL_ERROR_UNSUPPORTED, name,
		"It is damaged, and TRUNCATE, which reads nothing, is forbidden: a foreign key refers to it, or a feature or a "
		"schema-bound view stands in the way");
}

static int find_unread(struct restore *restore)
{
	const struct catalogue *catalogue = restore->present.catalogue;
	int result = 0;

	for (uint32_t i = 0; result == 0 && i < catalogue->table_count; i++) {
		const struct catalogue_table *table = &catalogue->tables[i];
		restore->present.tables[i].unread = restore_left_unread(restore, table);
		if (restore->present.tables[i].unread && !catalogue_can_truncate(catalogue, table) &&
			catalogue_find_table(restore->wanted.catalogue, table->schema, table->name) >= 0)
			result = refuse_unread(restore, table);
	}
	return result;
}

/* What is there now, read under the restore's own locks on its own connection: nothing can come in between. */
int restore_read_present(struct restore *restore)
{
	struct story *story = &restore->story;
	int result = begin_safety(restore);

	if (result == 0)
		result = restore_enter(restore, JOB_PHASE_SAFETY, 0);
	if (result < 0)
		return result;
	snprintf(restore->error.doing, sizeof restore->error.doing, "reading the present state of %.120s",
		story->outcome->database);
	if (restore->request->what_if) {
		struct worker_watcher under = restore->watcher;

		restore->watcher = plan_watcher(&restore->plan, &under);
		worker_watch(restore->worker, &restore->watcher);
	}
	result = worker_read(restore->worker, consistency_of(restore), story->context->rowgroup,
		restore->present.writer != NULL || restore->request->what_if, restore->unread->names, restore->unread->count,
		&restore->error);
	if (result < 0 && restore->present.storage_error)
		return restore_safety_failed(restore, restore->present.storage_error, "writing the safety snapshot");
	return result < 0 ? result : find_unread(restore);
}

/* ---- the plan ---- */

/* Anything that a COMMIT would be for. */
bool restore_differs(const struct restore *restore)
{
	return restore->plan.count || plan_values_differ(&restore->plan);
}

static void tell_plan(struct restore *restore)
{
	struct job_outcome *outcome = restore->story.outcome;
	size_t untold = 0;

	for (size_t i = 0; i < restore->plan.count; i++) {
		const struct plan_table *table = &restore->plan.tables[i];
		struct job_change change = { .deleted = table->deleted, .inserted = table->inserted, .kept = table->kept };

		catalogue_table_name(&restore->present.catalogue->tables[table->present], change.table, sizeof change.table);
		snprintf(change.database, sizeof change.database, "%s", outcome->database);
		snprintf(change.why, sizeof change.why, "%s", table->why ? table->why : "");
		untold += !job_report_change(restore->story.report, &change);
		outcome->rows_deleted += table->deleted;
		outcome->rows_inserted += table->inserted;
	}
	outcome->tables_changed = restore->plan.count;
	if (untold)
		job_report_note(restore->story.report, "%zu more tables differ; the sums count them.", untold);
}

/* From the safety snapshot, which is sealed: what the plan is made of is what could be put back. */
static int count_differences(struct restore *restore)
{
	int result;

	if (!restore->story.outcome->safety || !restore->plan.count)
		return 0;
	result = snapshot_open(restore->story.context->repository, restore->story.outcome->safety, &restore->safety);
	if (result == 0)
		result = plan_count(&restore->plan, restore->safety);
	if (result == -ECANCELED)
		return sql_error_set(&restore->error, SQL_ERROR_CANCELLED, "", "as asked");
	return result < 0 ? restore_store_failed(restore, result, "comparing the present state with the snapshot") : 0;
}

/* The pre-flight's last word: is there room for just this, and may each of these tables be changed? */
static int check_plan(struct restore *restore)
{
	const struct stored_snapshot *wanted = &restore->wanted;
	struct preflight_rows *rows = calloc(wanted->catalogue->table_count + 1, sizeof *rows);
	int result;

	if (!rows)
		return restore_store_failed(restore, -ENOMEM, "planning");
	for (size_t i = 0; i < restore->plan.count; i++) {
		const struct plan_table *table = &restore->plan.tables[i];
		rows[wanted->tables[table->wanted].table] =
			(struct preflight_rows){ .deleted = table->deleted, .inserted = table->inserted };
	}
	result = preflight_plan(&restore->preflight, rows, &restore->error);
	free(rows);
	return result;
}

int restore_plan(struct restore *restore)
{
	const struct stored_snapshot *wanted = &restore->wanted;
	int result = plan_compare(&restore->plan);

	if (result < 0)
		return restore_store_failed(restore, result, "comparing a table that was not read");
	for (size_t i = 0; i < wanted->table_count; i++)
		restore->story.outcome->rows += wanted->tables[i].digest.rows;
	restore->story.outcome->tables = wanted->table_count;
	if (restore->present.writer && restore_differs(restore))
		result = seal_safety(restore);
	if (result == 0)
		result = restore_enter(restore, JOB_PHASE_PLAN, 0);
	if (result == 0)
		result = count_differences(restore);
	if (result < 0)
		return result;
	plan_decide(&restore->plan);
	tell_plan(restore);
	return check_plan(restore);
}
