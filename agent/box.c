/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/names.h"
#include "agent/now.h"
#include "agent/say.h"
#include "agent/small_file.h"
#include "agent/trust.h"
#include "hal/linux/clock_kernel.h"

#define CLOCK_MS 10000
#define FIRST_CLEAN_MS 3600000
#define FIRST_SCRUB_MS (2 * FIRST_CLEAN_MS)
#define DAY_MS 86400000
#define KEEP_TIME_MS 600000 /* between looks whether box time is to be written; the store decides */
#define LAST_RUN "schedule" /* the small file that says when the schedule last ran */

/* ---- what the engine stands on ---- */

/* On the volume, sealed with its key: what a job was doing to a server is told by whoever has the snapshots. */
static int read_record(void *arg, const char *name, void *bytes, size_t size)
{
	const struct box *box = arg;
	return repository_state_read(box->store.repository, name, bytes, size);
}

static int write_record(void *arg, const char *name, const void *bytes, size_t size)
{
	const struct box *box = arg;
	return repository_state_write(box->store.repository, name, bytes, size);
}

static void refresh(void *arg, struct repository *repository)
{
	struct box *box = arg;
	store_keep_time(&box->store);
	box->held_back = box->store.clock.held_back;
	repository_keep_suspects(repository);
	shelf_refresh(&box->shelf, repository);
}

static int write_audit(
	void *arg, const struct job_request *request, const char *event, const char *what, const char *result)
{
	struct box *box = arg;
	struct audit_record record;
	audit_begin(&record, event);
	audit_add(&record, "who", request->asked_by);
	audit_add(&record, "by", job_origin_name(request->origin));
	audit_add(&record, "what", what);
	audit_add(&record, "result", result);
	return audit_write(&box->audit, &record, (int64_t)time(NULL));
}

static void settle(void *arg, const struct job_request *request, struct job_context *context)
{
	const struct box *box = arg;
	(void)request;
	context->volume = &box->config.volumes[0];
}

static int start_engine(struct box *box)
{
	struct engine_ground ground = {
		.backup = backup_run,
		.restore = restore_run,
		.undo = undo_run,
		.verify = verify_run,
		.keep = keep_run,
		.prune = prune_run,
		.clean = clean_run,
		.scrub = scrub_run,
		.recover = restore_recover,
		.config = &box->config,
		.repository = box->store.repository,
		.rowgroup = &box->store.rowgroup,
		.arg = box,
		.settle = settle,
		.record_read = read_record,
		.record_write = write_record,
		.audit = write_audit,
		.refresh = refresh,
	};
	return engine_start(&box->engine, &ground);
}

/* ---- what happens in the loop ---- */

static void tell_changed(struct box *box)
{
	service_tell_ended(&box->service);
	api_changed(&box->api);
	if (box->changed)
		box->changed(box->changed_arg);
	if (box->service.ending && engine_idle(box->engine))
		loop_quit(&box->loop);
}

static void engine_ready(void *arg, short revents)
{
	struct box *box = arg;
	(void)revents;
	engine_seen(box->engine);
	tell_changed(box);
}

static void check_ready(void *arg, short revents)
{
	struct box *box = arg;
	uint64_t count;
	(void)revents;
	if (read(box->check.event, &count, sizeof(count)) > 0)
		api_changed(&box->api);
}

/* ---- the schedule ---- */

static int64_t wall_now(const struct box *box)
{
	struct clock_wall wall;
	clock_wall(box->clock, &wall);
	return wall.seconds;
}

static void remember_run(struct box *box, int64_t when)
{
	char text[32];
	int size = snprintf(text, sizeof(text), "%lld\n", (long long)when);
	small_file_write(box->config.state_directory, LAST_RUN, text, (size_t)size);
}

/* When it last ran; now, where it never did: a new box has missed nothing. */
static int64_t last_run(struct box *box, int64_t now)
{
	char text[32] = "";
	if (small_file_read(box->config.state_directory, LAST_RUN, text, sizeof(text) - 1) > 0)
		return strtoll(text, NULL, 10);
	remember_run(box, now);
	return now;
}

