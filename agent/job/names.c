/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/job/names.h"

#include <stddef.h>

static const char *find(const char *const *names, size_t count, unsigned int index)
{
	return index < count && names[index] ? names[index] : "?";
}

#define FIND(names, index) find(names, sizeof(names) / sizeof((names)[0]), (unsigned int)(index))

const char *job_kind_name(enum job_kind kind)
{
	static const char *const names[] = { [JOB_BACKUP] = "backup",
		[JOB_RESTORE] = "restore",
		[JOB_UNDO] = "undo",
		[JOB_VERIFY] = "verify",
		[JOB_PIN] = "pin",
		[JOB_UNPIN] = "unpin",
		[JOB_REMOVE] = "remove",
		[JOB_PRUNE] = "prune",
		[JOB_CLEAN] = "clean",
		[JOB_SCRUB] = "scrub",
		[JOB_ACCEPT] = "accept",
		[JOB_COPY] = "copy" };
	return FIND(names, kind);
}

const char *job_state_name(enum job_state state)
{
	static const char *const names[] = { [JOB_QUEUED] = "queued",
		[JOB_RUNNING] = "running",
		[JOB_STOPPING] = "stopping",
		[JOB_DONE] = "done",
		[JOB_FAILED] = "failed",
		[JOB_CANCELLED] = "cancelled",
		[JOB_OUTCOME_UNKNOWN] = "unknown" };
	return FIND(names, state);
}

const char *job_consent_name(enum job_consent consent)
{
	static const char *const names[] = {
		[CONSENT_NONE] = "", [CONSENT_USERS_CONNECTED] = "users-connected", [CONSENT_WITHOUT_SAFETY] = "without-safety"
	};
	return FIND(names, consent);
}

const char *job_origin_name(enum job_origin origin)
{
	static const char *const names[] = { [ORIGIN_SCHEDULE] = "schedule",
		[ORIGIN_PANEL] = "panel",
		[ORIGIN_COMMAND] = "command",
		[ORIGIN_NETWORK] = "network" };
	return FIND(names, origin);
}

const char *job_phase_name(enum job_phase phase)
{
	static const char *const names[] = {
		[JOB_PHASE_WAITING] = "waiting",
		[JOB_PHASE_CONNECT] = "connect",
		[JOB_PHASE_CHECK] = "check",
		[JOB_PHASE_CATALOGUE] = "catalogue",
		[JOB_PHASE_READ] = "read",
		[JOB_PHASE_SEAL] = "seal",
		[JOB_PHASE_LOCK] = "lock",
		[JOB_PHASE_SAFETY] = "safety",
		[JOB_PHASE_PLAN] = "plan",
		[JOB_PHASE_PREPARE] = "prepare",
		[JOB_PHASE_WRITE] = "write",
		[JOB_PHASE_PUT_BACK] = "put_back",
		[JOB_PHASE_READ_BACK] = "read_back",
		[JOB_PHASE_COMMIT] = "commit",
		[JOB_PHASE_ROLLBACK] = "rollback",
		[JOB_PHASE_VERIFY] = "verify",
		[JOB_PHASE_REPORT] = "report",
		[JOB_PHASE_STATISTICS] = "statistics",
		[JOB_PHASE_COPY] = "copy",
	};
	return FIND(names, phase);
}

const char *retention_why_name(int why)
{
	static const char *const names[] = { [RETENTION_GOES] = "nothing",
		[RETENTION_PINNED] = "pinned",
		[RETENTION_LOCKED] = "locked",
		[RETENTION_SUSPECT] = "suspect",
		[RETENTION_NEWEST] = "newest",
		[RETENTION_FROZEN] = "frozen",
		[RETENTION_WITHIN] = "within",
		[RETENTION_LAST] = "last",
		[RETENTION_DAILY] = "daily",
		[RETENTION_WEEKLY] = "weekly",
		[RETENTION_MONTHLY] = "monthly",
		[RETENTION_SAFETY] = "safety",
		[RETENTION_APPEND_ONLY] = "append-only" };
	return FIND(names, why);
}

const char *consistency_name(int consistency)
{
	static const char *const names[] = { "snapshot", "lock", "loose" };
	return FIND(names, consistency);
}
