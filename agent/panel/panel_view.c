/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a state looks like. The text alone says everything that the lights say: no two states share their text and differ
 * in their lights (the test holds us to it).
 */
#include "agent/panel/panel_modes.h"

#define PAGE_MS 1500 /* lines that take turns */

struct lights {
	enum led_pattern ready, action, attention;
};

/* A pair of lines, or two first lines that take turns. */
struct words {
	enum panel_text first, turn, second;
};

static const struct lights mode_lights[PANEL_MODE_COUNT] = {
	[PANEL_BOOT] = { LED_PULSE, LED_OFF, LED_OFF },
	[PANEL_IDLE] = { LED_ON, LED_OFF, LED_OFF },
	[PANEL_NOTICE] = { LED_OFF, LED_PULSE, LED_OFF },
	[PANEL_FIRST] = { LED_OFF, LED_FAST, LED_OFF },
	[PANEL_RELEASE] = { LED_OFF, LED_ON, LED_OFF },
	[PANEL_ARMED] = { LED_OFF, LED_SLOW, LED_OFF },
	[PANEL_SECOND] = { LED_OFF, LED_FAST, LED_OFF },
	[PANEL_STARTING] = { LED_OFF, LED_PULSE, LED_OFF },
	[PANEL_RUNNING] = { LED_PULSE, LED_OFF, LED_OFF },
	[PANEL_STOP] = { LED_OFF, LED_FAST, LED_OFF },
	[PANEL_STOPPING] = { LED_OFF, LED_SLOW, LED_OFF },
	[PANEL_RESULT] = { LED_ON, LED_SLOW, LED_OFF },
	[PANEL_STUCK] = { LED_OFF, LED_OFF, LED_FAST },
};

static const enum panel_text health_text[PANEL_HEALTH_COUNT] = {
	[PANEL_HEALTHY] = TEXT_HEALTHY,
	[PANEL_NO_BACKUP] = TEXT_NO_BACKUP,
	[PANEL_BACKUP_OLD] = TEXT_BACKUP_OLD,
	[PANEL_SERVER_AWAY] = TEXT_SERVER_AWAY,
	[PANEL_STORE_LOW] = TEXT_STORE_LOW,
	[PANEL_NOT_DURABLE] = TEXT_NOT_DURABLE,
	[PANEL_VOLUME_AWAY] = TEXT_VOLUME_AWAY,
	[PANEL_CLOCK_UNSURE] = TEXT_CLOCK_UNSURE,
	[PANEL_DAMAGED] = TEXT_DAMAGED,
	[PANEL_SUSPECT] = TEXT_SUSPECT,
	[PANEL_STORE_FULL] = TEXT_STORE_FULL,
	[PANEL_STORE_DAMAGED] = TEXT_STORE_DAMAGED,
	[PANEL_SERVER_REFUSED] = TEXT_SERVER_REFUSED,
	[PANEL_CONFIG_WRONG] = TEXT_CONFIG_WRONG,
	[PANEL_OUTCOME_UNKNOWN] = TEXT_OUTCOME_UNKNOWN,
};

/* ---- lights ---- */

static struct lights idle_lights(const struct panel *panel)
{
	if (panel->unlock.id)
		return (struct lights){ LED_OFF, LED_SLOW, LED_OFF };
	if (panel->health == PANEL_HEALTHY)
		return mode_lights[PANEL_IDLE];
	if (panel->health < PANEL_STORE_FULL)
		return (struct lights){ LED_ON, LED_OFF, LED_SLOW };
	return (struct lights){ LED_OFF, LED_OFF, LED_ON };
}

static struct lights result_lights(const struct panel_job *result)
{
	if (result->state == JOB_DONE)
		return mode_lights[PANEL_RESULT];
	if (result->state == JOB_CANCELLED)
		return (struct lights){ LED_OFF, LED_SLOW, LED_SLOW };
	if (result->state == JOB_FAILED)
		return (struct lights){ LED_OFF, LED_SLOW, LED_ON };
	return (struct lights){ LED_OFF, LED_SLOW, LED_FAST };
}

