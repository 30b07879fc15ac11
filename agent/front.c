/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/front.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "agent/base/now.h"
#include "agent/base/say.h"
#include "agent/job/server.h"
#include "agent/panel/panel_board.h"
#include "board/board.h"

enum { TICK_MAX_MS = 1000, LOW_PERCENT = 5, FULL_PERCENT = 1 };

static void give(struct front *front, struct panel_event *event);

/* ---- how far ---- */

struct share {
	int from, span; /* percent of the whole job */
};

static struct share find_share(enum job_kind kind, enum job_phase phase)
{
	static const struct share backup[] = { [JOB_PHASE_READ] = { 0, 97 }, [JOB_PHASE_SEAL] = { 97, 3 } };
	static const struct share restore[] = { [JOB_PHASE_CHECK] = { 0, 15 },
		[JOB_PHASE_CONNECT] = { 15, 0 },
		[JOB_PHASE_LOCK] = { 15, 2 },
		[JOB_PHASE_SAFETY] = { 17, 28 },
		[JOB_PHASE_PLAN] = { 45, 0 },
		[JOB_PHASE_PREPARE] = { 45, 2 },
		[JOB_PHASE_WRITE] = { 47, 33 },
		[JOB_PHASE_PUT_BACK] = { 80, 2 },
		[JOB_PHASE_READ_BACK] = { 82, 16 },
		[JOB_PHASE_COMMIT] = { 98, 1 },
		[JOB_PHASE_STATISTICS] = { 99, 1 } };
	static const struct share verify[] = { [JOB_PHASE_VERIFY] = { 0, 100 } };
	static const struct share none = { -1, 0 };
	unsigned int at = phase;
	if (kind == JOB_VERIFY)
		return at < sizeof(verify) / sizeof(verify[0]) ? verify[at] : none;
	if (kind == JOB_BACKUP)
		return at < sizeof(backup) / sizeof(backup[0]) ? backup[at] : none;
	return at < sizeof(restore) / sizeof(restore[0]) ? restore[at] : none;
}

int front_percent(enum job_kind kind, const struct job_progress *progress)
{
	struct share share = find_share(kind, progress->phase);
	if (share.from < 0 || (share.from == 0 && share.span == 0) || (share.span > 2 && progress->expected == 0))
		return -1;
	uint64_t done = progress->done < progress->expected ? progress->done : progress->expected;
	double part = progress->expected ? (double)done / (double)progress->expected : 0;
	return share.from + (int)(part * share.span);
}

int front_eta(const struct job_progress *progress, int64_t now_ms)
{
	int64_t spent = now_ms - progress->phase_started;
	if (progress->expected == 0 || progress->done == 0 || progress->done > progress->expected || spent < 2000)
		return -1;
	double left = (double)(progress->expected - progress->done) * (double)spent / (double)progress->done / 1000;
	return left > 86400 ? -1 : (int)left;
}

/* ---- what the panel is told ---- */

/* Housekeeping is no news for the front of the box. */
static bool is_shown(const struct job_info *info)
{
	return info->request.kind <= JOB_VERIFY;
}

static void tell_running(struct front *front)
{
	struct panel_event event = { .kind = PANEL_JOB };
	struct job_progress progress;
	struct job_info info;
	uint64_t id = engine_progress(front->box->engine, &progress);
	if (id == 0 || engine_job(front->box->engine, id, &info) < 0 || info.state >= JOB_DONE || !is_shown(&info)) {
		event.job = front->ended;
	} else {
		event.job = (struct panel_job){ .id = id,
			.kind = info.request.kind,
			.state = info.state,
			.phase = progress.phase,
			.origin = info.request.origin,
			.percent = front_percent(info.request.kind, &progress),
			.eta_seconds = front_eta(&progress, now_ms()),
			.stoppable = !info.committing };
		panel_set_name(event.job.name, progress.database[0] ? progress.database : info.request.database);
	}
	give(front, &event);
}

/* Only of a refusal: what was undone after it had begun is another matter. */
static enum panel_reason reason_of(const struct job_outcome *outcome)
{
	if (outcome->error.kind == SQL_ERROR_BUSY)
		return PANEL_IN_USE;
	if (outcome->error.kind == SQL_ERROR_DAMAGED)
		return PANEL_UNREADABLE;
	return outcome->consent == CONSENT_WITHOUT_SAFETY ? PANEL_NO_SAFETY : PANEL_NO_REASON;
}

