/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/box.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/base/now.h"
#include "agent/base/say.h"
#include "agent/base/small_file.h"
#include "agent/config/trust.h"
#include "agent/job/explain.h"
#include "agent/job/names.h"
#include "agent/store/records.h"
#include "agent/upkeep/volumes.h"
#include "hal/linux/clock_kernel.h"

#define CLOCK_MS 10000
#define AWAY_MS 2000 /* while a volume is not there */
#define FIRST_CLEAN_MS 3600000
#define FIRST_SCRUB_MS (2 * FIRST_CLEAN_MS)
#define DAY_MS 86400000
#define LAST_RUN "schedule" /* the small file that says when the schedule last ran */

/* ---- what the engine stands on ---- */

static int read_record(void *arg, const char *name, void *bytes, size_t size)
{
	const struct box *box = arg;
	return records_read(&box->store, name, bytes, size);
}

static int write_record(void *arg, const char *name, const void *bytes, size_t size)
{
	const struct box *box = arg;
	return records_write(&box->store, name, bytes, size);
}

static void refresh(void *arg)
{
	struct box *box = arg;
	store_keep_time(&box->store);
	box->held_back = box->store.clock.held_back;
	for (uint32_t i = 0; i < box->store.count; i++)
		if (box->store.stories[i].repository)
			repository_keep_suspects(box->store.stories[i].repository);
	shelf_refresh(&box->shelf, &box->store);
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

/* ---- volumes that come and go ---- */

#define AGAIN_MAX 3 /* a volume that fails as often as it comes back is not tried for ever */

/* Before a job, which has nothing in hand yet. */
static void settle(void *arg)
{
	struct box *box = arg;
	store_look(&box->store, true);
}

static bool is_gone(int error)
{
	return error == -ENODEV || error == -EIO || error == -ENXIO;
}

/* To whoever reads it, a disk that was pulled looks as one that is damaged everywhere. Opened anew, it tells. */
static bool has_failed(struct store *store, uint32_t volume, struct job_outcome *outcome)
{
	char doing[80];
	if (!is_gone(outcome->store_error) && outcome->store_error != -EBADMSG)
		return false;
	if (store->stories[volume].repository)
		repository_keep_suspects(store->stories[volume].repository); /* what was found damaged stays known */
	store_reopen(store, volume);
	if (is_gone(outcome->store_error))
		return true;
	if (!is_gone(store->volumes[volume].error))
		return false;
	outcome->store_error = -EIO;
	snprintf(doing, sizeof(doing), "reading from %s", store->config->volumes[volume].name);
	explain_storage_error(
		-EIO, doing, outcome->sentence, sizeof(outcome->sentence), outcome->remedy, sizeof(outcome->remedy));
	return true;
}

/* What only adds to a volume begins afresh by itself; what changes a server does not, hours later. */
static bool job_failed(void *arg, const struct job_request *request, struct job_report *report, uint8_t wait_for[16])
{
	struct box *box = arg;
	bool again = false;
	for (size_t i = 0; i < report->outcome_count; i++) {
		struct job_outcome *outcome = &report->outcomes[i];
		int volume = outcome->volume[0] ? store_find(&box->store, outcome->volume) : (int)box->store.home;
		if (volume < 0 || (uint32_t)volume >= box->store.count || !has_failed(&box->store, (uint32_t)volume, outcome))
			continue;
		memcpy(wait_for, box->store.volumes[volume].id, sizeof(box->store.volumes[volume].id));
		again = (request->kind == JOB_BACKUP || request->kind == JOB_COPY) && request->again < AGAIN_MAX;
	}
	return again;
}

/* A backup needs no particular volume: where there is another one, it goes there. */
static bool may_begin(void *arg, const struct job_request *request)
{
	const struct box *box = arg;
	if (store_find_repository(&box->store, request->wait_for) >= 0)
		return true;
	for (uint32_t i = 0; i < box->store.count && request->kind == JOB_BACKUP; i++)
		if (box->store.stories[i].repository && !box->store.volumes[i].foreign)
			return true;
	return false;
}

static int start_engine(struct box *box)
{
	struct engine_ground ground = {
		.backup = backup_run,
		.restore = restore_each,
		.undo = restore_each,
		.verify = verify_each,
		.keep = keep_each,
		.prune = prune_each,
		.clean = clean_each,
		.scrub = scrub_each,
		.copy = copy_run,
		.recover = recover_each,
		.config = &box->config,
		.volumes = box->store.stories,
		.volume_count = box->store.count,
		.arg = box,
		.settle = settle,
		.failed = job_failed,
		.may_begin = may_begin,
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

/* A full queue makes it wait, and not fail: a night without a backup would be the price of many copies. */
static void run_if_due(struct box *box, const char *why)
{
	if (!box->backup_due || engine_room(box->engine) == 0)
		return;
	box->backup_due = false;
	run_scheduled(box, why);
}

static void look_after_store(struct engine_look *look, const struct job_context *context)
{
	struct box *box = (struct box *)(void *)((char *)look - offsetof(struct box, store_look));
	store_keep_time(&box->store);
	box->held_back = box->store.clock.held_back;
	if (store_look(&box->store, !context->busy))
		shelf_refresh(&box->shelf, &box->store);
}

/* Now and then on the engine's thread, so that a day without jobs counts, too, and a disk is found that comes. */
static void ask_to_look(struct box *box)
{
	if (box->service.ending || (box->looking && !engine_look_done(box->engine, &box->store_look)))
		return;
	box->store_look = (struct engine_look){ .run = look_after_store };
	box->looking = true;
	engine_look(box->engine, &box->store_look);
}

static void confirm_time(struct engine_look *look, const struct job_context *context)
{
	struct box *box = (struct box *)(void *)((char *)look - offsetof(struct box, confirm_time));
	(void)context;
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
	struct job_progress progress;
	if (!box->scheduled || box->service.ending)
		return;
	box->backup_due |= schedule_look(&box->schedule, wall_now(box));
	run_if_due(box, "");
	run_daily(box, JOB_CLEAN, &box->clean_at);
	if (box->config.scrub_days)
		run_daily(box, JOB_SCRUB, &box->scrub_at);
	if (!engine_progress(box->engine, &progress)) /* a backup brings copies along by itself */
		catch_up_look(&box->catch_up, &box->service, clock_monotonic(box->clock));
	ask_to_look(box);
}

/* For a volume: whoever plugs a disk in wants to see that it is taken. */
static bool is_waiting(struct box *box)
{
	struct shelf_volume volume;
	bool away = false;
	for (size_t i = 0; !away && shelf_volume(&box->shelf, i, &volume) == 0; i++)
		away = !volume.there;
	return away;
}

static void clock_due(void *arg)
{
	struct box *box = arg;
	box_look_at_clock(box);
	loop_timer_set(&box->loop, &box->clock_timer, is_waiting(box) ? AWAY_MS : CLOCK_MS);
}

static void start_schedule(struct box *box)
{
	int64_t now = wall_now(box);
	box->clean_at = clock_monotonic(box->clock) + FIRST_CLEAN_MS;
	box->scrub_at = clock_monotonic(box->clock) + FIRST_SCRUB_MS;
	schedule_start(&box->schedule, box->config.times, box->config.time_count, now);
	box->clock_timer = (struct loop_timer){ .due = clock_due, .arg = box };
	loop_timer_set(&box->loop, &box->clock_timer, CLOCK_MS);
	box->backup_due = box->config.time_count > 0 &&
		schedule_missed(box->config.times, box->config.time_count, last_run(box, now), now);
	run_if_due(box, ", which was missed while the box was off");
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
static void warn_of_mode(const struct box *box)
{
	struct repository_status status;
	if (repository_status(store_home(&box->store), &status) < 0 || status.append_only == box->config.append_only)
		return;
	say(SAY_WARNING, "append_only = %s in the configuration, but the store was made %s, and stays so.",
		box->config.append_only ? "yes" : "no", status.append_only ? "append-only" : "normal");
}

/* No error where another volume is there. */
static void warn_of_missing(const struct box *box)
{
	for (uint32_t i = 0; i < box->store.count; i++)
		if (!box->store.stories[i].repository)
			say(SAY_WARNING, "The volume %s is not there: %s %s", box->config.volumes[i].name,
				box->store.volumes[i].sentence, box->store.volumes[i].remedy);
		else if (box->store.volumes[i].foreign)
			say(SAY_WARNING,
				"The store in %s is another box's: it is only read. coffret take-over makes it this one's.",
				box->config.volumes[i].path);
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
		.store = &box->store,
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
	warn_of_missing(box);
	shelf_refresh(&box->shelf, &box->store); /* the engine's thread has it from here on */
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
	if (box->looking)
		engine_drop(box->engine, &box->store_look);
	if (box->confirming_time)
		engine_drop(box->engine, &box->confirm_time);
	box->looking = box->confirming_time = false;
	api_close(&box->api);
	check_close(&box->check);
	engine_stop(box->engine);
	audit_close(&box->audit);
	store_close(&box->store);
}
