/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/retention.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The snapshots of one subject and class, newest first. */
struct series {
	const struct snapshot_info **items;
	size_t count;
	const struct snapshot_info *list; /* where `why` counts from */
	enum retention_why *why;
	const struct retention_policy *policy;
	int64_t box_time;
};

static bool is_suspect(const struct snapshot_info *info)
{
	return info->flags & SNAPSHOT_SUSPECT;
}

/* The first reason stays. */
static void keep(const struct series *series, size_t i, enum retention_why why)
{
	enum retention_why *at = &series->why[series->items[i] - series->list];
	if (!*at)
		*at = why;
}

/* The newest that has all the flags `with` and none of `without`. */
static void keep_newest(const struct series *series, uint32_t with, uint32_t without, enum retention_why why)
{
	for (size_t i = 0; i < series->count; i++) {
		uint32_t flags = series->items[i]->flags;
		if ((flags & with) != with || flags & without)
			continue;
		keep(series, i, why);
		return;
	}
}

static void keep_held(const struct series *series)
{
	for (size_t i = 0; i < series->count; i++) {
		if (!snapshot_is_held(series->items[i], series->box_time))
			continue;
		if (series->items[i]->flags & SNAPSHOT_PINNED)
			keep(series, i, RETENTION_PINNED);
		else
			keep(series, i, RETENTION_LOCKED);
	}
}

/* The first suspect one; series->count where there is none. */
static size_t first_suspect(const struct series *series)
{
	size_t first = series->count;
	for (size_t i = 0; i < series->count; i++)
		if (is_suspect(series->items[i]))
			first = i;
	return first;
}

/* The first one that waits holds what is before it, whatever came after. */
static void keep_frozen(const struct series *series)
{
	for (size_t i = first_suspect(series) + 1; i < series->count; i++)
		keep(series, i, RETENTION_FROZEN);
}

static void keep_suspects(const struct series *series)
{
	size_t first = first_suspect(series);
	if (first < series->count)
		keep(series, first, RETENTION_SUSPECT);
	keep_newest(series, SNAPSHOT_SUSPECT, 0, RETENTION_SUSPECT);
}

static void keep_young(const struct series *series)
{
	for (size_t i = 0; i < series->count; i++)
		if (series->box_time - series->items[i]->box_time < series->policy->keep_within * BOX_DAY)
			keep(series, i, RETENTION_WITHIN);
}

static int64_t period_of(const struct snapshot_info *info, int64_t period)
{
	return (info->box_time > 0 ? info->box_time : 0) / period;
}

/*
 * Box time never falls from one snapshot to the next, so a period is one run of them. *i goes from its begin to its end.
 * The newest good one that was verified, else the newest good one, else series->count.
 */
static size_t best_of_period(const struct series *series, size_t *i, int64_t period)
{
	int64_t at = period_of(series->items[*i], period);
	size_t best = series->count;
	bool verified = false;
	for (; *i < series->count && period_of(series->items[*i], period) == at; ++*i) {
		uint32_t flags = series->items[*i]->flags;
		if (flags & SNAPSHOT_SUSPECT || verified || (best < series->count && !(flags & SNAPSHOT_VERIFIED)))
			continue;
		best = *i;
		verified = flags & SNAPSHOT_VERIFIED;
	}
	return best;
}

static void keep_periods(const struct series *series, uint32_t count, int64_t period, enum retention_why why)
{
	for (size_t i = 0; i < series->count && count;) {
		size_t best = best_of_period(series, &i, period);
		if (best == series->count)
			continue;
		keep(series, best, why);
		count--;
	}
}

static void decide_backups(const struct series *series)
{
	const struct retention_policy *policy = series->policy;
	keep_held(series);
	keep_suspects(series);
	keep_newest(series, 0, 0, RETENTION_NEWEST);
	keep_newest(series, 0, SNAPSHOT_SUSPECT, RETENTION_NEWEST);
	keep_newest(series, 0, SNAPSHOT_SUSPECT | SNAPSHOT_DAMAGED, RETENTION_NEWEST);
	keep_newest(series, SNAPSHOT_VERIFIED, SNAPSHOT_SUSPECT, RETENTION_NEWEST);
	keep_frozen(series);
	keep_young(series);
	keep_periods(series, policy->keep_last, BOX_DAY, RETENTION_LAST);
	keep_periods(series, policy->keep_daily, BOX_DAY, RETENTION_DAILY);
	keep_periods(series, policy->keep_weekly, 7 * BOX_DAY, RETENTION_WEEKLY);
	keep_periods(series, policy->keep_monthly, 30 * BOX_DAY, RETENTION_MONTHLY);
}

static void decide_safety(const struct series *series)
{
	const struct retention_policy *policy = series->policy;
	bool applied_before = false;
	keep_held(series);
	for (size_t i = 0; i < series->count; i++) {
		bool young = series->box_time - series->items[i]->box_time < policy->keep_safety * BOX_DAY;
		bool applied = series->items[i]->flags & SNAPSHOT_APPLIED;
		if (young && (i < policy->safety_quota || (applied && !applied_before)))
			keep(series, i, RETENTION_SAFETY);
		applied_before |= applied;
	}
}

/* By class and subject, then newest first; the place in the list is the order. */
static int compare(const void *a, const void *b)
{
	const struct snapshot_info *x = *(const struct snapshot_info *const *)a;
	const struct snapshot_info *y = *(const struct snapshot_info *const *)b;
	int subjects = strcmp(x->subject, y->subject);
	if (x->class != y->class)
		return x->class < y->class ? -1 : 1;
	return subjects ? subjects : x > y ? -1 : x < y;
}

static bool same_series(const struct snapshot_info *a, const struct snapshot_info *b)
{
	return a->class == b->class && strcmp(a->subject, b->subject) == 0;
}

int retention_decide(const struct snapshot_info *list, size_t count, const struct retention_policy *policy,
	int64_t box_time, enum retention_why *why)
{
	const struct snapshot_info **order = calloc(count + 1, sizeof(*order));
	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		order[i] = &list[i];
		why[i] = RETENTION_GOES;
	}
	qsort(order, count, sizeof(*order), compare);
	for (size_t from = 0, to; from < count; from = to) {
		for (to = from + 1; to < count && same_series(order[from], order[to]);)
			to++;
		struct series series = { order + from, to - from, list, why, policy, box_time };
		if (order[from]->class == SNAPSHOT_SAFETY)
			decide_safety(&series);
		else
			decide_backups(&series);
	}
	free(order);
	return 0;
}