static void take_ended(struct front *front, const struct job_info *info)
{
	struct job_outcome outcome;
	struct panel_job *job = &front->ended;
	*job = (struct panel_job){ .id = info->id,
		.kind = info->request.kind,
		.state = info->state,
		.origin = info->request.origin,
		.percent = -1,
		.eta_seconds = -1 };
	bool changes = info->request.kind == JOB_RESTORE || info->request.kind == JOB_UNDO;
	if (changes && info->state == JOB_DONE && !info->request.what_if)
		job->undo = info->safety;
	bool there = engine_outcome(front->box->engine, info->id, 0, &outcome) == 0;
	panel_set_name(job->name, there ? outcome.database : info->request.database);
	if (changes && there && info->state == JOB_FAILED)
		job->reason = reason_of(&outcome);
	if (info->request.kind == JOB_BACKUP)
		front->last_backup = info->state == JOB_DONE ? SQL_OK : there ? outcome.error.kind : SQL_ERROR_SERVER;
}

static void look_for_ended(struct front *front)
{
	struct job_info jobs[ENGINE_HISTORY_MAX + ENGINE_QUEUE_MAX + 1];
	size_t count = engine_jobs(front->box->engine, jobs, sizeof(jobs) / sizeof(jobs[0]));
	const struct job_info *last = NULL;
	for (size_t i = 0; i < count; i++)
		if (jobs[i].state >= JOB_DONE && is_shown(&jobs[i]))
			last = &jobs[i];
	if (!last || (last->id == front->last_ended && last->state == front->ended.state))
		return;
	front->last_ended = last->id;
	take_ended(front, last);
}

/* ---- the offer ---- */

static struct panel_date local_date(int64_t instant)
{
	time_t when = (time_t)instant;
	struct tm local;
	if (instant <= 0 || !localtime_r(&when, &local))
		return (struct panel_date){ 0 };
	return (struct panel_date){ local.tm_mon + 1, local.tm_mday, local.tm_hour, local.tm_min };
}

/* What RESTORE puts back: the first database that a restore login is configured for and that has a good backup. */
static bool find_offer(struct front *front, struct shelf_entry *entry)
{
	const struct config *config = &front->box->config;
	const char *databases[CONFIG_DATABASES_MAX];
	char subject[136];
	for (uint32_t i = 0; i < config->server_count; i++) {
		const struct server_config *server = &config->servers[i];
		size_t count = server->restore.login[0] ? server_databases(server, "", true, databases) : 0;
		for (size_t j = 0; j < count; j++) {
			server_subject(server, databases[j], subject, sizeof(subject));
			if (shelf_newest(&front->box->shelf, subject, SNAPSHOT_BACKUP, entry) == 0)
				return true;
		}
	}
	return false;
}

static void tell_offer(struct front *front)
{
	struct panel_event event = { .kind = PANEL_OFFER };
	char server[SERVER_NAME_SIZE], database[DATABASE_NAME_SIZE];
	struct shelf_entry entry;
	if (find_offer(front, &entry) && subject_split(entry.info.subject, server, database)) {
		event.offer.id = entry.info.id;
		event.offer.date = local_date(entry.info.wall_time);
		panel_set_name(event.offer.name, database);
	}
	give(front, &event);
}

/* A request from far away that waits for two holds, or does no longer. */
static void tell_unlock(struct front *front)
{
	const struct consent *consent = &front->box->service.consent;
	struct panel_event event = { .kind = PANEL_UNLOCK };
	char name[32];
	uint64_t id = consent_waits(consent, now_ms()) ? consent->id : 0;
	if (id == front->unlock)
		return;
	front->unlock = event.offer.id = id;
	snprintf(name, sizeof(name), "%lld %s", (long long)consent->days, front->panel.texts->days);
	panel_set_name(event.offer.name, name);
	give(front, &event);
}

/* ---- health ---- */

/* Of the database whose newest good backup is oldest; -1: one has none. */
static int64_t oldest_backup(struct front *front)
{
	const struct config *config = &front->box->config;
	struct shelf_entry entry;
	char subject[136];
	int64_t oldest = INT64_MAX;
	for (uint32_t i = 0; i < config->server_count; i++) {
		for (uint32_t j = 0; j < config->servers[i].database_count; j++) {
			server_subject(&config->servers[i], config->servers[i].databases[j], subject, sizeof(subject));
			if (shelf_newest(&front->box->shelf, subject, SNAPSHOT_BACKUP, &entry) < 0)
				return -1;
			if (entry.info.wall_time < oldest)
				oldest = entry.info.wall_time;
		}
	}
	return oldest == INT64_MAX ? -1 : oldest;
}

