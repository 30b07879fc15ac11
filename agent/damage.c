/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/damage.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/stored.h"

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

int damage_check(const struct job_context *context, uint64_t id, bool data, struct job_report *report)
{
	struct damage damage = { .context = context, .report = report };
	int result = repository_verify(context->repository, id, data, found, &damage, asked_to_stop);

	if (result == -EBADMSG && id)
		name_whole_one(&damage, id);
	return result;
}