static void run_scheduled(struct box *box, const char *why)
{
	struct job_request request = { .kind = JOB_BACKUP, .origin = ORIGIN_SCHEDULE, .asked_by = "schedule" };
	uint64_t id;
	remember_run(box, wall_now(box));
	int result = service_submit(&box->service, &request, &id);
	if (result == 0)
		say(SAY_INFO, "Job %llu: the scheduled backup%s.", (unsigned long long)id, why);
	else
		say(SAY_WARNING, "The scheduled backup was not begun: %s.", strerror(-result));
}

static void keep_time(struct engine_look *look, struct repository *repository)
{
	struct box *box = (struct box *)(void *)((char *)look - offsetof(struct box, keep_time));
	(void)repository;
	store_keep_time(&box->store);
	box->held_back = box->store.clock.held_back;
}

/* Now and then on the engine's thread, so that a day without jobs counts, too. */
static void ask_to_keep_time(struct box *box)
{
	if (box->service.ending || (box->keeping_time && !engine_look_done(box->engine, &box->keep_time)))
		return;
	box->keep_time = (struct engine_look){ .run = keep_time };
	box->keeping_time = true;
	engine_look(box->engine, &box->keep_time);
}

static void confirm_time(struct engine_look *look, struct repository *repository)
{
	struct box *box = (struct box *)(void *)((char *)look - offsetof(struct box, confirm_time));
	(void)repository;
	store_confirm_time(&box->store);
	box->held_back = box->store.clock.held_back;
}

void box_confirm_time(struct box *box)
{
	if (box->service.ending || (box->confirming_time && !engine_look_done(box->engine, &box->confirm_time)))
		return;
	box->confirm_time = (struct engine_look){ .run = confirm_time };
	box->confirming_time = true;
	engine_look(box->engine, &box->confirm_time);
}

/* Once a day of the clock that only goes forward. */
static void run_daily(struct box *box, enum job_kind kind, int64_t *at)
{
	struct job_request request = { .kind = kind, .origin = ORIGIN_SCHEDULE, .asked_by = "schedule" };
	int64_t now_ms = clock_monotonic(box->clock);
	uint64_t id;
	if (now_ms < *at)
		return;
	*at = now_ms + DAY_MS;
	service_submit(&box->service, &request, &id);
}

void box_look_at_clock(struct box *box)
{
	if (!box->scheduled || box->service.ending)
		return;
	if (schedule_look(&box->schedule, wall_now(box)))
		run_scheduled(box, "");
	run_daily(box, JOB_CLEAN, &box->clean_at);
	if (box->config.scrub_days)
		run_daily(box, JOB_SCRUB, &box->scrub_at);
	if (clock_monotonic(box->clock) - box->time_asked < KEEP_TIME_MS)
		return;
	box->time_asked = clock_monotonic(box->clock);
	ask_to_keep_time(box);
}

static void clock_due(void *arg)
{
	struct box *box = arg;
	box_look_at_clock(box);
	loop_timer_set(&box->loop, &box->clock_timer, CLOCK_MS);
}

static void start_schedule(struct box *box)
{
	int64_t now = wall_now(box);
	box->time_asked = clock_monotonic(box->clock);
	box->clean_at = clock_monotonic(box->clock) + FIRST_CLEAN_MS;
	box->scrub_at = clock_monotonic(box->clock) + FIRST_SCRUB_MS;
	schedule_start(&box->schedule, box->config.times, box->config.time_count, now);
	box->clock_timer = (struct loop_timer){ .due = clock_due, .arg = box };
	loop_timer_set(&box->loop, &box->clock_timer, CLOCK_MS);
	if (box->config.time_count > 0 &&
		schedule_missed(box->config.times, box->config.time_count, last_run(box, now), now))
		run_scheduled(box, ", which was missed while the box was off");
}

/* ---- together ---- */

/* The schedule, and all times that are shown, are in the configured zone. Before any thread is started. */
static void set_time_zone(const struct config *config)
{
	if (config->timezone[0])
		setenv("TZ", config->timezone, 1);
	tzset();
}