static struct lights lights_of(const struct panel *panel)
{
	if (panel->mode == PANEL_IDLE)
		return idle_lights(panel);
	if (panel->mode == PANEL_RESULT)
		return result_lights(&panel->result);
	if (panel->mode == PANEL_STOP && !panel->job.stoppable)
		return mode_lights[PANEL_NOTICE];
	if (panel->mode == PANEL_RUNNING && panel->job.state != JOB_QUEUED && panel_job_changes_server(&panel->job))
		return (struct lights){ LED_PULSE, LED_PULSE, LED_OFF };
	return mode_lights[panel->mode];
}

/* ---- words ---- */

static struct words pair(enum panel_text first)
{
	return (struct words){ first, first, first + 1 };
}

/* One row for each purpose: the words of PANEL_FIRST, PANEL_RELEASE, PANEL_ARMED, PANEL_SECOND. */
static struct words hold_words(const struct panel *panel)
{
	static const enum panel_text first[] = { [PANEL_FOR_RESTORE] = TEXT_FIRST_RESTORE,
		[PANEL_FOR_UNDO] = TEXT_FIRST_UNDO,
		[PANEL_FOR_UNLOCK] = TEXT_FIRST_UNLOCK };
	static const enum panel_text release[] = { [PANEL_FOR_RESTORE] = TEXT_RELEASE_RESTORE,
		[PANEL_FOR_UNDO] = TEXT_RELEASE_UNDO,
		[PANEL_FOR_UNLOCK] = TEXT_RELEASE_UNLOCK };
	static const enum panel_text armed[] = { [PANEL_FOR_RESTORE] = TEXT_ARMED_RESTORE,
		[PANEL_FOR_UNDO] = TEXT_ARMED_UNDO,
		[PANEL_FOR_UNLOCK] = TEXT_ARMED_UNLOCK };
	static const enum panel_text second[] = { [PANEL_FOR_RESTORE] = TEXT_SECOND_RESTORE,
		[PANEL_FOR_UNDO] = TEXT_SECOND_UNDO,
		[PANEL_FOR_UNLOCK] = TEXT_SECOND_UNLOCK };
	bool dated = panel->purpose == PANEL_FOR_RESTORE;
	if (panel->mode == PANEL_FIRST)
		return pair(first[panel->purpose]);
	if (panel->mode == PANEL_SECOND)
		return pair(second[panel->purpose]);
	bool release_now = panel->mode == PANEL_RELEASE;
	struct words words = pair(release_now ? release[panel->purpose] : armed[panel->purpose]);
	if (dated)
		words.turn = release_now ? TEXT_RELEASE_DATE : TEXT_ARMED_DATE;
	return words;
}

static struct words running_words(const struct panel_job *job)
{
	if (job->state == JOB_QUEUED)
		return pair(TEXT_QUEUED);
	switch (job->kind) {
	case JOB_BACKUP:
		return pair(TEXT_RUN_BACKUP);
	case JOB_RESTORE:
		return pair(TEXT_RUN_RESTORE);
	case JOB_UNDO:
		return pair(TEXT_RUN_UNDO);
	default:
		return pair(TEXT_RUN_VERIFY);
	}
}

/* What to do, where whoever stands there can; else that it failed. */
static struct words failed_words(const struct panel_job *result, enum panel_text otherwise)
{
	static const enum panel_text texts[PANEL_REASON_COUNT] = {
		[PANEL_IN_USE] = TEXT_IN_USE, [PANEL_UNREADABLE] = TEXT_UNREADABLE, [PANEL_NO_SAFETY] = TEXT_NO_SAFETY
	};
	bool told = (unsigned)result->reason < PANEL_REASON_COUNT && result->reason != PANEL_NO_REASON;
	return pair(told ? texts[result->reason] : otherwise);
}

static struct words result_words(const struct panel_job *result)
{
	static const struct {
		enum panel_text done, done_undo, failed, cancelled;
	} texts[] = {
		[JOB_BACKUP] = { TEXT_DONE_BACKUP, TEXT_DONE_BACKUP, TEXT_FAILED_BACKUP, TEXT_CANCELLED_BACKUP },
		[JOB_RESTORE] = { TEXT_DONE_RESTORE, TEXT_DONE_RESTORE_UNDO, TEXT_FAILED_RESTORE, TEXT_CANCELLED_RESTORE },
		[JOB_UNDO] = { TEXT_DONE_UNDO, TEXT_DONE_UNDO_UNDO, TEXT_FAILED_UNDO, TEXT_CANCELLED_UNDO },
		[JOB_VERIFY] = { TEXT_DONE_VERIFY, TEXT_DONE_VERIFY, TEXT_FAILED_VERIFY, TEXT_CANCELLED_VERIFY },
	};
	bool known = (unsigned)result->kind - 1 < JOB_VERIFY;
	int kind = known ? (int)result->kind : JOB_VERIFY;
	switch (result->state) {
	case JOB_DONE:
		return pair(result->undo ? texts[kind].done_undo : texts[kind].done);
	case JOB_FAILED:
		return failed_words(result, texts[kind].failed);
	case JOB_CANCELLED:
		return pair(texts[kind].cancelled);
	default:
		return pair(TEXT_UNKNOWN);
	}
}

