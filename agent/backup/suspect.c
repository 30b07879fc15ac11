/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/backup/suspect.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/job/story.h"

/* Below these a database is too small for shares of it to mean anything. */
#define ROWS_MIN 100
#define NEW_BYTES_MIN (256 * 1024)
/* Thousandths: a database that could be compressed so well, and new data that can hardly be. */
#define RATIO_GOOD 1500
#define RATIO_BAD 1250
#define AFTER_PERCENT 5 /* of a night that follows a suspect one may be new since the good one */

static bool differ(const char *a, const char *b)
{
	return a[0] && b[0] && strcmp(a, b) != 0;
}

/* SQL Server keeps a database's broker identity in a backup and in its files, and makes a new one with a new database. */
static bool is_another(const struct night *before, const struct night *now, char *why, size_t size)
{
	if (differ(before->about->broker, now->about->broker))
		snprintf(why, size, "it is another database under the same name (created %s, before: %s)", now->about->created,
			before->about->created);
	else if (differ(before->about->created, now->about->created))
		snprintf(why, size, "it was restored, attached or renamed on the server, %s (before: %s)", now->about->created,
			before->about->created);
	else
		return false;
	return true;
}

static bool has_lost_rows(const struct suspect_policy *policy, const struct suspect_history *history,
	const struct night *now, char *why, size_t size)
{
	uint64_t had = history->most_rows, has = now->about->rows;
	char a[32], b[32];
	bool lost = policy->rows_lost && had >= ROWS_MIN && has < had && (had - has) * 100 >= had * policy->rows_lost;
	if (lost)
		snprintf(why, size, "it has %s rows, and had %s", story_count(has, a), story_count(had, b));
	return lost;
}

static bool has_lost_table(const struct suspect_history *history, char *why, size_t size)
{
	const struct table_loss *loss = &history->loss;
	char a[32], b[32];
	if (loss->table[0])
		snprintf(why, size, "%.120s has %s rows, and had %s", loss->table, story_count(loss->has, a),
			story_count(loss->had, b));
	return loss->table[0];
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

static bool is_new(const struct suspect_policy *policy, const struct suspect_history *history, const struct night *now,
	char *why, size_t size)
{
	uint64_t fresh = now->about->new_bytes < now->bytes ? now->about->new_bytes : now->bytes;
	bool much = policy->new_data && history->last.about->rows >= ROWS_MIN && now->bytes &&
		fresh * 100 > now->bytes * policy->new_data;
	if (much)
		snprintf(
			why, size, "%u %% of what is in it is new since the night before", (unsigned)(fresh * 100 / now->bytes));
	return much;
}

enum suspect_verdict suspect_judge(const struct suspect_policy *policy, const struct suspect_history *history,
	const struct night *now, char *why, size_t size)
{
	const struct night *before = &history->last;
	if (is_another(before, now, why, size) || has_lost_rows(policy, history, now, why, size) ||
		has_lost_table(history, why, size) || is_incompressible(policy, before, now, why, size))
		return SUSPECT_SURELY;
	if (history->waiting) {
		snprintf(why, size, "it follows a suspect one that nobody has accepted");
		return SUSPECT_AFTER;
	}
	return is_new(policy, history, now, why, size) ? SUSPECT_BY_CHUNKS : SUSPECT_NOT;
}

/* How well the database could be compressed when most of it was stored anew: known from night to night. */
static void fill_ratio(struct snapshot_about *about, const struct snapshot_about *before, uint64_t bytes)
{
	about->ratio = about->new_bytes >= bytes / 2 || !before ? new_ratio(about) : before->ratio;
}

enum suspect_verdict suspect_look(
	const struct job_context *context, const struct suspect_night *night, char *why, size_t size)
{
	static struct snapshot_about last; /* large; one job at a time */
	static struct suspect_history history;
	bool known = suspect_history_read(context, night, &history, &last) == 0;
	fill_ratio(night->about, known ? &last : NULL, night->bytes);
	struct night now = { night->about, night->bytes };
	return known ? suspect_judge(&context->config->suspect, &history, &now, why, size) : SUSPECT_NOT;
}

bool suspect_settle(
	const struct job_context *context, uint64_t id, enum suspect_verdict verdict, char *why, size_t size)
{
	if (verdict != SUSPECT_BY_CHUNKS && verdict != SUSPECT_AFTER)
		return verdict != SUSPECT_NOT;
	int percent = suspect_count_rows(context, id);
	int limit = verdict == SUSPECT_AFTER ? AFTER_PERCENT : (int)context->config->suspect.new_data;
	if (percent < 0)
		return true;
	if (percent <= limit && snapshot_set_flags(context->repository, id, 0, SNAPSHOT_SUSPECT) == 0)
		return false;
	if (verdict == SUSPECT_BY_CHUNKS)
		snprintf(why, size, "%d %% of what is in it is new since the night before", percent);
	return true;
}