static enum panel_health server_health(enum sql_error_kind kind)
{
	switch (kind) {
	case SQL_OK:
		return PANEL_HEALTHY;
	case SQL_ERROR_RESOLVE:
	case SQL_ERROR_CONNECT:
	case SQL_ERROR_BROWSER:
	case SQL_ERROR_LOST:
	case SQL_ERROR_STALLED:
	case SQL_ERROR_TIMEOUT:
		return PANEL_SERVER_AWAY;
	case SQL_ERROR_NO_ENCRYPTION:
	case SQL_ERROR_TLS:
	case SQL_ERROR_TLS_OLD:
	case SQL_ERROR_CERTIFICATE:
	case SQL_ERROR_NAME:
	case SQL_ERROR_PIN:
	case SQL_ERROR_REDIRECT:
	case SQL_ERROR_LOGIN:
	case SQL_ERROR_RIGHTS:
		return PANEL_SERVER_REFUSED;
	default:
		return PANEL_HEALTHY;
	}
}

static enum panel_health store_health(struct front *front)
{
	struct repository_status status;
	size_t total;
	if (shelf_status(&front->box->shelf, &status, &total) < 0)
		return PANEL_STORE_DAMAGED;
	if (status.free < status.size / 100 * FULL_PERCENT)
		return PANEL_STORE_FULL;
	if (status.free < status.size / 100 * LOW_PERCENT || status.room < shelf_base(&front->box->shelf))
		return PANEL_STORE_LOW;
	return status.durable ? PANEL_HEALTHY : PANEL_NOT_DURABLE;
}

/* The first of several volumes that is not there. */
static bool find_away(struct front *front, char name[PANEL_NAME_SIZE])
{
	struct shelf_volume volume;
	for (size_t i = 0; shelf_volume(&front->box->shelf, i, &volume) == 0; i++) {
		if (volume.there)
			continue;
		panel_set_name(name, volume.name);
		return true;
	}
	return false;
}

/* What needs somebody comes before what only deserves a look. */
static enum panel_health find_health(struct front *front, int64_t oldest, int64_t now, char name[PANEL_NAME_SIZE])
{
	const struct config *config = &front->box->config;
	enum panel_health store = store_health(front), server = server_health(front->last_backup);
	struct job_info unknown;
	if (engine_unknown(front->box->engine, &unknown, 1) > 0)
		return PANEL_OUTCOME_UNKNOWN;
	if (store == PANEL_STORE_DAMAGED || store == PANEL_STORE_FULL)
		return store;
	if (server != PANEL_HEALTHY)
		return server;
	if (shelf_count(&front->box->shelf, SNAPSHOT_DAMAGED))
		return PANEL_DAMAGED;
	if (shelf_count(&front->box->shelf, SNAPSHOT_SUSPECT))
		return PANEL_SUSPECT;
	if (oldest < 0)
		return PANEL_NO_BACKUP;
	if (config->time_count > 0 && schedule_missed(config->times, config->time_count, oldest, now))
		return PANEL_BACKUP_OLD;
	return store != PANEL_HEALTHY ? store : find_away(front, name) ? PANEL_VOLUME_AWAY : PANEL_HEALTHY;
}

static void tell_status(struct front *front)
{
	struct panel_event event = { .kind = PANEL_STATUS };
	struct clock_wall wall;
	int64_t oldest = oldest_backup(front);
	clock_wall(board.clock, &wall);
	event.status.health = find_health(front, oldest, wall.seconds, event.status.name);
	event.status.backup_age_hours = oldest < 0 ? -1 : wall.seconds < oldest ? 0 : (int)((wall.seconds - oldest) / 3600);
	give(front, &event);
}

static void box_changed(void *arg)
{
	struct front *front = arg;
	look_for_ended(front);
	tell_running(front);
	tell_offer(front);
	tell_status(front);
}

/* ---- what the panel asks ---- */

static bool find_subject(struct front *front, uint64_t id, struct job_request *request)
{
	struct shelf_entry entry;
	for (size_t i = 0; shelf_get(&front->box->shelf, i, &entry) == 0; i++)
		if (entry.info.id == id)
			return subject_split(entry.info.subject, request->server, request->database);
	return false;
}