static struct words words_of(const struct panel *panel)
{
	switch (panel->mode) {
	case PANEL_IDLE:
		return pair(panel->unlock.id ? TEXT_UNLOCK_ASKED : health_text[panel->health]);
	case PANEL_NOTICE:
		return pair(panel->notice);
	case PANEL_FIRST:
	case PANEL_RELEASE:
	case PANEL_ARMED:
	case PANEL_SECOND:
		return hold_words(panel);
	case PANEL_STARTING:
		return pair(TEXT_STARTING);
	case PANEL_RUNNING:
		return running_words(&panel->job);
	case PANEL_STOP:
		return pair(panel->job.stoppable ? TEXT_STOP : TEXT_TOO_LATE);
	case PANEL_STOPPING:
		return pair(TEXT_STOPPING);
	case PANEL_RESULT:
		return result_words(&panel->result);
	case PANEL_STUCK:
		return pair(TEXT_STUCK);
	default:
		return pair(panel->booted && panel->down ? TEXT_BOOT_HELD : TEXT_BOOT);
	}
}

/* ---- what the words name ---- */

static void name_offer(struct panel_values *values, const struct panel_offer *offer)
{
	values->name = offer->name;
	values->others = offer->others;
	values->date = offer->date;
}

static int seconds_left(const struct panel *panel)
{
	int left = panel->rules->armed_ms - panel->armed_ms;
	return panel->mode == PANEL_ARMED ? (left + 999) / 1000 : (panel->rules->hold_ms + 999) / 1000;
}

static struct panel_values values_of(const struct panel *panel)
{
	const struct panel_job *job = panel->mode == PANEL_RESULT ? &panel->result : &panel->job;
	struct panel_values values = {
		.name = job->name,
		.hours = panel->backup_age_hours,
		.seconds = seconds_left(panel),
		.eta_seconds = job->eta_seconds,
		.percent = job->percent,
		.phase = (int)job->phase,
		.bar = panel->held_ms,
		.bar_full = panel->rules->hold_ms,
	};
	if (panel->mode == PANEL_IDLE && !panel->unlock.id)
		values.name = panel->health_name;
	else if (panel->mode == PANEL_IDLE)
		name_offer(&values, &panel->unlock);
	else if (panel->mode == PANEL_NOTICE && panel->notice == TEXT_HINT)
		name_offer(&values, &panel->restore);
	else if (panel->purpose != PANEL_FOR_NOTHING)
		name_offer(&values, &panel->chosen);
	return values;
}

/* ---- when to look again ---- */

static int wait_ms(const struct panel *panel)
{
	const struct panel_rules *rules = panel->rules;
	if (panel->contact != panel->down)
		return rules->debounce_ms - panel->rest_ms;
	if (panel->mode == PANEL_FIRST || panel->mode == PANEL_SECOND || panel->mode == PANEL_STOP)
		return rules->step_ms / 5;
	if (panel->mode == PANEL_RESULT || panel->mode == PANEL_RUNNING || panel->mode == PANEL_IDLE)
		return panel->down ? rules->step_ms : 60000;
	return rules->step_ms;
}

void panel_view(const struct panel *panel, struct panel_output *output)
{
	struct lights lights = lights_of(panel);
	struct words words = words_of(panel);
	struct panel_values values = values_of(panel);
	bool turn = panel->mode_ms / PAGE_MS % 2 == 1;
	output->ready = lights.ready;
	output->action = lights.action;
	output->attention = lights.attention;
	panel_text_format(output->text.line[0], panel->texts, turn ? words.turn : words.first, &values);
	panel_text_format(output->text.line[1], panel->texts, words.second, &values);
	int wait = wait_ms(panel);
	output->wake_ms = panel->now_ms + (wait > 0 ? wait : 1);
}