static int open_logs(struct box *box, char *sentence, size_t size)
{
	int result = audit_open(&box->audit, box->config.state_directory);
	if (result == -EBADMSG)
		snprintf(sentence, size, "The end of the audit log in %s is damaged; move the file away, and keep it.",
			box->config.state_directory);
	else if (result < 0)
		snprintf(sentence, size, "The audit log in %s cannot be opened: %s.", box->config.state_directory,
			strerror(-result));
	if (result < 0)
		return result;
	int dropped = trust_apply(&box->config);
	if (dropped < 0)
		snprintf(sentence, size, "What servers are trusted cannot be read from %s: %s.", box->config.state_directory,
			strerror(-dropped));
	else if (dropped > 0)
		say(SAY_WARNING,
			"%d server%s changed in the configuration and their passwords are not used: see coffret status, "
			"and coffret trust.",
			dropped, dropped == 1 ? " was" : "s were");
	return dropped < 0 ? dropped : 0;
}

/* The mode is the store's, for good; who writes another one into the configuration is told that it changes nothing. */
static void warn_of_mode(struct box *box)
{
	struct repository_status status;
	if (repository_status(box->store.repository, &status) < 0 || status.append_only == box->config.append_only)
		return;
	say(SAY_WARNING, "append_only = %s in the configuration, but the store was made %s, and stays so.",
		box->config.append_only ? "yes" : "no", status.append_only ? "append-only" : "normal");
}

static void wire(struct box *box, bool scheduled)
{
	box->scheduled = scheduled;
	box->service = (struct service){
		.config = &box->config,
		.engine = box->engine,
		.shelf = &box->shelf,
		.audit = &box->audit,
		.check = &box->check,
		.schedule = scheduled ? &box->schedule : NULL,
		.held_back = &box->held_back,
		.started = (int64_t)time(NULL),
	};
	loop_add(&box->loop, engine_fd(box->engine), POLLIN, engine_ready, box);
	loop_add(&box->loop, box->check.event, POLLIN, check_ready, box);
	if (scheduled)
		start_schedule(box);
}

int box_open(struct box *box, bool scheduled, char *sentence, size_t sentence_size, char *remedy, size_t remedy_size)
{
	static struct clock kernel_clock = { &kernel_clock_ops };
	sentence[0] = remedy[0] = '\0';
	box->clock = box->clock ? box->clock : &kernel_clock;
	loop_init(&box->loop);
	shelf_init(&box->shelf);
	box->shelf.retention = box->config.retention;
	api_init(&box->api, &box->loop, &service_ops, &box->service);
	box->audit.file = box->audit.directory = -1;
	set_time_zone(&box->config);
	int result = check_init(&box->check);
	if (result == 0)
		result = store_open(&box->store, &box->config, box->clock);
	if (result < 0) {
		snprintf(sentence, sentence_size, "%s", box->store.sentence);
		snprintf(remedy, remedy_size, "%s", box->store.remedy);
		return result;
	}
	result = open_logs(box, sentence, sentence_size);
	if (result < 0)
		return result;
	warn_of_mode(box);
	shelf_refresh(&box->shelf, box->store.repository); /* the engine's thread has it from here on */
	box->held_back = box->store.clock.held_back;
	result = start_engine(box);
	if (result < 0)
		snprintf(sentence, sentence_size, "The job engine cannot be started: %s.", strerror(-result));
	else
		wire(box, scheduled);
	return result;
}

void box_end(struct box *box)
{
	box->service.ending = true;
	engine_quit(box->engine);
	if (engine_idle(box->engine))
		loop_quit(&box->loop);
}

void box_close(struct box *box)
{
	if (box->engine) {
		engine_quit(box->engine);
		while (!engine_idle(box->engine)) {
			struct pollfd event = { engine_fd(box->engine), POLLIN, 0 };
			poll(&event, 1, 1000);
			engine_seen(box->engine);
		}
		service_tell_ended(&box->service);
	}
	if (box->keeping_time)
		engine_drop(box->engine, &box->keep_time);
	if (box->confirming_time)
		engine_drop(box->engine, &box->confirm_time);
	box->keeping_time = box->confirming_time = false;
	api_close(&box->api);
	check_close(&box->check);
	engine_stop(box->engine);
	audit_close(&box->audit);
	store_close(&box->store);
}
