/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/upkeep/damage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snapshot/stored.h"

struct damage {
	const struct job_context *context;
	struct job_report *report; /* NULL: only whether there is any */
	char last[400];            /* what was named last, so that a table is not named for each of its chunks */
};

static void found(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	struct damage *damage = arg;
	char name[400];

	(void)chunk;
	snprintf(name, sizeof name, "snapshot %016" PRIx64 " of %.135s: %.200s", snapshot->id, snapshot->subject, stream);
	if (!damage->report || strcmp(name, damage->last) == 0)
		return;
	memcpy(damage->last, name, sizeof name);
	job_report_note(damage->report, "Damaged: %s (%s)", name, error == -EBADMSG ? "checksum" : strerror(-error));
}

static bool asked_to_stop(void *arg)
{
	const struct damage *damage = arg;

	return damage->context->stop(damage->context->engine);
}

/* Names the newest older snapshot of the same database that is whole. */
static void name_whole_one(const struct damage *damage, uint64_t id)
{
	struct repository *repository = damage->context->repository;
	struct damage quiet = { .context = damage->context };
	struct snapshot_info info;

	if (snapshot_find(repository, id, &info) < 0)
		return;
	while (stored_newest_before(repository, info.subject, SNAPSHOT_BACKUP, info.sequence, &info) == 0) {
		if (repository_verify(repository, info.id, true, found, &quiet, asked_to_stop) != 0)
			continue;
		job_report_note(damage->report, "Whole, and the newest before it: snapshot %016" PRIx64, info.id);
		return;
	}
	job_report_note(damage->report, "There is no older snapshot of %s that is whole.", info.subject);
}

static uint64_t count_healed(const struct job_context *context, uint32_t *segments)
{
	struct repository_status status;
	int error = repository_status(context->repository, &status);

	*segments = error ? 0 : status.wounded_segments;
	return error ? 0 : status.healed;
}

static void note_healed(const struct job_context *context, uint64_t before, struct job_report *report)
{
	uint32_t segments;
	uint64_t healed = count_healed(context, &segments) - before;

	if (healed)
		job_report_note(report,
			"Parity healed bad places on the volume in %" PRIu64 " reads; the next scrub writes %" PRIu32
			" segments anew.",
			healed, segments);
}

int damage_check(const struct job_context *context, uint64_t id, bool data, struct job_report *report)
{
	struct damage damage = { .context = context, .report = report };
	uint32_t segments;
	uint64_t before = count_healed(context, &segments);
	int result = repository_verify(context->repository, id, data, found, &damage, asked_to_stop);

	note_healed(context, before, report);
	if (result == -EBADMSG && id) {
		snapshot_set_flags(context->repository, id, SNAPSHOT_DAMAGED, SNAPSHOT_VERIFIED);
		name_whole_one(&damage, id);
	}
	if (result == 0 && data && id)
		snapshot_set_flags(context->repository, id, 0, SNAPSHOT_DAMAGED);
	return result;
}

/* ---- all of them ---- */

#define TABLES_TOLD 6 /* of a database; more are counted */
#define IDS_TOLD 4

struct survey {
	const struct job_context *context;
	struct job_report *report;
	struct snapshot_info *list;
	size_t count;
	/* of the subject that is looked at */
	char tables[TABLES_TOLD][160];
	size_t table_count, more;
};

static void note_table(
	void *arg, const struct snapshot_info *snapshot, const char *stream, const struct chunk_entry *chunk, int error)
{
	struct survey *survey = arg;

	(void)snapshot, (void)chunk, (void)error;
	for (size_t i = 0; i < survey->table_count; i++)
		if (strncmp(survey->tables[i], stream, sizeof survey->tables[i] - 1) == 0)
			return;
	if (survey->table_count == TABLES_TOLD) {
		survey->more++;
		return;
	}
	snprintf(survey->tables[survey->table_count++], sizeof survey->tables[0], "%.159s", stream);
}

static bool stop_survey(void *arg)
{
	const struct survey *survey = arg;

	return survey->context->stop(survey->context->engine);
}

static void tell_hit(struct survey *survey, const char *subject, unsigned hit, const char *ids)
{
	char tables[TABLES_TOLD * 162] = "";
	size_t at = 0;

	for (size_t i = 0; i < survey->table_count; i++)
		at += (size_t)snprintf(tables + at, sizeof tables - at, "%s%s", i ? ", " : "", survey->tables[i]);
	job_report_note(survey->report, "%.135s: damage reaches %u snapshot%s (%s%s): %.180s%s%s", subject, hit,
		hit == 1 ? "" : "s", ids, hit > IDS_TOLD ? " ..." : "",
		survey->table_count ? tables : "what it was is not known any more", survey->more ? " and more" : "",
		survey->table_count ? "." : "; coffret verify ID --data names the tables.");
}

/* By what is known of each chunk: nothing but lists is read. One that was found damaged stays so until all of it is read. */
static int survey_subject(struct survey *survey, size_t first)
{
	const char *subject = survey->list[first].subject;
	const struct snapshot_info *whole = NULL;
	unsigned hit = 0, sound = 0;
	char ids[IDS_TOLD * 18 + 1] = "";

	survey->table_count = survey->more = 0;
	for (size_t i = first; i < survey->count; i++) {
		struct snapshot_info *info = &survey->list[i];
		if (strcmp(info->subject, subject) != 0)
			continue;
		int result = repository_verify(survey->context->repository, info->id, false, note_table, survey, stop_survey);
		if (result && result != -EBADMSG && result != -ENOENT)
			return result;
		if (result == 0 && !(info->flags & SNAPSHOT_DAMAGED)) {
			whole = info;
			sound++;
			continue;
		}
		if (hit++ < IDS_TOLD)
			snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s%016" PRIx64, hit > 1 ? " " : "", info->id);
		result = snapshot_set_flags(survey->context->repository, info->id, SNAPSHOT_DAMAGED, SNAPSHOT_VERIFIED);
		if (result && result != -ENOENT)
			return result;
	}
	if (!hit)
		return 0;
	tell_hit(survey, subject, hit, ids);
	if (whole)
		job_report_note(survey->report, "%.135s: %u snapshot%s whole; the newest is %016" PRIx64 ".", subject, sound,
			sound == 1 ? " is" : "s are", whole->id);
	else
		job_report_note(
			survey->report, "%.135s: no snapshot is whole. Back it up now, while the server has it.", subject);
	return 0;
}

static bool is_first(const struct survey *survey, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (strcmp(survey->list[j].subject, survey->list[i].subject) == 0)
			return false;
	return true;
}

int damage_survey(const struct job_context *context, struct job_report *report)
{
	struct survey *survey = calloc(1, sizeof *survey);
	int count = snapshot_list(context->repository, NULL, 0), result = 0;

	if (!survey || !(survey->list = calloc((size_t)count + 1, sizeof *survey->list))) {
		free(survey);
		return -ENOMEM;
	}
	survey->context = context;
	survey->report = report;
	int now = snapshot_list(context->repository, survey->list, (size_t)count);
	survey->count = (size_t)(now < count ? now : count);
	for (size_t i = 0; i < survey->count && result == 0; i++)
		if (is_first(survey, i))
			result = survey_subject(survey, i);
	free(survey->list);
	free(survey);
	return result;
}