static void ask_for(struct front *front, enum job_kind kind, uint64_t id)
{
	struct job_request request = { .kind = kind, .snapshot = id, .origin = ORIGIN_PANEL, .asked_by = "panel" };
	struct panel_event event = { .kind = PANEL_REFUSED, .refusal = PANEL_REFUSED_GONE };
	uint64_t job;
	if (find_subject(front, id, &request)) {
		int result = service_submit(&front->box->service, &request, &job);
		if (result == 0) {
			say(SAY_NOTICE, "Job %llu: asked for at the front panel.", (unsigned long long)job);
			return;
		}
		event.refusal = result == -EALREADY || result == -ENOSPC ? PANEL_REFUSED_BUSY : PANEL_REFUSED_OTHER;
	}
	give(front, &event);
}

static void ask_stop(struct front *front)
{
	struct panel_event event = { .kind = PANEL_REFUSED, .refusal = PANEL_REFUSED_OTHER };
	if (service_cancel(&front->box->service, 0, "panel", ORIGIN_PANEL) < 0)
		give(front, &event);
}

static void unlock(struct front *front, uint64_t id)
{
	struct panel_event gone = { .kind = PANEL_REFUSED, .refusal = PANEL_REFUSED_GONE };
	struct service *service = &front->box->service;
	if (!consent_take(&service->consent, id, now_ms())) {
		give(front, &gone);
		return;
	}
	service_unlocked(service);
	box_confirm_time(front->box);
	tell_unlock(front);
}

static void act(struct front *front, const struct panel_output *output)
{
	switch (output->request) {
	case PANEL_NOTHING:
		return;
	case PANEL_ASK_RESTORE:
		ask_for(front, JOB_RESTORE, output->id);
		return;
	case PANEL_ASK_UNDO:
		ask_for(front, JOB_UNDO, output->id);
		return;
	case PANEL_ASK_STOP:
		ask_stop(front);
		return;
	case PANEL_ASK_UNLOCK:
		unlock(front, output->id);
		return;
	}
}

/* ---- the panel's steps ---- */

static void give(struct front *front, struct panel_event *event)
{
	struct panel_output output;
	if (!event->now_ms)
		event->now_ms = clock_monotonic(board.clock);
	panel_event(&front->panel, event, &output);
	panel_board_show(&board.panel, &output);
	int64_t wait = output.wake_ms - clock_monotonic(board.clock);
	loop_timer_set(&front->box->loop, &front->tick, wait < TICK_MAX_MS ? wait : TICK_MAX_MS);
	act(front, &output);
}

static void tick(void *arg)
{
	struct front *front = arg;
	struct panel_event event = { .kind = PANEL_TICK };
	struct job_progress progress;
	give(front, &event);
	tell_unlock(front);
	if (engine_progress(front->box->engine, &progress))
		tell_running(front);
}

static void board_ready(void *arg, short revents)
{
	struct front *front = arg;
	struct panel_event event;
	(void)revents;
	board_service();
	while (panel_board_event(&board.panel, &event) == 1)
		give(front, &event);
	box_look_at_clock(front->box);
	tick(front);
}

int front_start(struct front *front, struct box *box)
{
	struct board_options options = { .panel_socket = box->config.panel_socket };
	struct panel_event booted = { .kind = PANEL_BOOTED };
	memset(front, 0, sizeof(*front));
	front->box = box;
	front->tick = (struct loop_timer){ .due = tick, .arg = front };
	int result = board_start(&options);
	if (result < 0)
		return result;
	panel_init(&front->panel, NULL, panel_texts_find(box->config.language), clock_monotonic(board.clock));
	if (board_fd() >= 0)
		result = loop_add(&box->loop, board_fd(), POLLIN, board_ready, front);
	if (result < 0)
		return result;
	box->service.has_panel = board.panel.restore != NULL;
	box->changed = box_changed;
	box->changed_arg = front;
	box_changed(front);
	give(front, &booted);
	return 0;
}

void front_stop(struct front *front)
{
	if (!front->box)
		return;
	front->box->changed = NULL;
	loop_timer_stop(&front->box->loop, &front->tick);
	if (board_fd() >= 0)
		loop_remove(&front->box->loop, board_fd());
	board_stop();
	front->box = NULL;
}
