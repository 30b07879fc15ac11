/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to the panel from elsewhere: jobs, offers, refusals. */
#include "agent/panel/panel_modes.h"

bool panel_job_active(const struct panel_job *job)
{
	return job->state == JOB_QUEUED || job->state == JOB_RUNNING || job->state == JOB_STOPPING;
}

bool panel_job_changes_server(const struct panel_job *job)
{
	return job->kind == JOB_RESTORE || job->kind == JOB_UNDO;
}

/* ---- modes ---- */

static bool keeps_choice(enum panel_mode mode)
{
	return mode == PANEL_FIRST || mode == PANEL_RELEASE || mode == PANEL_ARMED || mode == PANEL_SECOND ||
		mode == PANEL_STARTING;
}

void panel_enter(struct panel *panel, enum panel_mode mode)
{
	panel->mode = mode;
	panel->mode_ms = 0;
	panel->held_ms = 0;
	panel->notice = TEXT_BOOT;
	if (mode != PANEL_ARMED && mode != PANEL_SECOND)
		panel->armed_ms = 0;
	if (mode != PANEL_FIRST)
		panel->before = PANEL_BOOT;
	if (!keeps_choice(mode)) {
		panel->purpose = PANEL_FOR_NOTHING;
		panel->chosen = (struct panel_offer){ 0 };
	}
}

void panel_notice(struct panel *panel, enum panel_text text)
{
	panel_enter(panel, PANEL_NOTICE);
	panel->notice = text;
}

void panel_go_home(struct panel *panel)
{
	if (!panel->booted)
		panel_enter(panel, PANEL_BOOT);
	else if (panel_job_active(&panel->job))
		panel_enter(panel, panel->job.state == JOB_STOPPING ? PANEL_STOPPING : PANEL_RUNNING);
	else
		panel_enter(panel, panel->unread ? PANEL_RESULT : PANEL_IDLE);
}

/* ---- jobs ---- */

static enum panel_text passing_text(const struct panel_job *job)
{
	bool done = job->state == JOB_DONE;
	if (job->kind == JOB_BACKUP)
		return done ? TEXT_DONE_BACKUP : TEXT_CANCELLED_BACKUP;
	return done ? TEXT_DONE_VERIFY : TEXT_CANCELLED_VERIFY;
}

/* The good end of a nightly job is a passing message; whatever else a job ends with stays until somebody saw it. */
static bool ends_quietly(const struct panel_job *job)
{
	return !panel_job_changes_server(job) && (job->state == JOB_DONE || job->state == JOB_CANCELLED);
}

/* A nightly job that ends well mends only its own kind, and none covers up how a restore ended. */
static void keep_result(struct panel *panel)
{
	const struct panel_job *job = &panel->job;
	bool lesser = panel->unread && panel_job_changes_server(&panel->result) && !panel_job_changes_server(job);
	if (!ends_quietly(job) && !lesser) {
		panel->result = *job;
		panel->unread = true;
	} else if (job->state == JOB_DONE && job->kind == panel->result.kind) {
		panel->unread = false;
	}
}

static void job_ended(struct panel *panel)
{
	keep_result(panel);
	if (panel->mode == PANEL_BOOT || panel->mode == PANEL_STUCK)
		return;
	if (ends_quietly(&panel->job))
		panel_notice(panel, passing_text(&panel->job));
	else
		panel_go_home(panel);
}

/* The panel is about this job already; TOO_LATE is a message about it. */
static bool shows_job(const struct panel *panel)
{
	return panel->mode == PANEL_RUNNING || panel->mode == PANEL_STOP || panel->mode == PANEL_STOPPING ||
		(panel->mode == PANEL_NOTICE && panel->notice == TEXT_TOO_LATE);
}

static void job_goes_on(struct panel *panel, const struct panel_job *before)
{
	const struct panel_job *job = &panel->job;
	if (panel_job_changes_server(job))
		panel->unread = false;
	if (panel->mode == PANEL_BOOT)
		return;
	bool stopping = job->state == JOB_STOPPING;
	bool another = job->id != before->id || !panel_job_active(before);
	bool too_late = before->stoppable && !job->stoppable && !stopping;
	if (!shows_job(panel) || another || (stopping && panel->mode != PANEL_STOPPING))
		panel_go_home(panel);
	else if (too_late && panel->mode != PANEL_RUNNING)
		panel_notice(panel, TEXT_TOO_LATE);
	else if (panel->mode == PANEL_STOP && before->stoppable != job->stoppable)
		panel_go_home(panel);
}

void panel_take_job(struct panel *panel, const struct panel_job *job)
{
	struct panel_job before = panel->job;
	bool repeated = job->id == before.id && job->state == before.state;
	bool nothing_new = repeated || (job->state == 0 && !panel_job_active(&before));
	if (nothing_new && !panel_job_active(job))
		return;
	panel->job = *job;
	if (panel_job_active(job))
		job_goes_on(panel, &before);
	else if (job->state != 0)
		job_ended(panel);
	else if (panel_job_active(&before) && shows_job(panel))
		panel_go_home(panel);
}

/* ---- offers and refusals ---- */

static bool choosing(const struct panel *panel, enum panel_purpose purpose)
{
	return panel->purpose == purpose && keeps_choice(panel->mode) && panel->mode != PANEL_STARTING;
}

/* Where the two holds are for something that is no longer on offer, they must begin again. */
void panel_take_offer(
	struct panel *panel, struct panel_offer *mine, enum panel_purpose purpose, const struct panel_offer *offer)
{
	bool unlocked = panel->mode == PANEL_STARTING && panel->purpose == PANEL_FOR_UNLOCK;
	*mine = *offer;
	if (choosing(panel, purpose) && panel->chosen.id != offer->id)
		panel_notice(panel, TEXT_CHANGED);
	else if (unlocked && purpose == PANEL_FOR_UNLOCK && offer->id == 0)
		panel_go_home(panel);
}

void panel_take_refusal(struct panel *panel, enum panel_refusal refusal)
{
	static const enum panel_text texts[PANEL_REFUSAL_COUNT] = {
		[PANEL_REFUSED_BUSY] = TEXT_REFUSED_BUSY,
		[PANEL_REFUSED_GONE] = TEXT_REFUSED_GONE,
		[PANEL_REFUSED_OTHER] = TEXT_REFUSED_OTHER,
	};
	if (panel->mode == PANEL_STARTING)
		panel_notice(panel, texts[(unsigned)refusal < PANEL_REFUSAL_COUNT ? refusal : PANEL_REFUSED_OTHER]);
	else if (panel->mode == PANEL_STOPPING && panel->job.state != JOB_STOPPING)
		panel_notice(panel, TEXT_TOO_LATE);
}
