/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which snapshots stay: a pure function of the list, the policy and box time. It reads no clock and touches no medium.
 *
 * Order is the order of the list; time is box time. Wall time is never looked at, so a clock that was wrong removes
 * nothing. A box day, week and month are 1, 7 and 30 times 86 400 seconds of box time, counted from 0.
 */
#ifndef STORAGE_RETENTION_H
#define STORAGE_RETENTION_H

#include "storage/repository.h"

#define BOX_DAY (INT64_C(86400))

/*
 * For each subject alone. The counts are of days, weeks and months that have a good backup; the newest in each that
 * was verified, else the newest, stays.
 */
struct retention_policy {
	uint32_t keep_last; /* days, too: many backups on one day count as one */
	uint32_t keep_daily, keep_weekly, keep_monthly;
	uint32_t keep_within;  /* days: no backup that is younger goes */
	uint32_t keep_safety;  /* days: a safety snapshot goes when it is older */
	uint32_t safety_quota; /* and only the newest so many stay */
};

/* Why a snapshot stays; the first of these that holds. */
enum retention_why {
	RETENTION_GOES = 0,
	RETENTION_PINNED,
	RETENTION_LOCKED,
	RETENTION_SUSPECT, /* the first or the newest of its subject that waits for a person */
	RETENTION_NEWEST,  /* backup, good backup, one that is not damaged, or that was verified, of its subject */
	RETENTION_FROZEN,  /* made before a suspect one that waits for a person */
	RETENTION_WITHIN,
	RETENTION_LAST,
	RETENTION_DAILY,
	RETENTION_WEEKLY,
	RETENTION_MONTHLY,
	RETENTION_SAFETY,
	RETENTION_APPEND_ONLY, /* for nothing but the mode of the store: never decided here */
};

/*
 * list: oldest first, as snapshot_list gives it. Fills why[count]. A good backup is one that is not suspect; suspect ones
 * count for nothing, and while there is one, no good backup before it goes. Of safety snapshots the newest
 * safety_quota stay while they are young enough, and the newest one that was applied. -ENOMEM: nothing is filled in.
 */
int retention_decide(const struct snapshot_info *list, size_t count, const struct retention_policy *policy,
	int64_t box_time, enum retention_why *why);

#endif
