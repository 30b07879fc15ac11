/* SPDX-License-Identifier: Apache-2.0 */
/* The words for jobs in blocks, in the audit log and on the command line. They do not change: scripts read them. */
#ifndef AGENT_JOB_NAMES_H
#define AGENT_JOB_NAMES_H

#include "agent/config/config.h"
#include "agent/job/job.h"

const char *job_kind_name(enum job_kind kind);    /* "backup" */
const char *job_state_name(enum job_state state); /* "running" */
/* "" for none. */
const char *job_consent_name(enum job_consent consent);
const char *job_origin_name(enum job_origin origin); /* "panel" */
const char *job_phase_name(enum job_phase phase);    /* "read_back" */
const char *consistency_name(int consistency);       /* "snapshot" */
const char *retention_why_name(int why);             /* "daily" */

#endif
