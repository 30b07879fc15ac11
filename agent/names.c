/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/names.h"

#include <stddef.h>

static const char *find(const char *const *names, size_t count, unsigned int index)
{
	return index < count && names[index] ? names[index] : "?";
}

#define FIND(names, index) find(names, sizeof(names) / sizeof((names)[0]), (unsigned int)(index))

const char *job_kind_name(enum job_kind kind)
{
	static const char *const names[] = { [JOB_BACKUP] = "backup", [JOB_RESTORE] = "restore", [JOB_UNDO] = "undo",
		[JOB_VERIFY] = "verify" };
	return FIND(names, kind);
}

const char *job_state_name(enum job_state state)
{
	static const char *const names[] = { [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running", [JOB_STOPPING] = "stopping",
		[JOB_DONE] = "done", [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled", [JOB_OUTCOME_UNKNOWN] = "unknown" };
	return FIND(names, state);
}

const char *job_origin_name(enum job_origin origin)
{
	static const char *const names[] = { [ORIGIN_SCHEDULE] = "schedule", [ORIGIN_PANEL] = "panel",
		[ORIGIN_COMMAND] = "command", [ORIGIN_NETWORK] = "network" };
	return FIND(names, origin);
}

const char *job_phase_name(enum job_phase phase)
{
	static const char *const names[] = {
		[JOB_PHASE_WAITING] = "waiting", [JOB_PHASE_CONNECT] = "connecting", [JOB_PHASE_CHECK] = "checking the snapshot",
		[JOB_PHASE_CATALOGUE] = "reading the catalogue", [JOB_PHASE_READ] = "reading", [JOB_PHASE_SEAL] = "sealing",
		[JOB_PHASE_LOCK] = "locking", [JOB_PHASE_SAFETY] = "saving the present state", [JOB_PHASE_PLAN] = "comparing",
		[JOB_PHASE_PREPARE] = "preparing", [JOB_PHASE_WRITE] = "writing", [JOB_PHASE_PUT_BACK] = "putting back constraints",
		[JOB_PHASE_READ_BACK] = "reading back", [JOB_PHASE_COMMIT] = "committing", [JOB_PHASE_ROLLBACK] = "undoing",
		[JOB_PHASE_VERIFY] = "verifying", [JOB_PHASE_REPORT] = "reporting",
	};
	return FIND(names, phase);
}

const char *consistency_name(int consistency)
{
	static const char *const names[] = { "snapshot", "lock", "loose" };
	return FIND(names, consistency);
}
