/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/suspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/stored.h"
#include "agent/story.h"

/* Below these a database is too small for shares of it to mean anything. */
#define ROWS_MIN 100
#define BYTES_MIN (1024 * 1024)
#define NEW_BYTES_MIN (256 * 1024)
/* Thousandths: a database that could be compressed so well, and new data that can hardly be. */
#define RATIO_GOOD 1500
#define RATIO_BAD 1250

static bool differ(const char *a, const char *b)
{
	return a[0] && b[0] && strcmp(a, b) != 0;
}

static bool is_another(const struct night *before, const struct night *now, char *why, size_t size)
{
	bool another = differ(before->about->family, now->about->family) ||
		differ(before->about->created, now->about->created);
	if (another)
		snprintf(why, size,
			"it is another database under the same name, or was restored or renamed (created %s, before: %s)",
			now->about->created, before->about->created);
	return another;
}

static bool has_lost_rows(
	const struct suspect_policy *policy, const struct night *before, const struct night *now, char *why, size_t size)
{
	uint64_t had = before->about->rows, has = now->about->rows;
	char a[32], b[32];
	bool lost = policy->rows_lost && had >= ROWS_MIN && has < had && (had - has) * 100 >= had * policy->rows_lost;
	if (lost)
		snprintf(why, size, "it has %s rows, and had %s", story_count(has, a), story_count(had, b));
	return lost;
}

static bool is_new(
	const struct suspect_policy *policy, const struct night *before, const struct night *now, char *why, size_t size)
{
	uint64_t fresh = now->about->new_bytes < now->bytes ? now->about->new_bytes : now->bytes;
	bool much = policy->new_data && before->bytes >= BYTES_MIN && now->bytes &&
		fresh * 100 > now->bytes * policy->new_data;
	if (much)
		snprintf(
			why, size, "%u %% of what is in it is new since the night before", (unsigned)(fresh * 100 / now->bytes));
	return much;
}

static uint64_t new_ratio(const struct snapshot_about *about)
{
	return about->new_stored ? about->new_bytes * 1000 / about->new_stored : 0;
}

static bool is_incompressible(
	const struct suspect_policy *policy, const struct night *before, const struct night *now, char *why, size_t size)
{
	uint64_t ratio = new_ratio(now->about);
	bool noise = policy->incompressible && before->about->ratio >= RATIO_GOOD && ratio && ratio < RATIO_BAD &&
		now->about->new_bytes >= NEW_BYTES_MIN && now->about->new_bytes * 100 >= now->bytes;
	if (noise)
		snprintf(why, size, "what is new in it can hardly be compressed, as if it were encrypted");
	return noise;
}

bool suspect_judge(
	const struct suspect_policy *policy, const struct night *before, const struct night *now, char *why, size_t size)
{
	return is_another(before, now, why, size) || has_lost_rows(policy, before, now, why, size) ||
		is_incompressible(policy, before, now, why, size) || is_new(policy, before, now, why, size);
}

static bool read_about(struct repository *repository, uint64_t id, struct snapshot_about *about)
{
	struct snapshot_reader *reader;
	const void *bytes;
	size_t size;
	if (snapshot_open(repository, id, &reader) < 0)
		return false;
	bool read = snapshot_about(reader, &bytes, &size) == 0 && snapshot_about_decode(about, bytes, size) == 0;
	snapshot_close(reader);
	return read;
}

/* How well the database could be compressed when most of it was stored anew: known from night to night. */
static void fill_ratio(struct snapshot_about *about, const struct snapshot_about *before, uint64_t bytes)
{
	about->ratio = about->new_bytes >= bytes / 2 || !before ? new_ratio(about) : before->ratio;
}

bool suspect_look(const struct job_context *context, const char *subject, struct snapshot_about *about, uint64_t bytes,
	char *why, size_t size)
{
	static struct snapshot_about last; /* large; one job at a time */
	struct snapshot_info info;
	bool known = stored_newest(context->repository, subject, SNAPSHOT_BACKUP, &info) == 0 &&
		read_about(context->repository, info.id, &last);
	fill_ratio(about, known ? &last : NULL, bytes);
	struct night before = { &last, info.bytes }, now = { about, bytes };
	return known && suspect_judge(&context->config->suspect, &before, &now, why, size);
}
