/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `coffret check`: everything that a person would want to see tried before the first backup or restore, as findings.
 * Each step says what was found and, where it is not right, the T-SQL that puts it right. Nothing is changed.
 */
#ifndef AGENT_SQL_EXAMINE_H
#define AGENT_SQL_EXAMINE_H

#include "agent/sql/requests.h"

/* The worker's steps; those before the login are the keeper's. Numbers are for order and for translations. */
enum examine_step {
	EXAMINE_SERVER = 20,
	EXAMINE_DATABASE,
	EXAMINE_ISOLATION,
	EXAMINE_READ,
	EXAMINE_DEFINITIONS,
	EXAMINE_HIDDEN,
	EXAMINE_UNMASK,
	EXAMINE_FEATURES,
	EXAMINE_SIZE,
	EXAMINE_RECOVERY,
	EXAMINE_WRITE,
	EXAMINE_ALTER,
	EXAMINE_SESSIONS,
	EXAMINE_LOG,
	EXAMINE_FILES,
	EXAMINE_TEMPDB,
	EXAMINE_RESTORABLE,
	EXAMINE_TRIGGERS,
	EXAMINE_PARTNERS,
	EXAMINE_FEEDS,
	EXAMINE_UNSEEN,
};

/*
 * For the restore login it leaves to the pre-flight what that judges: sessions, room, recovery model and what is beside
 * it. Findings go up; the caller answers. An error only where the server could not be asked at all.
 */
int examine_run(struct session *session, struct uplink *uplink, const struct worker_setting *setting, bool restore,
	struct sql_error *error);

#endif
